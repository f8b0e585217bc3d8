# SPDX-License-Identifier: Apache-2.0
"""Attention, AdditiveAttention, MultiHeadAttention and GroupQueryAttention."""
import numpy as np

from golden import Family, keras, layer_case

layers = keras.layers
family = Family("layers_attention", seed=64)
Q, V, K = (2, 3, 4), (2, 5, 4), (2, 5, 4)
QM = np.array([[1, 1, 0], [1, 0, 1]], bool)
VM = np.array([[1, 1, 0, 1, 1], [1, 0, 1, 1, 0]], bool)
SCORES = {"return_attention_scores": True}


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


for low, cls in (("attention", layers.Attention), ("additive", layers.AdditiveAttention)):
    case(low, lambda: cls(), [Q, V])
    case(f"{low}_key", lambda: cls(), [Q, (2, 5, 6), K])
    case(f"{low}_scale", lambda: cls(use_scale=True), [Q, V])
    case(f"{low}_no_scale", lambda: cls(use_scale=False), [Q, V])
    case(f"{low}_scores", lambda: cls(), [Q, V], call_kwargs=SCORES)
    case(f"{low}_masks", lambda: cls(), [Q, V], mask=[QM, VM])
    case(f"{low}_value_mask", lambda: cls(), [Q, V, K], mask=[None, VM, None], call_kwargs=SCORES)
    case(f"{low}_query_mask", lambda: cls(), [Q, V], mask=[QM, None])
    case(f"{low}_causal", lambda: cls(), [Q, V], call_kwargs={"use_causal_mask": True, **SCORES})
    case(f"{low}_causal_masks", lambda: cls(), [Q, V], mask=[QM, VM], call_kwargs={"use_causal_mask": True})
    case(f"{low}_dropout_inference", lambda: cls(dropout=0.4), [Q, V], call_kwargs={"training": False})
case("attention_concat", lambda: layers.Attention(score_mode="concat"), [Q, V])
case("attention_concat_scale", lambda: layers.Attention(score_mode="concat", use_scale=True), [Q, V])

MHA = layers.MultiHeadAttention
case("mha", lambda: MHA(2, 3), (2, 3, 4), call_args=[V])
case("mha_self", lambda: MHA(2, 3), Q, call_args=[Q])
case("mha_key", lambda: MHA(2, 3), Q, call_args=[(2, 5, 6), K])
case("mha_value_dim", lambda: MHA(2, 3, value_dim=2), Q, call_args=[V])
case("mha_output_shape", lambda: MHA(2, 3, output_shape=5), Q, call_args=[V])
case("mha_output_shape_two", lambda: MHA(1, 3, output_shape=(2, 3)), Q, call_args=[V])
case("mha_no_bias", lambda: MHA(2, 3, use_bias=False), Q, call_args=[V])
case("mha_scores", lambda: MHA(2, 3), Q, call_args=[V], call_kwargs=SCORES)
case("mha_causal", lambda: MHA(2, 3), Q, call_args=[Q], call_kwargs={"use_causal_mask": True})
case("mha_causal_scores", lambda: MHA(1, 3), Q, call_args=[V], call_kwargs={"use_causal_mask": True, **SCORES})
case("mha_attention_mask", lambda: MHA(2, 3), Q, call_args=[V],
     tensor_kwargs={"attention_mask": np.tril(np.ones((2, 3, 5), bool), 1)})
case("mha_padding_masks", lambda: MHA(2, 3), Q, call_args=[V], tensor_kwargs={"query_mask": QM, "value_mask": VM})
case("mha_key_mask", lambda: MHA(2, 3), Q, call_args=[V, K], tensor_kwargs={"key_mask": VM}, call_kwargs=SCORES)
case("mha_all_masks", lambda: MHA(2, 3), Q, call_args=[V], call_kwargs={"use_causal_mask": True},
     tensor_kwargs={"value_mask": VM, "attention_mask": np.tril(np.ones((2, 3, 5), bool), 2)})
case("mha_dropout_inference", lambda: MHA(2, 3, dropout=0.3), Q, call_args=[V], call_kwargs={"training": False})
case("mha_sliding_window", lambda: MHA(1, 3, sliding_window=1), Q, call_args=[Q], call_kwargs=SCORES)
case("mha_attention_axes", lambda: MHA(1, 2, attention_axes=(1, 2)), (1, 2, 2, 3), call_args=[(1, 2, 3, 3)])
case("mha_attention_axes2", lambda: MHA(1, 2, attention_axes=(2,)), (1, 2, 2, 3), call_args=[(1, 2, 3, 3)])
case("mha_options", lambda: MHA(1, 2, kernel_initializer="he_normal", bias_initializer="ones", kernel_regularizer="l2",
                                bias_regularizer="l1", activity_regularizer="l2", kernel_constraint="max_norm"),
     Q, call_args=[V])
case("mha_float64", lambda: MHA(1, 2, dtype="float64"), np.linspace(-1, 1, 8).reshape(1, 2, 4),
     call_args=[np.linspace(1, -0.5, 12).reshape(1, 3, 4)])
case("mha_bfloat16", lambda: MHA(1, 2, dtype="mixed_bfloat16"), Q, call_args=[V], check=False)

GQA = layers.GroupQueryAttention
case("gqa", lambda: GQA(3, 4, 2), Q, call_args=[V])
case("gqa_one_kv", lambda: GQA(2, 4, 1), Q, call_args=[V])
case("gqa_same", lambda: GQA(2, 2, 2), Q, call_args=[V])
case("gqa_key", lambda: GQA(2, 2, 1), Q, call_args=[V, K])
case("gqa_no_bias", lambda: GQA(2, 2, 1, use_bias=False), Q, call_args=[V])
case("gqa_scores", lambda: GQA(2, 4, 2), Q, call_args=[V], call_kwargs=SCORES)
case("gqa_causal", lambda: GQA(2, 4, 2), Q, call_args=[Q], call_kwargs={"use_causal_mask": True})
case("gqa_masks", lambda: GQA(2, 4, 2), Q, call_args=[V], tensor_kwargs={"query_mask": QM, "value_mask": VM})
case("gqa_attention_mask", lambda: GQA(2, 4, 2), Q, call_args=[V],
     tensor_kwargs={"attention_mask": np.tril(np.ones((2, 3, 5), bool), 1)})
case("gqa_sliding_window", lambda: GQA(2, 2, 1, sliding_window=1), Q, call_args=[Q], call_kwargs=SCORES)
family.save()
