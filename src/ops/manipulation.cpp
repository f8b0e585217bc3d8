// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/manipulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_plain;
using internal::fail;
using internal::promote;
using internal::symbolic;

namespace {

Tensor flattened(const Tensor& x) { return prim::reshape(as_plain(x), Shape{element_count(x.shape())}); }
Shape with(Shape shape, int axis, Dim d) {
  shape[static_cast<size_t>(axis)] = d;
  return shape;
}

void require_tensors(std::string_view where, const std::vector<Tensor>& xs) {
  if (xs.empty()) fail<ValueError>({where, "There must be at least one tensor", "an empty list", ""});
}

Tensor joined(const std::vector<Tensor>& xs, std::string_view where, int64_t axis) {
  require_tensors(where, xs);
  const int along = normalize_axis(where, axis, xs[0].rank());
  for (const Tensor& t : xs) {
    bool fits = t.rank() == xs[0].rank();
    for (int i = 0; fits && i < t.rank(); ++i) {
      const Dim a = t.dim(i), b = xs[0].dim(i);
      fits = i == along || a == b || !a.known() || !b.known();
    }
    if (!fits) {
      fail<ValueError>({where, fmt::format("All tensors must have one shape, but for axis {}", along),
                        xs[0].shape().to_string() + " and " + t.shape().to_string(), ""});
    }
  }
  return prim::concat(promote(xs), along);
}

}  // namespace

Tensor reshape(const Tensor& x, const NewShape& newshape) {
  if (auto node = symbolic<&reshape>(x, newshape)) return *node;
  return prim::reshape(as_plain(x), newshape.resolve("reshape", x.shape()));
}

Tensor ravel(const Tensor& x) {
  if (auto node = symbolic<&ravel>(x)) return *node;
  return flattened(x);
}

Tensor transpose(const Tensor& x, const Axis& axes) {
  if (auto node = symbolic<&transpose>(x, axes)) return *node;
  Axes permutation;
  if (axes.none()) {
    for (int i = x.rank(); i-- > 0;) permutation.push_back(i);
  } else {
    if (static_cast<int>(axes.values().size()) != x.rank()) {
      fail<ValueError>({"transpose", "axes must name every axis once",
                        fmt::format("{} axes for shape {}", axes.values().size(), x.shape().to_string()),
                        ""});
    }
    for (const int64_t axis : axes.values())
      permutation.push_back(normalize_axis("transpose", axis, x.rank()));
  }
  return prim::transpose(as_plain(x), permutation);
}

Tensor swapaxes(const Tensor& x, int64_t axis1, int64_t axis2) {
  if (auto node = symbolic<&swapaxes>(x, axis1, axis2)) return *node;
  Axes permutation = prim::all_axes(x.rank());
  std::swap(permutation[static_cast<size_t>(normalize_axis("swapaxes", axis1, x.rank()))],
            permutation[static_cast<size_t>(normalize_axis("swapaxes", axis2, x.rank()))]);
  return prim::transpose(as_plain(x), permutation);
}

Tensor moveaxis(const Tensor& x, const Integers& source, const Integers& destination) {
  if (auto node = symbolic<&moveaxis>(x, source, destination)) return *node;
  if (source.size() != destination.size()) {
    fail<ValueError>({"moveaxis", "source and destination must have one length",
                      fmt::format("{} and {}", source.size(), destination.size()), ""});
  }
  std::vector<int> result(static_cast<size_t>(x.rank()), -1);
  std::vector<bool> moved(result.size(), false);
  for (size_t i = 0; i < source.size(); ++i) {
    const int from = normalize_axis("moveaxis", source[i], x.rank());
    const int to = normalize_axis("moveaxis", destination[i], x.rank());
    if (moved[static_cast<size_t>(from)] || result[static_cast<size_t>(to)] >= 0) {
      fail<ValueError>({"moveaxis", "Each axis may be named once", fmt::format("{} to {}", from, to), ""});
    }
    moved[static_cast<size_t>(from)] = true;
    result[static_cast<size_t>(to)] = from;
  }
  size_t next = 0;
  for (int& axis : result) {
    if (axis >= 0) continue;
    while (moved[next]) ++next;
    axis = static_cast<int>(next++);
  }
  return prim::transpose(as_plain(x), result);
}

