// SPDX-License-Identifier: Apache-2.0
#include "allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <new>
#include <vector>

#include "keras/base/host_memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define KERAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KERAS_ASAN 1
#endif
#endif

// Freed blocks are kept in lists by size, so that a training step in its steady state asks the system for
// nothing and touches no fresh page. A block is a header of 64 bytes, the keras_buffer, and the elements.
namespace keras::native {
namespace {

#ifdef KERAS_ASAN
constexpr bool kCaching = false;  // every block on its own, so that the sanitizer sees its ends
#else
constexpr bool kCaching = true;
#endif

constexpr size_t kHeader = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kRegion = size_t{4} << 20;  // small and middle blocks are cut from regions of this size
constexpr size_t kLargeBlock = kRegion / 4;  // larger ones are mapped alone
constexpr int kThreadClasses = 56;           // classes up to 32 KiB have lists of each thread
constexpr int kClasses = 360;
constexpr int kRoom = 8;  // classes above its own where a large need looks for a free block
static_assert(sizeof(keras_buffer) <= kHeader);

// Classes 0..7 are multiples of 64 up to 512; above, each power of two is cut into eight: at most 12.5 % of a
// fresh block is idle, and about half of a large one that served a larger need before.
int class_of(size_t bytes) {
  if (bytes <= 512) return bytes <= 64 ? 0 : static_cast<int>((bytes - 1) / 64);
  const int power = std::bit_width(bytes - 1) - 1;  // 2^power < bytes <= 2^(power + 1)
  return 8 * (power - 8) + static_cast<int>((bytes - 1) >> (power - 3)) - 8;
}
size_t class_size(int index) {
  if (index < 8) return 64 * (static_cast<size_t>(index) + 1);
  const int power = index / 8 + 8;
  return (static_cast<size_t>(index % 8) + 9) << (power - 3);
}

struct FreeBlock {
  FreeBlock* next;
};

// Blocks of one class, a stack.
struct FreeList {
  FreeBlock* head = nullptr;
  uint32_t count = 0;
  void push(void* block) {
    head = new (block) FreeBlock{head};
    ++count;
  }
  void* pop() {
    FreeBlock* block = head;
    if (block == nullptr) return nullptr;
    head = block->next;
    --count;
    return block;
  }
};

struct ThreadCache;

struct Pool {
  std::mutex mutex;
  FreeList lists[kClasses];
  char* region = nullptr;  // the rest of the region being cut
  size_t region_left = 0;
  uint64_t reserved = 0;
  int64_t in_use = 0;  // without what the threads' caches have not told yet
  int64_t peak = 0;
  std::vector<ThreadCache*> caches;
};

Pool& pool() {
  static Pool* instance = new Pool;  // outlives every thread and every static
  return *instance;
}

struct ThreadCache {
  FreeList lists[kThreadClasses];
  std::atomic<int64_t> in_use{0};  // change since the last report; written by its thread only

