// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

/// Class encodings and cross-entropies of keras.ops. Probabilities that ops::softmax or ops::sigmoid made are
/// replaced by the logits that they were made from, as in Keras on TensorFlow, so nothing is clipped then.
namespace keras::ops {

/// 1 at the class, 0 elsewhere, along a new axis; an index outside gives zeros. dtype none: float32.
Tensor one_hot(const Tensor& x, int64_t num_classes, int axis = -1, const DTypeArgument& dtype = {});
/// The largest of the one_hot encodings over the labels of a sample. dtype none: floatx.
Tensor multi_hot(const Tensor& inputs, int64_t num_classes, int axis = -1, const DTypeArgument& dtype = {});

/// -target log(output) - (1 - target) log(1 - output) per element; target and output have one shape.
Tensor binary_crossentropy(const Tensor& target, const Tensor& output, bool from_logits = false);
/// -sum(target log(output)) over an axis; target and output have one shape. Probabilities are scaled to
/// sum 1.
Tensor categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits = false,
                                int axis = -1);
/// -log of the probability of an integer class: target (...) or (..., 1), output (..., classes), result
/// (...).
Tensor sparse_categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits = false,
                                       int axis = -1);

/// The complex64 tensor abs (cos(angle) + i sin(angle)).
Tensor polar(const Tensor& abs_, const Tensor& angle);

/// Peak signal-to-noise ratio of two tensors of one shape, in decibels.
Tensor psnr(const Tensor& x1, const Tensor& x2, double max_val);

}  // namespace keras::ops
