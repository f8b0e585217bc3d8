// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Fourier transforms of keras.ops. Complex numbers come and go as their real and imaginary parts, float32: a
/// list of two tensors in, a pair out.
namespace keras::ops {

/// The transform of the last axis.
std::pair<Tensor, Tensor> fft(const std::vector<Tensor>& x);
/// The transform of the last two axes.
std::pair<Tensor, Tensor> fft2(const std::vector<Tensor>& x);
/// The inverse of fft2.
std::pair<Tensor, Tensor> ifft2(const std::vector<Tensor>& x);
/// The first fft_length / 2 + 1 frequencies of a real tensor's last axis, which is cut or filled with zeros
/// to fft_length (none: its extent).
std::pair<Tensor, Tensor> rfft(const Tensor& x, std::optional<int64_t> fft_length = {});
/// The inverse of rfft; fft_length none: 2 (frequencies - 1).
Tensor irfft(const std::vector<Tensor>& x, std::optional<int64_t> fft_length = {});

/// The window of a short-time transform: "hann", "hamming", a tensor (sequence_length,), or none.
class Window {
 public:
  Window() = default;                                      ///< none
  Window(std::nullopt_t) {}                                // NOLINT: Python's None
  Window(const char* name) : value_(std::string(name)) {}  // NOLINT: a name is a window
  Window(std::string name) : value_(std::move(name)) {}    // NOLINT
  Window(Tensor values) : value_(std::move(values)) {}     // NOLINT: so is a tensor
  /// "hann", or "" for a tensor or none.
  std::string name() const;
  /// The `length` values; undefined for none. Throws ValueError for an unknown name or another length.
  Tensor values(std::string_view where, int64_t length) const;

 private:
  std::variant<std::monostate, std::string, Tensor> value_;
};

/// Short-time transform of the last axis of x: windows of sequence_length every sequence_stride, each
/// transformed with fft_length; real and imaginary parts (..., frames, fft_length / 2 + 1). center: x is
/// reflected at its ends by fft_length / 2.
std::pair<Tensor, Tensor> stft(const Tensor& x, int64_t sequence_length, int64_t sequence_stride,
                               int64_t fft_length, const Window& window = "hann", bool center = true);
/// The inverse of stft; `length` none: as long as the frames reach.
Tensor istft(const std::vector<Tensor>& x, int64_t sequence_length, int64_t sequence_stride,
             int64_t fft_length, std::optional<int64_t> length = {}, const Window& window = "hann",
             bool center = true);

}  // namespace keras::ops

namespace keras {

/// null or a name; tensors have no place in a config.
template <>
struct FieldCodec<ops::Window> {
  static std::string kind() { return "\"hann\", \"hamming\" or null"; }
  static Json to_json(const ops::Window& value);
  static ops::Window from_json(const Json& json, std::string_view where);
};

}  // namespace keras
