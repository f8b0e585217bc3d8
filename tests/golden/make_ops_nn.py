# SPDX-License-Identifier: Apache-2.0
"""The functions of keras.ops for neural networks."""
import numpy as np

from golden import Family, dtype_table, keras, spread, tf, try_op

rng = np.random.default_rng(95)
family = Family("ops_nn", seed=95)
covered = set()


def op(name, *args, **kwargs):
    covered.add(name)
    try_op(family, name, *args, **kwargs)


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return (e / e.sum(-1, keepdims=True)).astype("float32")


A = spread(rng, (2, 4), -3.2, 3.2)
C = spread(rng, (2, 3, 4))
for name in "relu relu6 sigmoid sparse_sigmoid softplus softsign silu log_sigmoid hard_sigmoid hard_silu hard_tanh " \
            "selu tanh_shrink sparse_plus elu celu gelu leaky_relu softmax log_softmax sparsemax glu squareplus " \
            "soft_shrink hard_shrink swish hard_swish".split():
    if not hasattr(keras.ops, name):
        continue
    op(name, A)
    if name in ("relu", "sigmoid", "gelu", "softmax", "silu"):
        op(name, A.astype("float64"))
        dtype_table(family, name, A[:1])
for name, kwargs in (("elu", {"alpha": 0.3}), ("celu", {"alpha": 0.3}), ("gelu", {"approximate": False}),
                     ("leaky_relu", {"negative_slope": 0.05}), ("squareplus", {"b": 1}),
                     ("soft_shrink", {"threshold": 0.9}), ("hard_shrink", {"threshold": 0.9})):
    op(name, A, **kwargs)
op("threshold", A, 0.3, -1.0)
for name in ("softmax", "log_softmax", "sparsemax", "glu"):
    op(name, C, axis=2 if name == "glu" else 1)
op("softmax", C, axis=(1, 2))

# Convolutions and pooling
X1, X2, X3 = spread(rng, (1, 7, 2)), spread(rng, (1, 5, 4, 2)), spread(rng, (1, 3, 4, 3, 2))
K1, K2, K3 = spread(rng, (3, 2, 3), -1, 1), spread(rng, (3, 2, 2, 3), -1, 1), spread(rng, (2, 2, 2, 2, 1), -1, 1)
for x, k in ((X1, K1), (X2, K2), (X3, K3)):
    op("conv", x, k)
    op("conv", x, k, strides=2, padding="same")
    op("conv", x, k, dilation_rate=2, padding="same")
op("conv", spread(rng, (1, 4, 4, 4)), spread(rng, (2, 2, 2, 4), -1, 1))
op("conv", np.moveaxis(X2, -1, 1).copy(), K2, data_format="channels_first")
for x, k in ((X1, spread(rng, (3, 2, 2), -1, 1)), (X2, spread(rng, (3, 2, 2, 2), -1, 1))):
    op("depthwise_conv", x, k)
    op("depthwise_conv", x, k, strides=2, padding="same")
    op("depthwise_conv", x, k, dilation_rate=2, padding="same")
op("separable_conv", X1, spread(rng, (3, 2, 2), -1, 1), spread(rng, (1, 4, 3), -1, 1))
op("separable_conv", X2, spread(rng, (3, 2, 2, 2), -1, 1), spread(rng, (1, 1, 4, 3), -1, 1), strides=2, padding="same")
op("separable_conv", X2, spread(rng, (2, 2, 2, 1), -1, 1), spread(rng, (1, 1, 2, 2), -1, 1), dilation_rate=2)
for x, k in ((X1[:, :4], spread(rng, (3, 3, 2), -1, 1)), (X2[:, :3], spread(rng, (3, 2, 2, 2), -1, 1)),
             (X3[:, :2, :2], spread(rng, (2, 2, 2, 1, 2), -1, 1))):
    op("conv_transpose", x, k, strides=1)
    op("conv_transpose", x, k, strides=2, padding="same")
    op("conv_transpose", x, k, strides=2, padding="valid", output_padding=1)
for name in ("max_pool", "average_pool"):
    for x in (X1, X2, X3):
        op(name, x, 2)
        op(name, x, 3, strides=2, padding="same")
    op(name, X2, (3, 2), strides=(1, 2))
for name in ("adaptive_max_pool", "adaptive_average_pool"):
    for x, size in ((X1, 3), (X2, (2, 3)), (X3, 2)):
        op(name, x, size)
