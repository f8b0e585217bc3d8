// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "keras/base/error.h"
#include "keras/tensor/shape.h"

namespace keras {
namespace {

const Dim b = Dim::symbol("batch");
const Dim t = Dim::symbol("seq");

TEST(Dim, CountsWithNumbers) {
  EXPECT_EQ(Dim(7) + 3, Dim(10));
  EXPECT_EQ(Dim(7) - 3, Dim(4));
  EXPECT_EQ(Dim(7) * 3, Dim(21));
  EXPECT_EQ(Dim(7) / 3, Dim(2));
  EXPECT_THROW((void)(Dim(3) - 7), ValueError);
  EXPECT_THROW((void)(Dim(3) / 0), ValueError);
  EXPECT_THROW((void)(b / 0), ValueError);
  EXPECT_THROW((void)(Dim(INT64_MAX) + 1), ValueError);
  EXPECT_THROW((void)(Dim(INT64_MAX) * 2), ValueError);
  EXPECT_THROW((void)(b * INT64_MAX * 2), ValueError);
  EXPECT_THROW((void)Dim(-1), ValueError);
  EXPECT_THROW((void)b.value(), ValueError);
  EXPECT_EQ(b.value_or(5), 5);
}

TEST(Dim, BringsExpressionsIntoOneForm) {
  EXPECT_EQ(b * 2, Dim(2) * b);
  EXPECT_EQ(b + b, 2 * b);
  EXPECT_EQ((b + 1) * (b - 1), b * b - 1);
  EXPECT_EQ(b - b, Dim(0));
  EXPECT_EQ(b * 0, Dim(0));
  EXPECT_EQ(b + t, t + b);
  EXPECT_EQ((b + t) * (b + t), b * b + 2 * b * t + t * t);
  EXPECT_FALSE(b == t);
  EXPECT_FALSE(b.known());
  EXPECT_TRUE((b + 3 - b).known());
  EXPECT_EQ(b + 3 - b, Dim(3));
  EXPECT_THROW((void)(b - (b + 1)), ValueError);
  EXPECT_EQ(Dim::symbol("batch"), b);
  EXPECT_EQ(Dim::from_code((b * 2 + 1).code()), b * 2 + 1);
  EXPECT_THROW((void)Dim::from_code(INT64_MIN).to_string(), ValueError);
  EXPECT_THROW((void)Dim::symbol(""), ValueError);
}

TEST(Dim, SimplifiesQuotients) {
  EXPECT_EQ(b / 1, b);
  EXPECT_EQ(b / b, Dim(1));
  EXPECT_EQ(b * 6 / 3, 2 * b);
  EXPECT_EQ((2 * b + 1) / 2, b);
  EXPECT_EQ((2 * b + 2) / 2, b + 1);
  EXPECT_EQ((4 * b + 6) / 8, (2 * b + 3) / 4);
  EXPECT_EQ((4 * b + 7) / 8, (2 * b + 3) / 4);
  EXPECT_EQ((b / 2) / 3, b / 6);
  EXPECT_EQ(((b - 1) / 2 + 1) / 2, (b + 1) / 4);
  EXPECT_EQ(b * t / t, b);
  EXPECT_EQ((b * t * 3 + 3 * b) / (3 * t + 3), b);
  EXPECT_EQ((b * t + 5 * t) / t, b + 5);
  EXPECT_EQ(Dim(0) / b, Dim(0));
  EXPECT_EQ((b * t * t) / (b * t * 2), t / 2);
  EXPECT_EQ((b + 3) / 2 + b / 2, b / 2 + (b + 1) / 2 + 1);
  EXPECT_FALSE((b / 2) * 2 == b);
}

TEST(Dim, PrintsExpressions) {
  EXPECT_EQ((2 * b + 1).to_string(), "2*batch+1");
  EXPECT_EQ((b * t - b - 1).to_string(), "batch*seq-batch-1");
  EXPECT_EQ((b / 2).to_string(), "batch//2");
  EXPECT_EQ(((b + 1) / 2 * 2).to_string(), "2*((batch+1)//2)");
  EXPECT_EQ((b / t).to_string(), "batch//seq");
  EXPECT_EQ(Dim(5).to_string(), "5");
  EXPECT_EQ(Dim::unknown().to_string(), "None");
  EXPECT_EQ((Dim::unknown() * 2).to_string(), "None");
}

TEST(Dim, HasUnknownsThatEqualOnlyThemselves) {
  const Dim x = Dim::unknown();
  EXPECT_EQ(x, x);
  EXPECT_FALSE(x == Dim::unknown());
  EXPECT_EQ(x * 2 - x, x);
}

// Every expression keeps its value: built on symbols and evaluated, or computed on numbers straight away.
TEST(Dim, EvaluatesAsItWasBuilt) {
  std::mt19937 random(1);
  auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  const int64_t numbers[] = {pick(50) + 1, pick(50) + 1};
  const Dim symbols[] = {b, t};
  int symbolic_results = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::pair<Dim, int64_t>> terms = {{b, numbers[0]}, {t, numbers[1]}};
    for (int step = 0; step < 6; ++step) {
      const auto [x, xv] = terms[static_cast<size_t>(pick(static_cast<int>(terms.size())))];
      auto [y, yv] = terms[static_cast<size_t>(pick(static_cast<int>(terms.size())))];
      if (pick(2) == 0) {
        yv = pick(9) + 1;
        y = yv;
      }
      switch (pick(4)) {
        case 0:
          terms.emplace_back(x + y, xv + yv);
          break;
        case 1:
          if (xv >= yv) terms.emplace_back(x + 100 - y, xv + 100 - yv);
          break;
        case 2:
          if (xv * yv < 1000000) terms.emplace_back(x * y, xv * yv);
          break;
        default:
          if (yv > 0) terms.emplace_back(x / y, xv / yv);
      }
    }
    DimBindings bindings;
    ASSERT_TRUE(bindings.bind(symbols[0], numbers[0]));
    ASSERT_TRUE(bindings.bind(symbols[1], numbers[1]));
    for (const auto& [dim, value] : terms) {
      symbolic_results += dim.known() ? 0 : 1;
      ASSERT_EQ(bindings.evaluate(dim), value) << dim.to_string();
    }
  }
  EXPECT_GT(symbolic_results, 5000);
}

TEST(DimBindings, SolvesForSymbols) {
  DimBindings bindings;
  EXPECT_TRUE(bindings.bind(2 * b + 2, 10));
  EXPECT_EQ(bindings.evaluate(b), 4);
  EXPECT_FALSE(bindings.bind(b, 5));
  EXPECT_FALSE(bindings.bind(3 * t, 10));
  EXPECT_TRUE(bindings.bind(b * t, 12));
  EXPECT_EQ(bindings.evaluate(t / 2 + 1), 2);
  EXPECT_TRUE(bindings.bind(7, 7));
  EXPECT_FALSE(bindings.bind(7, 8));
  EXPECT_FALSE(DimBindings().bind(b + 5, 3));
  EXPECT_FALSE(DimBindings().bind(b, -1));
}

TEST(DimBindings, RemembersWhatItCannotSolve) {
  DimBindings bindings;
  EXPECT_TRUE(bindings.bind(b * t, 12));
  EXPECT_EQ(bindings.evaluate(b), std::nullopt);
  EXPECT_EQ(bindings.evaluate(b * t), 12);
  EXPECT_TRUE(bindings.bind(b, 3));
  EXPECT_FALSE(bindings.bind(t, 5));
  DimBindings halves;
  EXPECT_TRUE(halves.bind(b / 2, 3));
  EXPECT_EQ(halves.evaluate(b / 2 + 1), 4);
  EXPECT_FALSE(halves.bind(b, 8));
}

TEST(Dim, IsSafeFromSeveralThreads) {
  std::vector<std::thread> threads;
  std::vector<std::vector<int64_t>> codes(4);
  for (auto& own : codes) {
    threads.emplace_back([&own] {
      for (int i = 1; i < 200; ++i) {
        const Dim d = Dim::symbol("s" + std::to_string(i % 17)) * i + b / (i + 1);
        own.push_back(d.code());
        own.push_back((d * d).code());
        (void)d.to_string();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& own : codes) EXPECT_EQ(own, codes[0]);
}

TEST(Shape, PrintsAsPythonTuples) {
  EXPECT_EQ(Shape({}).to_string(), "()");
  EXPECT_EQ(Shape({3}).to_string(), "(3,)");
  EXPECT_EQ(Shape({Dim::unknown(), 28, 28}).to_string(), "(None, 28, 28)");
}

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape({}).elements(), 1);
  EXPECT_EQ(Shape({2, 3, 4}).elements(), 24);
  EXPECT_EQ(Shape({INT64_MAX, 0, INT64_MAX}).elements(), 0);
  EXPECT_THROW((void)Shape({INT64_MAX, 2}).elements(), ValueError);
  EXPECT_THROW((void)Shape({b, 2}).elements(), ValueError);
  EXPECT_EQ(element_count({b, 3, t}), 3 * b * t);
  EXPECT_TRUE(Shape({1, 2}).known());
  EXPECT_FALSE(Shape({1, b}).known());
  EXPECT_EQ(Shape({1, 2, 3}).dim(-1), Dim(3));
  EXPECT_THROW((void)Shape({1}).dim(1), ValueError);
}

TEST(Shape, BroadcastsAsNumPy) {
  EXPECT_EQ(broadcast_shapes("add", {3, 1}, {4}), Shape({3, 4}));
  EXPECT_EQ(broadcast_shapes("add", {}, {2, 3}), Shape({2, 3}));
  EXPECT_EQ(broadcast_shapes("add", {0}, {1}), Shape({0}));
  EXPECT_EQ(broadcast_shapes("add", {b, 1}, {t}), Shape({b, t}));
  EXPECT_EQ(broadcast_shapes("add", {b}, {4}), Shape({4}));
  EXPECT_EQ(broadcast_shapes("add", {1}, {b}), Shape({b}));
  const Dim none = Dim::unknown();
  EXPECT_EQ(broadcast_shapes("add", {none}, {b}), Shape({b}));
  EXPECT_EQ(broadcast_shapes("add", {b}, {none}), Shape({b}));
  try {
    broadcast_shapes("add", {2, 3}, {4});
    FAIL();
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("[add]"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("(2, 3) and (4,)"), std::string::npos);
  }
}

TEST(Shape, NormalizesAxes) {
  EXPECT_EQ(normalize_axis("sum", -1, 3), 2);
  EXPECT_EQ(normalize_axis("sum", 0, 3), 0);
  EXPECT_THROW(normalize_axis("sum", 3, 3), ValueError);
  EXPECT_THROW(normalize_axis("sum", -4, 3), ValueError);
  EXPECT_THROW(normalize_axis("sum", 0, 0), ValueError);
}

}  // namespace
}  // namespace keras
