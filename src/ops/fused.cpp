// SPDX-License-Identifier: Apache-2.0
#include "ops/fused.h"

namespace keras::internal::fused {

namespace {

NormAttributes norm(std::span<const int> axes, double epsilon) {
  auto attributes = make_attributes<NormAttributes>();
  attributes.axes = to_list(axes);
  attributes.epsilon = epsilon;
  return attributes;
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b, keras_activation activation, double alpha) {
  auto attributes = make_attributes<ActivationAttributes>();
  attributes.activation = activation;
  attributes.alpha = alpha;
  if (!b.defined()) return apply_op(OpId::linear_op, attributes, {x, w});
  return apply_op(OpId::linear_op, attributes, {x, w, b});
}

Tensor conv_bias_act(const Tensor& x, const Tensor& kernel, const Tensor& bias,
                     const ConvActivationAttributes& attributes) {
  return apply_op(OpId::conv_bias_act_op, attributes, {x, kernel, bias});
}

Tensors batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::span<const int> axes,
                         double epsilon) {
  const auto attributes = norm(axes, epsilon);
  const Tensor operands[] = {x, gamma, beta};
  return apply(OpId::batch_norm_train_op, &attributes, operands);
}

Tensor batch_norm_infer(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                        const Tensor& variance, std::span<const int> axes, double epsilon) {
  return apply_op(OpId::batch_norm_infer_op, norm(axes, epsilon), {x, gamma, beta, mean, variance});
}

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::span<const int> axes,
                  double epsilon) {
  return apply_op(OpId::layer_norm_op, norm(axes, epsilon), {x, gamma, beta});
}

Tensor rms_norm(const Tensor& x, const Tensor& gamma, std::span<const int> axes, double epsilon) {
  return apply_op(OpId::rms_norm_op, norm(axes, epsilon), {x, gamma});
}

Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels) {
  return apply_op(OpId::softmax_cross_entropy_op, {logits, labels});
}

Tensor dropout(const Tensor& x, const Tensor& state, double rate, const Shape& noise) {
  auto attributes = make_attributes<DropoutAttributes>();
  attributes.rate = rate;
  attributes.noise_shape = to_list(noise);
  return apply_op(OpId::dropout_op, attributes, {x, state});
}

Tensor embed(const Tensor& table, const Tensor& ids) {
  auto attributes = make_attributes<EmbedAttributes>();
  attributes.rows = table.dim(0).value();
  return apply_op(OpId::embed_op, attributes, {table, ids});
}

Tensor random_uniform(const Tensor& state, const Shape& shape, DType dtype) {
  auto attributes = make_attributes<RandomBitsAttributes>();
  attributes.dtype = static_cast<int64_t>(dtype);
  attributes.shape = to_list(shape);
  return apply_op(OpId::random_uniform_op, attributes, {state});
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias, const Tensor& state,
                 const AttentionArguments& arguments) {
  auto attributes = make_attributes<AttentionAttributes>();
  attributes.scale = arguments.scale;
  attributes.causal = arguments.causal ? 1 : 0;
  attributes.has_bias = bias.defined() ? 1 : 0;
  attributes.dropout_rate = arguments.dropout_rate;
  Tensors operands{q, k, v};
  if (bias.defined()) operands.push_back(bias);
  if (arguments.dropout_rate > 0) operands.push_back(state);
  return apply_op(OpId::attention_op, attributes, std::span<const Tensor>(operands.data(), operands.size()));
}

}  // namespace keras::internal::fused
