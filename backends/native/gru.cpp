// SPDX-License-Identifier: Apache-2.0
// gru: one product for all steps' inputs, then products and a fused cell per step. Residuals: activated gates
// (batch, steps, 3 units), the candidate's recurrent product (reset_after) or r h, and the states before each
// step.
#include <algorithm>

#include "axis_split.h"
#include "gemm.h"
#include "recurrent.h"
#include "residual.h"
#include "through_float32.h"

namespace keras::native {

namespace {

constexpr int kOperands = 5;  // x, h0, kernel, recurrent kernel, bias; then perhaps a mask

template <class T>
class Gru final : public keras_kernel {
 public:
  explicit Gru(const Recurrence& r) : r_(r) { residuals = r.wants_residuals ? 3 : 0; }

  bool residual_desc(int index, keras_desc& desc) const override {
    desc = describe_residual(dtype_number<T>, {r_.batch, r_.steps, (index == 0 ? 3 : 1) * r_.units});
    return true;
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t B = r_.batch, T_ = r_.steps, U = r_.units, I = r_.features;
    T* const y = output_as<T>(out[0]);
    T* const last_h = output_as<T>(out[1]);
    const bool keep = residuals > 0;
    const Scratch gates_memory(keep ? 1 : sizeof(T) * static_cast<size_t>(B * T_ * 3 * U));
    const Scratch product_memory(sizeof(T) * static_cast<size_t>(B * 3 * U));
    const Scratch candidate_memory(keep ? 1 : sizeof(T) * static_cast<size_t>(B * U));
    T* const gates = keep ? residual<T>(*this, 0, out[2]) : gates_memory.as<T>();
    T* const candidates = keep ? residual<T>(*this, 1, out[3]) : candidate_memory.as<T>();
    T* const before = keep ? residual<T>(*this, 2, out[4]) : nullptr;
    T* const product = product_memory.as<T>();
    const bool* const mask = r_.masked ? input_as<bool>(in[5]) : nullptr;
    const T* const recurrent = input_as<T>(in[3]);
    const T* const bias = input_as<T>(in[4]);

    gemm(false, false, B * T_, 3 * U, I, T(1), input_as<T>(in[0]), I, input_as<T>(in[2]), 3 * U, T(0), gates,
         3 * U);
    if (keep) {
      std::fill_n(candidates, B * T_ * U, T(0));  // masked steps leave theirs
      for (int64_t b = 0; b < B; ++b) {
        std::copy_n(input_as<T>(in[1]) + b * U, U, before + (b * T_ + r_.step(0)) * U);
      }
    } else {
      std::copy_n(input_as<T>(in[1]), B * U, last_h);
    }
    const int64_t grain = std::max<int64_t>(1, 1024 / U);
    for (int64_t k = 0; k < T_; ++k) {
      const int64_t t = r_.step(k);
      GruStep<T> s{U, r_.activation, r_.recurrent_activation, bias, bias + 3 * U, {}, {}, {}, {}, {}, {}, {},
                   {}};
      s.gates = {gates + t * 3 * U, T_ * 3 * U};
      s.product = {product, 3 * U};
      s.candidate = keep ? StepRows<T>{candidates + t * U, T_ * U} : StepRows<T>{candidates, U};
      s.y = {y + t * U, T_ * U};
      if (k > 0) s.y_before = {y + r_.step(k - 1) * U, T_ * U};
      if (mask) s.mask = {mask + t, T_};
      if (keep) {
        s.h_before = {before + t * U, T_ * U};
        s.h = k + 1 < T_ ? StepRows<T>{before + r_.step(k + 1) * U, T_ * U} : StepRows<T>{last_h, U};
      } else {
        s.h_before = {last_h, U};
        s.h = {last_h, U};
      }
      const int64_t columns = r_.reset_after ? 3 * U : 2 * U;
      gemm(false, false, B, columns, U, T(1), s.h_before.data, s.h_before.stride, recurrent, 3 * U, T(0),
           product, 3 * U);
      if (r_.reset_after) {
        parallel_for(B, grain, [&](int64_t begin, int64_t end) { RecurrentCells<T>::gru(s, begin, end); });
        continue;
      }
      parallel_for(B, grain,
                   [&](int64_t begin, int64_t end) { RecurrentCells<T>::gru_gates(s, begin, end); });
      gemm(false, false, B, U, U, T(1), s.candidate.data, s.candidate.stride, recurrent + 2 * U, 3 * U, T(1),
           s.gates.data + 2 * U, s.gates.stride);
      parallel_for(B, grain,
                   [&](int64_t begin, int64_t end) { RecurrentCells<T>::gru_candidate(s, begin, end); });
    }
  }

