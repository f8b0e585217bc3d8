// SPDX-License-Identifier: Apache-2.0
#include <string_view>

#include "elementwise.h"
#include "half.h"
#include "reduce.h"

// Where the first largest or smallest element stands; NaN counts as larger and as smaller than any number.
namespace keras::native {
namespace {

constexpr int64_t kGrain = 16384;
constexpr int64_t kTile = 256;
constexpr int64_t kShort = 48;

template <class T, bool kLargest>
bool beats(T candidate, T best) {
  // Without branches: the answer is as good as random.
  const bool ahead = kLargest ? candidate > best : candidate < best;
  return (ahead | (candidate != candidate)) & (best == best);
}

template <class T, bool kLargest>
void search(RowReducer reducer, const void* source, int64_t rows, int64_t columns, int64_t first,
            int64_t last, int32_t* out) {
  const T* x = static_cast<const T*>(source);
  if (columns == 1) {
    if (rows < kShort) {
      T best = x[0];
      int32_t at = 0;
      for (int32_t r = 1; r < rows; ++r) {
        const bool better = beats<T, kLargest>(x[r], best);
        best = better ? x[r] : best;
        at = better ? r : at;
      }
      out[0] = at;
      return;
    }
    // The extreme by the vector loop, then its first place.
    T best;
    reducer(x, rows, 1, 1, &best);
    int32_t at = 0;
    while (best == best ? x[at] != best : x[at] == x[at]) ++at;
    out[0] = at;
    return;
  }
  T best[kTile];
  for (int64_t c0 = first; c0 < last; c0 += kTile) {
    const int64_t width = std::min(kTile, last - c0);
    for (int64_t j = 0; j < width; ++j) {
      best[j] = x[c0 + j];
      out[c0 + j] = 0;
    }
    for (int64_t r = 1; r < rows; ++r) {
      const T* row = x + r * columns + c0;
      for (int64_t j = 0; j < width; ++j) {
        const bool better = beats<T, kLargest>(row[j], best[j]);
        best[j] = better ? row[j] : best[j];
        out[c0 + j] = better ? static_cast<int32_t>(r) : out[c0 + j];
      }
    }
  }
}

using Search = void (*)(RowReducer, const void*, int64_t, int64_t, int64_t, int64_t, int32_t*);

template <bool kLargest>
Search find_search(int32_t dtype) {
  switch (dtype) {
    case KERAS_BOOL:
    case KERAS_UINT8:
      return search<uint8_t, kLargest>;
    case KERAS_UINT16:
      return search<uint16_t, kLargest>;
    case KERAS_UINT32:
      return search<uint32_t, kLargest>;
    case KERAS_UINT64:
      return search<uint64_t, kLargest>;
    case KERAS_INT8:
      return search<int8_t, kLargest>;
    case KERAS_INT16:
      return search<int16_t, kLargest>;
    case KERAS_INT32:
      return search<int32_t, kLargest>;
    case KERAS_INT64:
      return search<int64_t, kLargest>;
    case KERAS_FLOAT32:
      return search<float, kLargest>;
    case KERAS_FLOAT64:
      return search<double, kLargest>;
    default:
      return nullptr;
  }
}

class ArgKernel final : public keras_kernel {
 public:
  ArgKernel(const keras_op& op, Search search) : search_(search), dtype_(op.inputs[0].dtype) {
    const keras_desc& operand = op.inputs[0];
    const int64_t axis = attributes<ReduceAttributes>(op).axes.v[0];
    for (int i = 0; i < operand.rank; ++i) {
      (i < axis ? outer_ : i == axis ? rows_ : columns_) *= operand.shape[i];
    }
    const int32_t wide = compute_dtype(dtype_);
    const bool largest = std::string_view(op.name) == "argmax";
    reducer_ = find_reducer(largest ? Reduction::kMax : Reduction::kMin, wide);
    size_ = static_cast<int64_t>(dtype_size(wide));
  }
  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const int64_t count = outer_ * rows_ * columns_;
    auto* to = output_as<int32_t>(out[0]);
    if (count == 0) return;
    const char* from = input_as<char>(in[0]);
    const Scratch wide(is_half(dtype_) ? static_cast<size_t>(count) * sizeof(float) : 0);
    if (is_half(dtype_)) {
      half_to_float(dtype_, from, wide.as<float>(), count);
      from = wide.as<char>();
    }
    const int64_t tiles = (columns_ + kTile - 1) / kTile;
    parallel_for(outer_ * tiles, std::max<int64_t>(1, kGrain / (rows_ * std::min(columns_, kTile))),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t item = begin; item < end; ++item) {
                     const int64_t o = item / tiles;
                     const int64_t first = item % tiles * kTile;
                     search_(reducer_, from + o * rows_ * columns_ * size_, rows_, columns_, first,
                             std::min(columns_, first + kTile), to + o * columns_);
                   }
                 });
  }

 private:
  Search search_;
  RowReducer reducer_;
  int32_t dtype_;
  int64_t outer_ = 1;
  int64_t rows_ = 1;
  int64_t columns_ = 1;
  int64_t size_;
};

std::unique_ptr<keras_kernel> make_arg(const keras_op& op, std::string& reason) {
  const int32_t dtype = compute_dtype(op.inputs[0].dtype);
  const bool largest = std::string_view(op.name) == "argmax";
  const Search search = largest ? find_search<true>(dtype) : find_search<false>(dtype);
  if (search != nullptr && attributes<ReduceAttributes>(op).axes.count == 1) {
    return std::make_unique<ArgKernel>(op, search);
  }
  reason = search == nullptr ? "complex numbers have no order" : "takes one axis";
  return nullptr;
}

const bool registered = register_kernel("argmax", make_arg) && register_kernel("argmin", make_arg);

}  // namespace
}  // namespace keras::native
