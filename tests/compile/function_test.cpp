// SPDX-License-Identifier: Apache-2.0
#include "keras/compile/function.h"

#include <gtest/gtest.h>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/ops/core.h"
#include "keras/ops/logic.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "keras/runtime/variable.h"

namespace keras {
namespace {

Tensor vec(std::vector<float> values) { return Tensor::from(values); }
std::vector<float> values(const Tensor& t) { return t.to_vector<float>(); }

TEST(Function, IsTracedOncePerSignature) {
  int runs = 0;
  const auto f = function([&](const Tensor& x) {
    ++runs;
    return ops::exp(x) * 2.0 + 1.0;
  });
  const Tensor x = vec({0, 1});
  EXPECT_EQ(values(f(x)), values(ops::exp(x) * 2.0 + 1.0));
  EXPECT_EQ(values(f(vec({2, 3}))), values(ops::exp(vec({2, 3})) * 2.0 + 1.0));
  EXPECT_EQ(runs, 1);
  f(vec({1, 2, 3}));                           // another shape
  f(Tensor::from(std::vector<double>{1, 2}));  // another dtype
  EXPECT_EQ(f.traces(), 3);
  f(x);
  EXPECT_EQ(f.traces(), 3);
}

TEST(Function, NumbersAndStringsArePartOfTheSignature) {
  const auto f = function([](const Tensor& x, double factor, const std::string& way, bool twice) {
    Tensor y = way == "add" ? x + factor : x * factor;
    return twice ? y + y : y;
  });
  EXPECT_EQ(values(f(vec({1, 2}), 3.0, "add", false)), (std::vector<float>{4, 5}));
  EXPECT_EQ(values(f(vec({1, 2}), 3.0, "multiply", true)), (std::vector<float>{6, 12}));
  EXPECT_EQ(values(f(vec({1, 2}), 4.0, "add", false)), (std::vector<float>{5, 6}));
  EXPECT_EQ(f.traces(), 3);
}

TEST(Function, TakesAndGivesNestsVectorsAndTuples) {
  const auto f = function([](const Nest& in, const std::vector<Tensor>& more) {
    return std::tuple{in["a"].tensor() + more[0], std::vector<Tensor>{more[1], more[0]},
                      Nest::dict({{"b", in["b"][0].tensor() * 2.0}})};
  });
  const Nest in = Nest::dict({{"a", vec({1})}, {"b", Nest{vec({5}), vec({6})}}});
  const auto [sum, list, dict] = f(in, std::vector<Tensor>{vec({10}), vec({20})});
  EXPECT_EQ(values(sum), (std::vector<float>{11}));
  EXPECT_EQ(values(list[0]), (std::vector<float>{20}));
  EXPECT_EQ(values(dict["b"].tensor()), (std::vector<float>{10}));
}

TEST(Function, ReadsAndAssignsVariables) {
  const Variable v(vec({1, 2}), "v");
  const Variable total(vec({0, 0}), "total");
  const auto f = function([&](const Tensor& x) {
    v.assign_add(x);
    total.assign(total.value() + v.value());
    return v.value() * 10.0;
  });
  EXPECT_EQ(values(f(vec({1, 1}))), (std::vector<float>{20, 30}));
  EXPECT_EQ(values(f(vec({1, 1}))), (std::vector<float>{30, 40}));
  EXPECT_EQ(values(v.value()), (std::vector<float>{3, 4}));
  EXPECT_EQ(values(total.value()), (std::vector<float>{5, 7}));
  EXPECT_EQ(f.traces(), 1);
}

// A tensor that was read before a step keeps its values, although the step writes in place where it may.
TEST(Function, PublishedValuesStay) {
  const Variable v(vec({1, 2}), "v");
  const auto step = function([&] { v.assign(v.value() + 1.0); });
  step();
  const Tensor kept = v.value();
  step();
  EXPECT_EQ(values(kept), (std::vector<float>{2, 3}));
  EXPECT_EQ(values(v.value()), (std::vector<float>{3, 4}));
}

TEST(Function, WritesVariablesInProgramOrder) {
  const Variable v(vec({1}), "v");
  const auto f = function([&] {
    const Tensor before = v.value();
    v.assign(before + 1.0);
    const Tensor between = v.value();
    v.assign(between * 10.0);
    return std::vector<Tensor>{before, between, v.value()};
  });
  const auto out = f();
  EXPECT_EQ(values(out[0]), (std::vector<float>{1}));
  EXPECT_EQ(values(out[1]), (std::vector<float>{2}));
  EXPECT_EQ(values(out[2]), (std::vector<float>{20}));
  EXPECT_EQ(values(v.value()), (std::vector<float>{20}));
}

TEST(Function, FreezesTensorsFromOutside) {
  Tensor outside = vec({1, 2});
  const auto f = function([&](const Tensor& x) { return x + outside; });
  EXPECT_EQ(values(f(vec({0, 0}))), (std::vector<float>{1, 2}));
  outside = vec({5, 5});
  EXPECT_EQ(values(f(vec({0, 0}))), (std::vector<float>{1, 2}));
}

TEST(Function, TakesGradientsInside) {
  const Variable w(vec({2, 3}), "w");
  const auto f = function([&](const Tensor& x) {
    GradientTape tape;
    const Tensor loss = ops::sum(ops::square(w.value() * x));
    const Tensor g = tape.gradient(loss, w);
    w.assign(w.value() - g * 0.5);
    return std::pair{loss, g};
  });
  const auto [loss, g] = f(vec({1, 2}));
  EXPECT_EQ(values(loss), (std::vector<float>{40}));
  EXPECT_EQ(values(g), (std::vector<float>{4, 24}));
  EXPECT_EQ(values(w.value()), (std::vector<float>{0, -9}));
}

TEST(Function, ATapeOutsideSeesItsOps) {
  const Variable w(vec({2, 3}), "w");
  const auto f = function([&](const Tensor& x) { return ops::sum(w.value() * x * x); });
  f(vec({1, 2}));
  const Tensor x = vec({1, 2});
  GradientTape tape(true);
  tape.watch(x);
  const Tensor y = f(x);
  EXPECT_EQ(values(tape.gradient(y, x)), (std::vector<float>{4, 12}));
  EXPECT_EQ(values(tape.gradient(y, w)), (std::vector<float>{1, 4}));
  EXPECT_EQ(f.traces(), 1);
}

TEST(Function, NestsInline) {
  const auto inner = function([](const Tensor& x) { return x * 2.0; });
  const auto outer = function([&](const Tensor& x) { return inner(x) + inner(x + 1.0); });
  EXPECT_EQ(values(outer(vec({1}))), (std::vector<float>{6}));
  EXPECT_EQ(inner.traces(), 0);
}

TEST(Function, DrawsNewNumbersAtEveryCall) {
  const random::SeedGenerator traced(7);
  const random::SeedGenerator eager(7);
  const auto f = function([&] { return random::uniform({4}, 0, 1, {}, traced); });
  for (int i = 0; i < 3; ++i) EXPECT_EQ(values(f()), values(random::uniform({4}, 0, 1, {}, eager)));
}

TEST(Function, OpenDimensionsShareATrace) {
  const auto f = function([](const Tensor& x) { return ops::mean(x, 0) + ops::sum(ops::ones_like(x), 0); },
                          {.input_signature = {{{DType::float32, {Dim::unknown(), 2}}}}});
  EXPECT_EQ(values(f(ops::ones({3, 2}))), (std::vector<float>{4, 4}));
  EXPECT_EQ(values(f(ops::ones({5, 2}))), (std::vector<float>{6, 6}));
  EXPECT_EQ(f.traces(), 1);
  EXPECT_THROW(f(ops::ones({5, 3})), ValueError);
}

TEST(Function, ReducesRetracing) {
  const auto f = function([](const Tensor& x) { return ops::sum(x * 2.0, 0); }, {.reduce_retracing = true});
  for (int n = 1; n < 6; ++n) EXPECT_EQ(values(f(ops::ones({n, 2}))), (std::vector<float>{2.f * n, 2.f * n}));
  EXPECT_EQ(f.traces(), 2);
}

TEST(Function, WarnsOnceWhenEveryCallIsTraced) {
  const auto f = function([](const Tensor& x) { return x + 1.0; }, {.name = "growing"});
  testing::internal::CaptureStderr();
  for (int n = 1; n < 9; ++n) f(ops::ones({n}));
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("'growing'"), std::string::npos) << said;
  EXPECT_EQ(said.find("'growing'"), said.rfind("'growing'")) << said;
}

TEST(Function, MasksTravelThroughIt) {
  const auto f = function([](const Tensor& x) {
    const Tensor y = x * 2.0;
    y.set_mask(ops::logical_not(x.mask()));
    return y;
  });
  const Tensor x = vec({1, 2});
  x.set_mask(Tensor::from(std::vector<bool>{true, false}, {2}));
  EXPECT_EQ(f(x).mask().to_vector<bool>(), (std::vector<bool>{false, true}));
}

TEST(Function, PrintsItsProgram) {
  const auto f = function([](const Tensor& x) { return ops::exp(x); });
  f(vec({1}));
  EXPECT_NE(f.to_string().find("exp("), std::string::npos) << f.to_string();
  EXPECT_NE(f.to_dot().find("digraph"), std::string::npos);
}

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(FunctionErrors, ReadingATracedValueNamesTheOps) {
  const auto f = function([](const Tensor& x) { return x.item<float>() > 0 ? x : -x; });
  EXPECT_NE(message_of([&] { f(vec({1})); }).find("ops::cond"), std::string::npos);
}

TEST(FunctionErrors, AValueThatLeftItsTraceSaysSo) {
  Tensor leaked;
  const auto f = function([&](const Tensor& x) {
    leaked = x * 2.0;
    return x;
  });
  f(vec({1}));
  EXPECT_THROW(leaked + 1.0, TypeError);
  const auto g = function([&](const Tensor& x) { return x + leaked; });
  EXPECT_NE(message_of([&] { g(vec({1})); }).find("has ended"), std::string::npos);
}

TEST(FunctionErrors, VariablesAreMadeInTheFirstTraceOnly) {
  std::vector<Variable> made;
  const auto once = function([&](const Tensor& x) {
    if (made.empty()) made.emplace_back(ops::zeros({3}) + 1.0, "inside");
    return x + ops::sum(made[0].value());
  });
  EXPECT_EQ(values(once(vec({1}))), (std::vector<float>{4}));
  EXPECT_EQ(values(once(vec({1, 2}))), (std::vector<float>{4, 5}));
  EXPECT_EQ(values(made[0].value()), (std::vector<float>{1, 1, 1}));
  const auto always = function([&](const Tensor& x) { return x + Variable(ops::ones({}), "v").value(); });
  always(vec({1}));
  EXPECT_NE(message_of([&] { always(vec({1, 2})); }).find("later trace"), std::string::npos);
  const auto dependent = function([&](const Tensor& x) { return Variable(x * 2.0, "v").value(); });
  EXPECT_THROW(dependent(vec({1})), ValueError);
}

}  // namespace
}  // namespace keras
