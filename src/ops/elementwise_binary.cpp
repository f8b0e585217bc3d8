// SPDX-License-Identifier: Apache-2.0
// Rules of the elementwise ops of two operands, and of compare and select. The cotangent of a broadcast
// operand is summed over the axes that broadcasting stretched.
#include <cmath>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

using prim::add;
using prim::conj;
using prim::div;
using prim::mul;
using prim::neg;
using prim::scalar_like;
using prim::select;
using prim::sub;

// Computes only the cotangents that are wanted, and sums away broadcasting.
template <class Left, class Right>
Tensors pair(const VjpContext& c, Left left, Right right) {
  Tensors out(2);
  if (c.needed[0]) out[0] = reduce_to(left(), c.operand_types[0]);
  if (c.needed[1]) out[1] = reduce_to(right(), c.operand_types[1]);
  return out;
}

Tensor zero_like(const Tensor& x) { return scalar_like(x, 0); }

Tensor truncated(const Tensor& x) {
  return select(prim::less(x, zero_like(x)), prim::ceil(x), prim::floor(x));
}

Tensors choose(const VjpContext& c, const Tensor& first) {
  const Tensor zero = zero_like(c.grad());
  return pair(
      c, [&] { return select(first, c.grad(), zero); }, [&] { return select(first, zero, c.grad()); });
}

template <Kind kind>
void infer_compare(InferContext& c) {
  require_kind(c, 0, kind);
  require_same_dtype(c, 0, 2);
  c.result(DType::bool_, broadcast_shapes(c.op, c.shape(0), c.shape(1)));
}

template <class A>
std::vector<OpSample> broadcasting(const A& attributes, Tensor (*values)(const Shape&, double),
                                   bool differentiable = true) {
  const auto at = [&](const char* name, const Shape& a, const Shape& b) {
    return sample(name, {values(a, 0.3), values(b, 1.1)}, attributes, differentiable);
  };
  return {at("same shape", {3, 5}, {3, 5}),   at("row", {3, 5}, {5}), at("column", {3, 1}, {3, 5}),
          at("both ways", {2, 1, 4}, {3, 1}), at("scalar", {7}, {}),  at("scalar left", {}, {2, 3})};
}

std::vector<OpSample> any_values() { return broadcasting(make_attributes<NoAttributes>(), sample_values); }
std::vector<OpSample> positive_values() {
  return broadcasting(make_attributes<NoAttributes>(), sample_positive);
}

std::vector<OpSample> integers(std::vector<int32_t> a, std::vector<int32_t> b) {
  const Shape shape{static_cast<int64_t>(a.size())};
  return {sample("integers", {Tensor::from(a, shape), Tensor::from(b, shape)},
                 make_attributes<NoAttributes>(), false)};
}
std::vector<OpSample> bit_values() {
  auto out = integers({-8, 0, 5, 127, 12}, {3, 1, 6, 127, -1});
  out.push_back(sample("bools",
                       {Tensor::from(std::vector<bool>{true, false, true, false}, Shape{2, 2}),
                        Tensor::from(std::vector<bool>{true, false}, Shape{2})},
                       make_attributes<NoAttributes>(), false));
  return out;
}

}  // namespace

KERAS_OP_RULE(
    add, .infer = infer_binary<Kind::numeric>,
    .vjp =
        [](VjpContext& c) {
          return pair(
              c, [&] { return c.grad(); }, [&] { return c.grad(); });
        },
    .samples = any_values);

KERAS_OP_RULE(
    sub, .infer = infer_binary<Kind::numeric>,
    .vjp =
        [](VjpContext& c) {
          Tensors out(2);
          if (c.needed[0]) out[0] = reduce_to(c.grad(), c.operand_types[0]);
          if (c.needed[1]) out[1] = neg(reduce_to(c.grad(), c.operand_types[1]));
          return out;
        },
    .samples = any_values);

KERAS_OP_RULE(
    mul, .infer = infer_binary<Kind::numeric>,
    .vjp =
        [](VjpContext& c) {
          return pair(
              c, [&] { return mul(c.grad(), conj(c.operand(1))); },
              [&] { return mul(c.grad(), conj(c.operand(0))); });
        },
    .samples = any_values);

