// SPDX-License-Identifier: Apache-2.0
#include "elementwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "random.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "half.h"
#include "keras/base/philox.h"
#include "loops-inl.h"
#include "philox_words.h"

HWY_BEFORE_NAMESPACE();
namespace keras::native {
namespace HWY_NAMESPACE {

// Words 4 * first ... 4 * (first + blocks) - 1 of a Philox sequence.
void PhiloxBlocks(uint32_t seed, uint32_t draw, uint64_t first, int64_t blocks, uint32_t* out) {
  int64_t done = 0;
#if HWY_TARGET != HWY_SCALAR
  namespace hn = hwy::HWY_NAMESPACE;
  // One counter in each 64-bit lane, its words in four vectors. Only the low half of a lane counts: what the
  // upper half holds is never read.
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto multiplier_0 = hn::BitCast(d32, hn::Set(d, 0xD2511F53u));
  const auto multiplier_1 = hn::BitCast(d32, hn::Set(d, 0xCD9E8D57u));
  HWY_ALIGN uint64_t low[hn::MaxLanes(d)];
  HWY_ALIGN uint64_t high[hn::MaxLanes(d)];
  for (; done + lanes <= blocks; done += lanes) {
    const auto index = hn::Add(hn::Set(d, first + static_cast<uint64_t>(done)), hn::Iota(d, 0));
    auto c0 = index;
    auto c1 = hn::ShiftRight<32>(index);
    auto c2 = hn::Set(d, draw);
    auto c3 = hn::Zero(d);
    uint32_t key_0 = seed;
    uint32_t key_1 = 0;
    for (int round = 0; round < 10; ++round) {
      const auto even = hn::MulEven(hn::BitCast(d32, c0), multiplier_0);
      const auto odd = hn::MulEven(hn::BitCast(d32, c2), multiplier_1);
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(odd), c1), hn::Set(d, key_0));
      c1 = odd;
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(even), c3), hn::Set(d, key_1));
      c3 = even;
      key_0 += 0x9E3779B9u;
      key_1 += 0xBB67AE85u;
    }
    const auto mask = hn::Set(d, 0xffffffffu);
    hn::Store(hn::Or(hn::And(c0, mask), hn::ShiftLeft<32>(c1)), d, low);
    hn::Store(hn::Or(hn::And(c2, mask), hn::ShiftLeft<32>(c3)), d, high);
    uint32_t* to = out + 4 * done;
    for (int64_t i = 0; i < lanes; ++i) {
      __builtin_memcpy(to + 4 * i, low + i, 8);
      __builtin_memcpy(to + 4 * i + 2, high + i, 8);
    }
  }
#endif
  const Philox philox(seed, draw);
  for (; done < blocks; ++done) {
    const Philox::Block words = philox.block(first + static_cast<uint64_t>(done));
    __builtin_memcpy(out + 4 * done, words.data(), 16);
  }
}

// Floats in [0, 1) as TensorFlow makes them: the low bits of a word are the mantissa of a number in [1, 2).
void UniformFloats(const uint32_t* words, float* out, int64_t count, int digits) {
  const int drop = 23 - digits;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t mantissa = words[i] << (drop + 9) >> 9;
    out[i] = std::bit_cast<float>(mantissa | 0x3f800000u) - 1.0f;
  }
}

void UniformDoubles(const uint32_t* words, double* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t mantissa = (uint64_t{words[2 * i]} & 0xfffffu) << 32 | words[2 * i + 1];
    out[i] = std::bit_cast<double>(mantissa | uint64_t{0x3ff} << 52) - 1.0;
  }
}

template <class T>
void DropLoop(const uint32_t* words, uint32_t bound, T scale, const T* x, T* y, int64_t count) {
  KERAS_NATIVE_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const T scaled = x[i] * scale;
    y[i] = words[i] >= bound ? scaled : T{0};
  }
}

