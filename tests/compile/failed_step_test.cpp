// SPDX-License-Identifier: Apache-2.0
// What a program may do to variables: all that it assigns is stored after its last op, or nothing is; values
// that somebody holds never change.
#include <gtest/gtest.h>

#include <string>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/compile/function.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/embedding.h"
#include "keras/nn/layers/global_pooling.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/nn/optimizers/adam.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/runtime/variable.h"

namespace keras {
namespace {

std::vector<float> values(const Tensor& t) { return t.to_vector<float>(); }

// A step of training on w, with what may fail in the end.
struct Step {
  Variable w{Tensor::from(std::vector<float>{1, 2, 3}), "w"};
  Variable count{Tensor(0.0f), "count", false};
  optimizers::Adam optimizer{0.1};

  Tensor update(const Tensor& x) {
    GradientTape tape;
    const Tensor loss = ops::sum(ops::square(w.value() * x));
    optimizer.apply({tape.gradient(loss, w)}, {w});
    count.assign_add(1.0);
    return loss;
  }
  std::vector<std::vector<float>> state() const {
    std::vector<std::vector<float>> out{values(w.value()), values(count.value())};
    for (const Variable& v : optimizer.variables()) out.push_back(v.value().to_vector<float>());
    return out;
  }
};

TEST(FailedStep, AnIndexOutOfRangeLeavesTheVariables) {
  Step step;
  const Tensor rows = ops::ones({3, 2});
  const auto f = function([&](const Tensor& x, const Tensor& index) {
    const Tensor loss = step.update(x);
    // Later in the program, and needed by it.
    return loss + ops::sum(ops::take(rows * step.w.value()[Index(0)], index, 0));
  });
  const Tensor x = ops::ones({3});
  f(x, Tensor::from(std::vector<int32_t>{0, 2}));
  const auto before = step.state();
  const Tensor held = step.w.value();
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(f(x, Tensor::from(std::vector<int32_t>{0, 7})), ValueError);
    EXPECT_EQ(step.state(), before);
  }
  f(x, Tensor::from(std::vector<int32_t>{1, 1}));
  EXPECT_NE(step.state(), before);
  EXPECT_EQ(values(step.count.value()), (std::vector<float>{2}));
  EXPECT_EQ(values(held), before[0]) << "a value that was read stays";
}

TEST(FailedStep, WithoutMemoryTheVariablesStay) {
  Step step;
  const auto f = function([&](const Tensor& x) {
    const Tensor loss = step.update(x);
    // 2^48 elements: more than an address space holds.
    const Tensor row = ops::exp(ops::broadcast_to(loss, {int64_t{1} << 24}));
    const Tensor table = ops::reshape(row, {-1, 1}) * ops::reshape(ops::sin(row), {1, -1});
    return ops::sum(ops::sort(table, 0)) + loss;
  });
  const Tensor x = ops::ones({3});
  step.update(x);
  const auto before = step.state();
  try {
    f(x);
    FAIL() << "no error";
  } catch (const BackendError& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("out of memory"), std::string::npos) << what;
    EXPECT_NE(what.find("1125899906842624 bytes (mul)"), std::string::npos)
        << "names the largest buffers: " << what;
  }
  EXPECT_EQ(step.state(), before);
  step.update(x);
  EXPECT_NE(step.state(), before);
}

TEST(FailedStep, AFitThatFailsLeavesTheModel) {
  Sequential model({Input({4}, {.dtype = "int32"}), layers::Embedding(5, 3), layers::GlobalAveragePooling1D(),
                    layers::Dense(1)});
  model.compile({.optimizer = "adam", .loss = "mse"});
  const Tensor good = Tensor::from(std::vector<int32_t>{0, 1, 2, 3, 4, 3, 2, 1}, {2, 4});
  const Tensor bad = Tensor::from(std::vector<int32_t>{0, 1, 2, 9, 4, 3, 2, 1}, {2, 4});
  const Tensor y = ops::ones({2, 1});
  model.fit(good, y, {.verbose = 0});
  std::vector<std::vector<float>> before;
  for (const Tensor& w : model.get_weights()) before.push_back(values(w));
  EXPECT_THROW(model.fit(bad, y, {.verbose = 0}), ValueError);
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(values(model.get_weights()[i]), before[i]) << i;
  model.fit(good, y, {.verbose = 0});
  EXPECT_NE(values(model.get_weights()[0]), before[0]);
}

TEST(Variables, APersistentTapeIsRightAfterAStep) {
  const auto gradients = [](Step& step, const Tensor& x) {
    GradientTape tape(true);
    const Tensor loss = ops::sum(ops::square(step.w.value() * x));
    const Tensor first = tape.gradient(loss, step.w);
    step.optimizer.apply({first}, {step.w});
    return std::vector<Tensor>{first, tape.gradient(loss, step.w)};
  };
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3});
  Step eager, traced;
  const auto f = function([&](const Tensor& t) { return gradients(traced, t); });
  for (int i = 0; i < 3; ++i) {
    for (const auto& both : {gradients(eager, x), f(x)}) EXPECT_EQ(values(both[0]), values(both[1])) << i;
    const auto a = values(eager.w.value()), b = values(traced.w.value());
    for (size_t k = 0; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-6) << i;
  }
}

TEST(Variables, ValuesThatWereReadNeverChange) {
  const Variable w(Tensor::from(std::vector<float>{1, 2}), "w");
  const auto f = function([&] {
    const Tensor before = w.value();
    w.assign(before * 2.0);
    return std::pair{before, w.value()};
  });
  std::vector<Tensor> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(w.value());
    const auto [before, after] = f();
    held.push_back(before);
    held.push_back(after);
  }
  float expected = 1;
  for (size_t i = 0; i < held.size(); i += 3, expected *= 2) {
    EXPECT_EQ(values(held[i]), (std::vector<float>{expected, 2 * expected})) << i;
    EXPECT_EQ(values(held[i + 1]), values(held[i])) << i;
    EXPECT_EQ(values(held[i + 2]), (std::vector<float>{2 * expected, 4 * expected})) << i;
  }
}

}  // namespace
}  // namespace keras
