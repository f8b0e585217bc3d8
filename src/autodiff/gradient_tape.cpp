// SPDX-License-Identifier: Apache-2.0
#include "keras/autodiff/gradient_tape.h"

#include <fmt/format.h>

#include "autodiff/tape.h"
#include "autodiff/traced_custom_gradient.h"
#include "keras/base/error.h"
#include "keras/ops/abstract_evaluation.h"
#include "ops/primitives.h"

namespace keras {

namespace {

Tensor filled(const TensorType& type, double value) {
  return internal::prim::full(type.shape, value, type.dtype);
}

TensorType type_of(const Tensor& t) { return {t.dtype(), t.shape()}; }

// One where index i is, zero elsewhere, in the shape of `type`.
Tensor one_hot_seed(const TensorType& type, int64_t i) {
  const int64_t count = type.shape.elements();
  std::vector<double> values(static_cast<size_t>(count), 0.0);
  values[static_cast<size_t>(i)] = 1.0;
  return internal::prim::cast(Tensor::from(values, type.shape), type.dtype);
}

Tensor stacked(const std::vector<Tensor>& rows) {
  std::vector<Tensor> parts;
  parts.reserve(rows.size());
  for (const Tensor& r : rows) parts.push_back(internal::prim::reshape(r, Shape{1} + r.shape()));
  return internal::prim::concat(std::span<const Tensor>(parts), 0);
}

// Keeps a tape from recording its own gradient, whose fused ops read residuals that have no derivative.
class PausedTape {
 public:
  explicit PausedTape(internal::TapeRecorder& tape) : tape_(tape) { tape_.pause(); }
  ~PausedTape() { tape_.resume(); }
  PausedTape(const PausedTape&) = delete;
  PausedTape& operator=(const PausedTape&) = delete;

 private:
  internal::TapeRecorder& tape_;
};

}  // namespace

namespace internal {

Tensor VjpContext::grad_or_zeros(size_t i) const {
  return cotangents[i].defined() ? cotangents[i] : filled(result_types[i], 0.0);
}

}  // namespace internal

GradientTape::GradientTape(GradientTapeOptions options)
    : recorder_(std::make_unique<internal::TapeRecorder>(options.watch_accessed_variables)),
      persistent_(options.persistent) {
  recorder_->start();
}

GradientTape::~GradientTape() = default;

void GradientTape::watch(const Tensor& tensor) {
  if (!is_float(tensor.dtype()) && !is_complex(tensor.dtype())) {
    internal::fail<TypeError>({"GradientTape", "A watched tensor must have a float or complex dtype",
                               std::string(dtype_name(tensor.dtype())), "cast it first"});
  }
  recorder_->watch(tensor);
}

void GradientTape::watch(const Variable& variable) {
  const AutocastScope plain(std::nullopt);
  if (!is_float(variable.dtype())) {
    internal::fail<TypeError>({"GradientTape", "A watched variable must have a float dtype",
                               std::string(dtype_name(variable.dtype())), ""});
  }
  recorder_->watch_variable(variable.slot());
}

void GradientTape::watch(const Nest& tensors) {
  for (const Tensor& t : tensors.flatten()) watch(t);
}

void GradientTape::reset() { recorder_->clear(); }
void GradientTape::stop() { recorder_->stop(); }

std::shared_ptr<void> GradientTape::stop_recording() {
  auto* recorder = recorder_.get();
  recorder->pause();
  return {recorder, [](void* r) { static_cast<internal::TapeRecorder*>(r)->resume(); }};
}

std::vector<Variable> GradientTape::watched_variables() const {
  std::vector<Variable> out;
  for (const auto& slot : recorder_->variables()) out.emplace_back(slot);
  return out;
}

std::vector<Tensor> GradientTape::compute(const std::vector<Tensor>& targets,
                                          const std::vector<Tensor>& sources,
                                          const std::vector<Variable>& variables,
                                          const GradientOptions& options) {
  if (used_ && !persistent_) {
    internal::fail<ValueError>({"GradientTape.gradient", "A tape that is not persistent gives gradients once",
                                "", "construct it with GradientTape tape(true)"});
  }
  used_ = true;
  if (!persistent_) recorder_->stop();
  std::vector<Tensor> seeds = options.output_gradients.flatten();
  if (!seeds.empty() && seeds.size() != targets.size()) {
    internal::fail<ValueError>({"GradientTape.gradient",
                                "output_gradients must have the structure of the target",
                                fmt::format("{} for {} targets", seeds.size(), targets.size()), ""});
  }
  const bool given = !seeds.empty();
  for (size_t i = 0; i < targets.size(); ++i) {
    if (!given) {
      seeds.push_back(filled(type_of(targets[i]), 1.0));
    } else if (!(seeds[i].shape() == targets[i].shape())) {
      internal::fail<ValueError>(
          {"GradientTape.gradient", "An output gradient must have its target's shape",
           fmt::format("{} for a target of {}", seeds[i].shape().to_string(), targets[i].shape().to_string()),
           ""});
    }
  }
  std::vector<std::vector<uint64_t>> ids;
  for (const Tensor& s : sources) ids.push_back({s.identity()});
  for (const Variable& v : variables) ids.push_back(recorder_->identities_of(v.slot()));
  const PausedTape paused(*recorder_);
  auto gradients = recorder_->backward(targets, seeds, ids, persistent_);
  if (!persistent_) recorder_->clear();
  if (options.unconnected_gradients == UnconnectedGradients::zero) {
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (gradients[i].defined()) continue;
      const bool tensor = i < sources.size();
      gradients[i] = filled(
          tensor ? type_of(sources[i])
                 : TensorType{variables[i - sources.size()].dtype(), variables[i - sources.size()].shape()},
          0.0);
    }
  }
  return gradients;
}