Tensor expand_dims(const Tensor& x, const Axis& axis) {
  if (auto node = symbolic<&expand_dims>(x, axis)) return *node;
  if (axis.none()) fail<ValueError>({"expand_dims", "An axis must be given", "none", ""});
  Shape shape = x.shape();
  for (const int a : axis.resolve("expand_dims", x.rank() + static_cast<int>(axis.values().size()))) {
    shape.insert(static_cast<size_t>(a), Dim(1));
  }
  return prim::reshape(as_plain(x), shape);
}

Tensor squeeze(const Tensor& x, const Axis& axis) {
  if (auto node = symbolic<&squeeze>(x, axis)) return *node;
  Axes axes;
  if (axis.none()) {
    for (int i = 0; i < x.rank(); ++i) {
      if (x.dim(i) == Dim(1)) axes.push_back(i);
    }
  } else {
    axes = axis.resolve("squeeze", x.rank());
    for (const int a : axes) {
      if (x.dim(a).known() && !(x.dim(a) == Dim(1))) {
        fail<ValueError>({"squeeze", "Only axes of size 1 can be removed",
                          fmt::format("axis={} of shape {}", a, x.shape().to_string()), ""});
      }
    }
  }
  return prim::squeeze(as_plain(x), axes);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (auto node = symbolic<&broadcast_to>(x, shape)) return *node;
  return prim::broadcast_to(as_plain(x), shape);
}

int64_t ndim(const Tensor& x) { return x.rank(); }

Tensor size(const Tensor& x) {
  if (auto node = symbolic<&size>(x)) return *node;
  if (x.shape().known()) return prim::scalar(static_cast<double>(x.elements()), DType::int32);
  Tensor out = prim::extent(x, 0);
  for (int i = 1; i < x.rank(); ++i) out = prim::mul(out, prim::extent(x, i));
  return out;
}

Tensor concatenate(const std::vector<Tensor>& xs, int64_t axis) {
  if (auto node = symbolic<&concatenate>(xs, axis)) return *node;
  return joined(xs, "concatenate", axis);
}

Tensor stack(const std::vector<Tensor>& x, int64_t axis) {
  if (auto node = symbolic<&stack>(x, axis)) return *node;
  require_tensors("stack", x);
  const int along = normalize_axis("stack", axis, x[0].rank() + 1);
  std::vector<Tensor> parts;
  for (const Tensor& t : promote(x)) {
    bool same = t.rank() == x[0].rank();
    for (size_t i = 0; same && i < t.shape().size(); ++i) {
      const Dim a = t.shape()[i], b = x[0].shape()[i];
      same = a == b || !a.known() || !b.known();
    }
    if (!same) {
      fail<ValueError>({"stack", "All tensors must have one shape",
                        x[0].shape().to_string() + " and " + t.shape().to_string(), ""});
    }
    parts.push_back(prim::expand_dims(t, along));
  }
  return prim::concat(parts, along);
}

Tensor hstack(const std::vector<Tensor>& xs) {
  if (auto node = symbolic<&hstack>(xs)) return *node;
  require_tensors("hstack", xs);
  return joined(xs, "hstack", xs[0].rank() == 1 ? 0 : 1);
}

Tensor vstack(const std::vector<Tensor>& xs) {
  if (auto node = symbolic<&vstack>(xs)) return *node;
  std::vector<Tensor> rows;
  for (const Tensor& t : xs)
    rows.push_back(t.rank() < 2 ? prim::reshape(as_plain(t), Shape{1, element_count(t.shape())}) : t);
  return joined(rows, "vstack", 0);
}

Tensor dstack(const std::vector<Tensor>& xs) {
  if (auto node = symbolic<&dstack>(xs)) return *node;
  std::vector<Tensor> parts;
  for (const Tensor& t : xs) {
    Shape shape = t.shape();
    if (shape.empty()) shape = Shape{1, 1, 1};
    if (shape.size() == 1) shape = Shape{1, shape[0], 1};
    if (shape.size() == 2) shape.push_back(Dim(1));
    parts.push_back(prim::reshape(as_plain(t), shape));
  }
  return joined(parts, "dstack", 2);
}