KERAS_OP_RULE(
    div, .infer = infer_binary<Kind::numeric>,
    .vjp =
        [](VjpContext& c) {
          const Tensor left = div(c.grad(), conj(c.operand(1)));
          return pair(
              c, [&] { return left; }, [&] { return neg(mul(left, conj(c.result()))); });
        },
    .samples = positive_values);

KERAS_OP_RULE(
    rem, .infer = infer_binary<Kind::real>,
    .vjp =
        [](VjpContext& c) {
          return pair(
              c, [&] { return c.grad(); },
              [&] { return neg(mul(c.grad(), truncated(div(c.operand(0), c.operand(1))))); });
        },
    .samples =
        [] {
          const auto none = make_attributes<NoAttributes>();
          const Tensor a = Tensor::from(std::vector<double>{5.3, -5.3, 7.9, -0.4}, Shape{4});
          const Tensor b = Tensor::from(std::vector<double>{2.0, 2.0, -3.0, 1.5}, Shape{4});
          auto out = integers({7, -7, 7, -7}, {3, 3, -3, -3});
          out.push_back(sample("signs", {a, b}, none));
          out.push_back(sample("scalar divisor", {a, Tensor::from(std::vector<double>{1.7}, Shape{})}, none));
          return out;
        });

KERAS_OP_RULE(
    pow, .infer = infer_binary<Kind::numeric>,
    .vjp =
        [](VjpContext& c) {
          const Tensor x = conj(c.operand(0));
          const Tensor y = conj(c.operand(1));
          return pair(
              c,
              [&] {
                // x^0 is constant, also at x = 0, where x^-1 is not finite.
                const Tensor slope = mul(y, prim::pow(x, sub(y, scalar_like(y, 1))));
                const Tensor constant = prim::equal(y, zero_like(y));
                return mul(c.grad(), select(constant, zero_like(x), slope));
              },
              [&] {
                // log is read only where the power is differentiable in its exponent.
                const Tensor usable =
                    is_complex(x.dtype()) ? prim::not_equal(x, zero_like(x)) : prim::greater(x, zero_like(x));
                const Tensor log = prim::log(select(usable, x, scalar_like(x, 1)));
                return mul(c.grad(), mul(conj(c.result()), log));
              });
        },
    .samples =
        [] {
          auto out = positive_values();
          out.push_back(sample("whole exponents",
                               {Tensor::from(std::vector<double>{-1.5, 0.7, 2.0}, Shape{3, 1}),
                                Tensor::from(std::vector<double>{1.0, 2.0, 3.0}, Shape{3})},
                               make_attributes<NoAttributes>(), false));
          return out;
        });

KERAS_OP_RULE(
    maximum, .infer = infer_binary<Kind::real>,
    .vjp = [](VjpContext& c) { return choose(c, prim::greater_equal(c.operand(0), c.operand(1))); },
    .samples = any_values);
KERAS_OP_RULE(
    minimum, .infer = infer_binary<Kind::real>,
    .vjp = [](VjpContext& c) { return choose(c, prim::less_equal(c.operand(0), c.operand(1))); },
    .samples = any_values);

KERAS_OP_RULE(
    atan2, .infer = infer_binary<Kind::floating>,
    .vjp =
        [](VjpContext& c) {
          const Tensor& y = c.operand(0);
          const Tensor& x = c.operand(1);
          const Tensor scaled = div(c.grad(), add(mul(x, x), mul(y, y)));
          return pair(
              c, [&] { return mul(scaled, x); }, [&] { return neg(mul(scaled, y)); });
        },
    .samples = any_values);

KERAS_OP_RULE(nextafter, .infer = infer_binary<Kind::floating>, .samples = any_values);

KERAS_OP_RULE(
    igamma, .infer = infer_binary<Kind::floating>,
    .vjp =
        [](VjpContext& c) {
          const Tensor& a = c.operand(0);
          const Tensor& x = c.operand(1);
          Tensors out(2);
          if (c.needed[1]) {
            const Tensor one = scalar_like(a, 1);
            const Tensor log_density = sub(sub(mul(sub(a, one), prim::log(x)), x), prim::lgamma(a));
            out[1] = reduce_to(mul(c.grad(), prim::exp(log_density)), c.operand_types[1]);
          }
          return out;
        },
    .samples = positive_values);

