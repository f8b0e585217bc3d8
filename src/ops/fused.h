// SPDX-License-Identifier: Apache-2.0
// One typed function per fused op, as primitives.h has one per core op: for keras.ops, keras.random and the
// layers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "keras/runtime/interpreter.h"

namespace keras::internal::fused {

/// activation(x w + b); b may be undefined. All of one float dtype.
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b = {},
              keras_activation activation = KERAS_ACT_LINEAR, double alpha = 0);
/// activation(conv(x, kernel) + bias), channels last.
Tensor conv_bias_act(const Tensor& x, const Tensor& kernel, const Tensor& bias,
                     const ConvActivationAttributes& attributes);

/// y, mean and biased variance; gamma and beta are vectors over the axes that are not reduced.
Tensors batch_norm_train(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::span<const int> axes,
                         double epsilon);
/// The same with given statistics.
Tensor batch_norm_infer(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& mean,
                        const Tensor& variance, std::span<const int> axes, double epsilon);
/// gamma and beta have the shape of the axes.
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, std::span<const int> axes,
                  double epsilon);
/// gamma has the shape of the axes.
Tensor rms_norm(const Tensor& x, const Tensor& gamma, std::span<const int> axes, double epsilon);

/// Loss per row of logits (..., classes) for integer labels (...).
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& labels);
/// x / (1 - rate) where kept, else 0; `state` is uint32 [seed, draw number], `noise` broadcasts against x.
Tensor dropout(const Tensor& x, const Tensor& state, double rate, const Shape& noise);
/// Rows of a table.
Tensor embed(const Tensor& table, const Tensor& ids);
/// Floats in [0, 1).
Tensor random_uniform(const Tensor& state, const Shape& shape, DType dtype);

/// Scaled dot-product attention; bias and state may be undefined, state is read where dropout_rate > 0.
struct AttentionArguments {
  double scale = 1;         ///< factor of the logits
  bool causal = false;      ///< later positions do not count
  double dropout_rate = 0;  ///< dropout on the weights
};
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias, const Tensor& state,
                 const AttentionArguments& arguments);

}  // namespace keras::internal::fused
