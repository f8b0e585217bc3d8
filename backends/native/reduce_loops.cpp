// SPDX-License-Identifier: Apache-2.0
#include "reduce.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "reduce_loops.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <algorithm>
#include <limits>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
using Word =
    std::conditional_t<std::is_floating_point_v<T>, T, std::conditional_t<sizeof(T) < 4, uint32_t, T>>;

struct Sum {
  template <class T>
  static constexpr T identity() {
    return T{0};
  }
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Word<T>>(a) + static_cast<Word<T>>(b));
  }
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::Add(a, b);
  }
};
struct Prod {
  template <class T>
  static constexpr T identity() {
    return T{1};
  }
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Word<T>>(a) * static_cast<Word<T>>(b));
  }
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::Mul(a, b);
  }
};
struct Max {
  template <class T>
  static constexpr T identity() {
    return std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity()
                                       : std::numeric_limits<T>::lowest();
  }
  template <class T>
  T operator()(T a, T b) const {
    const T larger = a > b ? a : b;
    return a != a ? a : larger;
  }
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b);
  }
};
struct Min {
  template <class T>
  static constexpr T identity() {
    return std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  template <class T>
  T operator()(T a, T b) const {
    const T smaller = a < b ? a : b;
    return a != a ? a : smaller;
  }
  template <class D, class V>
  V operator()(D, V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b);
  }
};

// Contiguous floats into one: four vectors run side by side.
template <class F, class T>
T FloatRow(const T* HWY_RESTRICT x, int64_t count) {
  const F f{};
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto a = hn::Set(d, F::template identity<T>());
  auto b = a;
  auto c = a;
  auto e = a;
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    a = f(d, a, hn::LoadU(d, x + i));
    b = f(d, b, hn::LoadU(d, x + i + lanes));
    c = f(d, c, hn::LoadU(d, x + i + 2 * lanes));
    e = f(d, e, hn::LoadU(d, x + i + 3 * lanes));
  }
  for (; i + lanes <= count; i += lanes) a = f(d, a, hn::LoadU(d, x + i));
  a = f(d, f(d, a, b), f(d, c, e));
  HWY_ALIGN T partial[hn::MaxLanes(d)];
  hn::Store(a, d, partial);
  T result = F::template identity<T>();
  for (; i < count; ++i) result = f(result, x[i]);
  for (int64_t step = lanes / 2; step > 0; step /= 2) {
    for (int64_t j = 0; j < step; ++j) partial[j] = f(partial[j], partial[j + step]);
  }
  return f(result, partial[0]);
}

// The compiler may reorder integers by itself.
template <class F, class T>
T PlainRow(const T* HWY_RESTRICT x, int64_t count) {
  const F f{};
  T result = F::template identity<T>();
  for (int64_t i = 0; i < count; ++i) result = f(result, x[i]);
  return result;
}

template <class F, class T>
T OneRow(const T* x, int64_t count) {
  if constexpr (std::is_floating_point_v<T>) {
    return FloatRow<F>(x, count);
  } else {
    return PlainRow<F>(x, count);
  }
}

constexpr int64_t kBlockVectors = 64;  // vectors of floats added up before a double takes them over
constexpr int64_t kBlockRows = 32;
constexpr int64_t kTileColumns = 512;

// acc[j] = f(acc[j], rows of x), for at most kTileColumns columns.
template <class F, class T>
void AddRows(const T* HWY_RESTRICT x, int64_t rows, int64_t stride, int64_t columns, T* HWY_RESTRICT acc) {
  const F f{};
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const T* HWY_RESTRICT x0 = x + r * stride;
    const T* HWY_RESTRICT x1 = x0 + stride;
    const T* HWY_RESTRICT x2 = x1 + stride;
    const T* HWY_RESTRICT x3 = x2 + stride;
    for (int64_t j = 0; j < columns; ++j) acc[j] = f(acc[j], f(f(x0[j], x1[j]), f(x2[j], x3[j])));
  }
  for (; r < rows; ++r) {
    const T* HWY_RESTRICT x0 = x + r * stride;
    for (int64_t j = 0; j < columns; ++j) acc[j] = f(acc[j], x0[j]);
  }
}

template <class F, class T>
constexpr bool kWide = std::is_same_v<F, Sum>&& std::is_floating_point_v<T>;
template <class F, class T>
using Accumulator = std::conditional_t<kWide<F, T>, double, T>;

