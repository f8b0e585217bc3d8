// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <limits>

#include "indices.h"

namespace keras::native {
namespace {

template <class T>
void widen(const void* from, int64_t* out, int64_t count) {
  const T* x = static_cast<const T*>(from);
  for (int64_t i = 0; i < count; ++i) {
    constexpr uint64_t most = std::numeric_limits<int64_t>::max();
    if constexpr (sizeof(T) == 8 && std::numeric_limits<T>::min() == 0) {
      out[i] = static_cast<int64_t>(std::min<uint64_t>(x[i], most));
    } else {
      out[i] = static_cast<int64_t>(x[i]);
    }
  }
}

constexpr int64_t kGrainBytes = 32768;

// Rows of (batch, before, extent, after) by indices of (batch, picks).
class GatherKernel final : public keras_kernel {
 public:
  explicit GatherKernel(const keras_op& op) : width_(static_cast<int64_t>(dtype_size(op.inputs[0].dtype))) {
    const auto& at = attributes<GatherAttributes>(op);
    const keras_desc& operand = op.inputs[0];
    const keras_desc& indices = op.inputs[1];
    axis_ = at.axis;
    for (int i = 0; i < operand.rank; ++i) {
      (i < at.batch_dims ? batch_ : i < axis_ ? before_ : i == axis_ ? extent_ : after_) *= operand.shape[i];
    }
    for (int i = static_cast<int>(at.batch_dims); i < indices.rank; ++i) picks_ *= indices.shape[i];
  }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t count = batch_ * picks_;
    const Scratch memory(static_cast<size_t>(count) * sizeof(int64_t));
    auto* indices = memory.as<int64_t>();
    widen_indices(in[1], indices, count);
    if (before_ * after_ != 0) {
      for (int64_t i = 0; i < count; ++i) check_index(indices[i], axis_, extent_);
    }
    const char* from = input_as<char>(in[0]);
    char* to = output_as<char>(out[0]);
    const int64_t row = after_ * width_;
    if (row == 0 || count == 0 || before_ == 0) return;
    parallel_for(batch_ * before_ * picks_, std::max<int64_t>(1, kGrainBytes / row),
                 [&](int64_t begin, int64_t end) {
                   switch (row) {
                     case 1:
                       return pick<uint8_t>(from, to, indices, begin, end);
                     case 2:
                       return pick<uint16_t>(from, to, indices, begin, end);
                     case 4:
                       return pick<uint32_t>(from, to, indices, begin, end);
                     case 8:
                       return pick<uint64_t>(from, to, indices, begin, end);
                     default:
                       for (int64_t i = begin; i < end; ++i)
                         std::memcpy(to + i * row, from + source(indices, i) * row, static_cast<size_t>(row));
                   }
                 });
  }

 private:
  // The operand's row that becomes result row i.
  int64_t source(const int64_t* indices, int64_t i) const {
    const int64_t outer = i / picks_;  // batch and before
    return outer * extent_ + indices[outer / before_ * picks_ + i % picks_];
  }

  template <class T>
  void pick(const char* source_bytes, char* target, const int64_t* indices, int64_t begin,
            int64_t end) const {
    const T* from = reinterpret_cast<const T*>(source_bytes);
    T* to = reinterpret_cast<T*>(target);
    while (begin < end) {
      const int64_t outer = begin / picks_;
      const int64_t stop = std::min(end, (outer + 1) * picks_);
      const int64_t* row = indices + outer / before_ * picks_ - outer * picks_;
      const T* base = from + outer * extent_;
      for (; begin < stop; ++begin) to[begin] = base[row[begin]];
    }
  }

  int64_t width_;
  int64_t axis_;
  int64_t batch_ = 1;
  int64_t before_ = 1;
  int64_t extent_ = 1;
  int64_t after_ = 1;
  int64_t picks_ = 1;
};

std::unique_ptr<keras_kernel> make_gather(const keras_op& op, std::string& reason) {
  if (op.inputs[1].dtype >= KERAS_UINT8 && op.inputs[1].dtype <= KERAS_INT64)
    return std::make_unique<GatherKernel>(op);
  reason = "indices must be integers";
  return nullptr;
}

const bool registered = register_kernel("gather", make_gather);

}  // namespace

void widen_indices(const keras_tensor& indices, int64_t* out, int64_t count) {
  const void* data = indices.buffer->data;
  switch (indices.desc.dtype) {
    case KERAS_UINT8:
      return widen<uint8_t>(data, out, count);
    case KERAS_UINT16:
      return widen<uint16_t>(data, out, count);
    case KERAS_UINT32:
      return widen<uint32_t>(data, out, count);
    case KERAS_UINT64:
      return widen<uint64_t>(data, out, count);
    case KERAS_INT8:
      return widen<int8_t>(data, out, count);
    case KERAS_INT16:
      return widen<int16_t>(data, out, count);
    case KERAS_INT32:
      return widen<int32_t>(data, out, count);
    default:
      return widen<int64_t>(data, out, count);
  }
}

}  // namespace keras::native
