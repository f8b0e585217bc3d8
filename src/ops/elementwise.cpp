// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/elementwise.h"

#include <cmath>
#include <limits>
#include <numbers>

#include "keras/base/error.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/logic.h"
#include "keras/tensor/config.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_float;
using internal::as_plain;
using internal::promote;
using internal::promote_float;
using internal::symbolic;
using prim::scalar_like;

namespace {

bool is_whole(DType dtype) { return is_integer(dtype) || dtype == DType::bool_; }

// Integers become floatx, but int64 float64: the rule of a few functions.
Tensor as_wide_float(const Tensor& x, DType dtype) {
  if (dtype == DType::int64) return as_dtype(x, DType::float64);
  return as_dtype(x, is_whole(dtype) ? config::floatx() : dtype);
}
Tensor as_wide_float(const Tensor& x) {
  const Tensor plain = as_plain(x);
  return as_wide_float(x, plain.dtype());
}

Tensor times(const Tensor& x, double factor) { return prim::mul(x, scalar_like(x, factor)); }
Tensor zero_like(const Tensor& x) { return scalar_like(x, 0); }

Tensor is_nan(const Tensor& x) { return prim::not_equal(x, x); }

// Whether a remainder must be moved to the divisor's sign.
Tensor wrong_sign(const Tensor& remainder, const Tensor& divisor) {
  const Tensor zero = zero_like(remainder);
  const Tensor differs = prim::bit_xor(prim::less(remainder, zero), prim::less(divisor, zero));
  return prim::bit_and(prim::not_equal(remainder, zero), differs);
}

Tensor floor_remainder(const Tensor& a, const Tensor& b) {
  const Tensor remainder = prim::rem(a, b);
  if (is_unsigned(a.dtype())) return remainder;
  return prim::add(remainder, prim::select(wrong_sign(remainder, b), b, zero_like(b)));
}

void require_integers(std::string_view where, const Tensor& a, const Tensor& b) {
  if (is_integer(a.dtype()) && is_integer(b.dtype())) return;
  internal::fail<TypeError>(
      {where, "Both arguments must be integers",
       std::string(dtype_name(a.dtype())) + " and " + std::string(dtype_name(b.dtype())), ""});
}

}  // namespace

#define KERAS_FLOAT_FUNCTION(name, primitive)         \
  Tensor name(const Tensor& x) {                      \
    if (auto node = symbolic<&name>(x)) return *node; \
    return prim::primitive(as_float(x));              \
  }
KERAS_FLOAT_FUNCTION(sqrt, sqrt)
KERAS_FLOAT_FUNCTION(exp, exp)
KERAS_FLOAT_FUNCTION(expm1, expm1)
KERAS_FLOAT_FUNCTION(log, log)
KERAS_FLOAT_FUNCTION(log1p, log1p)
KERAS_FLOAT_FUNCTION(sin, sin)
KERAS_FLOAT_FUNCTION(cos, cos)
KERAS_FLOAT_FUNCTION(tan, tan)
KERAS_FLOAT_FUNCTION(arcsin, asin)
KERAS_FLOAT_FUNCTION(arccos, acos)
KERAS_FLOAT_FUNCTION(arctan, atan)
KERAS_FLOAT_FUNCTION(sinh, sinh)
KERAS_FLOAT_FUNCTION(cosh, cosh)
KERAS_FLOAT_FUNCTION(tanh, tanh)
KERAS_FLOAT_FUNCTION(arcsinh, asinh)
KERAS_FLOAT_FUNCTION(arccosh, acosh)
KERAS_FLOAT_FUNCTION(arctanh, atanh)
KERAS_FLOAT_FUNCTION(floor, floor)
KERAS_FLOAT_FUNCTION(ceil, ceil)
KERAS_FLOAT_FUNCTION(fabs, abs)
#undef KERAS_FLOAT_FUNCTION

namespace {
Tensor magnitude(const Tensor& x) {
  const Tensor plain = as_plain(x);
  return is_unsigned(plain.dtype()) || plain.dtype() == DType::bool_ ? plain : prim::abs(plain);
}
}  // namespace

Tensor absolute(const Tensor& x) {
  if (auto node = symbolic<&absolute>(x)) return *node;
  return magnitude(x);
}

// In Keras too the node of abs is that of absolute.
Tensor abs(const Tensor& x) { return absolute(x); }

