// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/layers/merging.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::layers {

namespace {

void require_inputs(const std::string& where, size_t given, size_t least, size_t most) {
  if (given >= least && given <= most) return;
  internal::fail<ValueError>({where,
                              least == most
                                  ? fmt::format("The layer takes a list of {} inputs", least)
                                  : fmt::format("The layer takes a list of at least {} inputs", least),
                              fmt::format("{} inputs", given), ""});
}

constexpr size_t kAny = static_cast<size_t>(-1);

template <class Derived>
Tensor joined(const Tensor& a, const Tensor& b) {
  if constexpr (std::is_same_v<Derived, Subtract>) return a - b;
  if constexpr (std::is_same_v<Derived, Maximum>) return ops::maximum(a, b);
  if constexpr (std::is_same_v<Derived, Minimum>) return ops::minimum(a, b);
  return a + b;
}

// The mask of one input in the input's shape, undefined where it has none.
Tensor mask_of(const std::vector<Tensor>& xs, const Nest& masks, size_t i) {
  if (!masks.is_list() || i >= masks.size() || !masks[i].is_leaf()) return {};
  return ops::logical_or(ops::expand_dims(masks[i].tensor(), -1), ops::zeros_like(xs[i], DType::bool_));
}

// A masked factor counts as 1; where all factors are masked the product is 0.
Tensor masked_product(const std::vector<Tensor>& xs, const Nest& masks) {
  Tensor product;
  Tensor seen;
  bool all_masked = true;
  for (size_t i = 0; i < xs.size(); ++i) {
    const Tensor mask = mask_of(xs, masks, i);
    const Tensor x = mask.defined() ? ops::where(mask, xs[i], ops::ones_like(xs[i])) : xs[i];
    if (mask.defined()) seen = seen.defined() ? ops::logical_or(seen, mask) : mask;
    all_masked = all_masked && mask.defined();
    product = product.defined() ? product * x : x;
  }
  return all_masked ? ops::where(seen, product, ops::zeros_like(product)) : product;
}

template <class Derived>
Tensor merged(const std::vector<Tensor>& xs, const Nest& masks) {
  if constexpr (std::is_same_v<Derived, Multiply>) return masked_product(xs, masks);
  // In extremes a masked element does not count: the other input's stands in its place.
  constexpr bool masked = std::is_same_v<Derived, Maximum> || std::is_same_v<Derived, Minimum>;
  Tensor y = xs[0];
  Tensor y_mask = masked ? mask_of(xs, masks, 0) : Tensor();
  for (size_t i = 1; i < xs.size(); ++i) {
    Tensor x = xs[i];
    const Tensor mask = masked ? mask_of(xs, masks, i) : Tensor();
    if (mask.defined()) x = ops::where(mask, x, y);
    if (y_mask.defined()) y = ops::where(y_mask, y, x);
    y_mask = mask.defined() && y_mask.defined() ? ops::logical_or(y_mask, mask) : Tensor();
    y = joined<Derived>(y, x);
  }
  if constexpr (std::is_same_v<Derived, Average>) y = y / static_cast<double>(xs.size());
  return y;
}

}  // namespace

template <class Derived>
BaseMerge<Derived>::BaseMerge(MergeOptions options)
    : ConfiguredLayer<Derived, MergeOptions>(std::move(options)) {
  this->set_supports_masking();
}

template <class Derived>
void BaseMerge<Derived>::build_nest(const std::vector<Shape>& shapes) {
  const bool pair = std::is_same_v<Derived, Subtract>;
  require_inputs(this->name(), shapes.size(), pair ? 2 : 1, pair ? 2 : kAny);
  for (const Shape& s : shapes) {
    if (s.empty() || shapes[0].empty()) continue;
    if (s[0].known() && shapes[0][0].known() && !(s[0] == shapes[0][0])) {
      internal::fail<ValueError>({this->name(), "The inputs must have one batch size",
                                  fmt::format("{} and {}", shapes[0].to_string(), s.to_string()), ""});
    }
  }
}

template <class Derived>
Nest BaseMerge<Derived>::call_nest(const Nest& inputs, const CallArgs& args) {
  auto xs = inputs.flatten();
  int rank = 0;
  for (const Tensor& x : xs) rank = std::max(rank, x.rank());
  for (Tensor& x : xs) {
    while (x.rank() < rank) x = ops::expand_dims(x, 1);
  }
  return merged<Derived>(xs, args.mask);
}

template <class Derived>
Nest BaseMerge<Derived>::compute_mask(const Nest&, const Nest& masks) {
  if (!masks.is_list() || masks.size() == 0) return {};
  Tensor out;
  for (const Nest& mask : masks.list()) {
    if (!mask.is_leaf()) return {};
    out = out.defined() ? ops::logical_or(out, mask.tensor()) : mask.tensor();
  }
  return out;
}

#define KERAS_DEFINE_MERGE(Name, function)                                   \
  KERAS_REGISTER_LAYER(Name);                                                \
  template class BaseMerge<Name>;                                            \
  Tensor function(const std::vector<Tensor>& inputs, MergeOptions options) { \
    return Name(std::move(options))(Nest(inputs)).tensor();                  \
  }
