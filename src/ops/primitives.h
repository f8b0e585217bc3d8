// SPDX-License-Identifier: Apache-2.0
// One thin typed function per core primitive: the vocabulary in which keras.ops, gradients and decompositions
// are written. Operands have equal dtypes where the op asks for it (promotion.h converts); axes are resolved,
// not negative, ascending. Movement that changes nothing gives its operand back.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "keras/runtime/interpreter.h"

namespace keras::internal::prim {

#define KERAS_PRIM_UNARY(name) \
  inline Tensor name(const Tensor& x) { return apply_op(OpId::name##_op, {x}); }
KERAS_PRIM_UNARY(neg)
KERAS_PRIM_UNARY(abs)
KERAS_PRIM_UNARY(sign)
KERAS_PRIM_UNARY(floor)
KERAS_PRIM_UNARY(ceil)
KERAS_PRIM_UNARY(round)
KERAS_PRIM_UNARY(sqrt)
KERAS_PRIM_UNARY(rsqrt)
KERAS_PRIM_UNARY(exp)
KERAS_PRIM_UNARY(expm1)
KERAS_PRIM_UNARY(log)
KERAS_PRIM_UNARY(log1p)
KERAS_PRIM_UNARY(sin)
KERAS_PRIM_UNARY(cos)
KERAS_PRIM_UNARY(tan)
KERAS_PRIM_UNARY(asin)
KERAS_PRIM_UNARY(acos)
KERAS_PRIM_UNARY(atan)
KERAS_PRIM_UNARY(sinh)
KERAS_PRIM_UNARY(cosh)
KERAS_PRIM_UNARY(tanh)
KERAS_PRIM_UNARY(asinh)
KERAS_PRIM_UNARY(acosh)
KERAS_PRIM_UNARY(atanh)
KERAS_PRIM_UNARY(erf)
KERAS_PRIM_UNARY(erf_inv)
KERAS_PRIM_UNARY(lgamma)
KERAS_PRIM_UNARY(digamma)
KERAS_PRIM_UNARY(sigmoid)
KERAS_PRIM_UNARY(relu)
KERAS_PRIM_UNARY(is_finite)
KERAS_PRIM_UNARY(bit_not)
KERAS_PRIM_UNARY(real)
KERAS_PRIM_UNARY(imag)
KERAS_PRIM_UNARY(stop_gradient)
#undef KERAS_PRIM_UNARY

#define KERAS_PRIM_BINARY(name) \
  inline Tensor name(const Tensor& a, const Tensor& b) { return apply_op(OpId::name##_op, {a, b}); }
KERAS_PRIM_BINARY(add)
KERAS_PRIM_BINARY(sub)
KERAS_PRIM_BINARY(mul)
KERAS_PRIM_BINARY(div)
KERAS_PRIM_BINARY(rem)
KERAS_PRIM_BINARY(pow)
KERAS_PRIM_BINARY(maximum)
KERAS_PRIM_BINARY(minimum)
KERAS_PRIM_BINARY(atan2)
KERAS_PRIM_BINARY(nextafter)
KERAS_PRIM_BINARY(igamma)
KERAS_PRIM_BINARY(bit_and)
KERAS_PRIM_BINARY(bit_or)
KERAS_PRIM_BINARY(bit_xor)
KERAS_PRIM_BINARY(shl)
KERAS_PRIM_BINARY(shr)
KERAS_PRIM_BINARY(complex)
#undef KERAS_PRIM_BINARY

/// Comparison of equal dtypes, bool.
Tensor compare(keras_compare direction, const Tensor& a, const Tensor& b);
inline Tensor equal(const Tensor& a, const Tensor& b) { return compare(KERAS_EQ, a, b); }
inline Tensor not_equal(const Tensor& a, const Tensor& b) { return compare(KERAS_NE, a, b); }
inline Tensor less(const Tensor& a, const Tensor& b) { return compare(KERAS_LT, a, b); }
inline Tensor less_equal(const Tensor& a, const Tensor& b) { return compare(KERAS_LE, a, b); }
inline Tensor greater(const Tensor& a, const Tensor& b) { return compare(KERAS_GT, a, b); }
inline Tensor greater_equal(const Tensor& a, const Tensor& b) { return compare(KERAS_GE, a, b); }
/// `yes` where `condition` (bool), else `no`; the three shapes broadcast.
inline Tensor select(const Tensor& condition, const Tensor& yes, const Tensor& no) {
  return apply_op(OpId::select_op, {condition, yes, no});
}

// make

/// A host scalar of a dtype: no op, a constant in a trace.
Tensor scalar(double value, DType dtype);
/// A scalar of x's dtype.
inline Tensor scalar_like(const Tensor& x, double value) { return scalar(value, x.dtype()); }
/// One value everywhere.
Tensor full(const Shape& shape, double value, DType dtype);
inline Tensor zeros(const TensorType& type) { return full(type.shape, 0, type.dtype); }
inline Tensor zeros_like(const Tensor& x) { return full(x.shape(), 0, x.dtype()); }
inline Tensor ones_like(const Tensor& x) { return full(x.shape(), 1, x.dtype()); }
/// 0, 1, 2, ... along an axis.
Tensor iota(DType dtype, const Shape& shape, int axis = 0);
/// Philox words; `state` is uint32 (2,).
Tensor random_bits(const Tensor& state, const Shape& shape, DType dtype = DType::uint32);
/// Conversion of values; x itself when it has the dtype (a weak scalar becomes a plain one).
Tensor cast(const Tensor& x, DType dtype);
Tensor bitcast(const Tensor& x, DType dtype);

// order

/// Sorts by the first `num_keys` operands and carries the others along.
Tensors sort(std::span<const Tensor> operands, int axis, bool descending = false, int num_keys = 1);
std::pair<Tensor, Tensor> top_k(const Tensor& x, int64_t k, bool sorted = true);
Tensor nonzero(const Tensor& x, int64_t size, int64_t fill);

// move

Tensor reshape(const Tensor& x, const Shape& shape);
Tensor transpose(const Tensor& x, std::span<const int> permutation);
inline Tensor transpose(const Tensor& x, std::initializer_list<int> permutation) {
  return transpose(x, std::span<const int>(permutation.begin(), permutation.size()));
}
/// The last two axes exchanged.
Tensor matrix_transpose(const Tensor& x);
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// The box [start, limit) with the strides (ones when empty).
Tensor slice(const Tensor& x, const Shape& start, const Shape& limit, std::span<const int64_t> strides = {});
/// [start, limit) along one axis.
Tensor slice_axis(const Tensor& x, int axis, Dim start, Dim limit, int64_t stride = 1);
/// Element `index` along an axis, which disappears.
Tensor index_axis(const Tensor& x, int axis, Dim index);
Tensor dynamic_slice(const Tensor& x, const Tensor& start, const Shape& sizes);
Tensor dynamic_update_slice(const Tensor& x, const Tensor& update, const Tensor& start);
Tensor pad(const Tensor& x, const Tensor& value, std::span<const int64_t> low, std::span<const int64_t> high,
           std::span<const int64_t> interior = {});
/// Zeros before and after one axis.
Tensor pad_axis(const Tensor& x, int axis, int64_t low, int64_t high);
Tensor concat(std::span<const Tensor> operands, int axis);
inline Tensor concat(std::initializer_list<Tensor> operands, int axis) {
  return concat(std::span<const Tensor>(operands.begin(), operands.size()), axis);
}
Tensor reverse(const Tensor& x, std::span<const int> axes);
inline Tensor reverse(const Tensor& x, std::initializer_list<int> axes) {
  return reverse(x, std::span<const int>(axes.begin(), axes.size()));
}
/// x's rows along `axis` at integer indices; the first `batch_dims` axes are shared.
Tensor gather(const Tensor& x, const Tensor& indices, int axis, int batch_dims = 0);
Tensor scatter(keras_scatter kind, const Tensor& x, const Tensor& indices, const Tensor& updates);
/// x's elements (or sub-arrays) at index rows: `indices` (..., m) name positions in x's first m axes.
Tensor gather_nd(const Tensor& x, const Tensor& indices);
/// Extent of an axis, an int32 scalar.
Tensor dim_size(const Tensor& x, int axis);
/// Extent of an axis as a scalar of a dtype: a host constant when it is known.
Tensor extent(const Tensor& x, int axis, DType dtype = DType::int32);
/// x with a new axis of size 1.
Tensor expand_dims(const Tensor& x, int axis);
/// x without its axes of size 1 named by `axes`.
Tensor squeeze(const Tensor& x, std::span<const int> axes);

// reduce

#define KERAS_PRIM_REDUCE(name)                                                                 \
  Tensor name(const Tensor& x, std::span<const int> axes, bool keepdims = false);               \
  inline Tensor name(const Tensor& x, std::initializer_list<int> axes, bool keepdims = false) { \
    return name(x, std::span<const int>(axes.begin(), axes.size()), keepdims);                  \
  }
KERAS_PRIM_REDUCE(reduce_sum)
KERAS_PRIM_REDUCE(reduce_prod)
KERAS_PRIM_REDUCE(reduce_max)
KERAS_PRIM_REDUCE(reduce_min)
KERAS_PRIM_REDUCE(logsumexp)
#undef KERAS_PRIM_REDUCE
/// And, or, of bools along the axes; true, false, of nothing.
Tensor logical_all(const Tensor& x, std::span<const int> axes, bool keepdims = false);
Tensor logical_any(const Tensor& x, std::span<const int> axes, bool keepdims = false);
Tensor argmax(const Tensor& x, int axis, bool keepdims = false);
Tensor argmin(const Tensor& x, int axis, bool keepdims = false);
Tensor cumulate(keras_cumulate kind, const Tensor& x, int axis, bool reverse = false);

// contract

using Numbers = std::initializer_list<int64_t>;
Tensor dot_general(const Tensor& a, const Tensor& b, const DotAttributes& attributes);
/// Sum over the contracted axes; result: batch axes, left free axes, right free axes.
Tensor dot_general(const Tensor& a, const Tensor& b, Numbers lhs_contract, Numbers rhs_contract,
                   Numbers lhs_batch = {}, Numbers rhs_batch = {});
inline Tensor conv(const Tensor& x, const Tensor& kernel, const ConvAttributes& attributes) {
  return apply_op(OpId::conv_op, attributes, {x, kernel});
}
inline Tensor conv_grad_input(const Tensor& dy, const Tensor& kernel, const ConvAttributes& attributes) {
  return apply_op(OpId::conv_grad_input_op, attributes, {dy, kernel});
}
inline Tensor conv_grad_filter(const Tensor& x, const Tensor& dy, const ConvAttributes& attributes) {
  return apply_op(OpId::conv_grad_filter_op, attributes, {x, dy});
}
inline Tensor pool(const Tensor& x, const PoolAttributes& attributes) {
  return apply_op(OpId::pool_op, attributes, {x});
}
inline Tensor pool_grad(const Tensor& x, const Tensor& y, const Tensor& dy,
                        const PoolAttributes& attributes) {
  return apply_op(OpId::pool_grad_op, attributes, {x, y, dy});
}

/// Every axis of a rank: 0, 1, ... rank-1.
Axes all_axes(int rank);
/// The complex conjugate; x itself when it is real.
Tensor conj(const Tensor& x);

}  // namespace keras::internal::prim

namespace keras::internal {

/// The cotangent of an operand that was broadcast: summed over the axes that broadcasting made or stretched.
/// `type` is the operand's. An axis unknown in both is taken as not broadcast.
Tensor reduce_to(const Tensor& cotangent, const TensorType& type);

}  // namespace keras::internal