Tensor column_stack(const std::vector<Tensor>& xs) {
  if (auto node = symbolic<&column_stack>(xs)) return *node;
  std::vector<Tensor> columns;
  for (const Tensor& t : xs) columns.push_back(t.rank() == 1 ? prim::expand_dims(t, 1) : t);
  return joined(columns, "column_stack", 1);
}

Tensor append(const Tensor& x1, const Tensor& x2, std::optional<int64_t> axis) {
  if (auto node = symbolic<&append>(x1, x2, axis)) return *node;
  if (axis) return joined({x1, x2}, "append", *axis);
  return joined({flattened(x1), flattened(x2)}, "append", 0);
}

namespace {

std::vector<Tensor> cut(const Tensor& x, const Sections& sections, std::string_view where, int64_t axis) {
  const int along = normalize_axis(where, axis, x.rank());
  const Dim extent = x.dim(along);
  std::vector<Tensor> out;
  if (sections.by_index()) {
    const auto place = [&](int64_t index) {
      if (!extent.known()) return index < 0 ? extent - Dim(-index) : Dim(index);
      const int64_t n = extent.value();
      return Dim(std::clamp<int64_t>(index < 0 ? index + n : index, 0, n));
    };
    Dim start = 0;
    for (const int64_t index : sections.indices()) {
      Dim end = place(index);
      if (start.known() && end.known() && end.value() < start.value()) end = start;
      out.push_back(prim::slice_axis(x, along, start, end));
      start = end;
    }
    out.push_back(prim::slice_axis(x, along, start, extent));
    return out;
  }
  const int64_t count = sections.count();
  if (count <= 0 || (extent.known() && extent.value() % count != 0)) {
    fail<ValueError>({where, "The axis must divide evenly into a positive number of parts",
                      fmt::format("{} parts of axis {} in shape {}", count, along, x.shape().to_string()),
                      "array_split allows parts that differ by one"});
  }
  const Dim part = extent / Dim(count);
  out.reserve(internal::host_entries(where, sizeof(Tensor), {count}));
  for (int64_t i = 0; i < count; ++i)
    out.push_back(prim::slice_axis(x, along, part * Dim(i), part * Dim(i + 1)));
  return out;
}

}  // namespace

std::vector<Tensor> split(const Tensor& x, const Sections& indices_or_sections, int64_t axis) {
  if (auto node = symbolic<&split>(x, indices_or_sections, axis)) return *node;
  return cut(x, indices_or_sections, "split", axis);
}

std::vector<Tensor> array_split(const Tensor& x, int64_t indices_or_sections, int64_t axis) {
  if (auto node = symbolic<&array_split>(x, indices_or_sections, axis)) return *node;
  const int along = normalize_axis("array_split", axis, x.rank());
  if (indices_or_sections <= 0) {
    fail<ValueError>(
        {"array_split", "The number of parts must be positive", std::to_string(indices_or_sections), ""});
  }
  const int64_t extent = x.dim(along).value();
  std::vector<int64_t> places;
  places.reserve(internal::host_entries("array_split", sizeof(Tensor), {indices_or_sections}));
  int64_t place = 0;
  for (int64_t i = 0; i + 1 < indices_or_sections; ++i) {
    place += extent / indices_or_sections + (i < extent % indices_or_sections ? 1 : 0);
    places.push_back(place);
  }
  return cut(x, Sections(std::move(places)), "array_split", along);
}

std::vector<Tensor> hsplit(const Tensor& x, const Sections& indices_or_sections) {
  if (auto node = symbolic<&hsplit>(x, indices_or_sections)) return *node;
  return cut(x, indices_or_sections, "hsplit", x.rank() == 1 ? 0 : 1);
}

std::vector<Tensor> vsplit(const Tensor& x, const Sections& indices_or_sections) {
  if (auto node = symbolic<&vsplit>(x, indices_or_sections)) return *node;
  return cut(x, indices_or_sections, "vsplit", 0);
}

