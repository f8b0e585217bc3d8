// SPDX-License-Identifier: Apache-2.0
// The rule of fft. A cotangent is that of the real inner product, as everywhere: the adjoint of a transform
// is the opposite transform without its scale.
#include <fmt/format.h>

#include "keras/base/error.h"
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

KERAS_OP_RULE(fft, .infer = infer_fft, .vjp = fft_vjp, .samples = fft_samples);

}  // namespace keras::internal