KERAS_OP_RULE(bit_and, .infer = infer_binary<Kind::integer_or_bool>, .samples = bit_values);
KERAS_OP_RULE(bit_or, .infer = infer_binary<Kind::integer_or_bool>, .samples = bit_values);
KERAS_OP_RULE(bit_xor, .infer = infer_binary<Kind::integer_or_bool>, .samples = bit_values);
KERAS_OP_RULE(
    shl, .infer = infer_binary<Kind::integer>, .samples = [] {
      return integers({1, 3, -4, 7}, {0, 2, 1, 5});
    });
KERAS_OP_RULE(
    shr, .infer = infer_binary<Kind::integer>, .samples = [] {
      return integers({256, 3, -40, 7}, {3, 1, 2, 0});
    });

KERAS_OP_RULE(
    complex,
    .infer =
        [](InferContext& c) {
          require_same_dtype(c, 0, 2);
          if (c.dtype(0) != DType::float32) {
            fail<TypeError>({c.op, "Both parts must be float32", describe_operands(c), "cast them first"});
          }
          c.result(DType::complex64, broadcast_shapes(c.op, c.shape(0), c.shape(1)));
        },
    .vjp =
        [](VjpContext& c) {
          return pair(
              c, [&] { return prim::real(c.grad()); }, [&] { return prim::imag(c.grad()); });
        },
    .samples =
        [] {
          const Tensor a = Tensor::from(std::vector<float>{0.5f, -1.0f, 2.0f}, Shape{3, 1});
          const Tensor b = Tensor::from(std::vector<float>{0.25f, 3.0f}, Shape{2});
          return std::vector<OpSample>{sample("outer", {a, b}, make_attributes<NoAttributes>())};
        });

KERAS_OP_RULE(
    compare,
    .infer =
        [](InferContext& c) {
          const int64_t direction = c.attrs<CompareAttributes>().direction;
          require(c, direction >= KERAS_EQ && direction <= KERAS_GE,
                  "The direction must be one of keras_compare");
          const bool equality = direction == KERAS_EQ || direction == KERAS_NE;
          if (equality || c.dtype(0) == DType::bool_) {
            infer_compare<Kind::any>(c);
          } else {
            infer_compare<Kind::real>(c);
          }
        },
    .samples =
        [] {
          std::vector<OpSample> out;
          const Tensor a = Tensor::from(std::vector<double>{1, 2, 3, std::nan("")}, Shape{4});
          const Tensor b = Tensor::from(std::vector<double>{2, 2, 2, 2}, Shape{4});
          for (int64_t direction = KERAS_EQ; direction <= KERAS_GE; ++direction) {
            auto attributes = make_attributes<CompareAttributes>();
            attributes.direction = direction;
            out.push_back(sample("direction " + std::to_string(direction), {a, b}, attributes, false));
          }
          return out;
        });

KERAS_OP_RULE(
    select,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::boolean);
          require_kind(c, 1, Kind::any);
          require_same_dtype(c, 1, 3);
          c.result(c.dtype(1),
                   broadcast_shapes(c.op, c.shape(0), broadcast_shapes(c.op, c.shape(1), c.shape(2))));
        },
    .vjp =
        [](VjpContext& c) {
          const Tensor zero = zero_like(c.grad());
          Tensors out(3);
          if (c.needed[1]) out[1] = reduce_to(select(c.operand(0), c.grad(), zero), c.operand_types[1]);
          if (c.needed[2]) out[2] = reduce_to(select(c.operand(0), zero, c.grad()), c.operand_types[2]);
          return out;
        },
    .samples =
        [] {
          const auto none = make_attributes<NoAttributes>();
          const Tensor mask = Tensor::from(std::vector<bool>{true, false, true}, Shape{3});
          const Tensor column = Tensor::from(std::vector<bool>{true, false}, Shape{2, 1});
          return std::vector<OpSample>{
              sample("same shape", {mask, sample_values({3}), sample_values({3}, 1.0)}, none),
              sample("broadcast", {column, sample_values({3}), sample_values({}, 1.0)}, none),
              sample("broadcast mask", {mask, sample_values({2, 3}), sample_values({2, 1}, 1.0)}, none)};
        });

}  // namespace keras::internal
