// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keras/keras.h"

/// The models that the benchmarks run, with one batch of data each.
namespace keras::benchmarks {

/// How a task is made.
struct TaskOptions {
  double learning_rate = 0;               ///< 0: 0.001 for Adam, 0.01 for SGD
  std::vector<std::string> metrics = {};  ///< besides the loss
  std::string dtype_policy = "float32";   ///< of every layer
};

/// A compiled model (mobilenetv2: none is compiled, it only predicts) and a batch of float32 data for it.
struct Task {
  std::shared_ptr<Model> model;
  Tensor x, y;
};

/// mlp, cnn, resnet20, lstm, transformer, mobilenetv2.
const std::vector<std::string>& model_names();

/// Makes a model and its data. Throws ValueError for an unknown name.
Task make_task(std::string_view model, int64_t batch, const TaskOptions& options = {});

}  // namespace keras::benchmarks
