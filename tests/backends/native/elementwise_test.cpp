// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>
#include <limits>

#include "backends/native/plugin.h"

namespace keras::native_test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Function {
  const char* op;
  std::function<double(double)> reference;
  double low;
  double high;
};

const std::vector<Function>& unary_functions() {
  static const std::vector<Function> functions = {
      {"neg", [](double x) { return -x; }, -9, 9},
      {"abs", [](double x) { return std::fabs(x); }, -9, 9},
      {"sign", [](double x) { return x != x ? x : double((x > 0) - (x < 0)); }, -9, 9},
      {"floor", [](double x) { return std::floor(x); }, -9, 9},
      {"ceil", [](double x) { return std::ceil(x); }, -9, 9},
      {"round", [](double x) { return std::nearbyint(x); }, -9, 9},
      {"relu", [](double x) { return x < 0 ? 0 : x; }, -9, 9},
      {"sqrt", [](double x) { return std::sqrt(x); }, 0, 90},
      {"rsqrt", [](double x) { return 1 / std::sqrt(x); }, 0.01, 90},
      {"exp", [](double x) { return std::exp(x); }, -80, 80},
      {"expm1", [](double x) { return std::expm1(x); }, -3, 20},
      {"log", [](double x) { return std::log(x); }, 0.001, 1000},
      {"log1p", [](double x) { return std::log1p(x); }, -0.9, 100},
      {"sin", [](double x) { return std::sin(x); }, -30, 30},
      {"cos", [](double x) { return std::cos(x); }, -30, 30},
      {"tan", [](double x) { return std::tan(x); }, -30, 30},
      {"asin", [](double x) { return std::asin(x); }, -1, 1},
      {"acos", [](double x) { return std::acos(x); }, -1, 1},
      {"atan", [](double x) { return std::atan(x); }, -30, 30},
      {"sinh", [](double x) { return std::sinh(x); }, -30, 30},
      {"cosh", [](double x) { return std::cosh(x); }, -30, 30},
      {"tanh", [](double x) { return std::tanh(x); }, -10, 10},
      {"asinh", [](double x) { return std::asinh(x); }, -300, 300},
      {"acosh", [](double x) { return std::acosh(x); }, 1, 300},
      {"atanh", [](double x) { return std::atanh(x); }, -0.99, 0.99},
      {"erf", [](double x) { return std::erf(x); }, -5, 5},
      {"lgamma", [](double x) { return std::lgamma(x); }, 0.1, 50},
      {"sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }, -20, 20},
  };
  return functions;
}

// Units in the last place of T between a value and the exact one; tiny numbers count as 0 (denormals are
// flushed).
template <class T>
double ulps(T got, double want) {
  if (std::isnan(want)) return std::isnan(got) ? 0 : kInf;
  if (std::isinf(static_cast<T>(want)) || std::isinf(got)) return got == static_cast<T>(want) ? 0 : kInf;
  if (std::fabs(want) < std::numeric_limits<T>::min() && std::fabs(got) <= std::numeric_limits<T>::min())
    return 0;
  const double size = std::max(std::fabs(want), double{std::numeric_limits<T>::min()});
  const double unit = std::ldexp(1.0, std::ilogb(size) - (std::numeric_limits<T>::digits - 1));
  return std::fabs(static_cast<double>(got) - want) / unit;
}

const std::vector<double>& special_values() {
  static const std::vector<double> values = {0,     -0.0, 1,     -1,     0.5,   -0.5,  2,     -2,   kInf,
                                             -kInf, kNaN, 1e-30, -1e-30, 88.5,  -88.5, 100,   -100, 500,
                                             -500,  1e5,  -1e5,  1e10,   -1e10, 1e25,  -1e25, 3.0,  1e-8};
  return values;
}

template <class T>
void check_accuracy(double tolerance) {
  for (const auto& f : unary_functions()) {
    const Array x = uniform<T>({10007}, f.low, f.high);
    const Array y = run(f.op, {x}, {x.desc})[0];
    double worst = 0;
    double at = 0;
    for (int64_t i = 0; i < x.count(); ++i) {
      const double error = ulps<T>(y.data<T>()[i], f.reference(x.data<T>()[i]));
      if (error > worst) {
        worst = error;
        at = x.data<T>()[i];
      }
    }
    // Near a zero of the function the argument's own rounding is worth many units.
    const double allowed = std::string(f.op) == "lgamma" && sizeof(T) == 8 ? 64 : tolerance;
    EXPECT_LE(worst, allowed) << f.op << " at " << at;
  }
}

TEST(NativeElementwise, UnaryFunctionsAreWithinAFewUnitsFloat32) { check_accuracy<float>(4.5); }
TEST(NativeElementwise, UnaryFunctionsAreWithinAFewUnitsFloat64) { check_accuracy<double>(5); }

template <class T>
void check_special() {
  for (const auto& f : unary_functions()) {
    // Each value in each lane position, and alone.
    for (const int64_t count : {int64_t{1}, int64_t{3}, int64_t{37}}) {
      for (const double v : special_values()) {
        std::vector<T> values(static_cast<size_t>(count), static_cast<T>(v));
        const auto x = array<T>({count}, values);
        const auto y = run(f.op, {x}, {x.desc})[0].template values<T>();
        const double want = f.reference(static_cast<T>(v));
        for (const T got : y)
          EXPECT_LE(ulps<T>(got, want), 64) << f.op << "(" << v << ") = " << got << ", not " << want;
      }
    }
  }
}

TEST(NativeElementwise, UnaryFunctionsAtInfinityNaNAndFarOutFloat32) { check_special<float>(); }
TEST(NativeElementwise, UnaryFunctionsAtInfinityNaNAndFarOutFloat64) { check_special<double>(); }

TEST(NativeElementwise, UnaryFunctionsOfHalfTypesRoundTheFloatResult) {
  for (const auto& f : unary_functions()) {
    const auto x = uniform<Half>({1000}, std::max(f.low, -9.0), std::min(f.high, 9.0));
    const auto y = run(f.op, {x}, {x.desc})[0].values<Half>();
    const auto b = uniform<BFloat16>({1000}, std::max(f.low, -9.0), std::min(f.high, 9.0));
    const auto z = run(f.op, {b}, {b.desc})[0].values<BFloat16>();
    for (size_t i = 0; i < y.size(); ++i) {
      const double exact = f.reference(static_cast<float>(x.values<Half>()[i]));
      const double exact_b = f.reference(static_cast<float>(b.values<BFloat16>()[i]));
      EXPECT_NEAR(static_cast<float>(y[i]), exact, 0x1p-10 * std::fabs(exact) + 1e-7) << f.op;
      EXPECT_NEAR(static_cast<float>(z[i]), exact_b, 0x1p-7 * std::fabs(exact_b) + 1e-7) << f.op;
    }
  }
}

TEST(NativeElementwise, InverseErrorFunctionAndDigamma) {
  const auto x = array<double>({5}, {-0.9999, -0.5, 0, 0.25, 0.999999});
  const auto y = run("erf_inv", {x}, {x.desc})[0].values<double>();
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(std::erf(y[i]), x.values<double>()[i], 1e-15);
  const auto edge =
      run("erf_inv", {array<double>({3}, {1, -1, 1.5})}, {make_desc(KERAS_FLOAT64, {3})})[0].values<double>();
  EXPECT_EQ(edge[0], kInf);
  EXPECT_EQ(edge[1], -kInf);
  EXPECT_TRUE(std::isnan(edge[2]));
  // Values of Abramowitz and Stegun, table 6.1, and the reflection at -0.5.
  const auto d = array<double>({4}, {1, 2, 0.5, -0.5});
  const auto psi = run("digamma", {d}, {d.desc})[0].values<double>();
  EXPECT_NEAR(psi[0], -0.57721566490153286, 1e-14);
  EXPECT_NEAR(psi[1], 0.42278433509846714, 1e-14);
  EXPECT_NEAR(psi[2], -1.96351002602142348, 1e-14);
  EXPECT_NEAR(psi[3], 0.03648997397857652, 1e-13);
}

struct Pair {
  Shape a;
  Shape b;
};

const std::vector<Pair>& shape_pairs() {
  static const std::vector<Pair> pairs = {{{}, {}},
                                          {{4}, {4}},
                                          {{1000}, {1000}},
                                          {{1000}, {}},
                                          {{}, {1000}},
                                          {{7, 100}, {100}},
                                          {{7, 100}, {7, 1}},
                                          {{300, 3}, {3}},
                                          {{300, 3}, {300, 1}},
                                          {{1, 5}, {4, 1}},
                                          {{0, 3}, {3}},
                                          {{2, 0}, {1, 1}},
                                          {{2, 3, 4}, {3, 1}},
                                          {{2, 1, 4, 1}, {3, 1, 5}},
                                          {{5, 1, 3, 1, 2}, {1, 4, 3, 7, 1}},
                                          {{1, 1, 1}, {1}},
                                          {{600, 2, 1}, {600, 1, 2}},
                                          {{2, 3, 100}, {2, 1, 100}},
                                          {{33, 65}, {33, 65}}};
  return pairs;
}

// An op against a reference on every pair of shapes, and in the memory of its first operand.
template <class T>
void check_binary(const char* op, const std::function<double(T, T)>& reference, double low, double high) {
  for (const auto& [a_shape, b_shape] : shape_pairs()) {
    const Array a = uniform<T>(a_shape, low, high, 1);
    const Array b = uniform<T>(b_shape, low, high, 2);
    const Shape shape = broadcast(a_shape, b_shape);
    const keras_desc desc = make_desc(dtype_of<T>(), shape);
    for (const int donated : {-1, 0, 1}) {
      const auto y = as_double(run(op, {a, b}, {desc}, donated)[0]);
      ASSERT_EQ(y.size(), static_cast<size_t>(count_of(shape)));
      for (size_t i = 0; i < y.size(); ++i) {
        const T left = a.data<T>()[broadcast_index(static_cast<int64_t>(i), shape, a_shape)];
        const T right = b.data<T>()[broadcast_index(static_cast<int64_t>(i), shape, b_shape)];
        const double want = reference(left, right);
        ASSERT_NEAR(y[i], want, 1e-6 * std::fabs(want)) << op << " donated " << donated << " at " << i;
      }
    }
  }
}

template <class T>
void check_arithmetic(double low, double high) {
  check_binary<T>(
      "add", [](T a, T b) { return double(T(a + b)); }, low, high);
  check_binary<T>(
      "sub", [](T a, T b) { return double(T(a - b)); }, low, high);
  check_binary<T>(
      "mul", [](T a, T b) { return double(T(a * b)); }, low, high);
  check_binary<T>(
      "maximum", [](T a, T b) { return double(a > b ? a : b); }, low, high);
  check_binary<T>(
      "minimum", [](T a, T b) { return double(a < b ? a : b); }, low, high);
}

TEST(NativeElementwise, ArithmeticBroadcastsFloat) {
  check_arithmetic<float>(-5, 5);
  check_arithmetic<double>(-5, 5);
  check_binary<float>(
      "div", [](float a, float b) { return a / b; }, 1, 5);
  check_binary<float>(
      "rem", [](float a, float b) { return std::fmod(a, b); }, 1, 5);
  check_binary<float>(
      "pow", [](float a, float b) { return std::pow(a, b); }, 0.5, 3);
  check_binary<float>(
      "atan2", [](float a, float b) { return std::atan2(a, b); }, -2, 2);
  check_binary<double>(
      "nextafter", [](double a, double b) { return std::nextafter(a, b); }, -2, 2);
}

TEST(NativeElementwise, ArithmeticBroadcastsIntegers) {
  check_arithmetic<uint8_t>(0, 255);
  check_arithmetic<uint16_t>(0, 255);
  check_arithmetic<uint32_t>(0, 1000);
  check_arithmetic<uint64_t>(0, 1000);
  check_arithmetic<int8_t>(-100, 100);
  check_arithmetic<int16_t>(-180, 180);
  check_arithmetic<int32_t>(-1000, 1000);
  check_arithmetic<int64_t>(-1000, 1000);
  check_binary<int32_t>(
      "div", [](int32_t a, int32_t b) { return b == 0 ? 0 : a / b; }, -9, 9);
  check_binary<int8_t>(
      "rem", [](int8_t a, int8_t b) { return b == 0 ? 0 : a % b; }, -9, 9);
  check_binary<int32_t>(
      "pow", [](int32_t a, int32_t b) { return std::trunc(std::pow(a, b)); }, 1, 6);
  check_binary<int64_t>(
      "bit_and", [](int64_t a, int64_t b) { return double(a & b); }, -1000, 1000);
  check_binary<uint16_t>(
      "bit_or", [](uint16_t a, uint16_t b) { return a | b; }, 0, 1000);
  check_binary<int32_t>(
      "bit_xor", [](int32_t a, int32_t b) { return a ^ b; }, -1000, 1000);
}

TEST(NativeElementwise, IntegerCornersAreDefined) {
  const auto low = std::numeric_limits<int32_t>::min();
  const auto a = array<int32_t>({6}, {low, low, 7, -7, 2, -1});
  const auto b = array<int32_t>({6}, {-1, 0, 0, 2, -3, -3});
  EXPECT_EQ(run("div", {a, b}, {a.desc})[0].values<int32_t>(), (std::vector<int32_t>{low, 0, 0, -3, 0, 0}));
  EXPECT_EQ(run("rem", {a, b}, {a.desc})[0].values<int32_t>(), (std::vector<int32_t>{0, 0, 0, -1, 2, -1}));
  EXPECT_EQ(run("pow", {a, b}, {a.desc})[0].values<int32_t>(), (std::vector<int32_t>{0, 1, 1, 49, 0, -1}));
  EXPECT_EQ(run("neg", {a}, {a.desc})[0].values<int32_t>()[0], low);
  EXPECT_EQ(run("abs", {a}, {a.desc})[0].values<int32_t>()[0], low);
  const auto x = array<int8_t>({4}, {-128, 1, -1, 64});
  const auto s = array<int8_t>({4}, {9, 7, 8, 1});
  EXPECT_EQ(run("shl", {x, s}, {x.desc})[0].values<int8_t>(), (std::vector<int8_t>{0, -128, 0, -128}));
  EXPECT_EQ(run("shr", {x, s}, {x.desc})[0].values<int8_t>(), (std::vector<int8_t>{-1, 0, -1, 32}));
  const auto u = array<uint8_t>({2}, {255, 255});
  const auto t = array<uint8_t>({2}, {8, 1});
  EXPECT_EQ(run("shr", {u, t}, {u.desc})[0].values<uint8_t>(), (std::vector<uint8_t>{0, 127}));
}

TEST(NativeElementwise, MaximumAndMinimumKeepNaN) {
  const float nan = std::nanf("");
  const auto a = array<float>({3}, {nan, 1, 2});
  const auto b = array<float>({3}, {1, nan, 3});
  for (const char* op : {"maximum", "minimum"}) {
    const auto y = run(op, {a, b}, {a.desc})[0].values<float>();
    EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1])) << op;
    EXPECT_FALSE(std::isnan(y[2])) << op;
  }
}

