// SPDX-License-Identifier: Apache-2.0
#include "nn/remat_call.h"

#include <algorithm>
#include <utility>

#include "autodiff/remat.h"
#include "keras/autodiff/remat.h"
#include "keras/nn/layers/rnn_cell.h"
#include "keras/ops/abstract_evaluation.h"
#include "keras/ops/remat_scope.h"
#include "nn/call_context.h"
#include "nn/layer_operation.h"

namespace keras::internal {

namespace {

thread_local bool activations_again = false;

// The training flag goes from a layer to those inside it.
[[maybe_unused]] const bool training_is_recomputed = add_recomputed_scope([]() -> ScopeRestorer {
  const auto training = CallContext::training();
  return [training]() -> std::shared_ptr<void> { return std::make_shared<CallContext>(training); };
});
[[maybe_unused]] const bool activations_are_recomputed = add_recomputed_scope([]() -> ScopeRestorer {
  const bool on = RematActivations::on();
  return [on]() -> std::shared_ptr<void> { return std::make_shared<RematActivations>(on); };
});

Nest types_of(const Nest& nest) {
  return nest.map([](const Tensor& t) { return AbstractEvaluation::tensor({t.dtype(), t.shape()}); });
}

// Elements of tensors that stand for outputs; an unknown dimension counts as 1.
int64_t size_of(const std::vector<Tensor>& outputs) {
  int64_t size = 0;
  for (const Tensor& t : outputs) {
    int64_t elements = 1;
    for (const Dim d : t.shape()) elements *= d.known() ? std::max<int64_t>(d.value(), 1) : 1;
    size += elements;
  }
  return size;
}

bool wanted(Layer& layer, const RematMode& mode, const Nest& inputs, const CallArgs& args) {
  const auto& names = mode.layer_names;
  switch (mode.kind) {
    case RematMode::Kind::full:
      return true;
    case RematMode::Kind::larger_than: {
      const AbstractEvaluation shapes_only;
      const EscapingDiscarded no_losses;
      // Masks that are drawn for shapes alone are no masks.
      const auto* cell = dynamic_cast<const layers::DropoutRNNCell*>(&layer);
      const auto masks = cell != nullptr ? cell->masks_as_now()() : nullptr;
      return size_of(layer.call_nest(types_of(inputs), args).flatten()) > mode.output_size_threshold;
    }
    case RematMode::Kind::list_of_layers:
      return std::find(names.begin(), names.end(), layer.name()) != names.end();
    default:
      return false;
  }
}

bool wanted(Operation& operation, const RematMode& mode, const Nest& args, const Nest& kwargs) {
  if (dynamic_cast<const LayerOperation*>(&operation) != nullptr) return false;
  if (mode.kind != RematMode::Kind::larger_than) return mode.kind == RematMode::Kind::full;
  const AbstractEvaluation shapes_only;
  return size_of(operation.call(types_of(args), types_of(kwargs))) > mode.output_size_threshold;
}

}  // namespace

RematActivations::RematActivations(bool on) : previous_(activations_again) { activations_again = on; }
RematActivations::~RematActivations() { activations_again = previous_; }
bool RematActivations::on() { return activations_again; }

Nest call_in_remat_mode(Layer& layer, const Nest& inputs, const CallArgs& args) {
  const auto& mode = layer.core().remat_mode;
  const RematActivations own(mode != nullptr && mode->kind == RematMode::Kind::activations);
  if (mode == nullptr || AbstractEvaluation::running() || !wanted(layer, *mode, inputs, args)) {
    return layer.call_nest(inputs, args);
  }
  ScopeRestorer masks;
  if (const auto* cell = dynamic_cast<const layers::DropoutRNNCell*>(&layer)) masks = cell->masks_as_now();
  // The second run may come after this object is gone; another one shares its state.
  return remat([self = layer.share(), args, masks, first = true](const Nest& given) mutable {
    std::shared_ptr<void> then;
    if (!std::exchange(first, false) && masks) then = masks();
    return self->call_nest(given, args);
  })(inputs);
}

std::vector<Tensor> call_in_remat_mode(const std::shared_ptr<Operation>& operation, const Nest& args,
                                       const Nest& kwargs) {
  const auto& mode = operation->remat_mode();
  if (mode == nullptr || AbstractEvaluation::running() || !wanted(*operation, *mode, args, kwargs)) {
    return operation->call(args, kwargs);
  }
  const auto call = [operation](const Nest& a, const Nest& k) { return operation->call(a, k); };
  return remat(call)(args, kwargs);
}

}  // namespace keras::internal
