// SPDX-License-Identifier: Apache-2.0
// lstm: one product for all steps' inputs, then a product and a fused cell per step. Residuals: activated
// gates (batch, steps, 4 units), cell states after and hidden states before each step (batch, steps, units).
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
    const int64_t B = r_.batch, T_ = r_.steps, U = r_.units, I = r_.features;
    T* const y = output_as<T>(out[0]);
    T* const last_h = output_as<T>(out[1]);
    T* const last_c = output_as<T>(out[2]);
    const bool keep = residuals > 0;
    const Scratch gates_memory(keep ? 1 : sizeof(T) * static_cast<size_t>(B * T_ * 4 * U));
    T* const gates = keep ? residual<T>(*this, 0, out[3]) : gates_memory.as<T>();
    T* const cells = keep ? residual<T>(*this, 1, out[4]) : nullptr;
    T* const before = keep ? residual<T>(*this, 2, out[5]) : nullptr;
    const bool* const mask = r_.masked ? input_as<bool>(in[6]) : nullptr;
    const T* const recurrent = input_as<T>(in[4]);

    gemm(false, false, B * T_, 4 * U, I, T(1), input_as<T>(in[0]), I, input_as<T>(in[3]), 4 * U, T(0), gates,
         4 * U);
    // Without residuals the states live in the results' memory and are replaced step by step.
    if (!keep) {
      std::copy_n(input_as<T>(in[1]), B * U, last_h);
      std::copy_n(input_as<T>(in[2]), B * U, last_c);
    } else {
      for (int64_t b = 0; b < B; ++b) {
        std::copy_n(input_as<T>(in[1]) + b * U, U, before + (b * T_ + r_.step(0)) * U);
      }
    }
    for (int64_t k = 0; k < T_; ++k) {
      const int64_t t = r_.step(k);
      LstmStep<T> s{U, r_.activation, r_.recurrent_activation, input_as<T>(in[5]), {}, {}, {}, {}, {}, {}, {},
                    {}};
      s.gates = {gates + t * 4 * U, T_ * 4 * U};
      s.y = {y + t * U, T_ * U};
      if (k > 0) s.y_before = {y + r_.step(k - 1) * U, T_ * U};
      if (mask) s.mask = {mask + t, T_};
      if (keep) {
        s.h_before = {before + t * U, T_ * U};
        s.h = k + 1 < T_ ? StepRows<T>{before + r_.step(k + 1) * U, T_ * U} : StepRows<T>{last_h, U};
        s.c_before = k > 0 ? StepRows<const T>{cells + r_.step(k - 1) * U, T_ * U}
                           : StepRows<const T>{input_as<T>(in[2]), U};
        s.c = {cells + t * U, T_ * U};
      } else {
        s.h_before = {last_h, U};
        s.h = {last_h, U};
        s.c_before = {last_c, U};
        s.c = {last_c, U};
      }
      gemm(false, false, B, 4 * U, U, T(1), s.h_before.data, s.h_before.stride, recurrent, 4 * U, T(1),
           s.gates.data, s.gates.stride);
      parallel_for(B, std::max<int64_t>(1, 1024 / U),
                   [&](int64_t begin, int64_t end) { RecurrentCells<T>::lstm(s, begin, end); });
    }
    if (!keep) return;
    for (int64_t b = 0; b < B; ++b) std::copy_n(cells + (b * T_ + r_.step(T_ - 1)) * U, U, last_c + b * U);
  }

 private:
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
