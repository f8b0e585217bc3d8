// SPDX-License-Identifier: Apache-2.0
// Convolutions in float32 by oneDNN: activations stay channels last; the kernel is reordered from Keras'
// layout into the one that oneDNN is fast with, which costs little beside the convolution. Gradients of many
// channels take a large batch a few samples at a time: oneDNN's kernels go over it once for every 16
// channels, in strides, and then find it in cache (the gradient of a kernel from 32 to 64 channels: 11.4
// instead of 15.4 ms).
#include <algorithm>
#include <array>
#include <optional>

#include "batch_slices.h"
#include "bias_activation.h"
#include "conv_geometry.h"
#include "onednn.h"
#include "parallel.h"
#include "through_float32.h"

namespace keras::native {

namespace {

using dnnl::memory;
constexpr auto kFloat = memory::data_type::f32;

bool is_reference(const char* implementation) { return std::string(implementation).rfind("ref", 0) == 0; }
bool is_direct(const char* implementation) { return std::string(implementation) == "jit:avx512_core"; }

/// A convolution in oneDNN's words.
class ConvDescs {
 public:
  memory::desc x, y, bias;
  memory::desc kernel;      // as Keras stores it
  memory::desc kernel_any;  // as oneDNN likes it
  memory::dims stride, dilation, pad_low, pad_high;
  bool few_channels;

  explicit ConvDescs(const ConvGeometry& g) : few_channels(g.groups == 1 && g.in_channels < 8) {
    const int lead = 3 - g.spatial;
    memory::dims x_dims{g.batch, g.in_channels}, y_dims{g.batch, g.out_channels};
    memory::dims w_dims{g.out_per_group(), g.in_per_group()}, w_strides{1, g.out_channels};
    if (g.groups > 1) {
      w_dims.insert(w_dims.begin(), g.groups);
      w_strides.insert(w_strides.begin(), g.out_per_group());
    }
    for (int i = lead; i < 3; ++i) {
      x_dims.push_back(g.in[i]);
      y_dims.push_back(g.out[i]);
      w_dims.push_back(g.kernel[i]);
      int64_t step = g.in_per_group() * g.out_channels;
      for (int j = i + 1; j < 3; ++j) step *= g.kernel[j];
      w_strides.push_back(step);
      stride.push_back(g.stride[i]);
      dilation.push_back(g.dilation[i] - 1);
      pad_low.push_back(g.pad_low[i]);
      pad_high.push_back(g.pad_high(i));
    }
    const memory::format_tag last[] = {memory::format_tag::nwc, memory::format_tag::nhwc,
                                       memory::format_tag::ndhwc};
    x = {x_dims, kFloat, last[g.spatial - 1]};
    y = {y_dims, kFloat, last[g.spatial - 1]};
    bias = {{g.out_channels}, kFloat, memory::format_tag::a};
    kernel = {w_dims, kFloat, w_strides};
    kernel_any = {w_dims, kFloat, memory::format_tag::any};
  }

  dnnl::convolution_forward::primitive_desc forward(const dnnl::primitive_attr& attr, bool with_bias) const {
    using Forward = dnnl::convolution_forward;
    const auto kind = dnnl::prop_kind::forward_training;
    const auto algorithm = dnnl::algorithm::convolution_direct;
    const Forward::desc desc =
        with_bias
            ? Forward::desc(kind, algorithm, x, kernel_any, bias, y, stride, dilation, pad_low, pad_high)
            : Forward::desc(kind, algorithm, x, kernel_any, y, stride, dilation, pad_low, pad_high);
    const Forward::primitive_desc first(desc, attr, onednn_engine());
    if (!few_channels) return first;
    // With the channels of an image oneDNN's products of small blocks lose to its direct kernel, which comes
    // after them (0.19 against 0.13 ms for 3 channels in 32 images of CIFAR).
    Forward::primitive_desc direct = first;
    while (is_blocked_product(direct.impl_info_str())) {
      if (!direct.next_impl()) return first;
    }
    return is_direct(direct.impl_info_str()) ? direct : first;
  }

