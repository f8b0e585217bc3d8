// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/control_flow.h"

#include <gtest/gtest.h>

#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/compile/function.h"
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

void expect_near(const Tensor& a, const Tensor& b, const char* what) {
  ASSERT_EQ(a.shape(), b.shape()) << what;
  const auto x = values(a);
  const auto y = values(b);
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(x[i], y[i], 1e-5 * (1 + std::abs(y[i]))) << what << " " << i;
}

// The same function, traced and eager, with its gradient by x and by w.
void expect_same(const char* what, const std::vector<Tensor>& inputs, const Tensor& weight,
                 const std::function<Tensor(const Tensor&, const Tensor&)>& f) {
  const Variable w(weight, "w");
  const auto whole = [&](const Tensor& x) {
    GradientTape tape;
    tape.watch(x);
    const Tensor y = f(x, w.value());
    const Nest g = tape.gradient(Nest(ops::sum(y * y)), Nest{x, w.value()});
    return std::tuple{y, !g[0].tensor().defined() ? ops::zeros_like(x) : g[0].tensor(),
                      !g[1].tensor().defined() ? ops::zeros_like(w.value()) : g[1].tensor()};
  };
  const auto traced = function(whole);
  for (const Tensor& x : inputs) {
    const auto [y, dx, dw] = whole(x);
    const auto [ty, tdx, tdw] = traced(x);
    expect_near(ty, y, what);
    expect_near(tdx, dx, what);
    expect_near(tdw, dw, what);
  }
  EXPECT_EQ(traced.traces(), 1) << what;
}

TEST(TracedControlFlow, CondTakesOneBranch) {
  expect_same("cond", {vec({1, 2}), vec({-1, -2})}, vec({3, 4}), [](const Tensor& x, const Tensor& w) {
    return ops::cond(
               ops::sum(x) > 0.0, [&] { return Nest(ops::sin(x) * w); }, [&] { return Nest(x * x + w); })
        .tensor();
  });
}

TEST(TracedControlFlow, SwitchTakesOneOfMany) {
  expect_same("switch", {vec({0, 1}), vec({1, 1}), vec({2, 1}), vec({9, 1})}, vec({3, 4}),
              [](const Tensor& x, const Tensor& w) {
                return ops::switch_(ops::cast(x[0], DType::int32),
                                    {[&](const Nest& a) { return Nest(a.tensor() * w); },
                                     [](const Nest& a) { return Nest(ops::exp(a.tensor())); },
                                     [&](const Nest& a) { return Nest(a.tensor() - w * w); }},
                                    x)
                    .tensor();
              });
}

TEST(TracedControlFlow, WhileRunsAsLongAsTheDataSay) {
  expect_same("while", {vec({1, 1.5}), vec({0.1f, 0.2f}), vec({100, 3})}, vec({1.5f, 2}),
              [](const Tensor& x, const Tensor& w) {
                return ops::while_loop([](const Nest& s) { return ops::sum(s.tensor()) < 20.0; },
                                       [&](const Nest& s) { return Nest(s.tensor() * w + 0.5); }, x)
                    .tensor();
              });
}

TEST(TracedControlFlow, ABoundedWhileStopsAtItsBound) {
  expect_same("bounded while", {vec({1, 1.5}), vec({0.001f, 0.002f}), vec({100, 3})}, vec({1.5f, 2}),
              [](const Tensor& x, const Tensor& w) {
                return ops::while_loop([](const Nest& s) { return ops::sum(s.tensor()) < 20.0; },
                                       [&](const Nest& s) { return Nest(ops::sin(s.tensor()) * w + 1.0); }, x,
                                       4)
                    .tensor();
              });
}

TEST(TracedControlFlow, ForiCountsUp) {
  expect_same("fori", {vec({1, 1.5}), vec({0.1f, 0.2f})}, vec({1.5f, 2}),
              [](const Tensor& x, const Tensor& w) {
                return ops::fori_loop(
                           0, 5,
                           [&](const Tensor& i, const Nest& s) {
                             return Nest(ops::tanh(s.tensor() * w) + ops::cast(i, DType::float32));
                           },
                           x)
                    .tensor();
              });
}

