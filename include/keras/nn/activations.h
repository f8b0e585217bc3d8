// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// An elementwise (or softmax-like) function of a tensor, by Keras' name ("relu", "softmax").
class Activation : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::activation;
  std::string module() const override { return "keras.activations"; }
  virtual Tensor operator()(const Tensor& x) const = 0;
  /// How a layer's config names it: "relu".
  virtual Json to_json() const = 0;
  /// The enumerator of keras_activation that fused ops know this function by, or -1.
  virtual int fused_kind() const { return -1; }
  /// "relu", "softmax", ... Throws ValueError with the valid names.
  static std::shared_ptr<Activation> from_name(const std::string& name);
  static std::shared_ptr<Activation> from_callable(std::function<Tensor(const Tensor&)> f);
};

}  // namespace keras
