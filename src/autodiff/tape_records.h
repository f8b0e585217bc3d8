// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "keras/graph/op.h"

namespace keras::internal {

/// dtype and shape of a value of a record.
struct RecordedType {
  DType dtype = DType::float32;
  int32_t rank = 0;
  const int64_t* dims = nullptr;  ///< codes of the dimensions; null: those of the kept tensor

  TensorType of(const Tensor& kept) const;
};

/// One recorded op with what its gradient will read; lives in the memory of TapeRecords.
struct TapeRecord {
  const OpDef* op = nullptr;  ///< null for a custom gradient
  int32_t custom = -1;        ///< which custom gradient of the tape
  int32_t regions = -1;       ///< which list of regions of the tape
  uint32_t num_operands = 0, num_results = 0, num_residuals = 0;
  Tensor* kept = nullptr;   ///< operands, results, residuals; undefined where the gradient does not read them
  uint64_t* ids = nullptr;  ///< of operands and results
  RecordedType* types = nullptr;  ///< of operands and results
  bool* watched = nullptr;        ///< of operands
  const uint8_t* attributes = nullptr;

  std::span<const Tensor> operands() const { return {kept, num_operands}; }
  std::span<const Tensor> results() const { return {kept + num_operands, num_results}; }
  std::span<const Tensor> residuals() const { return {kept + num_operands + num_results, num_residuals}; }
  std::span<const uint64_t> operand_ids() const { return {ids, num_operands}; }
  std::span<const uint64_t> result_ids() const { return {ids + num_operands, num_results}; }
  std::span<const bool> needed() const { return {watched, num_operands}; }
  /// Lets go of the tensors.
  void release();
};

/// The records of a tape, in order. They and what belongs to them lie one behind the other in blocks that are
/// taken once, so recording an op takes no memory of its own, and a record never moves.
class TapeRecords {
 public:
  TapeRecords() = default;
  ~TapeRecords() { clear(); }
  TapeRecords(const TapeRecords&) = delete;
  TapeRecords& operator=(const TapeRecords&) = delete;

  /// A new record with room for so many values and a copy of the attributes.
  TapeRecord& add(size_t operands, size_t results, size_t residuals, std::span<const uint8_t> attributes);
  /// Notes operand or result `place` (results come after the operands), and keeps the tensor if `keep`.
  void note(TapeRecord& record, size_t place, const Tensor& value, bool keep);

  size_t size() const { return records_.size(); }
  TapeRecord& operator[](size_t i) { return *records_[i]; }
  void clear();

 private:
  void* take(size_t bytes);
  template <class T>
  T* take_array(size_t count);

  std::vector<TapeRecord*> records_;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* free_ = nullptr;
  size_t left_ = 0;
};

}  // namespace keras::internal
