// SPDX-License-Identifier: Apache-2.0
// Several threads call one Function, and predict with one model, at the same time.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <thread>
#include <vector>

#include "keras/compile/function.h"
#include "keras/models/sequential.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/layers/dropout.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "keras/runtime/variable.h"

namespace keras {
namespace {

constexpr int kThreads = 2;
constexpr int kCalls = 200;

// Runs `work` on all threads, which begin together.
void in_threads(const std::function<void(int thread)>& work) {
  std::atomic<int> waiting{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      --waiting;
      while (waiting > 0) std::this_thread::yield();
      work(t);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(Concurrency, OneFunctionForAllThreads) {
  const Variable w(Tensor::from(std::vector<float>{2, 3}), "w");
  std::atomic<int> bodies{0};
  const auto f = function([&](const Tensor& x) {
    ++bodies;
    return ops::sum(ops::exp(x - x) * w * x) + 1.0;
  });
  std::atomic<int> wrong{0};
  in_threads([&](int t) {
    for (int i = 0; i < kCalls; ++i) {
      const auto a = static_cast<float>(t * kCalls + i);
      const Tensor y = f(Tensor::from(std::vector<float>{a, 1}));
      if (y.item<float>() != 2 * a + 3 + 1) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(bodies, 1) << "the first calls meet, and one of them traces";
}

TEST(Concurrency, ThreadsWithSignaturesOfTheirOwn) {
  const auto f = function([](const Tensor& x) { return ops::sum(x * x); });
  std::atomic<int> wrong{0};
  in_threads([&](int t) {
    for (int i = 0; i < kCalls; ++i) {
      const int64_t n = 1 + (t + i) % 5;
      if (f(ops::full({n}, 2.0)).item<float>() != 4.0f * static_cast<float>(n)) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(f.traces(), 5);
}

TEST(Concurrency, NoAssignmentIsLost) {
  const Variable count(Tensor(0.0f), "count", false);
  const auto add = function([&](const Tensor& x) {
    count.assign_add(x);
    return count.value();
  });
  in_threads([&](int) {
    for (int i = 0; i < kCalls; ++i) add(Tensor(1.0f));
  });
  EXPECT_EQ(count.value().item<float>(), static_cast<float>(kThreads * kCalls));
}

TEST(Concurrency, DrawsAreNeverRepeated) {
  const random::SeedGenerator seed(3);
  const auto draw = function([&] { return random::uniform({2}, 0, 1, {}, seed); });
  std::vector<std::vector<float>> firsts(kThreads);
  in_threads([&](int t) {
    for (int i = 0; i < kCalls; ++i) firsts[static_cast<size_t>(t)].push_back(draw().to_vector<float>()[0]);
  });
  const random::SeedGenerator same(3);
  std::vector<float> got, wanted;
  for (const auto& list : firsts) got.insert(got.end(), list.begin(), list.end());
  for (size_t i = 0; i < got.size(); ++i)
    wanted.push_back(random::uniform({2}, 0, 1, {}, same).to_vector<float>()[0]);
  std::sort(got.begin(), got.end());
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(got, wanted);
}

TEST(Concurrency, OneModelPredictsForAllThreads) {
  Sequential model(
      {Input({4}), layers::Dense(8, {.activation = "relu"}), layers::Dropout(0.5), layers::Dense(3)});
  std::vector<Tensor> inputs;
  std::vector<std::vector<float>> wanted;
  for (int k = 0; k < 4; ++k) {
    inputs.push_back(ops::full({5 + k, 4}, 0.5 * k));
    wanted.push_back(model(inputs.back()).to_vector<float>());
  }
  std::atomic<int> wrong{0};
  in_threads([&](int t) {
    for (int i = 0; i < kCalls / 4; ++i) {
      const auto k = static_cast<size_t>((t + i) % 4);
      const auto y = model.predict(inputs[k], {.batch_size = 5, .verbose = 0}).tensor().to_vector<float>();
      for (size_t e = 0; e < y.size(); ++e) {
        if (std::abs(y[e] - wanted[k][e]) > 1e-5f) ++wrong;
      }
    }
  });
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace keras
