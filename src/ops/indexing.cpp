// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/manipulation.h"
#include "keras/ops/sorting.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras {

/// Integers, slices as "__slice__", an ellipsis as "__ellipsis__", null for a new axis, tensors as they are.
template <>
struct FieldCodec<Index> {
  static std::string kind() { return "index"; }
  static Json to_json(const Index& index) {
    struct Visitor {
      Json operator()(int64_t i) const { return i; }
      Json operator()(const Slice& s) const {
        using Codec = FieldCodec<std::optional<int64_t>>;
        return Json::dict({{"class_name", "__slice__"},
                           {"config", Json::dict({{"start", Codec::to_json(s.start)},
                                                  {"stop", Codec::to_json(s.stop)},
                                                  {"step", Codec::to_json(s.step)}})}});
      }
      Json operator()(EllipsisTag) const {
        return Json::dict({{"class_name", "__ellipsis__"}, {"config", Json::dict()}});
      }
      Json operator()(NewAxisTag) const { return nullptr; }
      Json operator()(const Tensor& t) const { return FieldCodec<Tensor>::to_json(t); }
    };
    return std::visit(Visitor(), index.value());
  }
  static Index from_json(const Json& json, std::string_view where) {
    if (json.is_null()) return newaxis;
    if (json.is_int()) return json.as_int(where);
    if (json.get("class_name") == Json("__ellipsis__")) return ellipsis;
    if (json.get("class_name") == Json("__slice__")) {
      using Codec = FieldCodec<std::optional<int64_t>>;
      const Json& c = json["config"];
      return Slice(Codec::from_json(c["start"], where), Codec::from_json(c["stop"], where),
                   Codec::from_json(c["step"], where));
    }
    return FieldCodec<Tensor>::from_json(json, where);
  }
};

/// Index holds no empty value, so lists are filled item by item.
template <>
struct FieldCodec<std::vector<Index>> {
  static std::string kind() { return "list of index"; }
  static Json to_json(const std::vector<Index>& values) { return internal::list_to_json(values); }
  static std::vector<Index> from_json(const Json& json, std::string_view where) {
    std::vector<Index> out;
    if (!json.is_list()) return {FieldCodec<Index>::from_json(json, where)};
    for (const auto& item : json.as_list(where)) out.push_back(FieldCodec<Index>::from_json(item, where));
    return out;
  }
};

