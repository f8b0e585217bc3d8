// SPDX-License-Identifier: Apache-2.0
#include "nn/categorical_encoding.h"

#include <algorithm>
#include <vector>

#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::internal {

std::string standardize_output_mode(std::string_view where, const std::string& mode, bool integers) {
  if (mode == "binary") return "multi_hot";
  std::vector<std::string> names{"one_hot", "multi_hot", "count"};
  if (integers) names.insert(names.begin(), "int");
  if (std::find(names.begin(), names.end(), mode) == names.end()) {
    fail_unknown_name(where, "output_mode", mode, names);
  }
  return mode;
}

Tensor encode_categorical(const Tensor& indices, const std::string& mode, int64_t depth, DType dtype,
                          const Tensor& count_weights) {
  if (mode == "int") return ops::cast(indices, dtype);
  Tensor x = indices.rank() == 0 ? ops::expand_dims(indices, -1) : indices;
  if (mode == "multi_hot") return ops::multi_hot(x, depth, -1, dtype);
  if (mode == "one_hot") {
    if (x.rank() > 1 && x.shape().back() == Dim(1)) x = ops::squeeze(x, -1);
    return ops::one_hot(x, depth, -1, dtype);
  }
  Tensor rows = ops::one_hot(x, depth, -1, count_weights.defined() ? count_weights.dtype() : dtype);
  if (count_weights.defined()) rows = rows * ops::expand_dims(count_weights, -1);
  return ops::sum(rows, x.rank() > 1 ? 1 : 0);
}

}  // namespace keras::internal
