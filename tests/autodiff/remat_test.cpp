// SPDX-License-Identifier: Apache-2.0
// keras.remat: values and gradients of the function itself, eagerly and traced, with variables, captured
// tensors, random draws and assignments inside; what it computes again; what it saves.
#include "keras/autodiff/remat.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keras/autodiff/gradient_tape.h"
#include "keras/compile/function.h"
#include "keras/ops/control_flow.h"
#include "keras/ops/core.h"
#include "keras/ops/nn.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "keras/runtime/backend.h"

namespace keras {
namespace {

Tensor wave(const Shape& shape, double phase) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(0.5 * std::sin(phase + 0.7 * double(i)));
  return Tensor::from(values, shape);
}

void expect_near(const Tensor& a, const Tensor& b, double tolerance = 1e-6) {
  ASSERT_TRUE(a.defined() && b.defined());
  ASSERT_EQ(a.shape(), b.shape());
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], tolerance * (1 + std::abs(y[i]))) << i;
}

size_t occurrences(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Loss and gradients of a function of x with variables, eagerly or traced.
std::vector<Tensor> differentiate(const std::function<Tensor(const Tensor&)>& f, const Tensor& x,
                                  const std::vector<Variable>& variables, bool traced) {
  const auto body = [&](const Tensor& given) {
    GradientTape tape(true);
    tape.watch(given);
    const Tensor loss = ops::sum(ops::square(f(given)));
    std::vector<Tensor> out{loss, tape.gradient(loss, given)};
    for (const Tensor& g : tape.gradient(loss, variables)) out.push_back(g);
    return out;
  };
  return traced ? function(body)(x) : body(x);
}

TEST(Remat, GradientsAreThoseOfTheFunction) {
  const Variable w(wave({3, 3}, 0.1), "w"), b(wave({3}, 2), "b");
  const Tensor captured = wave({2, 3}, 5);
  const auto block = [&](const Tensor& x) {
    return ops::tanh(ops::matmul(ops::gelu(x) + captured, w) + b) * captured;
  };
  const Tensor x = wave({2, 3}, 1);
  const auto plain = differentiate(block, x, {w, b}, false);
  for (const bool traced : {false, true}) {
    SCOPED_TRACE(traced ? "traced" : "eager");
    const auto once = differentiate(remat(block), x, {w, b}, traced);
    const auto twice =
        differentiate([f = remat(block)](const Tensor& t) { return f(f(t)); }, x, {w, b}, traced);
    const auto inside =
        differentiate(remat([f = remat(block)](const Tensor& t) { return f(f(t)); }), x, {w, b}, traced);
    const auto two = differentiate([&](const Tensor& t) { return block(block(t)); }, x, {w, b}, false);
    for (size_t i = 0; i < plain.size(); ++i) {
      expect_near(once[i], plain[i]);
      expect_near(twice[i], two[i]);
      expect_near(inside[i], two[i]);
    }
  }
}

TEST(Remat, ReachesCapturedTensors) {
  const Tensor x = wave({4}, 0), captured = wave({4}, 1);
  GradientTape tape;
  tape.watch(captured);
  const auto f = remat([&](const Tensor& t) { return ops::exp(t * captured); });
  expect_near(tape.gradient(ops::sum(f(x)), captured), x * ops::exp(x * captured));
}

TEST(Remat, TakesAndGivesStructures) {
  const auto f =
      remat([](const std::vector<Tensor>& in, double factor, const std::map<std::string, Tensor>& named) {
        return std::pair<Tensor, std::vector<Tensor>>{in[0] * in[1] * factor, {in[1] + named.at("a"), in[0]}};
      });
  const Tensor a = wave({3}, 0), b = wave({3}, 1), c = wave({3}, 2);
  GradientTape tape(true);
  for (const Tensor& t : {a, b, c}) tape.watch(t);
  const auto [product, others] = f(std::vector<Tensor>{a, b}, 2.0, std::map<std::string, Tensor>{{"a", c}});
  expect_near(product, a * b * 2.0);
  expect_near(tape.gradient(product, a), b * 2.0);
  expect_near(tape.gradient(others[0], c), ops::ones({3}));
  // Passed through: the same tensor, and a gradient of one, not of two.
  expect_near(tape.gradient(others[1], a), ops::ones({3}));
  expect_near(tape.gradient(product + others[1], a), b * 2.0 + 1.0);
}

TEST(Remat, GivesSecondDerivatives) {
  const Tensor x = wave({3}, 1);
  const auto cube = [](const Tensor& t) { return ops::sum(t * t * t * ops::exp(t)); };
  expect_near(hessian(remat(cube), x), hessian(cube, x), 1e-5);
}

TEST(Remat, DrawsTheSameNumbersOnce) {
  for (const bool traced : {false, true}) {
    const random::SeedGenerator seed(3), plain_seed(3);
    const auto dropped = [](const random::SeedGenerator& s) {
      return [&s](const Tensor& x) { return random::dropout(ops::exp(x), 0.5, {}, s) * 2.0; };
    };
    const Tensor x = wave({64}, 1);
    for (int step = 0; step < 2; ++step) {
      const auto wanted = differentiate(dropped(plain_seed), x, {}, false);
      const auto got = differentiate(remat(dropped(seed)), x, {}, traced);
      expect_near(got[0], wanted[0]);
      expect_near(got[1], wanted[1]);
      EXPECT_EQ(seed.state().value().to_vector<uint32_t>(), plain_seed.state().value().to_vector<uint32_t>());
    }
  }
}

TEST(Remat, AssignsOnce) {
  for (const bool traced : {false, true}) {
    const Variable count(Tensor(0.0f), "count", false), scale(Tensor(2.0f), "scale");
    const auto f = remat([&](const Tensor& x) {
      const Tensor before = count.value();
      count.assign(before + 1.0);
      return ops::exp(x) * (count.value() + before) * scale.value();
    });
    const auto out = differentiate(f, wave({2}, 0), {scale}, traced);
    EXPECT_EQ(count.value().item<float>(), 1);
    expect_near(out[1], 8.0 * ops::exp(2.0 * wave({2}, 0)));
  }
}

TEST(Remat, SeesVariablesAsTheyWere) {
  const Variable w(wave({3}, 0), "w");
  const Tensor x = wave({3}, 1), before = ops::copy(w.value());
  GradientTape tape(true);
  const Tensor loss = ops::sum(remat([&](const Tensor& t) { return ops::exp(t * w); })(x));
  w.assign(w.value() * 100.0);
  expect_near(tape.gradient(loss, w), x * ops::exp(x * before));
  expect_near(tape.gradient(loss, w), x * ops::exp(x * before));
}

TEST(Remat, GoesBackToTheLogitsOfProbabilities) {
  const Tensor x = wave({2, 4}, 1);
  const Tensor y = Tensor::from(std::vector<int32_t>{1, 3});
  const auto loss_of = [&](const auto& f) {
    GradientTape tape;
    tape.watch(x);
    const Tensor loss = ops::sum(ops::sparse_categorical_crossentropy(y, f(x)));
    return std::vector<Tensor>{loss, tape.gradient(loss, x)};
  };
  const auto f = [](const Tensor& t) { return ops::softmax(t * 3.0); };
  const auto got = loss_of(remat(f)), wanted = loss_of(f);
  for (size_t i = 0; i < 2; ++i) expect_near(got[i], wanted[i]);
}

TEST(Remat, WorksAroundControlFlow) {
  const Variable w(Tensor(0.5f), "w");
  const auto f = [&](const Tensor& x) {
    const auto [carry, rows] = ops::scan(
        [&](const Nest& c, const Nest& row) {
          const Tensor next = ops::tanh(c.tensor() * w + row.tensor());
          return std::pair<Nest, Nest>{next, next};
        },
        ops::zeros({3}), x);
    return rows.tensor() + carry.tensor();
  };
  const Tensor x = wave({4, 3}, 1);
  const auto wanted = differentiate(f, x, {w}, false);
  for (const bool traced : {false, true}) {
    const auto got = differentiate(remat(f), x, {w}, traced);
    for (size_t i = 0; i < wanted.size(); ++i) expect_near(got[i], wanted[i]);
  }
}

TEST(Remat, ComputesAgainWhatIsTraced) {
  const auto block = [](const Tensor& x) { return ops::sin(ops::sin(ops::sin(x))); };
  const auto program = [](const std::function<Tensor(const Tensor&)>& f) {
    const auto traced = function(
        [&](const Tensor& x) {
          GradientTape tape;
          tape.watch(x);
          return tape.gradient(ops::sum(f(x)), x);
        },
        {.disabled_passes = {"fuse"}});
    traced(wave({1000}, 0));
    return traced.to_string();
  };
  const std::string plain = program(block), again = program(remat(block));
  EXPECT_EQ(occurrences(plain, " sin("), 2u) << plain;
  // Without a use for the value, the first run has nothing to do; with the sum, the three are there twice.
  EXPECT_EQ(occurrences(again, "barrier("), 1u) << again;
  const auto with_value = [&](const std::function<Tensor(const Tensor&)>& f) {
    const auto traced = function(
        [&](const Tensor& x) {
          GradientTape tape;
          tape.watch(x);
          const Tensor y = ops::sum(f(x));
          return std::pair{y, tape.gradient(y, x)};
        },
        {.disabled_passes = {"fuse"}});
    traced(wave({1000}, 0));
    return occurrences(traced.to_string(), " sin(");
  };
  EXPECT_EQ(with_value(block), 3u);
  EXPECT_EQ(with_value(remat(block)), 5u);  // the last of the three is not needed again
}

uint64_t peak_memory() {
  keras_memory memory{};
  memory.struct_size = sizeof(memory);
  internal::current_backend().table().memory(0, &memory);
  return memory.peak;
}

// Highest memory of a gradient through 16 layers, four to a block.
uint64_t peak_of(int64_t batch, bool again, bool traced) {
  std::vector<Variable> weights;
  for (int i = 0; i < 16; ++i) weights.emplace_back(wave({64, 64}, i), "w");
  const auto block = [&](int first) {
    return [&weights, first](const Tensor& x) {
      Tensor y = x;
      for (int i = first; i < first + 4; ++i) y = ops::tanh(ops::matmul(y, weights[static_cast<size_t>(i)]));
      return y;
    };
  };
  const auto loss_and_gradients = [&](const Tensor& x) {
    GradientTape tape;
    Tensor y = x;
    for (int i = 0; i < 16; i += 4) y = again ? remat(block(i))(y) : block(i)(y);
    const Tensor loss = ops::mean(ops::square(y));
    auto out = tape.gradient(loss, weights);
    out.push_back(loss);
    return out;
  };
  const Tensor x = wave({batch, 64}, 3);
  if (traced) {
    function(loss_and_gradients)(x);
  } else {
    loss_and_gradients(x);
  }
  return peak_memory();
}

// Under the address sanitizer a compiled program's values lie apart, so that it sees their ends.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kValuesShareMemory = false;
#elif defined(__has_feature)
constexpr bool kValuesShareMemory = !__has_feature(address_sanitizer);
#else
constexpr bool kValuesShareMemory = true;
#endif

TEST(Remat, SavesMemory) {
  if (peak_memory() == 0) GTEST_SKIP() << "this backend does not count its memory";
  // The highest figure so far only grows, so each measurement is larger than all before it.
  uint64_t floor = peak_memory();
  for (const auto& [batch, traced] : {std::pair<int64_t, bool>{4096, false}, {32768, true}}) {
    const std::string& backend = internal::current_backend().name();
    if (traced && backend != "native") {
      GTEST_SKIP() << "the " << backend << " backend does not count what lies inside of compiled programs";
    }
    if (traced && !kValuesShareMemory) GTEST_SKIP() << "values share no memory under the address sanitizer";
    const double layer = static_cast<double>(batch) * 64 * sizeof(float);
    const uint64_t saved = peak_of(batch, true, traced);
    ASSERT_GT(saved, floor) << "an earlier test used more memory";
    const uint64_t kept = peak_of(batch, false, traced);
    floor = kept;
    // 4 boundaries and the inside of one block, instead of 16 layers.
    EXPECT_GT(static_cast<double>(kept) - static_cast<double>(saved), 4 * layer)
        << (traced ? "traced" : "eager") << ": " << saved << " and " << kept << " bytes, layer " << layer;
  }
}

}  // namespace
}  // namespace keras