 private:
  static bool is_blocked_product(const char* implementation) {
    return std::string(implementation).rfind("brg", 0) == 0;
  }
};

/// True where oneDNN takes these sizes. Empty tensors and cropping paddings go to the loops.
bool fits(const ConvGeometry& g) {
  if (g.spatial < 1 || g.spatial > 3 || g.batch == 0 || g.in_channels == 0 || g.out_channels == 0)
    return false;
  if (g.in_positions() == 0 || g.out_positions() == 0 || g.kernel_positions() == 0) return false;
  for (int i = 0; i < 3; ++i) {
    if (g.pad_low[i] < 0 || g.pad_high(i) + g.stride[i] <= 0) return false;
    const int64_t reach = (g.kernel[i] - 1) * g.dilation[i] + 1;
    if (g.pad_low[i] >= reach || g.pad_high(i) >= reach) return false;  // windows of padding alone
  }
  return true;
}

/// The slices of the batch that a convolution is computed in; `part` has the sizes of one.
struct ConvSlices {
  ConvGeometry part;
  int64_t count;
  int64_t x_step, y_step;  // elements of a slice

  ConvSlices(const ConvGeometry& whole, ConvPass pass)
      : part(whole), count(gains(whole, pass) ? slice_count(whole.batch, sample_bytes(whole), kNear) : 1) {
    part.batch = whole.batch / count;
    x_step = part.batch * part.in_positions() * part.in_channels;
    y_step = part.batch * part.out_positions() * part.out_channels;
  }

  /// body(slice) for each of them, on all threads; without slices the body has the threads for itself.
  template <class F>
  void each(const F& body) const {
    if (count == 1) return body(0);
    parallel_for(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t slice = begin; slice < end; ++slice) body(slice);
    });
  }

  /// Reads a slice of an operand in the order in which it lies: oneDNN then finds it in cache, where each of
  /// its strides would have waited for memory. (Prefetching instructions did nothing.)
  const float* near(const float* slice, int64_t elements) const {
    constexpr int64_t kLine = 64 / sizeof(float);
    const volatile float* const lines = slice;
    if (count > 1) {
      for (int64_t i = 0; i < elements; i += kLine) static_cast<void>(lines[i]);
    }
    return slice;
  }

 private:
  static constexpr int64_t kNear = int64_t{1} << 19;  // half of the cache of a core

  // Measured: what goes over an operand once loses by being cut.
  static bool gains(const ConvGeometry& g, ConvPass pass) {
    if (g.groups > 1 || g.in_channels < 16 || pass == ConvPass::kForward) return false;
    return pass == ConvPass::kInput ? g.out_channels >= 64 : g.in_channels > 16 || g.out_channels > 16;
  }
  static int64_t sample_bytes(const ConvGeometry& g) {
    return static_cast<int64_t>(sizeof(float)) *
           (g.in_positions() * g.in_channels + g.out_positions() * g.out_channels);
  }
};

/// Keras' kernel in oneDNN's layout, for one call.
class PackedKernel {
 public:
  PackedKernel(const OnednnPrimitive& reorder, size_t bytes, const void* kernel) : data_(kernel) {
    if (!reorder) return;
    packed_.emplace(bytes);
    reorder.execute({kernel, packed_->as<void>()});
    data_ = packed_->as<void>();
  }
  const void* data() const { return data_; }

 private:
  std::optional<Scratch> packed_;
  const void* data_;
};

class ConvForward final : public keras_kernel {
 public:
  ConvForward(const ConvGeometry& geometry, const ConvDescs& descs, bool with_bias, int64_t activation,
              double alpha)
      : geometry_(geometry), with_bias_(with_bias), activation_(activation), alpha_(alpha) {
    dnnl::primitive_attr attr = onednn_attributes();
    if (append_activation(attr, activation, alpha)) activation_ = KERAS_ACT_LINEAR;
    const auto pd = descs.forward(attr, with_bias);
    reference_ = is_reference(pd.impl_info_str());
    std::vector<OnednnPrimitive::Slot> slots{
        {DNNL_ARG_SRC, descs.x}, {DNNL_ARG_WEIGHTS, pd.weights_desc()}, {DNNL_ARG_DST, descs.y}};
    if (with_bias) slots.push_back({DNNL_ARG_BIAS, descs.bias});
    reorder_ = onednn_reorder(descs.kernel, pd.weights_desc());
    packed_bytes_ = pd.weights_desc().get_size();
    conv_ = OnednnPrimitive(dnnl::convolution_forward(pd), slots, pd.scratchpad_desc());
  }
  bool reference() const { return reference_; }

