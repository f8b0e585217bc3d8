// SPDX-License-Identifier: Apache-2.0
#include "graph_plan.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "memory_plan.h"
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

int outputs_of(const keras_node& node) { return node.op.num_outputs + node.num_residuals; }

// Makes a plan in steps; what only the making needs is here.
class Planner {
 public:
  Planner(const keras_graph& graph, int state, GraphPlan& plan) : graph_(graph), state_(state), plan_(plan) {}

  void run() {
    plan_.descs.assign(graph_.values, graph_.values + graph_.num_values);
    for (int n = 0; n < graph_.num_nodes; ++n) prepare(graph_.nodes[n]);
    find_roots();
    find_replacements();
    order_nodes();
    find_last_reads();
    give_homes();
    lay_out();
  }

 private:
  size_t bytes_of(int v) const { return byte_size(plan_.descs[v]); }
  int root(int v) const { return plan_.root_of[v]; }

  void prepare(const keras_node& node) {
    std::string reason;
    std::shared_ptr<const keras_kernel> kernel = make_kernel(node.op, reason);
    if (kernel == nullptr) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " is not native: " + reason);
    }
    if (kernel->residuals != node.num_residuals) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(node.op.name) + " was traced with other residuals");
    }
    for (int i = 0; i < node.num_residuals; ++i) {
      keras_desc& desc = plan_.descs[node.outputs[node.op.num_outputs + i]];
      if (!kernel->residual_desc(i, desc)) desc.rank = -1;
    }
    kernels_.push_back(std::move(kernel));
  }

  bool shares(int n) const { return kernels_[n]->shared_operand(0) >= 0; }

  void find_roots() {
    plan_.root_of.resize(static_cast<size_t>(graph_.num_values));
    for (int v = 0; v < graph_.num_values; ++v) plan_.root_of[v] = v;
    for (int n = 0; n < graph_.num_nodes; ++n) {
      if (!shares(n)) continue;
      const keras_node& node = graph_.nodes[n];
      for (int o = 0; o < outputs_of(node); ++o) {
        plan_.root_of[node.outputs[o]] = root(node.inputs[kernels_[n]->shared_operand(o)]);
      }
    }
  }

  // Which operand each value replaces, if it is what the caller takes for a variable or a loop for its state.
  void find_replacements() {
    replaces_.assign(static_cast<size_t>(graph_.num_values), -1);
    first_output_.assign(static_cast<size_t>(graph_.num_values), -1);
    for (int k = graph_.num_outputs - 1; k >= 0; --k) {
      const int v = root(graph_.outputs[k]);
      first_output_[v] = k;
      const int operand = state_ >= 0 ? (k < state_ ? k : -1) : graph_.output_variable[k];
      if (operand >= 0) replaces_[v] = operand;
    }
  }

  // Nodes that write over variables go to the end, with all that follows from them: then everything that can
  // fail, or still reads the old value, comes before.
  void order_nodes() {
    std::vector<char> late(static_cast<size_t>(graph_.num_values), 0);
    std::vector<int> tail;
    for (int n = 0; n < graph_.num_nodes; ++n) {
      const keras_node& node = graph_.nodes[n];
      bool waits = false;
      for (int i = 0; i < node.op.num_inputs; ++i) {
        waits |= late[node.inputs[i]] != 0;
        for (int o = 0; !waits && state_ < 0 && !shares(n) && o < outputs_of(node); ++o) {
          waits = replaces_[node.outputs[o]] >= 0 && replaces_[node.outputs[o]] == root(node.inputs[i]) &&
                  kernels_[n]->may_overwrite(i, o);
        }
      }
      if (!waits) {
        order_.push_back(n);
        continue;
      }
      tail.push_back(n);
      for (int o = 0; o < outputs_of(node); ++o) late[node.outputs[o]] = 1;
    }
    order_.insert(order_.end(), tail.begin(), tail.end());
    for (size_t at = 0; at < order_.size(); ++at) {
      if (may_fail(graph_.nodes[order_[at]].op.name)) first_safe_ = static_cast<int>(at) + 1;
    }
  }

  // By root: the step of its last reader. What the graph gives away is read at the end.
  void find_last_reads() {
    const int end = static_cast<int>(order_.size());
    last_.assign(static_cast<size_t>(graph_.num_values), -1);
    for (int at = 0; at < end; ++at) {
      if (shares(order_[at])) continue;
      const keras_node& node = graph_.nodes[order_[at]];
      for (int o = 0; o < outputs_of(node); ++o) last_[node.outputs[o]] = at;
      for (int i = 0; i < node.op.num_inputs; ++i) last_[root(node.inputs[i])] = at;
    }
    for (int k = 0; k < graph_.num_outputs; ++k) last_[root(graph_.outputs[k])] = end;
  }

  void give_homes() {
    plan_.home_of.assign(static_cast<size_t>(graph_.num_values), -1);
    for (int v = 0; v < graph_.num_inputs; ++v) {
      Home home;
      home.kind = Home::Kind::kOperand;
      home.bytes = bytes_of(v);
      home.operand = v;
      plan_.home_of[v] = add_home(home, 0, last_[v]);
    }
    for (int at = 0; at < static_cast<int>(order_.size()); ++at) {
      const int n = order_[at];
      const keras_node& node = graph_.nodes[n];
      if (shares(n)) continue;
      plan_.nodes.push_back({n, kernels_[n]});
      take_over(at, n);
      for (int o = 0; o < outputs_of(node); ++o) {
        const int v = node.outputs[o];
        if (plan_.descs[v].rank < 0) continue;  // the kernel brings its own
        if (plan_.home_of[v] < 0) {
          Home home;
          home.bytes = bytes_of(v);
          home.maker = n;
          plan_.home_of[v] = add_home(home, at, at);
        }
        settle(v);
      }
    }
    for (int v = 0; v < graph_.num_values; ++v) plan_.home_of[v] = plan_.home_of[root(v)];
  }

  int add_home(const Home& home, int first, int last) {
    plan_.homes.push_back(home);
    blocks_.push_back({home.bytes, first, last, 0});
    return static_cast<int>(plan_.homes.size()) - 1;
  }

  // A value has moved in: how long it stays, and whether it leaves the graph.
  void settle(int v) {
    Home& home = plan_.homes[plan_.home_of[v]];
    PlannedBlock& block = blocks_[plan_.home_of[v]];
    block.last = std::max(block.last, last_[v]);
    if (first_output_[v] < 0) return;
    home.kind = Home::Kind::kOwn;
    home.output = first_output_[v];
  }

  // May this value's memory be written over when node `at` has read it, by the value `heir`?
  bool is_free(int at, int v, int heir) const {
    if (last_[v] != at || plan_.home_of[v] < 0) return false;
    if (v >= graph_.num_inputs) return true;
    if (state_ >= 0) return v < state_;
    if (graph_.input_uses[v] == KERAS_DONATE) return true;
    return graph_.input_uses[v] == KERAS_VARIABLE && at >= first_safe_ && replaces_[heir] == v;
  }

  // Results that replace an operand choose first.
  void take_over(int at, int n) {
    const keras_node& node = graph_.nodes[n];
    for (const bool replacing : {true, false}) {
      for (int i = 0; i < node.op.num_inputs; ++i) {
        const int v = root(node.inputs[i]);
        int readers = 0;
        for (int j = 0; j < node.op.num_inputs; ++j) readers += root(node.inputs[j]) == v ? 1 : 0;
        if (readers == 1) find_heir(at, n, i, v, replacing);
      }
    }
  }

  void find_heir(int at, int n, int input, int v, bool replacing) {
    const keras_node& node = graph_.nodes[n];
    const keras_desc& mine = plan_.descs[node.inputs[input]];
    if (inherited(node, v)) return;
    for (int o = 0; o < outputs_of(node); ++o) {
      const int heir = node.outputs[o];
      const keras_desc& result = plan_.descs[heir];
      if (plan_.home_of[heir] >= 0 || result.rank < 0 || (replacing && replaces_[heir] != v) ||
          dtype_size(mine.dtype) != dtype_size(result.dtype) ||
          element_count(mine) != element_count(result) || !kernels_[n]->may_overwrite(input, o) ||
          !is_free(at, v, heir)) {
        continue;
      }
      if (v < graph_.num_inputs) {
        Home home;
        home.kind = Home::Kind::kOwn;
        home.bytes = bytes_of(heir);
        home.operand = v;
        home.maker = n;
        plan_.home_of[heir] = add_home(home, at, at);
      } else {
        plan_.home_of[heir] = plan_.home_of[v];
      }
      return;
    }
  }

  // Another result of the node already has this value's memory.
  bool inherited(const keras_node& node, int v) const {
    for (int o = 0; o < outputs_of(node); ++o) {
      const int home = plan_.home_of[node.outputs[o]];
      if (home < 0) continue;
      if (home == plan_.home_of[v]) return true;
      if (v < graph_.num_inputs && plan_.homes[home].operand == v) return true;
    }
    return false;
  }

  void lay_out() {
    std::vector<PlannedBlock> arena;
    std::vector<size_t> which;
    for (size_t h = 0; h < plan_.homes.size(); ++h) {
      if (plan_.homes[h].kind == Home::Kind::kOwn) plan_.own_bytes += plan_.homes[h].bytes;
      if (plan_.homes[h].kind != Home::Kind::kArena) continue;
      arena.push_back(blocks_[h]);
      which.push_back(h);
    }
    plan_.arena_bytes = plan_memory(arena);
    for (size_t i = 0; i < which.size(); ++i) plan_.homes[which[i]].offset = arena[i].offset;
  }

  const keras_graph& graph_;
  int state_;
  GraphPlan& plan_;
  std::vector<std::shared_ptr<const keras_kernel>> kernels_;
  std::vector<int> replaces_;      // by root: the operand that it replaces, or -1
  std::vector<int> first_output_;  // by root: the first output that is it, or -1
  std::vector<int> order_;
  std::vector<int> last_;
  std::vector<PlannedBlock> blocks_;  // the homes' lives
  int first_safe_ = 0;                // from this step on nothing fails
};

}  // namespace

GraphPlan::GraphPlan(const keras_graph& graph, int state) { Planner(graph, state, *this).run(); }

std::string GraphPlan::tell_sizes(const keras_graph& graph) const {
  std::vector<const Home*> largest;
  for (const Home& home : homes) {
    if (home.kind != Home::Kind::kOperand) largest.push_back(&home);
  }
  std::stable_sort(largest.begin(), largest.end(),
                   [](const Home* a, const Home* b) { return a->bytes > b->bytes; });
  std::string text = "a step of this graph needs an arena of " + std::to_string(arena_bytes) + " bytes and " +
                     std::to_string(own_bytes) + " bytes for results; the largest buffers:";
  for (size_t i = 0; i < std::min<size_t>(largest.size(), 5); ++i) {
    const char* maker = largest[i]->maker < 0 ? "an operand" : graph.nodes[largest[i]->maker].op.name;
    text += (i == 0 ? " " : ", ") + std::to_string(largest[i]->bytes) + " bytes (" + maker + ")";
  }
  return text;
}

}  // namespace keras::native
