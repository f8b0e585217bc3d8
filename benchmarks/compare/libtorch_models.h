// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>

/// The benchmarks' models in LibTorch's C++ frontend.
namespace keras::compare::libtorch {

/// A model from a batch to logits in training, and to probabilities after eval().
class Network : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(const torch::Tensor& x) = 0;
  /// What is done once to an evaluated model to make it fast.
  virtual void prepare_inference() {}
};

/// A model with one batch of data, and how it is trained.
struct Recipe {
  std::shared_ptr<Network> model;
  torch::Tensor x, y;
  bool adam = true;
  bool binary = false;  ///< one sigmoid instead of a softmax
};

/// Throws std::invalid_argument for an unknown name.
Recipe make(const std::string& model, int64_t batch);

}  // namespace keras::compare::libtorch