Tensor negative(const Tensor& x) {
  if (auto node = symbolic<&negative>(x)) return *node;
  return prim::neg(as_plain(x));
}

Tensor sign(const Tensor& x) {
  if (auto node = symbolic<&sign>(x)) return *node;
  return prim::sign(as_plain(x));
}

Tensor signbit(const Tensor& x) {
  if (auto node = symbolic<&signbit>(x)) return *node;
  const Tensor plain = as_plain(x);
  if (plain.dtype() == DType::bool_) return prim::full(plain.shape(), 0, DType::bool_);
  if (is_integer(plain.dtype())) return prim::less(plain, zero_like(plain));
  const Tensor bits = prim::bitcast(prim::cast(plain, DType::float32), DType::int32);
  return prim::less(bits, zero_like(bits));
}

Tensor square(const Tensor& x) {
  if (auto node = symbolic<&square>(x)) return *node;
  const Tensor plain = x.dtype() == DType::bool_ ? as_dtype(x, DType::int32) : as_plain(x);
  return prim::mul(plain, plain);
}

Tensor cbrt(const Tensor& x) {
  if (auto node = symbolic<&cbrt>(x)) return *node;
  const Tensor plain = as_wide_float(x);
  return prim::mul(prim::sign(plain), prim::pow(prim::abs(plain), scalar_like(plain, 1.0 / 3.0)));
}

Tensor reciprocal(const Tensor& x) {
  if (auto node = symbolic<&reciprocal>(x)) return *node;
  const Tensor plain = as_plain(x);
  return prim::div(scalar_like(plain, 1), plain);
}

Tensor exp2(const Tensor& x) {
  if (auto node = symbolic<&exp2>(x)) return *node;
  const Tensor real = as_float(x);
  return prim::pow(scalar_like(real, 2), real);
}

Tensor log2(const Tensor& x) {
  if (auto node = symbolic<&log2>(x)) return *node;
  const Tensor y = prim::log(as_float(x));
  return prim::div(y, scalar_like(y, std::numbers::ln2));
}

Tensor log10(const Tensor& x) {
  if (auto node = symbolic<&log10>(x)) return *node;
  const Tensor y = prim::log(as_float(x));
  return prim::div(y, scalar_like(y, std::numbers::ln10));
}

Tensor sinc(const Tensor& x) {
  if (auto node = symbolic<&sinc>(x)) return *node;
  const Tensor angle = times(as_float(x), std::numbers::pi);
  const Tensor zero = prim::equal(angle, zero_like(angle));
  const Tensor safe = prim::select(zero, scalar_like(angle, 1), angle);
  return prim::select(zero, scalar_like(angle, 1), prim::div(prim::sin(safe), safe));
}

Tensor i0(const Tensor& x) {
  if (auto node = symbolic<&i0>(x)) return *node;
  // (1/pi) times the integral of e^(x cos t) over [0, pi] by the trapezoidal rule, which converges
  // exponentially for periodic functions: 128 steps are exact to float64 as far as e^x is finite. e^|x| is
  // taken out.
  constexpr int kSteps = 128;
  std::vector<double> cosines;
  std::vector<double> weights;
  for (int i = 0; i <= kSteps; ++i) {
    cosines.push_back(std::cos(std::numbers::pi * i / kSteps) - 1.0);
    weights.push_back((i == 0 || i == kSteps ? 0.5 : 1.0) / kSteps);
  }
  const Tensor size = prim::abs(as_wide_float(x));
  const Tensor bends = prim::cast(Tensor::from(cosines), size.dtype());
  const Tensor shares = prim::cast(Tensor::from(weights), size.dtype());
  const int last = size.rank();
  const Tensor scaled = prim::mul(prim::exp(prim::mul(prim::expand_dims(size, last), bends)), shares);
  return prim::mul(prim::exp(size), prim::reduce_sum(scaled, {last}));
}

Tensor deg2rad(const Tensor& x) {
  if (auto node = symbolic<&deg2rad>(x)) return *node;
  return times(as_wide_float(x), std::numbers::pi / 180.0);
}

Tensor rad2deg(const Tensor& x) {
  if (auto node = symbolic<&rad2deg>(x)) return *node;
  return times(as_wide_float(x), 180.0 / std::numbers::pi);
}