TEST(NativeElementwise, PowersAreTheCLibrarysWithinTwoUnits) {
  const Array a = uniform<float>({5003}, 0.001, 40, 1);
  const Array b = uniform<float>({5003}, -12, 12, 2);
  const auto y = run("pow", {a, b}, {a.desc})[0].values<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    const double want =
        std::pow(static_cast<double>(a.data<float>()[i]), static_cast<double>(b.data<float>()[i]));
    ASSERT_LE(ulps<float>(y[i], want), 2);
  }
  std::vector<float> bases, exponents;
  for (const double base : special_values()) {
    for (const double exponent : special_values()) {
      bases.push_back(static_cast<float>(base));
      exponents.push_back(static_cast<float>(exponent));
    }
  }
  const auto n = static_cast<int64_t>(bases.size());
  const auto z =
      run("pow", {array<float>({n}, bases), array<float>({n}, exponents)}, {make_desc(KERAS_FLOAT32, {n})})[0]
          .values<float>();
  for (size_t i = 0; i < z.size(); ++i) {
    const double want = std::pow(static_cast<double>(bases[i]), static_cast<double>(exponents[i]));
    EXPECT_LE(ulps<float>(z[i], want), 2) << bases[i] << " to the power " << exponents[i];
  }
}

TEST(NativeElementwise, RegularisedIncompleteGamma) {
  // P(1, x) = 1 - e^-x; P(1/2, x) = erf(sqrt x); P(3, x) = 1 - e^-x (1 + x + x^2 / 2).
  for (const double x : {1e-4, 0.3, 1.0, 2.5, 10.0, 40.0}) {
    const auto a = array<double>({3}, {1, 0.5, 3});
    const auto v = array<double>({}, {x});
    const auto p = run("igamma", {a, v}, {a.desc})[0].values<double>();
    EXPECT_NEAR(p[0], -std::expm1(-x), 1e-13);
    EXPECT_NEAR(p[1], std::erf(std::sqrt(x)), 1e-13);
    EXPECT_NEAR(p[2], 1 - std::exp(-x) * (1 + x + x * x / 2), 1e-13);
  }
}

