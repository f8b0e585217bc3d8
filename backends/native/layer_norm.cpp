// SPDX-License-Identifier: Apache-2.0
// Layer and RMS normalization over trailing axes: (rows, width), one row at a time in the first-level cache.
#include <algorithm>
#include <cmath>

#include "axis_split.h"
#include "residual.h"
#include "through_float32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "layer_norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sum of f(vector at i) over a row; four sums run side by side. The tail goes through one-lane vectors.
template <class T, class F>
HWY_INLINE T sum_over(int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = hn::Add(s0, f(d, i));
    s1 = hn::Add(s1, f(d, i + lanes));
    s2 = hn::Add(s2, f(d, i + 2 * lanes));
    s3 = hn::Add(s3, f(d, i + 3 * lanes));
  }
  for (; i + lanes <= n; i += lanes) s0 = hn::Add(s0, f(d, i));
  T total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < n; ++i) total += hn::GetLane(f(one, i));
  return total;
}

template <class T, class F>
HWY_INLINE void each_vector(int64_t n, const F& f) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(d, i);
  for (; i < n; ++i) f(one, i);
}

template <class T>
struct Load {
  const T* x;
  template <class D>
  HWY_INLINE auto operator()(D d, int64_t i) const {
    return hn::LoadU(d, x + i);
  }
};
template <class T>
struct SquaredDistance {
  const T* x;
  T from;
  template <class D>
  HWY_INLINE auto operator()(D d, int64_t i) const {
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, from));
    return hn::Mul(v, v);
  }
};
template <class T>
struct Normalize {  // beta may be null
  const T *x, *gamma, *beta;
  T* y;
  T mean, rstd;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, rstd));
    const auto scaled = hn::Mul(normal, hn::LoadU(d, gamma + i));
    hn::StoreU(beta ? hn::Add(scaled, hn::LoadU(d, beta + i)) : scaled, d, y + i);
  }
};
template <class T>
struct ScaledGradient {
  const T *dy, *gamma;
  template <class D>
  HWY_INLINE auto operator()(D d, int64_t i) const {
    return hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, gamma + i));
  }
};
template <class T>
struct GradientAlong {
  const T *x, *dy, *gamma;
  T mean, rstd;
  template <class D>
  HWY_INLINE auto operator()(D d, int64_t i) const {
    const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, rstd));
    return hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, gamma + i)), normal);
  }
};
template <class T>
struct Gradient {  // dx may stand where x or dy does
  const T *x, *dy, *gamma;
  T *dx, *dgamma, *dbeta;
  T mean, rstd, level, along;
  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto g = hn::LoadU(d, dy + i);
    const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, rstd));
    hn::StoreU(hn::MulAdd(g, normal, hn::LoadU(d, dgamma + i)), d, dgamma + i);
    if (dbeta) hn::StoreU(hn::Add(g, hn::LoadU(d, dbeta + i)), d, dbeta + i);
    auto v = hn::MulSub(g, hn::LoadU(d, gamma + i), hn::Set(d, level));
    v = hn::NegMulAdd(normal, hn::Set(d, along), v);
    hn::StoreU(hn::Mul(v, hn::Set(d, rstd)), d, dx + i);
  }
};

template <class T>
void forward(const T* x, const T* gamma, const T* beta, bool centred, double epsilon, int64_t rows, int64_t n,
             T* y, T* means, T* rstds) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* const row = x + r * n;
    const T mean = centred ? sum_over<T>(n, Load<T>{row}) / static_cast<T>(n) : T(0);
    const T variance = sum_over<T>(n, SquaredDistance<T>{row, mean}) / static_cast<T>(n);
    const T rstd = T(1) / std::sqrt(variance + static_cast<T>(epsilon));
    each_vector<T>(n, Normalize<T>{row, gamma, beta, y + r * n, mean, rstd});
    if (means) means[r] = mean;
    if (rstds) rstds[r] = rstd;
  }
}

// dgamma and dbeta are added to.
template <class T>
void backward(const T* x, const T* gamma, const T* dy, const T* means, const T* rstds, int64_t rows,
              int64_t n, T* dx, T* dgamma, T* dbeta) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = r * n;
    const T mean = means ? means[r] : T(0), rstd = rstds[r];
    const T level = means ? sum_over<T>(n, ScaledGradient<T>{dy + at, gamma}) / static_cast<T>(n) : T(0);
    const T along = sum_over<T>(n, GradientAlong<T>{x + at, dy + at, gamma, mean, rstd}) / static_cast<T>(n);
    each_vector<T>(n, Gradient<T>{x + at, dy + at, gamma, dx + at, dgamma, dbeta, mean, rstd, level, along});
  }
}

void forward_float(const float* x, const float* gamma, const float* beta, bool centred, double epsilon,
                   int64_t rows, int64_t n, float* y, float* means, float* rstds) {
  forward(x, gamma, beta, centred, epsilon, rows, n, y, means, rstds);
}
void forward_double(const double* x, const double* gamma, const double* beta, bool centred, double epsilon,
                    int64_t rows, int64_t n, double* y, double* means, double* rstds) {
  forward(x, gamma, beta, centred, epsilon, rows, n, y, means, rstds);
}
void backward_float(const float* x, const float* gamma, const float* dy, const float* means,
                    const float* rstds, int64_t rows, int64_t n, float* dx, float* dgamma, float* dbeta) {
  backward(x, gamma, dy, means, rstds, rows, n, dx, dgamma, dbeta);
}
void backward_double(const double* x, const double* gamma, const double* dy, const double* means,
                     const double* rstds, int64_t rows, int64_t n, double* dx, double* dgamma,
                     double* dbeta) {
  backward(x, gamma, dy, means, rstds, rows, n, dx, dgamma, dbeta);
}

}  // namespace keras::native::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(forward_float);
HWY_EXPORT(forward_double);
HWY_EXPORT(backward_float);
HWY_EXPORT(backward_double);

