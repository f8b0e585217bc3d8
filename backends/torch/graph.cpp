// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

namespace {

// The failure with the op and the shapes that it came from.
keras::aten::Failure in_op(const keras::aten::Failure& failure, const std::string& name,
                           const keras::aten::Values& operands) {
  std::string text = failure.what() + (" (" + name + ")");
  for (size_t i = 0; i < operands.size(); ++i) {
    text += i == 0 ? " on (" : ", (";
    for (int64_t axis = 0; axis < operands[i].dim(); ++axis) {
      text += (axis == 0 ? "" : ", ") + std::to_string(operands[i].size(axis));
    }
    text += ")";
  }
  return {failure.status(), text};
}

std::atomic<keras_profiler> profiler{nullptr};

int64_t now() {
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

// Nodes in an order in which updates of variables come as late as they can.
std::vector<int> late_updates(const keras_graph& graph, size_t& first_update) {
  std::vector<char> updated(static_cast<size_t>(graph.num_values), 0);  // values that follow from an update
  std::vector<int> order;
  std::vector<int> after;
  bool alone = true;
  for (int n = 0; n < graph.num_nodes; ++n) {
    const keras_node& node = graph.nodes[n];
    bool late = std::string(node.op.name) == "update_many";
    for (int i = 0; i < node.op.num_inputs; ++i) {
      const bool follows = updated[static_cast<size_t>(node.inputs[i])] != 0;
      if (follows) alone = false;
      late = late || follows;
    }
    (late ? after : order).push_back(n);
    if (!late) continue;
    for (int i = 0; i < node.op.num_outputs + node.num_residuals; ++i) {
      updated[static_cast<size_t>(node.outputs[i])] = 1;
    }
  }
  // What reads an updated variable could still fail.
  first_update = alone ? order.size() : static_cast<size_t>(graph.num_nodes);
  order.insert(order.end(), after.begin(), after.end());
  return order;
}

// Finds select(y > 0, dy, 0), the gradient of ReLU, for which ATen has one kernel.
class ReluGradients {
 public:
  explicit ReluGradients(const keras_graph& graph)
      : graph_(graph), maker_(static_cast<size_t>(graph.num_values), -1) {
    for (int n = 0; n < graph.num_nodes; ++n) {
      for (int i = 0; i < graph.nodes[n].op.num_outputs; ++i)
        maker_[static_cast<size_t>(graph.nodes[n].outputs[i])] = n;
    }
  }
  // y's number where the node is such a gradient of node.inputs[1], else -1.
  int32_t reads(const keras_node& node) const {
    const keras_desc& result = node.op.num_outputs == 1 ? node.op.outputs[0] : keras_desc{};
    if (std::string(node.op.name) != "select" || result.dtype != KERAS_FLOAT32) return -1;
    const keras_node* test = made_by(node.inputs[0], "compare");
    if (test == nullptr || !is_zero(node.inputs[2]) || !is_zero(test->inputs[1])) return -1;
    if (static_cast<const CompareAttributes*>(test->op.attributes)->direction != KERAS_GT) return -1;
    return same(test->op.inputs[0], result) && same(node.op.inputs[1], result) ? test->inputs[0] : -1;
  }

 private:
  const keras_node* made_by(int32_t value, const char* name) const {
    const int n = maker_[static_cast<size_t>(value)];
    return n >= 0 && std::string(graph_.nodes[n].op.name) == name ? &graph_.nodes[n] : nullptr;
  }
  bool is_zero(int32_t value) const {
    const keras_node* node = made_by(value, "constant");
    return node != nullptr && static_cast<const ConstantAttributes*>(node->op.attributes)->real == 0;
  }
  static bool same(const keras_desc& a, const keras_desc& b) {
    return a.dtype == b.dtype && a.rank == b.rank && std::equal(a.shape, a.shape + a.rank, b.shape);
  }
  const keras_graph& graph_;
  std::vector<int> maker_;
};

// Operands y and dy. Where y is NaN, dy passes, as in PyTorch; op by op it would be 0.
keras::aten::Values relu_gradient(const keras::aten::Values& in) {
  if (!keras::aten::is_spare(in[1]) || !in[1].is_non_overlapping_and_dense()) {
    return {at::threshold_backward(in[1], in[0], 0)};
  }
  at::Tensor dx = in[1];
  return {at::threshold_backward_out(dx, in[1], in[0], 0)};
}

}  // namespace

keras_executable::keras_executable(const keras_graph& graph)
    : num_inputs_(static_cast<size_t>(graph.num_inputs)),
      num_values_(static_cast<size_t>(graph.num_values)),
      outputs_(graph.outputs, graph.outputs + graph.num_outputs),
      replaced_(num_inputs_, 0) {
  using keras::aten::Failure;
  const ReluGradients gradients(graph);
  for (const int n : late_updates(graph, first_update_)) {
    const keras_node& node = graph.nodes[n];
    Step step;
    std::string reason;
    const int32_t activated = gradients.reads(node);
    if (activated >= 0) {
      step.kernel = std::make_unique<keras_kernel>();
      step.kernel->run = relu_gradient;
    } else {
      step.kernel = keras::aten::make_kernel(node.op, reason);
    }
    if (step.kernel == nullptr) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " does not run here: " + reason);
    }
    if (step.kernel->residuals != node.num_residuals) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " was traced with other residuals");
    }
    step.name = node.op.name;
    step.inputs.assign(node.inputs, node.inputs + node.op.num_inputs);
    if (activated >= 0) step.inputs = {activated, node.inputs[1]};
    step.last.assign(step.inputs.size(), 0);
    step.outputs.assign(node.outputs, node.outputs + node.op.num_outputs + node.num_residuals);
    for (const int32_t v : step.inputs) step.in.push_back({nullptr, graph.values[v]});
    for (const int32_t v : step.outputs) step.out.push_back({nullptr, graph.values[v]});
    steps_.push_back(std::move(step));
  }
  std::vector<char> read(num_values_, 0);
  for (const int32_t v : outputs_) read[static_cast<size_t>(v)] = 1;
  for (size_t n = steps_.size(); n-- > 0;) {
    Step& step = steps_[n];
    const auto unread = [&](int32_t v) { return read[static_cast<size_t>(v)] == 0; };
    if (std::all_of(step.outputs.begin(), step.outputs.end(), unread)) {
      // What ReLU's gradients no longer read.
      step.kernel.reset();
      continue;
    }
    for (const int32_t v : step.outputs) {
      if (unread(v)) step.unread.push_back(v);
    }
    for (size_t i = step.inputs.size(); i-- > 0;) {
      char& later = read[static_cast<size_t>(step.inputs[i])];
      step.last[i] = later == 0 ? 1 : 0;
      later = 1;
    }
  }
  const auto gone = [](const Step& step) { return step.kernel == nullptr; };
  first_update_ -= static_cast<size_t>(
      std::count_if(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(first_update_), gone));
  steps_.erase(std::remove_if(steps_.begin(), steps_.end(), gone), steps_.end());
  for (int i = 0; i < graph.num_outputs; ++i) {
    if (graph.output_variable != nullptr && graph.output_variable[i] >= 0)
      replaced_[static_cast<size_t>(graph.output_variable[i])] = 1;
  }
}

