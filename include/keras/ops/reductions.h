// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Reductions along axes (keras.ops). Without an axis they run over all elements; `keepdims` keeps the
/// reduced axes with size 1.
namespace keras::ops {

/// Sum; bools and small integers are added as int32 or uint32.
Tensor sum(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Product; bools and small integers are multiplied as int32 or uint32.
Tensor prod(const Tensor& x, const Axis& axis = {}, bool keepdims = false, DTypeArgument dtype = {});
/// Mean, a float; half precision is added up in float32.
Tensor mean(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Mean of the squared distances from the mean.
Tensor var(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Square root of the variance.
Tensor std(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Largest element, and not below `initial`. Throws ValueError for an empty axis.
Tensor max(const Tensor& x, const Axis& axis = {}, bool keepdims = false, const Tensor& initial = {});
/// Smallest element, and not above `initial`. Throws ValueError for an empty axis.
Tensor min(const Tensor& x, const Axis& axis = {}, bool keepdims = false, const Tensor& initial = {});
/// The same as max.
Tensor amax(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// The same as min.
Tensor amin(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Largest minus smallest.
Tensor ptp(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// int32 index of the first largest element along an axis, or in the flattened x.
Tensor argmax(const Tensor& x, std::optional<int64_t> axis = {}, bool keepdims = false);
/// int32 index of the first smallest element along an axis, or in the flattened x.
Tensor argmin(const Tensor& x, std::optional<int64_t> axis = {}, bool keepdims = false);
/// Mean with weights: of x's shape, or one for each element of a single axis.
Tensor average(const Tensor& x, const Axis& axis = {}, const Tensor& weights = {});
/// How many elements are not 0, int32.
Tensor count_nonzero(const Tensor& x, const Axis& axis = {});
/// Log of the sum of e^x.
Tensor logsumexp(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// Sum of a diagonal of two axes.
Tensor trace(const Tensor& x, int64_t offset = 0, int64_t axis1 = 0, int64_t axis2 = 1);

/// Running sum along an axis (none: of the flattened x); bools become int32.
Tensor cumsum(const Tensor& x, std::optional<int64_t> axis = {}, DTypeArgument dtype = {});
/// Running product along an axis (none: of the flattened x); bools become int32.
Tensor cumprod(const Tensor& x, std::optional<int64_t> axis = {}, DTypeArgument dtype = {});

/// sum that passes over NaN.
Tensor nansum(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// prod that passes over NaN.
Tensor nanprod(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// mean that passes over NaN.
Tensor nanmean(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// var that passes over NaN.
Tensor nanvar(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// std that passes over NaN.
Tensor nanstd(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// max that passes over NaN; NaN where there is nothing else.
Tensor nanmax(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// min that passes over NaN; NaN where there is nothing else.
Tensor nanmin(const Tensor& x, const Axis& axis = {}, bool keepdims = false);
/// argmax that passes over NaN; -1 where there is nothing else.
Tensor nanargmax(const Tensor& x, std::optional<int64_t> axis = {}, bool keepdims = false);
/// argmin that passes over NaN; -1 where there is nothing else.
Tensor nanargmin(const Tensor& x, std::optional<int64_t> axis = {}, bool keepdims = false);
/// cumsum that counts NaN as 0.
Tensor nancumsum(const Tensor& x, std::optional<int64_t> axis = {}, DTypeArgument dtype = {});
/// cumprod that counts NaN as 1.
Tensor nancumprod(const Tensor& x, std::optional<int64_t> axis = {}, DTypeArgument dtype = {});

}  // namespace keras::ops
