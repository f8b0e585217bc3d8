// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// Images in the one form in which they are computed, (N, H, W, C), and the way back.
class ImageBatch {
 public:
  /// Throws ValueError naming `where` unless images have rank 3 or 4.
  ImageBatch(std::string_view where, const Tensor& images, const std::optional<std::string>& data_format);

  const Tensor& values() const { return values_; }
  Dim height() const { return values_.dim(1); }
  Dim width() const { return values_.dim(2); }
  Dim channels() const { return values_.dim(3); }
  /// Images (N, H', W', C') in the form in which the images came.
  Tensor restore(const Tensor& result) const;

 private:
  Tensor values_;
  bool channels_first_;
  bool single_;
};

}  // namespace keras::internal
