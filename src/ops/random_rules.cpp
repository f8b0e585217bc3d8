// SPDX-License-Identifier: Apache-2.0
// Rules of random_bits, random_uniform and dropout.
#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

void check_state(const InferContext& c, size_t i) {
  const Shape& shape = c.shape(i);
  if (c.dtype(i) != DType::uint32 || shape.rank() != 1 || shape[0].value_or(2) != 2) {
    fail<TypeError>({c.op, "A random state is uint32 [seed, draw number]", c.operands[i].to_string(), ""});
  }
}

void infer_random_bits(InferContext& c) {
  const auto& at = c.attrs<RandomBitsAttributes>();
  check_state(c, 0);
  const auto dtype = static_cast<DType>(at.dtype);
  if (dtype != DType::uint32 && dtype != DType::uint64) {
    fail<TypeError>({c.op, "Random words are uint32 or uint64", std::string(dtype_name(dtype)), ""});
  }
  c.result(dtype, to_shape(at.shape));
}

void infer_random_uniform(InferContext& c) {
  const auto& at = c.attrs<RandomBitsAttributes>();
  check_state(c, 0);
  const auto dtype = static_cast<DType>(at.dtype);
  if (!is_float(dtype)) {
    fail<TypeError>(
        {c.op, "The dtype of uniform numbers must be a float dtype", std::string(dtype_name(dtype)), ""});
  }
  c.result(dtype, to_shape(at.shape));
}

Tensors decompose_random_uniform(DecomposeContext& c) {
  const auto& at = c.attrs<RandomBitsAttributes>();
  const auto dtype = static_cast<DType>(at.dtype);
  const Shape shape = to_shape(at.shape);
  if (dtype == DType::float64) {
    const Tensor words = prim::random_bits(c[0], shape, DType::uint64);
    const auto word = [&](uint64_t value) { return Tensor::from(std::vector<uint64_t>{value}, Shape{}); };
    const Tensor high = prim::shl(prim::bit_and(words, word(0xfffff)), word(32));
    const Tensor mantissa = prim::bit_or(high, prim::shr(words, word(32)));
    return {prim::mul(prim::cast(mantissa, dtype), prim::scalar(std::ldexp(1.0, -52), dtype))};
  }
  const int digits = dtype == DType::float16 ? 10 : dtype == DType::bfloat16 ? 7 : 23;
  const Tensor words = prim::random_bits(c[0], shape, DType::uint32);
  const Tensor mask = Tensor::from(std::vector<uint32_t>{(1u << digits) - 1u}, Shape{});
  const Tensor mantissa = prim::cast(prim::bit_and(words, mask), DType::float32);
  return {prim::cast(prim::mul(mantissa, prim::scalar(std::ldexp(1.0, -digits), DType::float32)), dtype)};
}

std::vector<OpSample> random_bits_samples() {
  std::vector<OpSample> out;
  for (const DType dtype : {DType::uint32, DType::uint64}) {
    auto at = make_attributes<RandomBitsAttributes>();
    at.dtype = static_cast<int64_t>(dtype);
    at.shape = to_list(Shape{3, 7});
    out.push_back(sample(std::string(dtype_name(dtype)), {sample_random_state()}, at, false));
  }
  return out;
}

std::vector<OpSample> random_uniform_samples() {
  std::vector<OpSample> out;
  for (const DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    auto at = make_attributes<RandomBitsAttributes>();
    at.dtype = static_cast<int64_t>(dtype);
    at.shape = to_list(Shape{3, 7});
    out.push_back(sample(std::string(dtype_name(dtype)), {sample_random_state()}, at, false));
  }
  return out;
}

// dropout

void infer_dropout(InferContext& c) {
  const auto& at = c.attrs<DropoutAttributes>();
  check_state(c, 1);
  if (!(at.rate >= 0 && at.rate < 1)) {
    fail<ValueError>({c.op, "rate must be in [0, 1)", fmt::format("rate={}", at.rate), ""});
  }
  if (!is_float(c.dtype(0)))
    fail<TypeError>({c.op, "x must be a float tensor", c.operands[0].to_string(), "cast it"});
  const Shape noise = to_shape(at.noise_shape);
  bool good = noise.size() == c.shape(0).size();
  for (size_t i = 0; good && i < noise.size(); ++i) {
    good = noise[i] == c.shape(0)[i] || noise[i] == Dim(1) || !noise[i].known() || !c.shape(0)[i].known();
  }
  if (!good) {
    fail<ValueError>({c.op, "noise_shape must have one entry per axis of x: the axis' extent or 1",
                      fmt::format("x {}, noise_shape {}", c.operands[0].to_string(), noise.to_string()), ""});
  }
  c.result(c.dtype(0), c.shape(0));
}

Tensors decompose_dropout(DecomposeContext& c) {
  const auto& at = c.attrs<DropoutAttributes>();
  const Tensor words = prim::random_bits(c[1], to_shape(at.noise_shape));
  const auto bound = static_cast<uint32_t>(std::floor(std::ldexp(at.rate, 32)));
  const Tensor keep = prim::greater_equal(words, Tensor::from(std::vector<uint32_t>{bound}, Shape{}));
  const Tensor scaled = prim::mul(c[0], prim::scalar_like(c[0], 1.0 / (1.0 - at.rate)));
  return {prim::select(keep, scaled, prim::scalar_like(c[0], 0.0))};
}

Tensors dropout_vjp(VjpContext& c) {
  return {apply_op(OpId::dropout_op, c.attrs<DropoutAttributes>(), {c.grad(), c.operand(1)}), Tensor()};
}

std::vector<OpSample> dropout_samples() {
  auto plain = make_attributes<DropoutAttributes>();
  plain.rate = 0.4;
  plain.noise_shape = to_list(Shape{4, 6});
  auto rows = plain;
  rows.noise_shape = to_list(Shape{4, 1});
  return {sample("elements", {sample_values({4, 6}), sample_random_state()}, plain),
          sample("rows", {sample_values({4, 6}), sample_random_state()}, rows)};
}

}  // namespace

KERAS_OP_RULE(random_bits, .infer = infer_random_bits, .samples = random_bits_samples);
KERAS_OP_RULE(random_uniform, .infer = infer_random_uniform, .decompose = decompose_random_uniform,
              .samples = random_uniform_samples);
KERAS_OP_RULE(dropout, .infer = infer_dropout, .vjp = dropout_vjp, .decompose = decompose_dropout,
              .samples = dropout_samples);

}  // namespace keras::internal