namespace {

struct Rows {
  int64_t rows = 0, width = 0;
  double epsilon = 0;
  bool centred = true;  // layer_norm, or rms_norm
  bool wants_residuals = false;
  int64_t grain() const { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, width)); }
};

template <class T>
class LayerNorm final : public keras_kernel {
 public:
  explicit LayerNorm(const Rows& size) : s_(size) {
    residuals = !s_.wants_residuals ? 0 : s_.centred ? 2 : 1;
  }
  bool may_overwrite(int input, int output) const override { return input == 0 && output == 0; }
  bool residual_desc(int, keras_desc& desc) const override {
    desc = describe_residual(dtype_number<T>, {s_.rows});
    return true;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const gamma = input_as<T>(in[1]);
    const T* const beta = s_.centred ? input_as<T>(in[2]) : nullptr;
    T* const y = output_as<T>(out[0]);
    T* const means = residuals == 2 ? residual<T>(*this, 0, out[1]) : nullptr;
    T* const rstds = residuals > 0 ? residual<T>(*this, residuals - 1, out[residuals]) : nullptr;
    parallel_for(s_.rows, s_.grain(), [=, this](int64_t begin, int64_t end) {
      const int64_t at = begin * s_.width;
      T* const mean = means ? means + begin : nullptr;
      T* const rstd = rstds ? rstds + begin : nullptr;
      if constexpr (sizeof(T) == 4) {
        HWY_DYNAMIC_DISPATCH(forward_float)
        (x + at, gamma, beta, s_.centred, s_.epsilon, end - begin, s_.width, y + at, mean, rstd);
      } else {
        HWY_DYNAMIC_DISPATCH(forward_double)
        (x + at, gamma, beta, s_.centred, s_.epsilon, end - begin, s_.width, y + at, mean, rstd);
      }
    });
  }

 private:
  Rows s_;
};

template <class T>
class LayerNormGrad final : public keras_kernel {
 public:
  explicit LayerNormGrad(const Rows& size) : s_(size) {}
  bool may_overwrite(int input, int output) const override {
    return (input == 0 || input == 2) && output == 0;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const gamma = input_as<T>(in[1]);
    const T* const dy = input_as<T>(in[2]);
    const T* const means = s_.centred ? input_as<T>(in[3]) : nullptr;
    const T* const rstds = input_as<T>(in[s_.centred ? 4 : 3]);
    T* const dx = output_as<T>(out[0]);
    // Shares of the rows are summed apart; how many depends on the size alone, never on the threads.
    const int64_t n = s_.width, parts = std::clamp<int64_t>(s_.rows / 64, 1, 16);
    const Scratch partial(sizeof(T) * static_cast<size_t>(2 * parts * n));
    T* const sums = partial.as<T>();
    std::fill_n(sums, 2 * parts * n, T(0));
    const int64_t part_rows = std::max<int64_t>(1, s_.rows / parts);
    parallel_for(parts, std::max<int64_t>(1, s_.grain() / part_rows), [=, this](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        const int64_t first = s_.rows * p / parts, last = s_.rows * (p + 1) / parts, at = first * n;
        const T* const mean = means ? means + first : nullptr;
        T* const dgamma = sums + 2 * p * n;
        T* const dbeta = s_.centred ? dgamma + n : nullptr;
        if constexpr (sizeof(T) == 4) {
          HWY_DYNAMIC_DISPATCH(backward_float)
          (x + at, gamma, dy + at, mean, rstds + first, last - first, n, dx + at, dgamma, dbeta);
        } else {
          HWY_DYNAMIC_DISPATCH(backward_double)
          (x + at, gamma, dy + at, mean, rstds + first, last - first, n, dx + at, dgamma, dbeta);
        }
      }
    });
    for (int k = 0; k < (s_.centred ? 2 : 1); ++k) {
      T* const to = output_as<T>(out[1 + k]);
      for (int64_t i = 0; i < n; ++i) {
        T sum = 0;
        for (int64_t p = 0; p < parts; ++p) sum += sums[(2 * p + k) * n + i];
        to[i] = sum;
      }
    }
  }

 private:
  Rows s_;
};

template <template <class> class Kernel, bool kCentred>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<Kernel, kCentred>, reason);
  const auto& attr = attributes<NormAttributes>(op);
  const std::optional<AxisSplit> split = split_around(op.inputs[0], attr.axes);
  if (!split || split->inner != 1 || attr.axes.count == 0) {
    reason = "layer normalization is native over trailing axes";
    return nullptr;
  }
  if (element_count(op.inputs[1]) != split->middle || split->middle == 0) {
    reason = "gamma has another size than the axes";
    return nullptr;
  }
  const Rows size{split->outer, split->middle, attr.epsilon, kCentred, op.wants_residuals != 0};
  if (all_of_dtype(op, KERAS_FLOAT32)) return std::make_unique<Kernel<float>>(size);
  if (all_of_dtype(op, KERAS_FLOAT64)) return std::make_unique<Kernel<double>>(size);
  reason = "layer normalization is native where all operands are float32 (or half) or all float64";
  return nullptr;
}

[[maybe_unused]] const bool registered = register_kernel("layer_norm", make<LayerNorm, true>, 10) &&
                                         register_kernel("layer_norm_grad", make<LayerNormGrad, true>, 10) &&
                                         register_kernel("rms_norm", make<LayerNorm, false>, 10) &&
                                         register_kernel("rms_norm_grad", make<LayerNormGrad, false>, 10);

}  // namespace

}  // namespace keras::native
#endif
