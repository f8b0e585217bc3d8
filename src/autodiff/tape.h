// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace keras::internal {

/// One recorded op with what its gradient will read.
struct TapeRecord {
  const OpDef* op = nullptr;
  std::vector<uint8_t> attributes;
  SmallVector<uint64_t, 4> operand_ids;
  SmallVector<bool, 4> watched;
  SmallVector<TensorType, 3> operand_types;
  Tensors operands;  ///< undefined where the gradient does not read them
  SmallVector<uint64_t, 2> result_ids;
  SmallVector<TensorType, 2> result_types;
  Tensors results;
  Tensors residuals;
  /// Set for a custom gradient instead of `op`.
  std::function<std::vector<Tensor>(const std::vector<Tensor>& cotangents)> custom;
};

/// The interpreter behind a GradientTape.
class TapeRecorder final : public Interpreter {
 public:
  explicit TapeRecorder(bool watch_variables) : watch_variables_(watch_variables) {}
  ~TapeRecorder() override { stop(); }

  void start();
  void stop();
  bool active() const { return active_; }
  void pause() { ++paused_; }
  void resume() { --paused_; }
  void clear();
  /// Every fused op is recorded as its parts, so that gradients of gradients exist for all of them.
  void set_decompose_fused(bool on) { decompose_fused_ = on; }

  void watch(const Tensor& tensor);
  void watch_variable(VariableSlot& variable);
  bool watches(const Tensor& tensor) const { return watched_.contains(tensor.identity()); }
  bool watches_any(std::span<const Tensor> tensors) const;
  void record_custom(std::span<const Tensor> operands, std::span<const Tensor> results,
                     std::function<std::vector<Tensor>(const std::vector<Tensor>&)> gradient);

  Tensors apply(const OpCall& call) override;
  Tensor read(VariableSlot& variable) override;
  void assign(VariableSlot& variable, Tensor value) override;
  bool tracing() const override { return below_->tracing(); }

  /// Cotangents by tensor identity, for the identities in `sources` (undefined where unconnected).
  std::vector<Tensor> backward(const std::vector<Tensor>& targets, const std::vector<Tensor>& seeds,
                               const std::vector<std::vector<uint64_t>>& sources, bool keep_records);

  /// The tensors as which a variable was read while recording.
  std::vector<uint64_t> identities_of(const VariableSlot& variable) const;
  const std::vector<std::shared_ptr<VariableSlot>>& variables() const { return variable_order_; }

 private:
  Tensors record(const OpCall& call);
  void note_read(VariableSlot& variable, const Tensor& value);
  bool outer_tape_watches(std::span<const Tensor> tensors) const;
  SmallVector<bool, 4> watched_flags(std::span<const Tensor> operands) const;

  bool watch_variables_;
  bool active_ = false;
  bool decompose_fused_ = false;
  int paused_ = 0;
  std::vector<TapeRecord> records_;
  std::unordered_set<uint64_t> watched_;
  std::unordered_map<const VariableSlot*, std::vector<uint64_t>> reads_;
  std::unordered_set<const VariableSlot*> explicit_;  // watched by name, trainable or not
  std::vector<std::shared_ptr<VariableSlot>> variable_order_;
};

/// The tapes of this thread's interpreter stack, top first.
std::vector<TapeRecorder*> active_tapes();

/// Sum of two cotangents; either may be undefined.
Tensor accumulate(const Tensor& a, const Tensor& b);

}  // namespace keras::internal
