// SPDX-License-Identifier: Apache-2.0
// Rules of the ops of one operand that act on each element by itself. Gradients of analytic functions are the
// cotangent times the conjugate of the derivative, TensorFlow's convention.
#include <cmath>
#include <numbers>

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
using prim::sub;

Tensor times(const Tensor& x, double factor) { return mul(x, scalar_like(x, factor)); }
Tensor one_plus(const Tensor& x) { return add(scalar_like(x, 1), x); }
Tensor one_minus(const Tensor& x) { return sub(scalar_like(x, 1), x); }
Tensor square(const Tensor& x) { return mul(x, x); }

// x / |x|, and 0 at 0.
Tensor complex_sign(const Tensor& x) {
  const Tensor size = prim::abs(x);
  const Tensor zero = prim::equal(size, scalar_like(size, 0));
  const Tensor safe = prim::select(zero, scalar_like(size, 1), size);
  return div(x, prim::cast(safe, x.dtype()));
}

constexpr auto kNumeric = Kind::numeric;
constexpr auto kReal = Kind::real;
constexpr auto kFloat = Kind::floating;
constexpr auto kAnalytic = Kind::floating_or_complex;

// Values in (low, high), away from both ends.
Tensor values_between(const Shape& shape, double low, double high) {
  const Tensor unit = sample_values(shape);
  std::vector<double> out;
  for (const double v : unit.data<double>()) out.push_back(low + (high - low) * (0.5 + 0.49 * v));
  return Tensor::from(out, shape);
}

template <int low_tenths, int high_tenths>
std::vector<OpSample> between() {
  const auto none = make_attributes<NoAttributes>();
  const double low = low_tenths / 10.0;
  const double high = high_tenths / 10.0;
  return {sample("matrix", {values_between({3, 5}, low, high)}, none),
          sample("odd length", {values_between({17}, low, high)}, none),
          sample("scalar", {values_between({}, low, high)}, none),
          sample("empty", {values_between({0, 2}, low, high)}, none)};
}

// Away from the integers and halves, where rounding jumps.
std::vector<OpSample> off_steps() {
  const auto none = make_attributes<NoAttributes>();
  return {sample("mixed", {Tensor::from(std::vector<double>{-2.7, -1.2, -0.4, 0.3, 0.7, 1.6, 2.2}, Shape{7})},
                 none)};
}

std::vector<OpSample> away_from_zero() {
  const auto none = make_attributes<NoAttributes>();
  return {sample("mixed", {Tensor::from(std::vector<double>{-2.5, -0.3, 0.4, 1.1, -1.7, 3.0}, Shape{2, 3})},
                 none)};
}

std::vector<OpSample> complex_samples() {
  const auto none = make_attributes<NoAttributes>();
  const std::vector<std::complex<float>> values{{0.5f, -0.25f}, {-1.5f, 0.75f}, {2.0f, 1.0f}};
  return {sample("complex", {Tensor::from(values, Shape{3})}, none)};
}

std::vector<OpSample> bit_samples() {
  const auto none = make_attributes<NoAttributes>();
  return {sample("integers", {Tensor::from(std::vector<int32_t>{-3, 0, 5, 127}, Shape{4})}, none, false),
          sample("bools", {Tensor::from(std::vector<bool>{true, false, true}, Shape{3})}, none, false)};
}

std::vector<OpSample> finite_samples() {
  const auto none = make_attributes<NoAttributes>();
  const double inf = HUGE_VAL;
  return {sample("all kinds",
                 {Tensor::from(std::vector<double>{1.0, inf, -inf, std::nan(""), 0.0}, Shape{5})}, none,
                 false)};
}

}  // namespace

KERAS_OP_RULE(
    neg, .infer = infer_unary<kNumeric>, .vjp = [](VjpContext& c) { return Tensors{neg(c.grad())}; },
    .samples = between<-20, 20>);

KERAS_OP_RULE(
    abs,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, kNumeric);
          c.result(is_complex(c.dtype(0)) ? DType::float32 : c.dtype(0), c.shape(0));
        },
    .vjp =
        [](VjpContext& c) {
          const Tensor& x = c.operand(0);
          if (is_complex(x.dtype())) return Tensors{mul(prim::cast(c.grad(), x.dtype()), complex_sign(x))};
          return Tensors{mul(c.grad(), prim::sign(x))};
        },
    .samples = away_from_zero);

KERAS_OP_RULE(
    sign, .infer = infer_unary<kReal>,
    .vjp = [](VjpContext& c) { return Tensors{prim::zeros_like(c.grad())}; }, .samples = away_from_zero);

// Constant between their steps: no cotangent flows.
KERAS_OP_RULE(
    floor, .infer = infer_unary<kFloat>, .vjp = [](VjpContext&) { return Tensors{Tensor()}; },
    .samples = off_steps);
KERAS_OP_RULE(
    ceil, .infer = infer_unary<kFloat>, .vjp = [](VjpContext&) { return Tensors{Tensor()}; },
    .samples = off_steps);
KERAS_OP_RULE(
    round, .infer = infer_unary<kFloat>, .vjp = [](VjpContext&) { return Tensors{Tensor()}; },
    .samples = off_steps);

KERAS_OP_RULE(
    sqrt, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{div(times(c.grad(), 0.5), conj(c.result()))}; },
    .samples = between<3, 40>);
KERAS_OP_RULE(
    rsqrt, .infer = infer_unary<kAnalytic>,
    .vjp =
        [](VjpContext& c) {
          const Tensor y = conj(c.result());
          return Tensors{mul(times(c.grad(), -0.5), mul(square(y), y))};
        },
    .samples = between<3, 40>);
KERAS_OP_RULE(
    exp, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), conj(c.result()))}; },
    .samples = between<-30, 30>);