Tensor GradientTape::gradient(const Tensor& target, const Tensor& source, const GradientOptions& options) {
  return compute({target}, {source}, {}, options)[0];
}

Tensor GradientTape::gradient(const Tensor& target, const Variable& source, const GradientOptions& options) {
  return compute({target}, {}, {source}, options)[0];
}

std::vector<Tensor> GradientTape::gradient(const Tensor& target, const std::vector<Variable>& sources,
                                           const GradientOptions& options) {
  return compute({target}, {}, sources, options);
}

std::vector<Tensor> GradientTape::gradient(const Nest& target, const std::vector<Variable>& sources,
                                           const GradientOptions& options) {
  return compute(target.flatten(), {}, sources, options);
}

Nest GradientTape::gradient(const Nest& target, const Nest& sources, const GradientOptions& options) {
  return sources.pack(compute(target.flatten(), sources.flatten(), {}, options));
}

Tensor GradientTape::jacobian(const Tensor& target, const Tensor& source) {
  if (used_ && !persistent_) {
    internal::fail<ValueError>(
        {"GradientTape.jacobian", "A tape that is not persistent gives gradients once", "", ""});
  }
  used_ = true;
  if (!persistent_) recorder_->stop();
  const PausedTape paused(*recorder_);
  std::vector<Tensor> rows;
  const int64_t count = target.elements();
  const TensorType type = type_of(target);
  for (int64_t i = 0; i < count; ++i) {
    const auto row = recorder_->backward({target}, {one_hot_seed(type, i)}, {{source.identity()}}, true);
    rows.push_back(row[0].defined() ? row[0] : filled(type_of(source), 0.0));
  }
  if (!persistent_) recorder_->clear();
  if (rows.empty()) return filled({source.dtype(), target.shape() + source.shape()}, 0.0);
  return internal::prim::reshape(stacked(rows), target.shape() + source.shape());
}

