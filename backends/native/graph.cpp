// SPDX-License-Identifier: Apache-2.0
#include "graph.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "registry.h"

namespace keras::native {
namespace {

// Ops that find out from the data that they cannot be done.
bool may_fail(std::string_view op) {
  static constexpr std::array<std::string_view, 18> names = {"gather",
                                                             "scatter",
                                                             "embed",
                                                             "embed_grad",
                                                             "softmax_cross_entropy",
                                                             "softmax_cross_entropy_grad",
                                                             "cholesky",
                                                             "triangular_solve",
                                                             "lu",
                                                             "qr",
                                                             "svd",
                                                             "eigh",
                                                             "eig",
                                                             "call",
                                                             "cond",
                                                             "while",
                                                             "scan",
                                                             "custom_vjp"};
  return std::find(names.begin(), names.end(), op) != names.end();
}

// One node: its kernel, the values it reads and makes, and what becomes of them.
struct Step {
  std::unique_ptr<keras_kernel> kernel;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
  std::vector<int32_t> donor;  // per output: the value whose memory it may take over, or -1
  std::vector<int32_t> dead;   // values that nothing reads after this node
};

class FlatGraph final : public keras_executable {
 public:
  explicit FlatGraph(const keras_graph& graph)
      : num_inputs_(graph.num_inputs), outputs_(graph.outputs, graph.outputs + graph.num_outputs) {
    for (int v = 0; v < graph.num_values; ++v) values_.push_back({nullptr, graph.values[v]});
    for (int n = 0; n < graph.num_nodes; ++n) prepare(graph.nodes[n]);
    plan_lifetimes(graph);
  }

  void execute(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const override {
    if (num_in != num_inputs_ || num_out != static_cast<int>(outputs_.size())) {
      throw Failure(KERAS_ERROR_INTERNAL, "the executable was compiled for other operands");
    }
    Running run(*this, in);
    for (const Step& step : steps_) run.advance(step);
    for (int i = 0; i < num_out; ++i) {
      const keras_tensor& value = run.value(outputs_[i]);
      retain(value.buffer);
      out[i].buffer = value.buffer;
    }
  }

 private:
  // The values of one execution; lets go of what is left when it ends, well or not.
  class Running {
   public:
    Running(const FlatGraph& graph, const keras_tensor* in)
        : graph_(graph),
          memory_((graph.values_.size() + 2 * graph.widest_) * sizeof(keras_tensor)),
          values_(memory_.as<keras_tensor>()),
          operands_(values_ + graph.values_.size()),
          results_(operands_ + graph.widest_) {
      std::memcpy(static_cast<void*>(values_), graph.values_.data(),
                  graph.values_.size() * sizeof(keras_tensor));
      std::memcpy(static_cast<void*>(values_), in,
                  static_cast<size_t>(graph.num_inputs_) * sizeof(keras_tensor));
    }
    ~Running() {
      for (size_t v = static_cast<size_t>(graph_.num_inputs_); v < graph_.values_.size(); ++v) drop(v);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    const keras_tensor& value(int32_t v) const { return values_[v]; }

    void advance(const Step& step) {
      const int num_in = static_cast<int>(step.inputs.size());
      const int num_out = static_cast<int>(step.outputs.size());
      for (int i = 0; i < num_in; ++i) operands_[i] = values_[step.inputs[i]];
      for (int i = 0; i < num_out; ++i) {
        results_[i] = values_[step.outputs[i]];
        if (step.donor[i] < 0) continue;
        // A donor's own reference and the slot's: more, and somebody else reads this memory.
        keras_buffer* buffer = values_[step.donor[i]].buffer;
        if (buffer->references.load(std::memory_order_acquire) != 1) continue;
        retain(buffer);
        results_[i].buffer = buffer;
      }
      try {
        run_kernel(*step.kernel, operands_, num_in, results_, num_out);
      } catch (...) {
        for (int i = 0; i < num_out; ++i) {
          if (results_[i].buffer != nullptr) release(results_[i].buffer);
        }
        throw;
      }
      for (int i = 0; i < num_out; ++i) values_[step.outputs[i]] = results_[i];
      for (const int32_t v : step.dead) drop(static_cast<size_t>(v));
    }

   private:
    void drop(size_t v) {
      if (values_[v].buffer == nullptr) return;
      release(values_[v].buffer);
      values_[v].buffer = nullptr;
    }

    const FlatGraph& graph_;
    Scratch memory_;
    keras_tensor* values_;
    keras_tensor* operands_;
    keras_tensor* results_;
  };

  void prepare(const keras_node& node) {
    Step step;
    std::string reason;
    step.kernel = make_kernel(node.op, reason);
    if (step.kernel == nullptr) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " is not native: " + reason);
    }
    if (step.kernel->residuals != node.num_residuals) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " was traced with other residuals");
    }
    step.inputs.assign(node.inputs, node.inputs + node.op.num_inputs);
    step.outputs.assign(node.outputs, node.outputs + node.op.num_outputs + node.num_residuals);
    step.donor.assign(step.outputs.size(), -1);
    widest_ = std::max({widest_, step.inputs.size(), step.outputs.size()});
    steps_.push_back(std::move(step));
  }

  // Finds each value's last reader, frees it there and lets results take over memory. A variable's memory is
  // taken only when no later node can fail, so that a failing step leaves variables as they were.
  void plan_lifetimes(const keras_graph& graph) {
    const int end = static_cast<int>(steps_.size());
    std::vector<int> last(values_.size(), -1);
    for (int n = 0; n < end; ++n) {
      for (const int32_t v : steps_[n].outputs) last[v] = n;
      for (const int32_t v : steps_[n].inputs) last[v] = n;
    }
    for (const int32_t v : outputs_) last[v] = end;
    int first_safe = 0;
    for (int n = 0; n < end; ++n) {
      if (may_fail(graph.nodes[n].op.name)) first_safe = n + 1;
    }
    for (int n = 0; n < end; ++n) {
      Step& step = steps_[n];
      for (size_t i = 0; i < step.inputs.size(); ++i) {
        const int32_t v = step.inputs[i];
        const bool again = std::find(step.inputs.begin(), step.inputs.begin() + static_cast<int64_t>(i), v) !=
                           step.inputs.begin() + static_cast<int64_t>(i);
        if (last[v] != n || again) continue;
        if (v >= num_inputs_) step.dead.push_back(v);
        const bool given = v >= num_inputs_ || (graph.input_uses[v] != KERAS_KEEP && n >= first_safe);
        if (given) find_heir(step, static_cast<int>(i));
      }
      for (const int32_t v : step.outputs) {
        if (last[v] == n) step.dead.push_back(v);
      }
    }
  }

  void find_heir(Step& step, int input) {
    const keras_desc& mine = values_[step.inputs[input]].desc;
    for (size_t o = 0; o < step.outputs.size(); ++o) {
      const keras_desc& result = values_[step.outputs[o]].desc;
      if (step.donor[o] >= 0 || dtype_size(mine.dtype) != dtype_size(result.dtype) ||
          element_count(mine) != element_count(result) ||
          !step.kernel->may_overwrite(input, static_cast<int>(o))) {
        continue;
      }
      step.donor[o] = step.inputs[input];
      return;
    }
  }

  int num_inputs_;
  std::vector<int32_t> outputs_;
  std::vector<keras_tensor> values_;  // descriptors; buffers are null
  std::vector<Step> steps_;
  size_t widest_ = 1;
};

}  // namespace

std::unique_ptr<keras_executable> compile_graph(const keras_graph& graph) {
  return std::make_unique<FlatGraph>(graph);
}

}  // namespace keras::native
