// SPDX-License-Identifier: Apache-2.0
// This program's own malloc and operator new: they count, and then do as the C library does. Libraries that
// are opened later use them too, because symbols are looked for in the program first. What oneDNN asks for
// inside its calls (the list of arguments of each, sgemm's packed blocks) is beyond our reach: it is told
// apart by the caller's address.
#include "steady/allocation_count.h"

#include <link.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KERAS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KERAS_SANITIZED 1
#endif
#endif
#if defined(__GLIBC__) && !defined(KERAS_SANITIZED)
#define KERAS_COUNT_MALLOC 1
#endif

namespace {

std::atomic<int64_t> news{0};
std::atomic<int64_t> mallocs{0};
std::atomic<int64_t> onednn{0};
std::atomic<uintptr_t> onednn_begin{0};
std::atomic<uintptr_t> onednn_end{0};

// Where oneDNN's code lies, once it has been opened.
int find_onednn(dl_phdr_info* info, size_t, void*) {
  if (std::strstr(info->dlpi_name, "libdnnl") == nullptr) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    onednn_begin = info->dlpi_addr + part.p_vaddr;
    onednn_end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
  }
  return 1;
}

// Under a sanitizer, whose own functions stand there, nothing calls it.
[[maybe_unused]] void note(std::atomic<int64_t>& ours, const void* caller) {
  const auto address = reinterpret_cast<uintptr_t>(caller);
  const bool inside = address >= onednn_begin.load() && address < onednn_end.load();
  (inside ? onednn : ours).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

namespace keras::tests {

AllocationCount allocation_count() {
  dl_iterate_phdr(find_onednn, nullptr);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {news.load(), mallocs.load(), onednn.load(), usage.ru_minflt};
}

bool counts_mallocs() {
#ifdef KERAS_COUNT_MALLOC
  return true;
#else
  return false;
#endif
}

}  // namespace keras::tests

#ifdef KERAS_COUNT_MALLOC

extern "C" {

void* __libc_malloc(size_t bytes);                      // NOLINT: the C library's names
void* __libc_calloc(size_t count, size_t bytes);        // NOLINT
void* __libc_realloc(void* block, size_t bytes);        // NOLINT
void* __libc_memalign(size_t alignment, size_t bytes);  // NOLINT

void* malloc(size_t bytes) {
  note(mallocs, __builtin_return_address(0));
  return __libc_malloc(bytes);
}
void* calloc(size_t count, size_t bytes) {
  note(mallocs, __builtin_return_address(0));
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, size_t bytes) {
  note(mallocs, __builtin_return_address(0));
  return __libc_realloc(block, bytes);
}
void* aligned_alloc(size_t alignment, size_t bytes) {
  note(mallocs, __builtin_return_address(0));
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** out, size_t alignment, size_t bytes) {
  note(mallocs, __builtin_return_address(0));
  *out = __libc_memalign(alignment, bytes);
  return *out == nullptr ? ENOMEM : 0;
}

}  // extern "C"

void* operator new(size_t bytes) {
  note(news, __builtin_return_address(0));
  if (void* block = __libc_malloc(bytes != 0 ? bytes : 1)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }

#endif
