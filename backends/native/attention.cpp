// SPDX-License-Identifier: Apache-2.0
// Attention by blocks of queries: the logits of a block stay in the cache, those of all queries never exist.
// Residual: the log-sum-exp of each row (B, N, T), from which the gradient makes the weights again.
#include <algorithm>
#include <array>
#include <cmath>

#include "attention_rows.h"
#include "axis_split.h"
#include "gemm.h"
#include "philox_words.h"
#include "residual.h"
#include "softmax_rows.h"
#include "through_float32.h"

namespace keras::native {

namespace {

struct Sizes {
  int64_t batch = 0, heads = 0, queries = 0, keys = 0, width = 0, value_width = 0;
  double scale = 1;
  bool causal = false, has_bias = false, wants_residuals = false;
  int64_t operands = 3;                             // q, k, v, perhaps a bias, perhaps a random state
  std::array<int64_t, 4> bias_strides{0, 0, 0, 0};  // over (B, N, T, S), 0 where it is broadcast
  int64_t bias_count = 0;
  double dropout_rate = 0;

  int64_t block() const { return std::clamp<int64_t>(32768 / std::max<int64_t>(1, keys), 16, 128); }
  int64_t blocks() const { return (queries + block() - 1) / block(); }
  /// Keys that queries before `end` may see.
  int64_t visible(int64_t end) const { return causal ? std::min(keys, end) : keys; }
};

/// Fills `logits` (count, visible) with scale q k^T + bias of queries [first, first + count).
template <class T>
void block_logits(const Sizes& s, const T* q, const T* k, const T* bias, int64_t b, int64_t n, int64_t first,
                  int64_t count, int64_t columns, T* logits) {
  const int64_t step = s.heads * s.width;
  gemm(false, true, count, columns, s.width, static_cast<T>(s.scale),
       q + ((b * s.queries + first) * s.heads + n) * s.width, step, k + (b * s.keys * s.heads + n) * s.width,
       step, T(0), logits, columns);
  if (!bias) return;
  const auto& strides = s.bias_strides;
  for (int64_t i = 0; i < count; ++i) {
    const T* const from = bias + b * strides[0] + n * strides[1] + (first + i) * strides[2];
    T* const to = logits + i * columns;
    if (strides[3] == 0) {
      for (int64_t j = 0; j < columns; ++j) to[j] += from[0];
    } else {
      AttentionRows<T>::add(from, to, columns);
    }
  }
}

/// The factors of dropout on the weights (B, N, T, S): element i is kept by word i of the draw.
class Dropper {
 public:
  Dropper(const Sizes& s, const keras_tensor* in) : rate_(s.dropout_rate), keys_(s.keys) {
    if (!active()) return;
    const uint32_t* const state = input_as<uint32_t>(in[s.has_bias ? 4 : 3]);
    seed_ = state[0];
    draw_ = state[1];
    bound_ = static_cast<uint32_t>(std::floor(std::ldexp(rate_, 32)));
  }
  bool active() const { return rate_ > 0; }
  /// Room for the words of a row: they come in whole blocks.
  size_t word_bytes() const { return active() ? sizeof(uint32_t) * static_cast<size_t>(keys_ + 8) : 0; }
  /// Factors of the first `count` weights of a row of (B, N, T).
  template <class T>
  void factors(int64_t row, int64_t count, uint32_t* words, T* to) const {
    const int64_t first = row * keys_, skip = first % 4;
    philox_blocks(seed_, draw_, static_cast<uint64_t>(first / 4), (skip + count + 3) / 4, words);
    const T scale = static_cast<T>(1 / (1 - rate_));
    AttentionRows<T>::factors(words + skip, bound_, scale, to, count);
  }

 private:
  double rate_;
  int64_t keys_;
  uint32_t seed_ = 0, draw_ = 0, bound_ = 0;
};

template <class T>
class Attention final : public keras_kernel {
 public:
  explicit Attention(const Sizes& sizes) : s_(sizes) { residuals = s_.wants_residuals ? 1 : 0; }