Tensor trunc(const Tensor& x) {
  if (auto node = symbolic<&trunc>(x)) return *node;
  const Tensor plain = as_plain(x);
  if (is_whole(plain.dtype())) return plain;
  return prim::select(prim::less(plain, zero_like(plain)), prim::ceil(plain), prim::floor(plain));
}

Tensor real(const Tensor& x) {
  if (auto node = symbolic<&real>(x)) return *node;
  return is_complex(x.dtype()) ? prim::real(x) : as_plain(x);
}

Tensor imag(const Tensor& x) {
  if (auto node = symbolic<&imag>(x)) return *node;
  return is_complex(x.dtype()) ? prim::imag(x) : prim::zeros_like(as_plain(x));
}

Tensor conjugate(const Tensor& x) {
  if (auto node = symbolic<&conjugate>(x)) return *node;
  return prim::conj(as_plain(x));
}

// In Keras too the node of conj is that of conjugate.
Tensor conj(const Tensor& x) { return conjugate(x); }

Tensor angle(const Tensor& x) {
  if (auto node = symbolic<&angle>(x)) return *node;
  if (is_complex(x.dtype())) return prim::atan2(prim::imag(x), prim::real(x));
  const Tensor plain = as_float(x);
  return prim::atan2(prim::zeros_like(plain), plain);
}

Tensor copy(const Tensor& x) {
  if (auto node = symbolic<&copy>(x)) return *node;
  return as_plain(x);
}

Tensor bitwise_invert(const Tensor& x) {
  if (auto node = symbolic<&bitwise_invert>(x)) return *node;
  return prim::bit_not(as_plain(x));
}

Tensor bitwise_not(const Tensor& x) {
  if (auto node = symbolic<&bitwise_not>(x)) return *node;
  return prim::bit_not(as_plain(x));
}

Tensor round(const Tensor& x, int decimals) {
  if (auto node = symbolic<&round>(x, decimals)) return *node;
  const Tensor plain = as_plain(x);
  const bool whole = is_whole(plain.dtype());
  if (whole && decimals >= 0) return plain;
  if (decimals == 0) return prim::round(plain);
  const Tensor real = whole ? prim::cast(plain, config::floatx()) : plain;
  const Tensor factor = scalar_like(real, std::pow(10.0, decimals));
  return prim::cast(prim::div(prim::round(prim::mul(real, factor)), factor), plain.dtype());
}

Tensor clip(const Tensor& x, const Tensor& x_min, const Tensor& x_max) {
  if (auto node = symbolic<&clip>(x, x_min, x_max)) return *node;
  const Tensor plain = x.dtype() == DType::bool_ ? as_dtype(x, DType::int32) : as_plain(x);
  return prim::minimum(prim::maximum(plain, as_dtype(x_min, plain.dtype())), as_dtype(x_max, plain.dtype()));
}

namespace {

double largest_finite(DType dtype) {
  switch (dtype) {
    case DType::float16:
      return 65504.0;
    case DType::bfloat16:
      return 0x1.fep127;
    case DType::float64:
      return std::numeric_limits<double>::max();
    default:
      return std::numeric_limits<float>::max();
  }
}

}  // namespace

Tensor nan_to_num(const Tensor& x, double nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (auto node = symbolic<&nan_to_num>(x, nan, posinf, neginf)) return *node;
  const Tensor plain = as_plain(x);
  if (is_whole(plain.dtype())) return plain;
  const double infinity = std::numeric_limits<double>::infinity();
  const double largest = largest_finite(plain.dtype());
  Tensor out = prim::select(is_nan(plain), scalar_like(plain, nan), plain);
  out = prim::select(prim::equal(plain, scalar_like(plain, infinity)),
                     scalar_like(plain, posinf.value_or(largest)), out);
  return prim::select(prim::equal(plain, scalar_like(plain, -infinity)),
                      scalar_like(plain, neginf.value_or(-largest)), out);
}

#define KERAS_PROMOTING_FUNCTION(name, primitive, promotion) \
  Tensor name(const Tensor& x1, const Tensor& x2) {          \
    if (auto node = symbolic<&name>(x1, x2)) return *node;   \
    const auto [a, b] = promotion(x1, x2);                   \
    return prim::primitive(a, b);                            \
  }
