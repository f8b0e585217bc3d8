// SPDX-License-Identifier: Apache-2.0
// lstm: products of the inputs (of all steps at once, or step by step) and of the states, then a fused cell
// per step. Residuals: activated gates (batch, steps, 4 units), cell states after and hidden states before
// each step (batch, steps, units).
#include <algorithm>

#include "axis_split.h"
#include "gemm.h"
#include "recurrent.h"
#include "residual.h"
#include "through_float32.h"

namespace keras::native {

namespace {

constexpr int kOperands = 6;  // x, h0, c0, kernel, recurrent kernel, bias; then perhaps a mask

template <class T>
void transpose(const T* from, int64_t rows, int64_t columns, T* to) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
}

template <class T>
class Lstm final : public keras_kernel {
 public:
  explicit Lstm(const Recurrence& r) : r_(r) { residuals = r.wants_residuals ? 3 : 0; }

  bool residual_desc(int index, keras_desc& desc) const override {
    desc = describe_residual(dtype_number<T>, {r_.batch, r_.steps, (index == 0 ? 4 : 1) * r_.units});
    return true;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t B = r_.batch, T_ = r_.steps, U = r_.units;
    T* const y = output_as<T>(out[0]);
    T* const last_h = output_as<T>(out[1]);
    T* const last_c = output_as<T>(out[2]);
    const bool keep = residuals > 0;
    Forward f{in, y, last_h, last_c, nullptr, nullptr, nullptr};
    if (keep) {
      f.gates = residual<T>(*this, 0, out[3]);
      f.cells = residual<T>(*this, 1, out[4]);
      f.before = residual<T>(*this, 2, out[5]);
      for (int64_t b = 0; b < B; ++b) {
        std::copy_n(input_as<T>(in[1]) + b * U, U, f.before + (b * T_ + r_.step(0)) * U);
      }
    } else {
      // The states live in the results' memory and are replaced step by step.
      std::copy_n(input_as<T>(in[1]), B * U, last_h);
      std::copy_n(input_as<T>(in[2]), B * U, last_c);
    }
    const bool apart = B >= 2 * kApart;
    const int64_t kept_steps = keep ? 0 : apart ? 1 : T_;
    const Scratch gates(sizeof(T) * static_cast<size_t>(std::max<int64_t>(1, kept_steps * B * 4 * U)));
    if (apart) {
      if (!keep) f.step_gates = gates.as<T>();
      parallel_for(B, kApart, [&](int64_t begin, int64_t end) { take_steps(f, begin, end); });
    } else {
      if (!keep) f.gates = gates.as<T>();
      gemm(false, false, B * T_, 4 * U, r_.features, T(1), input_as<T>(in[0]), r_.features,
           input_as<T>(in[3]), 4 * U, T(0), f.gates, 4 * U);
      f.projected = true;
      take_steps(f, 0, B);
    }
    if (!keep) return;
    for (int64_t b = 0; b < B; ++b) std::copy_n(f.cells + (b * T_ + r_.step(T_ - 1)) * U, U, last_c + b * U);
  }

 private:
  // Rows of the batch from which on a thread takes all steps of its own: no waiting between steps, and a
  // step's gates are still near when they are used. With fewer, one product for all steps' inputs is better.
  static constexpr int64_t kApart = 16;

  struct Forward {
    const keras_tensor* in;
    T *y, *last_h, *last_c;
    T *gates, *cells, *before;  // the residuals; without them cells and before are null
    T* step_gates = nullptr;    // one step's gates; null: they stand in `gates`
    bool projected = false;     // whether `gates` hold x K
  };

  // All steps of the rows [begin, end).
  void take_steps(const Forward& f, int64_t begin, int64_t end) const {
    const int64_t T_ = r_.steps, U = r_.units, I = r_.features;
    const bool keep = f.before != nullptr;
    const bool* const mask = r_.masked ? input_as<bool>(f.in[6]) : nullptr;
    for (int64_t k = 0; k < T_; ++k) {
      const int64_t t = r_.step(k);
      LstmStep<T> s{
          U, r_.activation, r_.recurrent_activation, input_as<T>(f.in[5]), {}, {}, {}, {}, {}, {}, {}, {}};
      s.gates = f.step_gates != nullptr ? StepRows<T>{f.step_gates, 4 * U}
                                        : StepRows<T>{f.gates + t * 4 * U, T_ * 4 * U};
      s.y = {f.y + t * U, T_ * U};
      if (k > 0) s.y_before = {f.y + r_.step(k - 1) * U, T_ * U};
      if (mask) s.mask = {mask + t, T_};
      if (keep) {
        s.h_before = {f.before + t * U, T_ * U};
        s.h = k + 1 < T_ ? StepRows<T>{f.before + r_.step(k + 1) * U, T_ * U} : StepRows<T>{f.last_h, U};
        s.c_before = k > 0 ? StepRows<const T>{f.cells + r_.step(k - 1) * U, T_ * U}
                           : StepRows<const T>{input_as<T>(f.in[2]), U};
        s.c = {f.cells + t * U, T_ * U};
      } else {
        s.h_before = {f.last_h, U};
        s.h = {f.last_h, U};
        s.c_before = {f.last_c, U};
        s.c = {f.last_c, U};
      }
      const int64_t rows = end - begin;
      if (!f.projected) {
        gemm(false, false, rows, 4 * U, I, T(1), input_as<T>(f.in[0]) + (begin * T_ + t) * I, T_ * I,
             input_as<T>(f.in[3]), 4 * U, T(0), s.gates.row(begin), s.gates.stride);
      }
      gemm(false, false, rows, 4 * U, U, T(1), s.h_before.row(begin), s.h_before.stride, input_as<T>(f.in[4]),
           4 * U, T(1), s.gates.row(begin), s.gates.stride);
      parallel_for(rows, std::max<int64_t>(1, 1024 / U), [&](int64_t first, int64_t last) {
        RecurrentCells<T>::lstm(s, begin + first, begin + last);
      });
    }
  }