  uint32_t packed_operands() const override { return reorder_ ? 1u << 1 : 0; }
  size_t packed_bytes() const override { return packed_bytes_; }
  void pack(const keras_tensor* in, void* packed) const override {
    reorder_.execute({in[1].buffer->data, packed});
  }
  void run(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const override {
    const PackedKernel kernel(reorder_, packed_bytes_, in[1].buffer->data);
    run_packed(in, num_in, out, num_out, kernel.data());
  }
  void run_packed(const keras_tensor* in, int, keras_tensor* out, int, const void* kernel) const override {
    float* const y = output_as<float>(out[0]);
    if (with_bias_) {
      conv_.execute({in[0].buffer->data, kernel, y, in[2].buffer->data});
    } else {
      conv_.execute({in[0].buffer->data, kernel, y});
    }
    bias_activation(y, geometry_.batch * geometry_.out_positions(), geometry_.out_channels, nullptr,
                    activation_, alpha_);
  }

 private:
  ConvGeometry geometry_;
  bool with_bias_, reference_ = false;
  int64_t activation_;
  double alpha_;
  OnednnPrimitive conv_, reorder_;
  size_t packed_bytes_ = 0;
};

class ConvInput final : public keras_kernel {
 public:
  ConvInput(const ConvSlices& slices, const ConvDescs& descs) : slices_(slices) {
    using Backward = dnnl::convolution_backward_data;
    const Backward::desc desc(dnnl::algorithm::convolution_direct, descs.x, descs.kernel_any, descs.y,
                              descs.stride, descs.dilation, descs.pad_low, descs.pad_high);
    const Backward::primitive_desc pd(desc, onednn_attributes(), onednn_engine(),
                                      descs.forward(onednn_attributes(), false));
    reference_ = is_reference(pd.impl_info_str());
    direct_ = is_direct(pd.impl_info_str());
    reorder_ = onednn_reorder(descs.kernel, pd.weights_desc());
    packed_bytes_ = pd.weights_desc().get_size();
    conv_ = OnednnPrimitive(
        Backward(pd),
        {{DNNL_ARG_DIFF_DST, descs.y}, {DNNL_ARG_WEIGHTS, pd.weights_desc()}, {DNNL_ARG_DIFF_SRC, descs.x}},
        pd.scratchpad_desc());
  }
  bool reference() const { return reference_; }
  /// By oneDNN's direct kernel for AVX-512.
  bool direct() const { return direct_; }

  uint32_t packed_operands() const override { return reorder_ ? 1u << 1 : 0; }
  size_t packed_bytes() const override { return packed_bytes_; }
  void pack(const keras_tensor* in, void* packed) const override {
    reorder_.execute({in[1].buffer->data, packed});
  }
  void run(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const override {
    const PackedKernel kernel(reorder_, packed_bytes_, in[1].buffer->data);
    run_packed(in, num_in, out, num_out, kernel.data());
  }
  void run_packed(const keras_tensor* in, int, keras_tensor* out, int, const void* kernel) const override {
    const float* const dy = input_as<float>(in[0]);
    float* const dx = output_as<float>(out[0]);
    slices_.each([=, this](int64_t slice) {
      conv_.execute(
          {slices_.near(dy + slice * slices_.y_step, slices_.y_step), kernel, dx + slice * slices_.x_step});
    });
  }

 private:
  ConvSlices slices_;
  bool reference_ = false, direct_ = false;
  OnednnPrimitive conv_, reorder_;
  size_t packed_bytes_ = 0;
};

/// A convolution of stride 1 as the gradient of another one, whose kernel is this one turned around: oneDNN's
/// gradient is the faster of the two with one block of channels (2.6 instead of 3.5 ms for 128 images of
/// 32x32x16).
class ConvAsGradient final : public keras_kernel {
 public:
  static bool gains(const ConvGeometry& g) {
    const std::array<int64_t, 3> ones{1, 1, 1};
    return g.groups == 1 && g.in_channels == 16 && g.out_channels == 16 && g.stride == ones &&
           g.dilation == ones && g.kernel_positions() > 1 && fits(turned(g));
  }
  explicit ConvAsGradient(const ConvGeometry& g)
      : positions_(g.kernel_positions()),
        in_(g.in_channels),
        out_(g.out_channels),
        gradient_(ConvSlices(turned(g), ConvPass::kForward), ConvDescs(turned(g))) {}
  bool direct() const { return gradient_.direct(); }

