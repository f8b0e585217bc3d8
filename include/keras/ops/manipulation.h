// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/index.h"
#include "keras/tensor/tensor.h"

/// Functions that change shapes and places of elements (keras.ops). Negative axes count from the end.
namespace keras::ops {

/// The same elements in another shape, in which one dimension may be -1.
Tensor reshape(const Tensor& x, const NewShape& newshape);
/// The elements in one axis.
Tensor ravel(const Tensor& x);
/// Axes in another order; none reverses it.
Tensor transpose(const Tensor& x, const Axis& axes = {});
/// Two axes exchanged.
Tensor swapaxes(const Tensor& x, int64_t axis1, int64_t axis2);
/// Axes moved to other places, the others keeping their order.
Tensor moveaxis(const Tensor& x, const Integers& source, const Integers& destination);
/// New axes of size 1 at places of the result.
Tensor expand_dims(const Tensor& x, const Axis& axis);
/// Axes of size 1 removed; none removes all of them. Throws ValueError for a larger one.
Tensor squeeze(const Tensor& x, const Axis& axis = {});
/// NumPy broadcasting to a shape.
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// Number of axes.
int64_t ndim(const Tensor& x);
/// Number of elements, an int32 scalar.
Tensor size(const Tensor& x);

/// Tensors side by side along an existing axis, promoted to one dtype.
Tensor concatenate(const std::vector<Tensor>& xs, int64_t axis = 0);
/// Tensors of one shape side by side along a new axis, promoted to one dtype.
Tensor stack(const std::vector<Tensor>& x, int64_t axis = 0);
/// Side by side along the second axis (the first for 1-D tensors).
Tensor hstack(const std::vector<Tensor>& xs);
/// Side by side along the first axis.
Tensor vstack(const std::vector<Tensor>& xs);
/// Side by side along the third axis, which is made where it is missing.
Tensor dstack(const std::vector<Tensor>& xs);
/// 1-D tensors as columns, matrices side by side.
Tensor column_stack(const std::vector<Tensor>& xs);
/// x2 behind x1 along an axis; none flattens both.
Tensor append(const Tensor& x1, const Tensor& x2, std::optional<int64_t> axis = {});
/// Equal parts, or the parts between indices, along an axis. Throws ValueError when it does not divide
/// evenly.
std::vector<Tensor> split(const Tensor& x, const Sections& indices_or_sections, int64_t axis = 0);
/// Parts along an axis that may differ by one in length.
std::vector<Tensor> array_split(const Tensor& x, int64_t indices_or_sections, int64_t axis = 0);
/// split along the second axis (the first of a 1-D tensor).
std::vector<Tensor> hsplit(const Tensor& x, const Sections& indices_or_sections);
/// split along the first axis.
std::vector<Tensor> vsplit(const Tensor& x, const Sections& indices_or_sections);
/// split along the third axis.
std::vector<Tensor> dsplit(const Tensor& x, const Sections& indices_or_sections);

/// x repeated as a whole along each axis.
Tensor tile(const Tensor& x, const Integers& repeats);
/// Each element repeated, along an axis (none: of the flattened x); one count for all, or one each.
Tensor repeat(const Tensor& x, const Integers& repeats, std::optional<int64_t> axis = {});
/// Elements moved along axes, those that leave at one end coming in at the other; no axis: of the flattened
/// x.
Tensor roll(const Tensor& x, const Integers& shift, const Axis& axis = {});
/// Order reversed along axes; none: all.
Tensor flip(const Tensor& x, const Axis& axis = {});
/// Order reversed along the second axis.
Tensor fliplr(const Tensor& x);
/// Order reversed along the first axis.
Tensor flipud(const Tensor& x);
/// Rotated k times by 90 degrees in the plane of two axes.
Tensor rot90(const Tensor& array, int64_t k = 1, const Integers& axes = {0, 1});
/// Elements added before and after each axis. `mode` is "constant" (zeros or `constant_values`), "reflect",
/// "symmetric" or "edge". One pair serves all axes.
Tensor pad(const Tensor& x, const std::vector<std::pair<int64_t, int64_t>>& pad_width,
           const std::string& mode = "constant", const Tensor& constant_values = {});

/// The elements at and below the k-th diagonal of the last two axes, zeros above.
Tensor tril(const Tensor& x, int64_t k = 0);
/// The elements at and above the k-th diagonal of the last two axes, zeros below.
Tensor triu(const Tensor& x, int64_t k = 0);
/// The diagonal of two axes, as a new last axis.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t axis1 = 0, int64_t axis2 = 1);

/// x's elements along an axis at integer indices (negative ones count from the end); none: of the flattened
/// x.
Tensor take(const Tensor& x, const Tensor& indices, std::optional<int64_t> axis = {});
/// Along an axis the element that `indices` names, for every place of the others; none: of a 1-D x.
Tensor take_along_axis(const Tensor& x, const Tensor& indices, std::optional<int64_t> axis = {});
/// NumPy's indexing by a list of integers, slices, ellipsis, new axes and integer tensors: `x[{0, Slice(1,
/// 3)}]`.
Tensor get_item(const Tensor& x, const std::vector<Index>& key);
/// Coordinates, one tensor an axis, of positions in a flattened array of the shape.
std::vector<Tensor> unravel_index(const Tensor& indices, const Shape& shape);
/// The same bytes as another dtype; the last axis grows or shrinks with the element size.
Tensor view(const Tensor& x, DTypeArgument dtype = {});
/// Axes split, merged and reordered by a pattern such as "b (h w) c -> b h w c"; `axes_lengths` gives sizes
/// that the pattern does not tell.
Tensor rearrange(const Tensor& tensor, const std::string& pattern,
                 const std::vector<std::pair<std::string, int64_t>>& axes_lengths = {});

}  // namespace keras::ops
