// SPDX-License-Identifier: Apache-2.0
#include "compile/program.h"

#include <fmt/format.h>

#include <algorithm>

#include "compile/pass.h"
#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "runtime/graph_driver.h"
#include "runtime/trace.h"

namespace keras::internal {

namespace {

// Programs for so many combinations of sizes are kept: the full batch, the last one, and those of other uses.
constexpr size_t kKeptSizes = 8;

bool fits(const std::vector<TensorType>& types, std::span<const Tensor> leaves) {
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].dtype != leaves[i].dtype() || !(types[i].shape == leaves[i].shape())) return false;
  }
  return true;
}

TensorType type_of(const Tensor& t) { return {t.dtype(), t.shape()}; }

}  // namespace

// What one running call needs, kept from call to call.
struct Program::Lease {
  std::vector<Tensor> operands;
  std::vector<Tensor> outputs;
};

Program::Program(const FunctionOptions& options, std::span<const TensorType> types,
                 std::span<const Tensor> example, const FunctionCore::Body& body)
    : options_(options), leaf_types_(types.begin(), types.end()) {
  Trace trace;
  std::vector<Tensor> leaves;
  DimBindings bindings;
  for (size_t i = 0; i < types.size(); ++i) {
    leaves.push_back(trace.argument(types[i], example[i].weak()));
    if (types[i].shape.known()) continue;
    symbolic_ = true;
    for (size_t a = 0; a < types[i].shape.size(); ++a) {
      bindings.bind(types[i].shape[a], example[i].shape()[a].value());
    }
  }
  trace.set_example(bindings);
  std::vector<Tensor> outputs;
  {
    const InterpreterScope scope(trace);
    form_ = body(leaves);
    note_result(form_, outputs);
  }
  num_results_ = outputs.size();
  const auto& inputs = trace.graph()->inputs();
  for (const Trace::VariableUse& use : trace.variables()) {
    State state{use.slot, use.slot->trainable, -1, -1};
    if (use.input.defined()) {
      const auto place = std::find(inputs.begin(), inputs.end(), trace.value_of(use.input));
      state.input = static_cast<int>(place - inputs.begin());
    }
    if (use.assigned && !(use.input.defined() && use.current.same(use.input))) {
      state.output = static_cast<int>(outputs.size());
      outputs.push_back(use.current);
      writes_ = true;
    }
    states_.push_back(std::move(state));
  }
  trace.set_outputs(outputs);
  graph_ = trace.graph();
}

Program::~Program() = default;

void Program::note_result(const Nest& nest, std::vector<Tensor>& leaves) {
  for (const Tensor& t : nest.flatten()) {
    leaves.push_back(t);
    const Tensor mask = t.mask();
    has_mask_.push_back(mask.defined());
    if (mask.defined()) leaves.push_back(mask);
  }
}

Nest Program::restore(std::span<const Tensor> results) const {
  std::vector<Tensor> leaves;
  size_t next = 0;
  for (const bool masked : has_mask_) {
    Tensor t = results[next++];
    if (masked) t.set_mask(results[next++]);
    leaves.push_back(std::move(t));
  }
  return form_.pack(leaves);
}

bool Program::valid() const {
  return std::all_of(states_.begin(), states_.end(),
                     [](const State& s) { return s.slot->trainable == s.trainable; });
}

DimBindings Program::bindings_of(std::span<const Tensor> leaves) const {
  DimBindings bindings;
  for (size_t i = 0; i < leaf_types_.size(); ++i) {
    for (size_t a = 0; a < leaf_types_[i].shape.size(); ++a) {
      const Dim d = leaf_types_[i].shape[a];
      if (d.known() || bindings.bind(d, leaves[i].shape()[a].value())) continue;
      fail<ValueError>({options_.name, "Dimensions of one symbol have one size",
                        fmt::format("{} for argument {}, traced as {}", type_of(leaves[i]).to_string(), i,
                                    leaf_types_[i].to_string()),
                        ""});
    }
  }
  return bindings;
}

std::shared_ptr<const Program::Compiled> Program::compile(std::span<const Tensor> leaves) const {
  auto out = std::make_shared<Compiled>();
  for (const Tensor& t : leaves) out->leaves.push_back(type_of(t));
  if (symbolic_) {
    out->graph = specialise(*graph_, bindings_of(leaves));
  } else {
    out->graph = std::make_shared<Graph>(*graph_);
  }
  Backend& backend = current_backend();
  std::vector<bool> stable(static_cast<size_t>(out->graph->num_inputs()), false);
  for (const State& state : states_) {
    if (state.input >= 0 && state.output < 0) stable[static_cast<size_t>(state.input)] = true;
  }
  optimize(*out->graph, {options_.disabled_passes, !writes_, &backend, stable});
  lower(*out->graph, backend);
  if (auto parted = hoist(*out->graph, stable)) {
    out->prologue = std::make_unique<Prologue>(backend, *parted);
    out->graph = std::move(parted->rest);
  }
  std::vector<keras_use> uses(static_cast<size_t>(out->graph->num_inputs()), KERAS_KEEP);
  std::vector<int> replaces(out->graph->outputs().size(), -1);
  for (const State& state : states_) {
    if (state.input < 0) continue;
    uses[static_cast<size_t>(state.input)] = KERAS_VARIABLE;
    if (state.output >= 0) replaces[static_cast<size_t>(state.output)] = state.input;
  }
  // What the prologue computes stays as long as the variables behind it: weights to be packed, too.
  for (size_t i = stable.size(); i < uses.size(); ++i) uses[i] = KERAS_VARIABLE;
  out->executable = std::make_unique<Executable>(backend, out->graph, std::move(uses), std::move(replaces));
  return out;
}