std::vector<Tensor> dsplit(const Tensor& x, const Sections& indices_or_sections) {
  if (auto node = symbolic<&dsplit>(x, indices_or_sections)) return *node;
  return cut(x, indices_or_sections, "dsplit", 2);
}

namespace {

void require_counts(const char* where, const Integers& repeats) {
  const auto& counts = repeats.values();
  if (std::all_of(counts.begin(), counts.end(), [](int64_t n) { return n >= 0; })) return;
  fail<ValueError>(
      {where, "repeats must not be negative", fmt::format("repeats=[{}]", fmt::join(counts, ", ")), ""});
}

}  // namespace

Tensor tile(const Tensor& x, const Integers& repeats) {
  if (auto node = symbolic<&tile>(x, repeats)) return *node;
  std::vector<int64_t> counts = repeats.values();
  require_counts("tile", repeats);
  const auto rank = static_cast<size_t>(x.rank());
  if (counts.size() < rank) counts.insert(counts.begin(), rank - counts.size(), 1);
  Shape from = x.shape();
  while (from.size() < counts.size()) from.insert(0, Dim(1));
  // A repeated axis gets an axis of its own before it, which is broadcast and merged in.
  Shape spread;
  Shape wide;
  Shape out;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 1) {
      spread.push_back(Dim(1));
      wide.push_back(Dim(counts[i]));
    }
    spread.push_back(from[i]);
    wide.push_back(from[i]);
    out.push_back(from[i] * Dim(counts[i]));
  }
  return prim::reshape(prim::broadcast_to(prim::reshape(as_plain(x), spread), wide), out);
}

Tensor repeat(const Tensor& x, const Integers& repeats, std::optional<int64_t> axis) {
  if (auto node = symbolic<&repeat>(x, repeats, axis)) return *node;
  require_counts("repeat", repeats);
  const Tensor source = axis ? as_plain(x) : flattened(x);
  const int along = axis ? normalize_axis("repeat", *axis, x.rank()) : 0;
  const Dim extent = source.dim(along);
  if (repeats.size() == 1) {
    const Tensor spread = prim::expand_dims(source, along + 1);
    const Tensor wide = prim::broadcast_to(spread, with(spread.shape(), along + 1, Dim(repeats[0])));
    return prim::reshape(wide, with(source.shape(), along, extent * Dim(repeats[0])));
  }
  if (!extent.known() || extent.value() != static_cast<int64_t>(repeats.size())) {
    fail<ValueError>({"repeat", "There must be one count, or one for each element of the axis",
                      fmt::format("{} counts for extent {}", repeats.size(), extent.to_string()), ""});
  }
  std::vector<int32_t> places;
  for (size_t i = 0; i < repeats.size(); ++i) {
    places.insert(places.end(), internal::host_entries("repeat", sizeof(int32_t), {repeats[i]}),
                  static_cast<int32_t>(i));
  }
  return prim::gather(source, Tensor::from(places), along);
}

Tensor roll(const Tensor& x, const Integers& shift, const Axis& axis) {
  if (auto node = symbolic<&roll>(x, shift, axis)) return *node;
  const size_t shifts = shift.size(), axes = axis.values().size();
  if (shifts == 0 ||
      (axis.none() ? shifts != 1 : axes == 0 || (shifts != 1 && axes != 1 && shifts != axes))) {
    fail<ValueError>(
        {"roll", "There must be one shift, or one for each axis",
         fmt::format("{} shifts for {}", shifts, axis.none() ? "no axis" : fmt::format("{} axes", axes)),
         ""});
  }
  Tensor out = axis.none() ? flattened(x) : as_plain(x);
  const size_t count = axis.none() ? 1 : std::max(shift.size(), axis.values().size());
  for (size_t i = 0; i < count; ++i) {
    const int along =
        axis.none() ? 0 : normalize_axis("roll", axis.values()[axis.values().size() == 1 ? 0 : i], x.rank());
    const int64_t by = shift[shift.size() == 1 ? 0 : i];
    const Dim extent = out.dim(along);
    if (extent == Dim(0)) continue;
    int64_t first = by;
    if (extent.known()) first = (by % extent.value() + extent.value()) % extent.value();
    if (first == 0) continue;
    const Dim middle = first > 0 ? extent - Dim(first) : Dim(-first);
    out = prim::concat(
        {prim::slice_axis(out, along, middle, extent), prim::slice_axis(out, along, Dim(0), middle)}, along);
  }
  return prim::reshape(out, x.shape());
}

