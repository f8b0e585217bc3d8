// SPDX-License-Identifier: Apache-2.0
// Optimizers, losses and metrics inside function() against the same ones run eagerly, for every golden case:
// all classes, with clipping, averages of weights, accumulation, decay, loss scales, sample weights and
// masks.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "golden/golden_file.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/compile/function.h"
#include "keras/nn/loss.h"
#include "keras/nn/metric.h"
#include "keras/nn/optimizer.h"
#include "keras/nn/register.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "nn/close.h"

namespace keras {
namespace {

// A compiled program may add in another order than op by op; halves are rounded after every op, and a fused
// op is one.
Tolerance tolerance_of(DType dtype) {
  if (dtype == DType::float16) return {4e-3, 4e-3};
  if (dtype == DType::bfloat16) return {3e-2, 3e-2};
  return {1e-5, 1e-6};
}

// Every class of a category has a case, but for those named.
void expect_all_seen(ObjectCategory category, const std::set<std::string>& seen,
                     const std::set<std::string>& without) {
  for (const auto& entry : registered_objects(category)) {
    if (!entry->package.empty()) continue;
    EXPECT_NE(seen.contains(entry->class_name), without.contains(entry->class_name)) << entry->class_name;
  }
}

Tensor optional_array(const GoldenFile& golden, const Json& key) {
  return key.is_null() ? Tensor() : golden.array(key);
}

struct Trajectory {
  std::vector<std::vector<Tensor>> weights;  // after each step
  std::vector<std::string> paths;
  std::vector<Tensor> states;
  std::vector<Tensor> finalized;
};

Trajectory steps_of(const GoldenFile& golden, const Json& c, bool traced) {
  const auto optimizer =
      make_object<Optimizer>(ObjectCategory::optimizer, c["class_name"].as_string(), c["config"], "test");
  std::vector<Variable> variables;
  for (size_t i = 0; i < c["initial"].size(); ++i) {
    variables.emplace_back(golden.array(c["initial"][i]), c["trainable_names"][i].as_string());
    variables.back().slot().path = c["trainable_names"][i].as_string();
  }
  if (const Json& excluded = c["exclude_from_weight_decay"]; excluded.is_dict()) {
    std::vector<std::string> names;
    for (const Json& name : excluded["var_names"].as_list()) names.push_back(name.as_string());
    optimizer->exclude_from_weight_decay(names);
  }
  const auto step =
      function([&](const std::vector<Tensor>& gradients) { optimizer->apply(gradients, variables); },
               {.name = "step"});
  Trajectory out;
  const auto note = [&](std::vector<Tensor>& into) {
    for (const Variable& v : variables) into.push_back(v.value());
  };
  for (const Json& keys : c["gradients"].as_list()) {
    std::vector<Tensor> gradients;
    for (const Json& key : keys.as_list()) gradients.push_back(golden.array(key));
    if (traced) {
      step(gradients);
    } else {
      optimizer->apply(gradients, variables);
    }
    note(out.weights.emplace_back());
  }
  for (const Variable& v : optimizer->variables()) {
    out.paths.push_back(v.path());
    out.states.push_back(v.value());
  }
  optimizer->finalize_variable_values(variables);
  note(out.finalized);
  if (traced) {
    EXPECT_EQ(step.traces(), 1);
  }
  return out;
}

TEST(TracedOptimizers, StepAsEagerOnes) {
  std::set<std::string> seen;
  for (const char* family : {"optimizers", "optimizers_adam", "optimizers_factored", "optimizers_options"}) {
    const GoldenFile golden(family);
    for (const Json& c : golden.cases()) {
      SCOPED_TRACE(std::string(family) + ", " + c["name"].as_string() + ": " + c["config"].dump());
      seen.insert(c["class_name"].as_string());
      const Trajectory eager = steps_of(golden, c, false), traced = steps_of(golden, c, true);
      ASSERT_EQ(traced.weights.size(), eager.weights.size());
      for (size_t k = 0; k < eager.weights.size(); ++k) {
        for (size_t i = 0; i < eager.weights[k].size(); ++i) {
          const Tensor& wanted = eager.weights[k][i];
          EXPECT_TRUE(close(traced.weights[k][i], wanted, tolerance_of(wanted.dtype())))
              << "weight " << i << " after step " << k;
        }
      }
      ASSERT_EQ(traced.paths, eager.paths);
      for (size_t i = 0; i < eager.states.size(); ++i) {
        EXPECT_TRUE(close(traced.states[i], eager.states[i], tolerance_of(eager.states[i].dtype())))
            << eager.paths[i];
      }
      for (size_t i = 0; i < eager.finalized.size(); ++i) {
        EXPECT_TRUE(close(traced.finalized[i], eager.finalized[i], tolerance_of(eager.finalized[i].dtype())))
            << "finalized " << i;
      }
    }
  }
  expect_all_seen(ObjectCategory::optimizer, seen, {});
}

TEST(TracedLosses, GiveWhatEagerOnesGive) {
  std::set<std::string> seen;
  for (const char* family : {"losses", "losses_options"}) {
    const GoldenFile golden(family);
    for (const Json& c : golden.cases()) {
      SCOPED_TRACE(std::string(family) + ": " + c["class_name"].as_string() + " " + c["config"].dump());
      seen.insert(c["class_name"].as_string());
      const auto loss =
          make_object<Loss>(ObjectCategory::loss, c["class_name"].as_string(), c["config"], "test");
      const Tensor mask = optional_array(golden, c["mask"]);
      const Tensor weight = optional_array(golden, c["sample_weight"]);
      const bool slope = !c["dy_pred"].is_null();
      const auto body = [&](const Tensor& y_true, const Tensor& given, const std::vector<Tensor>& others) {
        GradientTape tape;
        if (slope) tape.watch(given);
        Tensor y_pred = given;
        if (!c["activation"].is_null()) {
          y_pred = c["activation"].as_string() == "softmax" ? ops::softmax(given) : ops::sigmoid(given);
        }
        size_t next = weight.defined() ? 1 : 0;
        if (mask.defined()) {
          y_pred = y_pred * 1.0;
          y_pred.set_mask(others[next]);
        }
        const Tensor value = (*loss)(y_true, y_pred, weight.defined() ? others[0] : Tensor());
        std::vector<Tensor> out{value};
        if (slope) out.push_back(tape.gradient(ops::sum(value), given));
        return out;
      };
      std::vector<Tensor> others;
      if (weight.defined()) others.push_back(weight);
      if (mask.defined()) others.push_back(mask);
      const Tensor y_true = golden.array(c["y_true"]), y_pred = golden.array(c["y_pred"]);
      const auto eager = body(y_true, y_pred, others);
      const auto traced = function(body)(y_true, y_pred, others);
      ASSERT_EQ(traced.size(), eager.size());
      for (size_t i = 0; i < eager.size(); ++i) {
        EXPECT_EQ(traced[i].dtype(), eager[i].dtype());
        EXPECT_TRUE(close(traced[i], eager[i], tolerance_of(eager[i].dtype())))
            << (i == 0 ? "loss" : "slope");
      }
    }
  }
  expect_all_seen(ObjectCategory::loss, seen, {"CTC"});
}

TEST(TracedLosses, CTC) {
  const auto loss = make_object<Loss>(ObjectCategory::loss, "CTC", Json::dict(), "test");
  const Tensor labels = Tensor::from(std::vector<int32_t>{1, 2, 2, 3, 0, 0}, {2, 3});
  std::vector<float> values;
  for (int i = 0; i < 2 * 6 * 4; ++i) values.push_back(static_cast<float>(std::sin(0.9 * i)));
  const auto body = [&](const Tensor& y_true, const Tensor& logits) {
    GradientTape tape;
    tape.watch(logits);
    const Tensor value = (*loss)(y_true, logits);
    return std::vector<Tensor>{value, tape.gradient(value, logits)};
  };
  const Tensor logits = Tensor::from(values, {2, 6, 4});
  const auto eager = body(labels, logits), traced = function(body)(labels, logits);
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(close(traced[i], eager[i], tolerance_of(DType::float32))) << i;
}

std::vector<Tensor> updates_of(const GoldenFile& golden, const Json& c, bool traced) {
  const auto metric =
      make_object<Metric>(ObjectCategory::metric, c["class_name"].as_string(), c["config"], "test");
  bool weighted = false, masked = false, values = false;
  const auto step = [&](const std::vector<Tensor>& given) {
    size_t next = 0;
    const Tensor first = given[next++];
    Tensor y_pred = values ? Tensor() : given[next++];
    const Tensor weight = weighted ? given[next++] : Tensor();
    if (masked) {
      y_pred = y_pred * 1.0;
      y_pred.set_mask(given[next++]);
    }
    metric->update_state(first, y_pred, weight);
    return metric->result();
  };
  std::vector<Tensor> out;
  for (const Json& update : c["updates"].as_list()) {
    values = update.contains("values");
    const Tensor weight = optional_array(golden, update.get("sample_weight"));
    const Tensor mask = optional_array(golden, update.get("mask"));
    std::vector<Tensor> given{golden.array(values ? update["values"] : update["y_true"])};
    if (!values) given.push_back(golden.array(update["y_pred"]));
    if ((weighted = weight.defined())) given.push_back(weight);
    if ((masked = mask.defined())) given.push_back(mask);
    // A function of its own for each update: what an update brings decides what the body does.
    const Nest result = traced ? function(step)(given) : step(given);
    for (const Tensor& t : result.flatten()) out.push_back(t);
  }
  for (const Variable& v : metric->variables()) out.push_back(v.value());
  return out;
}

TEST(TracedMetrics, GiveWhatEagerOnesGive) {
  const GoldenFile golden("metrics");
  std::set<std::string> seen;
  for (const Json& c : golden.cases()) {
    SCOPED_TRACE(c["class_name"].as_string() + " " + c["config"].dump());
    seen.insert(c["class_name"].as_string());
    const auto eager = updates_of(golden, c, false), traced = updates_of(golden, c, true);
    ASSERT_EQ(traced.size(), eager.size());
    for (size_t i = 0; i < eager.size(); ++i) {
      EXPECT_EQ(traced[i].dtype(), eager[i].dtype());
      EXPECT_TRUE(close(traced[i], eager[i], tolerance_of(eager[i].dtype()))) << "value " << i;
    }
  }
  expect_all_seen(ObjectCategory::metric, seen, {});
}

}  // namespace
}  // namespace keras
