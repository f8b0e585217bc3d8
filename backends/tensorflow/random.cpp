// SPDX-License-Identifier: Apache-2.0
// Our random words are those of TensorFlow's stateless Philox with the key `seed` and the counter (0, draw).
#include <cmath>

#include "kernel.h"

namespace keras::tensorflow {
namespace {

constexpr int32_t kPhilox = 1;

// `state` is uint32 [seed, draw number].
Value words(Builder& b, const Value& state, TF_DataType type, const Sizes& sizes) {
  const Value wide = b.cast(state, TF_UINT64);
  const Value seed = b.slice(wide, {0}, {1}, {1});
  const Value draw = b.slice(wide, {1}, {2}, {1});
  const uint64_t zero = 0;
  const Value counter =
      b.op("ConcatV2", {Values{b.constant(TF_UINT64, {1}, &zero), draw}, b.scalar(TF_INT32, 0)});
  return b.op("StatelessRandomUniformFullIntV2",
              {b.integers(sizes), seed, counter, b.constant(TF_INT32, {}, &kPhilox)}, {{"dtype", type}});
}

Answer random_bits(const Call& call) {
  const keras_desc& desc = call.output(0);
  return [sizes = sizes_of(desc), type = tf_type(desc.dtype)](Builder& b, const Values& in) {
    return Values{words(b, in[0], type, sizes)};
  };
}

Answer random_uniform(const Call& call) {
  const keras_desc& desc = call.output(0);
  return [sizes = sizes_of(desc), dtype = desc.dtype](Builder& b, const Values& in) {
    if (dtype == KERAS_FLOAT64) {
      const Value w = words(b, in[0], TF_UINT64, sizes);
      const Value by = b.scalar(TF_UINT64, 32);
      const Value high = b.op("LeftShift", {b.op("BitwiseAnd", {w, b.scalar(TF_UINT64, 0xfffff)}), by});
      const Value bits = b.op("BitwiseOr", {high, b.op("RightShift", {w, by})});
      return Values{b.mul(b.cast(bits, TF_DOUBLE), std::ldexp(1.0, -52))};
    }
    const int digits = dtype == KERAS_FLOAT16 ? 10 : dtype == KERAS_BFLOAT16 ? 7 : 23;
    const Value mask = b.scalar(TF_UINT32, std::ldexp(1.0, digits) - 1);
    const Value low = b.op("BitwiseAnd", {words(b, in[0], TF_UINT32, sizes), mask});
    return Values{b.mul(b.cast(low, TF_FLOAT), std::ldexp(1.0, -digits))};
  };
}

Answer dropout(const Call& call) {
  const auto& at = call.attributes<DropoutAttributes>();
  return [noise = ints(at.noise_shape), rate = at.rate, type = tf_type(call.output(0).dtype)](
             Builder& b, const Values& in) {
    const Value bound = b.scalar(TF_UINT32, std::floor(std::ldexp(rate, 32)));
    const Value keep = b.op("GreaterEqual", {words(b, in[1], TF_UINT32, noise), bound});
    // The factor is a number of the operand's own dtype, as in the composition of simpler ops.
    const Value factor = b.cast(b.scalar(type, 1 / (1 - rate)), b.type(in[0]));
    return Values{b.select(keep, b.mul(in[0], factor), b.scalar(b.type(in[0]), 0))};
  };
}

const bool registered = register_op("random_bits", random_bits) &&
                        register_op("random_uniform", random_uniform) &&
                        register_op("dropout", dropout, kWiden);

}  // namespace
}  // namespace keras::tensorflow
