// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/ops/operation.h"

namespace keras::internal {

/// A layer as the operation of a functional model's node, with the keyword arguments of that call.
class LayerOperation final : public Operation {
 public:
  LayerOperation(std::shared_ptr<Layer> layer, CallArgs args);
  const std::shared_ptr<Layer>& layer() const { return layer_; }
  const CallArgs& args() const { return args_; }
  std::string class_name() const override { return layer_->class_name(); }
  std::string module() const override { return layer_->module(); }
  std::string registered_name() const override { return layer_->registered_name(); }
  Json get_config() const override { return layer_->get_config(); }
  std::vector<Tensor> call(const Nest& args, const Nest& kwargs) override;
  /// The keyword arguments that are tensors, as a dictionary; none when there are none.
  Nest tensor_kwargs() const;

 private:
  std::shared_ptr<Layer> layer_;
  CallArgs args_;
};

}  // namespace keras::internal
