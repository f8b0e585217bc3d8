// SPDX-License-Identifier: Apache-2.0
#include "packed_weights.h"

#include <array>
#include <bit>

namespace keras::native {

constexpr int kMostOperands = 4;

struct PackedWeights::Copy {
  std::array<uint64_t, kMostOperands> contents{};
  Scratch memory;
  explicit Copy(size_t bytes) : memory(bytes) {}
};

PackedWeights::PackedWeights(std::shared_ptr<const keras_kernel> kernel) : kernel_(std::move(kernel)) {
  if (std::popcount(kernel_->packed_operands()) > kMostOperands) {
    throw Failure(KERAS_ERROR_INTERNAL, "a kernel packs too many operands");
  }
}

bool PackedWeights::matches(const Copy& copy, const keras_tensor* in) const {
  int i = 0;
  for (uint32_t rest = kernel_->packed_operands(); rest != 0; rest &= rest - 1) {
    if (in[std::countr_zero(rest)].buffer->content != copy.contents[i++]) return false;
  }
  return true;
}

const void* PackedWeights::find(const keras_tensor* in, Use& use) {
  if (use.copy_ == nullptr || !matches(*use.copy_, in)) {
    const std::lock_guard lock(mutex_);
    if (newest_ == nullptr || !matches(*newest_, in)) {
      auto copy = std::make_shared<Copy>(kernel_->packed_bytes());
      int i = 0;
      for (uint32_t rest = kernel_->packed_operands(); rest != 0; rest &= rest - 1) {
        copy->contents[i++] = in[std::countr_zero(rest)].buffer->content;
      }
      kernel_->pack(in, copy->memory.as<void>());
      newest_ = std::move(copy);
    }
    use.copy_ = newest_;
  }
  return use.copy_->memory.as<void>();
}

}  // namespace keras::native
