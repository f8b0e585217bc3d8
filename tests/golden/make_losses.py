# SPDX-License-Identifier: Apache-2.0
"""Every loss class but CTC: values and gradients, reductions, weights and masks."""
import numpy as np

from golden import Family, keras, steep, tf

losses = keras.losses
family = Family("losses", seed=22)
REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def case(cls, y_true, y_pred, weight=None, mask=None, activation=None, **options):
    """activation: y_pred are logits that a softmax or sigmoid op turns into probabilities."""
    loss = getattr(losses, cls)(**options)

    def run(prediction):
        given = tf.constant(prediction)
        with tf.GradientTape() as tape:
            tape.watch(given)
            pred = getattr(keras.ops, activation)(given) if activation else given
            if mask is not None:
                pred._keras_mask = tf.constant(mask)
            value = loss(tf.constant(y_true), pred, sample_weight=weight)
            total = tf.reduce_sum(value)
        return value, tape.gradient(total, given)

    value, grad = run(y_pred)
    if y_pred.dtype.kind == "f" and y_pred.dtype.itemsize > 2:
        nudged = (y_pred + family.rng.uniform(-1, 1, y_pred.shape) * 1e-4).astype(y_pred.dtype)
        if steep([grad], [run(nudged)[1]], 0.02):
            print("near a kink:", cls, options)
    serialized = keras.saving.serialize_keras_object(loss)
    family.add(class_name=cls, config=serialized["config"], serialized=serialized,
               y_true=family.key("y_true", y_true), y_pred=family.key("y_pred", y_pred),
               activation=activation,
               sample_weight=family.key("sample_weight", None if weight is None else np.asarray(weight, "float32")),
               mask=family.key("mask", mask), result=family.key("result", value),
               dy_pred=family.key("dy_pred", grad))


r = np.random.default_rng(22)
T, P = r.uniform(-1, 1, (4, 3)).astype("float32"), r.uniform(-1, 1, (4, 3)).astype("float32")
PT, PP = r.uniform(0.1, 1, (4, 3)).astype("float32"), r.uniform(0.1, 1, (4, 3)).astype("float32")
T3, P3 = r.uniform(0.1, 1, (2, 4, 3)).astype("float32"), r.uniform(0.1, 1, (2, 4, 3)).astype("float32")
BIN = np.array([[1, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 1]], "float32")
PROB = r.uniform(0.05, 0.95, (4, 3)).astype("float32")
LOGIT = r.normal(0, 1.5, (4, 3)).astype("float32")
IDS = np.array([2, 0, 1, 2], "int32")
HOT = np.eye(3, dtype="float32")[IDS]
SOFT = (lambda z: z / z.sum(-1, keepdims=True))(r.uniform(0.1, 1, (4, 3)).astype("float32"))
DIST = (lambda z: z / z.sum(-1, keepdims=True))(r.uniform(0.1, 1, (4, 3)).astype("float32"))
RAW = r.uniform(0.1, 0.9, (4, 3)).astype("float32")
IDS3 = np.array([[0, 1, 2, 1], [2, 2, 0, 1]], "int32")
HOT3 = np.eye(3, dtype="float32")[IDS3]
DIST3 = (lambda z: z / z.sum(-1, keepdims=True))(r.uniform(0.1, 1, (2, 4, 3)).astype("float32"))
LOGIT3 = r.normal(0, 1.5, (2, 4, 3)).astype("float32")
W = np.array([0.5, 2, 0, 1.5], "float32")
W2 = np.array([[0.5, 2, 0, 1.5], [1, 0.25, 3, 1]], "float32")
MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool)
MASK1 = np.array([1, 0, 1, 1], bool)

SIMPLE = [  # class, y_true, y_pred, and the 3-dimensional pair
    ("MeanSquaredError", T, P, T3, P3), ("MeanAbsoluteError", T, P, T3, P3),
    ("MeanAbsolutePercentageError", PT, P, T3, P3), ("MeanSquaredLogarithmicError", PT, PP, T3, P3),
    ("Huber", T, P * 3, T3, P3 * 3), ("LogCosh", T, P, T3, P3), ("Poisson", PT, PP, T3, P3),
    ("KLDivergence", SOFT, DIST, HOT3 * 0.8 + 0.05, DIST3), ("CosineSimilarity", T, P, T3, P3),
    ("Hinge", BIN, P, HOT3, LOGIT3), ("SquaredHinge", BIN, P, HOT3, LOGIT3),
    ("CategoricalHinge", HOT, P, HOT3, LOGIT3), ("BinaryCrossentropy", BIN, PROB, HOT3, DIST3),
    ("BinaryFocalCrossentropy", BIN, PROB, HOT3, DIST3), ("CategoricalCrossentropy", HOT, DIST, HOT3, DIST3),
    ("CategoricalFocalCrossentropy", HOT, DIST, HOT3, DIST3),
    ("SparseCategoricalCrossentropy", IDS, DIST, IDS3, DIST3),
    ("CategoricalGeneralizedCrossEntropy", IDS, DIST, IDS3, DIST3),
]
for cls, t, p, t3, p3 in SIMPLE:
    for reduction in REDUCTIONS:
        case(cls, t, p, reduction=reduction)
        if reduction in ("sum", "sum_over_batch_size", "mean_with_sample_weight"):
            case(cls, t, p, weight=W, reduction=reduction)
    case(cls, t, p, weight=W[:, None])
    case(cls, t, p, weight=np.float32(2.5))
    case(cls, t, p, mask=MASK1)
    case(cls, t3, p3)
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
        case(cls, t3, p3, mask=MASK, reduction=reduction)
        case(cls, t3, p3, mask=MASK, weight=W2, reduction=reduction)
    case(cls, t3, p3, weight=W2[:, :1])
    case(cls, t.astype("float64") if t.dtype.kind == "f" else t, p.astype("float64"), dtype="float64")
    case(cls, t, p, name="named")

