// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Activation functions of keras.ops. Each works on every element, and gives x's shape and dtype; those that
/// need real numbers turn integers into floatx first. Functions over an axis say so.
namespace keras::ops {

/// max(x, 0).
Tensor relu(const Tensor& x);
/// min(max(x, 0), 6).
Tensor relu6(const Tensor& x);
/// 1 / (1 + e^-x).
Tensor sigmoid(const Tensor& x);
/// 0 up to -1, (x + 1) / 2 in between, 1 from 1 on.
Tensor sparse_sigmoid(const Tensor& x);
/// log(1 + e^x).
Tensor softplus(const Tensor& x);
/// x / (1 + |x|).
Tensor softsign(const Tensor& x);
/// x moved towards 0 by `threshold`, 0 within it.
Tensor soft_shrink(const Tensor& x, double threshold = 0.5);
/// 0 up to -1, (x + 1)^2 / 4 in between, x from 1 on.
Tensor sparse_plus(const Tensor& x);
/// x sigmoid(x), also called swish (Ramachandran et al., 2017).
Tensor silu(const Tensor& x);
/// The same as silu.
Tensor swish(const Tensor& x);
/// (x + sqrt(x^2 + b)) / 2.
Tensor squareplus(const Tensor& x, double b = 4);
/// log(sigmoid(x)).
Tensor log_sigmoid(const Tensor& x);
/// x where positive, else negative_slope x.
Tensor leaky_relu(const Tensor& x, double negative_slope = 0.2);
/// relu6(x + 3) / 6.
Tensor hard_sigmoid(const Tensor& x);
/// x hard_sigmoid(x).
Tensor hard_silu(const Tensor& x);
/// The same as hard_silu.
Tensor hard_swish(const Tensor& x);
/// x where positive, else alpha (e^x - 1) (Clevert et al., 2016).
Tensor elu(const Tensor& x, double alpha = 1.0);
/// ELU with the scale and alpha that keep mean 0 and variance 1 (Klambauer et al., 2017).
Tensor selu(const Tensor& x);
/// x times the normal distribution function of x (Hendrycks and Gimpel, 2016); approximate: by a tanh.
Tensor gelu(const Tensor& x, bool approximate = true);
/// max(x, 0) + min(0, alpha (e^(x / alpha) - 1)).
Tensor celu(const Tensor& x, double alpha = 1.0);
/// Gated linear unit: the first half of x along `axis` times the sigmoid of the second. Throws ValueError
/// when the axis is not even.
Tensor glu(const Tensor& x, int axis = -1);
/// x - tanh(x).
Tensor tanh_shrink(const Tensor& x);
/// x kept within [-1, 1].
Tensor hard_tanh(const Tensor& x);
/// x where |x| > threshold, else 0.
Tensor hard_shrink(const Tensor& x, double threshold = 0.5);
/// x where x > threshold, else default_value.
Tensor threshold(const Tensor& x, double threshold, double default_value);
/// e^x / sum(e^x) over one or several axes together; axis none: over all elements.
Tensor softmax(const Tensor& x, const Axis& axis = -1);
/// log(softmax(x)), computed without overflow.
Tensor log_softmax(const Tensor& x, const Axis& axis = -1);
/// The point of the probability simplex nearest to x along an axis (Martins and Astudillo, 2016).
Tensor sparsemax(const Tensor& x, int axis = -1);

}  // namespace keras::ops
