// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "keras/models/sequential.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/optimizers/sgd.h"

namespace keras {

/// One weight that callbacks can watch: y = w x, compiled with a learning rate of 0.5.
inline Sequential line(double weight = 0) {
  Sequential model({Input({1}), layers::Dense(1, {.use_bias = false})});
  model.set_weights({Tensor::from(std::vector<float>{static_cast<float>(weight)}, {1, 1})});
  model.compile({.optimizer = optimizers::SGD(0.5), .loss = "mse"});
  return model;
}

inline double weight_of(const Model& model) { return model.get_weights().front().item<double>(); }
inline void set_weight(Model& model, double weight) {
  model.set_weights({Tensor::from(std::vector<float>{static_cast<float>(weight)}, {1, 1})});
}

/// `count` points on [-1, 1], and half of them as targets.
inline std::pair<Tensor, Tensor> points(int64_t count) {
  std::vector<float> x, y;
  for (int64_t i = 0; i < count; ++i) {
    x.push_back(static_cast<float>(2.0 * static_cast<double>(i) / static_cast<double>(count - 1) - 1.0));
    y.push_back(x.back() / 2);
  }
  return {Tensor::from(x, {count, 1}), Tensor::from(y, {count, 1})};
}

/// A fresh directory that goes away with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "keras_callbacks_XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      out.push_back(entry.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace keras
