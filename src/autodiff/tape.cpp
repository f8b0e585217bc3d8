// SPDX-License-Identifier: Apache-2.0
#include "autodiff/tape.h"

#include <algorithm>

#include "keras/base/error.h"
#include "runtime/graph_driver.h"

namespace keras::internal {

namespace {

bool differentiable(DType dtype) { return is_float(dtype) || is_complex(dtype); }

bool reads(const std::string& spec, char first, size_t index) {
  if (index > 4) return spec.find('*') != std::string::npos && first == 'a';
  return spec.find(static_cast<char>(first + static_cast<char>(index))) != std::string::npos;
}

bool reads_operand(const OpDef& op, size_t i) {
  return op.reads.find('*') != std::string::npos || reads(op.reads, 'a', i);
}
bool reads_result(const OpDef& op, size_t i) { return reads(op.reads, 'r', i); }

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

SmallVector<bool, 4> TapeRecorder::watched_flags(std::span<const Tensor> operands) const {
  SmallVector<bool, 4> flags;
  for (const Tensor& t : operands) flags.push_back(watches(t));
  return flags;
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
  if (paused_ > 0 || call.op->has('N') || !watches_any(call.operands)) {
    if (call.op->has('X') && paused_ == 0 && !below_->tracing()) return drive_control_flow(call);
    const InterpreterScope down(*below_, InterpreterScope::Replace{});
    return below_->apply(call);
  }
  // Regions run op by op through this tape, which records what they do.
  if (call.op->has('X') && !below_->tracing()) return drive_control_flow(call);
  const OpRule& rule = call.op->rule;
  const bool parts =
      rule.decompose != nullptr &&
      (rule.vjp == nullptr || (call.op->has('F') && (decompose_fused_ || outer_tape_watches(call.operands))));
  if (parts) {
    DecomposeContext context{*call.op, call.attributes, call.operands, call.residuals};
    return rule.decompose(context);
  }
  if (rule.vjp == nullptr) {
    fail<UnsupportedError>({call.op->name, "The op has no gradient", "",
                            "wrap the operand in ops::stop_gradient, or give a custom_gradient"});
  }
  return record(call);
}

Tensors TapeRecorder::record(const OpCall& call) {
  OpCall inner = call;
  inner.residuals = call.residuals || call.op->has('G');
  Tensors results;
  {
    const InterpreterScope down(*below_, InterpreterScope::Replace{});
    results = below_->apply(inner);
  }
  SmallVector<TensorType, 6> types;
  for (const Tensor& t : call.operands) types.push_back({t.dtype(), t.shape()});
  size_t own = results.size();
  if (inner.residuals) {
    own = call.op->results >= 0 ? static_cast<size_t>(call.op->results)
                                : infer(*call.op, call.attributes, types).size();
  }
  bool any = false;
  for (size_t i = 0; i < own; ++i) any = any || differentiable(results[i].dtype());
  if (any) {
    auto& r = records_.emplace_back();
    r.op = call.op;
    const auto* bytes = static_cast<const uint8_t*>(call.attributes);
    r.attributes.assign(bytes, bytes + call.op->attributes.size);
    r.watched = watched_flags(call.operands);
    for (size_t i = 0; i < call.operands.size(); ++i) {
      r.operand_ids.push_back(call.operands[i].identity());
      r.operand_types.push_back(types[i]);
      r.operands.push_back(reads_operand(*call.op, i) ? call.operands[i] : Tensor());
    }
    for (size_t i = 0; i < own; ++i) {
      r.result_ids.push_back(results[i].identity());
      r.result_types.push_back({results[i].dtype(), results[i].shape()});
      r.results.push_back(reads_result(*call.op, i) ? results[i] : Tensor());
      if (differentiable(results[i].dtype())) watched_.insert(r.result_ids.back());
    }
    for (size_t i = own; i < results.size(); ++i) r.residuals.push_back(results[i]);
  }
  if (!call.residuals) {
    while (results.size() > own) results.pop_back();
  }
  return results;
}

void TapeRecorder::record_custom(std::span<const Tensor> operands, std::span<const Tensor> results,
                                 std::function<std::vector<Tensor>(const std::vector<Tensor>&)> gradient) {
  if (paused_ > 0 || !watches_any(operands)) return;
  auto& r = records_.emplace_back();
  r.custom = std::move(gradient);
  r.watched = watched_flags(operands);
  for (const Tensor& t : operands) {
    r.operand_ids.push_back(t.identity());
    r.operand_types.push_back({t.dtype(), t.shape()});
  }
  for (const Tensor& t : results) {
    r.result_ids.push_back(t.identity());
    r.result_types.push_back({t.dtype(), t.shape()});
    watched_.insert(t.identity());
  }
}

namespace {

std::vector<Tensor> run_vjp(const TapeRecord& r, const std::vector<Tensor>& cotangents) {
  if (r.custom) return r.custom(cotangents);
  VjpContext context{*r.op,          r.attributes.data(), r.operands, r.operand_types, r.results,
                     r.result_types, r.residuals,         cotangents, r.watched,       {}};
  const Tensors out = r.op->rule.vjp(context);
  return {out.begin(), out.end()};
}

}  // namespace

std::vector<Tensor> TapeRecorder::backward(const std::vector<Tensor>& targets,
                                           const std::vector<Tensor>& seeds,
                                           const std::vector<std::vector<uint64_t>>& sources,
                                           bool keep_records) {
  // Records made by this very call (a persistent tape differentiating itself) come after `count`.
  const size_t count = records_.size();
  std::unordered_set<uint64_t> dependent;
  for (const auto& ids : sources) dependent.insert(ids.begin(), ids.end());
  std::vector<bool> relevant(count, false);
  for (size_t k = 0; k < count; ++k) {
    const auto& r = records_[k];
    relevant[k] = std::any_of(r.operand_ids.begin(), r.operand_ids.end(),
                              [&](uint64_t id) { return dependent.contains(id); });
    if (relevant[k]) dependent.insert(r.result_ids.begin(), r.result_ids.end());
  }

  std::unordered_map<uint64_t, Tensor> cotangent_of;
  for (size_t i = 0; i < targets.size(); ++i) {
    auto& slot = cotangent_of[targets[i].identity()];
    slot = accumulate(slot, seeds[i]);
  }
  std::unordered_set<uint64_t> wanted;
  for (const auto& ids : sources) wanted.insert(ids.begin(), ids.end());

  for (size_t k = count; k-- > 0;) {
    if (!relevant[k]) continue;
    std::vector<Tensor> cotangents;
    bool any = false;
    for (const uint64_t id : records_[k].result_ids) {
      const auto it = cotangent_of.find(id);
      if (it == cotangent_of.end()) {
        cotangents.emplace_back();
        continue;
      }
      cotangents.push_back(it->second);
      any = any || it->second.defined();
      // A result's cotangent is complete once its maker is reached; only sources keep theirs.
      if (!wanted.contains(id)) cotangent_of.erase(it);
    }
    if (!any) continue;
    // Ops of the rule may be recorded on this tape, which may move the records.
    const TapeRecord r = keep_records ? records_[k] : std::move(records_[k]);
    const auto gradients = run_vjp(r, cotangents);
    if (gradients.size() != r.operand_ids.size()) {
      const std::string name = r.op != nullptr ? r.op->name : "custom_gradient";
      fail<ValueError>(
          {name, "A gradient gives one cotangent per operand",
           std::to_string(gradients.size()) + " for " + std::to_string(r.operand_ids.size()) + " operands",
           ""});
    }
    for (size_t i = 0; i < gradients.size(); ++i) {
      if (!gradients[i].defined() || !dependent.contains(r.operand_ids[i])) continue;
      auto& slot = cotangent_of[r.operand_ids[i]];
      slot = accumulate(slot, gradients[i]);
    }
  }

  std::vector<Tensor> out;
  for (const auto& ids : sources) {
    Tensor sum;
    for (const uint64_t id : ids) {
      if (const auto it = cotangent_of.find(id); it != cotangent_of.end()) sum = accumulate(sum, it->second);
    }
    out.push_back(sum);
  }
  return out;
}

}  // namespace keras::internal
