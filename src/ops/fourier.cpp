// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/fourier.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

Tensor transform(keras_fft kind, int64_t axes, const Tensor& x, int64_t length = 0) {
  auto at = make_attributes<FftAttributes>();
  at.kind = kind;
  at.axes = axes;
  at.length = length;
  return apply_op(OpId::fft_op, at, {x});
}

// The two parts as one complex tensor.
Tensor joined(const char* where, const std::vector<Tensor>& parts) {
  const auto received = [&] {
    std::string out = fmt::format("{} tensors", parts.size());
    for (const Tensor& t : parts) out += ", " + TensorType{t.dtype(), t.shape()}.to_string();
    return out;
  };
  if (parts.size() != 2 || !(parts[0].shape() == parts[1].shape())) {
    fail<ValueError>({where, "x must be the real and the imaginary part, of one shape", received(), ""});
  }
  if (!is_float(parts[0].dtype()) || !is_float(parts[1].dtype())) {
    fail<ValueError>({where, "Real and imaginary part must be float tensors", received(), "cast them"});
  }
  return prim::complex(as_dtype(parts[0], DType::float32), as_dtype(parts[1], DType::float32));
}

std::pair<Tensor, Tensor> split(const Tensor& x) { return {prim::real(x), prim::imag(x)}; }

// The last axis cut or filled with zeros to an extent.
Tensor fitted(const Tensor& x, int64_t extent) {
  const int last = x.rank() - 1;
  const Dim d = x.dim(last);
  if (!d.known()) {
    fail<ValueError>(
        {"fft", "The extent of the transformed axis must be known", "shape " + x.shape().to_string(), ""});
  }
  if (d.value() > extent) return prim::slice_axis(x, last, Dim(0), Dim(extent));
  if (d.value() == extent) return x;
  SmallVector<int64_t, 6> low(x.shape().size(), 0), high = low;
  high[high.size() - 1] = extent - d.value();
  return prim::pad(x, prim::scalar_like(x, 0), low, high);
}

int64_t positive(const char* where, const char* what, int64_t value) {
  if (value < 1)
    fail<ValueError>(
        {where, fmt::format("{} must be positive", what), fmt::format("{}={}", what, value), ""});
  return value;
}

int64_t known_extent(const char* where, const Tensor& x, int axis) {
  const Dim d = x.dim(axis);
  if (!d.known()) {
    fail<ValueError>(
        {where, "The extents of the transformed axes must be known", "shape " + x.shape().to_string(), ""});
  }
  return d.value();
}

// The window with zeros around it up to fft_length; undefined for none.
Tensor padded_window(const char* where, const Window& window, int64_t sequence_length, int64_t fft_length) {
  const Tensor w = window.values(where, sequence_length);
  if (!w.defined()) return w;
  const int64_t left = (fft_length - sequence_length) / 2;
  return prim::pad_axis(w, 0, left, fft_length - sequence_length - left);
}

void check_frames(const char* where, int64_t sequence_length, int64_t sequence_stride, int64_t fft_length) {
  for (const int64_t length : {positive(where, "sequence_length", sequence_length),
                               positive(where, "sequence_stride", sequence_stride), fft_length}) {
    host_entries(where, sizeof(double), {length});
  }
  if (fft_length < sequence_length) {
    fail<ValueError>({where, "fft_length must be at least sequence_length",
                      fmt::format("sequence_length={}, fft_length={}", sequence_length, fft_length), ""});
  }
}

// Positions in the signal of the elements of all frames, row by row.
Tensor frame_positions(int64_t frames, int64_t length, int64_t stride, const Shape& shape) {
  std::vector<int32_t> out;
  out.reserve(host_entries("stft", sizeof(int32_t), {frames, length}));
  for (int64_t f = 0; f < frames; ++f) {
    for (int64_t i = 0; i < length; ++i) out.push_back(static_cast<int32_t>(f * stride + i));
  }
  return Tensor::from(out, shape);
}

}  // namespace

std::pair<Tensor, Tensor> fft(const std::vector<Tensor>& x) {
  if (auto node = symbolic<&fft>(x)) return *node;
  return split(transform(KERAS_FFT, 1, joined("fft", x)));
}

std::pair<Tensor, Tensor> fft2(const std::vector<Tensor>& x) {
  if (auto node = symbolic<&fft2>(x)) return *node;
  return split(transform(KERAS_FFT, 2, joined("fft2", x)));
}

std::pair<Tensor, Tensor> ifft2(const std::vector<Tensor>& x) {
  if (auto node = symbolic<&ifft2>(x)) return *node;
  return split(transform(KERAS_IFFT, 2, joined("ifft2", x)));
}

std::pair<Tensor, Tensor> rfft(const Tensor& x, std::optional<int64_t> fft_length) {
  if (auto node = symbolic<&rfft>(x, fft_length)) return *node;
  Tensor z = as_dtype(x, DType::float32);
  if (z.rank() < 1) fail<ValueError>({"rfft", "x must have an axis", "shape ()", ""});
  if (fft_length) z = fitted(z, positive("rfft", "fft_length", *fft_length));
  return split(transform(KERAS_RFFT, 1, z));
}

Tensor irfft(const std::vector<Tensor>& x, std::optional<int64_t> fft_length) {
  if (auto node = symbolic<&irfft>(x, fft_length)) return *node;
  const Tensor z = joined("irfft", x);
  const int64_t length = positive(
      "irfft", "fft_length", fft_length ? *fft_length : 2 * (known_extent("irfft", z, z.rank() - 1) - 1));
  return transform(KERAS_IRFFT, 1, fitted(z, length / 2 + 1), length);
}

std::string Window::name() const {
  const std::string* value = std::get_if<std::string>(&value_);
  return value == nullptr ? std::string() : *value;
}