  bool residual_desc(int, keras_desc& desc) const override {
    desc = describe_residual(dtype_number<T>, {s_.batch, s_.heads, s_.queries});
    return true;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const T* const q = input_as<T>(in[0]);
    const T* const k = input_as<T>(in[1]);
    const T* const v = input_as<T>(in[2]);
    const T* const bias = s_.has_bias ? input_as<T>(in[3]) : nullptr;
    T* const y = output_as<T>(out[0]);
    T* const sums = residuals > 0 ? residual<T>(*this, 0, out[1]) : nullptr;
    const Dropper dropper(s_, in);
    const int64_t blocks = s_.blocks(), block = s_.block(), step = s_.heads * s_.value_width;
    const int64_t work = std::max<int64_t>(1, block * s_.keys * (s_.width + s_.value_width));
    parallel_for(s_.batch * s_.heads * blocks, std::max<int64_t>(1, 250000 / work),
                 [=, this](int64_t begin, int64_t end) {
                   const Scratch memory(sizeof(T) * static_cast<size_t>(block * s_.keys));
                   T* const logits = memory.as<T>();
                   const Scratch drop_memory(dropper.word_bytes() + sizeof(T) * static_cast<size_t>(s_.keys));
                   T* const factors = drop_memory.as<T>();
                   uint32_t* const words = reinterpret_cast<uint32_t*>(factors + s_.keys);
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t head = i / blocks, b = head / s_.heads, n = head % s_.heads;
                     const int64_t first = i % blocks * block, count = std::min(block, s_.queries - first);
                     const int64_t columns = s_.visible(first + count);
                     block_logits(s_, q, k, bias, b, n, first, count, columns, logits);
                     for (int64_t r = 0; r < count; ++r) {
                       T* const row = logits + r * columns;
                       const int64_t seen = s_.visible(first + r + 1);
                       const T sum = SoftmaxRows<T>::softmax_row(row, row, seen);
                       std::fill(row + seen, row + columns, T(0));
                       if (sums) sums[head * s_.queries + first + r] = sum;
                       if (!dropper.active()) continue;
                       dropper.factors(head * s_.queries + first + r, seen, words, factors);
                       AttentionRows<T>::multiply(row, factors, row, seen);
                     }
                     gemm(false, false, count, s_.value_width, columns, T(1), logits, columns,
                          v + (b * s_.keys * s_.heads + n) * s_.value_width, step, T(0),
                          y + ((b * s_.queries + first) * s_.heads + n) * s_.value_width, step);
                   }
                 });
  }

 private:
  Sizes s_;
};

template <class T>
class AttentionGrad final : public keras_kernel {
 public:
  explicit AttentionGrad(const Sizes& sizes) : s_(sizes) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int num_out) const override {
    Pointers p{};
    p.q = input_as<T>(in[0]);
    p.k = input_as<T>(in[1]);
    p.v = input_as<T>(in[2]);
    p.bias = s_.has_bias ? input_as<T>(in[3]) : nullptr;
    p.y = input_as<T>(in[s_.operands]);
    p.dy = input_as<T>(in[s_.operands + 1]);
    p.sums = input_as<T>(in[s_.operands + 2]);
    p.dq = output_as<T>(out[0]);
    p.dk = output_as<T>(out[1]);
    p.dv = output_as<T>(out[2]);
    p.dbias = s_.has_bias && num_out > 3 ? output_as<T>(out[3]) : nullptr;
    if (p.dbias) std::fill_n(p.dbias, s_.bias_count, T(0));
    const Dropper dropper(s_, in);
    const auto body = [=, this](int64_t begin, int64_t end) {
      const int64_t buffers = dropper.active() ? 3 : 2;
      const Scratch memory(sizeof(T) * static_cast<size_t>(buffers * s_.block() * s_.keys));
      const Scratch words(dropper.word_bytes() + 1);
      for (int64_t head = begin; head < end; ++head) {
        one_head(p, dropper, head / s_.heads, head % s_.heads, memory.as<T>(), words.as<uint32_t>());
      }
    };
    // Heads that share a part of the bias add to it one after the other.
    const bool shared =
        p.dbias && ((s_.bias_strides[0] == 0 && s_.batch > 1) || (s_.bias_strides[1] == 0 && s_.heads > 1));
    if (shared) {
      body(0, s_.batch * s_.heads);
    } else {
      const int64_t work = std::max<int64_t>(1, s_.queries * s_.keys * s_.width * 4);
      parallel_for(s_.batch * s_.heads, std::max<int64_t>(1, 250000 / work), body);
    }
  }

 private:
  struct Pointers {
    const T *q, *k, *v, *bias, *y, *dy, *sums;
    T *dq, *dk, *dv, *dbias;
  };

