// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/sorting.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
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

struct Line {
  Tensor x;
  int axis;
};

// The tensor and the axis that an optional axis means.
Line along(const Tensor& x, std::optional<int64_t> axis, std::string_view where) {
  if (!axis || x.rank() == 0) return {flattened(x), 0};
  return {as_plain(x), normalize_axis(where, *axis, x.rank())};
}

// Sorted values and the positions they came from.
std::pair<Tensor, Tensor> sorted_with_places(const Tensor& x, int axis) {
  const Tensor operands[] = {x, prim::iota(DType::int32, x.shape(), axis)};
  Tensors out = prim::sort(operands, axis);
  return {out[0], out[1]};
}

}  // namespace

Tensor sort(const Tensor& x, std::optional<int64_t> axis) {
  if (auto node = symbolic<&sort>(x, axis)) return *node;
  const Line line = along(x, axis, "sort");
  return prim::reshape(prim::sort(std::span<const Tensor>(&line.x, 1), line.axis)[0], line.x.shape());
}

Tensor argsort(const Tensor& x, std::optional<int64_t> axis) {
  if (auto node = symbolic<&argsort>(x, axis)) return *node;
  const Line line = along(x, axis, "argsort");
  return sorted_with_places(line.x, line.axis).second;
}

Tensor argpartition(const Tensor& x, int64_t kth, std::optional<int64_t> axis) {
  if (auto node = symbolic<&argpartition>(x, kth, axis)) return *node;
  const Line line = along(x, axis, "argpartition");
  const Dim extent = line.x.dim(line.axis);
  if (extent.known() && (kth < -extent.value() || kth >= extent.value())) {
    fail<ValueError>(
        {"argpartition", "kth must lie on the axis", fmt::format("kth={} of {}", kth, extent.value()), ""});
  }
  return sorted_with_places(line.x, line.axis).second;
}

std::pair<Tensor, Tensor> top_k(const Tensor& x, int64_t k, bool sorted, bool is_stable) {
  if (auto node = symbolic<&top_k>(x, k, sorted, is_stable)) return *node;
  return prim::top_k(as_plain(x), k, sorted);
}

Tensor in_top_k(const Tensor& targets, const Tensor& predictions, int64_t k) {
  if (auto node = symbolic<&in_top_k>(targets, predictions, k)) return *node;
  if (targets.rank() != 1 || predictions.rank() != 2) {
    fail<ValueError>({"in_top_k", "targets must be 1-D and predictions 2-D",
                      targets.shape().to_string() + " and " + predictions.shape().to_string(), ""});
  }
  // In the top k: fewer than k classes are larger. A target or row that is not finite is in no top.
  const Tensor rows = internal::as_float(predictions);
  const Tensor places = as_plain(targets);
  const Tensor classes = prim::extent(rows, 1, places.dtype());
  const Tensor zero = prim::scalar_like(places, 0);
  const Tensor valid = prim::bit_and(prim::greater_equal(places, zero), prim::less(places, classes));
  const Tensor safe = prim::select(valid, places, zero);
  const Tensor own = prim::gather(rows, prim::expand_dims(safe, 1), 1, 1);
  const Tensor larger = prim::cast(prim::greater(rows, own), DType::int32);
  const Tensor few =
      prim::less(prim::reduce_sum(larger, {1}), prim::scalar(static_cast<double>(k), DType::int32));
  const Tensor finite = prim::is_finite(prim::squeeze(own, Axes{1}));
  return prim::bit_and(valid, prim::bit_and(few, finite));
}

