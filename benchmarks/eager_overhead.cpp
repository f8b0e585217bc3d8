// SPDX-License-Identifier: Apache-2.0
// What an op costs when its elements cost nothing: the way from the call to the kernel and back.
#include <benchmark/benchmark.h>

#include "keras/autodiff/gradient_tape.h"
#include "keras/nn/layers/dense.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace {

using keras::Tensor;

Tensor small(float from = 1) { return Tensor::from(std::vector<float>{from, 2, 3, 4}); }

// The seam itself: one op call that everything else goes through.
void op_add(benchmark::State& state) {
  const Tensor a = small(), b = small();
  for (auto _ : state) benchmark::DoNotOptimize(keras::internal::apply_op(keras::OpId::add_op, {a, b}));
}
BENCHMARK(op_add);

void function_add(benchmark::State& state) {
  const Tensor a = small(), b = small();
  for (auto _ : state) benchmark::DoNotOptimize(keras::ops::add(a, b));
}
BENCHMARK(function_add);

void operator_add(benchmark::State& state) {
  const Tensor a = small(), b = small();
  for (auto _ : state) benchmark::DoNotOptimize(a + b);
}
BENCHMARK(operator_add);

void operator_times_number(benchmark::State& state) {
  const Tensor a = small();
  for (auto _ : state) benchmark::DoNotOptimize(a * 2.0);
}
BENCHMARK(operator_times_number);

// Under a tape that watches an operand: the op is recorded. The tape's own start and end are shared by 1000
// ops.
constexpr int kOpsOfATape = 1000;

template <class F>
void under_tape(benchmark::State& state, const F& op) {
  const Tensor a = small();
  for (auto _ : state) {
    keras::GradientTape tape;
    tape.watch(a);
    for (int i = 0; i < kOpsOfATape; ++i) benchmark::DoNotOptimize(op(a));
  }
  state.SetItemsProcessed(state.iterations() * kOpsOfATape);
}

void add_under_tape(benchmark::State& state) {
  const Tensor b = small();
  under_tape(state, [&b](const Tensor& a) { return keras::ops::add(a, b); });
}
BENCHMARK(add_under_tape);

void multiply_under_tape(benchmark::State& state) {
  const Tensor b = small();
  under_tape(state, [&b](const Tensor& a) { return keras::ops::multiply(a, b); });
}
BENCHMARK(multiply_under_tape);

// A tape that watches something else: nothing is recorded.
void unwatched_add_under_tape(benchmark::State& state) {
  const Tensor b = small(), c = small();
  under_tape(state, [&](const Tensor&) { return keras::ops::add(b, c); });
}
BENCHMARK(unwatched_add_under_tape);

// A chain of additions and its gradient, per addition.
void add_and_gradient(benchmark::State& state) {
  const Tensor a = small(), b = small();
  constexpr int kChain = 100;
  for (auto _ : state) {
    keras::GradientTape tape;
    tape.watch(a);
    Tensor x = a;
    for (int i = 0; i < kChain; ++i) x = keras::ops::add(x, b);
    benchmark::DoNotOptimize(tape.gradient(x, a));
  }
  state.SetItemsProcessed(state.iterations() * kChain);
}
BENCHMARK(add_and_gradient);

void matmul_small(benchmark::State& state) {
  const Tensor a = keras::ops::ones({4, 4}), b = keras::ops::ones({4, 4});
  for (auto _ : state) benchmark::DoNotOptimize(keras::ops::matmul(a, b));
}
BENCHMARK(matmul_small);

void variable_read(benchmark::State& state) {
  const keras::Variable v(small(), "v");
  for (auto _ : state) benchmark::DoNotOptimize(v.value());
}
BENCHMARK(variable_read);

void dense_call(benchmark::State& state) {
  keras::layers::Dense dense(4);
  const Tensor x = keras::ops::ones({1, 4});
  benchmark::DoNotOptimize(dense(x));
  for (auto _ : state) benchmark::DoNotOptimize(dense(x));
}
BENCHMARK(dense_call);

}  // namespace

BENCHMARK_MAIN();
