// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

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

}  // namespace

keras_executable::keras_executable(const keras_graph& graph)
    : num_inputs_(static_cast<size_t>(graph.num_inputs)),
      num_values_(static_cast<size_t>(graph.num_values)),
      outputs_(graph.outputs, graph.outputs + graph.num_outputs) {
  using keras::aten::Failure;
  for (int n = 0; n < graph.num_nodes; ++n) {
    const keras_node& node = graph.nodes[n];
    Step step;
    std::string reason;
    step.kernel = keras::aten::make_kernel(node.op, reason);
    if (step.kernel == nullptr) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " does not run here: " + reason);
    }
    if (step.kernel->residuals != node.num_residuals) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " was traced with other residuals");
    }
    step.name = node.op.name;
    step.inputs.assign(node.inputs, node.inputs + node.op.num_inputs);
    step.outputs.assign(node.outputs, node.outputs + node.op.num_outputs + node.num_residuals);
    steps_.push_back(std::move(step));
  }
  std::vector<bool> seen(num_values_, false);
  for (const int32_t v : outputs_) seen[static_cast<size_t>(v)] = true;
  for (size_t n = steps_.size(); n-- > 0;) {
    Step& step = steps_[n];
    for (const auto* list : {&step.inputs, &step.outputs}) {
      for (const int32_t v : *list) {
        if (seen[static_cast<size_t>(v)]) continue;
        seen[static_cast<size_t>(v)] = true;
        step.dead.push_back(v);
      }
    }
  }
}

keras::aten::Values keras_executable::run(keras::aten::Values operands) const {
  using keras::aten::Values;
  if (operands.size() != num_inputs_) {
    throw keras::aten::Failure(KERAS_ERROR_INTERNAL, "the executable was compiled for other operands");
  }
  Values values = std::move(operands);
  values.resize(num_values_);
  Values in;
  for (const Step& step : steps_) {
    in.clear();
    for (const int32_t v : step.inputs) in.push_back(values[static_cast<size_t>(v)]);
    Values results;
    try {
      results = step.kernel->run(in);
    } catch (...) {
      throw in_op(keras::aten::failure_in_flight(), step.name, in);
    }
    for (size_t i = 0; i < step.outputs.size(); ++i) {
      values[static_cast<size_t>(step.outputs[i])] = std::move(results[i]);
    }
    in.clear();
    for (const int32_t v : step.dead) values[static_cast<size_t>(v)] = at::Tensor();
  }
  Values out;
  for (const int32_t v : outputs_) out.push_back(values[static_cast<size_t>(v)]);
  return out;
}

namespace keras::aten {
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
