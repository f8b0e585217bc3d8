# SPDX-License-Identifier: Apache-2.0
"""Every function of keras.activations, with its gradient."""
import inspect

import numpy as np

from golden import Family, keras, spread, tf, to_json

family = Family("activations", seed=21)
OPTIONS = {
    "relu": [{"negative_slope": 0.1}, {"max_value": 1.0}, {"threshold": 0.5},
             {"negative_slope": 0.2, "max_value": 1.5, "threshold": 0.25}],
    "elu": [{"alpha": 0.4}], "celu": [{"alpha": 0.4}], "leaky_relu": [{"negative_slope": 0.05}],
    "gelu": [{"approximate": True}], "softmax": [{"axis": 0}], "log_softmax": [{"axis": 0}],
    "sparsemax": [{"axis": 0}], "glu": [{"axis": 0}], "squareplus": [{"b": 1}],
    "soft_shrink": [{"threshold": 0.9}], "hard_shrink": [{"threshold": 0.9}],
    "threshold": [{"threshold": 0.3, "default_value": -1.0}],
}


def case(name, fn, x, kwargs):
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = fn(x, **kwargs)
        cotangent = spread(family.rng, tuple(y.shape)).astype(y.dtype.as_numpy_dtype)
        loss = tf.reduce_sum(y * cotangent)
    family.add(name=name, kwargs=to_json(kwargs), x=family.key("x", x), y=family.key("y", y),
               cotangent=family.key("cotangent", cotangent), dx=family.key("dx", tape.gradient(loss, x)))


plain = spread(np.random.default_rng(1), (4, 6), -3.5, 3.5)
wide = np.array([-40, -20, -9.5, -5, -0.3, 0.3, 5.2, 9.5, 20, 40, 88, 100], "float32").reshape(2, 6)
for name, fn in sorted(vars(keras.activations).items()):
    if not inspect.isfunction(fn) or name in ("serialize", "deserialize", "get"):
        continue
    if name != "threshold":
        case(name, fn, plain, {})
        if name != "exponential":
            case(name, fn, wide, {})
        case(name, fn, plain.astype("float64"), {})
        if name in ("relu", "sigmoid", "tanh", "softmax", "gelu", "silu"):
            for dtype in ("float16", "bfloat16"):
                case(name, fn, tf.cast(plain, dtype), {})
    for kwargs in OPTIONS.get(name, []):
        case(name, fn, plain, kwargs)
case("softmax", keras.activations.softmax, spread(family.rng, (2, 2, 3)), {"axis": 1})
family.save()