TEST(TracedControlFlow, ScanCarriesAndStacks) {
  for (const bool reverse : {false, true}) {
    expect_same("scan", {ops::reshape(ops::arange(6, {}, {}, DType::float32), {3, 2}) * 0.3},
                vec({0.5f, 0.7f}), [&](const Tensor& x, const Tensor& w) {
                  const auto [last, all] = ops::scan(
                      [&](const Nest& c, const Nest& row) {
                        const Tensor h = ops::tanh(c.tensor() * w + row.tensor());
                        return std::pair<Nest, Nest>{h, h * row.tensor()};
                      },
                      ops::zeros({2}), x, {}, reverse);
                  return ops::concatenate({all.tensor(), ops::expand_dims(last.tensor(), 0)}, 0);
                });
  }
}

TEST(TracedControlFlow, MapsAndPrefixes) {
  const Tensor x = ops::reshape(ops::arange(10, {}, {}, DType::float32), {5, 2}) * 0.1;
  expect_same("map", {x}, vec({0.5f, 0.7f}), [](const Tensor& xs, const Tensor& w) {
    return ops::map([&](const Nest& r) { return Nest(ops::exp(r.tensor()) * w); }, xs).tensor();
  });
  expect_same("vectorized_map", {x}, vec({0.5f, 0.7f}), [](const Tensor& xs, const Tensor& w) {
    return ops::vectorized_map([&](const Nest& r) { return Nest(ops::sum(r.tensor() * w)); }, xs).tensor();
  });
  expect_same("associative_scan", {x}, vec({0.5f, 0.7f}), [](const Tensor& xs, const Tensor& w) {
    return ops::associative_scan([](const Nest& a, const Nest& b) { return Nest(a.tensor() * b.tensor()); },
                                 xs + w)
        .tensor();
  });
}

TEST(TracedControlFlow, LoopsNest) {
  expect_same(
      "nested", {vec({1, 1.5}), vec({0.1f, 0.2f})}, vec({0.5f, 0.6f}), [](const Tensor& x, const Tensor& w) {
        const auto step = [&](const Nest& c, const Nest&) {
          const Tensor inner = ops::fori_loop(
                                   0, 3,
                                   [&](const Tensor&, const Nest& s) {
                                     return ops::cond(
                                         ops::sum(s.tensor()) > 2.0, [&] { return Nest(s.tensor() * w); },
                                         [&] { return Nest(s.tensor() + w); });
                                   },
                                   c)
                                   .tensor();
          return std::pair<Nest, Nest>{inner, inner};
        };
        return ops::scan(step, x, {}, 4).second.tensor();
      });
}

TEST(TracedControlFlow, SecondDerivatives) {
  const auto f = [](const Tensor& x) {
    GradientTape outer;
    outer.watch(x);
    Tensor g;
    {
      GradientTape inner;
      inner.watch(x);
      const Tensor y = ops::scan(
                           [&](const Nest& c, const Nest&) {
                             const Tensor h = ops::sin(c.tensor()) * x;
                             return std::pair<Nest, Nest>{h, Nest()};
                           },
                           x, {}, 3)
                           .first.tensor();
      g = inner.gradient(ops::sum(y), x);
    }
    return outer.gradient(ops::sum(g), x);
  };
  const Tensor x = vec({0.7f, 1.3f});
  expect_near(function(f)(x), f(x), "second derivative");
}

TEST(TracedControlFlow, VariablesAreStateInsideLoopsAndBranches) {
  const Variable count(Tensor(0.0), DType::float32, "count", false);
  const Variable total(vec({0, 0}), "total");
  const auto f = function([&](const Tensor& x) {
    ops::cond(
        ops::sum(x) > 0.0,
        [&] {
          total.assign_add(x);
          return Nest();
        },
        [&] {
          count.assign_add(Tensor(100.0));
          return Nest();
        });
    return ops::while_loop([](const Nest& s) { return s.tensor() < 5.0; },
                           [&](const Nest& s) {
                             count.assign_add(Tensor(1.0));
                             return Nest(s.tensor() + 1.0);
                           },
                           ops::sum(x))
        .tensor();
  });
  f(vec({1, 1}));
  EXPECT_EQ(count.value().item<float>(), 3);
  EXPECT_EQ(values(total.value()), (std::vector<float>{1, 1}));
  f(vec({-1, -1}));
  EXPECT_EQ(count.value().item<float>(), 110);
  EXPECT_EQ(values(total.value()), (std::vector<float>{1, 1}));
  EXPECT_EQ(f.traces(), 1);
}

