// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Functions of each element by itself (keras.ops). Operands of two are promoted to a common dtype by Keras'
/// rules and broadcast as in NumPy; functions with real values turn integers and bools into floatx.
namespace keras::ops {

/// Absolute value; of a complex tensor the magnitude. Unsigned integers and bools come back as they are.
Tensor abs(const Tensor& x);
/// The same as abs.
Tensor absolute(const Tensor& x);
/// Absolute value as a float.
Tensor fabs(const Tensor& x);
/// -x.
Tensor negative(const Tensor& x);
/// -1, 0 or 1 in the dtype of x.
Tensor sign(const Tensor& x);
/// Whether the sign bit is set (also of -0.0), bool.
Tensor signbit(const Tensor& x);
/// x * x; bools become int32.
Tensor square(const Tensor& x);
/// Square root.
Tensor sqrt(const Tensor& x);
/// Cube root, negative for negative x.
Tensor cbrt(const Tensor& x);
/// 1 / x.
Tensor reciprocal(const Tensor& x);
/// e^x.
Tensor exp(const Tensor& x);
/// 2^x.
Tensor exp2(const Tensor& x);
/// e^x - 1, exact near 0.
Tensor expm1(const Tensor& x);
/// Natural logarithm.
Tensor log(const Tensor& x);
/// Logarithm to base 2.
Tensor log2(const Tensor& x);
/// Logarithm to base 10.
Tensor log10(const Tensor& x);
/// log(1 + x), exact near 0.
Tensor log1p(const Tensor& x);
/// Sine.
Tensor sin(const Tensor& x);
/// Cosine.
Tensor cos(const Tensor& x);
/// Tangent.
Tensor tan(const Tensor& x);
/// Inverse sine.
Tensor arcsin(const Tensor& x);
/// Inverse cosine.
Tensor arccos(const Tensor& x);
/// Inverse tangent.
Tensor arctan(const Tensor& x);
/// Hyperbolic sine.
Tensor sinh(const Tensor& x);
/// Hyperbolic cosine.
Tensor cosh(const Tensor& x);
/// Hyperbolic tangent.
Tensor tanh(const Tensor& x);
/// Inverse hyperbolic sine.
Tensor arcsinh(const Tensor& x);
/// Inverse hyperbolic cosine.
Tensor arccosh(const Tensor& x);
/// Inverse hyperbolic tangent.
Tensor arctanh(const Tensor& x);
/// sin(pi x) / (pi x), 1 at 0.
Tensor sinc(const Tensor& x);
/// Modified Bessel function of the first kind, order 0.
Tensor i0(const Tensor& x);
/// Degrees to radians.
Tensor deg2rad(const Tensor& x);
/// Radians to degrees.
Tensor rad2deg(const Tensor& x);
/// Largest integer not above x, as a float.
Tensor floor(const Tensor& x);
/// Smallest integer not below x, as a float.
Tensor ceil(const Tensor& x);
/// The integer part; integers come back as they are.
Tensor trunc(const Tensor& x);
/// Real part; a real tensor comes back as it is.
Tensor real(const Tensor& x);
/// Imaginary part; zeros for a real tensor.
Tensor imag(const Tensor& x);
/// Complex conjugate.
Tensor conj(const Tensor& x);
/// The same as conj.
Tensor conjugate(const Tensor& x);
/// Angle of complex numbers, in radians; 0 or pi for real ones.
Tensor angle(const Tensor& x);
/// The same values.
Tensor copy(const Tensor& x);
/// Bits flipped; x has an integer dtype or bool.
Tensor bitwise_invert(const Tensor& x);
/// The same as bitwise_invert.
Tensor bitwise_not(const Tensor& x);
/// x rounded to `decimals` places after (negative: before) the point, halves to even; the dtype stays.
Tensor round(const Tensor& x, int decimals = 0);
/// x limited to [x_min, x_max]; bools become int32.
Tensor clip(const Tensor& x, const Tensor& x_min, const Tensor& x_max);
/// NaN replaced by `nan`, infinities by `posinf` and `neginf` (none: the largest and smallest finite
/// numbers).
Tensor nan_to_num(const Tensor& x, double nan = 0.0, std::optional<double> posinf = {},
                  std::optional<double> neginf = {});
/// x1 + x2.
Tensor add(const Tensor& x1, const Tensor& x2);
/// x1 - x2.
Tensor subtract(const Tensor& x1, const Tensor& x2);
/// x1 * x2.
Tensor multiply(const Tensor& x1, const Tensor& x2);
/// x1 / x2; integers become floats first.
Tensor divide(const Tensor& x1, const Tensor& x2);
/// The same as divide.
Tensor true_divide(const Tensor& x1, const Tensor& x2);
/// x1 / x2, and 0 where x2 is 0.
Tensor divide_no_nan(const Tensor& x1, const Tensor& x2);
/// The quotient rounded down.
Tensor floor_divide(const Tensor& x1, const Tensor& x2);
/// Remainder with the sign of x2; bools become int32.
Tensor mod(const Tensor& x1, const Tensor& x2);
/// Remainder with the sign of x1; bools become int32.
Tensor fmod(const Tensor& x1, const Tensor& x2);
/// x1 to the power x2.
Tensor power(const Tensor& x1, const Tensor& x2);
/// The larger; NaN wins.
Tensor maximum(const Tensor& x1, const Tensor& x2);
/// The smaller; NaN wins.
Tensor minimum(const Tensor& x1, const Tensor& x2);
/// The larger, a number rather than NaN.
Tensor fmax(const Tensor& x1, const Tensor& x2);
/// The smaller, a number rather than NaN.
Tensor fmin(const Tensor& x1, const Tensor& x2);
/// Angle of the points (x2, x1), in radians.
Tensor arctan2(const Tensor& x1, const Tensor& x2);
/// sqrt(x1^2 + x2^2) without overflow in between.
Tensor hypot(const Tensor& x1, const Tensor& x2);
/// 0 where x1 < 0, 1 where x1 > 0, x2 where x1 is 0.
Tensor heaviside(const Tensor& x1, const Tensor& x2);
/// log(e^x1 + e^x2).
Tensor logaddexp(const Tensor& x1, const Tensor& x2);
/// log2(2^x1 + 2^x2).
Tensor logaddexp2(const Tensor& x1, const Tensor& x2);
/// x1 * 2^x2; x2 has an integer dtype. Throws TypeError otherwise.
Tensor ldexp(const Tensor& x1, const Tensor& x2);
/// The next representable number after x1 towards x2.
Tensor nextafter(const Tensor& x1, const Tensor& x2);
/// Greatest common divisor of integers. Throws TypeError for other dtypes.
Tensor gcd(const Tensor& x1, const Tensor& x2);
/// Least common multiple of integers. Throws TypeError for other dtypes.
Tensor lcm(const Tensor& x1, const Tensor& x2);
/// Bitwise, for bools logical, and.
Tensor bitwise_and(const Tensor& x, const Tensor& y);
/// Bitwise, for bools logical, or.
Tensor bitwise_or(const Tensor& x, const Tensor& y);
/// Bitwise, for bools logical, exclusive or.
Tensor bitwise_xor(const Tensor& x, const Tensor& y);
/// x shifted left by y bits.
Tensor bitwise_left_shift(const Tensor& x, const Tensor& y);
/// The same as bitwise_left_shift.
Tensor left_shift(const Tensor& x, const Tensor& y);
/// x shifted right by y bits, arithmetically for signed integers.
Tensor bitwise_right_shift(const Tensor& x, const Tensor& y);
/// The same as bitwise_right_shift.
Tensor right_shift(const Tensor& x, const Tensor& y);

}  // namespace keras::ops
