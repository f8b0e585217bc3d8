// SPDX-License-Identifier: Apache-2.0
// A compiled graph is a function of TensorFlow's, its loops and branches are StatelessWhile and StatelessIf.
#include "graph.h"

#include <string>

namespace keras::tensorflow {

Program::Program(const keras_graph& graph)
    : num_inputs_(static_cast<size_t>(graph.num_inputs)),
      num_values_(static_cast<size_t>(graph.num_values)),
      outputs_(graph.outputs, graph.outputs + graph.num_outputs) {
  for (int n = 0; n < graph.num_nodes; ++n) {
    const keras_node& node = graph.nodes[n];
    keras_op op = node.op;
    op.wants_residuals = node.num_residuals > 0 ? 1 : 0;
    Step step;
    std::string reason;
    step.kernel = make_kernel(op, reason);
    if (step.kernel == nullptr) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(op.name) + " does not run here: " + reason);
    }
    if (step.kernel->residuals != node.num_residuals) {
      throw Failure(KERAS_ERROR_UNSUPPORTED, std::string(op.name) + " was traced with other residuals");
    }
    step.inputs.assign(node.inputs, node.inputs + op.num_inputs);
    step.outputs.assign(node.outputs, node.outputs + op.num_outputs + node.num_residuals);
    steps_.push_back(std::move(step));
  }
}

void Program::require_memory() const {
  for (const Step& step : steps_) {
    for (const TypedSizes& r : step.kernel->results) {
      tensorflow::require_memory(step.kernel->name.c_str(), r.type, r.sizes);
    }
  }
}

Values Program::write(Builder& b, const Values& operands) const {
  Values values = operands;
  if (values.size() != num_inputs_) {
    throw Failure(KERAS_ERROR_INTERNAL, "the graph was compiled for other operands");
  }
  values.resize(num_values_);
  for (const Step& step : steps_) {
    Values in;
    for (const int32_t v : step.inputs) in.push_back(values[static_cast<size_t>(v)]);
    b.at(step.kernel->name);
    const Values results = step.kernel->write(b, in);
    for (size_t i = 0; i < step.outputs.size(); ++i)
      values[static_cast<size_t>(step.outputs[i])] = results[i];
  }
  Values out;
  for (const int32_t v : outputs_) out.push_back(values[static_cast<size_t>(v)]);
  return out;
}

