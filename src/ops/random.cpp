// SPDX-License-Identifier: Apache-2.0
#include "keras/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "keras/base/error.h"
#include "ops/fused.h"
#include "ops/primitives.h"
#include "ops/promotion.h"

namespace keras::random {

using namespace internal;

namespace {

DType checked(const char* where, std::optional<DType> dtype) {
  const DType result = dtype.value_or(floatx());
  if (!is_float(result)) {
    fail<TypeError>(
        {where, "dtype must be a float dtype", std::string(dtype_name(result)), "use randint for integers"});
  }
  return result;
}

DType wide(DType dtype) { return dtype == DType::float64 ? dtype : DType::float32; }

Tensor word(uint64_t value) { return Tensor::from(std::vector<uint64_t>{value}, Shape{}); }

Tensor times(const Tensor& x, double factor) { return prim::mul(x, prim::scalar_like(x, factor)); }
Tensor plus(const Tensor& x, double summand) { return prim::add(x, prim::scalar_like(x, summand)); }

// The centres of 32-bit words' intervals in (0, 1): never 0.
Tensor centred(const Tensor& words, DType dtype) {
  return times(plus(prim::cast(words, dtype), 0.5), std::ldexp(1.0, -32));
}
// The same of the upper 23 bits, so that rounding to float32 never gives 1 either.
Tensor inside(const Tensor& words, DType dtype) {
  const Tensor upper = prim::shr(words, Tensor::from(std::vector<uint32_t>{9}, Shape{}));
  return times(plus(prim::cast(upper, dtype), 0.5), std::ldexp(1.0, -23));
}
Tensor low_half(const Tensor& words) { return prim::bit_and(words, word(0xffffffffu)); }
Tensor high_half(const Tensor& words) { return prim::shr(words, word(32)); }

// Box and Muller's transform of uint64 words.
Tensor normal_of(const Tensor& words, DType dtype) {
  const Tensor radius = prim::sqrt(times(prim::log(centred(low_half(words), dtype)), -2.0));
  return prim::mul(radius, prim::cos(times(centred(high_half(words), dtype), 2.0 * std::numbers::pi)));
}

Tensor scaled(const Tensor& x, double factor, double summand, DType dtype) {
  return prim::cast(plus(times(x, factor), summand), dtype);
}

// A state for a part of a draw, which shares no words with the others.
Tensor part_of(const Tensor& state, uint32_t part) {
  return prim::bit_xor(state, Tensor::from(std::vector<uint32_t>{part * 0x9e3779b9u, 0u}, Shape{2}));
}

Tensor gamma_of(const Tensor& state, const Shape& shape, const Tensor& alpha, DType dtype) {
  // Each try accepts with a probability above 0.95; after 16 the chance of none is below 1e-20.
  constexpr int kTries = 16;
  const Tensor a = prim::broadcast_to(prim::cast(as_plain(alpha), dtype), shape);
  const Tensor small = prim::less(a, prim::scalar(1, dtype));
  const Tensor raised = prim::select(small, plus(a, 1), a);
  const Tensor d = plus(raised, -1.0 / 3.0);
  const Tensor c = prim::rsqrt(times(d, 9));
  Tensor sample = d;  // the mode, should every try fail
  Tensor open;
  for (uint32_t i = 0; i < kTries; ++i) {
    const Tensor x = normal_of(prim::random_bits(part_of(state, 2 * i + 1), shape, DType::uint64), dtype);
    const Tensor u = centred(prim::random_bits(part_of(state, 2 * i + 2), shape), dtype);
    const Tensor root = plus(prim::mul(c, x), 1);
    const Tensor positive = prim::greater(root, prim::scalar(0, dtype));
    const Tensor v = prim::select(positive, prim::mul(root, prim::mul(root, root)), prim::scalar(1, dtype));
    const Tensor bound =
        prim::add(times(prim::mul(x, x), 0.5),
                  prim::mul(d, prim::add(prim::sub(prim::scalar(1, dtype), v), prim::log(v))));
    Tensor taken = prim::bit_and(positive, prim::less(prim::log(u), bound));
    if (open.defined()) taken = prim::bit_and(taken, open);
    sample = prim::select(taken, prim::mul(d, v), sample);
    const Tensor still = prim::bit_not(taken);
    open = open.defined() ? prim::bit_and(open, still) : still;
  }
  const Tensor u = centred(prim::random_bits(part_of(state, 2 * kTries + 1), shape), dtype);
  const Tensor exponent = prim::div(prim::scalar(1, dtype), prim::select(small, a, prim::scalar(1, dtype)));
  return prim::select(small, prim::mul(sample, prim::pow(u, exponent)), sample);
}

}  // namespace

Tensor uniform(const Shape& shape, double minval, double maxval, std::optional<DType> dtype,
               const Seed& seed) {
  const DType result = checked("random.uniform", dtype);
  const Tensor unit = fused::random_uniform(seed.draw(), shape, result);
  if (minval == 0 && maxval == 1) return unit;
  return plus(times(unit, maxval - minval), minval);
}

Tensor normal(const Shape& shape, double mean, double stddev, std::optional<DType> dtype, const Seed& seed) {
  const DType result = checked("random.normal", dtype);
  const Tensor words = prim::random_bits(seed.draw(), shape, DType::uint64);
  return scaled(normal_of(words, wide(result)), stddev, mean, result);
}

Tensor truncated_normal(const Shape& shape, double mean, double stddev, std::optional<DType> dtype,
                        const Seed& seed) {
  const DType result = checked("random.truncated_normal", dtype);
  const Tensor u = centred(prim::random_bits(seed.draw(), shape), wide(result));
  const double within = std::erf(std::numbers::sqrt2);  // the probability of two standard deviations
  const Tensor z = times(prim::erf_inv(times(plus(times(u, 2), -1), within)), std::numbers::sqrt2);
  return scaled(z, stddev, mean, result);
}

Tensor randint(const Shape& shape, int64_t minval, int64_t maxval, DType dtype, const Seed& seed) {
  if (maxval <= minval) {
    fail<ValueError>({"random.randint", "maxval must be greater than minval",
                      fmt::format("minval={}, maxval={}", minval, maxval), ""});
  }
  const uint64_t range = static_cast<uint64_t>(maxval) - static_cast<uint64_t>(minval);
  const Tensor words = prim::random_bits(seed.draw(), shape, DType::uint64);
  const Tensor steps = prim::cast(prim::rem(words, word(range)), DType::int64);
  const Tensor least = Tensor::from(std::vector<int64_t>{minval}, Shape{});
  return prim::cast(prim::add(steps, least), dtype);
}

Tensor categorical(const Tensor& logits, int64_t num_samples, DType dtype, const Seed& seed) {
  if (logits.rank() != 2) {
    fail<ValueError>(
        {"random.categorical", "logits must be (rows, classes)", "shape " + logits.shape().to_string(), ""});
  }
  const Tensor z = as_float(logits);
  const DType w = wide(z.dtype());
  const Shape shape{z.dim(0), Dim(num_samples), z.dim(1)};
  // The largest of logits plus Gumbel noise is a draw from their softmax.
  const Tensor u = inside(prim::random_bits(seed.draw(), shape), w);
  const Tensor noise = prim::neg(prim::log(prim::neg(prim::log(u))));
  return prim::cast(prim::argmax(prim::add(prim::expand_dims(prim::cast(z, w), 1), noise), 2), dtype);
}

Tensor dropout(const Tensor& inputs, double rate, const Shape& noise_shape, const Seed& seed) {
  if (!(rate >= 0 && rate <= 1)) {
    fail<ValueError>({"random.dropout", "rate must be in [0, 1]", fmt::format("rate={}", rate), ""});
  }
  const Tensor x = as_float(inputs);
  if (rate == 0) return x;
  if (rate == 1) return prim::zeros_like(x);
  Shape noise = noise_shape.empty() ? x.shape() : noise_shape;
  for (size_t i = 0; i < noise.size() && i < x.shape().size(); ++i) {
    if (!noise[i].known()) noise[i] = x.shape()[i];
  }
  return fused::dropout(x, seed.draw(), rate, noise);
}

Tensor shuffle(const Tensor& x, int axis, const Seed& seed) {
  const Tensor z = as_plain(x);
  const int a = normalize_axis("random.shuffle", axis, z.rank());
  const Shape along{z.dim(a)};
  const Tensor operands[] = {prim::random_bits(seed.draw(), along), prim::iota(DType::int32, along)};
  return prim::gather(z, prim::sort(operands, 0)[1], a);
}

Tensor gamma(const Shape& shape, const Tensor& alpha, std::optional<DType> dtype, const Seed& seed) {
  const DType result = checked("random.gamma", dtype);
  return prim::cast(gamma_of(seed.draw(), shape, alpha, wide(result)), result);
}

Tensor beta(const Shape& shape, const Tensor& alpha, const Tensor& beta, std::optional<DType> dtype,
            const Seed& seed) {
  const DType result = checked("random.beta", dtype);
  const Tensor state = seed.draw();
  const Tensor a = gamma_of(part_of(state, 1000), shape, alpha, wide(result));
  const Tensor b = gamma_of(part_of(state, 2000), shape, beta, wide(result));
  return prim::cast(prim::div(a, prim::add(a, b)), result);
}

Tensor binomial(const Shape& shape, const Tensor& counts, const Tensor& probabilities,
                std::optional<DType> dtype, const Seed& seed) {
  const DType result = checked("random.binomial", dtype);
  if (counts.abstract()) {
    fail<UnsupportedError>({"random.binomial",
                            "The counts must be readable, since they bound the number of trials", "",
                            "draw outside of the traced function"});
  }
  double most = 0;
  for (const double n : counts.to_vector<double>()) most = std::max(most, n);
  const Tensor state = seed.draw();
  const Tensor n = prim::cast(as_plain(counts), DType::float32);
  const Tensor p = prim::cast(as_plain(probabilities), DType::float32);
  Tensor successes = prim::full(shape, 0, DType::float32);
  constexpr int64_t kBlock = 64;  // trials at a time, to bound the memory
  for (int64_t first = 0; static_cast<double>(first) < most; first += kBlock) {
    const Shape block = Shape{kBlock} + shape;
    const Tensor u = inside(
        prim::random_bits(part_of(state, static_cast<uint32_t>(first / kBlock) + 1), block), DType::float32);
    const Tensor trial = plus(prim::iota(DType::float32, block, 0), static_cast<double>(first));
    const Tensor hit = prim::bit_and(prim::less(u, p), prim::less(trial, n));
    successes = prim::add(successes, prim::reduce_sum(prim::cast(hit, DType::float32), {0}));
  }
  return prim::cast(successes, result);
}

}  // namespace keras::random
