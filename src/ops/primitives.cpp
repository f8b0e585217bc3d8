// SPDX-License-Identifier: Apache-2.0
#include "ops/primitives.h"

#include "keras/base/error.h"
#include "keras/tensor/host_buffer.h"

namespace keras::internal::prim {

Tensor compare(keras_compare direction, const Tensor& a, const Tensor& b) {
  auto attributes = make_attributes<CompareAttributes>();
  attributes.direction = direction;
  return apply_op(OpId::compare_op, attributes, {a, b});
}

Tensor scalar(double value, DType dtype) {
  double bits = 0;  // room for any element
  convert_elements(&value, DType::float64, &bits, dtype, 1);
  return Tensor::copy(&bits, Shape{}, dtype);
}

Tensor full(const Shape& shape, double value, DType dtype) {
  auto attributes = make_attributes<ConstantAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  if (is_float(dtype) || is_complex(dtype)) {
    attributes.real = value;
  } else {
    attributes.integer =
        dtype == DType::bool_ ? static_cast<int64_t>(value != 0) : static_cast<int64_t>(value);
  }
  return apply_op(OpId::constant_op, attributes, {});
}

Tensor iota(DType dtype, const Shape& shape, int axis) {
  auto attributes = make_attributes<IotaAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  attributes.axis = axis;
  return apply_op(OpId::iota_op, attributes, {});
}

Tensor random_bits(const Tensor& state, const Shape& shape, DType dtype) {
  auto attributes = make_attributes<RandomBitsAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  return apply_op(OpId::random_bits_op, attributes, {state});
}

Tensor cast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype && !x.weak()) return x;
  auto attributes = make_attributes<CastAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  return apply_op(OpId::cast_op, attributes, {x});
}

Tensor bitcast(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  auto attributes = make_attributes<CastAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  return apply_op(OpId::bitcast_op, attributes, {x});
}

Tensors sort(std::span<const Tensor> operands, int axis, bool descending, int num_keys) {
  auto attributes = make_attributes<SortAttributes>();
  attributes.axis = axis;
  attributes.descending = descending ? 1 : 0;
  attributes.num_keys = num_keys;
  return apply(OpId::sort_op, &attributes, operands);
}

std::pair<Tensor, Tensor> top_k(const Tensor& x, int64_t k, bool sorted) {
  auto attributes = make_attributes<TopKAttributes>();
  attributes.k = k;
  attributes.sorted = sorted ? 1 : 0;
  Tensors out = apply(OpId::top_k_op, &attributes, std::span<const Tensor>(&x, 1));
  return {std::move(out[0]), std::move(out[1])};
}

Tensor nonzero(const Tensor& x, int64_t size, int64_t fill) {
  auto attributes = make_attributes<NonzeroAttributes>();
  attributes.size = size;
  attributes.fill = fill;
  return apply_op(OpId::nonzero_op, attributes, {x});
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape && !x.weak()) return x;
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(shape);
  return apply_op(OpId::reshape_op, attributes, {x});
}

Tensor transpose(const Tensor& x, std::span<const int> permutation) {
  bool same = static_cast<int>(permutation.size()) == x.rank();
  for (size_t i = 0; i < permutation.size(); ++i) same = same && permutation[i] == static_cast<int>(i);
  if (same) return x;
  auto attributes = make_attributes<PermutationAttributes>();
  attributes.permutation = to_list(permutation);
  return apply_op(OpId::transpose_op, attributes, {x});
}

Tensor matrix_transpose(const Tensor& x) {
  Axes permutation = all_axes(x.rank());
  std::swap(permutation[permutation.size() - 1], permutation[permutation.size() - 2]);
  return transpose(x, permutation);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape && !x.weak()) return x;
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(shape);
  return apply_op(OpId::broadcast_to_op, attributes, {x});
}

Tensor slice(const Tensor& x, const Shape& start, const Shape& limit, std::span<const int64_t> strides) {
  bool whole = limit == x.shape();
  for (const Dim d : start) whole = whole && d == Dim(0);
  auto attributes = make_attributes<SliceAttributes>();
  attributes.start = to_list(start);
  attributes.limit = to_list(limit);
  attributes.stride.count = static_cast<int64_t>(start.size());
  for (size_t i = 0; i < start.size(); ++i) {
    attributes.stride.v[i] = strides.empty() ? 1 : strides[i];
    whole = whole && attributes.stride.v[i] == 1;
  }
  return whole ? x : apply_op(OpId::slice_op, attributes, {x});
}

