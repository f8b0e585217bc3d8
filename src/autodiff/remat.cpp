// SPDX-License-Identifier: Apache-2.0
#include "autodiff/remat.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "autodiff/tape.h"
#include "keras/autodiff/remat.h"
#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"
#include "ops/logits.h"

namespace keras::internal {

namespace {

bool differentiable(const Tensor& t) { return is_float(t.dtype()) || is_complex(t.dtype()); }

// A rematerialized function that is running on this thread.
struct Frame {
  explicit Frame(bool second);
  ~Frame();
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  const bool again;
  Frame* const outer;
  std::vector<Tensor> escaping;
};

thread_local Frame* innermost = nullptr;
thread_local int discarding = 0;

Frame::Frame(bool second) : again(second), outer(innermost) { innermost = this; }
Frame::~Frame() { innermost = outer; }

std::vector<ScopeRestorer (*)()>& scopes() {
  static std::vector<ScopeRestorer (*)()> instance;
  return instance;
}

// What stands above the tapes while a function runs, and lets everything through.
class AboveTapes : public Interpreter {
 public:
  Tensors apply(const OpCall& call) override {
    const InterpreterScope down(*below_, InterpreterScope::Replace{});
    return below_->apply(call);
  }
  bool tracing() const override { return below_->tracing(); }
};

// The tapes that would record an op now. Those under a trace see none of its ops.
std::vector<TapeRecorder*> recording_tapes() {
  std::vector<TapeRecorder*> out;
  Interpreter* const bottom = &eager_interpreter();
  for (Interpreter* i = top_interpreter(); i != nullptr && i != bottom; i = interpreter_below(*i)) {
    if (auto* tape = dynamic_cast<TapeRecorder*>(i)) {
      if (!tape->paused()) out.push_back(tape);
    } else if (dynamic_cast<AboveTapes*>(i) == nullptr) {
      break;
    }
  }
  return out;
}

class Pauses {
 public:
  explicit Pauses(const std::vector<TapeRecorder*>& tapes) : tapes_(tapes) {
    for (auto* tape : tapes_) tape->pause();
  }
  ~Pauses() {
    for (auto* tape : tapes_) tape->resume();
  }
  Pauses(const Pauses&) = delete;
  Pauses& operator=(const Pauses&) = delete;

 private:
  const std::vector<TapeRecorder*>& tapes_;
};

struct ReadVariable {
  std::shared_ptr<VariableSlot> slot;
  Tensor value;
};

// The first run: notes what the function takes from outside, besides its operands.
class FirstRun final : public AboveTapes {
 public:
  FirstRun(const std::vector<TapeRecorder*>& tapes, const std::vector<Tensor>& operands) : tapes_(tapes) {
    for (const Tensor& t : operands) known_.insert(t.identity());
  }
  bool watched(const Tensor& t) const {
    return differentiable(t) &&
           std::any_of(tapes_.begin(), tapes_.end(), [&](const auto* tape) { return tape->watches(t); });
  }
  Tensors apply(const OpCall& call) override {
    for (const Tensor& t : call.operands) {
      if (known_.contains(t.identity()) || !watched(t)) continue;
      known_.insert(t.identity());
      captured.push_back(t);
    }
    Tensors results = AboveTapes::apply(call);
    for (const Tensor& t : results) {
      known_.insert(t.identity());
      made_.insert(t.identity());
    }
    return results;
  }
  Tensor read(VariableSlot& variable) override {
    // The tapes note which variables are read.
    for (auto* tape : tapes_) tape->resume();
    Tensor value = below_->read(variable);
    for (auto* tape : tapes_) tape->pause();
    if (own_.insert(&variable).second) {
      known_.insert(value.identity());
      variables.push_back({variable.shared_from_this(), value});
    }
    return value;
  }
  void assign(VariableSlot& variable, Tensor value) override {
    own_.insert(&variable);
    below_->assign(variable, std::move(value));
  }
  bool made(const Tensor& t) const { return made_.contains(t.identity()); }

  std::vector<Tensor> captured;
  std::vector<ReadVariable> variables;

 private:
  const std::vector<TapeRecorder*>& tapes_;
  IdSet known_;
  IdSet made_;
  std::unordered_set<const VariableSlot*> own_;  // read or assigned before
};

// The second run: captured tensors and variables are those of the first one, and assignments stay in it.
class SecondRun final : public AboveTapes {
 public:
  void stand_for(const Tensor& captured, const Tensor& value) {
    captured_.emplace(captured.identity(), value);
  }
  void set(const VariableSlot& variable, const Tensor& value) { variables_[&variable] = value; }
  Tensors apply(const OpCall& call) override {
    const bool any =
        !captured_.empty() && std::any_of(call.operands.begin(), call.operands.end(),
                                          [&](auto& t) { return captured_.contains(t.identity()); });
    if (!any) return AboveTapes::apply(call);
    std::vector<Tensor> operands(call.operands.begin(), call.operands.end());
    for (Tensor& t : operands) {
      if (const auto it = captured_.find(t.identity()); it != captured_.end()) t = it->second;
    }
    OpCall inner = call;
    inner.operands = operands;
    return AboveTapes::apply(inner);
  }
  Tensor read(VariableSlot& variable) override {
    const auto it = variables_.find(&variable);
    return it != variables_.end() ? it->second : below_->read(variable);
  }
  void assign(VariableSlot& variable, Tensor value) override { variables_[&variable] = std::move(value); }

