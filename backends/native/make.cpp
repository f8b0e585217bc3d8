// SPDX-License-Identifier: Apache-2.0
#include <complex>
#include <cstring>

#include "half.h"
#include "strided_copy.h"

// Ops that make tensors out of their attributes alone.
namespace keras::native {
namespace {

// Writes a number as one element; an integer does not pass through double.
void write_element(int32_t dtype, double real, double imag, int64_t integer, void* to) {
  const auto put = [to](auto value) { std::memcpy(to, &value, sizeof(value)); };
  const auto narrow = static_cast<float>(real);
  switch (dtype) {
    case KERAS_BOOL:
      return put(static_cast<uint8_t>(integer != 0));
    case KERAS_UINT8:
    case KERAS_INT8:
      return put(static_cast<uint8_t>(integer));
    case KERAS_UINT16:
    case KERAS_INT16:
      return put(static_cast<uint16_t>(integer));
    case KERAS_UINT32:
    case KERAS_INT32:
      return put(static_cast<uint32_t>(integer));
    case KERAS_UINT64:
    case KERAS_INT64:
      return put(static_cast<uint64_t>(integer));
    case KERAS_FLOAT16:
    case KERAS_BFLOAT16:
      return float_to_half(dtype, &narrow, to, 1);
    case KERAS_FLOAT32:
      return put(narrow);
    case KERAS_FLOAT64:
      return put(real);
    default:
      return put(std::complex<float>(narrow, static_cast<float>(imag)));
  }
}

class ConstantKernel final : public keras_kernel {
 public:
  explicit ConstantKernel(const keras_op& op)
      : width_(dtype_size(op.outputs[0].dtype)), count_(element_count(op.outputs[0])) {
    const auto& at = attributes<ConstantAttributes>(op);
    write_element(op.outputs[0].dtype, at.real, at.imag, at.integer, value_);
  }
  void run(const keras_tensor*, int, keras_tensor* out, int) const override {
    fill_elements(width_, value_, output(out[0]), count_);
  }

 private:
  size_t width_;
  int64_t count_;
  alignas(8) char value_[8];
};

class IotaKernel final : public keras_kernel {
 public:
  explicit IotaKernel(const keras_op& op) : dtype_(op.outputs[0].dtype) {
    const keras_desc& result = op.outputs[0];
    const int64_t axis = attributes<IotaAttributes>(op).axis;
    extent_ = result.shape[axis];
    // The numbers are laid out once, then spread over the other axes.
    const auto to = dense_steps(result);
    Box box;
    for (int i = 0; i < result.rank; ++i) box.add_axis(result.shape[i], i == axis ? 1 : 0, to[i]);
    box_ = simplified(box);
  }
  void run(const keras_tensor*, int, keras_tensor* out, int) const override {
    const size_t width = dtype_size(dtype_);
    const Scratch numbers(static_cast<size_t>(extent_) * width);
    char* at = numbers.as<char>();
    for (int64_t i = 0; i < extent_; ++i, at += width)
      write_element(dtype_, static_cast<double>(i), 0, i, at);
    copy_box(box_, width, numbers.as<char>(), output(out[0]));
  }

 private:
  int32_t dtype_;
  int64_t extent_;
  Box box_;
};

class DimSizeKernel final : public keras_kernel {
 public:
  explicit DimSizeKernel(const keras_op& op)
      : size_(static_cast<int32_t>(op.inputs[0].shape[attributes<AxisAttributes>(op).axis])) {}
  void run(const keras_tensor*, int, keras_tensor* out, int) const override {
    *output_as<int32_t>(out[0]) = size_;
  }

 private:
  int32_t size_;
};

template <class K>
std::unique_ptr<keras_kernel> make(const keras_op& op, std::string&) {
  return std::make_unique<K>(op);
}

const bool registered = register_kernel("constant", make<ConstantKernel>) &&
                        register_kernel("iota", make<IotaKernel>) &&
                        register_kernel("dim_size", make<DimSizeKernel>);

}  // namespace
}  // namespace keras::native