TEST(NativeElementwise, HalfTypesComputeInFloat) {
  for (const auto& [a_shape, b_shape] : shape_pairs()) {
    const Shape shape = broadcast(a_shape, b_shape);
    const auto a = uniform<BFloat16>(a_shape, -3, 3, 1);
    const auto b = uniform<BFloat16>(b_shape, -3, 3, 2);
    const auto y = run("mul", {a, b}, {make_desc(KERAS_BFLOAT16, shape)})[0].values<BFloat16>();
    const auto c = uniform<Half>(a_shape, -3, 3, 1);
    const auto d = uniform<Half>(b_shape, -3, 3, 2);
    const auto z = run("add", {c, d}, {make_desc(KERAS_FLOAT16, shape)})[0].values<Half>();
    for (size_t i = 0; i < y.size(); ++i) {
      const int64_t left = broadcast_index(static_cast<int64_t>(i), shape, a_shape);
      const int64_t right = broadcast_index(static_cast<int64_t>(i), shape, b_shape);
      ASSERT_EQ(y[i].bits, BFloat16(float(a.data<BFloat16>()[left]) * float(b.data<BFloat16>()[right])).bits);
      ASSERT_EQ(z[i].bits, Half(float(c.data<Half>()[left]) + float(d.data<Half>()[right])).bits);
    }
  }
}