  void one_head(const Pointers& p, const Dropper& dropper, int64_t b, int64_t n, T* memory,
                uint32_t* words) const {
    const int64_t step = s_.heads * s_.width, value_step = s_.heads * s_.value_width, block = s_.block();
    const int64_t key = (b * s_.keys * s_.heads + n) * s_.width,
                  value = (b * s_.keys * s_.heads + n) * s_.value_width;
    T* const weights = memory;
    T* const dweights = memory + block * s_.keys;
    T* const factors = dweights + block * s_.keys;
    for (int64_t j = 0; j < s_.keys; ++j) {
      std::fill_n(p.dk + key + j * step, s_.width, T(0));
      std::fill_n(p.dv + value + j * value_step, s_.value_width, T(0));
    }
    for (int64_t first = 0; first < s_.queries; first += block) {
      const int64_t count = std::min(block, s_.queries - first), columns = s_.visible(first + count);
      const int64_t query = ((b * s_.queries + first) * s_.heads + n) * s_.width;
      const int64_t result = ((b * s_.queries + first) * s_.heads + n) * s_.value_width;
      block_logits(s_, p.q, p.k, p.bias, b, n, first, count, columns, weights);
      for (int64_t r = 0; r < count; ++r) {
        T* const row = weights + r * columns;
        const int64_t seen = s_.visible(first + r + 1);
        SoftmaxRows<T>::scaled_exp(row, row, seen, p.sums[(b * s_.heads + n) * s_.queries + first + r], T(1));
        std::fill(row + seen, row + columns, T(0));
      }
      // dweights serve as the kept weights first.
      const T* kept = weights;
      if (dropper.active()) {
        for (int64_t r = 0; r < count; ++r) {
          const int64_t at = r * columns;
          dropper.factors((b * s_.heads + n) * s_.queries + first + r, columns, words, factors + at);
          AttentionRows<T>::multiply(weights + at, factors + at, dweights + at, columns);
        }
        kept = dweights;
      }
      gemm(true, false, columns, s_.value_width, count, T(1), kept, columns, p.dy + result, value_step, T(1),
           p.dv + value, value_step);
      gemm(false, true, count, columns, s_.value_width, T(1), p.dy + result, value_step, p.v + value,
           value_step, T(0), dweights, columns);
      for (int64_t r = 0; r < count; ++r) {
        const int64_t at = r * columns, place = result + r * value_step;
        const T level = AttentionRows<T>::dot(p.dy + place, p.y + place, s_.value_width);
        AttentionRows<T>::logits_grad(weights + at, dropper.active() ? factors + at : nullptr, level,
                                      dweights + at, columns);
      }
      if (p.dbias) add_bias(p.dbias, b, n, first, count, columns, dweights);
      gemm(false, false, count, s_.width, columns, static_cast<T>(s_.scale), dweights, columns, p.k + key,
           step, T(0), p.dq + query, step);
      gemm(true, false, columns, s_.width, count, static_cast<T>(s_.scale), dweights, columns, p.q + query,
           step, T(1), p.dk + key, step);
    }
  }

  void add_bias(T* dbias, int64_t b, int64_t n, int64_t first, int64_t count, int64_t columns,
                const T* dlogits) const {
    const auto& strides = s_.bias_strides;
    for (int64_t r = 0; r < count; ++r) {
      T* const to = dbias + b * strides[0] + n * strides[1] + (first + r) * strides[2];
      for (int64_t j = 0; j < columns; ++j) to[j * strides[3]] += dlogits[r * columns + j];
    }
  }

  Sizes s_;
};

bool sizes_of(const keras_op& op, Sizes& s, std::string& reason) {
  const auto& attr = attributes<AttentionAttributes>(op);
  const keras_desc &q = op.inputs[0], &k = op.inputs[1], &v = op.inputs[2];
  s = {q.shape[0], q.shape[2], q.shape[1],       k.shape[1],         q.shape[3],
       v.shape[3], attr.scale, attr.causal != 0, attr.has_bias != 0, op.wants_residuals != 0};
  if (k.shape[2] != s.heads || v.shape[2] != s.heads || s.keys == 0) {
    reason = "attention is native with as many heads in keys and values as in queries, and with keys";
    return false;
  }
  s.dropout_rate = attr.dropout_rate;
  const bool gradient = std::string(op.name) == "attention_grad";
  s.operands = gradient ? op.num_inputs - 3 : op.num_inputs;
  if (s.has_bias) {
    const keras_desc& bias = op.inputs[3];
    if (bias.dtype != q.dtype || bias.rank > 4) {
      reason = "the bias is no float tensor of up to four axes";
      return false;
    }
    const int64_t full[4] = {s.batch, s.heads, s.queries, s.keys};
    int64_t stride = 1;
    for (int axis = 3; axis >= 0; --axis) {
      const int at = axis - (4 - bias.rank);
      if (at < 0 || bias.shape[at] == 1) continue;
      if (bias.shape[at] != full[axis]) {
        reason = "the bias does not broadcast to the logits";
        return false;
      }
      s.bias_strides[axis] = stride;
      stride *= bias.shape[at];
    }
    s.bias_count = element_count(bias);
  }
  return true;
}

template <template <class> class Kernel>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<Kernel>, reason);
  Sizes sizes;
  if (!sizes_of(op, sizes, reason)) return nullptr;
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<Kernel<float>>(sizes);
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<Kernel<double>>(sizes);
  reason = "attention is for floats";
  return nullptr;
}

[[maybe_unused]] const bool registered = register_kernel("attention", make<Attention>, 10) &&
                                         register_kernel("attention_grad", make<AttentionGrad>, 10);

}  // namespace

}  // namespace keras::native
