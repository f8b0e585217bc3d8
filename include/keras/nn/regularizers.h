// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// A penalty on a weight or an output (keras.regularizers.Regularizer): a scalar added to the loss.
class Regularizer : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::regularizer;
  std::string module() const override { return "keras.regularizers"; }
  virtual Tensor operator()(const Tensor& x) const = 0;
  /// "l1", "l2", "l1_l2", "orthogonal_regularizer". Throws ValueError with the valid names.
  static std::shared_ptr<Regularizer> from_name(const std::string& name);
  static std::shared_ptr<Regularizer> from_callable(std::function<Tensor(const Tensor&)> f);
};

}  // namespace keras
