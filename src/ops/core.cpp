// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/core.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_plain;
using internal::fail;
using internal::symbolic;

Tensor cast(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&cast>(x, dtype)) return *node;
  return as_dtype(x, dtype.value("cast"));
}

namespace {

struct Limits {
  double low, high;
};

template <class T>
Limits limits_of() {
  return {static_cast<double>(std::numeric_limits<T>::lowest()),
          static_cast<double>(std::numeric_limits<T>::max())};
}

Limits limits_of(DType dtype) {
  switch (dtype) {
    case DType::bool_:
      return {0, 1};
    case DType::uint8:
      return limits_of<uint8_t>();
    case DType::uint16:
      return limits_of<uint16_t>();
    case DType::uint32:
      return limits_of<uint32_t>();
    case DType::uint64:
      return limits_of<uint64_t>();
    case DType::int8:
      return limits_of<int8_t>();
    case DType::int16:
      return limits_of<int16_t>();
    case DType::int32:
      return limits_of<int32_t>();
    case DType::int64:
      return limits_of<int64_t>();
    case DType::float16:
      return {-65504.0, 65504.0};
    case DType::bfloat16:
      return {-0x1.fep127, 0x1.fep127};
    case DType::float32:
      return limits_of<float>();
    default:
      return limits_of<double>();
  }
}

}  // namespace

Tensor saturate_cast(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&saturate_cast>(x, dtype)) return *node;
  const DType to = dtype.value("saturate_cast");
  Tensor from = as_plain(x);
  if (is_complex(from.dtype()) || is_complex(to)) return prim::cast(from, to);
  if (from.dtype() == DType::bool_) return prim::cast(from, to);
  // Only the bounds that x's own dtype can overstep are applied, as the largest of its values inside them.
  const Limits wanted = limits_of(to);
  const Limits own = limits_of(from.dtype());
  const auto bound = [&](double limit) {
    Tensor t = prim::scalar_like(from, limit);
    if (!is_float(from.dtype())) return t;
    const double rounded = t.item<double>();
    if ((limit > 0 && rounded > limit) || (limit < 0 && rounded < limit)) {
      t = prim::nextafter(prim::cast(t, DType::float32), prim::scalar(0, DType::float32));
      t = prim::cast(t, from.dtype());
    }
    return t;
  };
  if (own.low < wanted.low) from = prim::maximum(from, bound(wanted.low));
  if (own.high > wanted.high) {
    // Integers beyond 53 bits have no exact double; their largest float is one step below 2^n.
    const double high = is_float(from.dtype()) && (to == DType::int64 || to == DType::uint64)
                            ? wanted.high * (1.0 - std::numeric_limits<float>::epsilon() / 2)
                            : wanted.high;
    from = prim::minimum(from, bound(high));
  }
  return prim::cast(from, to);
}

Tensor convert_to_tensor(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&convert_to_tensor>(x, dtype)) return *node;
  const Tensor plain = as_plain(x);
  return dtype.none() ? plain : as_dtype(x, dtype.value("convert_to_tensor"));
}

Tensor convert_to_numpy(const Tensor& x) {
  if (x.dtype() == DType::string) return x;
  return Tensor::copy(x.host_data(), x.shape(), x.dtype());
}

bool is_tensor(const Tensor& x) { return x.defined() && !x.weak(); }
Shape shape(const Tensor& x) { return x.shape(); }
DType dtype(const Tensor& x) { return x.dtype(); }

Tensor stop_gradient(const Tensor& variable) {
  if (auto node = symbolic<&stop_gradient>(variable)) return *node;
  return prim::stop_gradient(as_plain(variable));
}

