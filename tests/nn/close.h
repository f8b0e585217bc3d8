// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "keras/tensor/tensor.h"

namespace keras {

/// How far a value may be from Keras': |ours - theirs| <= absolute + relative * |theirs|.
struct Tolerance {
  double relative = 1e-5;
  double absolute = 1e-6;
};

/// Whether two tensors have one shape and close values; NaN equals NaN.
inline ::testing::AssertionResult close(const Tensor& ours, const Tensor& theirs, Tolerance tolerance = {}) {
  if (!(ours.shape() == theirs.shape())) {
    return ::testing::AssertionFailure()
           << "shape " << ours.shape().to_string() << " is not " << theirs.shape().to_string();
  }
  const auto a = ours.to_vector<double>();
  const auto b = theirs.to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    if (!(std::abs(a[i] - b[i]) <= tolerance.absolute + tolerance.relative * std::abs(b[i]))) {
      return ::testing::AssertionFailure() << "element " << i << " is " << a[i] << ", in Keras " << b[i];
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace keras
