// SPDX-License-Identifier: Apache-2.0
// Pooling, channels last: vectors run along the channels.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "pool_window.h"
#include "through_float32.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "pool.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace keras::native::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct Span {
  int64_t begin[3], end[3];
  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < 3; ++i) n *= std::max<int64_t>(0, end[i] - begin[i]);
    return n;
  }
};

inline Span span_of(const PoolWindow& p, int64_t o0, int64_t o1, int64_t o2) {
  return {{p.begin(0, o0), p.begin(1, o1), p.begin(2, o2)}, {p.end(0, o0), p.end(1, o1), p.end(2, o2)}};
}

template <bool kMaximum, class D, class T>
HWY_INLINE int64_t forward_channels(D d, const PoolWindow& p, const Span& s, const T* x, T* y, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t count = s.count();
  const auto factor = hn::Set(d, count > 0 ? T(1) / static_cast<T>(count) : T(0));
  const int64_t pixel = p.channels, row = p.in[2] * pixel, plane = p.in[1] * row;
  for (; c + lanes <= p.channels; c += lanes) {
    auto sum = hn::Set(d, kMaximum ? -std::numeric_limits<T>::infinity() : T(0));
    for (int64_t i0 = s.begin[0]; i0 < s.end[0]; ++i0) {
      for (int64_t i1 = s.begin[1]; i1 < s.end[1]; ++i1) {
        const T* from = x + i0 * plane + i1 * row + s.begin[2] * pixel + c;
        for (int64_t i2 = s.begin[2]; i2 < s.end[2]; ++i2, from += pixel) {
          const auto v = hn::LoadU(d, from);
          if constexpr (kMaximum) {
            sum = hn::IfThenElse(hn::Gt(sum, v), sum, v);
          } else {
            sum = hn::Add(sum, v);
          }
        }
      }
    }
    hn::StoreU(kMaximum ? sum : hn::Mul(sum, factor), d, y + c);
  }
  return c;
}

template <class T>
void forward_rows(const PoolWindow& p, const T* x, T* y, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {  // rows of outputs: (image, o0, o1)
    const int64_t o1 = r % p.out[1], o0 = r / p.out[1] % p.out[0], image = r / (p.out[1] * p.out[0]);
    const T* const from = x + image * p.in_image();
    for (int64_t o2 = 0; o2 < p.out[2]; ++o2) {
      const Span s = span_of(p, o0, o1, o2);
      T* const to = y + (r * p.out[2] + o2) * p.channels;
      const hn::ScalableTag<T> d;
      const hn::CappedTag<T, 1> one;
      if (p.maximum) {
        forward_channels<true>(one, p, s, from, to, forward_channels<true>(d, p, s, from, to, 0));
      } else {
        forward_channels<false>(one, p, s, from, to, forward_channels<false>(d, p, s, from, to, 0));
      }
    }
  }
}

template <bool kMaximum, class D, class T>
HWY_INLINE int64_t backward_channels(D d, const PoolWindow& p, const Span& s, const T* x, const T* y,
                                     const T* dy, T* dx, int64_t c) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t count = s.count();
  const auto factor = hn::Set(d, count > 0 ? T(1) / static_cast<T>(count) : T(0));
  const int64_t pixel = p.channels, row = p.in[2] * pixel, plane = p.in[1] * row;
  for (; c + lanes <= p.channels; c += lanes) {
    const auto largest = hn::LoadU(d, y + c);
    const auto gradient = hn::LoadU(d, dy + c);
    const auto share = hn::Mul(gradient, factor);
    auto open = hn::Eq(largest, largest);  // lanes whose first largest is still to come; none for NaN
    for (int64_t i0 = s.begin[0]; i0 < s.end[0]; ++i0) {
      for (int64_t i1 = s.begin[1]; i1 < s.end[1]; ++i1) {
        int64_t at = i0 * plane + i1 * row + s.begin[2] * pixel + c;
        for (int64_t i2 = s.begin[2]; i2 < s.end[2]; ++i2, at += pixel) {
          const auto old = hn::LoadU(d, dx + at);
          if constexpr (kMaximum) {
            const auto hit = hn::And(open, hn::Eq(hn::LoadU(d, x + at), largest));
            open = hn::AndNot(hit, open);
            hn::StoreU(hn::Add(old, hn::IfThenElseZero(hit, gradient)), d, dx + at);
          } else {
            hn::StoreU(hn::Add(old, share), d, dx + at);
          }
        }
      }
    }
  }
  return c;
}