Tensor slice_axis(const Tensor& x, int axis, Dim start, Dim limit, int64_t stride) {
  Shape first(x.shape().size(), Dim(0));
  Shape last = x.shape();
  first[static_cast<size_t>(axis)] = start;
  last[static_cast<size_t>(axis)] = limit;
  SmallVector<int64_t, 6> strides(x.shape().size(), 1);
  strides[static_cast<size_t>(axis)] = stride;
  return slice(x, first, last, strides);
}

Tensor index_axis(const Tensor& x, int axis, Dim index) {
  Shape shape = x.shape();
  shape.erase(static_cast<size_t>(axis));
  return reshape(slice_axis(x, axis, index, index + Dim(1)), shape);
}

Tensor dynamic_slice(const Tensor& x, const Tensor& start, const Shape& sizes) {
  auto attributes = make_attributes<SizesAttributes>();
  attributes.sizes = to_list(sizes);
  return apply_op(OpId::dynamic_slice_op, attributes, {x, start});
}

Tensor dynamic_update_slice(const Tensor& x, const Tensor& update, const Tensor& start) {
  return apply_op(OpId::dynamic_update_slice_op, {x, update, start});
}

Tensor pad(const Tensor& x, const Tensor& value, std::span<const int64_t> low, std::span<const int64_t> high,
           std::span<const int64_t> interior) {
  bool nothing = true;
  auto attributes = make_attributes<PadAttributes>();
  attributes.low = to_list(low);
  attributes.high = to_list(high);
  attributes.interior.count = static_cast<int64_t>(low.size());
  for (size_t i = 0; i < low.size(); ++i) {
    attributes.interior.v[i] = interior.empty() ? 0 : interior[i];
    nothing = nothing && low[i] == 0 && high[i] == 0 && attributes.interior.v[i] == 0;
  }
  return nothing ? x : apply_op(OpId::pad_op, attributes, {x, value});
}

Tensor pad_axis(const Tensor& x, int axis, int64_t low, int64_t high) {
  SmallVector<int64_t, 6> before(x.shape().size(), 0);
  SmallVector<int64_t, 6> after(x.shape().size(), 0);
  before[static_cast<size_t>(axis)] = low;
  after[static_cast<size_t>(axis)] = high;
  return pad(x, scalar_like(x, 0), before, after);
}

Tensor concat(std::span<const Tensor> operands, int axis) {
  if (operands.size() == 1) return operands[0];
  auto attributes = make_attributes<AxisAttributes>();
  attributes.axis = axis;
  return apply_op(OpId::concat_op, attributes, operands);
}

Tensor reverse(const Tensor& x, std::span<const int> axes) {
  if (axes.empty()) return x;
  auto attributes = make_attributes<AxesAttributes>();
  attributes.axes = to_list(axes);
  return apply_op(OpId::reverse_op, attributes, {x});
}

Tensor gather(const Tensor& x, const Tensor& indices, int axis, int batch_dims) {
  auto attributes = make_attributes<GatherAttributes>();
  attributes.axis = axis;
  attributes.batch_dims = batch_dims;
  return apply_op(OpId::gather_op, attributes, {x, indices});
}

Tensor scatter(keras_scatter kind, const Tensor& x, const Tensor& indices, const Tensor& updates) {
  auto attributes = make_attributes<ScatterAttributes>();
  attributes.kind = kind;
  return apply_op(OpId::scatter_op, attributes, {x, indices, updates});
}

Tensor dim_size(const Tensor& x, int axis) {
  auto attributes = make_attributes<AxisAttributes>();
  attributes.axis = axis;
  return apply_op(OpId::dim_size_op, attributes, {x});
}

Tensor extent(const Tensor& x, int axis, DType dtype) {
  const Dim d = x.shape()[static_cast<size_t>(axis)];
  return d.known() ? scalar(static_cast<double>(d.value()), dtype) : cast(dim_size(x, axis), dtype);
}

Tensor gather_nd(const Tensor& x, const Tensor& indices) {
  const auto depth = static_cast<size_t>(indices.shape().back().value());
  const int last = indices.rank() - 1;
  Shape flat{element_count(x.shape().sub(0, depth))};
  Tensor place;
  for (size_t i = 0; i < depth; ++i) {
    const Tensor index = index_axis(indices, last, Dim(static_cast<int64_t>(i)));
    place = place.defined() ? add(mul(place, extent(x, static_cast<int>(i), indices.dtype())), index) : index;
  }
  if (!place.defined()) place = zeros({indices.dtype(), indices.shape().sub(0, static_cast<size_t>(last))});
  return gather(reshape(x, flat + x.shape().sub(depth)), place, 0);
}

