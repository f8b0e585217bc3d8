// SPDX-License-Identifier: Apache-2.0
// Batch normalization over leading axes: the tensor is (rows, channels), vectors run along the channels.
#include <algorithm>
#include <cmath>
#include <vector>

#include "axis_split.h"
#include "through_float32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "batch_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Mean and squared deviations of `rows` rows join those of the `before` rows seen so far (Chan, Golub and
// LeVeque 1979). The block is small enough to be read twice from the cache.
template <class D, class T>
HWY_INLINE int64_t moments_of_block(D d, const T* x, int64_t before, int64_t rows, int64_t channels, T* mean,
                                    T* squares, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto share = hn::Set(d, T(1) / static_cast<T>(rows));
  const T total = static_cast<T>(before + rows);
  const auto mean_weight = hn::Set(d, static_cast<T>(rows) / total);
  const auto square_weight = hn::Set(d, static_cast<T>(before) * (static_cast<T>(rows) / total));
  for (; c + lanes <= channels; c += lanes) {
    auto even = hn::Zero(d), odd = hn::Zero(d);
    int64_t r = 0;
    for (; r + 2 <= rows; r += 2) {
      even = hn::Add(even, hn::LoadU(d, x + r * channels + c));
      odd = hn::Add(odd, hn::LoadU(d, x + (r + 1) * channels + c));
    }
    if (r < rows) even = hn::Add(even, hn::LoadU(d, x + r * channels + c));
    const auto block_mean = hn::Mul(hn::Add(even, odd), share);
    even = odd = hn::Zero(d);
    for (r = 0; r + 2 <= rows; r += 2) {
      const auto a = hn::Sub(hn::LoadU(d, x + r * channels + c), block_mean);
      const auto b = hn::Sub(hn::LoadU(d, x + (r + 1) * channels + c), block_mean);
      even = hn::MulAdd(a, a, even);
      odd = hn::MulAdd(b, b, odd);
    }
    if (r < rows) {
      const auto a = hn::Sub(hn::LoadU(d, x + r * channels + c), block_mean);
      even = hn::MulAdd(a, a, even);
    }
    const auto old_mean = hn::LoadU(d, mean + c);
    const auto delta = hn::Sub(block_mean, old_mean);
    hn::StoreU(hn::MulAdd(delta, mean_weight, old_mean), d, mean + c);
    const auto sum = hn::Add(hn::LoadU(d, squares + c), hn::Add(even, odd));
    hn::StoreU(hn::MulAdd(hn::Mul(delta, delta), square_weight, sum), d, squares + c);
  }
  return c;
}

template <class T>
void moments(const T* x, int64_t rows, int64_t channels, T* mean, T* squares) {
  std::fill_n(mean, channels, T(0));
  std::fill_n(squares, channels, T(0));
  const int64_t block = std::clamp<int64_t>(4096 / channels, 4, 256);
  for (int64_t r = 0; r < rows; r += block) {
    const int64_t count = std::min(block, rows - r);
    const T* const from = x + r * channels;
    const int64_t c = moments_of_block(hn::ScalableTag<T>(), from, r, count, channels, mean, squares, 0);
    moments_of_block(hn::CappedTag<T, 1>(), from, r, count, channels, mean, squares, c);
  }
}

// y = (x - mean) factor + shift
template <class D, class T>
HWY_INLINE int64_t normalize_row(D d, const T* x, int64_t channels, const T* mean, const T* factor,
                                 const T* shift, T* y, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; c + lanes <= channels; c += lanes) {
    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
    hn::StoreU(hn::MulAdd(centred, hn::LoadU(d, factor + c), hn::LoadU(d, shift + c)), d, y + c);
  }
  return c;
}

template <class T>
void normalize(const T* x, int64_t rows, int64_t channels, const T* mean, const T* factor, const T* shift,
               T* y) {
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    const int64_t c = normalize_row(hn::ScalableTag<T>(), x, channels, mean, factor, shift, y, 0);
    normalize_row(hn::CappedTag<T, 1>(), x, channels, mean, factor, shift, y, c);
  }
}