namespace ops {

namespace prim = internal::prim;
using internal::fail;
using internal::symbolic;

namespace {

constexpr auto kWhere = "index";

// How many of the operand's axes an index uses up.
size_t consumed(const Index& index) {
  if (std::holds_alternative<EllipsisTag>(index.value()) || std::holds_alternative<NewAxisTag>(index.value()))
    return 0;
  if (const auto* t = std::get_if<Tensor>(&index.value())) {
    return t->dtype() == DType::bool_ ? static_cast<size_t>(t->rank()) : 1;
  }
  return 1;
}

// The places of the true elements of a mask, one integer tensor for each of its axes.
std::vector<Tensor> places_of(const Tensor& mask) {
  if (mask.abstract()) {
    fail<TypeError>({kWhere, "A bool mask can only be read where it has values", "a symbolic or traced mask",
                     "use ops::where, or multiply by the mask"});
  }
  return nonzero(mask);
}

struct Bounds {
  Dim start, limit;
  int64_t stride;
  bool reversed;
};

// Python's rules for a slice of an axis; an axis of unknown extent takes bounds that count from either end.
Bounds resolve(const Slice& s, Dim extent) {
  int64_t step = s.step.value_or(1);
  if (step == 0) fail<ValueError>({kWhere, "The step of a slice must not be 0", "0", ""});
  if (!extent.known()) {
    const auto place = [&](const std::optional<int64_t>& p, Dim otherwise) {
      if (!p) return otherwise;
      return *p < 0 ? extent - Dim(-*p) : Dim(*p);
    };
    if (step < 0 && (s.start || s.stop)) {
      fail<ValueError>({kWhere, "A backward slice of an axis of unknown extent must be whole", "bounds", ""});
    }
    return {place(s.start, Dim(0)), place(s.stop, extent), std::abs(step), step < 0};
  }
  const int64_t n = extent.value();
  // A step beyond the extent takes one element, like the least such step.
  step = std::clamp(step, -n - 1, n + 1);
  const auto clamped = [&](int64_t p, int64_t low, int64_t high) {
    return std::clamp(p < 0 ? p + n : p, low, high);
  };
  if (step > 0) {
    const int64_t start = s.start ? clamped(*s.start, 0, n) : 0;
    const int64_t stop = s.stop ? clamped(*s.stop, 0, n) : n;
    return {Dim(start), Dim(std::max(start, stop)), step, false};
  }
  // Backward: the same elements forward, then reversed.
  const int64_t first = s.start ? clamped(*s.start, -1, n - 1) : n - 1;
  const int64_t end = s.stop ? clamped(*s.stop, -1, n - 1) : -1;
  if (first <= end) return {Dim(0), Dim(0), 1, false};
  const int64_t count = (first - end - step - 1) / -step;
  const int64_t lowest = first + (count - 1) * step;
  return {Dim(lowest), Dim(first + 1), -step, true};
}

}  // namespace

Tensor get_item(const Tensor& x, const std::vector<Index>& key) {
  if (auto node = symbolic<&get_item>(x, key)) return *node;
  size_t used = 0;
  size_t dots = 0;
  for (const Index& index : key) {
    used += consumed(index);
    dots += std::holds_alternative<EllipsisTag>(index.value()) ? 1 : 0;
  }
  const auto rank = static_cast<size_t>(x.rank());
  if (used > rank || dots > 1) {
    fail<ValueError>({kWhere, dots > 1 ? "There may be one ellipsis" : "There may be one index for each axis",
                      fmt::format("{} indices for shape {}", used, x.shape().to_string()), ""});
  }
  std::vector<Index> full(key.begin(), key.end());
  if (dots == 0) full.emplace_back(ellipsis);

  // First the slices and integers as one box, noting where new axes and tensor indices come.
  Shape start(rank, Dim(0));
  Shape limit = x.shape();
  SmallVector<int64_t, 6> stride(rank, 1);
  Axes reversed;
  Shape shape;                                      // of the result before tensor indices
  std::vector<std::pair<size_t, Tensor>> advanced;  // axis in that shape, integer indices
  std::vector<size_t> slots;                        // place of each advanced index in the key
  size_t axis = 0;
  size_t slot = 0;
  for (const Index& index : full) {
    ++slot;
    if (std::holds_alternative<EllipsisTag>(index.value())) {
      for (size_t k = 0; k < rank - used; ++k) shape.push_back(x.shape()[axis++]);
    } else if (std::holds_alternative<NewAxisTag>(index.value())) {
      shape.push_back(Dim(1));
    } else if (const auto* i = std::get_if<int64_t>(&index.value())) {
      const Dim extent = x.shape()[axis];
      Dim place = extent.known() ? Dim(normalize_axis(kWhere, *i, static_cast<int>(extent.value())))
                                 : (*i < 0 ? extent - Dim(-*i) : Dim(*i));
      start[axis] = place;
      limit[axis] = place + Dim(1);
      ++axis;
    } else if (const auto* s = std::get_if<Slice>(&index.value())) {
      const Bounds b = resolve(*s, x.shape()[axis]);
      start[axis] = b.start;
      limit[axis] = b.limit;
      stride[axis] = b.stride;
      if (b.reversed) reversed.push_back(static_cast<int>(axis));
      const Dim span = b.limit - b.start;
      shape.push_back(b.stride == 1 ? span : (span + Dim(b.stride - 1)) / Dim(b.stride));
      ++axis;
    } else {
      const Tensor& t = std::get<Tensor>(index.value());
      const std::vector<Tensor> tensors =
          t.dtype() == DType::bool_ ? places_of(t) : std::vector<Tensor>{internal::as_plain(t)};
      for (const Tensor& places : tensors) {
        if (!is_integer(places.dtype())) {
          fail<TypeError>({kWhere, "A tensor index must be integer or bool",
                           std::string(dtype_name(places.dtype())), ""});
        }
        advanced.emplace_back(shape.size(), places);
        slots.push_back(slot);
        shape.push_back(x.shape()[axis++]);
      }
    }
  }
  Tensor out = prim::slice(internal::as_plain(x), start, limit, stride);
  out = prim::reshape(prim::reverse(out, reversed), shape);
  if (advanced.empty()) return out;

  // Then the tensor indices: their axes to the front, one gather over them, and the result's axes to where
  // the first of them stood (in front when something stands between them), as NumPy places them.
  const size_t depth = advanced.size();
  if (depth == 1) {
    return take(out, advanced[0].second, static_cast<int64_t>(advanced[0].first));
  }
  Shape common = advanced[0].second.shape();
  for (const auto& [place, t] : advanced) common = broadcast_shapes(kWhere, common, t.shape());
  std::vector<Tensor> columns;
  Axes order;
  bool adjacent = true;
  for (size_t i = 0; i < depth; ++i) {
    const auto& [place, t] = advanced[i];
    Tensor wide = prim::broadcast_to(prim::cast(t, DType::int32), common);
    const Tensor negative = prim::less(wide, prim::scalar_like(wide, 0));
    wide = prim::select(negative, prim::add(wide, prim::extent(out, static_cast<int>(place))), wide);
    columns.push_back(prim::expand_dims(wide, wide.rank()));
    order.push_back(static_cast<int>(place));
    adjacent = adjacent && (i == 0 || slots[i] - slots[i - 1] <= 1);
  }
  for (int i = 0; i < out.rank(); ++i) {
    if (std::find(order.begin(), order.begin() + depth, i) == order.begin() + depth) order.push_back(i);
  }
  out = prim::gather_nd(prim::transpose(out, order), prim::concat(columns, common.rank()));
  if (!adjacent || advanced[0].first == 0) return out;
  Axes back;
  const auto before = static_cast<int>(advanced[0].first);
  for (int i = 0; i < before; ++i) back.push_back(common.rank() + i);
  for (int i = 0; i < common.rank(); ++i) back.push_back(i);
  for (int i = common.rank() + before; i < out.rank(); ++i) back.push_back(i);
  return prim::transpose(out, back);
}

}  // namespace ops

Tensor Tensor::operator[](const Index& index) const { return ops::get_item(*this, {index}); }
Tensor Tensor::operator[](int64_t index) const { return ops::get_item(*this, {Index(index)}); }
Tensor Tensor::operator[](std::initializer_list<Index> indices) const {
  return ops::get_item(*this, std::vector<Index>(indices));
}

}  // namespace keras
