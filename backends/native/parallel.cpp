// SPDX-License-Identifier: Apache-2.0
#include "parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <vector>

#include "float_state.h"
#include "kernel.h"

// The pool is libgomp's, which oneDNN brings and uses as well: two pools would fight over the cores. It is
// called by its own entry points, because -fopenmp means another library with another compiler.
extern "C" {
void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
int omp_get_max_threads(void);
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_in_parallel(void);
void omp_set_num_threads(int threads);
}

#if defined(__SANITIZE_THREAD__)
#define KERAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KERAS_TSAN 1
#endif
#endif
#ifdef KERAS_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace keras::native {
namespace {

// The thread sanitizer does not see libgomp's barriers: these say that a region starts and ends with one.
void acquire([[maybe_unused]] void* address) {
#ifdef KERAS_TSAN
  __tsan_acquire(address);
#endif
}
void release_to([[maybe_unused]] void* address) {
#ifdef KERAS_TSAN
  __tsan_release(address);
#endif
}

struct Region {
  void (*body)(void*, int64_t, int64_t);
  void* context;
  int64_t count;
  std::atomic<bool> failed{false};
  std::exception_ptr error;
};

// True while one thread of the process has the pool; the others then compute alone.
std::atomic<bool> pool_taken{false};
thread_local bool inside_region = false;

void run_share(void* data) {
  Region& region = *static_cast<Region*>(data);
  acquire(&region);
  const FlushDenormals flush;
  const int64_t threads = omp_get_num_threads();
  const int64_t thread = omp_get_thread_num();
  const int64_t share = region.count / threads;
  const int64_t rest = region.count % threads;
  const int64_t begin = thread * share + std::min(thread, rest);
  const int64_t end = begin + share + (thread < rest ? 1 : 0);
  const bool outer = inside_region;
  inside_region = true;
  try {
    if (begin < end) region.body(region.context, begin, end);
  } catch (...) {
    if (!region.failed.exchange(true)) region.error = std::current_exception();
  }
  inside_region = outer;
  release_to(&region);
}

// Affinity of the run that is bound now.
struct Binding {
  std::atomic<bool> taken{false};
  cpu_set_t saved;
  std::vector<int> cores;
};
Binding binding;
thread_local int run_depth = 0;
thread_local bool bound_here = false;

bool binding_wanted() {
  static const bool wanted = [] {
    const char* text = std::getenv("KERAS_BIND");
    return text == nullptr || std::strcmp(text, "0") != 0;
  }();
  return wanted;
}

void bind_thread(void*) {
  acquire(&binding);
  const size_t thread = static_cast<size_t>(omp_get_thread_num());
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(binding.cores[thread % binding.cores.size()], &mask);
  sched_setaffinity(0, sizeof(mask), &mask);
  release_to(&binding);
}

void unbind_thread(void*) {
  acquire(&binding);
  sched_setaffinity(0, sizeof(binding.saved), &binding.saved);
  release_to(&binding);
}

}  // namespace

int thread_count() {
  static const int count = std::max(1, omp_get_max_threads());
  return count;
}

void parallel_for(int64_t count, int64_t grain, void (*body)(void* context, int64_t begin, int64_t end),
                  void* context) {
  if (count <= 0) return;
  const int64_t worth = count / std::max<int64_t>(grain, 1);
  const int64_t threads = std::min<int64_t>(thread_count(), worth);
  if (threads <= 1 || inside_region || omp_in_parallel() != 0 || pool_taken.exchange(true)) {
    body(context, 0, count);
    return;
  }
  Region region{body, context, count, {}, nullptr};
  release_to(&region);
  GOMP_parallel(run_share, &region, static_cast<unsigned>(threads), 0);
  acquire(&region);
  pool_taken.store(false);
  if (region.error) std::rethrow_exception(region.error);
}

OneThread::OneThread() : before_(omp_get_max_threads()) {
  thread_count();  // has to be asked before
  omp_set_num_threads(1);
}
OneThread::~OneThread() { omp_set_num_threads(before_); }

void enter_run() {
  if (run_depth++ > 0 || !binding_wanted() || binding.taken.exchange(true)) return;
  if (sched_getaffinity(0, sizeof(binding.saved), &binding.saved) != 0) {
    binding.taken.store(false);
    return;
  }
  binding.cores.clear();
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &binding.saved)) binding.cores.push_back(core);
  }
  bound_here = true;
  release_to(&binding);
  GOMP_parallel(bind_thread, nullptr, static_cast<unsigned>(thread_count()), 0);
  acquire(&binding);
}

void leave_run() {
  if (run_depth == 0 || --run_depth > 0 || !bound_here) return;
  release_to(&binding);
  GOMP_parallel(unbind_thread, nullptr, static_cast<unsigned>(thread_count()), 0);
  acquire(&binding);
  bound_here = false;
  binding.taken.store(false);
}

}  // namespace keras::native
