// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <complex>
#include <type_traits>

#include "elementwise.h"
#include "half.h"

// Running sums, products and extremes along an axis.
namespace keras::native {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kTile = 64;

template <int64_t kKind, class A>
A fold(A a, A b) {
  if constexpr (kKind == KERAS_CUM_SUM || kKind == KERAS_CUM_PROD) {
    if constexpr (std::is_integral_v<A>) {
      using Word = std::conditional_t<sizeof(A) < 4, uint32_t, std::make_unsigned_t<A>>;
      const Word left = static_cast<Word>(a);
      const Word right = static_cast<Word>(b);
      return static_cast<A>(kKind == KERAS_CUM_SUM ? left + right : left * right);
    } else {
      return kKind == KERAS_CUM_SUM ? a + b : a * b;
    }
  } else if constexpr (std::is_same_v<A, std::complex<float>>) {
    return a;
  } else {
    if (a != a) return a;
    if (b != b) return b;
    return kKind == KERAS_CUM_MAX ? std::max(a, b) : std::min(a, b);
  }
}

// Rows of (rows, columns), columns first..last-1; a float sum runs in double.
using Cumulate = void (*)(const void* x, void* y, int64_t rows, int64_t columns, int64_t first, int64_t last,
                          bool reverse);

template <int64_t kKind, class T>
void cumulate(const void* source, void* target, int64_t rows, int64_t columns, int64_t first, int64_t last,
              bool reverse) {
  using A = std::conditional_t<std::is_same_v<T, float> && kKind == KERAS_CUM_SUM, double, T>;
  const T* x = static_cast<const T*>(source);
  T* y = static_cast<T*>(target);
  const int64_t step = reverse ? -columns : columns;
  const int64_t start = reverse ? (rows - 1) * columns : 0;
  if (columns == 1) {
    A running = static_cast<A>(x[start]);
    y[start] = static_cast<T>(running);
    for (int64_t r = 1, at = start + step; r < rows; ++r, at += step) {
      running = fold<kKind, A>(running, static_cast<A>(x[at]));
      y[at] = static_cast<T>(running);
    }
    return;
  }
  A running[kTile];
  for (int64_t c0 = first; c0 < last; c0 += kTile) {
    const int64_t width = std::min(kTile, last - c0);
    int64_t at = start + c0;
    for (int64_t j = 0; j < width; ++j) {
      running[j] = static_cast<A>(x[at + j]);
      y[at + j] = x[at + j];
    }
    for (int64_t r = 1; r < rows; ++r) {
      at += step;
      for (int64_t j = 0; j < width; ++j) {
        running[j] = fold<kKind, A>(running[j], static_cast<A>(x[at + j]));
        y[at + j] = static_cast<T>(running[j]);
      }
    }
  }
}

template <int64_t kKind>
Cumulate of_type(int32_t dtype) {
  constexpr bool ordered = kKind == KERAS_CUM_MAX || kKind == KERAS_CUM_MIN;
  switch (dtype) {
    case KERAS_UINT8:
      return cumulate<kKind, uint8_t>;
    case KERAS_UINT16:
      return cumulate<kKind, uint16_t>;
    case KERAS_UINT32:
      return cumulate<kKind, uint32_t>;
    case KERAS_UINT64:
      return cumulate<kKind, uint64_t>;
    case KERAS_INT8:
      return cumulate<kKind, int8_t>;
    case KERAS_INT16:
      return cumulate<kKind, int16_t>;
    case KERAS_INT32:
      return cumulate<kKind, int32_t>;
    case KERAS_INT64:
      return cumulate<kKind, int64_t>;
    case KERAS_FLOAT32:
      return cumulate<kKind, float>;
    case KERAS_FLOAT64:
      return cumulate<kKind, double>;
    case KERAS_BOOL:
      return ordered ? cumulate<kKind, uint8_t> : nullptr;
    default:
      return ordered ? nullptr : cumulate<kKind, std::complex<float>>;
  }
}

Cumulate find_cumulate(int64_t kind, int32_t dtype) {
  // Of bools a sum is "or" and a product "and".
  if (dtype == KERAS_BOOL && kind == KERAS_CUM_SUM) kind = KERAS_CUM_MAX;
  if (dtype == KERAS_BOOL && kind == KERAS_CUM_PROD) kind = KERAS_CUM_MIN;
  switch (kind) {
    case KERAS_CUM_SUM:
      return of_type<KERAS_CUM_SUM>(dtype);
    case KERAS_CUM_PROD:
      return of_type<KERAS_CUM_PROD>(dtype);
    case KERAS_CUM_MAX:
      return of_type<KERAS_CUM_MAX>(dtype);
    default:
      return of_type<KERAS_CUM_MIN>(dtype);
  }
}

class CumulateKernel final : public keras_kernel {
 public:
  CumulateKernel(const keras_op& op, Cumulate loop)
      : loop_(loop), dtype_(op.inputs[0].dtype), reverse_(attributes<CumulateAttributes>(op).reverse != 0) {
    const keras_desc& operand = op.inputs[0];
    const int64_t axis = attributes<CumulateAttributes>(op).axis;
    for (int i = 0; i < operand.rank; ++i)
      (i < axis ? outer_ : i == axis ? rows_ : columns_) *= operand.shape[i];
  }

  bool may_overwrite(int, int) const override { return true; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t count = outer_ * rows_ * columns_;
    void* to = output(out[0]);
    if (count == 0) return;
    if (!is_half(dtype_)) return run_wide(input_as<char>(in[0]), static_cast<char*>(to), dtype_size(dtype_));
    const Scratch wide(static_cast<size_t>(count) * sizeof(float));
    half_to_float(dtype_, in[0].buffer->data, wide.as<float>(), count);
    run_wide(wide.as<char>(), wide.as<char>(), sizeof(float));
    float_to_half(dtype_, wide.as<float>(), to, count);
  }

 private:
  void run_wide(const char* from, char* to, size_t width) const {
    const int64_t tiles = (columns_ + kTile - 1) / kTile;
    const int64_t work = rows_ * std::min(columns_, kTile);
    parallel_for(outer_ * tiles, std::max<int64_t>(1, kGrain / work), [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t offset = item / tiles * rows_ * columns_ * static_cast<int64_t>(width);
        const int64_t first = item % tiles * kTile;
        loop_(from + offset, to + offset, rows_, columns_, first, std::min(columns_, first + kTile),
              reverse_);
      }
    });
  }

  Cumulate loop_;
  int32_t dtype_;
  bool reverse_;
  int64_t outer_ = 1;
  int64_t rows_ = 1;
  int64_t columns_ = 1;
};

std::unique_ptr<keras_kernel> make_cumulate(const keras_op& op, std::string& reason) {
  const Cumulate loop =
      find_cumulate(attributes<CumulateAttributes>(op).kind, compute_dtype(op.inputs[0].dtype));
  if (loop != nullptr) return std::make_unique<CumulateKernel>(op, loop);
  reason = "complex numbers have no order";
  return nullptr;
}

const bool registered = register_kernel("cumulate", make_cumulate);

}  // namespace
}  // namespace keras::native