Tensor Window::values(std::string_view where, int64_t length) const {
  if (std::holds_alternative<std::monostate>(value_)) return {};
  if (const Tensor* given = std::get_if<Tensor>(&value_)) {
    if (given->rank() != 1 || !(given->dim(0) == Dim(length))) {
      fail<ValueError>(
          {where, fmt::format("The window must have shape ({},)", length), given->shape().to_string(), ""});
    }
    return as_dtype(*given, DType::float32);
  }
  const std::string which = name();
  if (which != "hann" && which != "hamming") fail_unknown_name(where, "window", which, {"hann", "hamming"});
  const double middle = which == "hann" ? 0.5 : 0.54;
  std::vector<float> out;
  // Periodic: one period over `length` elements; a single element counts fully.
  for (int64_t i = 0; i < length; ++i) {
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length);
    out.push_back(length == 1 ? 1.f : static_cast<float>(middle - (1.0 - middle) * std::cos(angle)));
  }
  return Tensor::from(out);
}

std::pair<Tensor, Tensor> stft(const Tensor& x, int64_t sequence_length, int64_t sequence_stride,
                               int64_t fft_length, const Window& window, bool center) {
  if (auto node = symbolic<&stft>(x, sequence_length, sequence_stride, fft_length, window, center))
    return *node;
  if (x.dtype() != DType::float32 && x.dtype() != DType::float64) {
    fail<TypeError>({"stft", "x must be float32 or float64", std::string(dtype_name(x.dtype())), "cast it"});
  }
  check_frames("stft", sequence_length, sequence_stride, fft_length);
  Tensor z = as_dtype(x, DType::float32);
  const int last = z.rank() - 1;
  int64_t length = known_extent("stft", z, last);
  if (center) {
    const int64_t edge = fft_length / 2;
    if (length <= edge) {
      fail<ValueError>({"stft", "A reflection at the ends needs more than fft_length / 2 elements",
                        "shape " + x.shape().to_string(), "use center=false"});
    }
    const auto mirror = [&](int64_t from) {
      return prim::reverse(prim::slice_axis(z, last, Dim(from), Dim(from + edge)), {last});
    };
    if (edge > 0) z = prim::concat({mirror(1), z, mirror(length - 1 - edge)}, last);
    length += 2 * edge;
  }
  if (length < fft_length) {
    fail<ValueError>(
        {"stft", "The signal must be at least fft_length long", "shape " + x.shape().to_string(), ""});
  }
  const int64_t frames = (length - fft_length) / sequence_stride + 1;
  Tensor framed =
      prim::gather(z, frame_positions(frames, fft_length, sequence_stride, Shape{frames, fft_length}), last);
  const Tensor w = padded_window("stft", window, sequence_length, fft_length);
  if (w.defined()) framed = prim::mul(framed, w);
  return split(transform(KERAS_RFFT, 1, framed));
}

Tensor istft(const std::vector<Tensor>& x, int64_t sequence_length, int64_t sequence_stride,
             int64_t fft_length, std::optional<int64_t> length, const Window& window, bool center) {
  if (auto node = symbolic<&istft>(x, sequence_length, sequence_stride, fft_length, length, window, center)) {
    return *node;
  }
  check_frames("istft", sequence_length, sequence_stride, fft_length);
  const Tensor z = joined("istft", x);
  if (z.rank() < 2)
    fail<ValueError>({"istft", "x must be (..., frames, frequencies)", z.shape().to_string(), ""});
  const int64_t frames = known_extent("istft", z, z.rank() - 2);
  Tensor framed = transform(KERAS_IRFFT, 1, fitted(z, fft_length / 2 + 1), fft_length);
  const Tensor w = padded_window("istft", window, sequence_length, fft_length);
  if (w.defined()) {
    // Where windows overlap, the sum of their squares is taken out.
    const auto values = w.to_vector<double>();
    std::vector<double> squares(static_cast<size_t>(sequence_stride), 0.0);
    for (size_t i = 0; i < values.size(); ++i) squares[i % squares.size()] += values[i] * values[i];
    std::vector<float> inverse;
    for (size_t i = 0; i < values.size(); ++i)
      inverse.push_back(static_cast<float>(values[i] / squares[i % squares.size()]));
    framed = prim::mul(framed, Tensor::from(inverse));
  }
  // Overlapping frames are added up: elements first, all other axes as columns.
  const Shape lead = framed.shape().sub(0, framed.shape().size() - 2);
  const Dim columns = element_count(lead);
  const int64_t total = fft_length + sequence_stride * (frames - 1);
  const Tensor elements =
      prim::transpose(prim::reshape(framed, Shape{columns, Dim(frames * fft_length)}), {1, 0});
  const Tensor sums = prim::scatter(
      KERAS_SCATTER_ADD, prim::full(Shape{Dim(total), columns}, 0, DType::float32),
      frame_positions(frames, fft_length, sequence_stride, Shape{frames * fft_length, 1}), elements);
  const Tensor signal = prim::reshape(prim::transpose(sums, {1, 0}), lead + Shape{Dim(total)});
  const int64_t start = center ? fft_length / 2 : 0;
  const int64_t end = length   ? start + std::min(*length, total - start)
                      : center ? total - fft_length / 2
                               : total;
  return prim::slice_axis(signal, signal.rank() - 1, Dim(start), Dim(end));
}

}  // namespace keras::ops

namespace keras {

Json FieldCodec<ops::Window>::to_json(const ops::Window& value) {
  return value.name().empty() ? Json() : Json(value.name());
}

ops::Window FieldCodec<ops::Window>::from_json(const Json& json, std::string_view where) {
  if (json.is_null()) return {};
  return ops::Window(std::string(json.as_string(where)));
}

}  // namespace keras
