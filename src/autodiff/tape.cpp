// SPDX-License-Identifier: Apache-2.0
#include "autodiff/tape.h"

#include "autodiff/region_gradients.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "keras/base/error.h"
#include "runtime/graph_driver.h"

namespace keras::internal {

namespace {

bool differentiable(DType dtype) { return is_float(dtype) || is_complex(dtype); }

// What the tape asks of an op's row, as bits: which operands (0 to 4, or all) and results (0 to 2) the
// gradient reads, and its traits.
enum OpBits : uint32_t {
  kAllOperands = 1u << 5,
  kFirstResult = 1u << 8,
  kNoGradient = 1u << 16,
  kControlFlow = 1u << 17,
  kFused = 1u << 18,
  kResiduals = 1u << 19,
  kKnown = 1u << 31,
};

uint32_t bits_of_row(const OpDef& op) {
  uint32_t bits = kKnown;
  for (const char c : op.reads) {
    if (c == '*') bits |= kAllOperands;
    if (c >= 'a' && c <= 'e') bits |= 1u << (c - 'a');
    if (c >= 'r' && c <= 't') bits |= kFirstResult << (c - 'r');
  }
  if (op.has('N')) bits |= kNoGradient;
  if (op.has('X')) bits |= kControlFlow;
  if (op.has('F')) bits |= kFused;
  if (op.has('G')) bits |= kResiduals;
  return bits;
}

// Rows are read once: their strings are slow to search at every op.
uint32_t bits_of(const OpDef& op) {
  static std::array<std::atomic<uint32_t>, 512> known{};
  const auto id = static_cast<size_t>(op.id);
  if (id >= known.size()) return bits_of_row(op);
  uint32_t bits = known[id].load(std::memory_order_relaxed);
  if (bits == 0) {
    bits = bits_of_row(op);
    known[id].store(bits, std::memory_order_relaxed);
  }
  return bits;
}

bool reads_operand(uint32_t bits, size_t i) {
  return (bits & kAllOperands) != 0 || (i < 5 && (bits >> i & 1u) != 0);
}
bool reads_result(uint32_t bits, size_t i) { return i < 3 && (bits & kFirstResult << i) != 0; }

}  // namespace

Tensor accumulate(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  if (!b.defined()) return a;
  return apply_op(OpId::add_op, {a, b});
}

std::vector<TapeRecorder*> active_tapes() {
  std::vector<TapeRecorder*> out;
  Interpreter* const bottom = &eager_interpreter();
  for (Interpreter* i = top_interpreter(); i != nullptr && i != bottom; i = interpreter_below(*i)) {
    if (auto* tape = dynamic_cast<TapeRecorder*>(i)) out.push_back(tape);
  }
  return out;
}

void TapeRecorder::start() {
  if (active_) return;
  push_interpreter(*this);
  active_ = true;
}

void TapeRecorder::stop() {
  if (!active_) return;
  remove_interpreter(*this);
  active_ = false;
}

void TapeRecorder::clear() {
  records_.clear();
  customs_.clear();
  regions_.clear();
  watched_.clear();
  reads_.clear();
  explicit_.clear();
  variable_order_.clear();
}

void TapeRecorder::watch(const Tensor& tensor) { watched_.insert(tensor.identity()); }

bool TapeRecorder::watches_any(std::span<const Tensor> tensors) const {
  if (watched_.empty()) return false;
  return std::any_of(tensors.begin(), tensors.end(), [this](const Tensor& t) { return watches(t); });
}

bool TapeRecorder::outer_tape_watches(std::span<const Tensor> tensors) const {
  Interpreter* const bottom = &eager_interpreter();
  for (Interpreter* i = below_; i != nullptr && i != bottom; i = interpreter_below(*i)) {
    if (const auto* tape = dynamic_cast<const TapeRecorder*>(i)) {
      if (tape->paused_ == 0 && tape->watches_any(tensors)) return true;
    }
  }
  return false;
}

void TapeRecorder::note_read(VariableSlot& variable, const Tensor& value) {
  const uint64_t id = value.identity();
  watched_.insert(id);
  auto& ids = reads_[&variable];
  if (ids.empty()) variable_order_.push_back(variable.shared_from_this());
  if (ids.empty() || ids.back() != id) ids.push_back(id);
}

void TapeRecorder::watch_variable(VariableSlot& variable) {
  note_read(variable, below_->read(variable));
  explicit_.insert(&variable);
}

Tensor TapeRecorder::read(VariableSlot& variable) {
  Tensor value = below_->read(variable);
  const bool accessed = watch_variables_ && variable.trainable && differentiable(variable.dtype);
  if (paused_ == 0 && (accessed || explicit_.contains(&variable))) note_read(variable, value);
  return value;
}

void TapeRecorder::assign(VariableSlot& variable, Tensor value) {
  below_->assign(variable, std::move(value));
}

std::vector<uint64_t> TapeRecorder::identities_of(const VariableSlot& variable) const {
  const auto it = reads_.find(&variable);
  return it == reads_.end() ? std::vector<uint64_t>{} : it->second;
}

Tensors TapeRecorder::apply(const OpCall& call) {
  const uint32_t bits = bits_of(*call.op);
  if (paused_ > 0 || (bits & kNoGradient) != 0 || !watches_any(call.operands)) {
    if ((bits & kControlFlow) != 0 && paused_ == 0 && !below_->tracing()) return drive_control_flow(call);
    const InterpreterScope down(*below_, InterpreterScope::Replace{});
    return below_->apply(call);
  }
  if (call.op->id == OpId::custom_vjp_op) return record_regions(call);
  // Regions run op by op through this tape, which records what they do.
  if ((bits & kControlFlow) != 0 && !below_->tracing()) return drive_control_flow(call);
  if ((bits & kControlFlow) != 0 && call.op->rule.vjp != nullptr) return record_regions(call);
  const OpRule& rule = call.op->rule;
  const bool parts = rule.decompose != nullptr &&
                     (rule.vjp == nullptr ||
                      ((bits & kFused) != 0 && (decompose_fused_ || outer_tape_watches(call.operands))));
  if (parts) {
    DecomposeContext context{*call.op, call.attributes, call.operands, call.residuals};
    return rule.decompose(context);
  }
  if (rule.vjp == nullptr) {
    fail<UnsupportedError>({call.op->name, "The op has no gradient", "",
                            "wrap the operand in ops::stop_gradient, or give a custom_gradient"});
  }
  return record(call, bits);
}

namespace {

size_t count_results(const OpCall& call) {
  if (call.op->results >= 0) return static_cast<size_t>(call.op->results);
  SmallVector<TensorType, 6> types;
  for (const Tensor& t : call.operands) types.push_back({t.dtype(), t.shape()});
  return infer(*call.op, call.attributes, types).size();
}

}  // namespace

Tensors TapeRecorder::record(const OpCall& call, uint32_t traits) {
  OpCall inner = call;
  inner.residuals = call.residuals || (traits & kResiduals) != 0;
  Tensors results;
  {
    const InterpreterScope down(*below_, InterpreterScope::Replace{});
    results = below_->apply(inner);
  }
  const size_t own = inner.residuals ? count_results(call) : results.size();
  bool any = false;
  for (size_t i = 0; i < own; ++i) any = any || differentiable(results[i].dtype());
  if (any) {
    const size_t operands = call.operands.size();
    TapeRecord& r = records_.add(operands, own, results.size() - own,
                                 {static_cast<const uint8_t*>(call.attributes), call.op->attributes.size});
    r.op = call.op;
    for (size_t i = 0; i < operands; ++i) {
      records_.note(r, i, call.operands[i], reads_operand(traits, i));
      r.watched[i] = watched_.contains(r.ids[i]);
    }
    for (size_t i = 0; i < own; ++i) {
      records_.note(r, operands + i, results[i], reads_result(traits, i));
      if (differentiable(results[i].dtype())) watched_.insert(r.ids[operands + i]);
    }
    for (size_t i = own; i < results.size(); ++i) r.kept[operands + i] = results[i];
  }
  if (!call.residuals) {
    while (results.size() > own) results.pop_back();
  }
  return results;
}

Tensors TapeRecorder::record_regions(const OpCall& call) {
  const bool loop = call.op->id == OpId::while_op;
  if (loop && static_cast<const WhileAttributes*>(call.attributes)->maximum_iterations >= 0) {
    return bounded_while_as_scan(call);
  }
  const RecordedRegions recorded = regions_for_gradient(call);
  const OpCall inner{call.op, recorded.attributes.data(), recorded.operands, false, {}, recorded.regions};
  Tensors results;
  {
    const InterpreterScope down(*below_, InterpreterScope::Replace{});
    results = below_->apply(inner);
  }
  const size_t operands = recorded.operands.size();
  TapeRecord& r = records_.add(operands, results.size(), 0, recorded.attributes);
  r.op = call.op;
  r.regions = static_cast<int32_t>(regions_.size());
  regions_.push_back(recorded.regions);
  for (size_t i = 0; i < operands; ++i) {
    records_.note(r, i, recorded.operands[i], true);
    r.watched[i] = watched_.contains(r.ids[i]);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    records_.note(r, operands + i, results[i], i >= recorded.kept_after);
    if (i < recorded.results && differentiable(results[i].dtype())) watched_.insert(r.ids[operands + i]);
  }
  while (results.size() > recorded.results) results.pop_back();
  return results;
}

void TapeRecorder::record_custom(std::span<const Tensor> operands, std::span<const Tensor> results,
                                 RecordedGradient gradient) {
  if (paused_ > 0 || !watches_any(operands)) return;
  TapeRecord& r = records_.add(operands.size(), results.size(), 0, {});
  r.custom = static_cast<int32_t>(customs_.size());
  customs_.push_back(std::move(gradient));
  for (size_t i = 0; i < operands.size(); ++i) {
    records_.note(r, i, operands[i], false);
    r.watched[i] = watched_.contains(r.ids[i]);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    records_.note(r, operands.size() + i, results[i], false);
    watched_.insert(r.ids[operands.size() + i]);
  }
}

std::vector<Tensor> TapeRecorder::run_vjp(TapeRecord& r, const std::vector<Tensor>& cotangents) const {
  if (r.op == nullptr) return customs_[static_cast<size_t>(r.custom)](cotangents);
  SmallVector<TensorType, 3> operand_types;
  SmallVector<TensorType, 2> result_types;
  for (size_t i = 0; i < r.num_operands; ++i) operand_types.push_back(r.types[i].of(r.kept[i]));
  for (size_t i = r.num_operands; i < r.num_operands + r.num_results; ++i) {
    result_types.push_back(r.types[i].of(r.kept[i]));
  }
  std::span<const std::shared_ptr<const Graph>> regions;
  if (r.regions >= 0) regions = regions_[static_cast<size_t>(r.regions)];
  VjpContext context{*r.op,        r.attributes,  r.operands(), operand_types, r.results(),
                     result_types, r.residuals(), cotangents,   r.needed(),    regions};
  const Tensors out = r.op->rule.vjp(context);
  return {out.begin(), out.end()};
}

std::vector<Tensor> TapeRecorder::backward(const std::vector<Tensor>& targets,
                                           const std::vector<Tensor>& seeds,
                                           const std::vector<std::vector<uint64_t>>& sources,
                                           bool keep_records) {
  const size_t count = records_.size();
  IdSet dependent;
  IdSet wanted;
  for (const auto& ids : sources) {
    for (const uint64_t id : ids) {
      dependent.insert(id);
      wanted.insert(id);
    }
  }
  std::vector<bool> relevant(count, false);
  for (size_t k = 0; k < count; ++k) {
    const auto operands = records_[k].operand_ids();
    relevant[k] =
        std::any_of(operands.begin(), operands.end(), [&](uint64_t id) { return dependent.contains(id); });
    if (!relevant[k]) continue;
    for (const uint64_t id : records_[k].result_ids()) dependent.insert(id);
  }

  IdMap<Tensor> cotangent_of;
  for (size_t i = 0; i < targets.size(); ++i) {
    Tensor& slot = cotangent_of[targets[i].identity()];
    slot = accumulate(slot, seeds[i]);
  }

  std::vector<Tensor> cotangents;
  for (size_t k = count; k-- > 0;) {
    if (!relevant[k]) continue;
    TapeRecord& r = records_[k];
    cotangents.clear();
    bool any = false;
    for (const uint64_t id : r.result_ids()) {
      Tensor* const arrived = cotangent_of.find(id);
      if (arrived == nullptr || !arrived->defined()) {
        cotangents.emplace_back();
        continue;
      }
      any = true;
      // A result's cotangent is complete once its maker is reached; only sources keep theirs.
      if (wanted.contains(id)) {
        cotangents.push_back(*arrived);
      } else {
        cotangents.push_back(std::exchange(*arrived, Tensor()));
      }
    }
    if (!any) continue;
    const auto gradients = run_vjp(r, cotangents);
    if (gradients.size() != r.num_operands) {
      const std::string name = r.op != nullptr ? r.op->name : "custom_gradient";
      fail<ValueError>(
          {name, "A gradient gives one cotangent per operand",
           std::to_string(gradients.size()) + " for " + std::to_string(r.num_operands) + " operands", ""});
    }
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined() || !dependent.contains(r.ids[i])) continue;
      Tensor& slot = cotangent_of[r.ids[i]];
      slot = accumulate(slot, gradients[i]);
    }
    if (keep_records) continue;
    r.release();
    if (r.op == nullptr) customs_[static_cast<size_t>(r.custom)] = nullptr;
  }

  std::vector<Tensor> out;
  for (const auto& ids : sources) {
    Tensor sum;
    for (const uint64_t id : ids) {
      if (const Tensor* arrived = cotangent_of.find(id)) sum = accumulate(sum, *arrived);
    }
    out.push_back(sum);
  }
  return out;
}

}  // namespace keras::internal