TEST(NativeElementwise, EveryHalfSurvivesTheWayThroughFloat) {
  std::vector<Half> halves;
  for (uint32_t bits = 0; bits < 0x10000; ++bits)
    halves.push_back(Half::from_bits(static_cast<uint16_t>(bits)));
  const auto x = array<Half>({0x10000}, halves);
  const auto y = run("neg", {x}, {x.desc})[0].values<Half>();
  for (size_t i = 0; i < y.size(); ++i) {
    const float want = -static_cast<float>(halves[i]);
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(y[i])));
    } else {
      ASSERT_EQ(y[i].bits, Half(want).bits) << i;
    }
  }
}

TEST(NativeElementwise, NextAfterOfHalfTypesStepsTheirOwnBits) {
  const auto a = array<Half>({4}, {Half(1.0f), Half(1.0f), Half(0.0f), Half(-1.0f)});
  const auto b = array<Half>({4}, {Half(2.0f), Half(0.0f), Half(-1.0f), Half(0.0f)});
  const auto y = run("nextafter", {a, b}, {a.desc})[0].values<Half>();
  EXPECT_EQ(y[0].bits, 0x3c01);
  EXPECT_EQ(y[1].bits, 0x3bff);
  EXPECT_EQ(y[2].bits, 0x8001);
  EXPECT_EQ(y[3].bits, 0xbbff);
}

