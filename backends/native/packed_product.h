// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "onednn.h"

namespace keras::native {

/// A float32 product with weights that are packed once: y (rows, columns) = activation(x (rows, depth) w +
/// b). oneDNN chooses the weights' layout; with few rows that is up to twice as fast as rows of memory.
class PackedProduct {
 public:
  struct Sizes {
    int64_t rows, depth, columns;
    int64_t x_step;                     ///< elements between rows of x
    int64_t w_row_step, w_column_step;  ///< in the weights as they are
    bool bias = false;
    int64_t activation = KERAS_ACT_LINEAR;
    double alpha = 0;
  };

  /// Without effect where oneDNN has nothing better than the weights as they are.
  explicit PackedProduct(const Sizes& sizes);
  /// Whether there is a packed layout.
  explicit operator bool() const { return static_cast<bool>(pack_); }
  size_t bytes() const { return bytes_; }
  void pack(const float* weights, void* packed) const { pack_.execute({weights, packed}); }
  void run(const float* x, const void* packed, const float* bias, float* y) const;

 private:
  Sizes sizes_;
  OnednnPrimitive pack_, product_;
  size_t bytes_ = 0;
  bool activated_ = true;  // by the product itself
};

}  // namespace keras::native