namespace {

Tensor as_indices(std::string_view where, const Tensor& indices) {
  const Tensor plain = as_plain(indices);
  if (!is_integer(plain.dtype())) {
    fail<TypeError>(
        {where, "Indices must be integers", std::string(dtype_name(plain.dtype())), "cast them to int32"});
  }
  return plain;
}

// Negative indices count from the end of their axis.
Tensor wrapped(const Tensor& indices, const Shape& shape) {
  if (indices.rank() == 0) {
    fail<ValueError>({"scatter_update", "The indices must have rank 1 or more: their last axis is one place",
                      "a scalar", "for one element of a vector, indices of shape (1, 1)"});
  }
  const auto depth = static_cast<size_t>(indices.shape().back().value());
  std::vector<int64_t> extents;
  for (size_t i = 0; i < depth && i < shape.size() && shape[i].known(); ++i)
    extents.push_back(shape[i].value());
  if (extents.size() != depth || is_unsigned(indices.dtype())) return indices;
  const Tensor extent = prim::cast(Tensor::from(extents), indices.dtype());
  const Tensor negative = prim::less(indices, prim::scalar_like(indices, 0));
  return prim::select(negative, prim::add(indices, extent), indices);
}

}  // namespace

Tensor scatter(const Tensor& indices, const Tensor& values, const Shape& shape) {
  if (auto node = symbolic<&scatter>(indices, values, shape)) return *node;
  const Tensor plain = as_plain(values);
  return prim::scatter(KERAS_SCATTER_ADD, prim::full(shape, 0, plain.dtype()), as_indices("scatter", indices),
                       plain);
}

Tensor scatter_update(const Tensor& inputs, const Tensor& indices, const Tensor& updates,
                      const std::optional<std::string>& reduction) {
  if (auto node = symbolic<&scatter_update>(inputs, indices, updates, reduction)) return *node;
  keras_scatter kind = KERAS_SCATTER_SET;
  if (reduction) {
    const std::vector<std::string> names{"add", "mul", "min", "max"};
    const auto it = std::find(names.begin(), names.end(), *reduction);
    if (it == names.end()) internal::fail_unknown_name("scatter_update", "reduction", *reduction, names);
    kind = static_cast<keras_scatter>(KERAS_SCATTER_ADD + (it - names.begin()));
  }
  const Tensor plain = as_plain(inputs);
  const Tensor places = wrapped(as_indices("scatter_update", indices), plain.shape());
  return prim::scatter(kind, plain, places, as_dtype(updates, plain.dtype()));
}

Tensor slice(const Tensor& inputs, const Tensor& start_indices, const Shape& shape) {
  if (auto node = symbolic<&slice>(inputs, start_indices, shape)) return *node;
  return prim::dynamic_slice(as_plain(inputs), as_dtype(as_indices("slice", start_indices), DType::int32),
                             shape);
}

Tensor slice_update(const Tensor& inputs, const Tensor& start_indices, const Tensor& updates) {
  if (auto node = symbolic<&slice_update>(inputs, start_indices, updates)) return *node;
  const Tensor plain = as_plain(inputs);
  return prim::dynamic_update_slice(plain, as_dtype(updates, plain.dtype()),
                                    as_dtype(as_indices("slice_update", start_indices), DType::int32));
}

std::vector<Tensor> unstack(const Tensor& x, std::optional<int64_t> num, int64_t axis) {
  if (auto node = symbolic<&unstack>(x, num, axis)) return *node;
  const int along = normalize_axis("unstack", axis, x.rank());
  const Dim extent = x.dim(along);
  if (!extent.known() && !num) {
    fail<ValueError>({"unstack", "The number of slices must be known", x.shape().to_string(), "give num"});
  }
  if (extent.known() && num && *num != extent.value()) {
    fail<ValueError>({"unstack", "num must be the extent of the axis",
                      fmt::format("num={}, extent {}", *num, extent.value()), ""});
  }
  std::vector<Tensor> out;
  for (int64_t i = 0; i < extent.value_or(num.value_or(0)); ++i)
    out.push_back(prim::index_axis(x, along, Dim(i)));
  return out;
}

}  // namespace keras::ops
