// SPDX-License-Identifier: Apache-2.0
#include "runtime/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "keras/base/error.h"
#include "runtime/graph_driver.h"
#include "runtime/residuals.h"

namespace keras::internal {

namespace {

std::atomic<uint64_t> next_id{1};
thread_local std::vector<const Trace*> open_traces;
thread_local CreationScope::Rule creation = CreationScope::Rule::free;

// Results of ops on known values are computed at once up to so many elements.
constexpr int64_t kKnownElements = 4096;
// A constant made from nothing is written down as such unless it is a handful of numbers.
constexpr int64_t kLiteralElements = 16;

class TracedValue final : public AbstractValue {
 public:
  TracedValue(uint64_t maker, Graph::Value made) : trace(maker), value(made) {}
  std::string why_unreadable() const override {
    return "This tensor is a value of a program that function() is tracing, so it has no elements to read or "
           "to "
           "branch on: use ops::cond for an if, ops::while_loop, ops::fori_loop or ops::scan for a loop, or "
           "run "
           "eagerly (run_eagerly=true in compile)";
  }
  const uint64_t trace;
  const Graph::Value value;
};

const TracedValue* traced(const Tensor& tensor) {
  return tensor.abstract() ? dynamic_cast<const TracedValue*>(tensor.impl().abstract.get()) : nullptr;
}

bool is_open(uint64_t id) {
  return std::any_of(open_traces.begin(), open_traces.end(), [id](const Trace* t) { return t->id() == id; });
}

bool literal(const Tensor& tensor) {
  const DType dtype = tensor.dtype();
  return tensor.elements() == 1 && dtype != DType::string && !is_complex(dtype) && dtype != DType::uint64;
}

}  // namespace

Trace::Trace() : id_(next_id.fetch_add(1, std::memory_order_relaxed)), region_(false) {
  open_traces.push_back(this);
}
Trace::Trace(Region) : id_(next_id.fetch_add(1, std::memory_order_relaxed)), region_(true) {
  if (!open_traces.empty()) example_ = open_traces.back()->example_;
  open_traces.push_back(this);
}
Trace::~Trace() { open_traces.erase(std::find(open_traces.begin(), open_traces.end(), this)); }

Tensor Trace::tensor_of(Graph::Value value, Residual residual, bool weak) const {
  const TensorType& type = graph_->type(value);
  auto* impl = new TensorImpl;  // NOLINT: the Tensor adopts it
  impl->dtype = type.dtype;
  impl->shape = type.shape;
  impl->residual = residual;
  impl->weak = weak;
  impl->abstract = std::make_shared<TracedValue>(id_, value);
  return Tensor(impl);
}

Tensor Trace::argument(const TensorType& type, bool weak) {
  return tensor_of(graph_->add_input(type), Residual::none, weak);
}

Tensor Trace::variable_argument(const std::shared_ptr<VariableSlot>& slot) {
  const Tensor value = argument({slot->dtype, slot->shape});
  places_[slot.get()] = variables_.size();
  variables_.push_back({slot, value, value, false});
  return value;
}

Graph::Value Trace::value_of(const Tensor& tensor) {
  const TracedValue* value = traced(tensor);
  if (value != nullptr && value->trace == id_) return value->value;
  return take_in(tensor);
}

Graph::Value Trace::take_in(const Tensor& tensor) {
  const TensorImpl* key = &tensor.impl();
  if (const auto it = taken_.find(key); it != taken_.end()) return it->second;
  if (tensor.abstract()) {
    const TracedValue* value = traced(tensor);
    if (value == nullptr) {
      fail<TypeError>({"function", "Only tensors with values, and values of this trace, may be used in it",
                       tensor.impl().abstract->why_unreadable(), ""});
    }
    if (!region_ || !is_open(value->trace)) {
      fail<TypeError>(
          {"function", "A value of a traced program exists only in it",
           TensorType{tensor.dtype(), tensor.shape()}.to_string() + " from a trace that has ended",
           "return it from the function, or assign it to a Variable; a Tensor outside that the "
           "function sets keeps no value"});
    }
  } else if (tensor.dtype() == DType::string) {
    fail<UnsupportedError>(
        {"function", "Strings never enter a traced program", "a string tensor", "use them before the call"});
  } else if (literal(tensor)) {
    auto attributes = make_attributes<ConstantAttributes>();
    attributes.dtype = static_cast<int64_t>(tensor.dtype());
    attributes.shape = to_list(tensor.shape());
    if (is_float(tensor.dtype())) {
      attributes.real = tensor.item<double>();
    } else {
      attributes.integer = tensor.item<int64_t>();
    }
    held_.push_back(tensor);
    return taken_[key] = graph_->add(OpId::constant_op, attributes, {});
  }
  if (region_) return capture(tensor);
  held_.push_back(tensor);
  return taken_[key] = graph_->add_constant(tensor);
}

Graph::Value Trace::capture(const Tensor& outside) {
  const TensorImpl* key = &outside.impl();
  if (const auto it = taken_.find(key); it != taken_.end()) return it->second;
  held_.push_back(outside);
  const Graph::Value value = graph_->add_input({outside.dtype(), outside.shape()});
  captures_.push_back({outside, value});
  return taken_[key] = value;
}

std::vector<Tensor> share_captures(std::span<Trace* const> regions) {
  std::vector<Tensor> out;
  for (const Trace* region : regions) {
    for (const auto& c : region->captures()) {
      const bool known =
          std::any_of(out.begin(), out.end(), [&](const Tensor& t) { return t.same(c.outside); });
      if (!known) out.push_back(c.outside);
    }
  }
  for (Trace* region : regions) {
    std::vector<Graph::Value> inputs;
    for (const auto v : region->graph()->inputs()) {
      const auto& captures = region->captures();
      const bool own =
          std::none_of(captures.begin(), captures.end(), [v](const auto& c) { return c.input == v; });
      if (own) inputs.push_back(v);
    }
    for (const Tensor& t : out) inputs.push_back(region->capture(t));
    region->graph()->set_inputs(std::move(inputs));
  }
  return out;
}

// The results where all operands have values and the work is small.
std::optional<Tensors> Trace::known(const OpCall& call) const {
  if (call.residuals || call.op->has('X')) return std::nullopt;
  for (const Tensor& t : call.operands) {
    if (t.abstract() || t.dtype() == DType::string) return std::nullopt;
  }
  SmallVector<TensorType, 6> types;
  for (const Tensor& t : call.operands) types.push_back({t.dtype(), t.shape()});
  const int64_t limit = call.op->id == OpId::constant_op ? kLiteralElements : kKnownElements;
  for (const TensorType& type : infer(*call.op, call.attributes, types)) {
    if (!type.shape.known() || type.shape.elements() > limit) return std::nullopt;
  }
  const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
  return eager_interpreter().apply(call);
}

Tensors Trace::decompose(const OpCall& call) {
  const InterpreterScope here(*this, InterpreterScope::Replace{});
  DecomposeContext context{*call.op, call.attributes, call.operands, call.residuals};
  Tensors results = call.op->rule.decompose(context);
  if (!call.residuals) return results;
  // A handle of its own says what the residual is, without marking the value elsewhere.
  for (size_t i = own_results(call); i < results.size(); ++i) {
    results[i] = tensor_of(value_of(results[i]), Residual::canonical);
  }
  return results;
}

Tensors Trace::apply(const OpCall& call) {
  if (auto results = known(call)) return std::move(*results);
  const OpDef& op = *call.op;
  if (op.has('X')) return append(call, 0, Residual::none);
  if (follows_decomposition(call)) return decompose(call);
  if (!call.residuals || !op.has('G')) return append(call, 0, Residual::none);
  int residuals = 0;
  std::vector<Tensor> concrete;
  OpCall question = call;
  const bool symbolic = std::any_of(call.operands.begin(), call.operands.end(),
                                    [](const Tensor& t) { return !t.shape().known(); });
  if (symbolic) {
    for (const Tensor& t : call.operands) {
      auto* impl = new TensorImpl;  // NOLINT: the Tensor adopts it
      impl->dtype = t.dtype();
      impl->abstract = std::make_shared<TracedValue>(id_, -1);
      for (const Dim d : t.shape()) impl->shape.push_back(Dim(example_.evaluate(d).value_or(1)));
      concrete.emplace_back(impl);
    }
    question.operands = concrete;
  }
  const Lowering lowering = decide_lowering(question, current_backend(), residuals);
  if (lowering == Lowering::decomposed) return decompose(call);
  return append(call, residuals, Residual::native);
}

Tensors Trace::append(const OpCall& call, int residuals, Residual kind) {
  std::vector<Graph::Value> inputs;
  for (const Tensor& t : call.operands) inputs.push_back(value_of(t));
  // Opaque: only the kernel knows what they are.
  const std::vector<TensorType> opaque(static_cast<size_t>(residuals), TensorType{DType::uint8, Shape{0}});
  const auto values = graph_->add_node(call.op->id, call.attributes, inputs,
                                       {call.regions.begin(), call.regions.end()}, opaque);
  Tensors results;
  const size_t own = values.size() - static_cast<size_t>(residuals);
  for (size_t i = 0; i < values.size(); ++i) {
    results.push_back(tensor_of(values[i], i < own ? Residual::none : kind));
  }
  return results;
}

Trace::VariableUse* Trace::find(const VariableSlot& variable) {
  const auto it = places_.find(&variable);
  return it == places_.end() ? nullptr : &variables_[it->second];
}

Tensor Trace::read(VariableSlot& variable) {
  if (VariableUse* use = find(variable)) return use->current;
  if (region_) {
    // A region that assigns nothing sees the variable as the program around it does.
    return below_->read(variable);
  }
  return variable_argument(variable.shared_from_this());
}

void Trace::assign(VariableSlot& variable, Tensor value) {
  VariableUse* use = find(variable);
  if (use == nullptr) {
    places_[&variable] = variables_.size();
    variables_.push_back({variable.shared_from_this(), Tensor(), Tensor(), false});
    use = &variables_.back();
  }
  use->current = std::move(value);
  use->assigned = true;
}

void Trace::set_outputs(const std::vector<Tensor>& outputs) {
  std::vector<Graph::Value> values;
  for (const Tensor& t : outputs) values.push_back(value_of(t));
  graph_->set_outputs(std::move(values));
}

Tensor Trace::step_out(const Tensor& tensor) const {
  const Graph& graph = *graph_;
  std::vector<bool> needed(graph.types().size(), false);
  const Graph::Value wanted = traced(tensor)->value;
  needed[static_cast<size_t>(wanted)] = true;
  const auto& nodes = graph.nodes();
  std::vector<bool> runs(nodes.size(), false);
  for (size_t n = nodes.size(); n-- > 0;) {
    for (const auto v : nodes[n].outputs) runs[n] = runs[n] || needed[static_cast<size_t>(v)];
    if (!runs[n]) continue;
    for (const auto v : nodes[n].inputs) needed[static_cast<size_t>(v)] = true;
  }
  for (const auto v : graph.inputs()) {
    if (!needed[static_cast<size_t>(v)]) continue;
    fail<ValueError>({"function",
                      "The initial value of a variable that a function makes is computed before the "
                      "function runs, so it may not depend on its arguments or on other variables",
                      graph.type(v).to_string() + " is needed", "make the variable outside of the function"});
  }
  Graph part = graph;
  part.nodes().clear();
  for (size_t n = 0; n < nodes.size(); ++n) {
    if (runs[n]) part.nodes().push_back(nodes[n]);
  }
  part.set_outputs({wanted});
  // Unneeded inputs are not there at all, so nothing has to stand for them.
  const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
  return drive_graph(part, std::vector<Tensor>(graph.inputs().size()))[0];
}

Tensor concrete_initial_value(const Tensor& tensor) {
  if (!tensor.abstract()) return tensor;
  if (const TracedValue* value = traced(tensor)) {
    for (const Trace* trace : open_traces) {
      if (trace->id() == value->trace) return trace->step_out(tensor);
    }
  }
  fail<TypeError>({"Variable", "The initial value of a variable must have a value",
                   tensor.impl().abstract->why_unreadable(), ""});
}

namespace {
std::vector<int64_t (*)()>& contexts() {
  static std::vector<int64_t (*)()> instance;
  return instance;
}
}  // namespace

bool add_trace_context(int64_t (*part)()) {
  contexts().push_back(part);
  return true;
}
const std::vector<int64_t (*)()>& trace_contexts() { return contexts(); }

namespace {
std::atomic<int64_t> generation{0};
}  // namespace

void outdate_traces() { generation.fetch_add(1, std::memory_order_relaxed); }
int64_t trace_generation() { return generation.load(std::memory_order_relaxed); }

bool inside_trace() { return !open_traces.empty(); }

CreationScope::CreationScope(Rule rule) : previous_(creation) { creation = rule; }
CreationScope::~CreationScope() { creation = previous_; }

void note_variable_created(const VariableSlot& slot) {
  if (creation != CreationScope::Rule::refused) return;
  fail<ValueError>({slot.path.empty() ? "function" : slot.path,
                    "A function makes its variables the first time that it is traced, and never again",
                    "a variable made in a later trace",
                    "make the layer or the Variable outside of the function"});
}

}  // namespace keras::internal