 private:
  Recurrence r_;
};

template <class T>
class GruGrad final : public keras_kernel {
 public:
  explicit GruGrad(const Recurrence& r) : r_(r) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t B = r_.batch, T_ = r_.steps, U = r_.units, I = r_.features, rows = B * T_;
    const keras_tensor* const after =
        in + kOperands + (r_.masked ? 1 : 0);  // dy, dh, gates, candidates, states
    const bool* const mask = r_.masked ? input_as<bool>(in[5]) : nullptr;
    const T* const dy = input_as<T>(after[0]);
    const T* const gates = input_as<T>(after[2]);
    const T* const candidates = input_as<T>(after[3]);
    const T* const before = input_as<T>(after[4]);
    const T* const recurrent = input_as<T>(in[3]);
    T* const dh = output_as<T>(out[1]);
    std::copy_n(input_as<T>(after[1]), B * U, dh);
    // reset_after: gradients of h R as well, for all steps; before: of r h, for one.
    const Scratch dgates_memory(sizeof(T) * static_cast<size_t>(rows * 3 * U));
    const Scratch dproduct_memory(sizeof(T) * static_cast<size_t>(r_.reset_after ? rows * 3 * U : B * U));
    const Scratch carry_memory(sizeof(T) * static_cast<size_t>(B * U));
    T* const dgates = dgates_memory.as<T>();
    T* const dproduct = dproduct_memory.as<T>();
    std::fill_n(carry_memory.as<T>(), B * U, T(0));
    const int64_t grain = std::max<int64_t>(1, 1024 / U);
    for (int64_t k = T_; k-- > 0;) {
      const int64_t t = r_.step(k);
      GruStepGrad<T> s{U, r_.activation, r_.recurrent_activation, {}, {}, {}, {}, {}, {}, {}, {}, {}};
      s.gates = {gates + t * 3 * U, T_ * 3 * U};
      s.candidate = {candidates + t * U, T_ * U};
      s.h_before = {before + t * U, T_ * U};
      s.dy = {dy + t * U, T_ * U};
      s.dgates = {dgates + t * 3 * U, T_ * 3 * U};
      s.dproduct = r_.reset_after ? StepRows<T>{dproduct + t * 3 * U, T_ * 3 * U} : StepRows<T>{dproduct, U};
      s.dh = {dh, U};
      if (mask) {
        s.mask = {mask + t, T_};
        s.carry = {carry_memory.as<T>(), U};
      }
      if (r_.reset_after) {
        parallel_for(B, grain,
                     [&](int64_t begin, int64_t end) { RecurrentCells<T>::gru_grad(s, begin, end); });
        gemm(false, true, B, U, 3 * U, T(1), s.dproduct.data, s.dproduct.stride, recurrent, 3 * U, T(1), dh,
             U);
        continue;
      }
      parallel_for(B, grain,
                   [&](int64_t begin, int64_t end) { RecurrentCells<T>::gru_candidate_grad(s, begin, end); });
      gemm(false, true, B, U, U, T(1), s.dgates.data + 2 * U, s.dgates.stride, recurrent + 2 * U, 3 * U, T(0),
           dproduct, U);
      parallel_for(B, grain,
                   [&](int64_t begin, int64_t end) { RecurrentCells<T>::gru_gates_grad(s, begin, end); });
      gemm(false, true, B, U, 2 * U, T(1), s.dgates.data, s.dgates.stride, recurrent, 3 * U, T(1), dh, U);
    }
    T* const dkernel = output_as<T>(out[2]);
    T* const drecurrent = output_as<T>(out[3]);
    T* const dbias = output_as<T>(out[4]);
    gemm(false, true, rows, I, 3 * U, T(1), dgates, 3 * U, input_as<T>(in[2]), 3 * U, T(0),
         output_as<T>(out[0]), I);
    gemm(true, false, I, 3 * U, rows, T(1), input_as<T>(in[0]), I, dgates, 3 * U, T(0), dkernel, 3 * U);
    column_sums(dgates, rows, 3 * U, dbias);
    if (r_.reset_after) {
      gemm(true, false, U, 3 * U, rows, T(1), before, U, dproduct, 3 * U, T(0), drecurrent, 3 * U);
      column_sums(dproduct, rows, 3 * U, dbias + 3 * U);
    } else {
      gemm(true, false, U, 2 * U, rows, T(1), before, U, dgates, 3 * U, T(0), drecurrent, 3 * U);
      gemm(true, false, U, U, rows, T(1), candidates, U, dgates + 2 * U, 3 * U, T(0), drecurrent + 2 * U,
           3 * U);
    }
  }

 private:
  Recurrence r_;
};

template <template <class> class Kernel, int kMaskedCount>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make<Kernel, kMaskedCount>, reason);
  Recurrence r;
  const bool masked = op.num_inputs == kMaskedCount;
  if (!recurrence_of(op, 3, 3, masked, r, reason)) return nullptr;
  if (element_count(op.inputs[4]) != (r.reset_after ? 6 : 3) * r.units) {
    reason = "the bias has another size than reset_after asks for";
    return nullptr;
  }
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<Kernel<float>>(r);
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<Kernel<double>>(r);
  reason = "gru is for floats";
  return nullptr;
}

// The gradient takes two gradients and three residuals more.
[[maybe_unused]] const bool registered = register_kernel("gru", make<Gru, kOperands + 1>, 10) &&
                                         register_kernel("gru_grad", make<GruGrad, kOperands + 6>, 10);

}  // namespace

}  // namespace keras::native