TEST(TracedControlFlow, DrawsInsideScanCarryTheSeed) {
  const random::SeedGenerator traced(3);
  const random::SeedGenerator eager(3);
  const auto draws = [](const random::SeedGenerator& seeds) {
    return ops::scan(
               [&](const Nest& c, const Nest&) {
                 return std::pair<Nest, Nest>{c, random::uniform({2}, 0, 1, {}, seeds)};
               },
               ops::zeros({}), {}, 4)
        .second.tensor();
  };
  const auto f = function([&] { return draws(traced); });
  for (int i = 0; i < 2; ++i) EXPECT_EQ(values(f()), values(draws(eager)));
}

// A gradient that is not that of the ops holds everywhere: in a program, in its loops, and under a tape
// outside.
TEST(TracedControlFlow, CustomGradientsHoldInPrograms) {
  const auto odd = custom_gradient([](const std::vector<Tensor>& in) {
    const Tensor e = ops::exp(in[0]);
    return std::pair<Tensor, CustomGradient>{e * in[1], [e, b = in[1]](const Tensor& up) {
                                               return std::vector<Tensor>{up * e * 100.0, up * b * 7.0};
                                             }};
  });
  expect_same("custom", {vec({0.1f, 0.2f})}, vec({3, 4}), [&](const Tensor& x, const Tensor& w) {
    return odd({x, w}) * w;
  });
  expect_same("custom in scan", {vec({0.1f, 0.2f})}, vec({0.3f, 0.4f}),
              [&](const Tensor& x, const Tensor& w) {
                return ops::scan(
                           [&](const Nest& c, const Nest&) {
                             const Tensor h = odd({c.tensor() * 0.1, w});
                             return std::pair<Nest, Nest>{h, h};
                           },
                           x, {}, 3)
                    .second.tensor();
              });
  const auto f = function([&](const Tensor& x, const Tensor& w) { return odd({x, w}); });
  const Tensor x = vec({0.1f, 0.2f});
  const Tensor w = vec({3, 4});
  f(x, w);
  GradientTape tape(true);
  tape.watch(x);
  tape.watch(w);
  const Tensor y = f(x, w);
  expect_near(tape.gradient(y, x), ops::exp(x) * 100.0, "x");
  expect_near(tape.gradient(y, w), w * 7.0, "w");
}

TEST(TracedControlFlow, AConcreteConditionIsDecidedAtOnce) {
  const auto f = function([](const Tensor& x) {
    return ops::cond(
               Tensor(true), [&] { return Nest(x + 1.0); }, [&] { return Nest(x); })
        .tensor();
  });
  f(vec({1}));
  EXPECT_EQ(f.to_string().find("cond"), std::string::npos);
}

TEST(TracedControlFlow, WrongLoopsSayWhatIsWrong) {
  const Tensor x = vec({1, 2});
  const auto grows = function([](const Tensor& a) {
    return ops::while_loop([](const Nest& s) { return ops::sum(s.tensor()) < 9.0; },
                           [](const Nest& s) {
                             return Nest(ops::concatenate({s.tensor(), s.tensor()}, 0));
                           },
                           a)
        .tensor();
  });
  EXPECT_THROW(grows(x), ValueError);
  const auto differ = function([](const Tensor& a) {
    return ops::cond(
               ops::sum(a) > 0.0, [&] { return Nest(a); }, [&] { return Nest(ops::sum(a)); })
        .tensor();
  });
  EXPECT_THROW(differ(x), ValueError);
  const auto wide = function([](const Tensor& a) {
    return ops::cond(
               a > 0.0, [&] { return Nest(a); }, [&] { return Nest(-a); })
        .tensor();
  });
  EXPECT_THROW(wide(x), ValueError);
}

}  // namespace
}  // namespace keras
