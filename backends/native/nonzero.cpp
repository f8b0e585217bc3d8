// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "kernel.h"

namespace keras::native {
namespace {

template <class T>
bool holds(const void* data, int64_t i) {
  return static_cast<const T*>(data)[i] != T{0};
}

// Whether an element is not zero; a float's sign bit alone is zero.
bool is_nonzero(int32_t dtype, const void* data, int64_t i) {
  switch (dtype) {
    case KERAS_FLOAT16:
    case KERAS_BFLOAT16:
      return (static_cast<const uint16_t*>(data)[i] & 0x7fff) != 0;
    case KERAS_FLOAT32:
      return holds<float>(data, i);
    case KERAS_FLOAT64:
      return holds<double>(data, i);
    case KERAS_COMPLEX64:
      return holds<float>(data, 2 * i) || holds<float>(data, 2 * i + 1);
    default:
      break;
  }
  switch (dtype_size(dtype)) {
    case 1:
      return holds<uint8_t>(data, i);
    case 2:
      return holds<uint16_t>(data, i);
    case 4:
      return holds<uint32_t>(data, i);
    default:
      return holds<uint64_t>(data, i);
  }
}

class NonzeroKernel final : public keras_kernel {
 public:
  explicit NonzeroKernel(const keras_op& op)
      : operand_(op.inputs[0]),
        size_(attributes<NonzeroAttributes>(op).size),
        fill_(static_cast<int32_t>(attributes<NonzeroAttributes>(op).fill)) {}

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    auto* to = output_as<int32_t>(out[0]);
    const int rank = operand_.rank;
    const int64_t count = element_count(operand_);
    std::array<int32_t, KERAS_MAX_RANK> index{};
    int64_t found = 0;
    for (int64_t i = 0; i < count && found < size_; ++i) {
      if (is_nonzero(operand_.dtype, in[0].buffer->data, i)) {
        std::copy_n(index.begin(), rank, to + found * rank);
        ++found;
      }
      for (int axis = rank - 1; axis >= 0; --axis) {
        if (++index[axis] < operand_.shape[axis]) break;
        index[axis] = 0;
      }
    }
    std::fill(to + found * rank, to + size_ * rank, fill_);
  }

 private:
  keras_desc operand_;
  int64_t size_;
  int32_t fill_;
};

std::unique_ptr<keras_kernel> make_nonzero(const keras_op& op, std::string&) {
  return std::make_unique<NonzeroKernel>(op);
}

const bool registered = register_kernel("nonzero", make_nonzero);

}  // namespace
}  // namespace keras::native
