// SPDX-License-Identifier: Apache-2.0
// Rules of the ops that make tensors or change their element type.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

DType checked_dtype(const InferContext& c, int64_t number) {
  if (number < 0 || number >= static_cast<int64_t>(DType::string)) {
    fail<TypeError>(
        {c.op, "The dtype attribute must be a numeric dtype or bool", fmt::format("number {}", number), ""});
  }
  return static_cast<DType>(number);
}

ConstantAttributes constant_of(DType dtype, const Shape& shape, double value) {
  auto attributes = make_attributes<ConstantAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  attributes.real = value;
  attributes.integer = static_cast<int64_t>(value);
  return attributes;
}

IotaAttributes iota_of(DType dtype, const Shape& shape, int axis) {
  auto attributes = make_attributes<IotaAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  attributes.axis = axis;
  return attributes;
}

RandomBitsAttributes bits_of(DType dtype, const Shape& shape) {
  auto attributes = make_attributes<RandomBitsAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  return attributes;
}

CastAttributes cast_to(DType dtype) {
  auto attributes = make_attributes<CastAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  return attributes;
}

}  // namespace

KERAS_OP_RULE(
    constant,
    .infer =
        [](InferContext& c) {
          const auto& attributes = c.attrs<ConstantAttributes>();
          c.result(checked_dtype(c, attributes.dtype), to_shape(attributes.shape));
        },
    .vjp = [](VjpContext&) { return Tensors{}; },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("float", {}, constant_of(DType::float64, {2, 3}, 1.5)),
              sample("integer", {}, constant_of(DType::int32, {4}, -7), false),
              sample("bool", {}, constant_of(DType::bool_, {}, 1), false),
          };
        });

KERAS_OP_RULE(
    iota,
    .infer =
        [](InferContext& c) {
          const auto& attributes = c.attrs<IotaAttributes>();
          const Shape shape = to_shape(attributes.shape);
          require(c, attributes.axis >= 0 && attributes.axis < shape.rank(),
                  "The axis must be one of the result's",
                  fmt::format("axis={}, shape={}", attributes.axis, shape.to_string()));
          const DType dtype = checked_dtype(c, attributes.dtype);
          require(c, dtype != DType::bool_, "Counting needs a numeric dtype", "bool");
          c.result(dtype, shape);
        },
    .samples =
        [] {
          return std::vector<OpSample>{sample("rows", {}, iota_of(DType::int32, {3, 2}, 0), false),
                                       sample("columns", {}, iota_of(DType::float32, {2, 5}, 1), false),
                                       sample("none", {}, iota_of(DType::int64, {0}, 0), false)};
        });

KERAS_OP_RULE(
    random_bits,
    .infer =
        [](InferContext& c) {
          const auto& attributes = c.attrs<RandomBitsAttributes>();
          require(c, c.dtype(0) == DType::uint32 && c.shape(0) == Shape{2},
                  "The random state must be uint32 of shape (2,): seed and draw number");
          const DType dtype = checked_dtype(c, attributes.dtype);
          require(c, dtype == DType::uint32 || dtype == DType::uint64, "Random words are uint32 or uint64",
                  std::string(dtype_name(dtype)));
          c.result(dtype, to_shape(attributes.shape));
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("uint32", {sample_random_state()}, bits_of(DType::uint32, {3, 5}), false),
              sample("uint64", {sample_random_state()}, bits_of(DType::uint64, {7}), false)};
        });

KERAS_OP_RULE(
    cast,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          c.result(checked_dtype(c, c.attrs<CastAttributes>().dtype), c.shape(0));
        },
    .vjp =
        [](VjpContext& c) {
          const DType from = c.operand_types[0].dtype;
          const bool flows = (is_float(from) || is_complex(from)) && c.grad().defined();
          return Tensors{flows ? prim::cast(c.grad(), from) : Tensor()};
        },
    .samples =
        [] {
          const Tensor reals = Tensor::from(std::vector<double>{-2.7, -0.4, 0.0, 1.9, 3.0}, Shape{5});
          std::vector<OpSample> out;
          for (const DType dtype : {DType::float32, DType::float64, DType::float16, DType::bfloat16}) {
            out.push_back(sample("to " + std::string(dtype_name(dtype)), {reals}, cast_to(dtype),
                                 dtype == DType::float64));
          }
          for (const DType dtype :
               {DType::int8, DType::int32, DType::int64, DType::bool_, DType::complex64}) {
            out.push_back(sample("to " + std::string(dtype_name(dtype)), {reals}, cast_to(dtype), false));
          }
          return out;
        });

KERAS_OP_RULE(
    bitcast,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          const DType dtype = checked_dtype(c, c.attrs<CastAttributes>().dtype);
          require(c, dtype_size(dtype) == dtype_size(c.dtype(0)), "Both dtypes must have the same size",
                  std::string(dtype_name(dtype)));
          c.result(dtype, c.shape(0));
        },
    .samples =
        [] {
          const Tensor words = Tensor::from(std::vector<int32_t>{0, 0x3f800000, -1}, Shape{3});
          return std::vector<OpSample>{sample("int32 as float32", {words}, cast_to(DType::float32), false)};
        });

}  // namespace keras::internal
