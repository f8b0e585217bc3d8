// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "backends/native/plugin.h"

namespace keras::native_test {
namespace {

std::string failure(const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no failure";
}

TEST(NativeIndex, GatherAlongEveryAxis) {
  const Shape shape = {4, 5, 6};
  const Array x = uniform<float>(shape, 0, 1);
  for (size_t axis = 0; axis < 3; ++axis) {
    const Array picks = array<int32_t>({2, 3}, {0, 3, 1, 2, 0, 3});
    Shape result(shape.begin(), shape.begin() + static_cast<int64_t>(axis));
    result.insert(result.end(), {2, 3});
    result.insert(result.end(), shape.begin() + static_cast<int64_t>(axis) + 1, shape.end());
    GatherAttributes attributes{};
    attributes.axis = static_cast<int64_t>(axis);
    const Array y = run("gather", attributes, {x, picks}, {make_desc(KERAS_FLOAT32, result)})[0];
    int64_t after = 1;
    for (size_t i = axis + 1; i < 3; ++i) after *= shape[i];
    for (int64_t i = 0; i < y.count(); ++i) {
      const int64_t pick = i / after % 6;
      const int64_t outer = i / after / 6;
      ASSERT_EQ(y.data<float>()[i],
                x.data<float>()[(outer * shape[axis] + picks.data<int32_t>()[pick]) * after + i % after]);
    }
  }
}

TEST(NativeIndex, GatherWithBatchAxes) {
  const Array x = uniform<double>({3, 2, 5}, 0, 1);
  const Array picks = array<uint8_t>({3, 4}, {0, 4, 1, 1, 2, 3, 0, 4, 4, 4, 0, 1});
  GatherAttributes attributes{};
  attributes.axis = 2;
  attributes.batch_dims = 1;
  const Array y = run("gather", attributes, {x, picks}, {make_desc(KERAS_FLOAT64, {3, 2, 4})})[0];
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t m = 0; m < 2; ++m) {
      for (int64_t i = 0; i < 4; ++i) {
        ASSERT_EQ(y.data<double>()[(b * 2 + m) * 4 + i],
                  x.data<double>()[(b * 2 + m) * 5 + picks.data<uint8_t>()[b * 4 + i]]);
      }
    }
  }
}

TEST(NativeIndex, IndicesOutsideAreErrors) {
  const Array x = uniform<float>({10, 2}, 0, 1);
  GatherAttributes attributes{};
  const auto gather = [&](int32_t index) {
    return failure([&] {
      run("gather", attributes, {x, array<int32_t>({1}, {index})}, {make_desc(KERAS_FLOAT32, {1, 2})});
    });
  };
  EXPECT_EQ(gather(12), "index 12 is out of range for axis 0 with size 10");
  EXPECT_EQ(gather(-1), "index -1 is out of range for axis 0 with size 10");
  ScatterAttributes set{};
  EXPECT_EQ(failure([&] {
              run("scatter", set, {x, array<int64_t>({1, 2}, {3, 2}), array<float>({1}, {5})}, {x.desc}, 0);
            }),
            "index 2 is out of range for axis 1 with size 2");
}

template <class T>
void check_scatter(int64_t kind, const std::function<double(double, double)>& fold) {
  for (const int64_t row : {1, 3, 40}) {
    const Array x = uniform<T>({20, row}, 1, 5, 1);
    const int64_t n = 300;
    const Array picks = uniform<int32_t>({n, 1}, 0, 20, 2);
    const Array updates = uniform<T>({n, row}, 1, 1.5, 3);
    ScatterAttributes attributes{};
    attributes.kind = kind;
    auto want = as_double(x);
    const auto values = as_double(updates);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < row; ++j) {
        double& slot = want[static_cast<size_t>(picks.data<int32_t>()[i] * row + j)];
        slot = fold(slot, values[static_cast<size_t>(i * row + j)]);
      }
    }
    for (const int donated : {-1, 0}) {
      const auto y = as_double(run("scatter", attributes, {x, picks, updates}, {x.desc}, donated)[0]);
      for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], want[i], 2e-5 * std::fabs(want[i])) << kind;
    }
  }
}

TEST(NativeIndex, ScatterEveryKind) {
  check_scatter<float>(KERAS_SCATTER_SET, [](double, double b) { return b; });
  check_scatter<float>(KERAS_SCATTER_ADD, [](double a, double b) { return a + b; });
  check_scatter<double>(KERAS_SCATTER_MUL, [](double a, double b) { return a * b; });
  check_scatter<float>(KERAS_SCATTER_MIN, [](double a, double b) { return std::min(a, b); });
  check_scatter<int32_t>(KERAS_SCATTER_MAX, [](double a, double b) { return std::max(a, b); });
  check_scatter<int64_t>(KERAS_SCATTER_ADD, [](double a, double b) { return a + b; });
  check_scatter<BFloat16>(KERAS_SCATTER_MAX, [](double a, double b) { return std::max(a, b); });
}

