// SPDX-License-Identifier: Apache-2.0
// What an exchange with another library costs: with shared memory the time does not grow with the array.
// Copies of the same arrays stand beside it.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <memory>

#include "keras/ops/numpy.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/dlpack.h"
#include "keras/tensor/host_buffer.h"

namespace {

using keras::Tensor;
namespace dlpack = keras::dlpack;

// Another library's array of floats, aligned as allocators of such libraries do.
class Foreign {
 public:
  explicit Foreign(int64_t count)
      : count_(count), memory_(keras::internal::allocate_host(static_cast<size_t>(count) * sizeof(float))) {
    std::memset(memory_.get(), 0, static_cast<size_t>(count) * sizeof(float));
    keras::internal::current_backend();  // loaded before any clock runs
    struct_.version = {1, 0};
    struct_.dl_tensor.data = memory_.get();
    struct_.dl_tensor.ndim = 1;
    struct_.dl_tensor.shape = &count_;
  }
  dlpack::Managed managed() { return dlpack::Managed(&struct_); }
  const void* data() const { return memory_.get(); }

 private:
  int64_t count_;
  std::shared_ptr<void> memory_;
  dlpack::ManagedTensor struct_;
};

// As far as an op needs it: in the backend's hands.
void give_to_backend(const Tensor& tensor) {
  benchmark::DoNotOptimize(keras::internal::device_handle(tensor, keras::internal::current_backend()));
}

void import_shared(benchmark::State& state) {
  Foreign array(state.range(0));
  for (auto _ : state) give_to_backend(dlpack::from_dlpack(array.managed()));
}

void import_copied(benchmark::State& state) {
  Foreign array(state.range(0));
  for (auto _ : state) give_to_backend(dlpack::from_dlpack(array.managed(), {.copy = true}));
}

void export_shared(benchmark::State& state) {
  const Tensor tensor = keras::ops::ones({state.range(0)});
  give_to_backend(tensor);
  for (auto _ : state) benchmark::DoNotOptimize(dlpack::to_dlpack(tensor)->dl_tensor.data);
}

void export_copied(benchmark::State& state) {
  const Tensor tensor = keras::ops::ones({state.range(0)});
  give_to_backend(tensor);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Tensor::copy(tensor.host_data(), tensor.shape(), tensor.dtype()));
  }
}

// Out and in again, then an op on it: nothing on the way copies.
void round_trip(benchmark::State& state) {
  const Tensor tensor = keras::ops::ones({state.range(0)});
  give_to_backend(tensor);
  for (auto _ : state) give_to_backend(dlpack::from_dlpack(dlpack::to_dlpack(tensor)));
}

// Floats: 64 KB to 64 MB.
#define KERAS_SIZES RangeMultiplier(32)->Range(1 << 14, 1 << 24)
BENCHMARK(import_shared)->KERAS_SIZES;
BENCHMARK(import_copied)->KERAS_SIZES;
BENCHMARK(export_shared)->KERAS_SIZES;
BENCHMARK(export_copied)->KERAS_SIZES;
BENCHMARK(round_trip)->KERAS_SIZES;

}  // namespace

BENCHMARK_MAIN();