TEST(NativeElementwise, CompareEveryDirection) {
  const auto check = [](int64_t direction, const std::function<bool(double, double)>& reference) {
    for (const auto& [a_shape, b_shape] : shape_pairs()) {
      const Shape shape = broadcast(a_shape, b_shape);
      const auto a = uniform<int32_t>(a_shape, 0, 4, 1);
      const auto b = uniform<int32_t>(b_shape, 0, 4, 2);
      CompareAttributes attributes{};
      attributes.direction = direction;
      const auto y = run("compare", attributes, {a, b}, {make_desc(KERAS_BOOL, shape)})[0];
      for (int64_t i = 0; i < y.count(); ++i) {
        const double left = a.data<int32_t>()[broadcast_index(i, shape, a_shape)];
        const double right = b.data<int32_t>()[broadcast_index(i, shape, b_shape)];
        ASSERT_EQ(y.data<bool>()[i], reference(left, right)) << direction;
      }
    }
  };
  check(KERAS_EQ, [](double a, double b) { return a == b; });
  check(KERAS_NE, [](double a, double b) { return a != b; });
  check(KERAS_LT, [](double a, double b) { return a < b; });
  check(KERAS_LE, [](double a, double b) { return a <= b; });
  check(KERAS_GT, [](double a, double b) { return a > b; });
  check(KERAS_GE, [](double a, double b) { return a >= b; });
  CompareAttributes equal{};
  equal.direction = KERAS_EQ;
  const auto nan = array<float>({2}, {std::nanf(""), 1});
  EXPECT_EQ(run("compare", equal, {nan, nan}, {make_desc(KERAS_BOOL, {2})})[0].values<bool>(),
            (std::vector<bool>{false, true}));
}

