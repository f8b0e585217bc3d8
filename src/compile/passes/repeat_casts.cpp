// SPDX-License-Identifier: Apache-2.0
// casts: a conversion to a wider type, read early and again much later (an activation in half precision that
// its gradient reads as float32), is made again for the late reader: until then the narrow operand is kept
// alone, at half the memory.
#include <map>

#include "compile/passes/list.h"
#include "compile/rewriter.h"

namespace keras::internal {

namespace {

using Value = Graph::Value;

// Nodes between two readers from which on keeping the wide result costs more than making it again.
constexpr int kFar = 16;

class Repeater {
 public:
  explicit Repeater(Graph& graph) : rewriter_(graph) {}

  void run() {
    for (; Graph::Node* node = rewriter_.next(); ++position_) {
      for (Value& operand : node->inputs) repeat(operand);
      if (node->op == OpId::cast_op) last_read_.emplace(node->outputs[0], position_);
      rewriter_.keep();
    }
    rewriter_.finish();
  }

 private:
  void repeat(Value& operand) {
    const auto repeated = stands_now_.find(operand);
    const Value origin = operand;
    Value now = repeated == stands_now_.end() ? origin : repeated->second;
    const auto last = last_read_.find(now);
    if (last == last_read_.end()) return;
    if (position_ - last->second > kFar && widens(now)) {
      const Graph::Node cast = *rewriter_.maker(now);
      now = rewriter_.add(cast.op, cast.attributes.data(), cast.inputs);
      stands_now_[origin] = now;
    }
    last_read_[now] = position_;
    if (now != origin) rewriter_.reroute(operand, now);
  }

  bool widens(Value v) const {
    const Graph::Node* cast = rewriter_.maker(v);
    return cast != nullptr && !rewriter_.type(v).shape.empty() &&
           dtype_size(rewriter_.type(cast->inputs[0]).dtype) < dtype_size(rewriter_.type(v).dtype);
  }

  Rewriter rewriter_;
  int position_ = 0;
  std::map<Value, int> last_read_;     // of the results of conversions
  std::map<Value, Value> stands_now_;  // the newest conversion for what the first one made
};

}  // namespace

void repeat_casts(Graph& graph, const PassContext&) { Repeater(graph).run(); }

}  // namespace keras::internal
