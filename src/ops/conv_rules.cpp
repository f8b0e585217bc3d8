// SPDX-License-Identifier: Apache-2.0
// Rules of the convolution, of its two gradients (each other's gradients, since all three are linear in both
// operands), and of the convolution with bias and activation.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/fused_activation.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

bool fits(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

template <class A>
std::string describe(const InferContext& c, const char* first, const char* second) {
  return fmt::format("{} {}, {} {}; {}", first, c.operands[0].to_string(), second, c.operands[1].to_string(),
                     attributes_to_string(attribute_table<A>(), c.attributes));
}

// Shape of conv's result; checks everything that must hold between x, kernel and the attributes.
template <class A>
Shape conv_shape(const InferContext& c, const Shape& x, const Shape& kernel, const A& at,
                 const std::string& received) {
  const size_t spatial = static_cast<size_t>(at.strides.count);
  if (x.size() != spatial + 2 || kernel.size() != spatial + 2) {
    fail<ValueError>(
        {c.op,
         fmt::format("With {0} spatial axes, x must be (N, spatial..., channels) and the kernel (spatial..., "
                     "channels / groups, filters), both of rank {1}",
                     spatial, spatial + 2),
         received, ""});
  }
  const auto same = static_cast<int64_t>(spatial);
  if (at.pad_low.count != same || at.pad_high.count != same || at.dilations.count != same) {
    fail<ValueError>(
        {c.op, "strides, padding and dilations must have one entry per spatial axis", received, ""});
  }
  if (at.groups < 1) fail<ValueError>({c.op, "groups must be positive", received, ""});
  const Dim channels = x.back();
  const Dim kernel_channels = kernel[spatial];
  const Dim filters = kernel.back();
  if (!fits(channels, kernel_channels * Dim(at.groups))) {
    fail<ValueError>(
        {c.op,
         fmt::format("The input channels must equal the kernel's channels x groups, but {} != {} x {}",
                     channels.to_string(), kernel_channels.to_string(), at.groups),
         received, ""});
  }
  if (filters.known() && filters.value() % at.groups != 0) {
    fail<ValueError>({c.op, "The number of filters must be a multiple of groups", received, ""});
  }
  Shape out{x[0]};
  for (size_t i = 0; i < spatial; ++i) {
    const int64_t stride = at.strides.v[i], dilation = at.dilations.v[i];
    if (stride < 1 || dilation < 1)
      fail<ValueError>({c.op, "strides and dilations must be positive", received, ""});
    const Dim extent = (kernel[i] - Dim(1)) * Dim(dilation) + Dim(1);
    const Dim padded = x[i + 1] + Dim::from_code(at.pad_low.v[i]) + Dim::from_code(at.pad_high.v[i]);
    if (padded.known() && extent.known() && padded.value() < extent.value()) {
      fail<ValueError>(
          {c.op,
           fmt::format("The padded input must be at least as large as the dilated kernel, but along spatial "
                       "axis {} they have {} and {}",
                       i, padded.to_string(), extent.to_string()),
           received, "use a smaller kernel or padding=\"same\""});
    }
    out.push_back((padded - extent) / Dim(stride) + Dim(1));
  }
  out.push_back(filters);
  return out;
}

void check_dtypes(const InferContext& c, const std::string& received) {
  for (const auto& operand : c.operands) {
    if (operand.dtype != c.dtype(0))
      fail<TypeError>({c.op, "All operands must have one dtype", received, "cast one"});
  }
}

void check_shape(const InferContext& c, const Shape& wanted, const Shape& given, const char* what,
                 const std::string& received) {
  bool good = wanted.size() == given.size();
  for (size_t i = 0; good && i < wanted.size(); ++i) good = fits(wanted[i], given[i]);
  if (!good) {
    fail<ValueError>({c.op, fmt::format("{} must have shape {}", what, wanted.to_string()), received, ""});
  }
}

void infer_conv(InferContext& c) {
  const auto received = describe<ConvAttributes>(c, "x", "kernel");
  check_dtypes(c, received);
  c.result(c.dtype(0), conv_shape(c, c.shape(0), c.shape(1), c.attrs<ConvAttributes>(), received));
}

void infer_grad_input(InferContext& c) {
  const auto& at = c.attrs<ConvAttributes>();
  const auto received = describe<ConvAttributes>(c, "dy", "kernel");
  check_dtypes(c, received);
  const Shape x = to_shape(at.input_shape);
  check_shape(c, conv_shape(c, x, c.shape(1), at, received), c.shape(0), "dy", received);
  c.result(c.dtype(0), x);
}

void infer_grad_filter(InferContext& c) {
  const auto& at = c.attrs<ConvAttributes>();
  const auto received = describe<ConvAttributes>(c, "x", "dy");
  check_dtypes(c, received);
  const Shape kernel = to_shape(at.filter_shape);
  check_shape(c, conv_shape(c, c.shape(0), kernel, at, received), c.shape(1), "dy", received);
  c.result(c.dtype(0), kernel);
}

ConvAttributes with_input(ConvAttributes at, const Shape& input) {
  at.input_shape = to_list(input);
  at.filter_shape = keras_list{};
  return at;
}
ConvAttributes with_filter(ConvAttributes at, const Shape& filter) {
  at.input_shape = keras_list{};
  at.filter_shape = to_list(filter);
  return at;
}
ConvAttributes plain(ConvAttributes at) {
  at.input_shape = at.filter_shape = keras_list{};
  return at;
}

Tensor conv(const ConvAttributes& at, const Tensor& x, const Tensor& kernel) {
  return apply_op(OpId::conv_op, plain(at), {x, kernel});
}
Tensor grad_input(const ConvAttributes& at, const Shape& input, const Tensor& dy, const Tensor& kernel) {
  return apply_op(OpId::conv_grad_input_op, with_input(at, input), {dy, kernel});
}
Tensor grad_filter(const ConvAttributes& at, const Shape& filter, const Tensor& x, const Tensor& dy) {
  return apply_op(OpId::conv_grad_filter_op, with_filter(at, filter), {x, dy});
}

Tensors conv_vjp(VjpContext& c) {
  const auto& at = c.attrs<ConvAttributes>();
  Tensors out(2);
  if (c.needed[0]) out[0] = grad_input(at, c.operand_types[0].shape, c.grad(), c.operand(1));
  if (c.needed[1]) out[1] = grad_filter(at, c.operand_types[1].shape, c.operand(0), c.grad());
  return out;
}

Tensors grad_input_vjp(VjpContext& c) {
  const auto& at = c.attrs<ConvAttributes>();
  Tensors out(2);
  if (c.needed[0]) out[0] = conv(at, c.grad(), c.operand(1));
  if (c.needed[1]) out[1] = grad_filter(at, c.operand_types[1].shape, c.grad(), c.operand(0));
  return out;
}

Tensors grad_filter_vjp(VjpContext& c) {
  const auto& at = c.attrs<ConvAttributes>();
  Tensors out(2);
  if (c.needed[0]) out[0] = grad_input(at, c.operand_types[0].shape, c.operand(1), c.grad());
  if (c.needed[1]) out[1] = conv(at, c.operand(0), c.grad());
  return out;
}

// samples

struct ConvCase {
  const char* name;
  Shape x, kernel;
  std::vector<int64_t> strides, low, high, dilations;
  int64_t groups;
};

std::vector<ConvCase> conv_cases() {
  return {{"1-d", {2, 6, 3}, {3, 3, 2}, {1}, {0}, {0}, {1}, 1},
          {"2-d", {1, 5, 4, 2}, {3, 2, 2, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1},
          {"3-d", {1, 3, 3, 3, 2}, {2, 2, 2, 2, 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, 1},
          {"stride", {1, 6, 5, 2}, {3, 2, 2, 2}, {2, 3}, {0, 0}, {0, 0}, {1, 1}, 1},
          {"stride beyond the kernel", {1, 7, 2}, {2, 2, 3}, {3}, {0}, {0}, {1}, 1},
          {"padding", {1, 4, 4, 2}, {3, 3, 2, 2}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 1},
          {"asymmetric padding", {1, 5, 4, 1}, {3, 2, 1, 2}, {2, 2}, {0, 1}, {1, 0}, {1, 1}, 1},
          {"dilation", {1, 7, 6, 2}, {3, 2, 2, 2}, {1, 1}, {0, 0}, {0, 0}, {2, 3}, 1},
          {"dilation and stride", {1, 8, 2}, {3, 2, 2}, {2}, {2}, {1}, {2}, 1},
          {"groups", {1, 4, 4, 4}, {2, 2, 2, 6}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 2},
          {"depthwise", {1, 4, 4, 3}, {3, 3, 1, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}, 3},
          {"depthwise multiplier 2", {1, 5, 2}, {3, 1, 4}, {2}, {1}, {1}, {1}, 2},
          {"pointwise", {2, 2, 3, 4}, {1, 1, 4, 3}, {1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}};
}

ConvAttributes attributes_of(const ConvCase& k) {
  auto at = make_attributes<ConvAttributes>();
  at.strides = to_list(k.strides);
  at.pad_low = to_list(k.low);
  at.pad_high = to_list(k.high);
  at.dilations = to_list(k.dilations);
  at.groups = k.groups;
  return at;
}

Shape result_shape(const ConvCase& k) {
  Shape out{k.x[0]};
  const auto at = attributes_of(k);
  for (size_t i = 0; i < k.strides.size(); ++i) {
    const int64_t extent = (k.kernel[i].value() - 1) * at.dilations.v[i] + 1;
    out.push_back((k.x[i + 1].value() + at.pad_low.v[i] + at.pad_high.v[i] - extent) / at.strides.v[i] + 1);
  }
  out.push_back(k.kernel.back());
  return out;
}

std::vector<OpSample> conv_samples() {
  std::vector<OpSample> out;
  for (const auto& k : conv_cases()) {
    out.push_back(sample(k.name, {sample_values(k.x), sample_values(k.kernel, 0.8)}, attributes_of(k)));
  }
  return out;
}

std::vector<OpSample> grad_input_samples() {
  std::vector<OpSample> out;
  for (const auto& k : conv_cases()) {
    out.push_back(sample(k.name, {sample_values(result_shape(k)), sample_values(k.kernel, 0.8)},
                         with_input(attributes_of(k), k.x)));
  }
  // A transposed convolution with output padding: positions of x that no window of the convolution covers.
  const ConvCase transposed{"output padding", {1, 8, 2}, {3, 2, 2}, {3}, {0}, {0}, {1}, 1};
  out.push_back(sample(transposed.name,
                       {sample_values(result_shape(transposed)), sample_values(transposed.kernel, 0.8)},
                       with_input(attributes_of(transposed), transposed.x)));
  return out;
}

std::vector<OpSample> grad_filter_samples() {
  std::vector<OpSample> out;
  for (const auto& k : conv_cases()) {
    out.push_back(sample(k.name, {sample_values(k.x), sample_values(result_shape(k), 0.8)},
                         with_filter(attributes_of(k), k.kernel)));
  }
  return out;
}

// conv_bias_act

ConvAttributes without_activation(const ConvActivationAttributes& at) {
  auto out = make_attributes<ConvAttributes>();
  out.strides = at.strides;
  out.pad_low = at.pad_low;
  out.pad_high = at.pad_high;
  out.dilations = at.dilations;
  out.groups = at.groups;
  return out;
}

void infer_conv_bias_act(InferContext& c) {
  const auto received =
      describe<ConvActivationAttributes>(c, "x", "kernel") + ", bias " + c.operands[2].to_string();
  check_dtypes(c, received);
  const Shape out = conv_shape(c, c.shape(0), c.shape(1), c.attrs<ConvActivationAttributes>(), received);
  check_shape(c, Shape{out.back()}, c.shape(2), "bias", received);
  c.result(c.dtype(0), out);
}

Tensors decompose_conv_bias_act(DecomposeContext& c) {
  const auto& at = c.attrs<ConvActivationAttributes>();
  return {activate(prim::add(conv(without_activation(at), c[0], c[1]), c[2]), at.activation, at.alpha)};
}

Tensors conv_bias_act_vjp(VjpContext& c) {
  const auto& at = c.attrs<ConvActivationAttributes>();
  const auto conv_at = without_activation(at);
  const Tensor z = gradient_from_result(at.activation)
                       ? Tensor()
                       : prim::add(conv(conv_at, c.operand(0), c.operand(1)), c.operand(2));
  const Tensor dz = activation_gradient(z, c.result(), c.grad(), at.activation, at.alpha);
  Tensors out(3);
  if (c.needed[0]) out[0] = grad_input(conv_at, c.operand_types[0].shape, dz, c.operand(1));
  if (c.needed[1]) out[1] = grad_filter(conv_at, c.operand_types[1].shape, c.operand(0), dz);
  if (c.needed[2]) {
    Axes axes;
    for (int a = 0; a + 1 < c.operand_types[0].shape.rank(); ++a) axes.push_back(a);
    out[2] = prim::reduce_sum(dz, axes, false);
  }
  return out;
}

std::vector<OpSample> conv_bias_act_samples() {
  std::vector<OpSample> out;
  for (const auto& k : conv_cases()) {
    const auto conv_at = attributes_of(k);
    auto at = make_attributes<ConvActivationAttributes>();
    at.strides = conv_at.strides;
    at.pad_low = conv_at.pad_low;
    at.pad_high = conv_at.pad_high;
    at.dilations = conv_at.dilations;
    at.groups = conv_at.groups;
    at.activation = out.size() % 2 == 0 ? KERAS_ACT_RELU : KERAS_ACT_SILU;
    out.push_back(sample(
        k.name, {sample_values(k.x), sample_values(k.kernel, 0.8), sample_values({k.kernel.back()}, 0.5)},
        at));
  }
  return out;
}

}  // namespace

KERAS_OP_RULE(conv, .infer = infer_conv, .vjp = conv_vjp, .samples = conv_samples);
KERAS_OP_RULE(conv_grad_input, .infer = infer_grad_input, .vjp = grad_input_vjp,
              .samples = grad_input_samples);
KERAS_OP_RULE(conv_grad_filter, .infer = infer_grad_filter, .vjp = grad_filter_vjp,
              .samples = grad_filter_samples);
KERAS_OP_RULE(conv_bias_act, .infer = infer_conv_bias_act, .vjp = conv_bias_act_vjp,
              .decompose = decompose_conv_bias_act, .samples = conv_bias_act_samples);

}  // namespace keras::internal
