// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <complex>
#include <cstring>
#include <type_traits>

#include "elementwise.h"
#include "half.h"
#include "indices.h"
#include "strided_copy.h"

namespace keras::native {
namespace {

constexpr int64_t kGrain = 16384;

// A half number that computes as float.
template <int32_t kDtype>
struct Narrow {
  uint16_t bits;
  float wide() const {
    float value;
    half_to_float(kDtype, &bits, &value, 1);
    return value;
  }
  static Narrow of(float value) {
    Narrow result;
    float_to_half(kDtype, &value, &result.bits, 1);
    return result;
  }
};
template <class T>
constexpr bool kIsNarrow =
    std::is_same_v<T, Narrow<KERAS_FLOAT16>> || std::is_same_v<T, Narrow<KERAS_BFLOAT16>>;
template <class T>
constexpr bool kIsComplex = std::is_same_v<T, std::complex<float>>;

template <int64_t kKind, class T>
T combine(T old, T update) {
  if constexpr (kKind == KERAS_SCATTER_SET) {
    return update;
  } else if constexpr (kIsNarrow<T>) {
    return T::of(combine<kKind>(old.wide(), update.wide()));
  } else if constexpr (std::is_same_v<T, bool>) {
    return kKind == KERAS_SCATTER_ADD || kKind == KERAS_SCATTER_MAX ? old || update : old && update;
  } else if constexpr (std::is_integral_v<T>) {
    using Word = std::conditional_t<sizeof(T) < 4, uint32_t, std::make_unsigned_t<T>>;
    if constexpr (kKind == KERAS_SCATTER_ADD)
      return static_cast<T>(static_cast<Word>(old) + static_cast<Word>(update));
    if constexpr (kKind == KERAS_SCATTER_MUL)
      return static_cast<T>(static_cast<Word>(old) * static_cast<Word>(update));
    if constexpr (kKind == KERAS_SCATTER_MIN) return std::min(old, update);
    return std::max(old, update);
  } else {
    if constexpr (kKind == KERAS_SCATTER_ADD) return old + update;
    if constexpr (kKind == KERAS_SCATTER_MUL) return old * update;
    if constexpr (!kIsComplex<T>) {
      if (old != old || update != update) return old != old ? old : update;
      if constexpr (kKind == KERAS_SCATTER_MIN) return update < old ? update : old;
      if constexpr (kKind == KERAS_SCATTER_MAX) return update > old ? update : old;
    }
    return old;
  }
}

// Puts update rows where their row numbers say, in order, for rows first..last-1 of the target: threads that
// own different rows never meet, and the order of a row's updates does not depend on their number.
using Apply = void (*)(void* target, const void* updates, const int64_t* rows, int64_t count, int64_t row,
                       int64_t first, int64_t last);

template <int64_t kKind, class T>
void apply(void* target, const void* updates, const int64_t* rows, int64_t count, int64_t row, int64_t first,
           int64_t last) {
  for (int64_t i = 0; i < count; ++i) {
    if (rows[i] < first || rows[i] >= last) continue;
    T* to = static_cast<T*>(target) + rows[i] * row;
    const T* from = static_cast<const T*>(updates) + i * row;
    for (int64_t j = 0; j < row; ++j) to[j] = combine<kKind>(to[j], from[j]);
  }
}

template <int64_t kKind>
Apply of_type(int32_t dtype) {
  constexpr bool ordered = kKind == KERAS_SCATTER_MIN || kKind == KERAS_SCATTER_MAX;
  switch (dtype) {
    case KERAS_BOOL:
      return apply<kKind, bool>;
    case KERAS_UINT8:
      return apply<kKind, uint8_t>;
    case KERAS_UINT16:
      return apply<kKind, uint16_t>;
    case KERAS_UINT32:
      return apply<kKind, uint32_t>;
    case KERAS_UINT64:
      return apply<kKind, uint64_t>;
    case KERAS_INT8:
      return apply<kKind, int8_t>;
    case KERAS_INT16:
      return apply<kKind, int16_t>;
    case KERAS_INT32:
      return apply<kKind, int32_t>;
    case KERAS_INT64:
      return apply<kKind, int64_t>;
    case KERAS_FLOAT16:
      return apply<kKind, Narrow<KERAS_FLOAT16>>;
    case KERAS_BFLOAT16:
      return apply<kKind, Narrow<KERAS_BFLOAT16>>;
    case KERAS_FLOAT32:
      return apply<kKind, float>;
    case KERAS_FLOAT64:
      return apply<kKind, double>;
    default:
      return ordered ? nullptr : apply<kKind, std::complex<float>>;
  }
}

Apply find_apply(int64_t kind, int32_t dtype) {
  switch (kind) {
    case KERAS_SCATTER_SET:
      return of_type<KERAS_SCATTER_SET>(dtype);
    case KERAS_SCATTER_ADD:
      return of_type<KERAS_SCATTER_ADD>(dtype);
    case KERAS_SCATTER_MUL:
      return of_type<KERAS_SCATTER_MUL>(dtype);
    case KERAS_SCATTER_MIN:
      return of_type<KERAS_SCATTER_MIN>(dtype);
    default:
      return of_type<KERAS_SCATTER_MAX>(dtype);
  }
}

class ScatterKernel final : public keras_kernel {
 public:
  ScatterKernel(const keras_op& op, Apply apply) : apply_(apply), operand_(op.inputs[0]) {
    const keras_desc& indices = op.inputs[1];
    depth_ = indices.shape[indices.rank - 1];
    for (int i = 0; i + 1 < indices.rank; ++i) count_ *= indices.shape[i];
    for (int i = 0; i < operand_.rank; ++i) (i < depth_ ? rows_ : row_) *= operand_.shape[i];
  }