Tensor flip(const Tensor& x, const Axis& axis) {
  if (auto node = symbolic<&flip>(x, axis)) return *node;
  return prim::reverse(as_plain(x), axis.resolve("flip", x.rank()));
}

Tensor fliplr(const Tensor& x) {
  if (auto node = symbolic<&fliplr>(x)) return *node;
  return prim::reverse(x, {normalize_axis("fliplr", 1, x.rank())});
}

Tensor flipud(const Tensor& x) {
  if (auto node = symbolic<&flipud>(x)) return *node;
  return prim::reverse(x, {normalize_axis("flipud", 0, x.rank())});
}

Tensor rot90(const Tensor& array, int64_t k, const Integers& axes) {
  if (auto node = symbolic<&rot90>(array, k, axes)) return *node;
  if (axes.size() != 2 || array.rank() < 2) {
    fail<ValueError>({"rot90", "There must be two axes, of a tensor that has them",
                      fmt::format("{} axes, shape {}", axes.size(), array.shape().to_string()), ""});
  }
  const int a = normalize_axis("rot90", axes[0], array.rank());
  const int b = normalize_axis("rot90", axes[1], array.rank());
  if (a == b) fail<ValueError>({"rot90", "The axes must differ", fmt::format("{} twice", a), ""});
  Axes exchanged = prim::all_axes(array.rank());
  std::swap(exchanged[static_cast<size_t>(a)], exchanged[static_cast<size_t>(b)]);
  switch ((k % 4 + 4) % 4) {
    case 1:
      return prim::transpose(prim::reverse(array, {b}), exchanged);
    case 2:
      return prim::reverse(array, {std::min(a, b), std::max(a, b)});
    case 3:
      return prim::reverse(prim::transpose(array, exchanged), {b});
    default:
      return array;
  }
}