TEST(NativeElementwise, SelectBroadcastsAllThree) {
  const std::vector<Shape> shapes = {{}, {65}, {3, 65}, {3, 1}};
  for (const auto& p : shapes) {
    for (const auto& a_shape : shapes) {
      for (const auto& b_shape : shapes) {
        const Shape shape = broadcast(p, broadcast(a_shape, b_shape));
        auto choice = empty(KERAS_BOOL, p);
        for (int64_t i = 0; i < choice.count(); ++i) choice.data<bool>()[i] = i % 3 == 0;
        const auto a = uniform<float>(a_shape, 0, 1, 3);
        const auto b = uniform<float>(b_shape, 0, 1, 4);
        const auto y = run("select", {choice, a, b}, {make_desc(KERAS_FLOAT32, shape)})[0];
        for (int64_t i = 0; i < y.count(); ++i) {
          const float want = choice.data<bool>()[broadcast_index(i, shape, p)]
                                 ? a.data<float>()[broadcast_index(i, shape, a_shape)]
                                 : b.data<float>()[broadcast_index(i, shape, b_shape)];
          ASSERT_EQ(y.data<float>()[i], want);
        }
      }
    }
  }
}

TEST(NativeElementwise, ComplexNumbers) {
  using C = std::complex<float>;
  const auto a = array<C>({3}, {{1, 2}, {-3, 0.5f}, {0, -1}});
  const auto b = array<C>({1}, {{2, -1}});
  const auto check = [&](const char* op, const std::function<C(C, C)>& reference) {
    const auto y = run(op, {a, b}, {a.desc})[0].values<C>();
    for (size_t i = 0; i < y.size(); ++i)
      EXPECT_LT(std::abs(y[i] - reference(a.data<C>()[i], b.data<C>()[0])), 1e-5f) << op;
  };
  check("add", [](C x, C y) { return x + y; });
  check("sub", [](C x, C y) { return x - y; });
  check("mul", [](C x, C y) { return x * y; });
  check("div", [](C x, C y) { return x / y; });
  check("pow", [](C x, C y) { return std::pow(x, y); });
  const keras_desc real = make_desc(KERAS_FLOAT32, {3});
  EXPECT_EQ(run("imag", {a}, {real})[0].values<float>(), (std::vector<float>{2, 0.5f, -1}));
  EXPECT_EQ(run("real", {a}, {real})[0].values<float>(), (std::vector<float>{1, -3, 0}));
  EXPECT_NEAR(run("abs", {a}, {real})[0].values<float>()[0], std::sqrt(5.0f), 1e-6);
  const auto made =
      run("complex", {array<float>({2}, {1, 2}), array<float>({}, {3})}, {make_desc(KERAS_COMPLEX64, {2})});
  EXPECT_EQ(made[0].values<C>(), (std::vector<C>{{1, 3}, {2, 3}}));
  CompareAttributes less{};
  less.direction = KERAS_LT;
  EXPECT_THROW(run("compare", less, {a, a}, {make_desc(KERAS_BOOL, {3})}), std::runtime_error);
}

TEST(NativeElementwise, BoolsFollowNumPy) {
  const auto a = array<bool>({4}, {false, false, true, true});
  const auto b = array<bool>({4}, {false, true, false, true});
  EXPECT_EQ(run("add", {a, b}, {a.desc})[0].values<bool>(), (std::vector<bool>{false, true, true, true}));
  EXPECT_EQ(run("mul", {a, b}, {a.desc})[0].values<bool>(), (std::vector<bool>{false, false, false, true}));
  EXPECT_EQ(run("bit_xor", {a, b}, {a.desc})[0].values<bool>(),
            (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(run("bit_not", {a}, {a.desc})[0].values<bool>(), (std::vector<bool>{true, true, false, false}));
  EXPECT_THROW(run("exp", {a}, {a.desc}), std::runtime_error);
}

TEST(NativeElementwise, LargeArraysThroughThreads) {
  const auto a = uniform<float>({1 << 20}, -1, 1, 5);
  const auto b = uniform<float>({1 << 10}, -1, 1, 6);
  const auto y = run("add", {array<float>({1 << 10, 1 << 10}, a.values<float>()), b},
                     {make_desc(KERAS_FLOAT32, {1 << 10, 1 << 10})})[0];
  for (int64_t i = 0; i < y.count(); ++i)
    ASSERT_EQ(y.data<float>()[i], a.data<float>()[i] + b.data<float>()[i % 1024]);
}

}  // namespace
}  // namespace keras::native_test