  ThreadCache() {
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    shared.caches.push_back(this);
  }
  ~ThreadCache();
};

// Plain access: the owner of the cache object clears it when the thread ends.
thread_local ThreadCache* cache = nullptr;
thread_local bool thread_ended = false;

ThreadCache::~ThreadCache() {
  Pool& shared = pool();
  const std::lock_guard lock(shared.mutex);
  for (int i = 0; i < kThreadClasses; ++i) {
    while (void* block = lists[i].pop()) shared.lists[i].push(block);
  }
  shared.in_use += in_use.load(std::memory_order_relaxed);
  std::erase(shared.caches, this);
  cache = nullptr;
  thread_ended = true;
}

ThreadCache* open_cache() {
  if (thread_ended || !kCaching) return nullptr;
  static thread_local ThreadCache owner;
  cache = &owner;
  return cache;
}

void count_locked(Pool& shared, int64_t bytes) {
  shared.in_use += bytes;
  int64_t total = shared.in_use;
  for (const ThreadCache* other : shared.caches) total += other->in_use.load(std::memory_order_relaxed);
  shared.peak = std::max(shared.peak, total);
}

constexpr int64_t kReport = 1 << 16;

void count(ThreadCache& own, int64_t bytes) {
  const int64_t now = own.in_use.load(std::memory_order_relaxed) + bytes;
  own.in_use.store(now, std::memory_order_relaxed);
  if (now < kReport && now > -kReport) return;
  Pool& shared = pool();
  const std::lock_guard lock(shared.mutex);
  own.in_use.store(0, std::memory_order_relaxed);
  count_locked(shared, now);
}

// Fresh pages on a huge-page border; null when the system has none.
void* map_pages(size_t bytes) {
  const size_t padded = bytes + kHugePage;
  void* raw =
      mmap(nullptr, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(raw);
  const size_t misfit = reinterpret_cast<uintptr_t>(raw) % kHugePage;
  const size_t front = misfit == 0 ? 0 : kHugePage - misfit;
  if (front != 0) munmap(begin, front);
  if (padded - front > bytes) munmap(begin + front + bytes, padded - front - bytes);
  madvise(begin + front, bytes, MADV_HUGEPAGE);
  return begin + front;
}

size_t mapped_size(int index) { return (class_size(index) + 4095) & ~size_t{4095}; }

// Gives free large blocks back to the system; the smaller ones stand in shared regions.
void trim_locked(Pool& shared) {
  for (int i = class_of(kLargeBlock) + 1; i < kClasses; ++i) {
    while (void* block = shared.lists[i].pop()) {
      munmap(block, mapped_size(i));
      shared.reserved -= mapped_size(i);
    }
  }
}

void* fresh_block(Pool& shared, int index) {
  const size_t size = class_size(index);
  if (size > kLargeBlock) {
    const size_t bytes = mapped_size(index);
    void* block = map_pages(bytes);
    if (block == nullptr) {
      trim_locked(shared);
      block = map_pages(bytes);
    }
    if (block != nullptr) shared.reserved += bytes;
    return block;
  }
  if (shared.region_left < size) {
    // What is left over becomes blocks of the largest classes that fit.
    while (shared.region_left >= 64) {
      int fit = class_of(shared.region_left);
      if (class_size(fit) > shared.region_left) --fit;
      shared.lists[fit].push(shared.region);
      shared.region += class_size(fit);
      shared.region_left -= class_size(fit);
    }
    void* region = map_pages(kRegion);
    if (region == nullptr) {
      trim_locked(shared);
      region = map_pages(kRegion);
    }
    if (region == nullptr) return nullptr;
    shared.region = static_cast<char*>(region);
    shared.region_left = kRegion;
    shared.reserved += kRegion;
  }
  void* block = shared.region;
  shared.region += size;
  shared.region_left -= size;
  return block;
}

// A free block of the class or, for large ones, of a class at most kRoom above it; `index` becomes its class.
void* free_block(Pool& shared, int& index) {
  const int last = class_size(index) > kLargeBlock ? std::min(index + kRoom, kClasses - 1) : index;
  for (int i = index; i <= last; ++i) {
    if (void* block = shared.lists[i].pop()) {
      index = i;
      return block;
    }
  }
  return nullptr;
}

void* shared_block(int& index, size_t bytes) {
  Pool& shared = pool();
  const std::lock_guard lock(shared.mutex);
  void* block = free_block(shared, index);
  if (block == nullptr) block = fresh_block(shared, index);
  if (block != nullptr) count_locked(shared, static_cast<int64_t>(bytes));
  return block;
}

[[noreturn]] void out_of_memory(size_t bytes) {
  throw Failure(KERAS_ERROR_MEMORY,
                "out of memory: the system gives no further " + std::to_string(bytes) + " bytes");
}

// A block for that many bytes behind the header, and its class.
void* take_block(size_t bytes, int& index) {
  if (bytes > keras::internal::machine_memory()) out_of_memory(bytes);
  const size_t size = bytes + kHeader;
  if constexpr (!kCaching) {
    void* block = std::aligned_alloc(64, (size + 63) & ~size_t{63});
    if (block == nullptr) out_of_memory(bytes);
    Pool& shared = pool();
    const std::lock_guard lock(shared.mutex);
    count_locked(shared, static_cast<int64_t>(bytes));
    shared.reserved += bytes;
    return block;
  }
  index = class_of(size);
  if (index < kThreadClasses) {
    ThreadCache* own = cache != nullptr ? cache : open_cache();
    if (own != nullptr) {
      if (void* block = own->lists[index].pop()) {
        count(*own, static_cast<int64_t>(bytes));
        return block;
      }
    }
  }
  void* block = shared_block(index, bytes);
  if (block == nullptr) out_of_memory(bytes);
  return block;
}

void give_block(void* block, size_t bytes, int index) {
  Pool& shared = pool();
  if constexpr (!kCaching) {
    std::free(block);
    const std::lock_guard lock(shared.mutex);
    count_locked(shared, -static_cast<int64_t>(bytes));
    shared.reserved -= bytes;
    return;
  }
  if (index < kThreadClasses) {
    ThreadCache* own = cache != nullptr ? cache : open_cache();
    if (own != nullptr) {
      FreeList& list = own->lists[index];
      list.push(block);
      count(*own, -static_cast<int64_t>(bytes));
      const uint32_t limit = index < 24 ? 256 : 32;
      if (list.count <= limit) return;
      const std::lock_guard lock(shared.mutex);
      while (list.count > limit / 2) shared.lists[index].push(list.pop());
      return;
    }
  }
  const std::lock_guard lock(shared.mutex);
  shared.lists[index].push(block);
  count_locked(shared, -static_cast<int64_t>(bytes));
}

// Numbers are dealt to the threads in packs.
uint64_t fresh_content() {
  constexpr uint64_t kPack = 4096;
  static std::atomic<uint64_t> packs{0};
  thread_local uint64_t next = 0;
  if (next % kPack == 0) next = packs.fetch_add(kPack, std::memory_order_relaxed);
  return ++next;
}

}  // namespace

keras_buffer* allocate(size_t bytes) {
  int index = 0;
  void* block = take_block(bytes, index);
  auto* buffer = new (block) keras_buffer;
  buffer->block_class = index;
  buffer->data = static_cast<char*>(block) + kHeader;
  buffer->bytes = bytes;
  buffer->content = fresh_content();
  return buffer;
}

keras_buffer* wrap(const void* data, size_t bytes, keras_deleter deleter, void* context) {
  int index = 0;
  void* block = take_block(0, index);
  auto* buffer = new (block) keras_buffer;
  buffer->block_class = index;
  buffer->data = const_cast<void*>(data);
  buffer->bytes = bytes;
  buffer->imported = true;
  buffer->deleter = deleter;
  buffer->context = context;
  buffer->content = fresh_content();
  return buffer;
}

void renew_content(keras_buffer* buffer) { buffer->content = fresh_content(); }

void retain(keras_buffer* buffer) { buffer->references.fetch_add(1, std::memory_order_relaxed); }

void release(keras_buffer* buffer) {
  // The last holder needs no locked instruction: nobody else can see the count any more.
  if (buffer->references.load(std::memory_order_acquire) != 1 &&
      buffer->references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  const bool own = buffer->data == reinterpret_cast<char*>(buffer) + kHeader;
  if (!own && buffer->deleter != nullptr) buffer->deleter(buffer->context);
  const size_t bytes = own ? buffer->bytes : 0;
  const int index = buffer->block_class;
  buffer->~keras_buffer();
  give_block(buffer, bytes, index);
}

Scratch::Scratch(size_t bytes) : buffer_(allocate(bytes)) {}
Scratch::~Scratch() { release(buffer_); }

keras_memory memory_statistics() {
  Pool& shared = pool();
  const std::lock_guard lock(shared.mutex);
  count_locked(shared, 0);
  int64_t total = shared.in_use;
  for (const ThreadCache* other : shared.caches) total += other->in_use.load(std::memory_order_relaxed);
  return {sizeof(keras_memory), static_cast<uint64_t>(std::max<int64_t>(total, 0)), shared.reserved,
          static_cast<uint64_t>(shared.peak)};
}

}  // namespace keras::native