namespace {

// Binary search in a sorted list, all values at once: `before` holds for list entries that lie before the
// answer.
Tensor search(const Tensor& list, const Tensor& values, bool left) {
  const int64_t count = list.dim(0).value();
  Tensor low = prim::full(values.shape(), 0, DType::int32);
  if (count == 0) return low;
  Tensor high = prim::full(values.shape(), static_cast<double>(count), DType::int32);
  const Tensor one = prim::scalar(1, DType::int32);
  const Tensor last = prim::scalar(static_cast<double>(count - 1), DType::int32);
  for (int64_t span = count; span > 0; span /= 2) {
    const Tensor middle = prim::shr(prim::add(low, high), one);
    const Tensor entry = prim::gather(list, prim::minimum(middle, last), 0);
    const Tensor before = prim::bit_and(left ? prim::less(entry, values) : prim::less_equal(entry, values),
                                        prim::less(low, high));
    low = prim::select(before, prim::add(middle, one), low);
    high = prim::select(before, high, prim::minimum(middle, high));
  }
  return low;
}

}  // namespace

Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, const std::string& side) {
  if (auto node = symbolic<&searchsorted>(sorted_sequence, values, side)) return *node;
  if (sorted_sequence.rank() != 1) {
    fail<ValueError>({"searchsorted", "The sorted sequence must have one axis",
                      sorted_sequence.shape().to_string(), "ops::vectorized_map extends it to more"});
  }
  if (side != "left" && side != "right")
    internal::fail_unknown_name("searchsorted", "side", side, {"left", "right"});
  const auto [list, sought] = promote(sorted_sequence, values);
  return search(list, sought, side == "left");
}

Tensor digitize(const Tensor& x, const std::vector<double>& bins) {
  if (auto node = symbolic<&digitize>(x, bins)) return *node;
  if (!std::is_sorted(bins.begin(), bins.end())) {
    fail<ValueError>({"digitize", "The bins must ascend", fmt::format("{} bins", bins.size()), ""});
  }
  const Tensor plain = as_plain(x);
  const DType work =
      plain.dtype() == DType::float64 || is_integer(plain.dtype()) ? DType::float64 : DType::float32;
  return search(prim::cast(Tensor::from(bins), work), prim::cast(plain, work), false);
}

std::vector<Tensor> nonzero(const Tensor& x) {
  if (auto node = symbolic<&nonzero>(x)) return *node;
  const Tensor mask = as_dtype(x, DType::bool_);
  std::vector<Tensor> out;
  if (AbstractEvaluation::running()) {
    const Dim count = Dim::unknown();
    for (int i = 0; i < x.rank(); ++i)
      out.push_back(AbstractEvaluation::tensor({DType::int32, Shape{count}}));
    return out;
  }
  const auto count =
      prim::reduce_sum(prim::cast(mask, DType::int64), prim::all_axes(mask.rank())).item<int64_t>();
  const Tensor places = prim::nonzero(mask, count, 0);
  for (int i = 0; i < x.rank(); ++i) out.push_back(prim::index_axis(places, 1, Dim(i)));
  return out;
}

namespace {

// Per sorted row: whether it differs from the one before.
Tensor begins_group(const Tensor& sorted_rows) {
  const Dim n = sorted_rows.dim(0);
  const Tensor later = prim::slice_axis(sorted_rows, 0, Dim(1), n);
  const Tensor earlier = prim::slice_axis(sorted_rows, 0, Dim(0), n - Dim(1));
  Tensor differs = prim::not_equal(later, earlier);
  if (differs.rank() == 2) differs = prim::logical_any(differs, Axes{1});
  const int64_t low[] = {1};
  const int64_t high[] = {0};
  return prim::pad(differs, prim::scalar(1, DType::bool_), low, high);
}

Tensor fitted(const Tensor& x, int axis, std::optional<int64_t> size, const Tensor& fill) {
  if (!size) return x;
  const int64_t count = x.dim(axis).value();
  if (count >= *size) return prim::slice_axis(x, axis, Dim(0), Dim(*size));
  SmallVector<int64_t, 6> low(x.shape().size(), 0);
  SmallVector<int64_t, 6> high(x.shape().size(), 0);
  high[static_cast<size_t>(axis)] = *size - count;
  return prim::pad(x, as_dtype(fill, x.dtype()), low, high);
}

}  // namespace

