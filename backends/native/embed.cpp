// SPDX-License-Identifier: Apache-2.0
// embed: rows of a table by integer ids, and the table's dense gradient.
#include <algorithm>
#include <cstring>

#include "through_float32.h"

namespace keras::native {

namespace {

template <class I>
void check_ids(const I* ids, int64_t count, int64_t rows) {
  for (int64_t i = 0; i < count; ++i) {
    if (ids[i] >= 0 && static_cast<uint64_t>(ids[i]) < static_cast<uint64_t>(rows)) continue;
    throw Failure(KERAS_ERROR_VALUE, "embed: id " + std::to_string(ids[i]) + " at position " +
                                         std::to_string(i) + " is outside [0, " + std::to_string(rows) +
                                         "), the rows of the table; raise input_dim or check the ids");
  }
}

struct Table {
  int64_t rows = 0, width = 0, ids = 0;
  size_t row_bytes = 0;
};

template <class I>
class Embed final : public keras_kernel {
 public:
  explicit Embed(const Table& table) : t_(table) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const I* const ids = input_as<I>(in[1]);
    check_ids(ids, t_.ids, t_.rows);
    const char* const table = input_as<char>(in[0]);
    char* const y = output_as<char>(out[0]);
    const int64_t grain = std::max<int64_t>(1, 65536 / static_cast<int64_t>(t_.row_bytes + 1));
    parallel_for(t_.ids, grain, [=, this](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        std::memcpy(y + static_cast<size_t>(i) * t_.row_bytes,
                    table + static_cast<size_t>(ids[i]) * t_.row_bytes, t_.row_bytes);
      }
    });
  }

 private:
  Table t_;
};

template <class T, class I>
class EmbedGrad final : public keras_kernel {
 public:
  explicit EmbedGrad(const Table& table) : t_(table) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const I* const ids = input_as<I>(in[0]);
    check_ids(ids, t_.ids, t_.rows);
    const T* const dy = input_as<T>(in[1]);
    T* const table = output_as<T>(out[0]);
    // Each share owns a range of rows and looks through all ids, so no row is written by two threads and the
    // order of the sums is fixed.
    const int64_t shares = (t_.rows + t_.ids) * t_.width < 32768 ? 1 : thread_count();
    parallel_for(shares, 1, [=, this](int64_t begin, int64_t end) {
      const int64_t first = t_.rows * begin / shares, last = t_.rows * end / shares;
      std::fill(table + first * t_.width, table + last * t_.width, T(0));
      for (int64_t i = 0; i < t_.ids; ++i) {
        const int64_t row = static_cast<int64_t>(ids[i]);
        if (row < first || row >= last) continue;
        T* const to = table + row * t_.width;
        const T* const from = dy + i * t_.width;
        for (int64_t j = 0; j < t_.width; ++j) to[j] += from[j];
      }
    });
  }

 private:
  Table t_;
};

template <template <class> class Kernel>
std::unique_ptr<keras_kernel> with_ids(int32_t dtype, const Table& table, std::string& reason) {
  switch (dtype) {
    case KERAS_UINT8:
      return std::make_unique<Kernel<uint8_t>>(table);
    case KERAS_UINT16:
      return std::make_unique<Kernel<uint16_t>>(table);
    case KERAS_UINT32:
      return std::make_unique<Kernel<uint32_t>>(table);
    case KERAS_UINT64:
      return std::make_unique<Kernel<uint64_t>>(table);
    case KERAS_INT8:
      return std::make_unique<Kernel<int8_t>>(table);
    case KERAS_INT16:
      return std::make_unique<Kernel<int16_t>>(table);
    case KERAS_INT32:
      return std::make_unique<Kernel<int32_t>>(table);
    case KERAS_INT64:
      return std::make_unique<Kernel<int64_t>>(table);
    default:
      reason = "ids are integers";
      return nullptr;
  }
}

template <class I>
using EmbedGradFloat = EmbedGrad<float, I>;
template <class I>
using EmbedGradDouble = EmbedGrad<double, I>;

std::unique_ptr<keras_kernel> make_embed(const keras_op& op, std::string& reason) {
  const keras_desc& table = op.inputs[0];
  const int64_t width = table.shape[1];
  return with_ids<Embed>(op.inputs[1].dtype,
                         {table.shape[0], width, element_count(op.inputs[1]),
                          static_cast<size_t>(width) * dtype_size(table.dtype)},
                         reason);
}

std::unique_ptr<keras_kernel> make_embed_grad(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_embed_grad, reason);
  const keras_desc& table = op.outputs[0];
  const Table size{table.shape[0], table.shape[1], element_count(op.inputs[0]), 0};
  if (op.inputs[1].dtype == KERAS_FLOAT32) return with_ids<EmbedGradFloat>(op.inputs[0].dtype, size, reason);
  if (op.inputs[1].dtype == KERAS_FLOAT64) return with_ids<EmbedGradDouble>(op.inputs[0].dtype, size, reason);
  reason = "only floats have gradients";
  return nullptr;
}

[[maybe_unused]] const bool registered =
    register_kernel("embed", make_embed, 10) && register_kernel("embed_grad", make_embed_grad, 10);

}  // namespace

}  // namespace keras::native
