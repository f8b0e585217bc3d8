// SPDX-License-Identifier: Apache-2.0
#include "models/traced_steps.h"

#include "keras/models/model.h"
#include "runtime/trace.h"

namespace keras::internal {

namespace {

// A model's own trace goes by the graph that it has now: layers may be added between two calls.
ArgumentList arguments_of(const Model& model, const DataTriple& data) {
  ArgumentList list;
  list.add(data.x);
  list.add(data.y);
  list.add(data.sample_weight);
  list.add(reinterpret_cast<intptr_t>(model.graph().get()));
  return list;
}

DataTriple with_leaves(const DataTriple& data, std::span<const Tensor> leaves) {
  ArgumentReader reader(leaves);
  DataTriple out;
  out.x = reader.read(data.x);
  out.y = reader.read(data.y);
  out.sample_weight = reader.read(data.sample_weight);
  return out;
}

Nest nest_of(const Logs& logs) {
  std::vector<Nest::Item> items;
  for (const auto& [name, value] : logs) items.emplace_back(name, value.nest());
  return Nest::dict(std::move(items));
}

template <class Step>
Logs run_for_logs(FunctionCore& core, Model& model, const DataTriple& data, const Step& step) {
  ArgumentList list = arguments_of(model, data);
  const auto body = [&](std::span<const Tensor> leaves) {
    Nest given = nest_of(step(with_leaves(data, leaves)));
    // Losses that layers added are values of the trace, which ends here.
    if (inside_trace()) model.clear_losses();
    return given;
  };
  const Nest logs = core.call(list, std::ref(body));
  Logs out;
  for (const auto& [name, value] : logs.items()) out.set(name, value);
  return out;
}

}  // namespace

TracedSteps::TracedSteps()
    : train_({.name = "train_step"}), test_({.name = "test_step"}), predict_({.name = "predict_step"}) {}

Logs TracedSteps::train(Model& model, const DataTriple& data) {
  return run_for_logs(train_, model, data, [&](const DataTriple& batch) { return model.train_step(batch); });
}

Logs TracedSteps::test(Model& model, const DataTriple& data) {
  return run_for_logs(test_, model, data, [&](const DataTriple& batch) { return model.test_step(batch); });
}

Nest TracedSteps::predict(Model& model, const DataTriple& data) {
  ArgumentList list = arguments_of(model, data);
  const auto body = [&](std::span<const Tensor> leaves) {
    Nest outputs = model.predict_step(with_leaves(data, leaves));
    if (inside_trace()) model.clear_losses();
    return outputs;
  };
  return predict_.call(list, std::ref(body));
}

}  // namespace keras::internal
