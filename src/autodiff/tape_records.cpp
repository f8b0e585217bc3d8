// SPDX-License-Identifier: Apache-2.0
#include "autodiff/tape_records.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace keras::internal {

namespace {

constexpr size_t kBlock = 16384;
constexpr size_t kAlignment = 8;

}  // namespace

TensorType RecordedType::of(const Tensor& kept) const {
  if (dims == nullptr && kept.defined()) return {dtype, kept.shape()};
  TensorType type{dtype, {}};
  for (int32_t i = 0; i < rank; ++i) type.shape.push_back(Dim::from_code(dims[i]));
  return type;
}

void TapeRecord::release() {
  const size_t count = size_t{num_operands} + num_results + num_residuals;
  for (size_t i = 0; i < count; ++i) kept[i] = Tensor();
}

void* TapeRecords::take(size_t bytes) {
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (bytes > left_) {
    const size_t block = std::max(kBlock, bytes);
    blocks_.push_back(std::make_unique_for_overwrite<std::byte[]>(block));
    free_ = blocks_.back().get();
    left_ = block;
  }
  void* const out = free_;
  free_ += bytes;
  left_ -= bytes;
  return out;
}

template <class T>
T* TapeRecords::take_array(size_t count) {
  static_assert(alignof(T) <= kAlignment);
  T* const first = static_cast<T*>(take(count * sizeof(T)));
  for (size_t i = 0; i < count; ++i) new (static_cast<void*>(first + i)) T();
  return first;
}

TapeRecord& TapeRecords::add(size_t operands, size_t results, size_t residuals,
                             std::span<const uint8_t> attributes) {
  auto* const record = new (take(sizeof(TapeRecord))) TapeRecord;
  record->num_operands = static_cast<uint32_t>(operands);
  record->num_results = static_cast<uint32_t>(results);
  record->num_residuals = static_cast<uint32_t>(residuals);
  record->kept = take_array<Tensor>(operands + results + residuals);
  record->ids = take_array<uint64_t>(operands + results);
  record->types = take_array<RecordedType>(operands + results);
  record->watched = take_array<bool>(operands);
  auto* const bytes = static_cast<uint8_t*>(take(attributes.size()));
  if (!attributes.empty()) std::memcpy(bytes, attributes.data(), attributes.size());
  record->attributes = bytes;
  records_.push_back(record);
  return *record;
}

void TapeRecords::note(TapeRecord& record, size_t place, const Tensor& value, bool keep) {
  TensorImpl& impl = value.impl();
  record.ids[place] = impl.identity();
  RecordedType& type = record.types[place];
  type.dtype = impl.dtype;
  type.rank = impl.shape.rank();
  if (keep) {
    record.kept[place] = value;
    return;
  }
  auto* const dims = static_cast<int64_t*>(take(sizeof(int64_t) * static_cast<size_t>(type.rank)));
  for (size_t i = 0; i < impl.shape.size(); ++i) dims[i] = impl.shape[i].code();
  type.dims = dims;
}

void TapeRecords::clear() {
  for (TapeRecord* record : records_) {
    const size_t count = size_t{record->num_operands} + record->num_results + record->num_residuals;
    std::destroy_n(record->kept, count);
  }
  records_.clear();
  // One block stays for what is recorded next.
  if (blocks_.size() > 1) blocks_.resize(1);
  free_ = blocks_.empty() ? nullptr : blocks_.front().get();
  left_ = blocks_.empty() ? 0 : kBlock;
}

}  // namespace keras::internal
