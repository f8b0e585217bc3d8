// SPDX-License-Identifier: Apache-2.0
// What the processor can do at most: multiply-adds a second and bytes of memory a second. Prints one line of
// JSON:
//   limits [SECONDS]      for each figure; all threads, one bound to each processor
// The kernels are chosen at run time; no figure stands for what the processor lacks.
#include <immintrin.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<int> processors() {
  cpu_set_t mask;
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return {0};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &mask)) out.push_back(cpu);
  }
  return out;
}

void bind(int cpu) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  CPU_SET(cpu, &mask);
  sched_setaffinity(0, sizeof(mask), &mask);
}

// Median seconds of a job of all threads, which are let go together by a flag they spin on.
double seconds_together(const std::vector<int>& cpus, double seconds,
                        const std::function<void(size_t)>& job) {
  std::atomic<int> round{0}, done{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (size_t t = 1; t < cpus.size(); ++t) {
    workers.emplace_back([&, t] {
      bind(cpus[t]);
      for (int seen = 0;; done.fetch_add(1)) {
        while (round.load(std::memory_order_acquire) == seen) _mm_pause();
        ++seen;
        if (stop) return;
        job(t);
      }
    });
  }
  std::vector<double> times;
  const int others = static_cast<int>(cpus.size()) - 1;
  const double end = now() + seconds;
  while (times.size() < 7 || now() < end) {
    done = 0;
    const double begin = now();
    round.fetch_add(1, std::memory_order_release);
    job(0);
    while (done.load() < others) _mm_pause();
    times.push_back(now() - begin);
  }
  stop = true;
  round.fetch_add(1);
  for (auto& worker : workers) worker.join();
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// All accumulators are named registers of one block of assembly, so that the compiler has no say. 24 of them
// hide the latency of two multiply-add units.
#define KERAS_TEXT_(x) #x
#define KERAS_TEXT(x) KERAS_TEXT_(x)
#define KERAS_REPEAT_12(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define KERAS_REPEAT_24(X) \
  KERAS_REPEAT_12(X) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23)
#define KERAS_CLEAR_512(i) "vpxorq %%zmm" KERAS_TEXT(i) ",%%zmm" KERAS_TEXT(i) ",%%zmm" KERAS_TEXT(i) "\n"
#define KERAS_CLEAR_256(i) "vpxor %%ymm" KERAS_TEXT(i) ",%%ymm" KERAS_TEXT(i) ",%%ymm" KERAS_TEXT(i) "\n"
#define KERAS_FMA_512(i) "vfmadd231ps %%zmm31,%%zmm30,%%zmm" KERAS_TEXT(i) "\n"
#define KERAS_BF16_512(i) "vdpbf16ps %%zmm31,%%zmm30,%%zmm" KERAS_TEXT(i) "\n"
#define KERAS_FMA_256(i) "vfmadd231ps %%ymm13,%%ymm12,%%ymm" KERAS_TEXT(i) "\n"
#define KERAS_PEAK_512(name, features, instruction)                                                          \
  __attribute__((target(features))) void name(int64_t times) {                                               \
    asm volatile(KERAS_REPEAT_24(KERAS_CLEAR_512) KERAS_CLEAR_512(30)                                        \
                     KERAS_CLEAR_512(31) "1:\n" KERAS_REPEAT_24(instruction) "dec %0\njnz 1b\n"              \
                 : "+r"(times)                                                                               \
                 :                                                                                           \
                 : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
                   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19", \
                   "xmm20", "xmm21", "xmm22", "xmm23", "xmm30", "xmm31");                                    \
  }
KERAS_PEAK_512(fma_512, "avx512f", KERAS_FMA_512)
KERAS_PEAK_512(bf16_512, "avx512f,avx512bf16", KERAS_BF16_512)
__attribute__((target("avx2,fma"))) void fma_256(int64_t times) {
  asm volatile(KERAS_REPEAT_12(KERAS_CLEAR_256) KERAS_CLEAR_256(12)
                   KERAS_CLEAR_256(13) "1:\n" KERAS_REPEAT_12(KERAS_FMA_256) "dec %0\njnz 1b\n"
               : "+r"(times)
               :
               : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                 "xmm10", "xmm11", "xmm12", "xmm13");
}

// Memory of one thread, in huge pages, touched by it.
class Arrays {
 public:
  explicit Arrays(size_t bytes) : bytes_(bytes) {
    data_ =
        static_cast<float*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (data_ == MAP_FAILED) std::exit(1);
    madvise(data_, bytes, MADV_HUGEPAGE);
    std::fill_n(data_, bytes / sizeof(float), 1.f);
  }
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;
  ~Arrays() { munmap(data_, bytes_); }
  float* data() const { return data_; }

 private:
  size_t bytes_;
  float* data_;
};

__attribute__((target("avx2"))) float read_all(const float* a, size_t count) {
  __m256 sums[8];
  for (auto& sum : sums) sum = _mm256_setzero_ps();
  for (size_t i = 0; i + 64 <= count; i += 64) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) sums[j] = _mm256_add_ps(sums[j], _mm256_loadu_ps(a + i + 8 * j));
  }
  for (int j = 1; j < 8; ++j) sums[0] = _mm256_add_ps(sums[0], sums[j]);
  return _mm256_cvtss_f32(sums[0]);
}

__attribute__((target("avx2"))) void copy_streaming(float* to, const float* from, size_t count) {
  for (size_t i = 0; i + 8 <= count; i += 8) _mm256_stream_ps(to + i, _mm256_load_ps(from + i));
  _mm_sfence();
}

__attribute__((target("avx2,fma"))) void triad(float* a, const float* b, const float* c, size_t count) {
  const __m256 three = _mm256_set1_ps(3);
  for (size_t i = 0; i + 8 <= count; i += 8)
    _mm256_store_ps(a + i, _mm256_fmadd_ps(three, _mm256_load_ps(c + i), _mm256_load_ps(b + i)));
}

std::string text;

void print(const char* name, double value) {
  char item[64];
  std::snprintf(item, sizeof(item), "%s\"%s\": %.4g", text.empty() ? "" : ", ", name, value);
  text += item;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 0.5;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    std::puts("{\"error\": \"written for processors with AVX2\"}");
    return 0;
  }
  const std::vector<int> all = processors(), one(all.begin(), all.begin() + 1);
  bind(all[0]);
  print("threads", static_cast<double>(all.size()));

  constexpr int64_t kTimes = 200000;
  const auto peak = [&](const char* name, const std::vector<int>& cpus, void (*kernel)(int64_t),
                        double flops) {
    const double time = seconds_together(cpus, seconds, [&](size_t) { kernel(kTimes); });
    print(name, static_cast<double>(cpus.size()) * kTimes * flops / time / 1e9);
  };
  const bool wide = __builtin_cpu_supports("avx512f");
  peak("fma_gflops_one_thread", one, wide ? fma_512 : fma_256, wide ? 24 * 32 : 12 * 16);
  peak("fma_gflops", all, wide ? fma_512 : fma_256, wide ? 24 * 32 : 12 * 16);
  if (argc > 2 && std::string(argv[2]) == "peak") {
    std::printf("{%s}\n", text.c_str());
    return 0;
  }
  peak("fma_256_gflops", all, fma_256, 12 * 16);
  if (wide && __builtin_cpu_supports("avx512bf16")) peak("bf16_gflops", all, bf16_512, 24 * 64);

  // Three arrays a thread, far larger than the caches; a set that fits the second level besides.
  constexpr size_t kBytes = size_t{256} << 20, kCount = kBytes / sizeof(float);
  constexpr size_t kNear = size_t{256} << 10, kNearTimes = 64;
  std::vector<std::unique_ptr<Arrays>> arrays(all.size());
  seconds_together(all, 0, [&](size_t t) {
    if (!arrays[t]) arrays[t] = std::make_unique<Arrays>(3 * kBytes);
  });
  std::vector<float> sink(all.size() * 16);
  const auto bandwidth = [&](const char* name, const std::vector<int>& cpus, double bytes,
                             const std::function<void(size_t)>& job) {
    print(name, static_cast<double>(cpus.size()) * bytes / seconds_together(cpus, seconds, job) / 1e9);
  };
  const auto read = [&](size_t t) { sink[16 * t] += read_all(arrays[t]->data(), kCount); };
  bandwidth("read_gb_s_one_thread", one, kBytes, read);
  bandwidth("read_gb_s", all, kBytes, read);
  bandwidth("copy_streaming_gb_s", all, 2.0 * kBytes, [&](size_t t) {
    float* a = arrays[t]->data();
    copy_streaming(a, a + kCount, kCount);
  });
  bandwidth("triad_gb_s", all, 3.0 * kBytes, [&](size_t t) {
    float* a = arrays[t]->data();
    triad(a, a + kCount, a + 2 * kCount, kCount);
  });
  bandwidth("near_read_gb_s", all, static_cast<double>(kNear * kNearTimes), [&](size_t t) {
    for (size_t i = 0; i < kNearTimes; ++i)
      sink[16 * t] += read_all(arrays[t]->data(), kNear / sizeof(float));
  });
  std::printf("{%s}\n", text.c_str());
}
