// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kernel.h"

namespace keras::native {

/// Sizes and choices of an lstm or gru: x (batch, steps, features), states (batch, units).
struct Recurrence {
  int64_t batch = 0, steps = 0, features = 0, units = 0;
  int64_t activation = KERAS_ACT_TANH, recurrent_activation = KERAS_ACT_SIGMOID;
  bool reverse = false, reset_after = false, masked = false, wants_residuals = false;

  /// The index of the k-th step that is taken.
  int64_t step(int64_t k) const { return reverse ? steps - 1 - k : k; }
};

/// The recurrence of an op whose recurrent kernel is operand `recurrent`, with `operands` of the forward op
/// without a mask, or null with the reason.
bool recurrence_of(const keras_op& op, int recurrent, int gates, bool masked, Recurrence& result,
                   std::string& reason);

/// Rows of a (batch, ...) array at one step: the first row's elements and the step from row to row.
template <class T>
struct StepRows {
  T* data = nullptr;
  int64_t stride = 0;
  T* row(int64_t b) const { return data + b * stride; }
};

/// One LSTM step. `gates` hold x K + h R before it, the activated gates i, f, c, o after it.
template <class T>
struct LstmStep {
  int64_t units, activation, recurrent_activation;
  const T* bias;
  StepRows<T> gates;
  StepRows<const T> c_before, h_before;
  StepRows<T> c, h, y;
  StepRows<const T> y_before;  // null before the first step
  StepRows<const bool> mask;   // null: none
};

/// One LSTM step backwards. Gates become their pre-activations' gradients in `dgates`; dh and dc are the
/// gradients of the states after the step and leave as those before it, dh without the part through R.
template <class T>
struct LstmStepGrad {
  int64_t units, activation, recurrent_activation;
  StepRows<const T> gates, c_before, c, dy;
  StepRows<T> dgates, dh, dc, carry;  // carry: dy of masked steps, on its way to the step they repeat
  StepRows<const bool> mask;
};

/// One GRU step with the reset gate after the product. `gates` hold x K; `product` h R. Without: `product`
/// holds h R for z and r, and the candidate comes later.
template <class T>
struct GruStep {
  int64_t units, activation, recurrent_activation;
  const T *bias, *recurrent_bias;
  StepRows<T> gates, product, candidate;  // candidate: its recurrent product, or r h
  StepRows<const T> h_before;
  StepRows<T> h, y;
  StepRows<const T> y_before;
  StepRows<const bool> mask;
};

template <class T>
struct GruStepGrad {
  int64_t units, activation, recurrent_activation;
  StepRows<const T> gates, candidate, h_before, dy;
  StepRows<T> dgates, dproduct, dh, carry;
  StepRows<const bool> mask;
};

/// The steps over rows [begin, end) of the batch.
template <class T>
struct RecurrentCells {
  static void lstm(const LstmStep<T>& step, int64_t begin, int64_t end);
  static void lstm_grad(const LstmStepGrad<T>& step, int64_t begin, int64_t end);
  static void gru(const GruStep<T>& step, int64_t begin, int64_t end);
  static void gru_grad(const GruStepGrad<T>& step, int64_t begin, int64_t end);
  /// Reset gate before the product: the gates z and r, and r h; then the candidate and the state.
  static void gru_gates(const GruStep<T>& step, int64_t begin, int64_t end);
  static void gru_candidate(const GruStep<T>& step, int64_t begin, int64_t end);
  /// Backwards: first dz, dn and the part of dh past the gate; then, with d(r h) in dproduct, dr and the
  /// rest.
  static void gru_candidate_grad(const GruStepGrad<T>& step, int64_t begin, int64_t end);
  static void gru_gates_grad(const GruStepGrad<T>& step, int64_t begin, int64_t end);
};

/// sums (columns) = column sums of rows (count, columns).
template <class T>
void column_sums(const T* rows, int64_t count, int64_t columns, T* sums);

}  // namespace keras::native