  bool may_overwrite(int input, int) const override { return input == 0; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const Scratch memory(static_cast<size_t>(count_ * (depth_ + 1)) * sizeof(int64_t));
    auto* rows = memory.as<int64_t>();
    int64_t* indices = rows + count_;
    widen_indices(in[1], indices, count_ * depth_);
    for (int64_t i = 0; i < count_; ++i) {
      int64_t flat = 0;
      for (int64_t axis = 0; axis < depth_; ++axis) {
        const int64_t index = indices[i * depth_ + axis];
        check_index(index, axis, operand_.shape[axis]);
        flat = flat * operand_.shape[axis] + index;
      }
      rows[i] = flat;
    }
    void* to = output(out[0]);
    if (to != in[0].buffer->data) {
      Box all;
      all.add_axis(rows_ * row_, 1, 1);
      copy_box(all, dtype_size(operand_.dtype), in[0].buffer->data, to);
    }
    if (count_ * row_ == 0) return;
    // Each thread walks all the row numbers, which pays when rows are not too short.
    const int64_t threads_worth = row_ >= 8 ? count_ * row_ / kGrain : 1;
    const int64_t grain = std::max<int64_t>(1, rows_ / std::max<int64_t>(1, threads_worth));
    parallel_for(rows_, grain, [&](int64_t first, int64_t last) {
      apply_(to, in[2].buffer->data, rows, count_, row_, first, last);
    });
  }

 private:
  Apply apply_;
  keras_desc operand_;
  int64_t depth_;
  int64_t count_ = 1;
  int64_t rows_ = 1;
  int64_t row_ = 1;
};

std::unique_ptr<keras_kernel> make_scatter(const keras_op& op, std::string& reason) {
  const Apply apply = find_apply(attributes<ScatterAttributes>(op).kind, op.inputs[0].dtype);
  if (apply != nullptr) return std::make_unique<ScatterKernel>(op, apply);
  reason = "complex numbers have no order";
  return nullptr;
}

const bool registered = register_kernel("scatter", make_scatter);

}  // namespace
}  // namespace keras::native