namespace {

// One side's mirrored elements: without the edge itself for "reflect", with it for "symmetric".
Tensor mirrored(const Tensor& x, int axis, int64_t count, bool before, int64_t skip) {
  const Dim extent = x.dim(axis);
  if (extent.known() && count > extent.value() - skip) {
    fail<ValueError>({"pad", "Mirrored padding must not be longer than the axis",
                      fmt::format("{} elements on axis {} of shape {}", count, axis, x.shape().to_string()),
                      ""});
  }
  const Tensor part = before ? prim::slice_axis(x, axis, Dim(skip), Dim(skip + count))
                             : prim::slice_axis(x, axis, extent - Dim(skip + count), extent - Dim(skip));
  return prim::reverse(part, {axis});
}

Tensor edge(const Tensor& x, int axis, int64_t count, bool before) {
  const Dim extent = x.dim(axis);
  const Tensor last =
      before ? prim::slice_axis(x, axis, Dim(0), Dim(1)) : prim::slice_axis(x, axis, extent - Dim(1), extent);
  return prim::broadcast_to(last, with(last.shape(), axis, Dim(count)));
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& pad_width,
           const std::string& mode, const Tensor& constant_values) {
  if (auto node = symbolic<&pad>(x, pad_width, mode, constant_values)) return *node;
  const auto rank = static_cast<size_t>(x.rank());
  if (pad_width.size() != rank && pad_width.size() != 1) {
    fail<ValueError>({"pad", "pad_width must have one pair, or one for each axis",
                      fmt::format("{} pairs for shape {}", pad_width.size(), x.shape().to_string()), ""});
  }
  if (constant_values.defined() && mode != "constant") {
    fail<ValueError>({"pad", "constant_values need mode \"constant\"", "mode=\"" + mode + "\"", ""});
  }
  SmallVector<int64_t, 6> low;
  SmallVector<int64_t, 6> high;
  for (size_t i = 0; i < rank; ++i) {
    const auto& [before, after] = pad_width[pad_width.size() == 1 ? 0 : i];
    if (before < 0 || after < 0) {
      fail<ValueError>(
          {"pad", "Padding must not be negative", fmt::format("({}, {})", before, after), "slice instead"});
    }
    low.push_back(before);
    high.push_back(after);
  }
  const Tensor plain = as_plain(x);
  if (mode == "constant") {
    const Tensor value =
        constant_values.defined() ? as_dtype(constant_values, plain.dtype()) : prim::scalar_like(plain, 0);
    return prim::pad(plain, value, low, high);
  }
  if (mode != "reflect" && mode != "symmetric" && mode != "edge") {
    internal::fail_unknown_name("pad", "mode", mode, {"constant", "reflect", "symmetric", "edge"});
  }
  Tensor out = plain;
  for (size_t i = 0; i < rank; ++i) {
    const int axis = static_cast<int>(i);
    std::vector<Tensor> parts;
    const auto side = [&](int64_t count, bool before) {
      if (count == 0) return;
      parts.push_back(mode == "edge" ? edge(out, axis, count, before)
                                     : mirrored(out, axis, count, before, mode == "reflect" ? 1 : 0));
    };
    side(low[i], true);
    parts.push_back(out);
    side(high[i], false);
    out = prim::concat(parts, axis);
  }
  return out;
}

namespace {

Tensor triangle(const Tensor& x, int64_t k, bool lower, std::string_view where) {
  if (x.rank() < 2) fail<ValueError>({where, "x must have at least two axes", x.shape().to_string(), ""});
  const Dim rows = x.dim(-2);
  const Dim columns = x.dim(-1);
  const Tensor offset = prim::sub(prim::iota(DType::int32, Shape{Dim(1), columns}, 1),
                                  prim::iota(DType::int32, Shape{rows, Dim(1)}, 0));
  const Tensor bound = prim::scalar(static_cast<double>(k), DType::int32);
  const Tensor kept = lower ? prim::less_equal(offset, bound) : prim::greater_equal(offset, bound);
  return prim::select(kept, x, prim::scalar_like(x, 0));
}

}  // namespace

Tensor tril(const Tensor& x, int64_t k) {
  if (auto node = symbolic<&tril>(x, k)) return *node;
  return triangle(x, k, true, "tril");
}

Tensor triu(const Tensor& x, int64_t k) {
  if (auto node = symbolic<&triu>(x, k)) return *node;
  return triangle(x, k, false, "triu");
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2) {
  if (auto node = symbolic<&diagonal>(x, offset, axis1, axis2)) return *node;
  const int a = normalize_axis("diagonal", axis1, x.rank());
  const int b = normalize_axis("diagonal", axis2, x.rank());
  if (a == b) fail<ValueError>({"diagonal", "The axes must differ", fmt::format("{} twice", a), ""});
  const Tensor moved = moveaxis(x, {a, b}, {-2, -1});
  const Dim rows = moved.dim(-2);
  const Dim columns = moved.dim(-1);
  constexpr int64_t kFarthest = std::numeric_limits<int64_t>::max();
  const int64_t right = std::max<int64_t>(offset, 0);
  const int64_t down = offset < -kFarthest ? kFarthest : std::max<int64_t>(-offset, 0);
  const int last = moved.rank() - 1;
  if (!rows.known() || !columns.known()) {
    fail<ValueError>({"diagonal", "The two axes must have known sizes", x.shape().to_string(), ""});
  }
  const int64_t count = std::max<int64_t>(0, std::min(rows.value() - down, columns.value() - right));
  // Element i stands at row down + i, column right + i: in the flattened matrix these are a constant step
  // apart.
  const Shape lead = moved.shape().sub(0, static_cast<size_t>(last) - 1);
  const Tensor flat = prim::reshape(moved, lead + Shape{rows * columns});
  if (count == 0) return prim::slice_axis(flat, last - 1, Dim(0), Dim(0));
  const int64_t step = columns.value() + 1;
  const int64_t first = down * columns.value() + right;
  return prim::slice_axis(flat, last - 1, Dim(first), Dim(first + (count - 1) * step + 1), step);
}

namespace {

Tensor wrapped_indices(std::string_view where, const Tensor& indices, const Tensor& x, int axis) {
  const Tensor plain = as_plain(indices);
  if (!is_integer(plain.dtype())) {
    fail<TypeError>(
        {where, "Indices must be integers", std::string(dtype_name(plain.dtype())), "cast them to int32"});
  }
  if (is_unsigned(plain.dtype())) return prim::cast(plain, DType::int32);
  const Tensor zero = prim::scalar_like(plain, 0);
  return prim::select(prim::less(plain, zero), prim::add(plain, prim::extent(x, axis, plain.dtype())), plain);
}

}  // namespace

Tensor take(const Tensor& x, const Tensor& indices, std::optional<int64_t> axis) {
  if (auto node = symbolic<&take>(x, indices, axis)) return *node;
  const Tensor source = axis ? as_plain(x) : flattened(x);
  const int along = axis ? normalize_axis("take", *axis, x.rank()) : 0;
  return prim::gather(source, wrapped_indices("take", indices, source, along), along);
}

Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::optional<int64_t> axis) {
  if (auto node = symbolic<&take_along_axis>(x, indices, axis)) return *node;
  if (!axis && indices.rank() != 1) {
    fail<ValueError>({"take_along_axis", "Without an axis the indices must have one axis",
                      indices.shape().to_string(), ""});
  }
  const Tensor source = axis ? as_plain(x) : flattened(x);
  const int rank = source.rank();
  if (indices.rank() != rank) {
    fail<ValueError>({"take_along_axis", "Indices must have as many axes as x",
                      indices.shape().to_string() + " for " + source.shape().to_string(), ""});
  }
  const int along = axis ? normalize_axis("take_along_axis", *axis, rank) : 0;
  const Tensor places = wrapped_indices("take_along_axis", indices, source, along);
  const Shape others = broadcast_shapes("take_along_axis", with(source.shape(), along, Dim(1)),
                                        with(places.shape(), along, Dim(1)));
  const Tensor wide = prim::broadcast_to(source, with(others, along, source.dim(along)));
  const Tensor wide_places = prim::broadcast_to(places, with(others, along, places.dim(along)));
  // The axis goes last, so that all others are shared by x and indices.
  Axes order = prim::all_axes(rank);
  std::swap(order[static_cast<size_t>(along)], order[static_cast<size_t>(rank) - 1]);
  const Tensor out =
      prim::gather(prim::transpose(wide, order), prim::transpose(wide_places, order), rank - 1, rank - 1);
  return prim::transpose(out, order);
}

