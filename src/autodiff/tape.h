// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "autodiff/id_map.h"
#include "autodiff/tape_records.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace keras::internal {

/// From the cotangents of results to those of operands.
using RecordedGradient = std::function<std::vector<Tensor>(const std::vector<Tensor>& cotangents)>;

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
  bool paused() const { return paused_ > 0; }
  void clear();
  /// Every fused op is recorded as its parts, so that gradients of gradients exist for all of them.
  void set_decompose_fused(bool on) { decompose_fused_ = on; }

  void watch(const Tensor& tensor);
  void watch_variable(VariableSlot& variable);
  bool watches(const Tensor& tensor) const { return watched_.contains(tensor.identity()); }
  bool watches_any(std::span<const Tensor> tensors) const;
  void record_custom(std::span<const Tensor> operands, std::span<const Tensor> results,
                     RecordedGradient gradient);

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
  Tensors record(const OpCall& call, uint32_t traits);
  Tensors record_regions(const OpCall& call);
  void note_read(VariableSlot& variable, const Tensor& value);
  bool outer_tape_watches(std::span<const Tensor> tensors) const;
  std::vector<Tensor> run_vjp(TapeRecord& record, const std::vector<Tensor>& cotangents) const;

  bool watch_variables_;
  bool active_ = false;
  bool decompose_fused_ = false;
  int paused_ = 0;
  TapeRecords records_;
  std::deque<RecordedGradient> customs_;
  std::deque<std::vector<std::shared_ptr<const Graph>>> regions_;
  IdSet watched_;
  std::unordered_map<const VariableSlot*, std::vector<uint64_t>> reads_;
  std::unordered_set<const VariableSlot*> explicit_;  // watched by name, trainable or not
  std::vector<std::shared_ptr<VariableSlot>> variable_order_;
};

/// The tapes of this thread's interpreter stack, top first.
std::vector<TapeRecorder*> active_tapes();

/// Sum of two cotangents; either may be undefined.
Tensor accumulate(const Tensor& a, const Tensor& b);

}  // namespace keras::internal
