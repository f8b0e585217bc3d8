// SPDX-License-Identifier: Apache-2.0
#include "keras/nn/optimizers/loss_scale_optimizer.h"

#include "keras/base/error.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"

namespace keras::optimizers {

KERAS_REGISTER_OPTIMIZER(LossScaleOptimizer, "lossscaleoptimizer");

LossScaleOptimizer::LossScaleOptimizer(LossScaleOptimizerOptions options)
    : Optimizer({.learning_rate = 0.0, .name = options.name}), options_(std::move(options)) {
  if (!options_.inner_optimizer) {
    internal::fail<ValueError>({kClassName, "There must be an inner_optimizer", "none", ""});
  }
  inner().settings_.loss_scale_factor.reset();
}

LossScaleOptimizer::LossScaleOptimizer(ObjectRef<Optimizer> inner_optimizer,
                                       LossScaleOptimizerOptions options)
    : LossScaleOptimizer([&] {
        options.inner_optimizer = std::move(inner_optimizer);
        return std::move(options);
      }()) {}

void LossScaleOptimizer::build_slots(const std::vector<Variable>& variables) {
  finite_steps_ = add_variable(ops::zeros({}, DType::int64), "step_counter");
  scale_ = add_variable(ops::full({}, options_.initial_scale, DType::float32), "dynamic_scale");
  inner().build(variables);
}

std::vector<Variable> LossScaleOptimizer::variables() const {
  std::vector<Variable> out = Optimizer::variables();
  const auto rest = inner_variables();
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

std::vector<Variable> LossScaleOptimizer::inner_variables() const {
  auto out = inner().variables();
  std::erase_if(out, [](const Variable& v) { return v.name() == "variable"; });
  return out;
}

Tensor LossScaleOptimizer::scale_loss(const Tensor& loss) const {
  return built() ? loss * ops::cast(scale_.value(), loss.dtype()) : loss * options_.initial_scale;
}

void LossScaleOptimizer::finalize_variable_values(const std::vector<Variable>& variables) {
  inner().finalize_variable_values(variables);
}

void LossScaleOptimizer::apply(const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  const AutocastScope plain(std::nullopt);
  build(variables);
  Tensor finite;
  for (const Tensor& g : gradients) {
    if (!g.defined()) continue;
    const Tensor here = ops::all(ops::isfinite(g));
    finite = finite.defined() ? ops::logical_and(finite, here) : here;
  }
  if (!finite.defined()) {
    inner().apply(gradients, variables);  // throws: there is no gradient at all
    return;
  }
  ops::cond(
      finite,
      [&] {
        std::vector<Tensor> unscaled;
        for (size_t i = 0; i < gradients.size(); ++i) {
          const Tensor& g = gradients[i];
          const bool kept = !g.defined() || variables[i].slot().overwrite_with_gradient.value_or(false);
          unscaled.push_back(kept ? g : g / ops::cast(scale_.value(), g.dtype()));
        }
        inner().apply(unscaled, variables);
        const Tensor grows = ops::equal(finite_steps_.value(), options_.dynamic_growth_steps - 1);
        scale_.assign(ops::where(grows, scale_.value() * 2.0, scale_.value()));
        finite_steps_.assign(ops::where(grows, 0, finite_steps_.value() + 1));
        return Nest();
      },
      [&] {
        finite_steps_.assign(ops::zeros({}, DType::int64));
        scale_.assign(scale_.value() * 0.5);
        return Nest();
      });
}

}  // namespace keras::optimizers
