# SPDX-License-Identifier: Apache-2.0
"""The dropout family where it draws nothing (inference, rate 0), and ActivityRegularization."""
import numpy as np

from golden import Family, keras, layer_case

layers = keras.layers
family = Family("layers_regularization", seed=63)


def case(name, make, inputs=(2, 3, 4), **kw):
    layer_case(family, name, make, inputs, **kw)


FAMILY = {
    "dropout": (lambda rate: layers.Dropout(rate, seed=3), (2, 3, 4)),
    "dropout_noise_shape": (lambda rate: layers.Dropout(rate, noise_shape=(None, 1, 4)), (2, 3, 4)),
    "alpha_dropout": (lambda rate: layers.AlphaDropout(rate, seed=3), (2, 3, 4)),
    "alpha_dropout_noise_shape": (lambda rate: layers.AlphaDropout(rate, noise_shape=(2, 1, 4)), (2, 3, 4)),
    "gaussian_dropout": (lambda rate: layers.GaussianDropout(rate, seed=3), (2, 3, 4)),
    "gaussian_noise": (lambda rate: layers.GaussianNoise(rate, seed=3), (2, 3, 4)),
    "spatial1d": (lambda rate: layers.SpatialDropout1D(rate, seed=3), (2, 3, 4)),
    "spatial2d": (lambda rate: layers.SpatialDropout2D(rate), (2, 2, 3, 2)),
    "spatial2d_first": (lambda rate: layers.SpatialDropout2D(rate, data_format="channels_first"), (2, 2, 3, 2)),
    "spatial3d": (lambda rate: layers.SpatialDropout3D(rate), (1, 2, 2, 2, 2)),
}
for name, (make, shape) in FAMILY.items():
    case(f"{name}_inference", lambda: make(0.5), shape, call_kwargs={"training": False})
    case(f"{name}_default", lambda: make(0.25), shape)
    case(f"{name}_zero_training", lambda: make(0.0), shape, call_kwargs={"training": True})
case("dropout_masked", lambda: layers.Dropout(0.5), mask=np.array([[1, 0, 1], [1, 1, 0]], bool))
for tag, given in (("none", {}), ("l1", {"l1": 0.02}), ("l2", {"l2": 0.03}), ("both", {"l1": 0.02, "l2": 0.03})):
    case(f"activity_{tag}", lambda: layers.ActivityRegularization(**given))
family.save()
