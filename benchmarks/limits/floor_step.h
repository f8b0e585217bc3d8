// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

/// Training steps written by hand on oneDNN's primitives and fused loops, with everything prepared and
/// allocated once: no framework, and so what a framework on this engine can hope to reach.
namespace keras::limits {

/// What a layer gives, and the loss's gradient with respect to it.
struct Activation {
  dnnl::memory values, gradient;
};

/// How a convolution is made.
struct Convolution {
  int64_t filters = 0, kernel = 3, stride = 1, padding = 0;
  bool relu = false, bias = false;
  bool first = false;  ///< of the whole model: nothing needs its input's gradient
};

/// One model's step; layers are added in the order of the forward pass.
class FloorStep {
 public:
  /// Channels last, or in oneDNN's blocks of 16; Adam, or SGD with momentum.
  FloorStep(bool blocked, bool adam, double learning_rate);

  Activation images(int64_t batch, int64_t channels, int64_t size);
  Activation rows(int64_t batch, int64_t width);
  Activation convolution(const Activation& x, const Convolution& options);
  Activation normalization(const Activation& x, bool relu);
  Activation dense(const Activation& x, int64_t width, bool relu, bool first);
  Activation max_pooling(const Activation& x);
  Activation average_pooling(const Activation& x);
  Activation flatten(const Activation& x);
  /// A ResNet block of two convolutions and a way past them.
  Activation residual(const Activation& x, int64_t filters, int64_t stride);
  /// In place; the mask is computed again in the backward pass.
  void dropout(const Activation& x, double rate);
  /// The model's end: softmax cross-entropy against classes that are numbered through.
  void classify(const Activation& logits);

  void run();
  double loss() const { return loss_; }
  int64_t parameters() const { return parameters_; }

 private:
  using Call = std::function<void()>;
  dnnl::memory allocate(const dnnl::memory::desc& desc, bool touched = true);
  dnnl::memory gradient_memory(const dnnl::memory::desc& desc);
  Activation activation(const dnnl::memory::dims& dims, dnnl::memory::format_tag tag);
  dnnl::memory::format_tag image_tag(int64_t channels) const;
  void parameter(const dnnl::memory& weights, const dnnl::memory& gradient);
  void execute(std::vector<Call>& list, const dnnl::primitive& primitive,
               const std::unordered_map<int, dnnl::memory>& arguments);
  void rectify_gradient(std::vector<Call>& list, const Activation& y);

  bool blocked_, adam_;
  float learning_rate_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<Call> forward_, backward_, update_;  // the backward pass runs from its end
  std::vector<std::shared_ptr<void>> blocks_;
  std::vector<dnnl::memory> gradient_ring_;
  size_t next_gradient_ = 0;
  uint32_t step_ = 0, dropouts_ = 0;
  int64_t parameters_ = 0;
  double loss_ = 0;
};

}  // namespace keras::limits
