// SPDX-License-Identifier: Apache-2.0
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "backends/native/plugin.h"

namespace keras::native_test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

keras_memory memory() {
  keras_memory now{};
  now.struct_size = sizeof(now);
  table().memory(0, &now);
  return now;
}

keras_buffer* allocate(int64_t bytes) {
  keras_buffer* buffer = nullptr;
  const keras_desc desc = make_desc(KERAS_UINT8, {bytes});
  if (table().upload(0, &desc, nullptr, &buffer) != KERAS_OK) return nullptr;
  return buffer;
}

char* data_of(keras_buffer* buffer, int64_t bytes) {
  keras_view view{};
  const keras_desc desc = make_desc(KERAS_UINT8, {bytes});
  table().export_view(buffer, &desc, &view);
  return static_cast<char*>(const_cast<void*>(view.data));
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

TEST(NativeMemory, BlocksAreAlignedWritableAndCounted) {
  const uint64_t before = memory().in_use;
  std::vector<std::pair<keras_buffer*, int64_t>> live;
  uint64_t held = 0;
  for (int64_t bytes = 1; bytes < 40'000'000; bytes = bytes * 5 / 3 + 1) {
    keras_buffer* buffer = allocate(bytes);
    ASSERT_NE(buffer, nullptr);
    char* data = data_of(buffer, bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0u) << bytes;
    std::memset(data, static_cast<int>(bytes % 251), static_cast<size_t>(bytes));
    live.emplace_back(buffer, bytes);
    held += static_cast<uint64_t>(bytes);
    EXPECT_EQ(memory().in_use, before + held);
  }
  for (const auto& [buffer, bytes] : live) {
    const char* data = data_of(buffer, bytes);
    EXPECT_EQ(static_cast<unsigned char>(data[0]), bytes % 251);
    EXPECT_EQ(static_cast<unsigned char>(data[bytes - 1]), bytes % 251);
    table().free(buffer);
  }
  EXPECT_EQ(memory().in_use, before);
  EXPECT_GE(memory().peak, before + held);
}

TEST(NativeMemory, ASteadyLoopAsksTheSystemForNothing) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's build does not keep blocks";
  const std::vector<int64_t> sizes = {40, 5000, 70'000, 900'000, 3'000'000, 17'000'000};
  const auto step = [&] {
    std::vector<keras_buffer*> live;
    for (const int64_t bytes : sizes) {
      live.push_back(allocate(bytes));
      std::memset(data_of(live.back(), bytes), 1, static_cast<size_t>(bytes));
    }
    for (keras_buffer* buffer : live) table().free(buffer);
  };
  for (int i = 0; i < 3; ++i) step();
  const long faults = page_faults();
  const uint64_t reserved = memory().reserved;
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(memory().reserved, reserved);
  EXPECT_LE(page_faults() - faults, 2);
}

TEST(NativeMemory, AnImpossibleRequestIsAnErrorAndNotACrash) {
  keras_buffer* buffer = nullptr;
  const keras_desc desc = make_desc(KERAS_FLOAT64, {int64_t{1} << 30, int64_t{1} << 20});
  EXPECT_EQ(table().upload(0, &desc, nullptr, &buffer), KERAS_ERROR_MEMORY);
  EXPECT_NE(std::string(table().last_error()).find("out of memory"), std::string::npos);
}

TEST(NativeMemory, ImportedMemoryIsGivenBackOnce) {
  alignas(64) static float data[16] = {1, 2, 3};
  static int deleted = 0;
  const keras_desc desc = make_desc(KERAS_FLOAT32, {16});
  keras_buffer* buffer = nullptr;
  const auto deleter = [](void* count) { ++*static_cast<int*>(count); };
  ASSERT_EQ(table().import(0, &desc, data, deleter, &deleted, &buffer), KERAS_OK);
  EXPECT_EQ(static_cast<void*>(data_of(buffer, 64)), static_cast<void*>(data));
  table().retain(buffer);
  table().free(buffer);
  EXPECT_EQ(deleted, 0);
  table().free(buffer);
  EXPECT_EQ(deleted, 1);
  EXPECT_EQ(table().import(0, &desc, data + 1, deleter, &deleted, &buffer), KERAS_ERROR_UNSUPPORTED);
}

TEST(NativeMemory, BlocksTravelBetweenThreads) {
  const uint64_t before = memory().in_use;
  std::atomic<bool> failed{false};
  const auto work = [&](unsigned seed) {
    std::vector<std::pair<keras_buffer*, int64_t>> live;
    for (int i = 0; i < 3000; ++i) {
      seed = seed * 1664525u + 1013904223u;
      const int64_t bytes = seed % 5000 + 1;
      keras_buffer* buffer = allocate(bytes);
      char* data = data_of(buffer, bytes);
      data[0] = data[bytes - 1] = static_cast<char>(bytes);
      live.emplace_back(buffer, bytes);
      if (live.size() > 50) {
        const size_t pick = seed / 7 % live.size();
        const auto [old, size] = live[pick];
        if (data_of(old, size)[size - 1] != static_cast<char>(size)) failed = true;
        table().free(old);
        live.erase(live.begin() + static_cast<int64_t>(pick));
      }
    }
    for (const auto& [buffer, bytes] : live) table().free(buffer);
  };
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) threads.emplace_back(work, t);
  for (auto& thread : threads) thread.join();
  EXPECT_FALSE(failed);
  EXPECT_EQ(memory().in_use, before);
}

TEST(NativeThreads, ResultsDoNotDependOnWhoComputes) {
  const Array x = uniform<float>({300, 3000}, -1, 1);
  ReduceAttributes all{};
  all.axes = list({0, 1});
  const auto sum = [&] {
    return run("reduce_sum", all, {x}, {make_desc(KERAS_FLOAT32, {})})[0].values<float>()[0];
  };
  const float alone = sum();
  std::vector<float> results(4);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) results[t] = sum();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const float result : results) EXPECT_EQ(result, alone);
}

TEST(NativeThreads, TheCallersFloatStateAndAffinityComeBack) {
  // A denormal is zero inside a kernel and itself again outside.
  volatile float tiny = 1e-40f;
  const auto x = array<float>({1}, {tiny});
  EXPECT_EQ(run("sqrt", {x}, {x.desc})[0].values<float>()[0], 0);
  EXPECT_GT(tiny * 2, 0);
  cpu_set_t before;
  cpu_set_t after;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  table().enter_run();
  table().enter_run();
  table().leave_run();
  table().leave_run();
  ASSERT_EQ(sched_getaffinity(0, sizeof(after), &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(NativeTable, DescribesItself) {
  EXPECT_STREQ(table().name, "native");
  EXPECT_NE(std::string(table().version).find("oneDNN"), std::string::npos);
  EXPECT_EQ(table().device_count(), 1);
  EXPECT_STREQ(table().device_name(0), "cpu:0");
  EXPECT_EQ(table().dtype_usage(0, KERAS_FLOAT32), 7u);
  EXPECT_EQ(table().dtype_usage(0, 99), 0u);
}

}  // namespace
}  // namespace keras::native_test