 private:
  std::unordered_map<uint64_t, Tensor> captured_;
  std::unordered_map<const VariableSlot*, Tensor> variables_;
};

// What the gradient needs.
struct Remembered {
  std::function<std::vector<Tensor>(std::span<const Tensor>)> again;
  std::vector<Tensor> operands;
  std::vector<Tensor> captured;
  std::vector<ReadVariable> variables;
  std::vector<size_t> wanted;   // places in operands, captured, variables, one after the other
  std::vector<size_t> flowing;  // places in the results
  size_t results = 0;
  std::optional<DType> autocast;
  std::vector<ScopeRestorer> scopes;

  std::vector<Tensor> values() const {
    std::vector<Tensor> out = operands;
    out.insert(out.end(), captured.begin(), captured.end());
    for (const auto& v : variables) out.push_back(v.value);
    return out;
  }
};

// The results, what escaped, and the logits behind probabilities, which the losses go back to.
std::vector<Tensor> all_results(std::vector<Tensor> results, const Frame& frame) {
  results.insert(results.end(), frame.escaping.begin(), frame.escaping.end());
  for (size_t i = 0, count = results.size(); i < count; ++i) {
    if (const Tensor logits = logits_of(results[i]); logits.defined()) results.push_back(logits);
  }
  return results;
}

// The same values, computed after the cotangents are there: the recomputation neither merges with the first
// run nor moves before the backward pass.
std::vector<Tensor> behind_barrier(const std::vector<Tensor>& values) {
  const auto none = make_attributes<NoAttributes>();
  const Tensors results = apply(OpId::barrier_op, &none, values);
  std::vector<Tensor> out(results.begin(), results.end());
  for (size_t i = 0; i < values.size(); ++i) {
    out[i].impl().weak = values[i].weak();
    if (const Tensor mask = values[i].mask(); mask.defined()) out[i].set_mask(mask);
  }
  return out;
}

std::vector<Tensor> pull_back(const Remembered& first, const std::vector<Tensor>& cotangents) {
  std::vector<Tensor> values = first.values();
  const size_t count = values.size();
  for (const Tensor& t : cotangents) {
    if (t.defined()) values.push_back(t);
  }
  values = behind_barrier(values);

  TapeRecorder tape(false);
  std::vector<Tensor> results;
  std::vector<std::vector<uint64_t>> sources;
  {
    std::vector<std::shared_ptr<void>> restored;
    for (const auto& scope : first.scopes) restored.push_back(scope());
    const AutocastScope autocast(first.autocast);
    Frame frame(true);
    tape.start();
    for (const size_t i : first.wanted) {
      tape.watch(values[i]);
      sources.push_back({values[i].identity()});
    }
    SecondRun run;
    size_t next = first.operands.size();
    for (const Tensor& t : first.captured) run.stand_for(t, values[next++]);
    for (const auto& v : first.variables) run.set(*v.slot, values[next++]);
    {
      const InterpreterScope scope(run);
      results = first.again(std::span<const Tensor>(values).first(first.operands.size()));
    }
    tape.stop();
    results = all_results(std::move(results), frame);
  }
  if (results.size() != first.results) {
    fail<ValueError>({"remat", "The function must do the same when it is computed again",
                      fmt::format("{} results, then {}", first.results, results.size()), ""});
  }
  std::vector<Tensor> targets;
  std::vector<Tensor> seeds;
  size_t arrived = count;
  for (size_t i = 0; i < cotangents.size(); ++i) {
    if (!cotangents[i].defined()) continue;
    targets.push_back(results[first.flowing[i]]);
    seeds.push_back(values[arrived++]);
  }
  return tape.backward(targets, seeds, sources, false);
}

}  // namespace

bool add_recomputed_scope(ScopeRestorer (*capture)()) {
  scopes().push_back(capture);
  return true;
}

void note_escaping(const Tensor& tensor) {
  if (innermost != nullptr && discarding == 0) innermost->escaping.push_back(tensor);
}

EscapingDiscarded::EscapingDiscarded() { ++discarding; }
EscapingDiscarded::~EscapingDiscarded() { --discarding; }

bool recomputing() {
  if (discarding > 0) return true;
  for (const Frame* f = innermost; f != nullptr; f = f->outer) {
    if (f->again) return true;
  }
  return false;
}

void rematerialize(const std::function<std::vector<Tensor>()>& now,
                   std::function<std::vector<Tensor>(std::span<const Tensor>)> again,
                   const std::vector<Tensor>& operands) {
  const auto tapes = recording_tapes();
  if (tapes.empty()) {
    now();
    return;
  }
  auto first = std::make_shared<Remembered>();
  first->autocast = AutocastScope::current();
  for (const auto capture : scopes()) first->scopes.push_back(capture());
  FirstRun run(tapes, operands);
  std::vector<Tensor> results;
  {
    Frame frame(false);
    {
      const Pauses pauses(tapes);
      const InterpreterScope scope(run);
      results = now();
    }
    results = all_results(std::move(results), frame);
    if (frame.outer != nullptr) {
      frame.outer->escaping.insert(frame.outer->escaping.end(), frame.escaping.begin(), frame.escaping.end());
    }
  }
  first->again = std::move(again);
  first->operands = operands;
  first->captured = std::move(run.captured);
  first->variables = std::move(run.variables);
  first->results = results.size();

  const std::vector<Tensor> values = first->values();
  std::vector<Tensor> from;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!run.watched(values[i])) continue;
    first->wanted.push_back(i);
    from.push_back(values[i]);
  }
  std::vector<Tensor> to;
  for (size_t i = 0; i < results.size(); ++i) {
    // What the function only passes on is the same tensor for the tapes already.
    if (!run.made(results[i]) || !differentiable(results[i])) continue;
    first->flowing.push_back(i);
    to.push_back(results[i]);
  }
  if (from.empty() || to.empty()) return;
  for (auto* tape : tapes) {
    tape->record_custom(from, to, [first](const std::vector<Tensor>& up) { return pull_back(*first, up); });
  }
}

}  // namespace keras::internal