void DropFloats(const uint32_t* words, uint32_t bound, float scale, const float* x, float* y, int64_t count) {
  DropLoop(words, bound, scale, x, y, count);
}
void DropDoubles(const uint32_t* words, uint32_t bound, double scale, const double* x, double* y,
                 int64_t count) {
  DropLoop(words, bound, scale, x, y, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace keras::native
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace keras::native {

HWY_EXPORT(PhiloxBlocks);
HWY_EXPORT(UniformFloats);
HWY_EXPORT(UniformDoubles);
HWY_EXPORT(DropFloats);
HWY_EXPORT(DropDoubles);

void philox_blocks(uint32_t seed, uint32_t draw, uint64_t first, int64_t blocks, uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(PhiloxBlocks)(seed, draw, first, blocks, out);
}

namespace {

constexpr int64_t kPiece = 1024;  // words made at a time, while the cache holds them
constexpr int64_t kGrain = 8192;

// The operand [seed, draw number] of the random ops.
struct State {
  explicit State(const keras_tensor& tensor)
      : seed(input_as<uint32_t>(tensor)[0]), draw(input_as<uint32_t>(tensor)[1]) {}
  // Words from number `first`, a multiple of four; room for `count` rounded up to a multiple of four.
  void words(int64_t first, int64_t count, uint32_t* out) const {
    philox_blocks(seed, draw, static_cast<uint64_t>(first / 4), (count + 3) / 4, out);
  }
  uint32_t seed;
  uint32_t draw;
};

// Calls body(first word, words, array of them) piece by piece, on several threads.
template <class Body>
void for_words(const State& state, int64_t count, const Body& body) {
  parallel_for((count + kPiece - 1) / kPiece, kGrain / kPiece, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kPiece];
    for (int64_t piece = begin; piece < end; ++piece) {
      const int64_t first = piece * kPiece;
      const int64_t length = std::min(kPiece, count - first);
      state.words(first, length, words);
      body(first, length, words);
    }
  });
}

class BitsKernel final : public keras_kernel {
 public:
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    // A 64-bit word is two 32-bit words, the first one in the low half: the same bytes.
    const int64_t count = static_cast<int64_t>(byte_size(out[0].desc) / 4);
    auto* to = output_as<uint32_t>(out[0]);
    for_words(State(in[0]), count, [&](int64_t first, int64_t length, const uint32_t* words) {
      std::memcpy(to + first, words, static_cast<size_t>(length) * 4);
    });
  }
};

class UniformKernel final : public keras_kernel {
 public:
  explicit UniformKernel(const keras_op& op)
      : dtype_(op.outputs[0].dtype), count_(element_count(op.outputs[0])) {}
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const State state(in[0]);
    if (dtype_ == KERAS_FLOAT64) {
      auto* to = output_as<double>(out[0]);
      for_words(state, 2 * count_, [&](int64_t first, int64_t length, const uint32_t* words) {
        HWY_DYNAMIC_DISPATCH(UniformDoubles)(words, to + first / 2, length / 2);
      });
      return;
    }
    const int digits = dtype_ == KERAS_FLOAT16 ? 10 : dtype_ == KERAS_BFLOAT16 ? 7 : 23;
    char* to = output_as<char>(out[0]);
    for_words(state, count_, [&](int64_t first, int64_t length, const uint32_t* words) {
      if (dtype_ == KERAS_FLOAT32) {
        HWY_DYNAMIC_DISPATCH(UniformFloats)(words, reinterpret_cast<float*>(to) + first, length, digits);
      } else {
        float wide[kPiece];
        HWY_DYNAMIC_DISPATCH(UniformFloats)(words, wide, length, digits);
        float_to_half(dtype_, wide, to + 2 * first, length);
      }
    });
  }

 private:
  int32_t dtype_;
  int64_t count_;
};

// y = keep ? x * scale : 0 with broadcasting, for masks that repeat.
template <class T>
void masked_loop(const void* const* in, const int* steps, void* out, int64_t count) {
  const auto* keep = static_cast<const uint8_t*>(in[0]);
  const T* x = static_cast<const T*>(in[1]);
  const T scale = *static_cast<const T*>(in[2]);
  T* y = static_cast<T*>(out);
  for (int64_t i = 0; i < count; ++i) y[i] = keep[i * steps[0]] != 0 ? x[i * steps[1]] * scale : T{0};
}