family.save()
family = Family("losses_options", seed=23)
for q in (0.2, 0.9):
    case("CategoricalGeneralizedCrossEntropy", IDS, DIST, q=q)
for delta in (0.3, 2.0):
    case("Huber", T, P * 3, delta=delta)
case("CosineSimilarity", T, P, axis=0)
case("CosineSimilarity", T3, P3, axis=1)
case("Hinge", BIN * 2 - 1, P)
case("SquaredHinge", BIN * 2 - 1, P)
case("LogCosh", T * 30, P)
for t, p in ((T[:, 0], P[:, :1]), (T[:, :1], P[:, 0]), (T[:, 0], P[:, 0])):
    case("MeanSquaredError", t, p)
    case("MeanAbsoluteError", t, p)
case("MeanSquaredError", (T * 4).astype("int32"), P)

NEAR = np.array([[0.0, 1.0, 0.5], [1e-9, 1 - 1e-9, 0.25]], "float32")
for cls in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
    for smoothing in (0.0, 0.2):
        case(cls, BIN, PROB, label_smoothing=smoothing)
        case(cls, BIN, LOGIT, from_logits=True, label_smoothing=smoothing)
        case(cls, BIN, LOGIT, activation="sigmoid", label_smoothing=smoothing)
    case(cls, BIN, LOGIT * 20, from_logits=True)
    case(cls, BIN[:2], NEAR)
    case(cls, BIN, PROB, axis=0, reduction="none")
    case(cls, BIN[:, 0], PROB[:, :1])
    case(cls, BIN.astype("int32"), PROB)
    case(cls, HOT3, LOGIT3, from_logits=True, mask=MASK)
for options in ({"alpha": 0.6, "apply_class_balancing": True}, {"gamma": 1.0}, {"gamma": 3.0, "alpha": 0.1}):
    case("BinaryFocalCrossentropy", BIN, PROB, **options)
    case("BinaryFocalCrossentropy", BIN, LOGIT, from_logits=True, **options)

for cls in ("CategoricalCrossentropy", "CategoricalFocalCrossentropy"):
    for t in (HOT, SOFT):
        for smoothing in (0.0, 0.3):
            case(cls, t, RAW, label_smoothing=smoothing)
            case(cls, t, LOGIT, from_logits=True, label_smoothing=smoothing)
            case(cls, t, LOGIT, activation="softmax", label_smoothing=smoothing)
    case(cls, HOT, LOGIT * 20, from_logits=True)
    case(cls, HOT[:2], NEAR)
    case(cls, HOT3, DIST3, reduction="none")
    case(cls, HOT3.transpose(0, 2, 1), LOGIT3.transpose(0, 2, 1), axis=1, from_logits=True, reduction="none")
    case(cls, HOT.astype("int32"), RAW)
for options in ({"alpha": 0.6}, {"gamma": 1.0}, {"gamma": 3.0, "alpha": [0.2, 0.3, 0.5]}):
    case("CategoricalFocalCrossentropy", HOT, RAW, **options)
    case("CategoricalFocalCrossentropy", HOT, LOGIT, from_logits=True, **options)

cls = "SparseCategoricalCrossentropy"
for t in (IDS, IDS[:, None], IDS.astype("int64"), IDS.astype("float32"), IDS.astype("uint8")):
    case(cls, t, RAW)
    case(cls, t, LOGIT, from_logits=True)
case(cls, IDS, LOGIT, activation="softmax")
case(cls, IDS, LOGIT * 20, from_logits=True)
case(cls, IDS[:2], NEAR)
for ignore in (0, 2):
    case(cls, IDS, RAW, ignore_class=ignore)
    case(cls, IDS, LOGIT, ignore_class=ignore, from_logits=True, reduction="none")
    case(cls, IDS3, LOGIT3, ignore_class=ignore, from_logits=True)
case(cls, np.array([0, -1, 1, 2], "int32"), LOGIT, ignore_class=-1, from_logits=True)
case(cls, IDS3, LOGIT3, from_logits=True, weight=W2)
case(cls, IDS3[..., None], LOGIT3, from_logits=True)

for cls, options in (("Dice", {}), ("Tversky", {}), ("Tversky", {"alpha": 0.3, "beta": 0.7})):
    for axis in (None, (1, 2), (0, 2), 1):
        for reduction in ("sum_over_batch_size", "none", "sum"):
            case(cls, HOT3, DIST3, axis=axis, reduction=reduction, **options)
    case(cls, HOT3, DIST3, axis=(1, 2), weight=np.array([0.5, 2], "float32"), **options)
    case(cls, BIN, PROB, **options)

unit = P / np.linalg.norm(P, axis=-1, keepdims=True)
labels = np.array([0, 1, 0, 1], "int32")
for options in ({}, {"gamma": 8.0}, {"gamma": 8.0, "margin": 0.2}, {"gamma": 8.0, "remove_diagonal": False},
                {"gamma": 8.0, "reduction": "none"}, {"gamma": 8.0, "reduction": "sum"}):
    case("Circle", labels, unit, **options)
case("Circle", labels, unit, gamma=8.0, weight=W)
family.save()
