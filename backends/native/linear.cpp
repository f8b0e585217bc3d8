// SPDX-License-Identifier: Apache-2.0
// linear: activation(x w + b), with the bias and activation applied to blocks of rows while they are in
// cache.
#include <algorithm>
#include <memory>
#include <mutex>
#include <type_traits>

#include "bias_activation.h"
#include "gemm.h"
#include "packed_product.h"
#include "through_float32.h"

namespace keras::native {

namespace {

template <class T>
class LinearKernel final : public keras_kernel {
 public:
  explicit LinearKernel(const keras_op& op) : attributes_(attributes<ActivationAttributes>(op)) {
    inputs_ = op.inputs[1].shape[0];
    units_ = op.inputs[1].shape[1];
    rows_ = element_count(op.outputs[0]) / std::max<int64_t>(1, units_);
    biased_ = op.num_inputs > 2;
  }

  uint32_t packed_operands() const override { return packed() != nullptr ? 1u << 1 : 0; }
  size_t packed_bytes() const override { return packed()->bytes(); }
  void pack(const keras_tensor* in, void* to) const override { packed()->pack(input_as<float>(in[1]), to); }
  void run_packed(const keras_tensor* in, int, keras_tensor* out, int, const void* weights) const override {
    const float* const bias = biased_ ? input_as<float>(in[2]) : nullptr;
    packed_->run(input_as<float>(in[0]), weights, bias, output_as<float>(out[0]));
  }

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int) const override {
    const T* const x = input_as<T>(in[0]);
    const T* const w = input_as<T>(in[1]);
    const T* const bias = num_in > 2 ? input_as<T>(in[2]) : nullptr;
    T* const y = output_as<T>(out[0]);
    if (units_ == 0) return;
    constexpr int64_t kBlock = 256;
    if (rows_ < 2 * kBlock * thread_count() || units_ * inputs_ > 1 << 20)
      return product(x, w, bias, y, rows_);
    parallel_for((rows_ + kBlock - 1) / kBlock, 1, [=, this](int64_t begin, int64_t end) {
      for (int64_t block = begin; block < end; ++block) {
        const int64_t row = block * kBlock;
        product(x + row * inputs_, w, bias, y + row * units_, std::min(kBlock, rows_ - row));
      }
    });
  }

 private:
  // Made when a graph asks for it; null where there is no packed layout.
  const PackedProduct* packed() const {
    if constexpr (!std::is_same_v<T, float>) return nullptr;
    std::call_once(made_, [this] {
      auto product = std::make_unique<PackedProduct>(PackedProduct::Sizes{
          rows_, inputs_, units_, inputs_, units_, 1, biased_, attributes_.activation, attributes_.alpha});
      if (*product) packed_ = std::move(product);
    });
    return packed_.get();
  }

  void product(const T* x, const T* w, const T* bias, T* y, int64_t rows) const {
    gemm(false, false, rows, units_, inputs_, T(1), x, std::max<int64_t>(1, inputs_), w, units_, T(0), y,
         units_);
    bias_activation(y, rows, units_, bias, attributes_.activation, attributes_.alpha);
  }

  ActivationAttributes attributes_;
  int64_t rows_, inputs_, units_;
  bool biased_;
  mutable std::once_flag made_;
  mutable std::unique_ptr<const PackedProduct> packed_;
};

std::unique_ptr<keras_kernel> make_linear(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_linear, reason);
  if (op.inputs[0].dtype == KERAS_FLOAT32) return std::make_unique<LinearKernel<float>>(op);
  if (op.inputs[0].dtype == KERAS_FLOAT64) return std::make_unique<LinearKernel<double>>(op);
  reason = "linear is for floats";
  return nullptr;
}

[[maybe_unused]] const bool registered = register_kernel("linear", make_linear, 10);

}  // namespace

}  // namespace keras::native