// sums += dy and products += dy (x - mean) over a block of rows
template <class D, class T>
HWY_INLINE int64_t gradient_sums_of_block(D d, const T* x, const T* dy, int64_t rows, int64_t channels,
                                          const T* mean, T* sums, T* products, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; c + lanes <= channels; c += lanes) {
    const auto centre = hn::LoadU(d, mean + c);
    auto sum = hn::Zero(d), product = hn::Zero(d);
    for (int64_t r = 0; r < rows; ++r) {
      const auto g = hn::LoadU(d, dy + r * channels + c);
      sum = hn::Add(sum, g);
      product = hn::MulAdd(g, hn::Sub(hn::LoadU(d, x + r * channels + c), centre), product);
    }
    hn::StoreU(hn::Add(hn::LoadU(d, sums + c), sum), d, sums + c);
    hn::StoreU(hn::Add(hn::LoadU(d, products + c), product), d, products + c);
  }
  return c;
}

template <class T>
void gradient_sums(const T* x, const T* dy, int64_t rows, int64_t channels, const T* mean, T* sums,
                   T* products) {
  std::fill_n(sums, channels, T(0));
  std::fill_n(products, channels, T(0));
  const int64_t block = std::clamp<int64_t>(4096 / channels, 4, 256);
  for (int64_t r = 0; r < rows; r += block) {
    const int64_t count = std::min(block, rows - r), at = r * channels;
    const int64_t c = gradient_sums_of_block(hn::ScalableTag<T>(), x + at, dy + at, count, channels, mean,
                                             sums, products, 0);
    gradient_sums_of_block(hn::CappedTag<T, 1>(), x + at, dy + at, count, channels, mean, sums, products, c);
  }
}

// dx = factor dy - (x - mean) slope - offset
template <class D, class T>
HWY_INLINE int64_t gradient_row(D d, const T* x, const T* dy, int64_t channels, const T* mean,
                                const T* factor, const T* slope, const T* offset, T* dx, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; c + lanes <= channels; c += lanes) {
    const auto centred = hn::Sub(hn::LoadU(d, x + c), hn::LoadU(d, mean + c));
    const auto through = hn::MulSub(hn::LoadU(d, factor + c), hn::LoadU(d, dy + c), hn::LoadU(d, offset + c));
    hn::StoreU(hn::NegMulAdd(centred, hn::LoadU(d, slope + c), through), d, dx + c);
  }
  return c;
}

template <class T>
void gradient(const T* x, const T* dy, int64_t rows, int64_t channels, const T* mean, const T* factor,
              const T* slope, const T* offset, T* dx) {
  for (int64_t r = 0; r < rows; ++r, x += channels, dy += channels, dx += channels) {
    const int64_t c = gradient_row(hn::ScalableTag<T>(), x, dy, channels, mean, factor, slope, offset, dx, 0);
    gradient_row(hn::CappedTag<T, 1>(), x, dy, channels, mean, factor, slope, offset, dx, c);
  }
}

#define KERAS_BATCH_NORM_LOOPS(T, suffix)                                                             \
  void moments_##suffix(const T* x, int64_t rows, int64_t channels, T* mean, T* squares) {            \
    moments(x, rows, channels, mean, squares);                                                        \
  }                                                                                                   \
  void normalize_##suffix(const T* x, int64_t rows, int64_t channels, const T* mean, const T* factor, \
                          const T* shift, T* y) {                                                     \
    normalize(x, rows, channels, mean, factor, shift, y);                                             \
  }                                                                                                   \
  void gradient_sums_##suffix(const T* x, const T* dy, int64_t rows, int64_t channels, const T* mean, \
                              T* sums, T* products) {                                                 \
    gradient_sums(x, dy, rows, channels, mean, sums, products);                                       \
  }                                                                                                   \
  void gradient_##suffix(const T* x, const T* dy, int64_t rows, int64_t channels, const T* mean,      \
                         const T* factor, const T* slope, const T* offset, T* dx) {                   \
    gradient(x, dy, rows, channels, mean, factor, slope, offset, dx);                                 \
  }
KERAS_BATCH_NORM_LOOPS(float, float)
KERAS_BATCH_NORM_LOOPS(double, double)
#undef KERAS_BATCH_NORM_LOOPS

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(moments_float);
HWY_EXPORT(moments_double);
HWY_EXPORT(normalize_float);
HWY_EXPORT(normalize_double);
HWY_EXPORT(gradient_sums_float);
HWY_EXPORT(gradient_sums_double);
HWY_EXPORT(gradient_float);
HWY_EXPORT(gradient_double);