  void run(const keras_tensor* in, int, keras_tensor* out, int num_out) const override {
    const Scratch kernel(static_cast<size_t>(positions_ * in_ * out_) * sizeof(float));
    turn(input_as<float>(in[1]), kernel.as<float>());
    keras_buffer buffer;
    buffer.data = kernel.as<void>();
    const keras_tensor operands[] = {in[0], {&buffer, in[1].desc}};
    gradient_.run(operands, 2, out, num_out);
  }

 private:
  static ConvGeometry turned(ConvGeometry g) {
    std::swap(g.in, g.out);
    std::swap(g.in_channels, g.out_channels);
    for (int i = 0; i < 3; ++i) g.pad_low[i] = g.kernel[i] - 1 - g.pad_low[i];
    return g;
  }
  // (positions, in, out) to (positions from the last to the first, out, in).
  void turn(const float* from, float* to) const {
    for (int64_t p = positions_ - 1; p >= 0; --p) {
      for (int64_t i = 0; i < in_; ++i) {
        for (int64_t o = 0; o < out_; ++o) to[(p * out_ + o) * in_ + i] = *from++;
      }
    }
  }

  int64_t positions_, in_, out_;
  ConvInput gradient_;
};

class ConvFilter final : public keras_kernel {
 public:
  ConvFilter(const ConvSlices& slices, const ConvDescs& descs) : slices_(slices) {
    using Backward = dnnl::convolution_backward_weights;
    const Backward::desc desc(dnnl::algorithm::convolution_direct, descs.x, descs.kernel_any, descs.y,
                              descs.stride, descs.dilation, descs.pad_low, descs.pad_high);
    const Backward::primitive_desc pd(desc, onednn_attributes(), onednn_engine(),
                                      descs.forward(onednn_attributes(), false));
    reference_ = is_reference(pd.impl_info_str());
    reorder_ = onednn_reorder(pd.diff_weights_desc(), descs.kernel);
    packed_bytes_ = pd.diff_weights_desc().get_size();
    conv_ = OnednnPrimitive(Backward(pd),
                            {{DNNL_ARG_SRC, descs.x},
                             {DNNL_ARG_DIFF_DST, descs.y},
                             {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc()}},
                            pd.scratchpad_desc());
  }
  bool reference() const { return reference_; }

  void run(const keras_tensor* in, int, keras_tensor* out, int) const override {
    const float* const x = input_as<float>(in[0]);
    const float* const dy = input_as<float>(in[1]);
    float* const result = output_as<float>(out[0]);
    if (!reorder_) return sum(x, dy, result);
    const Scratch packed(packed_bytes_);
    sum(x, dy, packed.as<float>());
    reorder_.execute({packed.as<void>(), result});
  }

