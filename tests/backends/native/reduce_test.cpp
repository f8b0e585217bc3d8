// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>
#include <limits>

#include "backends/native/plugin.h"

namespace keras::native_test {
namespace {

struct Case {
  Shape shape;
  Shape axes;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {{{}, {}},
                                         {{1}, {0}},
                                         {{7}, {0}},
                                         {{1001}, {0}},
                                         {{200003}, {0}},
                                         {{5, 7}, {0}},
                                         {{5, 7}, {1}},
                                         {{5, 7}, {0, 1}},
                                         {{5, 7}, {}},
                                         {{300, 3}, {0}},
                                         {{30011, 10}, {0}},
                                         {{70, 600}, {0}},
                                         {{600, 700}, {1}},
                                         {{3, 4, 5, 6}, {0, 2}},
                                         {{3, 4, 5, 6}, {1, 3}},
                                         {{2, 3, 4, 5, 6}, {0, 2, 4}},
                                         {{0, 3}, {0}},
                                         {{3, 0}, {0}},
                                         {{3, 0}, {1}},
                                         {{1, 5, 1}, {0, 2}},
                                         {{4, 1, 33}, {1}}};
  return list;
}

// The result's flat index of each operand element, and the result's shape.
std::vector<int64_t> targets(const Case& c, Shape& result) {
  result.clear();
  std::vector<bool> reduced(c.shape.size(), false);
  for (const int64_t axis : c.axes) reduced[static_cast<size_t>(axis)] = true;
  for (size_t i = 0; i < c.shape.size(); ++i) {
    if (!reduced[i]) result.push_back(c.shape[i]);
  }
  std::vector<int64_t> flat;
  for (int64_t i = 0; i < count_of(c.shape); ++i) {
    int64_t rest = i;
    int64_t target = 0;
    int64_t step = 1;
    for (size_t back = c.shape.size(); back-- > 0;) {
      const int64_t position = rest % c.shape[back];
      rest /= c.shape[back];
      if (reduced[back]) continue;
      target += position * step;
      step *= c.shape[back];
    }
    flat.push_back(target);
  }
  return flat;
}

template <class T>
void check(const char* op, double start, const std::function<double(double, double)>& fold, double low,
           double high, double tolerance) {
  for (const auto& c : cases()) {
    const Array x = uniform<T>(c.shape, low, high);
    Shape shape;
    const auto flat = targets(c, shape);
    ReduceAttributes attributes{};
    attributes.axes = list(c.axes);
    const auto y = as_double(run(op, attributes, {x}, {make_desc(dtype_of<T>(), shape)})[0]);
    std::vector<double> want(static_cast<size_t>(count_of(shape)), start);
    std::vector<double> scale(want.size(), 0);
    std::vector<double> squares(want.size(), 0);
    const auto values = as_double(x);
    for (size_t i = 0; i < values.size(); ++i) {
      auto& slot = want[static_cast<size_t>(flat[i])];
      slot = fold(slot, values[i]);
      squares[static_cast<size_t>(flat[i])] += values[i] * values[i];
      scale[static_cast<size_t>(flat[i])] = std::max(scale[static_cast<size_t>(flat[i])], std::fabs(slot));
    }
    for (size_t i = 0; i < want.size(); ++i) {
      if (std::isinf(want[i])) continue;
      // Rounding errors of a sum grow like the norm of what is added up.
      ASSERT_NEAR(y[i], want[i], tolerance * std::max({1.0, scale[i], std::sqrt(squares[i])}))
          << op << " rank " << c.shape.size();
    }
  }
}

double sum(double a, double b) { return a + b; }
double product(double a, double b) { return a * b; }
double largest(double a, double b) { return a > b ? a : b; }
double smallest(double a, double b) { return a < b ? a : b; }
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(NativeReduce, SumsProductsAndExtremesOfFloats) {
  check<float>("reduce_sum", 0, sum, -1, 1, 6e-7);
  check<double>("reduce_sum", 0, sum, -1, 1, 1e-14);
  check<Half>("reduce_sum", 0, sum, 0, 0.001, 1e-3);
  check<BFloat16>("reduce_sum", 0, sum, 0, 1, 8e-3);
  check<float>("reduce_prod", 1, product, 0.999, 1.001, 1e-4);
  check<double>("reduce_prod", 1, product, 0.999, 1.001, 1e-12);
  check<float>("reduce_max", -kInf, largest, -1, 1, 0);
  check<double>("reduce_min", kInf, smallest, -1, 1, 0);
  check<BFloat16>("reduce_max", -kInf, largest, -1, 1, 0);
}

TEST(NativeReduce, Integers) {
  check<int32_t>("reduce_sum", 0, sum, -100, 100, 0);
  check<int64_t>("reduce_sum", 0, sum, -100, 100, 0);
  check<uint32_t>("reduce_sum", 0, sum, 0, 100, 0);
  check<int16_t>("reduce_max", -32768, largest, -100, 100, 0);
  check<int8_t>("reduce_min", 127, smallest, -100, 100, 0);
  check<uint64_t>("reduce_max", 0, largest, 0, 100, 0);
  check<bool>("reduce_max", 0, largest, 0, 1, 0);
  ReduceAttributes all{};
  all.axes = list({0});
  EXPECT_EQ(run("reduce_sum", all, {array<uint8_t>({3}, {200, 100, 1})}, {make_desc(KERAS_UINT8, {})})[0]
                .values<uint8_t>()[0],
            45);
  EXPECT_EQ(run("reduce_prod", all, {array<int32_t>({3}, {2, -3, 7})}, {make_desc(KERAS_INT32, {})})[0]
                .values<int32_t>()[0],
            -42);
  EXPECT_EQ(run("reduce_sum", all, {array<bool>({2}, {true, true})}, {make_desc(KERAS_BOOL, {})})[0]
                .values<bool>()[0],
            true);
}

TEST(NativeReduce, LongFloatSumsStayAccurate) {
  // Ten million tenths: a running float32 sum is wrong in the second digit.
  const int64_t n = 10'000'000;
  const auto x = array<float>({n}, std::vector<float>(static_cast<size_t>(n), 0.1f));
  ReduceAttributes all{};
  all.axes = list({0});
  const float y = run("reduce_sum", all, {x}, {make_desc(KERAS_FLOAT32, {})})[0].values<float>()[0];
  EXPECT_NEAR(y, static_cast<double>(0.1f) * 1e7, 0.25);  // four units in the last place
}

TEST(NativeReduce, ExtremesKeepNaN) {
  for (const int64_t n : {3, 100, 70000}) {
    for (const int64_t at : {int64_t{0}, n / 2, n - 1}) {
      auto x = uniform<float>({n}, -1, 1);
      x.data<float>()[at] = std::nanf("");
      ReduceAttributes all{};
      all.axes = list({0});
      const keras_desc scalar = make_desc(KERAS_FLOAT32, {});
      EXPECT_TRUE(std::isnan(run("reduce_max", all, {x}, {scalar})[0].values<float>()[0])) << n << " " << at;
      EXPECT_TRUE(std::isnan(run("reduce_min", all, {x}, {scalar})[0].values<float>()[0])) << n << " " << at;
      EXPECT_EQ(run("argmax", all, {x}, {make_desc(KERAS_INT32, {})})[0].values<int32_t>()[0], at);
      EXPECT_EQ(run("argmin", all, {x}, {make_desc(KERAS_INT32, {})})[0].values<int32_t>()[0], at);
    }
  }
}

TEST(NativeReduce, ComplexSumsAndProducts) {
  using C = std::complex<float>;
  const auto x = array<C>({2, 3}, {{1, 1}, {2, 0}, {0, 3}, {1, -1}, {4, 1}, {2, 2}});
  ReduceAttributes rows{};
  rows.axes = list({0});
  EXPECT_EQ(run("reduce_sum", rows, {x}, {make_desc(KERAS_COMPLEX64, {3})})[0].values<C>(),
            (std::vector<C>{{2, 0}, {6, 1}, {2, 5}}));
  EXPECT_EQ(run("reduce_prod", rows, {x}, {make_desc(KERAS_COMPLEX64, {3})})[0].values<C>(),
            (std::vector<C>{{2, 0}, {8, 2}, {-6, 6}}));
}

template <class T>
void check_arg(const char* op, const std::function<bool(double, double)>& better) {
  for (const Shape& shape : {Shape{9}, Shape{5, 7}, Shape{3, 400, 5}, Shape{2, 3, 600}}) {
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      const Array x = uniform<T>(shape, -3, 3);
      ReduceAttributes attributes{};
      attributes.axes = list({static_cast<int64_t>(axis)});
      Shape result = shape;
      result.erase(result.begin() + static_cast<int64_t>(axis));
      const auto y = run(op, attributes, {x}, {make_desc(KERAS_INT32, result)})[0].values<int32_t>();
      const auto values = as_double(x);
      int64_t inner = 1;
      for (size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
      for (int64_t i = 0; i < static_cast<int64_t>(y.size()); ++i) {
        const int64_t base = i / inner * inner * shape[axis] + i % inner;
        int32_t best = 0;
        for (int32_t r = 1; r < shape[axis]; ++r) {
          if (better(values[static_cast<size_t>(base + r * inner)],
                     values[static_cast<size_t>(base + best * inner)]))
            best = r;
        }
        ASSERT_EQ(y[static_cast<size_t>(i)], best) << op << " axis " << axis;
      }
    }
  }
}

TEST(NativeReduce, ArgumentsOfExtremesTakeTheFirst) {
  const auto above = [](double a, double b) { return a > b; };
  const auto below = [](double a, double b) { return a < b; };
  check_arg<float>("argmax", above);
  check_arg<double>("argmin", below);
  check_arg<int32_t>("argmax", above);
  check_arg<int8_t>("argmin", below);
  check_arg<Half>("argmax", above);
}

}  // namespace
}  // namespace keras::native_test