TEST(NativeIndex, Cumulate) {
  const Shape shape = {3, 70, 5};
  const Array x = uniform<float>(shape, 0.9, 1.1);
  for (int64_t axis = 0; axis < 3; ++axis) {
    for (const int64_t kind : {KERAS_CUM_SUM, KERAS_CUM_PROD, KERAS_CUM_MAX, KERAS_CUM_MIN}) {
      for (const int64_t reverse : {0, 1}) {
        CumulateAttributes attributes{};
        attributes.axis = axis;
        attributes.kind = kind;
        attributes.reverse = reverse;
        const Array y = run("cumulate", attributes, {x}, {x.desc}, axis == 1 ? 0 : -1)[0];
        int64_t inner = 1;
        for (size_t i = static_cast<size_t>(axis) + 1; i < 3; ++i) inner *= shape[i];
        const int64_t extent = shape[static_cast<size_t>(axis)];
        for (int64_t lane = 0; lane < x.count() / extent; ++lane) {
          double running = 0;
          for (int64_t r = 0; r < extent; ++r) {
            const int64_t at =
                lane / inner * extent * inner + (reverse != 0 ? extent - 1 - r : r) * inner + lane % inner;
            const double v = x.data<float>()[at];
            running = r == 0                   ? v
                      : kind == KERAS_CUM_SUM  ? running + v
                      : kind == KERAS_CUM_PROD ? running * v
                      : kind == KERAS_CUM_MAX  ? std::max(running, v)
                                               : std::min(running, v);
            ASSERT_NEAR(y.data<float>()[at], running, 1e-5 * running) << axis << " " << kind;
          }
        }
      }
    }
  }
}

// Sorted positions by the rules of the op table: stable, NaN last.
template <class T>
std::vector<int64_t> order_of(const std::vector<T>& keys, bool descending) {
  std::vector<int64_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    const double left = static_cast<double>(keys[static_cast<size_t>(a)]);
    const double right = static_cast<double>(keys[static_cast<size_t>(b)]);
    if (left != left || right != right) return left == left && right != right;
    return descending ? left > right : left < right;
  });
  return order;
}

template <class T>
void check_sort() {
  for (const int64_t n : {1, 2, 7, 64, 1000, 5000}) {
    for (const bool descending : {false, true}) {
      Array keys = uniform<T>({n}, -20, 20);
      if constexpr (std::is_floating_point_v<T>) {
        for (int64_t i = 0; i < n; ++i) keys.data<T>()[i] = std::round(keys.data<T>()[i]);
        if (n > 5) keys.data<T>()[3] = keys.data<T>()[n - 2] = static_cast<T>(NAN);
      }
      Array payload = empty(KERAS_INT64, {n});
      std::iota(payload.data<int64_t>(), payload.data<int64_t>() + n, int64_t{0});
      SortAttributes attributes{};
      attributes.descending = descending;
      attributes.num_keys = 1;
      const auto y = run("sort", attributes, {keys, payload}, {keys.desc, payload.desc});
      EXPECT_EQ(y[1].template values<int64_t>(), order_of(keys.template values<T>(), descending)) << n;
    }
  }
}

TEST(NativeIndex, SortIsStableAndPutsNaNLast) {
  check_sort<float>();
  check_sort<double>();
  check_sort<int32_t>();
  check_sort<int8_t>();
  check_sort<int64_t>();
}

TEST(NativeIndex, SortByTwoKeysAlongAnAxis) {
  const Array first = array<int32_t>({4, 2}, {1, 0, 0, 0, 1, 1, 0, 1});
  const Array second = array<float>({4, 2}, {2, 5, 9, 4, 1, 3, 3, 3});
  SortAttributes attributes{};
  attributes.axis = 0;
  attributes.num_keys = 2;
  const auto y = run("sort", attributes, {first, second}, {first.desc, second.desc});
  EXPECT_EQ(y[0].values<int32_t>(), (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(y[1].values<float>(), (std::vector<float>{3, 4, 9, 5, 1, 3, 2, 3}));
}

TEST(NativeIndex, TopK) {
  const Array x = array<float>({2, 5}, {3, 9, 9, -1, 4, 0, NAN, 2, 2, 1});
  TopKAttributes attributes{};
  attributes.k = 3;
  attributes.sorted = 1;
  const auto y =
      run("top_k", attributes, {x}, {make_desc(KERAS_FLOAT32, {2, 3}), make_desc(KERAS_INT32, {2, 3})});
  EXPECT_EQ(y[1].values<int32_t>(), (std::vector<int32_t>{1, 2, 4, 1, 2, 3}));
  EXPECT_EQ(y[0].data<float>()[2], 4);
  EXPECT_TRUE(std::isnan(y[0].data<float>()[3]));
}

TEST(NativeIndex, NonzeroFillsUnusedRows) {
  const Array x = array<float>({2, 3}, {0, 1, -0.0f, 2, 0, NAN});
  NonzeroAttributes attributes{};
  attributes.size = 4;
  attributes.fill = -1;
  const auto y = run("nonzero", attributes, {x}, {make_desc(KERAS_INT32, {4, 2})})[0].values<int32_t>();
  EXPECT_EQ(y, (std::vector<int32_t>{0, 1, 1, 0, 1, 2, -1, -1}));
}

}  // namespace
}  // namespace keras::native_test