Tensor GradientTape::batch_jacobian(const Tensor& target, const Tensor& source) {
  if (target.rank() < 1 || source.rank() < 1 || !(target.shape().front() == source.shape().front())) {
    internal::fail<ValueError>(
        {"GradientTape.batch_jacobian", "Target and source must share the batch axis",
         fmt::format("target {}, source {}", target.shape().to_string(), source.shape().to_string()), ""});
  }
  used_ = true;
  if (!persistent_) recorder_->stop();
  const Shape inner = target.shape().sub(1);
  const int64_t batch = target.shape().front().value();
  const int64_t count = inner.elements();
  const PausedTape paused(*recorder_);
  std::vector<Tensor> columns;
  for (int64_t i = 0; i < count; ++i) {
    // Rows of a batch are independent, so one seed asks for element i of all of them at once.
    std::vector<double> values(static_cast<size_t>(batch * count), 0.0);
    for (int64_t b = 0; b < batch; ++b) values[static_cast<size_t>(b * count + i)] = 1.0;
    auto attributes = internal::make_attributes<CastAttributes>();
    attributes.dtype = static_cast<int64_t>(target.dtype());
    const Tensor seed = internal::apply_op(OpId::cast_op, attributes, {Tensor::from(values, target.shape())});
    const auto column = recorder_->backward({target}, {seed}, {{source.identity()}}, true);
    columns.push_back(column[0].defined() ? column[0] : filled(type_of(source), 0.0));
  }
  if (!persistent_) recorder_->clear();
  const Shape result = target.shape() + source.shape().sub(1);
  if (columns.empty()) return filled({source.dtype(), result}, 0.0);
  // (count, B, S...) -> (B, count, S...)
  const Tensor all = stacked(columns);
  auto swap = internal::make_attributes<PermutationAttributes>();
  swap.permutation.count = all.rank();
  for (int a = 0; a < all.rank(); ++a) swap.permutation.v[a] = a == 0 ? 1 : a == 1 ? 0 : a;
  return internal::prim::reshape(internal::apply_op(OpId::transpose_op, swap, {all}), result);
}

Tensor hessian(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  GradientTape outer;
  outer.watch(x);
  Tensor first;
  {
    GradientTape inner;
    inner.watch(x);
    const Tensor y = f(x);
    if (y.elements() != 1) {
      internal::fail<ValueError>({"hessian", "The function must give a scalar", y.shape().to_string(), ""});
    }
    first = inner.gradient(y, x, {.unconnected_gradients = UnconnectedGradients::zero});
  }
  return outer.jacobian(first, x);
}

std::pair<Tensor, Tensor> jvp(const std::function<Tensor(const Tensor&)>& f, const Tensor& x,
                              const Tensor& v) {
  if (!(v.shape() == x.shape())) {
    internal::fail<ValueError>({"jvp", "The direction must have the shape of x",
                                fmt::format("x {}, v {}", x.shape().to_string(), v.shape().to_string()), ""});
  }
  // g(u) = u^T J is linear in u, so its derivative in direction v is J v (the "double vjp").
  internal::TapeRecorder inner(false);
  inner.set_decompose_fused(true);
  inner.start();
  inner.watch(x);
  const Tensor y = f(x);
  inner.stop();
  const Tensor u = filled(type_of(y), 0.0);
  GradientTape outer;
  outer.watch(u);
  Tensor g = inner.backward({y}, {u}, {{x.identity()}}, false)[0];
  if (!g.defined()) return {y, filled(type_of(y), 0.0)};
  return {y,
          outer.gradient(g, u, {.unconnected_gradients = UnconnectedGradients::zero, .output_gradients = v})};
}

std::function<Tensor(const std::vector<Tensor>&)> custom_gradient(
    std::function<std::pair<Tensor, CustomGradient>(const std::vector<Tensor>&)> f) {
  return [f = std::move(f)](const std::vector<Tensor>& operands) {
    if (internal::current_interpreter().tracing() && !AbstractEvaluation::running()) {
      return internal::traced_custom_gradient(f, operands);
    }
    const auto tapes = internal::active_tapes();
    std::pair<Tensor, CustomGradient> result;
    {
      std::vector<std::unique_ptr<PausedTape>> pauses;
      for (auto* tape : tapes) pauses.push_back(std::make_unique<PausedTape>(*tape));
      result = f(operands);
    }
    const std::vector<Tensor> results{result.first};
    std::vector<Shape> shapes;
    for (const Tensor& t : operands) shapes.push_back(t.shape());
    for (auto* tape : tapes) {
      tape->record_custom(operands, results, [g = result.second, shapes](const std::vector<Tensor>& up) {
        auto cotangents = g(up[0]);
        for (size_t i = 0; i < cotangents.size() && i < shapes.size(); ++i) {
          if (cotangents[i].defined()) internal::check_cotangent(i, cotangents[i].shape(), shapes[i]);
        }
        return cotangents;
      });
    }
    return result.first;
  };
}

}  // namespace keras