KERAS_PROMOTING_FUNCTION(add, add, promote)
KERAS_PROMOTING_FUNCTION(subtract, sub, promote)
KERAS_PROMOTING_FUNCTION(multiply, mul, promote)
KERAS_PROMOTING_FUNCTION(divide, div, promote_float)
KERAS_PROMOTING_FUNCTION(true_divide, div, promote_float)
KERAS_PROMOTING_FUNCTION(maximum, maximum, promote)
KERAS_PROMOTING_FUNCTION(minimum, minimum, promote)
KERAS_PROMOTING_FUNCTION(arctan2, atan2, promote_float)
#undef KERAS_PROMOTING_FUNCTION

Tensor divide_no_nan(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&divide_no_nan>(x1, x2)) return *node;
  const auto [a, b] = promote_float(x1, x2);
  const Tensor zero = prim::equal(b, zero_like(b));
  return prim::select(zero, zero_like(a), prim::div(a, prim::select(zero, scalar_like(b, 1), b)));
}

Tensor floor_divide(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&floor_divide>(x1, x2)) return *node;
  auto [a, b] = promote(x1, x2);
  const Tensor quotient = prim::div(a, b);
  if (is_float(a.dtype())) return prim::floor(quotient);
  if (is_unsigned(a.dtype())) return quotient;
  const Tensor down = prim::cast(wrong_sign(prim::rem(a, b), b), a.dtype());
  return prim::sub(quotient, down);
}

namespace {
std::pair<Tensor, Tensor> promote_countable(const Tensor& x1, const Tensor& x2) {
  auto out = promote(x1, x2);
  if (out.first.dtype() == DType::bool_) {
    out.first = prim::cast(out.first, DType::int32);
    out.second = prim::cast(out.second, DType::int32);
  }
  return out;
}
}  // namespace

Tensor mod(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&mod>(x1, x2)) return *node;
  const auto [a, b] = promote_countable(x1, x2);
  return floor_remainder(a, b);
}

Tensor fmod(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&fmod>(x1, x2)) return *node;
  const auto [a, b] = promote_countable(x1, x2);
  return prim::rem(a, b);
}

Tensor power(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&power>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  if (!is_unsigned(a.dtype())) return prim::pow(a, b);
  return prim::cast(prim::pow(prim::cast(a, DType::int32), prim::cast(b, DType::int32)), a.dtype());
}

namespace {

// The extreme of two, of which a NaN loses against a number.
Tensor number_of(const Tensor& extreme, const Tensor& a, const Tensor& b) {
  if (!is_float(a.dtype())) return extreme;
  return prim::select(is_nan(a), b, prim::select(is_nan(b), a, extreme));
}

}  // namespace

Tensor fmax(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&fmax>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  return number_of(prim::maximum(a, b), a, b);
}

Tensor fmin(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&fmin>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  return number_of(prim::minimum(a, b), a, b);
}

Tensor hypot(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&hypot>(x1, x2)) return *node;
  const DType dtype = internal::common_dtype({x1, x2});
  const Tensor a = prim::abs(as_wide_float(x1, dtype));
  const Tensor b = prim::abs(as_wide_float(x2, dtype));
  const Tensor large = prim::maximum(a, b);
  const Tensor zero = prim::equal(large, zero_like(large));
  const Tensor safe = prim::select(zero, scalar_like(large, 1), large);
  const Tensor ratio = prim::select(zero, zero_like(large), prim::div(prim::minimum(a, b), safe));
  const Tensor result =
      prim::mul(large, prim::sqrt(prim::add(prim::mul(ratio, ratio), scalar_like(ratio, 1))));
  const Tensor infinity = scalar_like(result, std::numeric_limits<double>::infinity());
  return prim::select(prim::equal(large, infinity), infinity, result);
}

Tensor heaviside(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&heaviside>(x1, x2)) return *node;
  const DType dtype = internal::common_dtype({x1, x2});
  const Tensor a = as_wide_float(x1, dtype);
  const Tensor b = as_wide_float(x2, dtype);
  const Tensor zero = zero_like(a);
  return prim::select(prim::less(a, zero), zero, prim::select(prim::greater(a, zero), scalar_like(a, 1), b));
}