void keras_executable::run_step(const Step& step, std::vector<at::Tensor>& values,
                                std::vector<at::Tensor>& in, const std::vector<char>& writable) const {
  in.clear();
  for (size_t i = 0; i < step.inputs.size(); ++i) {
    at::Tensor& value = values[static_cast<size_t>(step.inputs[i])];
    if (step.last[i] != 0) {
      in.push_back(std::move(value));
    } else {
      in.push_back(value);
    }
  }
  const keras_profiler told = profiler.load(std::memory_order_relaxed);
  keras_profile_event event{};
  if (told != nullptr) event.begin = now();
  keras::aten::Values results;
  try {
    if (step.kernel->run_in_place && !writable.empty()) {
      std::vector<char> mine(step.inputs.size(), 0);
      for (size_t i = 0; i < mine.size(); ++i) {
        const auto v = static_cast<size_t>(step.inputs[i]);
        mine[i] = v < num_inputs_ && step.last[i] != 0 ? writable[v] : 0;
      }
      results = step.kernel->run_in_place(in, mine);
    } else {
      results = step.kernel->run(in);
    }
  } catch (...) {
    throw in_op(keras::aten::failure_in_flight(), step.name, in);
  }
  if (told != nullptr) {
    event.struct_size = sizeof(event);
    event.name = step.name.c_str();
    event.end = now();
    event.inputs = step.in.data();
    event.outputs = step.out.data();
    event.num_inputs = static_cast<int32_t>(step.in.size());
    event.num_outputs = static_cast<int32_t>(step.out.size());
    told(&event);
  }
  for (size_t i = 0; i < step.outputs.size(); ++i) {
    values[static_cast<size_t>(step.outputs[i])] = std::move(results[i]);
  }
  for (const int32_t v : step.unread) values[static_cast<size_t>(v)] = at::Tensor();
}