 private:
  // The sum over all slices: groups of slices, one a thread, add up theirs, then the groups are added in
  // order.
  void sum(const float* x, const float* dy, float* result) const {
    if (slices_.count == 1) return conv_.execute({x, dy, result});
    const int64_t groups = std::min<int64_t>(thread_count(), slices_.count);
    const int64_t size = static_cast<int64_t>(packed_bytes_ / sizeof(float));
    const Scratch memory(static_cast<size_t>(2 * groups) * packed_bytes_);
    float* const sums = memory.as<float>();
    float* const slices = sums + groups * size;
    parallel_for(groups, 1, [=, this](int64_t begin, int64_t end) {
      for (int64_t group = begin; group < end; ++group) {
        float* const total = sums + group * size;
        const int64_t first = group * slices_.count / groups, last = (group + 1) * slices_.count / groups;
        for (int64_t slice = first; slice < last; ++slice) {
          float* const part = slice == first ? total : slices + group * size;
          conv_.execute({slices_.near(x + slice * slices_.x_step, slices_.x_step),
                         slices_.near(dy + slice * slices_.y_step, slices_.y_step), part});
          if (part != total) add(part, total, size);
        }
      }
    });
    std::copy_n(sums, size, result);
    for (int64_t group = 1; group < groups; ++group) add(sums + group * size, result, size);
  }
  static void add(const float* from, float* to, int64_t size) {
    for (int64_t i = 0; i < size; ++i) to[i] += from[i];
  }

  ConvSlices slices_;
  bool reference_ = false;
  OnednnPrimitive conv_, reorder_;
  size_t packed_bytes_ = 0;
};

template <class Make>
std::unique_ptr<keras_kernel> onednn_or_loops(const keras_op& op, ConvPass pass, std::string& reason,
                                              const Make& make) {
  const ConvGeometry geometry = conv_geometry(op, pass);
  if (op.inputs[0].dtype == KERAS_FLOAT32 && fits(geometry)) {
    try {
      const ConvSlices slices(geometry, pass);
      std::optional<OneThread> alone;  // who has a slice computes it alone
      if (slices.count > 1) alone.emplace();
      auto kernel = make(slices, ConvDescs(slices.part));
      // Patches and products are faster than the reference code.
      if (!kernel->reference()) return kernel;
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) fail_onednn(op.name, error);
    }
  }
  return make_conv_loops(op, pass, reason);
}

std::unique_ptr<keras_kernel> make_conv(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_conv, reason);
  const ConvGeometry geometry = conv_geometry(op, ConvPass::kForward);
  if (op.inputs[0].dtype == KERAS_FLOAT32 && fits(geometry) && ConvAsGradient::gains(geometry)) {
    try {
      auto kernel = std::make_unique<ConvAsGradient>(geometry);
      if (kernel->direct()) return kernel;
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) fail_onednn(op.name, error);
    }
  }
  return onednn_or_loops(op, ConvPass::kForward, reason, [](const ConvSlices& s, const ConvDescs& d) {
    return std::make_unique<ConvForward>(s.part, d, false, KERAS_ACT_LINEAR, 0);
  });
}

std::unique_ptr<keras_kernel> make_conv_bias_act(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_conv_bias_act, reason);
  if (op.inputs[0].dtype != KERAS_FLOAT32 && op.inputs[0].dtype != KERAS_FLOAT64) {
    reason = "conv_bias_act is for floats";
    return nullptr;
  }
  const auto& attr = attributes<ConvActivationAttributes>(op);
  return onednn_or_loops(op, ConvPass::kForward, reason, [&](const ConvSlices& s, const ConvDescs& d) {
    return std::make_unique<ConvForward>(s.part, d, true, attr.activation, attr.alpha);
  });
}

std::unique_ptr<keras_kernel> make_conv_grad_input(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_conv_grad_input, reason);
  return onednn_or_loops(op, ConvPass::kInput, reason, [](const ConvSlices& s, const ConvDescs& d) {
    return std::make_unique<ConvInput>(s, d);
  });
}

std::unique_ptr<keras_kernel> make_conv_grad_filter(const keras_op& op, std::string& reason) {
  if (has_half(op)) return through_float32(op, make_conv_grad_filter, reason);
  return onednn_or_loops(op, ConvPass::kFilter, reason, [](const ConvSlices& s, const ConvDescs& d) {
    return std::make_unique<ConvFilter>(s, d);
  });
}

[[maybe_unused]] const bool registered = register_kernel("conv", make_conv, 10) &&
                                         register_kernel("conv_bias_act", make_conv_bias_act, 10) &&
                                         register_kernel("conv_grad_input", make_conv_grad_input, 10) &&
                                         register_kernel("conv_grad_filter", make_conv_grad_filter, 10);

}  // namespace

}  // namespace keras::native