std::vector<Tensor> unique(const Tensor& x, bool sorted, bool return_index, bool return_inverse,
                           bool return_counts, std::optional<int64_t> axis, std::optional<int64_t> size,
                           const Tensor& fill_value) {
  if (auto node =
          symbolic<&unique>(x, sorted, return_index, return_inverse, return_counts, axis, size, fill_value)) {
    return *node;
  }
  const int rank = x.rank();
  const int at = axis ? normalize_axis("unique", *axis, rank) : 0;
  const Tensor source = axis ? as_plain(x) : flattened(x);
  if (AbstractEvaluation::running()) {
    const Dim count = size ? Dim(*size) : Dim::unknown();
    Shape shape = source.shape();
    shape[static_cast<size_t>(at)] = count;
    std::vector<Tensor> out{AbstractEvaluation::tensor({source.dtype(), shape})};
    const auto line = [&](const Shape& s) { out.push_back(AbstractEvaluation::tensor({DType::int32, s})); };
    if (return_index) line({count});
    if (return_inverse) line(axis ? Shape{source.dim(at)} : x.shape());
    if (return_counts) line({count});
    return out;
  }
  // Rows (n, m) of the slices along the axis; a vector stays one.
  Axes front = prim::all_axes(source.rank());
  front.erase(front.begin() + at);
  front.insert(front.begin(), at);
  const Tensor moved = prim::transpose(source, front);
  const int64_t n = source.dim(at).value();
  const Tensor rows =
      rank <= 1 || !axis ? moved : prim::reshape(moved, Shape{Dim(n), element_count(moved.shape().sub(1))});
  if (n == 0) fail<ValueError>({"unique", "x must not be empty along the axis", x.shape().to_string(), ""});

  std::vector<Tensor> keys;
  if (rows.rank() == 1) {
    keys.push_back(rows);
  } else {
    for (int64_t c = 0; c < rows.dim(1).value(); ++c) keys.push_back(prim::index_axis(rows, 1, Dim(c)));
  }
  keys.push_back(prim::iota(DType::int32, Shape{Dim(n)}));
  const Tensor order = prim::sort(keys, 0, false, static_cast<int>(keys.size()) - 1).back();
  const Tensor begins = begins_group(prim::gather(rows, order, 0));
  Tensor starts = nonzero(begins)[0];
  const int64_t count = starts.dim(0).value();
  Tensor group = prim::sub(prim::cumulate(KERAS_CUM_SUM, prim::cast(begins, DType::int32), 0),
                           prim::scalar(1, DType::int32));
  Tensor index = prim::gather(order, starts, 0);
  Tensor ends = prim::concat({prim::slice_axis(starts, 0, Dim(1), Dim(count)),
                              Tensor::from(std::vector<int32_t>{static_cast<int32_t>(n)})},
                             0);
  Tensor counts = prim::sub(ends, starts);
  if (!sorted) {
    // By first place instead of by value.
    const Tensor by_place = sorted_with_places(index, 0).second;
    const Tensor rank_of = sorted_with_places(by_place, 0).second;
    index = prim::gather(index, by_place, 0);
    counts = prim::gather(counts, by_place, 0);
    group = prim::gather(rank_of, group, 0);
  }
  std::vector<Tensor> out;
  out.push_back(
      fitted(prim::gather(source, index, at), at, size, fill_value.defined() ? fill_value : Tensor(0)));
  if (return_index) out.push_back(fitted(index, 0, size, 1));
  if (return_inverse) {
    const Tensor inverse = prim::scatter(KERAS_SCATTER_SET, prim::full(Shape{Dim(n)}, 0, DType::int32),
                                         prim::expand_dims(order, 1), group);
    out.push_back(axis ? inverse : prim::reshape(inverse, x.shape()));
  }
  if (return_counts) out.push_back(fitted(counts, 0, size, 0));
  return out;
}

}  // namespace keras::ops
