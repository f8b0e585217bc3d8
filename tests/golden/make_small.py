# SPDX-License-Identifier: Apache-2.0
"""Learning rate schedules, constraints, regularizers and initializers."""
import numpy as np

from golden import Family, keras, spread, tf, to_json, to_numpy

serialize = keras.saving.serialize_keras_object

# Schedules: values at steps
family = Family("schedules", seed=71)
s = keras.optimizers.schedules


def schedule(value):
    steps = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 15, 19, 20, 21, 25, 30, 50, 100], "int64")
    given = serialize(value)
    values = np.array([to_numpy(value(int(n))) for n in steps], "float32")
    family.add(class_name=type(value).__name__, config=given["config"], serialized=given,
               steps=family.key("steps", steps), values=family.key("values", values))


for stairs in (False, True):
    schedule(s.ExponentialDecay(0.1, 10, 0.9, staircase=stairs))
    schedule(s.ExponentialDecay(0.5, 7, 0.3, staircase=stairs, name="other"))
    schedule(s.InverseTimeDecay(0.1, 10, 0.5, staircase=stairs))
schedule(s.PiecewiseConstantDecay([5, 10, 20], [1.0, 0.5, 0.2, 0.1]))
schedule(s.PiecewiseConstantDecay([10], [0.3, 0.03], name="named"))
for options in ({}, {"end_learning_rate": 0.01}, {"power": 2.0}, {"power": 0.5, "cycle": True}, {"cycle": True}):
    schedule(s.PolynomialDecay(0.1, 12, **options))
for options in ({}, {"alpha": 0.2}, {"warmup_target": 0.2, "warmup_steps": 5},
                {"alpha": 0.1, "warmup_target": 0.3, "warmup_steps": 10}):
    schedule(s.CosineDecay(0.1, 20, **options))
for options in ({}, {"t_mul": 1.0}, {"t_mul": 1.5, "m_mul": 0.8}, {"alpha": 0.1, "m_mul": 0.5}):
    schedule(s.CosineDecayRestarts(0.1, 6, **options))
family.save()

# Constraints
family = Family("constraints", seed=72)
c = keras.constraints


def constraint(value, w):
    given = serialize(value)
    family.add(class_name=type(value).__name__, config=given["config"], serialized=given,
               w=family.key("w", w), result=family.key("result", value(tf.constant(w))))


matrix, kernel = spread(family.rng, (4, 3)), spread(family.rng, (2, 2, 3, 2))
for w in (matrix, kernel, matrix[:, 0]):
    constraint(c.NonNeg(), w)
    axes = (0,) if w.ndim == 1 else (0, 1) if w.ndim == 2 else (0, [0, 1, 2], -1)
    for axis in axes:
        constraint(c.MaxNorm(axis=axis), w)
        constraint(c.MaxNorm(0.7, axis=axis), w)
        constraint(c.UnitNorm(axis=axis), w)
        constraint(c.MinMaxNorm(axis=axis), w)
        constraint(c.MinMaxNorm(0.5, 1.2, 0.6, axis=axis), w)
constraint(c.MaxNorm(1.0), matrix.astype("float64"))
constraint(c.UnitNorm(), np.zeros((2, 2), "float32"))
family.save()

# Regularizers: value and gradient
family = Family("regularizers", seed=73)
r = keras.regularizers


def regularizer(value, w):
    given = serialize(value)
    w = tf.constant(w)
    with tf.GradientTape() as tape:
        tape.watch(w)
        result = value(w)
    family.add(class_name=type(value).__name__, config=given["config"], serialized=given, w=family.key("w", w),
               result=family.key("result", result), gradient=family.key("gradient", tape.gradient(result, w)))


for w in (matrix, kernel, matrix[:, 0], matrix.astype("float64")):
    for value in (r.L1(), r.L1(0.2), r.L2(), r.L2(0.3), r.L1L2(), r.L1L2(0.1, 0.2), r.get("l2")):
        regularizer(value, w)
