// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// Makes the first value of a weight (keras.initializers.Initializer). Initializers are stateless: the same
/// instance gives the same values every time for one shape. Values are computed on the host, so they are
/// bit-identical on every backend.
class Initializer : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::initializer;
  std::string module() const override { return "keras.initializers"; }
  /// A tensor of the shape and dtype.
  virtual Tensor operator()(const Shape& shape, DType dtype) const = 0;
  /// A copy whose random draws differ, for sublayers that share one configured initializer (Keras' clone()).
  virtual std::shared_ptr<Initializer> clone() const = 0;
  /// The initializer of a Keras name ("glorot_uniform", "zeros", "GlorotUniform"). Throws ValueError with
  /// the valid names.
  static std::shared_ptr<Initializer> from_name(const std::string& name);
  /// A C++ function as an initializer. It has no name, so a layer that has it cannot be saved.
  static std::shared_ptr<Initializer> from_callable(std::function<Tensor(const Shape&, DType)> f);
};

}  // namespace keras
