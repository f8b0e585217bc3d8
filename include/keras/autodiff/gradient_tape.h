// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "keras/runtime/variable.h"
#include "keras/tensor/nest.h"

namespace keras {

namespace internal {
class TapeRecorder;
}

/// What `gradient` gives for a source that the target does not depend on: an undefined tensor or zeros.
enum class UnconnectedGradients : uint8_t { none, zero };

/// What a tape records.
struct GradientTapeOptions {
  bool persistent = false;               ///< gradient() may be called several times
  bool watch_accessed_variables = true;  ///< trainable variables that are read are watched
};

/// How a gradient is taken.
struct GradientOptions {
  UnconnectedGradients unconnected_gradients = UnconnectedGradients::none;  ///< see there
  Nest output_gradients = {};  ///< cotangents of the target, ones when none
};

/// Records ops so that gradients can be taken (TensorFlow's GradientTape, which Keras users know).
///
/// Recording starts with construction and ends with the first `gradient` call (or `stop`, or the tape's
/// end); a persistent tape goes on recording until then. Only ops that depend on a watched tensor are
/// recorded, never a tape's own gradient. Tapes nest: the inner tape's gradient is differentiable by the
/// outer one.
///
///     GradientTape tape;
///     auto loss = loss_fn(y, model(x));
///     auto grads = tape.gradient(loss, model.trainable_variables());
class GradientTape {
 public:
  /// Starts recording.
  ///@{
  explicit GradientTape(GradientTapeOptions options = {});
  explicit GradientTape(bool persistent) : GradientTape(GradientTapeOptions{persistent, true}) {}
  ///@}
  ~GradientTape();
  GradientTape(const GradientTape&) = delete;
  GradientTape& operator=(const GradientTape&) = delete;

  /// Watches a tensor. Throws TypeError when it is not of a float or complex dtype.
  ///@{
  void watch(const Tensor& tensor);
  void watch(const Variable& variable);
  void watch(const Nest& tensors);
  ///@}

  /// d(sum of target) / d(source). Throws ValueError when a non-persistent tape was used before.
  ///@{
  Tensor gradient(const Tensor& target, const Tensor& source, const GradientOptions& options = {});
  Tensor gradient(const Tensor& target, const Variable& source, const GradientOptions& options = {});
  std::vector<Tensor> gradient(const Nest& target, const std::vector<Variable>& sources,
                               const GradientOptions& options = {});
  std::vector<Tensor> gradient(const Tensor& target, const std::vector<Variable>& sources,
                               const GradientOptions& options = {});
  ///@}
  /// Gradients in the structure of `sources`; an unconnected leaf is none (or zeros).
  Nest gradient(const Nest& target, const Nest& sources, const GradientOptions& options = {});

  /// Target of shape T, source of shape S: derivatives of shape T + S.
  Tensor jacobian(const Tensor& target, const Tensor& source);
  /// Target (B, ...T), source (B, ...S), rows independent: derivatives (B, ...T, ...S).
  Tensor batch_jacobian(const Tensor& target, const Tensor& source);

  /// Forgets everything recorded and watched; recording goes on.
  void reset();
  /// Ends recording; gradients may still be taken.
  void stop();
  /// While the returned object lives, nothing is recorded.
  [[nodiscard]] std::shared_ptr<void> stop_recording();
  /// Variables that were read while recording, in order of their first read.
  std::vector<Variable> watched_variables() const;

 private:
  std::vector<Tensor> compute(const std::vector<Tensor>& targets, const std::vector<Tensor>& sources,
                              const std::vector<Variable>& variables, const GradientOptions& options);
  std::unique_ptr<internal::TapeRecorder> recorder_;
  bool persistent_;
  bool used_ = false;
};

/// Second derivatives of a scalar function at x: shape (x.shape + x.shape).
Tensor hessian(const std::function<Tensor(const Tensor&)>& f, const Tensor& x);

/// Forward mode: f(x) and its derivative in direction v (jax.jvp; keras.ops has none).
std::pair<Tensor, Tensor> jvp(const std::function<Tensor(const Tensor&)>& f, const Tensor& x,
                              const Tensor& v);

/// From the cotangent of a result to the cotangents of its operands.
using CustomGradient = std::function<std::vector<Tensor>(const Tensor& upstream)>;
/// A function with a gradient of its own (keras.ops.custom_gradient): `f` gives the result and a function
/// from the result's cotangent to the operands' cotangents.
///
///     auto log1pexp = custom_gradient([](const std::vector<Tensor>& in) {
///       auto e = ops::exp(in[0]);
///       return std::pair{ops::log(1 + e), [e](const Tensor& up) { return std::vector<Tensor>{up * (1 - 1 /
///       (1 + e))}; }};
///     });
std::function<Tensor(const std::vector<Tensor>&)> custom_gradient(
    std::function<std::pair<Tensor, CustomGradient>(const std::vector<Tensor>&)> f);

}  // namespace keras