std::vector<Tensor> unravel_index(const Tensor& indices, const Shape& shape) {
  if (auto node = symbolic<&unravel_index>(indices, shape)) return *node;
  std::vector<Tensor> out(shape.size());
  Tensor rest = as_plain(indices);
  for (size_t i = shape.size(); i-- > 0;) {
    const Tensor extent = prim::scalar_like(rest, static_cast<double>(shape[i].value()));
    out[i] = prim::rem(rest, extent);
    rest = prim::div(rest, extent);
  }
  return out;
}

Tensor view(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&view>(x, dtype)) return *node;
  const Tensor plain = as_plain(x);
  const DType to = dtype.value_or(plain.dtype());
  const size_t from_size = dtype_size(plain.dtype());
  const size_t to_size = dtype_size(to);
  if (from_size == to_size) return prim::bitcast(plain, to);
  const Dim last = plain.rank() > 0 ? plain.dim(-1) : Dim(1);
  if (plain.rank() == 0 || !last.known() || (static_cast<size_t>(last.value()) * from_size) % to_size != 0) {
    fail<ValueError>(
        {"view", "The bytes of the last axis must divide into elements of the new dtype",
         fmt::format("{} {} as {}", dtype_name(plain.dtype()), plain.shape().to_string(), dtype_name(to)),
         ""});
  }
  if (plain.abstract()) {
    fail<UnsupportedError>(
        {"view", "Elements of another size are seen only on tensors with values", "a traced tensor", ""});
  }
  const Dim wide(static_cast<int64_t>(static_cast<size_t>(last.value()) * from_size / to_size));
  return Tensor::copy(plain.host_data(), with(plain.shape(), plain.rank() - 1, wide), to);
}

}  // namespace keras::ops