namespace {

using Region = std::shared_ptr<const Program>;

Region region(const Call& call, int i) { return std::make_shared<const Program>(*call.op().regions[i]); }

Values joined(Values head, const Values& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}
Values part(const Values& values, size_t first, size_t last) {
  return {values.begin() + static_cast<std::ptrdiff_t>(first),
          values.begin() + static_cast<std::ptrdiff_t>(last)};
}
Value integer(Builder& b, int64_t value) { return b.constant(TF_INT64, {}, &value); }

// Runs in sight of the whole function, without a call of its own.
constexpr Attribute inlined() { return {"_lower_using_switch_merge", true}; }

// State, then values that every step sees; `test` and `step` get both and give back a bool, the next state.
template <class Test, class Step>
Values repeat(Builder& b, const Values& state, const Values& seen, const Test& test, const Step& step) {
  const size_t carried = state.size();
  const Values all = joined(state, seen);
  const FunctionName condition =
      b.function(all, [&](Builder& inner, const Values& in) { return Values{test(inner, in)}; });
  const FunctionName body = b.function(all, [&](Builder& inner, const Values& in) {
    return joined(step(inner, in), part(in, carried, in.size()));
  });
  Values results = b.many("StatelessWhile", static_cast<int>(all.size()), {all},
                          {{"cond", condition}, {"body", body}, inlined()});
  results.resize(carried);
  return results;
}

Answer lacks_regions() { return Answer::no("control flow runs inside compiled graphs"); }

Answer call_region(const Call& call) {
  if (call.op().num_regions < 1) return lacks_regions();
  return [body = region(call, 0)](Builder& b, const Values& in) { return body->write(b, in); };
}

Answer cond(const Call& call) {
  if (call.op().num_regions < 2) return lacks_regions();
  std::vector<TF_DataType> types;
  for (int i = 0; i < call.op().num_outputs; ++i) types.push_back(tf_type(call.output(i).dtype));
  return [yes = region(call, 0), no = region(call, 1), types](Builder& b, const Values& in) {
    const Values operands = part(in, 1, in.size());
    const auto branch = [&](const Region& body) {
      return b.function(operands, [&](Builder& inner, const Values& v) { return body->write(inner, v); });
    };
    return b.many("StatelessIf", static_cast<int>(types.size()), {in[0], operands},
                  {{"then_branch", branch(yes)}, {"else_branch", branch(no)}, {"Tout", types}, inlined()});
  };
}

Answer while_loop(const Call& call) {
  if (call.op().num_regions < 2) return lacks_regions();
  const auto& at = call.attributes<WhileAttributes>();
  return [test = region(call, 0), body = region(call, 1), carries = static_cast<size_t>(at.carries),
          limit = at.maximum_iterations](Builder& b, const Values& in) {
    const Values seen = part(in, carries, in.size());
    const Values state = joined({integer(b, 0)}, part(in, 0, carries));
    Values results = repeat(
        b, state, seen,
        [&](Builder& inner, const Values& v) {
          const Value more = test->write(inner, part(v, 1, v.size()))[0];
          if (limit < 0) return more;
          return inner.op("LogicalAnd", {more, inner.op("Less", {v[0], integer(inner, limit)})});
        },
        [&](Builder& inner, const Values& v) {
          return joined({inner.add(v[0], integer(inner, 1))}, body->write(inner, part(v, 1, v.size())));
        });
    results.erase(results.begin());
    return results;
  };
}

// Rows of the results are collected in tensor lists.
Answer scan(const Call& call) {
  if (call.op().num_regions < 1) return lacks_regions();
  const auto& at = call.attributes<ScanAttributes>();
  const auto carries = static_cast<size_t>(at.carries);
  const auto inputs = static_cast<size_t>(at.inputs);
  const int64_t length = at.length >= 0 ? at.length : call.input(static_cast<int>(at.carries)).shape[0];
  if (length == 0) return Answer::no("a scan without steps has no rows to stack");
  std::vector<keras_desc> rows(call.op().outputs + carries, call.op().outputs + call.op().num_outputs);
  return [body = region(call, 0), carries, inputs, length, rows, reverse = at.reverse != 0](
             Builder& b, const Values& in) {
    const auto row_sizes = [](const keras_desc& d) { return Sizes(d.shape + 1, d.shape + d.rank); };
    Values state = joined({integer(b, 0)}, part(in, 0, carries));
    for (const keras_desc& row : rows) {
      const auto count = static_cast<int32_t>(length);
      state.push_back(b.op("TensorListReserve",
                           {b.integers(row_sizes(row)), b.constant(TF_INT32, {}, &count)},
                           {{"element_dtype", tf_type(row.dtype)}}));
    }
    Values results = repeat(
        b, state, part(in, carries, in.size()),
        [&](Builder& inner, const Values& v) {
          return inner.op("Less", {v[0], integer(inner, length)});
        },
        [&](Builder& inner, const Values& v) {
          const Value i = reverse ? inner.sub(integer(inner, length - 1), v[0]) : v[0];
          const size_t first = 1 + carries + rows.size();  // of the sequences
          Values operands = part(v, 1, 1 + carries);
          for (size_t s = first; s < first + inputs; ++s) {
            operands.push_back(inner.op("GatherV2", {v[s], i, integer(inner, 0)}));
          }
          const Values made = body->write(inner, joined(operands, part(v, first + inputs, v.size())));
          Values next = joined({inner.add(v[0], integer(inner, 1))}, part(made, 0, carries));
          const Value place = inner.cast(i, TF_INT32);
          for (size_t r = 0; r < rows.size(); ++r) {
            next.push_back(inner.op("TensorListSetItem", {v[1 + carries + r], place, made[carries + r]}));
          }
          return next;
        });
    Values out = part(results, 1, 1 + carries);
    for (size_t r = 0; r < rows.size(); ++r) {
      const Sizes sizes = row_sizes(rows[r]);
      std::vector<int32_t> narrow(sizes.begin(), sizes.end());
      const Value shape = b.constant(TF_INT32, {static_cast<int64_t>(narrow.size())}, narrow.data());
      out.push_back(b.op("TensorListStack", {results[1 + carries + r], shape},
                         {{"element_dtype", tf_type(rows[r].dtype)}, {"num_elements", length}}));
    }
    return out;
  };
}

Answer fusion(const Call& call) {
  if (call.op().num_regions < 1) return lacks_regions();
  return Answer::no("TensorFlow fuses the ops of a function by itself");
}

const bool registered = register_op("call", call_region) && register_op("custom_vjp", call_region) &&
                        register_op("cond", cond) && register_op("while", while_loop) &&
                        register_op("scan", scan) && register_op("fusion", fusion);

}  // namespace
}  // namespace keras::tensorflow

keras_executable::keras_executable(const keras_graph& graph) : program_(graph), results_(graph.num_outputs) {
  using namespace keras::tensorflow;
  Tracer tracer;
  Values arguments;
  for (int i = 0; i < graph.num_inputs; ++i) {
    const Sizes sizes = sizes_of(graph.values[i]);
    arguments.push_back(tracer.argument(tf_type(graph.values[i].dtype), &sizes));
  }
  try {
    functions_ = tracer.finish(program_.write(tracer, arguments));
  } catch (const Failure& failure) {
    throw Failure(KERAS_ERROR_UNSUPPORTED, failure.what());
  }
}

keras::tensorflow::Values keras_executable::run(const keras::tensorflow::Values& operands) const {
  using namespace keras::tensorflow;
  program_.require_memory();
  std::vector<Operand> given(operands.begin(), operands.end());
  return eager().many(functions_.back()->name().c_str(), results_, given);
}