namespace {

template <class T>
struct Loops;
template <>
struct Loops<float> {
  static constexpr auto moments = [](auto... a) { HWY_DYNAMIC_DISPATCH(moments_float)(a...); };
  static constexpr auto normalize = [](auto... a) { HWY_DYNAMIC_DISPATCH(normalize_float)(a...); };
  static constexpr auto gradient_sums = [](auto... a) { HWY_DYNAMIC_DISPATCH(gradient_sums_float)(a...); };
  static constexpr auto gradient = [](auto... a) { HWY_DYNAMIC_DISPATCH(gradient_float)(a...); };
};
template <>
struct Loops<double> {
  static constexpr auto moments = [](auto... a) { HWY_DYNAMIC_DISPATCH(moments_double)(a...); };
  static constexpr auto normalize = [](auto... a) { HWY_DYNAMIC_DISPATCH(normalize_double)(a...); };
  static constexpr auto gradient_sums = [](auto... a) { HWY_DYNAMIC_DISPATCH(gradient_sums_double)(a...); };
  static constexpr auto gradient = [](auto... a) { HWY_DYNAMIC_DISPATCH(gradient_double)(a...); };
};

struct RowsAndChannels {
  int64_t rows = 0, channels = 0;
  double epsilon = 0;
  int64_t grain() const { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, channels)); }
  /// Shares of the rows that are summed apart: by size alone, so that results do not depend on the threads.
  int64_t parts() const { return std::clamp<int64_t>(rows * channels / 32768, 1, 16); }
  int64_t part_begin(int64_t part) const { return rows * part / parts(); }
};

template <class T>
class BatchNormTrain final : public keras_kernel {
 public:
  explicit BatchNormTrain(const RowsAndChannels& size) : s_(size) {}

  bool may_overwrite(int input, int output) const override { return input == 0 && output == 0; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const gamma = input_as<T>(in[1]);
    const T* const beta = input_as<T>(in[2]);
    T* const y = output_as<T>(out[0]);
    T* const mean = output_as<T>(out[1]);
    T* const variance = output_as<T>(out[2]);
    const int64_t n = s_.channels, parts = s_.parts();
    if (n == 0) return;
    const Scratch partial(sizeof(T) * static_cast<size_t>((2 * parts + 1) * n));
    T* const sums = partial.as<T>();
    parallel_for(parts, 1, [=, this](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t first = s_.part_begin(p), last = s_.part_begin(p + 1);
        Loops<T>::moments(x + first * n, last - first, n, sums + 2 * p * n, sums + (2 * p + 1) * n);
      }
    });
    T* const factor = sums + 2 * parts * n;
    for (int64_t c = 0; c < n; ++c) {
      double m = 0, squares = 0, seen = 0;
      for (int64_t p = 0; p < parts; ++p) {
        const double count = static_cast<double>(s_.part_begin(p + 1) - s_.part_begin(p));
        if (count == 0) continue;
        const double delta = sums[2 * p * n + c] - m;
        squares += sums[(2 * p + 1) * n + c] + delta * delta * seen * count / (seen + count);
        m += delta * count / (seen + count);
        seen += count;
      }
      mean[c] = static_cast<T>(m);
      variance[c] = static_cast<T>(squares / static_cast<double>(s_.rows));
      factor[c] = static_cast<T>(gamma[c] / std::sqrt(squares / static_cast<double>(s_.rows) + s_.epsilon));
    }
    parallel_for(s_.rows, s_.grain(), [=](int64_t begin, int64_t end) {
      Loops<T>::normalize(x + begin * n, end - begin, n, mean, factor, beta, y + begin * n);
    });
  }

 private:
  RowsAndChannels s_;
};

template <class T>
class BatchNormTrainGrad final : public keras_kernel {
 public:
  explicit BatchNormTrainGrad(const RowsAndChannels& size) : s_(size) {}