KERAS_OP_RULE(
    expm1, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), one_plus(conj(c.result())))}; },
    .samples = between<-20, 20>);
KERAS_OP_RULE(
    log, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{div(c.grad(), conj(c.operand(0)))}; },
    .samples = between<2, 50>);
KERAS_OP_RULE(
    log1p, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{div(c.grad(), one_plus(conj(c.operand(0))))}; },
    .samples = between<-7, 50>);
KERAS_OP_RULE(
    sin, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), prim::cos(conj(c.operand(0))))}; },
    .samples = between<-60, 60>);
KERAS_OP_RULE(
    cos, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{neg(mul(c.grad(), prim::sin(conj(c.operand(0)))))}; },
    .samples = between<-60, 60>);
KERAS_OP_RULE(
    tan, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), one_plus(square(conj(c.result()))))}; },
    .samples = between<-13, 13>);
KERAS_OP_RULE(
    asin, .infer = infer_unary<kAnalytic>,
    .vjp =
        [](VjpContext& c) {
          return Tensors{div(c.grad(), prim::sqrt(one_minus(square(conj(c.operand(0))))))};
        },
    .samples = between<-9, 9>);
KERAS_OP_RULE(
    acos, .infer = infer_unary<kAnalytic>,
    .vjp =
        [](VjpContext& c) {
          return Tensors{neg(div(c.grad(), prim::sqrt(one_minus(square(conj(c.operand(0)))))))};
        },
    .samples = between<-9, 9>);
KERAS_OP_RULE(
    atan, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{div(c.grad(), one_plus(square(conj(c.operand(0)))))}; },
    .samples = between<-40, 40>);
KERAS_OP_RULE(
    sinh, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), prim::cosh(conj(c.operand(0))))}; },
    .samples = between<-25, 25>);
KERAS_OP_RULE(
    cosh, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), prim::sinh(conj(c.operand(0))))}; },
    .samples = between<-25, 25>);
KERAS_OP_RULE(
    tanh, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), one_minus(square(conj(c.result()))))}; },
    .samples = between<-25, 25>);
KERAS_OP_RULE(
    asinh, .infer = infer_unary<kAnalytic>,
    .vjp =
        [](VjpContext& c) {
          return Tensors{div(c.grad(), prim::sqrt(one_plus(square(conj(c.operand(0))))))};
        },
    .samples = between<-40, 40>);
KERAS_OP_RULE(
    acosh, .infer = infer_unary<kAnalytic>,
    .vjp =
        [](VjpContext& c) {
          // Two roots, not the root of x^2 - 1, keep the digits near 1 and the branch of complex x.
          const Tensor x = conj(c.operand(0));
          const Tensor one = scalar_like(x, 1);
          return Tensors{div(c.grad(), mul(prim::sqrt(sub(x, one)), prim::sqrt(add(x, one))))};
        },
    .samples = between<12, 50>);
KERAS_OP_RULE(
    atanh, .infer = infer_unary<kAnalytic>,
    .vjp = [](VjpContext& c) { return Tensors{div(c.grad(), one_minus(square(conj(c.operand(0)))))}; },
    .samples = between<-9, 9>);
KERAS_OP_RULE(
    erf, .infer = infer_unary<kFloat>,
    .vjp =
        [](VjpContext& c) {
          const Tensor bell = prim::exp(neg(square(c.operand(0))));
          return Tensors{mul(c.grad(), times(bell, 2 * std::numbers::inv_sqrtpi))};
        },
    .samples = between<-25, 25>);
KERAS_OP_RULE(
    erf_inv, .infer = infer_unary<kFloat>,
    .vjp =
        [](VjpContext& c) {
          const Tensor rise = prim::exp(square(c.result()));
          return Tensors{mul(c.grad(), times(rise, 0.5 / std::numbers::inv_sqrtpi))};
        },
    .samples = between<-9, 9>);
KERAS_OP_RULE(
    lgamma, .infer = infer_unary<kFloat>,
    .vjp = [](VjpContext& c) { return Tensors{mul(c.grad(), prim::digamma(c.operand(0)))}; },
    .samples = between<3, 60>);
KERAS_OP_RULE(digamma, .infer = infer_unary<kFloat>, .samples = between<3, 60>);
KERAS_OP_RULE(
    sigmoid, .infer = infer_unary<kAnalytic>,
    .vjp =
        [](VjpContext& c) {
          const Tensor y = conj(c.result());
          return Tensors{mul(c.grad(), mul(y, one_minus(y)))};
        },
    .samples = between<-50, 50>);
KERAS_OP_RULE(
    relu, .infer = infer_unary<kReal>,
    .vjp =
        [](VjpContext& c) {
          const Tensor zero = scalar_like(c.grad(), 0);
          return Tensors{prim::select(prim::greater(c.result(), zero), c.grad(), zero)};
        },
    .samples = away_from_zero);

KERAS_OP_RULE(
    is_finite,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, kAnalytic);
          c.result(DType::bool_, c.shape(0));
        },
    .samples = finite_samples);
KERAS_OP_RULE(bit_not, .infer = infer_unary<Kind::integer_or_bool>, .samples = bit_samples);

KERAS_OP_RULE(
    real,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::complex);
          c.result(DType::float32, c.shape(0));
        },
    .vjp = [](VjpContext& c) { return Tensors{prim::complex(c.grad(), prim::zeros_like(c.grad()))}; },
    .samples = complex_samples);
KERAS_OP_RULE(
    imag,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::complex);
          c.result(DType::float32, c.shape(0));
        },
    .vjp = [](VjpContext& c) { return Tensors{prim::complex(prim::zeros_like(c.grad()), c.grad())}; },
    .samples = complex_samples);

}  // namespace keras::internal