  Recurrence r_;
};

template <class T>
class LstmGrad final : public keras_kernel {
 public:
  explicit LstmGrad(const Recurrence& r) : r_(r) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t B = r_.batch, T_ = r_.steps, U = r_.units, I = r_.features;
    const keras_tensor* const after =
        in + kOperands + (r_.masked ? 1 : 0);  // dy, dh, dc, gates, cells, states
    const bool* const mask = r_.masked ? input_as<bool>(in[6]) : nullptr;
    const T* const dy = input_as<T>(after[0]);
    const T* const gates = input_as<T>(after[3]);
    const T* const cells = input_as<T>(after[4]);
    const T* const before = input_as<T>(after[5]);
    T* const dh = output_as<T>(out[1]);
    T* const dc = output_as<T>(out[2]);
    std::copy_n(input_as<T>(after[1]), B * U, dh);
    std::copy_n(input_as<T>(after[2]), B * U, dc);
    const Scratch dgates_memory(sizeof(T) * static_cast<size_t>(B * T_ * 4 * U));
    const Scratch transposed_memory(sizeof(T) * static_cast<size_t>(4 * U * U));
    const Scratch carry_memory(sizeof(T) * static_cast<size_t>(B * U));
    T* const dgates = dgates_memory.as<T>();
    T* const transposed = transposed_memory.as<T>();
    transpose(input_as<T>(in[4]), U, 4 * U, transposed);
    std::fill_n(carry_memory.as<T>(), B * U, T(0));
    for (int64_t k = T_; k-- > 0;) {
      const int64_t t = r_.step(k);
      LstmStepGrad<T> s{U, r_.activation, r_.recurrent_activation, {}, {}, {}, {}, {}, {}, {}, {}, {}};
      s.gates = {gates + t * 4 * U, T_ * 4 * U};
      s.c = {cells + t * U, T_ * U};
      s.c_before = k > 0 ? StepRows<const T>{cells + r_.step(k - 1) * U, T_ * U}
                         : StepRows<const T>{input_as<T>(in[2]), U};
      s.dy = {dy + t * U, T_ * U};
      s.dgates = {dgates + t * 4 * U, T_ * 4 * U};
      s.dh = {dh, U};
      s.dc = {dc, U};
      if (mask) {
        s.mask = {mask + t, T_};
        s.carry = {carry_memory.as<T>(), U};
      }
      parallel_for(B, std::max<int64_t>(1, 1024 / U),
                   [&](int64_t begin, int64_t end) { RecurrentCells<T>::lstm_grad(s, begin, end); });
      // Masked rows have no gate gradients: their dh stays.
      gemm(false, false, B, U, 4 * U, T(1), s.dgates.data, s.dgates.stride, transposed, U, T(1), dh, U);
    }
    const T* const x = input_as<T>(in[0]);
    gemm(false, true, B * T_, I, 4 * U, T(1), dgates, 4 * U, input_as<T>(in[3]), 4 * U, T(0),
         output_as<T>(out[0]), I);
    gemm(true, false, I, 4 * U, B * T_, T(1), x, I, dgates, 4 * U, T(0), output_as<T>(out[3]), 4 * U);
    gemm(true, false, U, 4 * U, B * T_, T(1), before, U, dgates, 4 * U, T(0), output_as<T>(out[4]), 4 * U);
    column_sums(dgates, B * T_, 4 * U, output_as<T>(out[5]));
  }

 private:
  Recurrence r_;
};

template <template <class> class Kernel, int kMaskedCount>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<Kernel, kMaskedCount>, reason);
  Recurrence r;
  const bool masked = op.num_inputs == kMaskedCount;
  if (!recurrence_of(op, 4, 4, masked, r, reason)) return nullptr;
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<Kernel<float>>(r);
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<Kernel<double>>(r);
  reason = "lstm is for floats";
  return nullptr;
}

// The gradient takes three gradients and three residuals more.
[[maybe_unused]] const bool registered = register_kernel("lstm", make<Lstm, kOperands + 1>, 10) &&
                                         register_kernel("lstm_grad", make<LstmGrad, kOperands + 7>, 10);

}  // namespace

}  // namespace keras::native
