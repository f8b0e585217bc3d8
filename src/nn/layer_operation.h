// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "keras/nn/layer.h"
#include "keras/ops/operation.h"

namespace keras::internal {

/// A layer as the operation of a functional model's node, with the keyword arguments of that call.
class LayerOperation final : public Operation {
 public:
  /// `names_mask`: files write the mask argument even when there is none.
  LayerOperation(std::shared_ptr<Layer> layer, CallArgs args, bool names_mask = false);
  const std::shared_ptr<Layer>& layer() const { return layer_; }
  const CallArgs& args() const { return args_; }
  std::string class_name() const override { return layer_->class_name(); }
  std::string module() const override { return layer_->module(); }
  std::string registered_name() const override { return layer_->registered_name(); }
  Json get_config() const override { return layer_->get_config(); }
  std::vector<Tensor> call(const Nest& args, const Nest& kwargs) override;
  /// The keyword arguments that are tensors, as a dictionary; none when there are none.
  Nest tensor_kwargs() const;
  /// The other keyword arguments of the call, and null for a mask that is named but not there.
  Json plain_kwargs() const;
  /// The tensors of `args` and `kwargs` put in the places of the call's.
  std::pair<Nest, CallArgs> filled(const Nest& args, const Nest& kwargs) const;

 private:
  std::shared_ptr<Layer> layer_;
  CallArgs args_;
  bool names_mask_;
};

/// The arguments of a call from a file's keyword arguments; `tensor_of` reads the tensors among them. Throws
/// ValueError for one that cannot be passed on.
CallArgs call_args_from_json(const Layer& layer, const Json& kwargs,
                             const std::function<Nest(const Json&)>& tensor_of);

}  // namespace keras::internal