namespace {

// log(base^a + base^b) with ln = log(base).
Tensor log_of_sum(const Tensor& a, const Tensor& b, double ln) {
  const Tensor delta = prim::sub(a, b);
  const Tensor tail = prim::log1p(prim::exp(times(prim::abs(delta), -ln)));
  const Tensor sum = prim::add(prim::maximum(a, b), times(tail, 1.0 / ln));
  // Equal infinities differ by NaN.
  return prim::select(is_nan(delta), prim::add(a, b), sum);
}

}  // namespace

Tensor logaddexp(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&logaddexp>(x1, x2)) return *node;
  const auto [a, b] = promote_float(x1, x2);
  return log_of_sum(a, b, 1.0);
}

Tensor logaddexp2(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&logaddexp2>(x1, x2)) return *node;
  const auto [a, b] = promote_float(x1, x2);
  return log_of_sum(a, b, std::numbers::ln2);
}

Tensor ldexp(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&ldexp>(x1, x2)) return *node;
  if (!is_integer(x2.dtype())) {
    internal::fail<TypeError>(
        {"ldexp", "The exponent must be an integer", std::string(dtype_name(x2.dtype())), ""});
  }
  const auto [a, b] = promote_float(x1, x2);
  const Tensor scaled = prim::mul(a, prim::pow(scalar_like(a, 2), b));
  const Tensor zero = prim::equal(a, zero_like(a));
  const Tensor infinite = prim::equal(prim::abs(a), scalar_like(a, std::numeric_limits<double>::infinity()));
  return prim::select(prim::bit_or(zero, infinite), a, scaled);
}

Tensor nextafter(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&nextafter>(x1, x2)) return *node;
  const auto [a, b] = promote_float(x1, x2);
  return prim::cast(prim::nextafter(prim::cast(a, DType::float64), prim::cast(b, DType::float64)), a.dtype());
}

Tensor gcd(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&gcd>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  require_integers("gcd", a, b);
  const Shape shape = broadcast_shapes("gcd", a.shape(), b.shape());
  const auto start = [&](const Tensor& x) {
    return prim::broadcast_to(is_unsigned(x.dtype()) ? x : prim::abs(x), shape);
  };
  const Axes axes = prim::all_axes(shape.rank());
  const auto running = [&](const Nest& state) {
    const Tensor& rest = state[1].tensor();
    return prim::reduce_max(prim::not_equal(rest, zero_like(rest)), axes);
  };
  const auto step = [&](const Nest& state) {
    const Tensor& whole = state[0].tensor();
    const Tensor& rest = state[1].tensor();
    const Tensor zero = zero_like(rest);
    const Tensor done = prim::equal(rest, zero);
    const Tensor safe = prim::select(done, scalar_like(rest, 1), rest);
    return Nest{prim::select(done, whole, rest), prim::select(done, zero, prim::rem(whole, safe))};
  };
  return while_loop(running, step, Nest{start(a), start(b)})[0].tensor();
}

Tensor lcm(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&lcm>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  require_integers("lcm", a, b);
  const Tensor left = is_unsigned(a.dtype()) ? a : prim::abs(a);
  const Tensor right = is_unsigned(b.dtype()) ? b : prim::abs(b);
  const Tensor divisor = gcd(left, right);
  const Tensor none = prim::equal(divisor, zero_like(divisor));
  const Tensor safe = prim::select(none, scalar_like(divisor, 1), divisor);
  return prim::select(none, zero_like(divisor), prim::mul(left, prim::div(right, safe)));
}

#define KERAS_BITWISE_FUNCTION(name, primitive)          \
  Tensor name(const Tensor& x, const Tensor& y) {        \
    if (auto node = symbolic<&name>(x, y)) return *node; \
    const auto [a, b] = promote(x, y);                   \
    return prim::primitive(a, b);                        \
  }
KERAS_BITWISE_FUNCTION(bitwise_and, bit_and)
KERAS_BITWISE_FUNCTION(bitwise_or, bit_or)
KERAS_BITWISE_FUNCTION(bitwise_xor, bit_xor)
KERAS_BITWISE_FUNCTION(bitwise_left_shift, shl)
KERAS_BITWISE_FUNCTION(left_shift, shl)
KERAS_BITWISE_FUNCTION(bitwise_right_shift, shr)
KERAS_BITWISE_FUNCTION(right_shift, shr)
#undef KERAS_BITWISE_FUNCTION

}  // namespace keras::ops
