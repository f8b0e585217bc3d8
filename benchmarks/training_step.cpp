// SPDX-License-Identifier: Apache-2.0
// One training step (forward, loss, gradients, optimizer, metric) of five models on one batch of float32
// data. KERAS_BACKEND chooses the backend, OMP_NUM_THREADS the threads.
#include <benchmark/benchmark.h>

#include "models/models.h"

namespace {

using namespace keras;  // NOLINT: as a user's program

void train(benchmark::State& state, const char* model) {
  utils::set_random_seed(1);
  const benchmarks::Task task = benchmarks::make_task(model, state.range(0), {.metrics = {"accuracy"}});
  const internal::RunScope threads;  // as fit does
  for (int i = 0; i < 3; ++i) task.model->train_on_batch(task.x, task.y);
  double loss = 0;
  for (auto _ : state) loss = task.model->train_on_batch(task.x, task.y)["loss"];
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["loss"] = loss;
}

BENCHMARK_CAPTURE(train, mlp, "mlp")->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, cnn, "cnn")->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, resnet20, "resnet20")
    ->Arg(32)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(train, lstm, "lstm")->Arg(32)->Arg(128)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(train, transformer, "transformer")
    ->Arg(32)
    ->Arg(128)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