for mode in ("rows", "columns"):
    regularizer(r.OrthogonalRegularizer(mode=mode), matrix)
    regularizer(r.OrthogonalRegularizer(0.5, mode=mode), spread(family.rng, (3, 3)))
family.save()

# Initializers
family = Family("initializers", seed=74)
i = keras.initializers


def exact(value, shape, dtype="float32"):
    given = serialize(value)
    family.add(kind="exact", class_name=type(value).__name__, config=given["config"], serialized=given,
               shape=to_json(shape), dtype=dtype, value=family.key("value", value(shape, dtype=dtype)))


def random(make, shape, dtype="float32"):
    """Statistics over at least 200 thousand numbers drawn with several seeds."""
    rounds = max(1, -(-200_000 // int(np.prod(shape))))
    rounds = min(rounds, 200)
    drawn = np.concatenate([to_numpy(make(seed)(shape, dtype=dtype)).ravel() for seed in range(1, rounds + 1)])
    given = serialize(make(1))
    n = drawn.size
    family.add(kind="random", class_name=type(make(1)).__name__, config=given["config"], serialized=given,
               shape=to_json(shape), dtype=dtype, count=n, mean=float(drawn.mean(dtype="float64")),
               std=float(drawn.std(dtype="float64")), min=float(drawn.min()), max=float(drawn.max()),
               quantiles=np.quantile(drawn, [0.05, 0.25, 0.5, 0.75, 0.95]).tolist())


for shape in ((3,), (2, 3), ()):
    exact(i.Zeros(), shape)
    exact(i.Ones(), shape)
    exact(i.Constant(), shape)
    exact(i.Constant(2.5), shape)
exact(i.Ones(), (2,), "float64")
exact(i.Zeros(), (2,), "int32")
exact(i.Constant([1.0, 2.0, 3.0]), (3,))
for shape in ((3, 3), (2, 4), (4, 2)):
    exact(i.Identity(), shape)
    exact(i.Identity(0.5), shape)
for options in ({}, {"side": "imag"}, {"window": "hamming"}, {"scaling": "spectrum"}, {"periodic": True},
                {"window": None, "scaling": None}):
    exact(i.STFT(**options), (16, 1, 9))
for shape in ((200, 1000), (3, 3, 30, 50), (500,), (3, 200, 100)):
    for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"):
        random(lambda seed: getattr(i, name)(seed=seed), shape)
    random(lambda seed: i.RandomUniform(seed=seed), shape)
    random(lambda seed: i.RandomNormal(seed=seed), shape)
    random(lambda seed: i.TruncatedNormal(seed=seed), shape)
for mode in ("fan_in", "fan_out", "fan_avg"):
    for distribution in ("truncated_normal", "untruncated_normal", "uniform"):
        random(lambda seed: i.VarianceScaling(2.0, mode, distribution, seed=seed), (100, 2000))
random(lambda seed: i.RandomUniform(-2, 5, seed=seed), (200, 1000))
random(lambda seed: i.RandomNormal(1.0, 2.0, seed=seed), (200, 1000))
random(lambda seed: i.TruncatedNormal(1.0, 2.0, seed=seed), (200, 1000), "float64")
random(lambda seed: i.GlorotUniform(seed=seed, input_axes=[0, 1], output_axes=[2]), (20, 10, 1000))
for shape in ((40, 60), (60, 40), (3, 5, 40), (50, 50)):
    for gain in (1.0, 1.5):
        value = i.Orthogonal(gain, seed=1)
        flat = to_numpy(value(shape)).reshape(-1, shape[-1])
        small = flat.T @ flat if flat.shape[0] > flat.shape[1] else flat @ flat.T
        assert np.allclose(small, gain ** 2 * np.eye(len(small)), atol=1e-4)
        given = serialize(value)
        family.add(kind="orthogonal", class_name="Orthogonal", config=given["config"], serialized=given,
                   shape=to_json(shape), dtype="float32",
                   orthogonal="columns" if flat.shape[0] > flat.shape[1] else "rows", scale=gain ** 2)
family.save()
