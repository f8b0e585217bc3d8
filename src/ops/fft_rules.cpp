// SPDX-License-Identifier: Apache-2.0
// The rule of fft. A cotangent is that of the real inner product, as everywhere: the adjoint of a transform
// is the opposite transform without its scale.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

void infer_fft(InferContext& c) {
  const auto& at = c.attrs<FftAttributes>();
  const auto received = fmt::format("{}; {}", c.operands[0].to_string(),
                                    attributes_to_string(attribute_table<FftAttributes>(), &at));
  if (at.axes < 1 || at.axes > c.shape(0).rank()) {
    fail<ValueError>({c.op, "As many axes must be there as are transformed", received, ""});
  }
  const bool real_in = at.kind == KERAS_RFFT;
  if (c.dtype(0) != (real_in ? DType::float32 : DType::complex64)) {
    fail<TypeError>({c.op, real_in ? "A real transform takes float32" : "A complex transform takes complex64",
                     received, "cast it"});
  }
  Shape out = c.shape(0);
  if (at.kind == KERAS_RFFT) out[out.size() - 1] = out.back() / Dim(2) + Dim(1);
  if (at.kind == KERAS_IRFFT) {
    if (at.length < 1) fail<ValueError>({c.op, "irfft needs the length of its result", received, ""});
    if (out.back().known() && out.back().value() != at.length / 2 + 1) {
      fail<ValueError>({c.op, "The last axis must hold length / 2 + 1 frequencies", received, ""});
    }
    out[out.size() - 1] = Dim(at.length);
  }
  c.result(at.kind == KERAS_IRFFT ? DType::float32 : DType::complex64, out);
}

Tensor transform(keras_fft kind, int64_t axes, const Tensor& x, int64_t length = 0) {
  auto at = make_attributes<FftAttributes>();
  at.kind = kind;
  at.axes = axes;
  at.length = length;
  return apply_op(OpId::fft_op, at, {x});
}

Tensor times(const Tensor& x, double factor) { return prim::mul(x, prim::scalar_like(x, factor)); }

// Weights of the half spectrum, whose inner frequencies stand twice in the whole one: 1 at 0 and at the
// middle of an even length, `inner` elsewhere.
Tensor multiplicity(int64_t length, double inner) {
  std::vector<float> weights(static_cast<size_t>(length / 2 + 1), static_cast<float>(inner));
  weights.front() = 1.f;
  if (length % 2 == 0) weights.back() = 1.f;
  return prim::cast(Tensor::from(weights), DType::complex64);
}

Tensors fft_vjp(VjpContext& c) {
  const auto& at = c.attrs<FftAttributes>();
  const Shape& in = c.operand_types[0].shape;
  const auto extent = [&](int64_t from_end) {
    return in[in.size() - 1 - static_cast<size_t>(from_end)].value();
  };
  double count = 1;
  for (int64_t a = 0; a < at.axes; ++a) count *= static_cast<double>(extent(a));
  switch (at.kind) {
    case KERAS_FFT:
      return {times(transform(KERAS_IFFT, at.axes, c.grad()), count)};
    case KERAS_IFFT:
      return {times(transform(KERAS_FFT, at.axes, c.grad()), 1.0 / count)};
    default:
      break;
  }
  if (at.axes != 1) {
    fail<UnsupportedError>({"fft", "The gradient of a real transform is there for one axis",
                            fmt::format("{} axes", at.axes), "transform the axes one after the other"});
  }
  if (at.kind == KERAS_RFFT) {
    const int64_t n = extent(0);
    const Tensor weighted = prim::mul(c.grad(), multiplicity(n, 0.5));
    return {times(transform(KERAS_IRFFT, 1, weighted, n), static_cast<double>(n))};
  }
  const Tensor spectrum = transform(KERAS_RFFT, 1, c.grad());
  return {times(prim::mul(spectrum, multiplicity(at.length, 2.0)), 1.0 / static_cast<double>(at.length))};
}