template <class F, class T>
void Columns(const T* x, int64_t rows, int64_t stride, int64_t columns, Accumulator<F, T>* out) {
  T partial[kTileColumns];
  for (int64_t c0 = 0; c0 < columns; c0 += kTileColumns) {
    const int64_t width = std::min(kTileColumns, columns - c0);
    if constexpr (kWide<F, T>) {
      for (int64_t j = 0; j < width; ++j) out[c0 + j] = 0;
      for (int64_t r0 = 0; r0 < rows; r0 += kBlockRows) {
        for (int64_t j = 0; j < width; ++j) partial[j] = 0;
        AddRows<F>(x + r0 * stride + c0, std::min(kBlockRows, rows - r0), stride, width, partial);
        for (int64_t j = 0; j < width; ++j) out[c0 + j] += static_cast<double>(partial[j]);
      }
    } else {
      for (int64_t j = 0; j < width; ++j) out[c0 + j] = F::template identity<T>();
      AddRows<F>(x + c0, rows, stride, width, out + c0);
    }
  }
}

template <class F, class T>
void Reduce(const void* source, int64_t rows, int64_t stride, int64_t columns, void* accumulators) {
  const F f{};
  const T* x = static_cast<const T*>(source);
  auto* out = static_cast<Accumulator<F, T>*>(accumulators);
  if (columns == 1 && stride == 1) {
    if constexpr (kWide<F, T>) {
      double total = 0;
      const int64_t block = kBlockVectors * static_cast<int64_t>(hn::Lanes(hn::ScalableTag<T>()));
      for (int64_t i = 0; i < rows; i += block) {
        total += static_cast<double>(OneRow<F>(x + i, std::min(block, rows - i)));
      }
      out[0] = total;
    } else {
      out[0] = OneRow<F>(x, rows);
    }
    return;
  }
  // Narrow rows that follow each other without a gap: several are handled as one wide row, and its parts
  // reduced at the end.
  constexpr int64_t kNarrow = 64;
  const int64_t fold = kNarrow / columns;
  if (stride == columns && fold > 1 && rows >= 4 * fold) {
    Accumulator<F, T> wide[kNarrow];
    const int64_t full = rows / fold;
    Columns<F>(x, full, fold * columns, fold * columns, wide);
    Columns<F>(x + full * fold * columns, rows - full * fold, stride, columns, out);
    for (int64_t k = 0; k < fold; ++k) {
      for (int64_t j = 0; j < columns; ++j) out[j] = f(out[j], wide[k * columns + j]);
    }
    return;
  }
  Columns<F>(x, rows, stride, columns, out);
}

template <class F>
RowReducer OfType(int32_t dtype) {
  switch (dtype) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return Reduce<F, uint8_t>;
    case KERAS_UINT16:
      return Reduce<F, uint16_t>;
    case KERAS_UINT32:
      return Reduce<F, uint32_t>;
    case KERAS_UINT64:
      return Reduce<F, uint64_t>;
    case KERAS_INT8:
      return Reduce<F, int8_t>;
    case KERAS_INT16:
      return Reduce<F, int16_t>;
    case KERAS_INT32:
      return Reduce<F, int32_t>;
    case KERAS_INT64:
      return Reduce<F, int64_t>;
    case KERAS_FLOAT32:
      return Reduce<F, float>;
    case KERAS_FLOAT64:
      return Reduce<F, double>;
    default:
      return nullptr;
  }
}

// Overflow of signed sums and products must wrap: they run as unsigned.
int32_t Unsigned(int32_t dtype) {
  return dtype >= KERAS_INT8 && dtype <= KERAS_INT64 ? dtype - KERAS_INT8 + KERAS_UINT8 : dtype;
}

RowReducer FindReducer(Reduction kind, int32_t dtype) {
  // Of bools a sum is "or" and a product "and".
  if (dtype == KERAS_BOOL && kind == Reduction::kSum) kind = Reduction::kMax;
  if (dtype == KERAS_BOOL && kind == Reduction::kProd) kind = Reduction::kMin;
  switch (kind) {
    case Reduction::kSum:
      return OfType<Sum>(Unsigned(dtype));
    case Reduction::kProd:
      return OfType<Prod>(Unsigned(dtype));
    case Reduction::kMax:
      return OfType<Max>(dtype);
    default:
      return OfType<Min>(dtype);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(FindReducer);

RowReducer find_reducer(Reduction kind, int32_t dtype) {
  return HWY_DYNAMIC_DISPATCH(FindReducer)(kind, dtype);
}

}  // namespace keras::native
#endif
