// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "backends/native/plugin.h"

namespace keras::native_test {
namespace {

// Elements that tell their own position.
template <class T>
Array counting(const Shape& shape) {
  Array x = empty(dtype_of<T>(), shape);
  for (int64_t i = 0; i < x.count(); ++i) x.data<T>()[i] = static_cast<T>(i);
  return x;
}

Shape unravel(int64_t flat, const Shape& shape) {
  Shape index(shape.size());
  for (size_t back = shape.size(); back-- > 0;) {
    index[back] = flat % shape[back];
    flat /= shape[back];
  }
  return index;
}

int64_t ravel(const Shape& index, const Shape& shape) {
  int64_t flat = 0;
  for (size_t i = 0; i < shape.size(); ++i) flat = flat * shape[i] + index[i];
  return flat;
}

// Compares with the element of x at the index that `source` gives; a negative one stands for `missing`.
template <class T>
void expect_moved(const Array& y, const Array& x, const Shape& shape,
                  const std::function<Shape(Shape)>& source, T missing = T()) {
  for (int64_t i = 0; i < y.count(); ++i) {
    const Shape from = source(unravel(i, shape));
    const bool none = !from.empty() && from[0] < 0;
    const T want = none ? missing : x.data<T>()[ravel(from, shape_of(x.desc))];
    ASSERT_EQ(y.data<T>()[i], want) << i;
  }
}

template <class T>
void check_transpose() {
  const std::vector<Shape> shapes = {{7},          {3, 5},       {100, 130}, {2, 3, 4},       {5, 33, 70},
                                     {2, 3, 4, 5}, {1, 3, 1, 5}, {0, 3},     {2, 3, 2, 3, 2}, {8, 28, 28, 3}};
  for (const Shape& shape : shapes) {
    Shape permutation(shape.size());
    std::iota(permutation.begin(), permutation.end(), 0);
    const Array x = counting<T>(shape);
    do {
      Shape result;
      for (const int64_t axis : permutation) result.push_back(shape[static_cast<size_t>(axis)]);
      PermutationAttributes attributes{};
      attributes.permutation = list(permutation);
      const Array y = run("transpose", attributes, {x}, {make_desc(dtype_of<T>(), result)})[0];
      expect_moved<T>(y, x, result, [&](const Shape& index) {
        Shape from(shape.size());
        for (size_t i = 0; i < index.size(); ++i) from[static_cast<size_t>(permutation[i])] = index[i];
        return from;
      });
    } while (std::next_permutation(permutation.begin(), permutation.end()));
  }
}

TEST(NativeMovement, TransposeEveryPermutation) {
  check_transpose<float>();
  check_transpose<uint8_t>();
  check_transpose<uint16_t>();
  check_transpose<double>();
}

TEST(NativeMovement, BroadcastTo) {
  const std::vector<std::pair<Shape, Shape>> pairs = {
      {{}, {3, 4}}, {{4}, {3, 4}}, {{3, 1}, {3, 4}},      {{3, 1, 5}, {2, 3, 4, 5}},
      {{1}, {0}},   {{3}, {3}},    {{200, 1}, {200, 300}}};
  for (const auto& [from, to] : pairs) {
    const Array x = counting<float>(from);
    ShapeAttributes attributes{};
    attributes.shape = list(to);
    const Array y = run("broadcast_to", attributes, {x}, {make_desc(KERAS_FLOAT32, to)})[0];
    for (int64_t i = 0; i < y.count(); ++i) {
      ASSERT_EQ(y.data<float>()[i], x.data<float>()[broadcast_index(i, to, from)]);
    }
  }
}

TEST(NativeMovement, SliceAndReverse) {
  const Array x = counting<int32_t>({5, 6, 7});
  SliceAttributes slice{};
  slice.start = list({1, 0, 2});
  slice.limit = list({5, 6, 7});
  slice.stride = list({2, 1, 3});
  const Shape result = {2, 6, 2};
  expect_moved<int32_t>(run("slice", slice, {x}, {make_desc(KERAS_INT32, result)})[0], x, result,
                        [](const Shape& i) {
                          return Shape{1 + 2 * i[0], i[1], 2 + 3 * i[2]};
                        });
  for (const Shape& axes : {Shape{0}, Shape{2}, Shape{0, 2}, Shape{0, 1, 2}, Shape{}}) {
    AxesAttributes reverse{};
    reverse.axes = list(axes);
    expect_moved<int32_t>(run("reverse", reverse, {x}, {x.desc})[0], x, {5, 6, 7}, [&](Shape i) {
      for (const int64_t axis : axes)
        i[static_cast<size_t>(axis)] =
            shape_of(x.desc)[static_cast<size_t>(axis)] - 1 - i[static_cast<size_t>(axis)];
      return i;
    });
  }
}

TEST(NativeMovement, PadInsideOutsideAndCropping) {
  const Array x = counting<float>({4, 5});
  const Array fill = array<float>({}, {-1});
  const std::vector<std::array<Shape, 3>> pads = {
      {Shape{1, 2}, Shape{3, 0}, Shape{0, 0}}, {Shape{-1, 2}, Shape{-2, -3}, Shape{0, 0}},
      {Shape{0, 1}, Shape{1, 0}, Shape{2, 1}}, {Shape{-1, -3}, Shape{-2, -1}, Shape{2, 1}},
      {Shape{0, 0}, Shape{0, 0}, Shape{0, 0}}, {Shape{-3, 4}, Shape{1, -8}, Shape{0, 0}}};
  for (const auto& pad : pads) {
    const Shape &low = pad[0], &high = pad[1], &interior = pad[2];
    Shape result;
    for (size_t a = 0; a < 2; ++a) {
      const int64_t n = shape_of(x.desc)[a];
      result.push_back(low[a] + n + (n - 1) * interior[a] + high[a]);
    }
    PadAttributes attributes{};
    attributes.low = list(low);
    attributes.high = list(high);
    attributes.interior = list(interior);
    const Array y = run("pad", attributes, {x, fill}, {make_desc(KERAS_FLOAT32, result)})[0];
    expect_moved<float>(
        y, x, result,
        [&](const Shape& i) {
          Shape from;
          for (size_t a = 0; a < 2; ++a) {
            const int64_t position = i[a] - low[a];
            const int64_t gap = interior[a] + 1;
            if (position < 0 || position % gap != 0 || position / gap >= shape_of(x.desc)[a])
              return Shape{-1, -1};
            from.push_back(position / gap);
          }
          return from;
        },
        -1.0f);
  }
}

TEST(NativeMovement, Concat) {
  for (const int64_t axis : {0, 1, 2}) {
    std::vector<Array> parts;
    Shape result = {2, 3, 4};
    result[static_cast<size_t>(axis)] = 0;
    for (const int64_t extent : {1, 0, 5, 2}) {
      Shape shape = {2, 3, 4};
      shape[static_cast<size_t>(axis)] = extent;
      result[static_cast<size_t>(axis)] += extent;
      parts.push_back(uniform<double>(shape, 0, 1, static_cast<unsigned>(extent)));
    }
    AxisAttributes attributes{};
    attributes.axis = axis;
    const Array y = run("concat", attributes, parts, {make_desc(KERAS_FLOAT64, result)})[0];
    for (int64_t i = 0; i < y.count(); ++i) {
      Shape index = unravel(i, result);
      size_t part = 0;
      while (index[static_cast<size_t>(axis)] >= parts[part].desc.shape[axis]) {
        index[static_cast<size_t>(axis)] -= parts[part++].desc.shape[axis];
      }
      ASSERT_EQ(y.data<double>()[i], parts[part].data<double>()[ravel(index, shape_of(parts[part].desc))]);
    }
  }
}

TEST(NativeMovement, DynamicSlicesAreClamped) {
  const Array x = counting<float>({6, 7});
  for (const auto& [start, first] : std::vector<std::pair<std::vector<int32_t>, Shape>>{
           {{1, 2}, {1, 2}}, {{-3, 9}, {0, 4}}, {{5, -1}, {4, 0}}}) {
    SizesAttributes sizes{};
    sizes.sizes = list({2, 3});
    const Array at = array<int32_t>({2}, start);
    const Shape origin = first;
    const Array y = run("dynamic_slice", sizes, {x, at}, {make_desc(KERAS_FLOAT32, {2, 3})})[0];
    expect_moved<float>(y, x, {2, 3}, [&](const Shape& i) {
      return Shape{origin[0] + i[0], origin[1] + i[1]};
    });
    const Array update = uniform<float>({2, 3}, -2, -1);
    for (const int donated : {-1, 0}) {
      const Array z = run("dynamic_update_slice", {x, update, at}, {x.desc}, donated)[0];
      for (int64_t i = 0; i < z.count(); ++i) {
        const Shape index = unravel(i, {6, 7});
        const int64_t r = index[0] - origin[0];
        const int64_t c = index[1] - origin[1];
        const bool inside = r >= 0 && r < 2 && c >= 0 && c < 3;
        ASSERT_EQ(z.data<float>()[i], inside ? update.data<float>()[r * 3 + c] : x.data<float>()[i]);
      }
    }
  }
}

TEST(NativeMovement, ReshapeSharesMemoryAndSharedMemoryIsNeverOverwritten) {
  const Array x = counting<float>({6});
  keras_buffer* buffer = upload(x);
  ShapeAttributes shape{};
  shape.struct_size = sizeof(shape);
  shape.shape = list({2, 3});
  const keras_desc result = make_desc(KERAS_FLOAT32, {2, 3});
  const Prepared reshape("reshape", &shape, sizeof(shape), {x.desc}, {result});
  const keras_tensor operand{buffer, x.desc};
  keras_tensor view{nullptr, result};
  ASSERT_EQ(table().launch(reshape.kernel(), nullptr, &operand, 1, &view, 1), KERAS_OK);
  EXPECT_EQ(view.buffer, buffer);
  // The operand is donated to a negation while the reshaped tensor still reads the same memory.
  NoAttributes none{sizeof(NoAttributes)};
  const Prepared neg("neg", &none, sizeof(none), {x.desc}, {x.desc});
  table().retain(buffer);
  keras_tensor negated{buffer, x.desc};
  ASSERT_EQ(table().launch(neg.kernel(), nullptr, &operand, 1, &negated, 1), KERAS_OK);
  EXPECT_NE(negated.buffer, buffer);
  EXPECT_EQ(download(view.buffer, result).values<float>(), x.values<float>());
  table().free(negated.buffer);
  table().free(view.buffer);
  table().free(buffer);
}

TEST(NativeMovement, ConstantsIotaAndDimSize) {
  ConstantAttributes constant{};
  constant.shape = list({2, 2});
  constant.real = 1.5;
  constant.imag = -2;
  constant.integer = -7;
  const auto made = [&](int32_t dtype) {
    constant.dtype = dtype;
    return run("constant", constant, {}, {make_desc(dtype, {2, 2})})[0];
  };
  EXPECT_EQ(made(KERAS_FLOAT32).values<float>(), (std::vector<float>(4, 1.5f)));
  EXPECT_EQ(made(KERAS_BFLOAT16).values<BFloat16>()[3].bits, BFloat16(1.5f).bits);
  EXPECT_EQ(made(KERAS_INT64).values<int64_t>(), (std::vector<int64_t>(4, -7)));
  EXPECT_EQ(made(KERAS_BOOL).values<bool>(), (std::vector<bool>(4, true)));
  EXPECT_EQ(made(KERAS_COMPLEX64).values<std::complex<float>>()[0], std::complex<float>(1.5f, -2));
  for (const int64_t axis : {0, 1, 2}) {
    IotaAttributes iota{};
    iota.shape = list({3, 4, 5});
    iota.axis = axis;
    for (const int32_t dtype : {KERAS_INT32, KERAS_FLOAT16, KERAS_FLOAT64, KERAS_UINT8}) {
      iota.dtype = dtype;
      const auto y = as_double(run("iota", iota, {}, {make_desc(dtype, {3, 4, 5})})[0]);
      for (int64_t i = 0; i < 60; ++i) {
        ASSERT_EQ(y[static_cast<size_t>(i)], unravel(i, {3, 4, 5})[static_cast<size_t>(axis)]);
      }
    }
  }
  AxisAttributes axis{};
  axis.axis = 1;
  EXPECT_EQ(
      run("dim_size", axis, {counting<float>({3, 4})}, {make_desc(KERAS_INT32, {})})[0].values<int32_t>()[0],
      4);
}

template <class T, class R>
void check_cast(const std::vector<T>& from, const std::vector<R>& to) {
  std::vector<T> many;
  for (int i = 0; i < 9; ++i) many.insert(many.end(), from.begin(), from.end());
  const auto n = static_cast<int64_t>(many.size());
  CastAttributes attributes{};
  attributes.dtype = dtype_of<R>();
  const Array y = run("cast", attributes, {array<T>({n}, many)}, {make_desc(dtype_of<R>(), {n})})[0];
  for (int64_t i = 0; i < n; ++i) {
    const R want = to[static_cast<size_t>(i) % to.size()];
    EXPECT_EQ(y.data<R>()[i], want) << dtype_of<T>() << " to " << dtype_of<R>() << " at " << i;
  }
}

TEST(NativeMovement, CastsTruncateWrapAndSaturate) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> floats = {1.9f,  -1.9f,  300, -300, 3e9f,         -3e9f,
                                     1e20f, -1e20f, inf, -inf, std::nanf("")};
  const auto max32 = std::numeric_limits<int32_t>::max();
  const auto min32 = std::numeric_limits<int32_t>::min();
  const auto max64 = std::numeric_limits<int64_t>::max();
  const auto min64 = std::numeric_limits<int64_t>::min();
  check_cast<float, int32_t>(floats, {1, -1, 300, -300, max32, min32, max32, min32, max32, min32, 0});
  check_cast<float, int64_t>(floats,
                             {1, -1, 300, -300, 3000000000, -3000000000, max64, min64, max64, min64, 0});
  check_cast<float, uint8_t>(floats, {1, 0, 255, 0, 255, 0, 255, 0, 255, 0, 0});
  check_cast<float, int8_t>(floats, {1, -1, 127, -128, 127, -128, 127, -128, 127, -128, 0});
  check_cast<float, uint32_t>(floats, {1, 0, 300, 0, 3000000000u, 0, 4294967295u, 0, 4294967295u, 0, 0});
  check_cast<double, int32_t>({2147483646.5, -2147483648.0, 2147483648.0}, {2147483646, min32, max32});
  check_cast<int32_t, uint8_t>({-1, 256, 257}, {255, 0, 1});
  check_cast<int64_t, float>({1, -5, int64_t{1} << 40}, {1, -5, 1099511627776.0f});
  check_cast<uint64_t, double>({std::numeric_limits<uint64_t>::max()}, {18446744073709551616.0});
  check_cast<float, bool>({0, 0.5f, -1, std::nanf("")}, {false, true, true, true});
  check_cast<bool, float>({true, false}, {1, 0});
  check_cast<bool, Half>({true, false}, {Half(1.0f), Half(0.0f)});
  check_cast<Half, BFloat16>({Half(1.5f), Half(-2.0f)}, {BFloat16(1.5f), BFloat16(-2.0f)});
  check_cast<double, Half>({0.1, 1e6}, {Half(0.1f), Half(inf)});
  check_cast<BFloat16, int32_t>({BFloat16(3.5f), BFloat16(-7.0f)}, {3, -7});
  using C = std::complex<float>;
  check_cast<C, float>({{1, 2}, {-3, 0}}, {1, -3});
  check_cast<C, bool>({{0, 0}, {0, 1}}, {false, true});
  check_cast<int32_t, C>({4, -2}, {{4, 0}, {-2, 0}});
  check_cast<C, C>({{4, 1}}, {{4, 1}});
}

TEST(NativeMovement, EveryPairOfDtypesCasts) {
  for (int32_t from = KERAS_BOOL; from <= KERAS_COMPLEX64; ++from) {
    for (int32_t to = KERAS_BOOL; to <= KERAS_COMPLEX64; ++to) {
      ConstantAttributes one{};
      one.dtype = from;
      one.real = 1;
      one.integer = 1;
      const Array x = run("constant", one, {}, {make_desc(from, {5})})[0];
      CastAttributes attributes{};
      attributes.dtype = to;
      EXPECT_EQ(as_double(run("cast", attributes, {x}, {make_desc(to, {5})})[0]), std::vector<double>(5, 1))
          << from << " to " << to;
    }
  }
}

TEST(NativeMovement, BitcastKeepsBits) {
  CastAttributes attributes{};
  attributes.dtype = KERAS_UINT32;
  EXPECT_EQ(run("bitcast", attributes, {array<float>({2}, {1, -2})}, {make_desc(KERAS_UINT32, {2})})[0]
                .values<uint32_t>(),
            (std::vector<uint32_t>{0x3f800000u, 0xc0000000u}));
}

}  // namespace
}  // namespace keras::native_test
