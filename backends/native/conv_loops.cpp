// SPDX-License-Identifier: Apache-2.0
// Convolution by patches: rows of a matrix hold what the kernel sees at an output position.
#include <algorithm>
#include <complex>
#include <cstring>

#include "bias_activation.h"
#include "conv_geometry.h"
#include "gemm.h"

namespace keras::native {

namespace {

template <class Attributes>
void read_window(const keras_op& op, ConvGeometry& g) {
  const auto& attr = attributes<Attributes>(op);
  g.groups = std::max<int64_t>(1, attr.groups);
  const int lead = 3 - g.spatial;
  for (int i = 0; i < g.spatial; ++i) {
    if (i < attr.strides.count) g.stride[lead + i] = attr.strides.v[i];
    if (i < attr.dilations.count) g.dilation[lead + i] = attr.dilations.v[i];
    if (i < attr.pad_low.count) g.pad_low[lead + i] = attr.pad_low.v[i];
  }
}

template <class T>
void product(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
             int64_t ldb, bool accumulate, T* c, int64_t ldc) {
  if constexpr (std::is_floating_point_v<T>) {
    gemm(ta, tb, m, n, k, T(1), a, lda, b, ldb, accumulate ? T(1) : T(0), c, ldc);
  } else {
    gemm_loops(ta, tb, m, n, k, a, lda, b, ldb, accumulate, c, ldc);
  }
}

template <class T>
class ConvLoops final : public keras_kernel {
 public:
  ConvLoops(const ConvGeometry& geometry, ConvPass pass) : g_(geometry), pass_(pass) {
    depth_ = g_.kernel_positions() * g_.in_per_group();
    rows_ = std::clamp<int64_t>(131072 / std::max<int64_t>(1, depth_), 1,
                                std::max<int64_t>(1, g_.out_positions()));
  }
  void set_activation(int64_t activation, double alpha) {
    activation_ = activation;
    alpha_ = alpha;
  }

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    T* const result = output_as<T>(out[0]);
    if (pass_ == ConvPass::kFilter) return filter(input_as<T>(in[0]), input_as<T>(in[1]), result);
    if (pass_ == ConvPass::kInput) return input(input_as<T>(in[0]), input_as<T>(in[1]), result);
    forward(input_as<T>(in[0]), input_as<T>(in[1]), result);
    if constexpr (std::is_floating_point_v<T>) {
      const T* const bias = num_in > 2 ? input_as<T>(in[2]) : nullptr;
      bias_activation(result, g_.batch * g_.out_positions(), g_.out_channels, bias, activation_, alpha_);
    }
  }

 private:
  int64_t chunks() const { return (g_.out_positions() + rows_ - 1) / rows_; }
  size_t patch_bytes() const { return sizeof(T) * static_cast<size_t>(std::max<int64_t>(1, rows_ * depth_)); }

  // body(patch element offset, input element offset or -1 where padding is) for every run of channels
  template <class F>
  void each_run(int64_t group, int64_t first, int64_t count, const F& body) const {
    const int64_t width = g_.in_per_group();
    for (int64_t row = 0; row < count; ++row) {
      const int64_t position = first + row;
      const int64_t o[3] = {position / (g_.out[1] * g_.out[2]), position / g_.out[2] % g_.out[1],
                            position % g_.out[2]};
      int64_t to = row * depth_;
      for (int64_t k0 = 0; k0 < g_.kernel[0]; ++k0) {
        const int64_t i0 = o[0] * g_.stride[0] + k0 * g_.dilation[0] - g_.pad_low[0];
        for (int64_t k1 = 0; k1 < g_.kernel[1]; ++k1) {
          const int64_t i1 = o[1] * g_.stride[1] + k1 * g_.dilation[1] - g_.pad_low[1];
          for (int64_t k2 = 0; k2 < g_.kernel[2]; ++k2, to += width) {
            const int64_t i2 = o[2] * g_.stride[2] + k2 * g_.dilation[2] - g_.pad_low[2];
            const bool inside =
                i0 >= 0 && i0 < g_.in[0] && i1 >= 0 && i1 < g_.in[1] && i2 >= 0 && i2 < g_.in[2];
            body(to, inside ? ((i0 * g_.in[1] + i1) * g_.in[2] + i2) * g_.in_channels + group * width : -1);
          }
        }
      }
    }
  }

  void take_patches(const T* x, int64_t group, int64_t first, int64_t count, T* patches) const {
    const int64_t width = g_.in_per_group();
    each_run(group, first, count, [=](int64_t to, int64_t from) {
      if (from >= 0) {
        std::copy_n(x + from, width, patches + to);
      } else {
        std::fill_n(patches + to, width, T(0));
      }
    });
  }