// Outputs [begin, end) along axis 0 of one image; dx is zero before.
template <class T>
void backward_slab(const PoolWindow& p, const T* x, const T* y, const T* dy, T* dx, int64_t begin,
                   int64_t end) {
  for (int64_t o0 = begin; o0 < end; ++o0) {
    for (int64_t o1 = 0; o1 < p.out[1]; ++o1) {
      for (int64_t o2 = 0; o2 < p.out[2]; ++o2) {
        const Span s = span_of(p, o0, o1, o2);
        const int64_t at = ((o0 * p.out[1] + o1) * p.out[2] + o2) * p.channels;
        const hn::ScalableTag<T> d;
        const hn::CappedTag<T, 1> one;
        if (p.maximum) {
          backward_channels<true>(one, p, s, x, y + at, dy + at, dx,
                                  backward_channels<true>(d, p, s, x, y + at, dy + at, dx, 0));
        } else {
          backward_channels<false>(one, p, s, x, y + at, dy + at, dx,
                                   backward_channels<false>(d, p, s, x, y + at, dy + at, dx, 0));
        }
      }
    }
  }
}

void forward_float(const PoolWindow& p, const float* x, float* y, int64_t begin, int64_t end) {
  forward_rows(p, x, y, begin, end);
}
void forward_double(const PoolWindow& p, const double* x, double* y, int64_t begin, int64_t end) {
  forward_rows(p, x, y, begin, end);
}
void backward_float(const PoolWindow& p, const float* x, const float* y, const float* dy, float* dx,
                    int64_t begin, int64_t end) {
  backward_slab(p, x, y, dy, dx, begin, end);
}
void backward_double(const PoolWindow& p, const double* x, const double* y, const double* dy, double* dx,
                     int64_t begin, int64_t end) {
  backward_slab(p, x, y, dy, dx, begin, end);
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

PoolWindow pool_window(const keras_op& op) {
  const auto& attr = attributes<PoolAttributes>(op);
  const keras_desc& x = op.inputs[0];
  const keras_desc& y = op.num_inputs > 1 ? op.inputs[1] : op.outputs[0];
  PoolWindow p;
  p.batch = x.shape[0];
  p.channels = x.shape[x.rank - 1];
  p.maximum = attr.kind == KERAS_POOL_MAX;
  const int spatial = x.rank - 2;
  // Leading, not trailing axes are padded: the last stays the one that runs along memory.
  for (int i = 0; i < spatial; ++i) {
    const int to = 3 - spatial + i;
    p.in[to] = x.shape[1 + i];
    p.out[to] = y.shape[1 + i];
    p.window[to] = attr.window.v[i];
    p.stride[to] = attr.strides.count > i ? attr.strides.v[i] : attr.window.v[i];
    p.pad_low[to] = attr.pad_low.count > i ? attr.pad_low.v[i] : 0;
  }
  return p;
}

template <class T>
void forward_integers(const PoolWindow& p, const T* x, T* y, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const int64_t o1 = r % p.out[1], o0 = r / p.out[1] % p.out[0], image = r / (p.out[1] * p.out[0]);
    for (int64_t o2 = 0; o2 < p.out[2]; ++o2) {
      for (int64_t c = 0; c < p.channels; ++c) {
        T largest = std::numeric_limits<T>::lowest();
        int64_t sum = 0, count = 0;
        for (int64_t i0 = p.begin(0, o0); i0 < p.end(0, o0); ++i0) {
          for (int64_t i1 = p.begin(1, o1); i1 < p.end(1, o1); ++i1) {
            for (int64_t i2 = p.begin(2, o2); i2 < p.end(2, o2); ++i2, ++count) {
              const T v = x[image * p.in_image() + ((i0 * p.in[1] + i1) * p.in[2] + i2) * p.channels + c];
              largest = std::max(largest, v);
              sum += static_cast<int64_t>(v);
            }
          }
        }
        y[(r * p.out[2] + o2) * p.channels + c] =
            p.maximum ? largest : static_cast<T>(count > 0 ? sum / count : 0);
      }
    }
  }
}

template <class T>
class PoolKernel final : public keras_kernel {
 public:
  explicit PoolKernel(const PoolWindow& window) : p_(window) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    T* const y = output_as<T>(out[0]);
    const int64_t work =
        std::max<int64_t>(1, p_.out[2] * p_.channels * p_.window[0] * p_.window[1] * p_.window[2]);
    parallel_for(p_.batch * p_.out[0] * p_.out[1], std::max<int64_t>(1, 32768 / work),
                 [=, this](int64_t begin, int64_t end) {
                   if constexpr (std::is_same_v<T, float>) {
                     HWY_DYNAMIC_DISPATCH(forward_float)(p_, x, y, begin, end);
                   } else if constexpr (std::is_same_v<T, double>) {
                     HWY_DYNAMIC_DISPATCH(forward_double)(p_, x, y, begin, end);
                   } else {
                     forward_integers(p_, x, y, begin, end);
                   }
                 });
  }

 private:
  PoolWindow p_;
};