keras::aten::Values keras_executable::run(keras::aten::Values operands,
                                          const std::vector<char>& writable) const {
  using keras::aten::Values;
  if (operands.size() != num_inputs_) {
    throw keras::aten::Failure(KERAS_ERROR_INTERNAL, "the executable was compiled for other operands");
  }
  Values values = std::move(operands);
  values.resize(num_values_);
  Values in;
  for (size_t n = 0; n < steps_.size(); ++n) {
    run_step(steps_[n], values, in, n >= first_update_ ? writable : std::vector<char>{});
  }
  in.clear();
  Values out;
  out.reserve(outputs_.size());
  for (const int32_t v : outputs_) out.push_back(values[static_cast<size_t>(v)]);
  return out;
}

namespace keras::aten {

void set_profiler(keras_profiler told) { profiler.store(told, std::memory_order_relaxed); }

namespace {

// A region, prepared with its node. Kernels are copied, so that it is shared.
std::shared_ptr<const keras_executable> region(const Call& call, int i) {
  return std::make_shared<keras_executable>(*call.op().regions[i]);
}

Values joined(Values head, Values::const_iterator first, Values::const_iterator last) {
  head.insert(head.end(), first, last);
  return head;
}

Answer lacks_regions() { return Answer::no("control flow runs inside compiled graphs"); }

Answer call_region(const Call& call) {
  if (call.op().num_regions < 1) return lacks_regions();
  return [body = region(call, 0)](const Values& in) { return body->run(in); };
}

Answer cond(const Call& call) {
  if (call.op().num_regions < 2) return lacks_regions();
  return [yes = region(call, 0), no = region(call, 1)](const Values& in) {
    return (in[0].item<bool>() ? yes : no)->run({in.begin() + 1, in.end()});
  };
}

Answer while_loop(const Call& call) {
  if (call.op().num_regions < 2) return lacks_regions();
  const auto& at = call.attributes<WhileAttributes>();
  return [test = region(call, 0), body = region(call, 1), carries = at.carries,
          limit = at.maximum_iterations](const Values& in) {
    const auto captured = in.begin() + carries;
    Values state(in.begin(), captured);
    for (int64_t step = 0; limit < 0 || step < limit; ++step) {
      if (!test->run(joined(state, captured, in.end()))[0].item<bool>()) break;
      state = body->run(joined(std::move(state), captured, in.end()));
    }
    return state;
  };
}

Answer scan(const Call& call) {
  if (call.op().num_regions < 1) return lacks_regions();
  const auto& at = call.attributes<ScanAttributes>();
  const int64_t length = at.length >= 0 ? at.length : call.input(static_cast<int>(at.carries)).shape[0];
  if (length == 0) return Answer::no("a scan without steps has no rows to stack");
  return [body = region(call, 0), at, length](const Values& in) {
    const auto sequences = in.begin() + at.carries;
    const auto captured = sequences + at.inputs;
    Values state(in.begin(), sequences);
    std::vector<Values> rows;
    for (int64_t step = 0; step < length; ++step) {
      const int64_t i = at.reverse != 0 ? length - 1 - step : step;
      Values operands = std::move(state);
      for (auto s = sequences; s != captured; ++s) operands.push_back(s->select(0, i));
      Values results = body->run(joined(std::move(operands), captured, in.end()));
      const auto made = results.begin() + at.carries;
      rows.resize(static_cast<size_t>(results.end() - made), Values(static_cast<size_t>(length)));
      for (auto r = made; r != results.end(); ++r) {
        rows[static_cast<size_t>(r - made)][static_cast<size_t>(i)] = *r;
      }
      state.assign(results.begin(), made);
    }
    for (const Values& r : rows) state.push_back(at::stack(r));
    return state;
  };
}

const bool registered = register_op("call", call_region, kUnsigned) &&
                        register_op("custom_vjp", call_region, kUnsigned) &&
                        register_op("cond", cond, kUnsigned) && register_op("while", while_loop, kUnsigned) &&
                        register_op("scan", scan, kUnsigned);

}  // namespace
}  // namespace keras::aten