  void forward(const T* x, const T* w, T* y) const {
    const int64_t positions = g_.out_positions(), per_image = chunks();
    parallel_for(g_.batch * per_image, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, rows_ * depth_)),
                 [=, this](int64_t begin, int64_t end) {
                   const Scratch patches(patch_bytes());
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t image = i / per_image, first = i % per_image * rows_,
                                   count = std::min(rows_, positions - first);
                     for (int64_t group = 0; group < g_.groups; ++group) {
                       take_patches(x + image * g_.in_positions() * g_.in_channels, group, first, count,
                                    patches.as<T>());
                       const int64_t column = group * g_.out_per_group();
                       product(false, false, count, g_.out_per_group(), depth_, patches.as<T>(), depth_,
                               w + column, g_.out_channels, false,
                               y + (image * positions + first) * g_.out_channels + column, g_.out_channels);
                     }
                   }
                 });
  }

  void input(const T* dy, const T* w, T* dx) const {
    const int64_t positions = g_.out_positions(), size = g_.in_positions() * g_.in_channels;
    parallel_for(g_.batch, 1, [=, this](int64_t begin, int64_t end) {
      const Scratch patches(patch_bytes());
      T* const patch = patches.as<T>();
      for (int64_t image = begin; image < end; ++image) {
        T* const to = dx + image * size;
        std::fill_n(to, size, T(0));
        for (int64_t group = 0; group < g_.groups; ++group) {
          const int64_t column = group * g_.out_per_group();
          for (int64_t first = 0; first < positions; first += rows_) {
            const int64_t count = std::min(rows_, positions - first);
            product(false, true, count, depth_, g_.out_per_group(),
                    dy + (image * positions + first) * g_.out_channels + column, g_.out_channels, w + column,
                    g_.out_channels, false, patch, depth_);
            each_run(group, first, count, [=, this](int64_t from, int64_t target) {
              if (target < 0) return;
              for (int64_t c = 0; c < g_.in_per_group(); ++c)
                to[target + c] = static_cast<T>(to[target + c] + patch[from + c]);
            });
          }
        }
      }
    });
  }

  void filter(const T* x, const T* dy, T* dw) const {
    const int64_t positions = g_.out_positions();
    std::fill_n(dw, depth_ * g_.out_channels, T(0));
    const Scratch patches(patch_bytes());
    for (int64_t group = 0; group < g_.groups; ++group) {
      const int64_t column = group * g_.out_per_group();
      for (int64_t image = 0; image < g_.batch; ++image) {
        for (int64_t first = 0; first < positions; first += rows_) {
          const int64_t count = std::min(rows_, positions - first);
          take_patches(x + image * g_.in_positions() * g_.in_channels, group, first, count, patches.as<T>());
          product(true, false, depth_, g_.out_per_group(), count, patches.as<T>(), depth_,
                  dy + (image * positions + first) * g_.out_channels + column, g_.out_channels, true,
                  dw + column, g_.out_channels);
        }
      }
    }
  }

  ConvGeometry g_;
  ConvPass pass_;
  int64_t depth_, rows_;
  int64_t activation_ = KERAS_ACT_LINEAR;
  double alpha_ = 0;
};

template <class T>
std::unique_ptr<keras_kernel> conv_loops(const keras_op& op, ConvPass pass) {
  auto kernel = std::make_unique<ConvLoops<T>>(conv_geometry(op, pass), pass);
  if (std::string(op.name) == "conv_bias_act") {
    const auto& attr = attributes<ConvActivationAttributes>(op);
    kernel->set_activation(attr.activation, attr.alpha);
  }
  return kernel;
}

}  // namespace

ConvGeometry conv_geometry(const keras_op& op, ConvPass pass) {
  const keras_desc& x = pass == ConvPass::kInput ? op.outputs[0] : op.inputs[0];
  const keras_desc& w = pass == ConvPass::kFilter ? op.outputs[0] : op.inputs[1];
  const keras_desc& y =
      pass == ConvPass::kForward ? op.outputs[0] : op.inputs[pass == ConvPass::kInput ? 0 : 1];
  ConvGeometry g;
  g.spatial = x.rank - 2;
  g.batch = x.shape[0];
  g.in_channels = x.shape[x.rank - 1];
  g.out_channels = y.shape[y.rank - 1];
  const int lead = 3 - g.spatial;
  for (int i = 0; i < g.spatial; ++i) {
    g.in[lead + i] = x.shape[1 + i];
    g.out[lead + i] = y.shape[1 + i];
    g.kernel[lead + i] = w.shape[i];
  }
  if (std::string(op.name) == "conv_bias_act") {
    read_window<ConvActivationAttributes>(op, g);
  } else {
    read_window<ConvAttributes>(op, g);
  }
  return g;
}

std::unique_ptr<keras_kernel> make_conv_loops(const keras_op& op, ConvPass pass, std::string& reason) {
  switch (op.inputs[0].dtype) {
    case KERAS_FLOAT32:
      return conv_loops<float>(op, pass);
    case KERAS_FLOAT64:
      return conv_loops<double>(op, pass);
    case KERAS_COMPLEX64:
      return conv_loops<std::complex<float>>(op, pass);
    case KERAS_UINT8:
      return conv_loops<uint8_t>(op, pass);
    case KERAS_UINT16:
      return conv_loops<uint16_t>(op, pass);
    case KERAS_UINT32:
      return conv_loops<uint32_t>(op, pass);
    case KERAS_UINT64:
      return conv_loops<uint64_t>(op, pass);
    case KERAS_INT8:
      return conv_loops<int8_t>(op, pass);
    case KERAS_INT16:
      return conv_loops<int16_t>(op, pass);
    case KERAS_INT32:
      return conv_loops<int32_t>(op, pass);
    case KERAS_INT64:
      return conv_loops<int64_t>(op, pass);
    default:
      reason = "convolution is for numbers, not bool";
      return nullptr;
  }
}

}  // namespace keras::native