template <class T>
class PoolGradKernel final : public keras_kernel {
 public:
  explicit PoolGradKernel(const PoolWindow& window) : p_(window) {
    // Along the first real axis windows that do not overlap may be spread over threads.
    while (axis_ < 2 && p_.in[axis_] == 1) ++axis_;
    slabs_ = axis_ == 0 && p_.stride[0] >= p_.window[0] ? std::max<int64_t>(1, p_.out[0]) : 1;
    if (slabs_ == 1 && axis_ == 1 && p_.stride[1] >= p_.window[1] && p_.window[0] == 1 && p_.out[0] == 1 &&
        p_.pad_low[0] == 0) {
      // Equal sizes with axis 1 in axis 0's place.
      std::swap(p_.in[0], p_.in[1]);
      std::swap(p_.out[0], p_.out[1]);
      std::swap(p_.window[0], p_.window[1]);
      std::swap(p_.stride[0], p_.stride[1]);
      std::swap(p_.pad_low[0], p_.pad_low[1]);
      slabs_ = std::max<int64_t>(1, p_.out[0]);
    }
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const y = input_as<T>(in[1]);
    const T* const dy = input_as<T>(in[2]);
    T* const dx = output_as<T>(out[0]);
    const int64_t row = p_.in[1] * p_.in[2] * p_.channels;
    const int64_t work = std::max<int64_t>(
        1, p_.out_image() / std::max<int64_t>(1, slabs_) * p_.window[0] * p_.window[1] * p_.window[2]);
    parallel_for(
        p_.batch * slabs_, std::max<int64_t>(1, 32768 / work), [=, this](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t image = i / slabs_, slab = i % slabs_;
            T* const target = dx + image * p_.in_image();
            // A slab clears the input rows up to where the next one's begin.
            const int64_t first = slab == 0 ? 0 : p_.begin(0, slab),
                          last = slab + 1 == slabs_ ? p_.in[0] : std::min(p_.in[0], p_.begin(0, slab + 1));
            if (first < last) std::fill(target + first * row, target + last * row, T(0));
            const int64_t offset = image * p_.out_image();
            const int64_t from = slabs_ == 1 ? 0 : slab, to = slabs_ == 1 ? p_.out[0] : slab + 1;
            if constexpr (std::is_same_v<T, float>) {
              HWY_DYNAMIC_DISPATCH(backward_float)
              (p_, x + image * p_.in_image(), y + offset, dy + offset, target, from, to);
            } else {
              HWY_DYNAMIC_DISPATCH(backward_double)
              (p_, x + image * p_.in_image(), y + offset, dy + offset, target, from, to);
            }
          }
        });
  }

 private:
  PoolWindow p_;
  int axis_ = 0;
  int64_t slabs_ = 1;
};

std::unique_ptr<keras_kernel> make_pool(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_pool, reason);
  if (op.inputs[0].rank < 3 || op.inputs[0].rank > 5) {
    reason = "pooling is over one to three spatial axes";
    return nullptr;
  }
  const PoolWindow p = pool_window(op);
  switch (op.inputs[0].dtype) {
    case KERAS_FLOAT32:
      return std::make_unique<PoolKernel<float>>(p);
    case KERAS_FLOAT64:
      return std::make_unique<PoolKernel<double>>(p);
    case KERAS_BOOL:
    case KERAS_UINT8:
      return std::make_unique<PoolKernel<uint8_t>>(p);
    case KERAS_UINT16:
      return std::make_unique<PoolKernel<uint16_t>>(p);
    case KERAS_UINT32:
      return std::make_unique<PoolKernel<uint32_t>>(p);
    case KERAS_UINT64:
      return std::make_unique<PoolKernel<uint64_t>>(p);
    case KERAS_INT8:
      return std::make_unique<PoolKernel<int8_t>>(p);
    case KERAS_INT16:
      return std::make_unique<PoolKernel<int16_t>>(p);
    case KERAS_INT32:
      return std::make_unique<PoolKernel<int32_t>>(p);
    case KERAS_INT64:
      return std::make_unique<PoolKernel<int64_t>>(p);
    default:
      reason = "complex numbers have no order to pool by";
      return nullptr;
  }
}

std::unique_ptr<keras_kernel> make_pool_grad(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_pool_grad, reason);
  if (op.inputs[0].rank < 3 || op.inputs[0].rank > 5) {
    reason = "pooling is over one to three spatial axes";
    return nullptr;
  }
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<PoolGradKernel<float>>(pool_window(op));
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<PoolGradKernel<double>>(pool_window(op));
  reason = "only floats have gradients";
  return nullptr;
}

[[maybe_unused]] const bool registered =
    register_kernel("pool", make_pool, 10) && register_kernel("pool_grad", make_pool_grad, 10);

}  // namespace

}  // namespace keras::native
#endif
