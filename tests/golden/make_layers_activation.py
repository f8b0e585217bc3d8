# SPDX-License-Identifier: Apache-2.0
"""Activation, ReLU, LeakyReLU, PReLU, ELU and Softmax layers."""
import numpy as np

from golden import Family, keras, layer_case

layers = keras.layers
family = Family("layers_activation", seed=12)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


for act in ("relu", "tanh", "sigmoid", "softmax", "elu", "selu", "gelu", "softplus", "softsign", "silu",
            "swish", "exponential", "linear", "hard_sigmoid", "hard_silu", "mish", "log_softmax", "leaky_relu",
            "relu6", "celu", "glu", "log_sigmoid", "hard_tanh", "tanh_shrink", "soft_shrink", "hard_shrink",
            "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus"):
    case(f"activation_{act}", lambda: layers.Activation(act), (3, 4))
case("activation_function", lambda: layers.Activation(keras.activations.tanh), (3, 4))
case("activation_masked", lambda: layers.Activation("relu"), (2, 3, 2), mask=np.array([[1, 0, 1], [0, 1, 1]], bool))
case("relu", lambda: layers.ReLU(), (3, 4))
case("relu_max", lambda: layers.ReLU(max_value=1.0), (3, 4))
case("relu_slope", lambda: layers.ReLU(negative_slope=0.25), (3, 4))
case("relu_threshold", lambda: layers.ReLU(threshold=0.5), (3, 4))
case("relu_all", lambda: layers.ReLU(max_value=1.5, negative_slope=0.1, threshold=0.5), (3, 4))
case("relu_max_slope", lambda: layers.ReLU(max_value=1.2, negative_slope=0.3), (3, 4))
case("relu_slope_threshold", lambda: layers.ReLU(negative_slope=0.3, threshold=0.4), (3, 4))
case("leaky_relu", lambda: layers.LeakyReLU(), (3, 4))
case("leaky_relu_slope", lambda: layers.LeakyReLU(negative_slope=0.05), (3, 4))
case("elu", lambda: layers.ELU(), (3, 4))
case("elu_alpha", lambda: layers.ELU(alpha=0.3), (3, 4))
case("prelu", lambda: layers.PReLU(), (3, 4))
case("prelu_rank4", lambda: layers.PReLU(), (2, 3, 2, 2))
case("prelu_shared", lambda: layers.PReLU(shared_axes=[1, 2]), (2, 3, 2, 2))
case("prelu_options", lambda: layers.PReLU(alpha_initializer="ones", alpha_regularizer="l2",
                                           alpha_constraint="non_neg", shared_axes=[1]), (2, 3, 2))
case("softmax", lambda: layers.Softmax(), (3, 4))
case("softmax_axis", lambda: layers.Softmax(axis=1), (2, 3, 4))
case("softmax_axes", lambda: layers.Softmax(axis=(1, 2)), (2, 3, 4))
mask = np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
case("softmax_mask", lambda: layers.Softmax(), (3, 4), mask=mask)
case("softmax_axes_mask", lambda: layers.Softmax(axis=(-1, -2)), (2, 3, 4),
     mask=np.stack([mask, ~mask | np.eye(3, 4, dtype=bool)]))
case("softmax_float64", lambda: layers.Softmax(dtype="float64"), np.linspace(-1, 2, 8).reshape(2, 4))

family.save()