std::shared_ptr<const Program::Compiled> Program::compiled_for(std::span<const Tensor> leaves) const {
  const std::lock_guard lock(mutex_);
  for (auto it = compiled_.begin(); it != compiled_.end(); ++it) {
    if (symbolic_ && !fits((*it)->leaves, leaves)) continue;
    if (it != compiled_.begin()) compiled_.splice(compiled_.begin(), compiled_, it);
    return compiled_.front();
  }
  auto made = compile(leaves);
  compiled_.push_front(made);
  if (compiled_.size() > kKeptSizes) compiled_.pop_back();
  return made;
}

std::unique_ptr<Program::Lease> Program::lease() const {
  const std::lock_guard lock(mutex_);
  if (leases_.empty()) return std::make_unique<Lease>();
  auto out = std::move(leases_.back());
  leases_.pop_back();
  return out;
}

void Program::give_back(std::unique_ptr<Lease> lease) const {
  const std::lock_guard lock(mutex_);
  leases_.push_back(std::move(lease));
}

uint64_t Program::stable_version() const {
  uint64_t sum = 0;  // versions only grow, so any assignment changes it
  for (const State& s : states_) {
    if (s.input >= 0 && s.output < 0) sum += s.slot->version;
  }
  return sum;
}

void Program::run(std::span<const Tensor> leaves, std::span<Tensor> results) const {
  std::unique_lock<std::mutex> writing;
  if (writes_) writing = std::unique_lock(writing_);
  const auto compiled = compiled_for(leaves);
  auto own = lease();
  auto& operands = own->operands;
  operands.assign(static_cast<size_t>(graph_->num_inputs()), Tensor());
  std::copy(leaves.begin(), leaves.end(), operands.begin());
  // A variable that is replaced lends its value, so that nobody but a reader of it keeps the memory.
  for (const State& s : states_) {
    if (s.input < 0) continue;
    Tensor& operand = operands[static_cast<size_t>(s.input)];
    operand = s.output < 0 ? s.slot->value : std::move(s.slot->value);
  }
  const auto restore = [&] {
    for (const State& s : states_) {
      if (s.input >= 0 && s.output >= 0) s.slot->value = std::move(operands[static_cast<size_t>(s.input)]);
    }
  };
  auto& outputs = own->outputs;
  outputs.assign(graph_->outputs().size(), Tensor());
  try {
    if (compiled->prologue != nullptr) {
      operands.resize(operands.size() + compiled->prologue->num_results());
      compiled->prologue->fill(operands, stable_version());
    }
    compiled->executable->run(operands, outputs);
  } catch (...) {
    restore();
    operands.clear();
    give_back(std::move(own));
    throw;
  }
  for (const State& s : states_) {
    if (s.output < 0) continue;
    s.slot->value = std::move(outputs[static_cast<size_t>(s.output)]);
    ++s.slot->version;
  }
  for (size_t i = 0; i < num_results_; ++i) results[i] = std::move(outputs[i]);
  operands.clear();
  outputs.clear();
  give_back(std::move(own));
}

std::vector<Tensor> Program::replay(std::span<const Tensor> leaves) const {
  std::vector<Tensor> operands(static_cast<size_t>(graph_->num_inputs()));
  std::copy(leaves.begin(), leaves.end(), operands.begin());
  Interpreter& here = current_interpreter();
  for (const State& s : states_) {
    if (s.input >= 0) operands[static_cast<size_t>(s.input)] = here.read(*s.slot);
  }
  std::shared_ptr<const Graph> graph = graph_;
  if (symbolic_) {
    graph = specialise(*graph_, bindings_of(leaves));
  }
  auto results = drive_graph(*graph, std::move(operands));
  for (const State& s : states_) {
    if (s.output >= 0) here.assign(*s.slot, results[static_cast<size_t>(s.output)]);
  }
  results.resize(num_results_);
  return results;
}

std::string Program::to_string() const {
  const std::lock_guard lock(mutex_);
  return (compiled_.empty() ? graph_ : compiled_.front()->graph)->to_string();
}
std::string Program::to_dot() const {
  const std::lock_guard lock(mutex_);
  return (compiled_.empty() ? graph_ : compiled_.front()->graph)->to_dot();
}

}  // namespace keras::internal