// The matrices of cosines and of sines of 2 pi j k / n: column j of an axis of `inputs`, row k of `outputs`.
std::pair<Tensor, Tensor> circle(int64_t n, int64_t inputs, int64_t outputs) {
  host_entries("fft", 2 * sizeof(float), {outputs, inputs});
  std::vector<float> cosines, sines;
  for (int64_t k = 0; k < outputs; ++k) {
    for (int64_t j = 0; j < inputs; ++j) {
      const double angle = 2.0 * std::numbers::pi * static_cast<double>(j * k % n) / static_cast<double>(n);
      cosines.push_back(static_cast<float>(std::cos(angle)));
      sines.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  const Shape shape{outputs, inputs};
  return {Tensor::from(cosines, shape), Tensor::from(sines, shape)};
}

// A matrix times one axis of x, which stays in its place.
Tensor along(const Tensor& matrix, const Tensor& x, int axis) {
  const Tensor product = prim::dot_general(x, matrix, {axis}, {1});
  Axes back;
  for (int a = 0; a < x.rank(); ++a) back.push_back(a < axis ? a : a == axis ? x.rank() - 1 : a - 1);
  return prim::transpose(product, back);
}

// The sums of the definition, as products with matrices: slower than a fast transform, and as exact.
Tensors decompose_fft(DecomposeContext& c) {
  const auto& at = c.attrs<FftAttributes>();
  const int last = c[0].rank() - 1;
  Tensor re = at.kind == KERAS_RFFT ? c[0] : prim::real(c[0]);
  Tensor im = at.kind == KERAS_RFFT ? prim::zeros_like(re) : prim::imag(c[0]);
  const bool forward = at.kind == KERAS_FFT || at.kind == KERAS_RFFT;
  if ((at.kind == KERAS_RFFT || at.kind == KERAS_IRFFT) && at.axes != 1) {
    fail<UnsupportedError>({c.op.name, "Without a kernel, a real transform is there for one axis",
                            fmt::format("{} axes", at.axes), "transform the axes one after the other"});
  }
  if (at.kind == KERAS_IRFFT) {
    const auto [cosines, sines] = circle(at.length, re.dim(last).value(), at.length);
    std::vector<float> twice(static_cast<size_t>(at.length / 2 + 1), 2.f);
    twice.front() = 1.f;
    if (at.length % 2 == 0) twice.back() = 1.f;
    const Tensor weights = Tensor::from(twice);
    const Tensor sum =
        prim::sub(along(cosines, prim::mul(re, weights), last), along(sines, prim::mul(im, weights), last));
    return {times(sum, 1.0 / static_cast<double>(at.length))};
  }
  for (int a = last; a > last - at.axes; --a) {
    const int64_t n = re.dim(a).value();
    const auto [cosines, sines] = circle(n, n, at.kind == KERAS_RFFT ? n / 2 + 1 : n);
    const double scale = forward ? 1.0 : 1.0 / static_cast<double>(n);
    // (re + i im)(cos -+ i sin)
    const Tensor turned_re = along(sines, re, a), turned_im = along(sines, im, a);
    const Tensor straight_re = along(cosines, re, a), straight_im = along(cosines, im, a);
    re = times(forward ? prim::add(straight_re, turned_im) : prim::sub(straight_re, turned_im), scale);
    im = times(forward ? prim::sub(straight_im, turned_re) : prim::add(straight_im, turned_re), scale);
  }
  return {prim::complex(re, im)};
}

std::vector<OpSample> fft_samples() {
  std::vector<OpSample> out;
  const auto single = [](const Tensor& t) { return prim::cast(t, DType::float32); };
  const auto complex = [&](const Shape& s) {
    return prim::complex(single(sample_values(s)), single(sample_values(s, 0.9)));
  };
  const auto add_case = [&](const char* name, keras_fft kind, int64_t axes, int64_t length, const Tensor& x) {
    auto at = make_attributes<FftAttributes>();
    at.kind = kind;
    at.axes = axes;
    at.length = length;
    out.push_back(sample(name, {x}, at, false));  // there is no double-precision transform to differentiate
  };
  add_case("fft", KERAS_FFT, 1, 0, complex({2, 8}));
  add_case("fft of 6", KERAS_FFT, 1, 0, complex({2, 6}));
  add_case("fft of 7", KERAS_FFT, 1, 0, complex({7}));
  add_case("fft2", KERAS_FFT, 2, 0, complex({2, 4, 3}));
  add_case("ifft2", KERAS_IFFT, 2, 0, complex({4, 3}));
  add_case("rfft", KERAS_RFFT, 1, 0, single(sample_values({2, 8})));
  add_case("rfft odd", KERAS_RFFT, 1, 0, single(sample_values({2, 5})));
  add_case("irfft", KERAS_IRFFT, 1, 8, complex({2, 5}));
  add_case("irfft odd", KERAS_IRFFT, 1, 5, complex({2, 3}));
  return out;
}

}  // namespace

KERAS_OP_RULE(fft, .infer = infer_fft, .vjp = fft_vjp, .decompose = decompose_fft, .samples = fft_samples);

}  // namespace keras::internal
