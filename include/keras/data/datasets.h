// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "keras/tensor/tensor.h"

namespace keras {

/// Inputs and labels.
struct Dataset {
  Tensor x;  ///< images or other inputs
  Tensor y;  ///< labels
};

/// A data set with its test part; `auto [train, test] = load_data();`.
struct TrainTest {
  Dataset train;  ///< to learn from
  Dataset test;   ///< to judge by
};

/// Reads an IDX file (the MNIST format), plain or gzipped: dtype uint8, int8, int16, int32, float32 or
/// float64. Throws ValueError with the path for a missing or broken file.
Tensor load_idx(const std::string& path);

namespace datasets::fashion_mnist {

/// 60,000 training and 10,000 test images of clothes: x uint8 (n, 28, 28), y uint8 (n,) in 0..9 (Xiao, Rasul
/// and Vollgraf, 2017). Reads the four IDX files (.gz or not) of `folder`; "" means $KERAS_HOME/datasets or
/// ~/.keras/datasets with "fashion-mnist" below it, else where Debian's package dataset-fashion-mnist puts
/// them. Throws ValueError, with what to install, when they are nowhere.
TrainTest load_data(const std::string& folder = "");

}  // namespace datasets::fashion_mnist
}  // namespace keras