KERAS_DEFINE_MERGE(Add, add)
KERAS_DEFINE_MERGE(Subtract, subtract)
KERAS_DEFINE_MERGE(Multiply, multiply)
KERAS_DEFINE_MERGE(Average, average)
KERAS_DEFINE_MERGE(Maximum, maximum)
KERAS_DEFINE_MERGE(Minimum, minimum)
#undef KERAS_DEFINE_MERGE

KERAS_REGISTER_LAYER(Concatenate);
KERAS_REGISTER_LAYER(Dot);

Concatenate::Concatenate(ConcatenateOptions options) : ConfiguredLayer(std::move(options)) {
  set_supports_masking();
}

Concatenate::Concatenate(int64_t axis, ConcatenateOptions options)
    : Concatenate([&] {
        options.axis = axis;
        return std::move(options);
      }()) {}

void Concatenate::build_nest(const std::vector<Shape>& shapes) {
  require_inputs(name(), shapes.size(), 1, kAny);
}

Nest Concatenate::call_nest(const Nest& inputs, const CallArgs&) {
  return ops::concatenate(inputs.flatten(), options_.axis);
}

Nest Concatenate::compute_mask(const Nest& inputs, const Nest& masks) {
  if (!masks.is_list()) return {};
  const auto xs = inputs.flatten();
  std::vector<Tensor> full;
  bool any = false;
  for (size_t i = 0; i < xs.size() && i < masks.size(); ++i) {
    if (!masks[i].is_leaf()) {
      full.push_back(ops::ones_like(xs[i], DType::bool_));
      continue;
    }
    any = true;
    const Tensor& mask = masks[i].tensor();
    full.push_back(mask.rank() < xs[i].rank()
                       ? ops::logical_or(ops::expand_dims(mask, -1), ops::zeros_like(xs[i], DType::bool_))
                       : mask);
  }
  if (!any) return {};
  return ops::any(ops::concatenate(full, options_.axis), -1);
}

Dot::Dot(DotOptions options) : ConfiguredLayer(std::move(options)) {
  if (!options_.axes.scalar() && options_.axes.size() != 2) {
    internal::fail<ValueError>(
        {kClassName, "axes must be one integer or two", fmt::format("{} numbers", options_.axes.size()), ""});
  }
  set_supports_masking();
}

Dot::Dot(IntTuple axes, DotOptions options)
    : Dot([&] {
        options.axes = std::move(axes);
        return std::move(options);
      }()) {}

Nest Dot::call_nest(const Nest& inputs, const CallArgs&) {
  const auto given = inputs.flatten();
  require_inputs(name(), given.size(), 2, 2);
  Tensor x = given[0];
  Tensor y = given[1];
  if (x.rank() < 2 || y.rank() < 2) {
    internal::fail<ValueError>({name(), "The inputs need a batch axis and another one",
                                fmt::format("{} and {}", x.shape().to_string(), y.shape().to_string()), ""});
  }
  const auto& axes = options_.axes;
  const int a = normalize_axis(kClassName, axes[0], x.rank());
  const int b = normalize_axis(kClassName, axes.scalar() ? axes[0] : axes[1], y.rank());
  if (a == 0 || b == 0) {
    internal::fail<ValueError>({name(), "The sum cannot run over the batch axis", "axis 0", ""});
  }
  if (x.dim(a).known() && y.dim(b).known() && !(x.dim(a) == y.dim(b))) {
    internal::fail<ValueError>(
        {name(), "The axes must have one size",
         fmt::format("{} (axis {}) and {} (axis {})", x.shape().to_string(), a, y.shape().to_string(), b),
         ""});
  }
  if (options_.normalize) {
    x = ops::normalize(x, {a});
    y = ops::normalize(y, {b});
  }
  // One einsum: batch Z, summed axis Y, the other axes by their own letters.
  std::string left(static_cast<size_t>(x.rank()), 'Z');
  std::string right(static_cast<size_t>(y.rank()), 'Z');
  std::string result = "Z";
  char next = 'a';
  for (int i = 1; i < x.rank(); ++i) {
    left[static_cast<size_t>(i)] = i == a ? 'Y' : next;
    if (i != a) result += next++;
  }
  for (int i = 1; i < y.rank(); ++i) {
    right[static_cast<size_t>(i)] = i == b ? 'Y' : next;
    if (i != b) result += next++;
  }
  const Tensor out = ops::einsum(left + "," + right + "->" + result, {x, y});
  return out.rank() == 1 ? ops::expand_dims(out, -1) : out;
}

Nest Dot::compute_mask(const Nest&, const Nest&) { return {}; }

Tensor concatenate(const std::vector<Tensor>& inputs, int64_t axis, ConcatenateOptions options) {
  return Concatenate(axis, std::move(options))(Nest(inputs)).tensor();
}

Tensor dot(const std::vector<Tensor>& inputs, IntTuple axes, DotOptions options) {
  return Dot(std::move(axes), std::move(options))(Nest(inputs)).tensor();
}

}  // namespace keras::layers
