# SPDX-License-Identifier: Apache-2.0
"""Dense, EinsumDense, Embedding and the other core layers."""
import numpy as np

from golden import Family, keras, layer_case

layers = keras.layers
family = Family("layers_core", seed=11)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


# Dense
case("dense", lambda: layers.Dense(4), (3, 5))
case("dense_no_bias", lambda: layers.Dense(4, use_bias=False), (3, 5))
case("dense_rank3", lambda: layers.Dense(4, activation="tanh"), (2, 3, 5))
case("dense_rank4", lambda: layers.Dense(3), (2, 2, 3, 4))
for act in ("relu", "softmax", "sigmoid", "gelu", "elu", "selu", "softplus", "silu", "linear"):
    case(f"dense_{act}", lambda: layers.Dense(4, activation=act), (3, 5))
case("dense_regularized", lambda: layers.Dense(
    3, kernel_regularizer="l2", bias_regularizer=keras.regularizers.L1(0.02),
    activity_regularizer=keras.regularizers.L2(0.03)), (4, 5))
case("dense_constrained", lambda: layers.Dense(
    3, kernel_constraint=keras.constraints.MaxNorm(1.0), bias_constraint="non_neg",
    kernel_initializer="he_normal", bias_initializer="ones"), (4, 5))
case("dense_masked", lambda: layers.Dense(3), (2, 4, 5),
     mask=np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool))
case("dense_lora", lambda: layers.Dense(4, lora_rank=2), (3, 5))
case("dense_lora_alpha", lambda: layers.Dense(4, lora_rank=2, lora_alpha=5), (3, 5))
case("dense_named", lambda: layers.Dense(4, name="head"), (3, 5))
case("dense_not_trainable", lambda: layers.Dense(4, trainable=False), (3, 5))
for dtype in ("float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"):
    data = np.linspace(-1, 1, 15).reshape(3, 5)
    data = data.astype("float64" if dtype == "float64" else "float32")
    case(f"dense_{dtype}", lambda: layers.Dense(4, dtype=dtype), data, check=False)

# EinsumDense
for tag, equation, shape, given in (
    ("plain", "ab,bc->ac", (3,), (2, 4)),
    ("sequence", "abc,cd->abd", (None, 3), (2, 3, 4)),
    ("ellipsis", "...x,xy->...y", (3,), (2, 3, 4)),
    ("heads", "abc,cde->abde", (None, 2, 3), (2, 3, 4)),
    ("merge_heads", "abcd,cde->abe", (None, 3), (2, 3, 2, 4)),
    ("transpose_out", "abc,cd->adb", (3, 3), (2, 3, 4)),
):
    case(f"einsum_{tag}", lambda: layers.EinsumDense(equation, output_shape=shape), given)
for axes in ("c", "ac"):
    case(f"einsum_bias_{axes}", lambda: layers.EinsumDense("ab,bc->ac" if axes == "c" else "nab,bc->nac",
         output_shape=3 if axes == "c" else (3, 3), bias_axes=axes, activation="tanh"),
         (2, 4) if axes == "c" else (2, 3, 4))
case("einsum_bias_two_axes", lambda: layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3),
     bias_axes="de"), (2, 3, 4))
case("einsum_lora", lambda: layers.EinsumDense("abc,cd->abd", output_shape=(None, 3), lora_rank=2), (2, 3, 4))

# Embedding
ids = np.array([[1, 3, 0], [4, 1, 0]], "int32")
case("embedding", lambda: layers.Embedding(5, 3), ids)
case("embedding_mask_zero", lambda: layers.Embedding(5, 3, mask_zero=True), ids)
case("embedding_rank1", lambda: layers.Embedding(5, 3), np.array([2, 2, 4], "int32"))
case("embedding_int64", lambda: layers.Embedding(5, 3), ids.astype("int64"))
case("embedding_float_ids", lambda: layers.Embedding(5, 3), ids.astype("float32"), check=False)
case("embedding_uint8", lambda: layers.Embedding(5, 3), ids.astype("uint8"))
case("embedding_regularized", lambda: layers.Embedding(
    5, 3, embeddings_initializer="normal", embeddings_regularizer="l1", embeddings_constraint="unit_norm"), ids)
case("embedding_lora", lambda: layers.Embedding(5, 3, lora_rank=2), ids)
case("embedding_mixed_bfloat16", lambda: layers.Embedding(5, 3, dtype="mixed_bfloat16"), ids)
case("reversible_embedding", lambda: layers.ReversibleEmbedding(5, 3), ids)
case("reversible_embedding_reverse", lambda: layers.ReversibleEmbedding(5, 3), (2, 4, 3),
     call_kwargs={"reverse": True})
case("reversible_embedding_untied", lambda: layers.ReversibleEmbedding(5, 3, tie_weights=False), (2, 4, 3),
     call_kwargs={"reverse": True})
case("reversible_embedding_cap", lambda: layers.ReversibleEmbedding(5, 3, logit_soft_cap=2.0), (2, 4, 3),
     call_kwargs={"reverse": True})
case("reversible_embedding_mask", lambda: layers.ReversibleEmbedding(5, 3, mask_zero=True), ids)

# Identity, Masking
case("identity", lambda: layers.Identity(), (2, 3))
case("identity_masked", lambda: layers.Identity(), (2, 3, 2), mask=np.array([[1, 0, 1], [0, 1, 1]], bool))
case("identity_nested", lambda: layers.Identity(), [(2, 3), (2, 4)])
steps = np.linspace(-1, 1, 24).reshape(2, 4, 3).astype("float32")
steps[0, 1], steps[1, 2:] = 0, 0
case("masking", lambda: layers.Masking(), steps, check=False)
other = steps + 1
other[1, 0, 0] = -3
case("masking_value", lambda: layers.Masking(mask_value=1.0), other, check=False)

family.save()
