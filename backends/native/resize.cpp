// SPDX-License-Identifier: Apache-2.0
// resize of images (N, H, W, C) and its gradient: a row of the result is a weighted sum of rows, resampled
// along the width.
#include <algorithm>
#include <cstring>
#include <string>

#include "keras/base/resampling.h"
#include "through_float32.h"

namespace keras::native {

namespace {

struct Image {
  int64_t batch = 0, channels = 0;
  int64_t in[2] = {0, 0}, out[2] = {0, 0};  // height, width
  Resampling rows, columns;

  int64_t in_row() const { return in[1] * channels; }
  int64_t out_row() const { return out[1] * channels; }
};

// to += weight from; the gradient runs the same way backwards.
template <class T>
void add_scaled(const T* from, int64_t count, double weight, T* to) {
  const T w = static_cast<T>(weight);
  for (int64_t i = 0; i < count; ++i) to[i] += w * from[i];
}

template <class T>
class Resize final : public keras_kernel {
 public:
  explicit Resize(Image image) : s_(std::move(image)) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    T* const y = output_as<T>(out[0]);
    const int64_t work =
        std::max<int64_t>(1, (s_.rows.taps * s_.in[1] + s_.columns.taps * s_.out[1]) * s_.channels);
    parallel_for(s_.batch * s_.out[0], std::max<int64_t>(1, 32768 / work),
                 [=, this](int64_t begin, int64_t end) {
                   const Scratch memory(sizeof(T) * static_cast<size_t>(s_.in_row()));
                   T* const row = memory.as<T>();
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t image = i / s_.out[0], h = i % s_.out[0];
                     std::fill_n(row, s_.in_row(), T(0));
                     for (int64_t k = 0; k < s_.rows.taps; ++k) {
                       const double weight = s_.rows.weights[h * s_.rows.taps + k];
                       if (weight == 0) continue;
                       add_scaled(x + (image * s_.in[0] + s_.rows.first[h] + k) * s_.in_row(), s_.in_row(),
                                  weight, row);
                     }
                     T* const to = y + i * s_.out_row();
                     std::fill_n(to, s_.out_row(), T(0));
                     for (int64_t w = 0; w < s_.out[1]; ++w) {
                       for (int64_t k = 0; k < s_.columns.taps; ++k) {
                         const double weight = s_.columns.weights[w * s_.columns.taps + k];
                         if (weight == 0) continue;
                         add_scaled(row + (s_.columns.first[w] + k) * s_.channels, s_.channels, weight,
                                    to + w * s_.channels);
                       }
                     }
                   }
                 });
  }

 private:
  Image s_;
};

template <class T>
class ResizeGrad final : public keras_kernel {
 public:
  explicit ResizeGrad(Image image) : s_(std::move(image)) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const dy = input_as<T>(in[0]);
    T* const dx = output_as<T>(out[0]);
    parallel_for(s_.batch, 1, [=, this](int64_t begin, int64_t end) {
      const Scratch memory(sizeof(T) * static_cast<size_t>(s_.in_row()));
      T* const row = memory.as<T>();
      std::fill(dx + begin * s_.in[0] * s_.in_row(), dx + end * s_.in[0] * s_.in_row(), T(0));
      for (int64_t i = begin * s_.out[0]; i < end * s_.out[0]; ++i) {
        const int64_t image = i / s_.out[0], h = i % s_.out[0];
        std::fill_n(row, s_.in_row(), T(0));
        for (int64_t w = 0; w < s_.out[1]; ++w) {
          for (int64_t k = 0; k < s_.columns.taps; ++k) {
            const double weight = s_.columns.weights[w * s_.columns.taps + k];
            if (weight == 0) continue;
            add_scaled(dy + i * s_.out_row() + w * s_.channels, s_.channels, weight,
                       row + (s_.columns.first[w] + k) * s_.channels);
          }
        }
        for (int64_t k = 0; k < s_.rows.taps; ++k) {
          const double weight = s_.rows.weights[h * s_.rows.taps + k];
          if (weight == 0) continue;
          add_scaled(row, s_.in_row(), weight, dx + (image * s_.in[0] + s_.rows.first[h] + k) * s_.in_row());
        }
      }
    });
  }

 private:
  Image s_;
};