  bool may_overwrite(int input, int output) const override {
    return (input == 0 || input == 4) && output == 0;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const gamma = input_as<T>(in[1]);
    const T* const mean = input_as<T>(in[2]);
    const T* const variance = input_as<T>(in[3]);
    const T* const dy = input_as<T>(in[4]);
    const int64_t n = s_.channels, parts = s_.parts();
    const Scratch partial(sizeof(T) * static_cast<size_t>((2 * parts + 3) * n));
    T* const sums = partial.as<T>();
    parallel_for(parts, 1, [=, this](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t first = s_.part_begin(p), last = s_.part_begin(p + 1);
        Loops<T>::gradient_sums(x + first * n, dy + first * n, last - first, n, mean, sums + 2 * p * n,
                                sums + (2 * p + 1) * n);
      }
    });
    T* const factor = sums + 2 * parts * n;
    T* const slope = factor + n;
    T* const offset = slope + n;
    T* const dgamma = output_as<T>(out[1]);
    T* const dbeta = output_as<T>(out[2]);
    for (int64_t c = 0; c < n; ++c) {
      double sum = 0, product = 0;
      for (int64_t p = 0; p < parts; ++p) {
        sum += sums[2 * p * n + c];
        product += sums[(2 * p + 1) * n + c];
      }
      const double rstd = 1.0 / std::sqrt(variance[c] + s_.epsilon), rows = static_cast<double>(s_.rows);
      dgamma[c] = static_cast<T>(product * rstd);
      dbeta[c] = static_cast<T>(sum);
      factor[c] = static_cast<T>(gamma[c] * rstd);
      slope[c] = static_cast<T>(gamma[c] * rstd * rstd * rstd * product / rows);
      offset[c] = static_cast<T>(gamma[c] * rstd * sum / rows);
    }
    T* const dx = output_as<T>(out[0]);
    parallel_for(s_.rows, s_.grain(), [=](int64_t begin, int64_t end) {
      const int64_t at = begin * n;
      Loops<T>::gradient(x + at, dy + at, end - begin, n, mean, factor, slope, offset, dx + at);
    });
  }

 private:
  RowsAndChannels s_;
};

template <class T>
class BatchNormInfer final : public keras_kernel {
 public:
  explicit BatchNormInfer(const RowsAndChannels& size) : s_(size) {}

  bool may_overwrite(int input, int output) const override { return input == 0 && output == 0; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const gamma = input_as<T>(in[1]);
    const T* const beta = input_as<T>(in[2]);
    const T* const mean = input_as<T>(in[3]);
    const T* const variance = input_as<T>(in[4]);
    const int64_t n = s_.channels;
    const Scratch scratch(sizeof(T) * static_cast<size_t>(n));
    T* const factor = scratch.as<T>();
    for (int64_t c = 0; c < n; ++c)
      factor[c] = static_cast<T>(gamma[c] / std::sqrt(variance[c] + s_.epsilon));
    T* const y = output_as<T>(out[0]);
    parallel_for(s_.rows, s_.grain(), [=](int64_t begin, int64_t end) {
      Loops<T>::normalize(x + begin * n, end - begin, n, mean, factor, beta, y + begin * n);
    });
  }

 private:
  RowsAndChannels s_;
};

template <template <class> class Kernel>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<Kernel>, reason);
  const auto& attr = attributes<NormAttributes>(op);
  const std::optional<AxisSplit> split = split_around(op.inputs[0], attr.axes);
  if (!split || split->outer != 1 || attr.axes.count == 0 || attr.axes.v[0] != 0) {
    reason = "batch normalization is native with the channels last";
    return nullptr;
  }
  const RowsAndChannels size{split->middle, split->inner, attr.epsilon};
  for (int32_t i = 1; i < op.num_inputs; ++i) {
    if (op.inputs[i].rank != op.inputs[0].rank && element_count(op.inputs[i]) != size.channels) {
      reason = "a statistic has another size than the channels";
      return nullptr;
    }
  }
  if (all_of_dtype(op, KERAS_FLOAT32)) return std::make_unique<Kernel<float>>(size);
  if (all_of_dtype(op, KERAS_FLOAT64)) return std::make_unique<Kernel<double>>(size);
  reason = "batch normalization is native where all operands are float32 (or half) or all float64";
  return nullptr;
}

[[maybe_unused]] const bool registered =
    register_kernel("batch_norm_train", make<BatchNormTrain>, 10) &&
    register_kernel("batch_norm_train_grad", make<BatchNormTrainGrad>, 10) &&
    register_kernel("batch_norm_infer", make<BatchNormInfer>, 10);

}  // namespace

}  // namespace keras::native
#endif
