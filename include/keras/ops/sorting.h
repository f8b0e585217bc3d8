// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/tensor/tensor.h"

/// Order, search and places of elements (keras.ops).
namespace keras::ops {

/// x in ascending order along an axis (none: flattened); equal elements keep their order, NaN comes last.
Tensor sort(const Tensor& x, std::optional<int64_t> axis = -1);
/// The int32 indices that sort x along an axis (none: flattened), stably.
Tensor argsort(const Tensor& x, std::optional<int64_t> axis = -1);
/// int32 indices that put the kth smallest element at its place, smaller ones before and larger ones after
/// it.
Tensor argpartition(const Tensor& x, int64_t kth, std::optional<int64_t> axis = -1);
/// The k largest along the last axis, with their int32 indices; of equal ones that with the lower index
/// first.
std::pair<Tensor, Tensor> top_k(const Tensor& x, int64_t k, bool sorted = true, bool is_stable = true);
/// Whether each target is among the k largest of its row of predictions: targets (n), predictions (n,
/// classes), bool.
Tensor in_top_k(const Tensor& targets, const Tensor& predictions, int64_t k);
/// Where values would go in a sorted 1-D sequence: before equal ones ("left") or behind them ("right");
/// int32.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, const std::string& side = "left");
/// Which of the intervals between ascending `bins` each element of x lies in, int32.
Tensor digitize(const Tensor& x, const std::vector<double>& bins);
/// The places of nonzero elements, one int32 tensor for each axis. Their number depends on the values, so x
/// must be readable, or the result has an unknown length.
std::vector<Tensor> nonzero(const Tensor& x);
/// The distinct elements (along an axis: the distinct slices) of x, ascending (or, unless `sorted`, as they
/// come), followed as asked for by the indices of their first places, the index of each element in them, and
/// their counts. With `size` the result is cut to that length or filled up with `fill_value`.
std::vector<Tensor> unique(const Tensor& x, bool sorted = true, bool return_index = false,
                           bool return_inverse = false, bool return_counts = false,
                           std::optional<int64_t> axis = {}, std::optional<int64_t> size = {},
                           const Tensor& fill_value = {});

}  // namespace keras::ops
