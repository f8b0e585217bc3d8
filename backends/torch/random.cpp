// SPDX-License-Identifier: Apache-2.0
// Random bits are computed on the host, so that they are those of every other backend.
#include <cmath>

#include "kernel.h"
#include "random_words.h"

namespace keras::aten {
namespace {

using at::Tensor;

// The operand [seed, draw number].
struct State {
  explicit State(const Tensor& tensor) {
    const Tensor dense = tensor.cpu().contiguous();
    seed = static_cast<uint32_t>(dense.data_ptr<int32_t>()[0]);
    draw = static_cast<uint32_t>(dense.data_ptr<int32_t>()[1]);
  }
  uint32_t seed, draw;
};

Answer random_bits(const Call& call) {
  const keras_desc& desc = call.output(0);
  return [shape = sizes_of(desc).vec(), dtype = scalar_type(desc.dtype)](const Values& in) {
    const State state(in[0]);
    Tensor bits = at::empty(shape, dtype);
    // A 64-bit word is two 32-bit words, the first one in the low half: the same bytes.
    random_words(state.seed, state.draw, static_cast<int64_t>(bits.nbytes() / 4),
                 static_cast<uint32_t*>(bits.data_ptr()));
    return Values{brought(bits)};
  };
}

Answer random_uniform(const Call& call) {
  const keras_desc& desc = call.output(0);
  const int32_t dtype = desc.dtype;
  return [shape = sizes_of(desc).vec(), dtype](const Values& in) {
    const State state(in[0]);
    const bool wide = dtype == KERAS_FLOAT64;
    Tensor result = at::empty(shape, wide ? at::kDouble : at::kFloat);
    const int64_t count = result.numel();
    std::vector<uint32_t> words(static_cast<size_t>(wide ? 2 * count : count));
    random_words(state.seed, state.draw, static_cast<int64_t>(words.size()), words.data());
    if (wide) {
      double* to = result.data_ptr<double>();
      for (int64_t i = 0; i < count; ++i) {
        const uint64_t low = words[static_cast<size_t>(2 * i)], high = words[static_cast<size_t>(2 * i + 1)];
        to[i] = std::ldexp(static_cast<double>((low & 0xfffff) << 32 | high), -52);
      }
      return Values{brought(result)};
    }
    const int digits = dtype == KERAS_FLOAT16 ? 10 : dtype == KERAS_BFLOAT16 ? 7 : 23;
    const uint32_t mask = (uint32_t{1} << digits) - 1;
    float* to = result.data_ptr<float>();
    for (int64_t i = 0; i < count; ++i) {
      to[i] = std::ldexp(static_cast<float>(words[static_cast<size_t>(i)] & mask), -digits);
    }
    return Values{brought(result)};
  };
}

Answer dropout(const Call& call) {
  const auto& at = call.attributes<DropoutAttributes>();
  const std::vector<int64_t> noise(at.noise_shape.v, at.noise_shape.v + at.noise_shape.count);
  const auto bound = static_cast<uint32_t>(std::floor(std::ldexp(at.rate, 32)));
  // The factor is a number of the operand's dtype, as in the composition of simpler ops.
  const at::ScalarType dtype = scalar_type(call.output(0).dtype);
  const Tensor factor = at::full({}, 1 / (1 - at.rate), fresh(dtype)).to(scalar_type(call.input(0).dtype));
  return [noise, bound, factor](const Values& in) {
    const State state(in[1]);
    if (in[0].is_cpu() && in[0].scalar_type() == at::kFloat && in[0].sizes() == at::IntArrayRef(noise)) {
      const bool spare = is_spare(in[0]) && in[0].is_contiguous();
      const Tensor x = in[0].contiguous();
      Tensor result = spare ? in[0] : at::empty(noise, at::kFloat);
      random_drop(state.seed, state.draw, x.numel(), bound, factor.item<float>(), x.data_ptr<float>(),
                  result.data_ptr<float>());
      return Values{result};
    }
    Tensor keep = at::empty(noise, at::kBool);
    random_keeps(state.seed, state.draw, keep.numel(), bound, keep.data_ptr<bool>());
    const Tensor zero = at::zeros({}, in[0].options());
    return Values{at::where(brought(keep), at::mul(in[0], factor), zero)};
  };
}

const bool registered = register_op("random_bits", random_bits, kUnsigned) &&
                        register_op("random_uniform", random_uniform, kUnsigned) &&
                        register_op("dropout", dropout, kWiden | kUnsigned);

}  // namespace
}  // namespace keras::aten
