// SPDX-License-Identifier: Apache-2.0
#include "profile.h"

#include <atomic>
#include <chrono>

namespace keras::native {
namespace {

std::atomic<keras_profiler> profiler{nullptr};

int64_t now() {
  using std::chrono::nanoseconds;
  const auto time = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<nanoseconds>(time).count();
}

}  // namespace

keras_profiler current_profiler() { return profiler.load(std::memory_order_relaxed); }
void set_profiler(keras_profiler told) { profiler.store(told, std::memory_order_relaxed); }

ProfiledKernel::ProfiledKernel(keras_profiler told, const char* name, const keras_tensor* in, int num_in,
                               const keras_tensor* out, int num_out)
    : profiler_(told), event_{sizeof(event_), name, 0, 0, in, out, num_in, num_out} {
  event_.begin = now();
}

ProfiledKernel::~ProfiledKernel() {
  event_.end = now();
  profiler_(&event_);
}

}  // namespace keras::native
