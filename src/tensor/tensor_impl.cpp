// SPDX-License-Identifier: Apache-2.0
// The shared value behind Tensor handles: its homes, its identity, and the list of free blocks.
#include <array>
#include <new>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/tensor/host_buffer.h"

#if defined(__SANITIZE_ADDRESS__)
#define KERAS_TENSOR_FREE_LIST 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define KERAS_TENSOR_FREE_LIST 0
#endif
#endif
#ifndef KERAS_TENSOR_FREE_LIST
#define KERAS_TENSOR_FREE_LIST 1
#endif

namespace keras::internal {
namespace {

#if KERAS_TENSOR_FREE_LIST
// Blocks that this thread freed. The count lives without a destructor, since tensors of static storage
// may die after the thread's own objects: -1 says that the list is gone.
constexpr int kKeep = 256;
thread_local std::array<void*, kKeep> free_blocks;
thread_local int free_count = 0;

struct FreeListGuard {
  bool alive = true;
  ~FreeListGuard() {
    while (free_count > 0) ::operator delete(free_blocks[static_cast<size_t>(--free_count)]);
    free_count = -1;
  }
};
thread_local FreeListGuard guard;
#endif

std::array<std::mutex, 64>& stripes() {
  static std::array<std::mutex, 64> mutexes;
  return mutexes;
}

}  // namespace

TensorImpl::TensorImpl() = default;
TensorImpl::~TensorImpl() = default;

void* TensorImpl::operator new(size_t bytes) {
#if KERAS_TENSOR_FREE_LIST
  if (bytes == sizeof(TensorImpl) && free_count > 0) return free_blocks[static_cast<size_t>(--free_count)];
#endif
  return ::operator new(bytes);
}

void TensorImpl::operator delete(void* block) noexcept {
#if KERAS_TENSOR_FREE_LIST
  if (free_count >= 0 && free_count < kKeep && guard.alive) {
    free_blocks[static_cast<size_t>(free_count++)] = block;
    return;
  }
#endif
  ::operator delete(block);
}

uint64_t TensorImpl::identity() {
  static std::atomic<uint64_t> last{0};
  uint64_t current = id.load(std::memory_order_acquire);
  if (current != 0) return current;
  const uint64_t fresh = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return id.compare_exchange_strong(current, fresh, std::memory_order_acq_rel) ? fresh : current;
}

std::mutex& TensorImpl::mutex() const {
  // Blocks are a few hundred bytes apart.
  return stripes()[(reinterpret_cast<uintptr_t>(this) >> 6) % 64];
}

const void* TensorImpl::host_elements() {
  if (const void* ready = host_ready.load(std::memory_order_acquire)) return ready;
  const std::lock_guard lock(mutex());
  if (const void* ready = host_ready.load(std::memory_order_relaxed)) return ready;
  const void* elements = host.bytes.get();
  if (elements == nullptr && device) {
    elements = device.owner()->map(device.handle(), dtype, shape);
    if (elements == nullptr) {
      auto bytes = allocate_host(static_cast<size_t>(shape.elements()) * dtype_size(dtype));
      device.owner()->download(device.handle(), dtype, shape, bytes.get());
      elements = bytes.get();
      host.bytes = std::move(bytes);
    }
  }
  host_ready.store(elements, std::memory_order_release);
  return elements;
}

namespace {
// Scalars: one block for the count of owners and the element, without the search for an aligned place.
struct alignas(8) SmallBlock {
  std::array<std::byte, 8> bytes;
};
}  // namespace

std::shared_ptr<void> allocate_host(size_t bytes) {
  if (bytes <= sizeof(SmallBlock)) return std::make_shared<SmallBlock>();
  constexpr std::align_val_t kAlignment{64};
  void* block =
      bytes > machine_memory() ? nullptr : ::operator new(bytes == 0 ? 1 : bytes, kAlignment, std::nothrow);
  if (block == nullptr) {
    fail<BackendError>(
        {"host memory", "There is not enough memory for a tensor", std::to_string(bytes) + " bytes", ""});
  }
  return {block, [](void* p) { ::operator delete(p, kAlignment); }};
}

Tensor host_tensor(std::shared_ptr<const void> bytes, const Shape& shape, DType dtype) {
  if (dtype == DType::string) {
    fail<TypeError>({"Tensor", "Strings have no elements in memory", "dtype=string", "use Tensor::strings"});
  }
  Tensor tensor(new TensorImpl);
  tensor.impl().dtype = dtype;
  tensor.impl().shape = shape;
  tensor.impl().host.bytes = std::move(bytes);
  return tensor;
}

}  // namespace keras::internal
