// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/categorical.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/crossentropy.h"
#include "keras/ops/linalg.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::utils {

Tensor to_categorical(const Tensor& x, std::optional<int64_t> num_classes) {
  constexpr auto kWhere = "to_categorical";
  Tensor classes = ops::cast(x, DType::int64);
  if (classes.rank() > 1 && classes.dim(-1) == Dim(1)) classes = ops::squeeze(classes, -1);
  const auto values = classes.to_vector<int64_t>();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (!num_classes) {
    if (values.empty()) {
      internal::fail<ValueError>(
          {kWhere, "num_classes is needed where there are no classes to count", "an empty array", ""});
    }
    num_classes = *high + 1;
  }
  if (!values.empty() && (*low < 0 || *high >= *num_classes)) {
    internal::fail<ValueError>({kWhere, fmt::format("Classes must lie in [0, {})", *num_classes),
                                fmt::format("classes from {} to {}", *low, *high), ""});
  }
  return ops::one_hot(classes, *num_classes);
}

Tensor normalize(const Tensor& x, int axis, int order) {
  const Tensor norm = ops::norm(x, order, axis, true);
  return x / ops::where(ops::equal(norm, 0), ops::ones_like(norm), norm);
}

}  // namespace keras::utils