Tensor expand_dims(const Tensor& x, int axis) {
  Shape shape = x.shape();
  shape.insert(static_cast<size_t>(axis), Dim(1));
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, std::span<const int> axes) {
  Shape shape = x.shape();
  for (size_t i = axes.size(); i-- > 0;) shape.erase(static_cast<size_t>(axes[i]));
  return reshape(x, shape);
}

namespace {

Tensor reduce(OpId op, const Tensor& x, std::span<const int> axes, bool keepdims) {
  auto attributes = make_attributes<ReduceAttributes>();
  attributes.axes = to_list(axes);
  attributes.keepdims = keepdims ? 1 : 0;
  return apply_op(op, attributes, {x});
}

}  // namespace

// Without axes these give x; only logsumexp of nothing would too, but its result is a new value anyway.
Tensor reduce_sum(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return axes.empty() ? x : reduce(OpId::reduce_sum_op, x, axes, keepdims);
}
Tensor reduce_prod(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return axes.empty() ? x : reduce(OpId::reduce_prod_op, x, axes, keepdims);
}
Tensor reduce_max(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return axes.empty() ? x : reduce(OpId::reduce_max_op, x, axes, keepdims);
}
Tensor reduce_min(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return axes.empty() ? x : reduce(OpId::reduce_min_op, x, axes, keepdims);
}
Tensor logsumexp(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return axes.empty() ? x : reduce(OpId::logsumexp_op, x, axes, keepdims);
}
namespace {

// Whether a reduction has nothing to reduce, so that an extreme does not exist.
bool reduces_nothing(const Tensor& x, std::span<const int> axes) {
  for (const int axis : axes) {
    if (x.shape()[static_cast<size_t>(axis)] == Dim(0)) return true;
  }
  return false;
}

Tensor reduced_full(const Tensor& x, std::span<const int> axes, bool keepdims, double value) {
  Shape shape = x.shape();
  for (size_t i = axes.size(); i-- > 0;) {
    const auto axis = static_cast<size_t>(axes[i]);
    if (keepdims) {
      shape[axis] = Dim(1);
    } else {
      shape.erase(axis);
    }
  }
  return full(shape, value, x.dtype());
}

}  // namespace

Tensor logical_all(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return reduces_nothing(x, axes) ? reduced_full(x, axes, keepdims, 1) : reduce_min(x, axes, keepdims);
}
Tensor logical_any(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return reduces_nothing(x, axes) ? reduced_full(x, axes, keepdims, 0) : reduce_max(x, axes, keepdims);
}

Tensor argmax(const Tensor& x, int axis, bool keepdims) {
  return reduce(OpId::argmax_op, x, std::span<const int>(&axis, 1), keepdims);
}
Tensor argmin(const Tensor& x, int axis, bool keepdims) {
  return reduce(OpId::argmin_op, x, std::span<const int>(&axis, 1), keepdims);
}

Tensor cumulate(keras_cumulate kind, const Tensor& x, int axis, bool reverse) {
  auto attributes = make_attributes<CumulateAttributes>();
  attributes.axis = axis;
  attributes.kind = kind;
  attributes.reverse = reverse ? 1 : 0;
  return apply_op(OpId::cumulate_op, attributes, {x});
}

Tensor dot_general(const Tensor& a, const Tensor& b, const DotAttributes& attributes) {
  return apply_op(OpId::dot_general_op, attributes, {a, b});
}

Tensor dot_general(const Tensor& a, const Tensor& b, Numbers lhs_contract, Numbers rhs_contract,
                   Numbers lhs_batch, Numbers rhs_batch) {
  auto attributes = make_attributes<DotAttributes>();
  attributes.lhs_contract = to_list(lhs_contract);
  attributes.rhs_contract = to_list(rhs_contract);
  attributes.lhs_batch = to_list(lhs_batch);
  attributes.rhs_batch = to_list(rhs_batch);
  return dot_general(a, b, attributes);
}

Axes all_axes(int rank) {
  Axes axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

Tensor conj(const Tensor& x) { return is_complex(x.dtype()) ? complex(real(x), neg(imag(x))) : x; }

}  // namespace keras::internal::prim

namespace keras::internal {

Tensor reduce_to(const Tensor& cotangent, const TensorType& type) {
  const Shape& from = cotangent.shape();
  if (from == type.shape) return cotangent;
  const size_t extra = from.size() - type.shape.size();
  Axes axes;
  for (size_t i = 0; i < from.size(); ++i) {
    if (i < extra || (type.shape[i - extra] == Dim(1) && !(from[i] == Dim(1))))
      axes.push_back(static_cast<int>(i));
  }
  return prim::reshape(prim::reduce_sum(cotangent, axes, true), type.shape);
}

}  // namespace keras::internal