class DropoutKernel final : public keras_kernel {
 public:
  explicit DropoutKernel(const keras_op& op) : desc_(op.inputs[0]), count_(element_count(op.inputs[0])) {
    const auto& at = attributes<DropoutAttributes>(op);
    bound_ = static_cast<uint32_t>(std::floor(std::ldexp(at.rate, 32)));
    scale_ = 1 / (1 - at.rate);
    noise_ = desc_;
    noise_.dtype = KERAS_BOOL;
    noise_.rank = static_cast<int32_t>(at.noise_shape.count);
    for (int i = 0; i < noise_.rank; ++i) noise_.shape[i] = at.noise_shape.v[i];
    // The factor is a number of the operand's dtype, as in the composition of simpler ops.
    const auto narrow = static_cast<float>(scale_);
    if (desc_.dtype == KERAS_FLOAT64) {
      std::memcpy(factor_, &scale_, 8);
    } else if (desc_.dtype == KERAS_FLOAT32) {
      std::memcpy(factor_, &narrow, 4);
    } else {
      float_to_half(desc_.dtype, &narrow, factor_, 1);
    }
    if (element_count(noise_) == count_) return;
    keras_desc scalar{};
    scalar.dtype = desc_.dtype;
    const keras_desc operands[] = {noise_, desc_, scalar};
    keras_op step = op;
    step.num_inputs = 3;
    step.inputs = operands;
    masked_ = elementwise(step, desc_.dtype == KERAS_FLOAT64 ? masked_loop<double> : masked_loop<float>, 1,
                          is_half(desc_.dtype));
  }

  bool may_overwrite(int input, int) const override { return input == 0; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const State state(in[1]);
    if (masked_) return run_masked(state, in, out);
    const char* x = input_as<char>(in[0]);
    char* y = output_as<char>(out[0]);
    const int32_t dtype = desc_.dtype;
    float factor = static_cast<float>(scale_);
    if (is_half(dtype)) half_to_float(dtype, factor_, &factor, 1);
    for_words(state, count_, [&](int64_t first, int64_t length, const uint32_t* words) {
      if (dtype == KERAS_FLOAT64) {
        HWY_DYNAMIC_DISPATCH(DropDoubles)
        (words, bound_, scale_, reinterpret_cast<const double*>(x) + first,
         reinterpret_cast<double*>(y) + first, length);
      } else if (dtype == KERAS_FLOAT32) {
        HWY_DYNAMIC_DISPATCH(DropFloats)
        (words, bound_, factor, reinterpret_cast<const float*>(x) + first,
         reinterpret_cast<float*>(y) + first, length);
      } else {
        float wide[kPiece];
        half_to_float(dtype, x + 2 * first, wide, length);
        HWY_DYNAMIC_DISPATCH(DropFloats)(words, bound_, factor, wide, wide, length);
        float_to_half(dtype, wide, y + 2 * first, length);
      }
    });
  }

 private:
  void run_masked(const State& state, const keras_tensor* in, keras_tensor* out) const {
    const int64_t marks = element_count(noise_);
    const Scratch mask(static_cast<size_t>(marks));
    auto* keep = mask.as<uint8_t>();
    for_words(state, marks, [&](int64_t first, int64_t length, const uint32_t* words) {
      for (int64_t i = 0; i < length; ++i) keep[first + i] = words[i] >= bound_;
    });
    keras_buffer mask_view;
    mask_view.data = keep;
    keras_buffer factor_view;
    factor_view.data = const_cast<char*>(factor_);
    keras_desc scalar{};
    scalar.dtype = desc_.dtype;
    const keras_tensor operands[] = {{&mask_view, noise_}, in[0], {&factor_view, scalar}};
    masked_->run(operands, 3, out, 1);
  }

  keras_desc desc_;
  int64_t count_;
  uint32_t bound_;
  double scale_;
  keras_desc noise_;
  alignas(8) char factor_[8];
  std::unique_ptr<keras_kernel> masked_;
};

std::unique_ptr<keras_kernel> make_bits(const keras_op&, std::string&) {
  return std::make_unique<BitsKernel>();
}
std::unique_ptr<keras_kernel> make_uniform(const keras_op& op, std::string&) {
  return std::make_unique<UniformKernel>(op);
}
std::unique_ptr<keras_kernel> make_dropout(const keras_op& op, std::string&) {
  return std::make_unique<DropoutKernel>(op);
}

const bool registered = register_kernel("random_bits", make_bits) &&
                        register_kernel("random_uniform", make_uniform) &&
                        register_kernel("dropout", make_dropout);

}  // namespace
}  // namespace keras::native
#endif