/// Nearest copies pixels, of whatever dtype.
class ResizeNearest final : public keras_kernel {
 public:
  ResizeNearest(Image image, size_t element_bytes)
      : s_(std::move(image)), pixel_(static_cast<size_t>(s_.channels) * element_bytes) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const char* const x = input_as<char>(in[0]);
    char* const y = output_as<char>(out[0]);
    parallel_for(s_.batch * s_.out[0], std::max<int64_t>(1, 16384 / std::max<int64_t>(1, s_.out_row())),
                 [=, this](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t from =
                         (i / s_.out[0] * s_.in[0] + s_.rows.first[i % s_.out[0]]) * s_.in[1];
                     for (int64_t w = 0; w < s_.out[1]; ++w) {
                       std::memcpy(y + static_cast<size_t>(i * s_.out[1] + w) * pixel_,
                                   x + static_cast<size_t>(from + s_.columns.first[w]) * pixel_, pixel_);
                     }
                   }
                 });
  }

 private:
  Image s_;
  size_t pixel_;
};

Image image_of(const keras_op& op) {
  const auto& attr = attributes<ResizeAttributes>(op);
  const bool gradient = std::string(op.name) == "resize_grad";
  const keras_desc& x = gradient ? op.outputs[0] : op.inputs[0];
  const keras_desc& y = gradient ? op.inputs[0] : op.outputs[0];
  Image image;
  image.batch = x.shape[0];
  image.channels = x.shape[3];
  for (int i = 0; i < 2; ++i) {
    image.in[i] = x.shape[1 + i];
    image.out[i] = y.shape[1 + i];
  }
  const auto interpolation = static_cast<Interpolation>(attr.interpolation);
  image.rows = resampling(interpolation, image.in[0], image.out[0], attr.antialias != 0);
  image.columns = resampling(interpolation, image.in[1], image.out[1], attr.antialias != 0);
  return image;
}

std::unique_ptr<keras_kernel> make_resize(const keras_op& op, std::string& reason) {
  const keras_desc& x = op.inputs[0];
  if (x.rank != 4 || x.shape[1] == 0 || x.shape[2] == 0) {
    reason = "resize is native for images (N, H, W, C) with pixels";
    return nullptr;
  }
  const bool nearest = attributes<ResizeAttributes>(op).interpolation == KERAS_NEAREST;
  if (nearest && x.dtype == op.outputs[0].dtype) {
    return std::make_unique<ResizeNearest>(image_of(op), dtype_size(x.dtype));
  }
  if (has_half(op)) return through_float32(op, make_resize, reason);
  if (x.dtype == op.outputs[0].dtype && x.dtype == KERAS_FLOAT32)
    return std::make_unique<Resize<float>>(image_of(op));
  if (x.dtype == op.outputs[0].dtype && x.dtype == KERAS_FLOAT64)
    return std::make_unique<Resize<double>>(image_of(op));
  reason = "resize interpolates floats";
  return nullptr;
}

std::unique_ptr<keras_kernel> make_resize_grad(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_resize_grad, reason);
  if (op.inputs[0].rank != 4) {
    reason = "resize_grad is native for images (N, H, W, C)";
    return nullptr;
  }
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<ResizeGrad<float>>(image_of(op));
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<ResizeGrad<double>>(image_of(op));
  reason = "only floats have gradients";
  return nullptr;
}

[[maybe_unused]] const bool registered =
    register_kernel("resize", make_resize, 10) && register_kernel("resize_grad", make_resize_grad, 10);

}  // namespace

}  // namespace keras::native
