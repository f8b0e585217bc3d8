// SPDX-License-Identifier: Apache-2.0
#include "through_float32.h"

#include <algorithm>
#include <vector>

#include "half.h"

namespace keras::native {

namespace {

constexpr int64_t kGrain = 16384;

keras_desc as_float32(keras_desc desc) {
  if (is_half(desc.dtype)) desc.dtype = KERAS_FLOAT32;
  return desc;
}

// The operands and results as the inner kernel sees them, and the buffers to give back in the end.
class Widened {
 public:
  Widened(const keras_tensor* in, int num_in, const keras_tensor* out, int num_out)
      : memory_(static_cast<size_t>(num_in + num_out) * (sizeof(keras_tensor) + sizeof(keras_buffer*))),
        tensors_(memory_.as<keras_tensor>()),
        owned_(reinterpret_cast<keras_buffer**>(tensors_ + num_in + num_out)),
        num_in_(num_in) {
    std::copy_n(in, num_in, tensors_);
    std::copy_n(out, num_out, tensors_ + num_in);
  }
  ~Widened() {
    for (int i = 0; i < count_; ++i) release(owned_[i]);
  }
  Widened(const Widened&) = delete;
  Widened& operator=(const Widened&) = delete;
  keras_tensor* operands() const { return tensors_; }
  keras_tensor* results() const { return tensors_ + num_in_; }
  void own(keras_buffer* buffer) { owned_[count_++] = buffer; }

 private:
  Scratch memory_;
  keras_tensor* tensors_;
  keras_buffer** owned_;
  int num_in_;
  int count_ = 0;
};

class ThroughFloat32 final : public keras_kernel {
 public:
  ThroughFloat32(std::unique_ptr<keras_kernel> inner, const keras_op& op) : inner_(std::move(inner)) {
    residuals = inner_->residuals;
    for (int i = 0; i < op.num_outputs; ++i) half_output_.push_back(is_half(op.outputs[i].dtype));
  }

  // Results are narrowed when every operand has been read.
  bool may_overwrite(int input, int output) const override {
    return half_output_[output] || inner_->may_overwrite(input, output);
  }

  bool residual_desc(int index, keras_desc& desc) const override {
    return inner_->residual_desc(index, desc);
  }

  void run(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const override {
    Widened wide(in, num_in, out, num_out);
    for (int i = 0; i < num_in; ++i) {
      keras_tensor& operand = wide.operands()[i];
      if (!is_half(operand.desc.dtype)) continue;
      const int64_t count = element_count(operand.desc);
      keras_buffer* floats = allocate(static_cast<size_t>(count) * sizeof(float));
      wide.own(floats);
      widen(operand.desc.dtype, operand.buffer->data, static_cast<float*>(floats->data), count);
      operand = {floats, as_float32(operand.desc)};
    }
    const int own_outputs = num_out - residuals;
    keras_tensor* const results = wide.results();
    for (int i = 0; i < own_outputs; ++i) {
      if (is_half(out[i].desc.dtype)) results[i] = {nullptr, as_float32(out[i].desc)};
    }
    inner_->run(wide.operands(), num_in, results, num_out);
    for (int i = 0; i < num_out; ++i) {
      if (i >= own_outputs || !is_half(out[i].desc.dtype)) {
        out[i] = results[i];
        continue;
      }
      wide.own(results[i].buffer);
      narrow(out[i].desc.dtype, static_cast<const float*>(results[i].buffer->data), output(out[i]),
             element_count(out[i].desc));
    }
  }

 private:
  std::unique_ptr<keras_kernel> inner_;
  std::vector<char> half_output_;
};

}  // namespace

bool has_half(const keras_op& op) {
  for (int i = 0; i < op.num_inputs; ++i) {
    if (is_half(op.inputs[i].dtype)) return true;
  }
  for (int i = 0; i < op.num_outputs; ++i) {
    if (is_half(op.outputs[i].dtype)) return true;
  }
  return false;
}

std::unique_ptr<keras_kernel> through_float32(const keras_op& op, KernelFactory factory,
                                              std::string& reason) {
  std::vector<keras_desc> inputs, outputs;
  for (int i = 0; i < op.num_inputs; ++i) inputs.push_back(as_float32(op.inputs[i]));
  for (int i = 0; i < op.num_outputs; ++i) outputs.push_back(as_float32(op.outputs[i]));
  keras_op wide = op;
  wide.inputs = inputs.data();
  wide.outputs = outputs.data();
  std::unique_ptr<keras_kernel> inner = factory(wide, reason);
  if (!inner) return nullptr;
  return std::make_unique<ThroughFloat32>(std::move(inner), op);
}

void widen(int32_t dtype, const void* from, float* to, int64_t count) {
  parallel_for(count, kGrain, [=](int64_t begin, int64_t end) {
    half_to_float(dtype, static_cast<const uint16_t*>(from) + begin, to + begin, end - begin);
  });
}

void narrow(int32_t dtype, const float* from, void* to, int64_t count) {
  parallel_for(count, kGrain, [=](int64_t begin, int64_t end) {
    float_to_half(dtype, from + begin, static_cast<uint16_t*>(to) + begin, end - begin);
  });
}

}  // namespace keras::native
