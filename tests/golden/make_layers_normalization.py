# SPDX-License-Identifier: Apache-2.0
"""Batch, layer, group, RMS, unit and spectral normalization, and Normalization."""
import numpy as np

from golden import Family, keras, layer_case

layers = keras.layers
family = Family("layers_normalization", seed=18)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


TRAIN, INFER = {"training": True}, {"training": False}
BN = layers.BatchNormalization
for mode, kwargs in (("train", TRAIN), ("infer", INFER)):
    case(f"batch_{mode}", lambda: BN(), (6, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_rank3", lambda: BN(), (2, 4, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_rank4", lambda: BN(), (2, 3, 2, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_axis1", lambda: BN(axis=1), (2, 3, 2, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_no_center", lambda: BN(center=False), (6, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_no_scale", lambda: BN(scale=False), (6, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_plain", lambda: BN(center=False, scale=False), (6, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_momentum_epsilon", lambda: BN(momentum=0.6, epsilon=0.05), (6, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_mask", lambda: BN(momentum=0.8), (2, 4, 3), call_kwargs=kwargs,
         mask=np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool))
    case(f"batch_{mode}_not_trainable", lambda: BN(trainable=False), (6, 3), call_kwargs=kwargs)
    case(f"batch_{mode}_float64", lambda: BN(dtype="float64"), np.linspace(-1, 1, 12).reshape(6, 2) ** 3,
         call_kwargs=kwargs)
    case(f"batch_{mode}_mixed_float16", lambda: BN(dtype="mixed_float16"), (6, 3), call_kwargs=kwargs, check=False)
    case(f"batch_{mode}_mixed_bfloat16", lambda: BN(dtype="mixed_bfloat16"), (6, 3), call_kwargs=kwargs, check=False)
case("batch_train_twice", lambda: BN(momentum=0.5), (6, 3), call_kwargs=TRAIN, calls=2)
case("batch_default_training", lambda: BN(), (6, 3))
case("batch_train_rank5", lambda: BN(), (2, 2, 2, 2, 2), call_kwargs=TRAIN)
for tag, extra in (("renorm", {}), ("renorm_clipped", {
        "renorm_clipping": {"rmin": 0.5, "rmax": 2.0, "dmax": 1.0}, "renorm_momentum": 0.7})):
    case(f"batch_train_{tag}", lambda: BN(renorm=True, **extra), (6, 3), call_kwargs=TRAIN, check=False)
    case(f"batch_infer_{tag}", lambda: BN(renorm=True, **extra), (6, 3), call_kwargs=INFER)
case("batch_options", lambda: BN(
    beta_initializer="ones", gamma_initializer="uniform", beta_regularizer="l2", gamma_regularizer="l1",
    beta_constraint="non_neg", gamma_constraint="max_norm"), (6, 3), call_kwargs=TRAIN)

LN = layers.LayerNormalization
case("layer", lambda: LN(), (3, 5))
case("layer_rank4", lambda: LN(), (2, 2, 3, 4))
case("layer_axis1", lambda: LN(axis=1), (2, 4, 3))
case("layer_axes", lambda: LN(axis=[1, 2]), (2, 3, 4))
case("layer_axes_apart", lambda: LN(axis=[1, 3]), (2, 3, 2, 4))
case("layer_no_center", lambda: LN(center=False), (3, 5))
case("layer_no_scale", lambda: LN(scale=False), (3, 5))
case("layer_plain", lambda: LN(center=False, scale=False), (3, 5))
case("layer_epsilon", lambda: LN(epsilon=0.1), (3, 5))
case("layer_options", lambda: LN(beta_regularizer="l2", gamma_regularizer="l1", gamma_constraint="non_neg",
                                 beta_initializer="ones", gamma_initializer="zeros"), (3, 5))
case("layer_float64", lambda: LN(dtype="float64"), np.linspace(-1, 1, 12).reshape(3, 4) ** 3)
case("layer_mixed_float16", lambda: LN(dtype="mixed_float16"), (3, 5), check=False)
case("layer_mixed_bfloat16", lambda: LN(dtype="mixed_bfloat16"), (3, 5), check=False)

GN = layers.GroupNormalization
case("group", lambda: GN(groups=2), (2, 3, 4))
case("group_rank4", lambda: GN(groups=3), (2, 2, 3, 6))
case("group_one", lambda: GN(groups=1), (2, 3, 4))
case("group_instance", lambda: GN(groups=-1), (2, 3, 4))
case("group_axis1", lambda: GN(groups=2, axis=1), (2, 4, 2, 3))
case("group_no_center", lambda: GN(groups=2, center=False, epsilon=0.1), (2, 3, 4))
case("group_no_scale", lambda: GN(groups=2, scale=False), (2, 3, 4))
case("group_rank2", lambda: GN(groups=2), (3, 4))

case("rms", lambda: layers.RMSNormalization(), (3, 5))
case("rms_epsilon", lambda: layers.RMSNormalization(epsilon=0.01), (2, 4, 3))
case("rms_axes", lambda: layers.RMSNormalization(axis=[1, 2]), (2, 3, 4))
case("rms_bfloat16", lambda: layers.RMSNormalization(dtype="mixed_bfloat16"), (3, 5), check=False)
case("unit", lambda: layers.UnitNormalization(), (3, 5))
case("unit_axes", lambda: layers.UnitNormalization(axis=(1, 2)), (2, 3, 4))
case("unit_axis1", lambda: layers.UnitNormalization(axis=1), (2, 4, 3))

SN = layers.SpectralNormalization
case("spectral_train", lambda: SN(layers.Dense(3)), (4, 5), call_kwargs=TRAIN, check=False)
case("spectral_infer", lambda: SN(layers.Dense(3)), (4, 5), call_kwargs=INFER)
case("spectral_conv_iterations", lambda: SN(layers.Conv2D(2, 2), power_iterations=3), (1, 3, 3, 2),
     call_kwargs=TRAIN, check=False)

N = layers.Normalization


def keep(rng, weights):
    """mean, variance and count as an adapted layer has them."""
    return [rng.uniform(-1, 1, w.shape).astype("float32") if "mean" in w.name
            else rng.uniform(0.5, 2, w.shape).astype("float32") if "variance" in w.name
            else np.array(7, "int32") for w in weights]


case("normalization_given", lambda: N(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25]), (4, 3))
case("normalization_scalar", lambda: N(axis=None, mean=1.5, variance=4.0), (4, 3))
case("normalization_inverse", lambda: N(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25], invert=True), (4, 3))
case("normalization_axis1", lambda: N(axis=1, mean=[1.0, 2.0], variance=[4.0, 0.5]), (3, 2, 2))
case("normalization_axes", lambda: N(axis=(1, 2), mean=np.arange(6).reshape(2, 3) / 2.0,
                                     variance=np.arange(1, 7).reshape(2, 3) / 2.0), (3, 2, 3))
case("normalization_variables", lambda: N(), (4, 3), weights=keep)
case("normalization_none_variables", lambda: N(axis=None), (4, 3), weights=keep)


def adapted(axis, invert=False):
    layer = N(axis=axis, invert=invert)
    layer.adapt(np.random.default_rng(5).normal(2, 3, (20, 2, 3)).astype("float32"))
    return layer


for tag, axis in (("last", -1), ("none", None), ("axis1", 1), ("axes", (1, 2))):
    case(f"normalization_adapted_{tag}", lambda: adapted(axis), (2, 2, 3),
         weights=lambda rng, weights: [w.numpy() for w in weights], note="adapted to random data")
case("normalization_adapted_inverse", lambda: adapted(-1, True), (2, 2, 3),
     weights=lambda rng, weights: [w.numpy() for w in weights], note="adapted to random data")
family.save()