IMAGE = spread(rng, (1, 4, 6, 4))
op("space_to_depth", IMAGE, 2)
op("depth_to_space", IMAGE, 2)
FIRST = spread(rng, (1, 2, 4, 5))
op("unfold", FIRST, 2)
op("unfold", FIRST, (3, 2), dilation=1, padding=1, stride=2)
op("unfold", FIRST, 2, dilation=2)
op("fold", spread(rng, (1, 8, 12)), (4, 5), 2)
op("fold", spread(rng, (1, 8, 6)), (4, 6), 2, stride=2)

# Normalization and attention
MEAN, VAR, GAMMA, BETA = (spread(rng, (4,), low, 2.0) for low in (-2.0, 0.4, 0.5, -1.0))
op("batch_normalization", C, MEAN, VAR, axis=-1)
op("batch_normalization", C, MEAN, VAR, axis=-1, offset=BETA, scale=GAMMA, epsilon=0.1)
op("batch_normalization", C, MEAN[:3], VAR[:3], axis=1, offset=BETA[:3])
op("layer_normalization", C)
op("layer_normalization", C, gamma=GAMMA, beta=BETA, axis=-1, epsilon=0.01)
op("layer_normalization", C, axis=1, epsilon=1e-3)
op("rms_normalization", C)
op("rms_normalization", C, scale=GAMMA, axis=-1, epsilon=0.01)
for kwargs in ({}, {"axis": 1}, {"order": 1}, {"order": 3}, {"order": float("inf")}, {"epsilon": 1.5}):
    op("normalize", C, **kwargs)
for axes, kwargs in (([0], {}), ([0, 1], {}), ([1, 2], {"keepdims": True}), ([-1], {})):
    op("moments", C, axes, **kwargs)
Q, K, V = (spread(rng, (1, n, 2, 4)) for n in (3, 5, 5))
op("dot_product_attention", Q, K, V)
op("dot_product_attention", Q, K, V, scale=0.3)
op("dot_product_attention", Q, K, V, is_causal=True)
op("dot_product_attention", Q, K, V, bias=spread(rng, (1, 2, 3, 5)))
op("dot_product_attention", Q, K, V, mask=np.tril(np.ones((1, 2, 3, 5), bool), 1))
op("dot_product_attention", Q, K, V, attn_logits_soft_cap=1.5)
op("dot_product_attention", Q, spread(rng, (1, 5, 1, 4)), spread(rng, (1, 5, 1, 4)))

# Encodings and losses
IDS = np.array([0, 2, 1, 2], "int32")
op("one_hot", IDS, 3)
op("one_hot", IDS, 4, axis=0, dtype="int32")
op("one_hot", np.array([[0, -1], [5, 2]], "int32"), 3)
op("multi_hot", np.array([[0, 2], [1, 1]], "int32"), 4)
op("multi_hot", np.array([[0, 2], [1, 1]], "int32"), num_classes=3, dtype="int32")
LOGITS = spread(rng, (4, 3))
PROBS = softmax(LOGITS)
UNIT = spread(rng, (4, 3), 0.05, 0.95)
HOT = np.eye(3, dtype="float32")[IDS]
op("binary_crossentropy", HOT, UNIT)
op("binary_crossentropy", HOT, LOGITS, from_logits=True)
op("categorical_crossentropy", HOT, UNIT)
op("categorical_crossentropy", HOT, LOGITS, from_logits=True)
op("categorical_crossentropy", HOT.T.copy(), UNIT.T.copy(), axis=0)
op("sparse_categorical_crossentropy", IDS, UNIT)
op("sparse_categorical_crossentropy", IDS, LOGITS, from_logits=True)
op("sparse_categorical_crossentropy", IDS[:, None], PROBS)
op("psnr", UNIT, PROBS, 1.0)
op("polar", UNIT, LOGITS, grads=False)
STEPS = spread(rng, (2, 6, 4))
op("ctc_loss", np.array([[1, 2, 1], [3, 1, 0]], "int32"), STEPS, np.array([3, 2], "int32"), np.array([6, 5], "int32"))
op("ctc_loss", np.array([[1, 2, 0], [2, 1, 0]], "int32"), STEPS, np.array([2, 2], "int32"), np.array([6, 4], "int32"),
   mask_index=3)
op("ctc_decode", STEPS, np.array([6, 4], "int32"), grads=False)
op("ctc_decode", STEPS, np.array([6, 4], "int32"), strategy="greedy", merge_repeated=False, mask_index=3, grads=False)
op("ctc_decode", STEPS, np.array([6, 4], "int32"), strategy="beam_search", beam_width=4, top_paths=2, grads=False)
family.save()
names = {n for n in dir(keras.ops) if getattr(getattr(keras.ops, n), "__module__", "") == "keras.src.ops.nn"}
print("not covered:", sorted(names - covered))
