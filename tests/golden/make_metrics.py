# SPDX-License-Identifier: Apache-2.0
"""Every class of keras.metrics over several updates."""
import inspect

import numpy as np

from golden import Family, keras, tf, to_numpy

metrics = keras.metrics
family = Family("metrics", seed=41)
seen = set()


def case(cls, updates, _values=False, **options):
    """updates: (y_true, y_pred[, sample_weight[, mask]]), or (values[, sample_weight]) for Mean and Sum."""
    keras.utils.clear_session()
    seen.add(cls)
    metric = getattr(metrics, cls)(**options)
    serialized = keras.saving.serialize_keras_object(metric)
    fields = dict(class_name=cls, config=serialized["config"], serialized=serialized, updates=[], results=[])
    for i, update in enumerate(updates):
        if _values:
            values, weight = (tuple(update) + (None,))[:2]
            metric.update_state(values, sample_weight=weight)
            stored = {"values": family.key(f"values{i}", values)}
        else:
            y_true, y_pred, weight, mask = (tuple(update) + (None, None))[:4]
            pred = tf.constant(y_pred)
            if mask is not None:
                pred._keras_mask = tf.constant(mask)
            metric.update_state(tf.constant(y_true), pred, sample_weight=weight)
            stored = {"y_true": family.key(f"true{i}", y_true), "y_pred": family.key(f"pred{i}", y_pred)}
            stored["mask"] = family.key(f"mask{i}", mask)
        stored["sample_weight"] = family.key(f"weight{i}", None if weight is None else np.asarray(weight, "float32"))
        fields["updates"].append(stored)
        fields["results"].append(family.key(f"result{i}", metric.result()))
    fields["variables"] = [{"name": v.name, "path": v.path, "dtype": v.dtype, "key": family.key(f"v{i}", v)}
                           for i, v in enumerate(metric.variables)]
    metric.reset_state()
    fields["result_after_reset"] = family.key("reset", metric.result(), finite_only=False)
    family.add(**fields)


r = np.random.default_rng(41)


def f32(a):
    return np.asarray(a, "float32")


def pairs(make_true, make_pred):
    return [(make_true(), make_pred()) for _ in range(2)]


def soft(shape):
    z = r.uniform(0.1, 1, shape)
    return f32(z / z.sum(-1, keepdims=True))


def hot(*shape):
    return np.eye(3, dtype="float32")[r.integers(0, 3, shape)]


def real(*shape):
    return f32(r.uniform(-1, 1, shape))


def positive(*shape):
    return f32(r.uniform(0.1, 1, shape))


def prob(*shape):
    n = int(np.prod(shape))
    return f32((r.permutation(n) + 0.5) / n * 0.96 + 0.02).reshape(shape)


def binary(*shape):
    return f32(r.integers(0, 2, shape))


W, W2 = f32([0.5, 2, 0, 1.5]), f32([[0.5, 2, 0, 1.5], [1, 0.25, 3, 1]])
MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool)


def standard(cls, true, pred, **options):
    """Plain, weighted, weighted per step with mask, mask only."""
    flat = [(true(4), pred(4)) for _ in range(2)]
    case(cls, flat, **options)
    case(cls, [u + (W,) for u in flat], **options)
    deep = (true(2, 4), pred(2, 4))
    case(cls, [deep, deep + (W2,), deep + (None, MASK), deep + (W2, MASK)], **options)


# Reductions
for cls in ("Mean", "Sum"):
    case(cls, [(f32([1, 3, 5]),), (f32([[2, 4], [6, 8.5]]),)], _values=True)
    case(cls, [(f32([1, 3, 5, 7]), W), (np.float32(2),)], _values=True, name="other")
    case(cls, [(f32([[1, 3], [5, 7]]), f32([1, 0.5]))], _values=True)
    case(cls, [(f32([[1, 3], [5, 7]]), f32([[1], [0.5]]))], _values=True, dtype="float64")

# Regression
for cls in ("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "LogCoshError"):
    standard(cls, lambda *s: real(*s, 3), lambda *s: real(*s, 3))
for cls in ("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "Poisson"):
    standard(cls, lambda *s: positive(*s, 3), lambda *s: positive(*s, 3))
standard("CosineSimilarity", lambda *s: real(*s, 3), lambda *s: real(*s, 3))
case("CosineSimilarity", [(real(4, 3), real(4, 3))], axis=0)
standard("KLDivergence", lambda *s: soft(s + (3,)), lambda *s: soft(s + (3,)))
case("MeanSquaredError", [(real(4), real(4, 1))])
case("MeanSquaredError", [(r.integers(0, 4, 4).astype("int32"), real(4, 1))], dtype="float64")
for cls in ("Hinge", "SquaredHinge"):
    standard(cls, lambda *s: binary(*s, 3), lambda *s: real(*s, 3))
standard("CategoricalHinge", lambda *s: hot(*s), lambda *s: real(*s, 3))
for options in ({}, {"class_aggregation": "variance_weighted_average"}, {"class_aggregation": None},
                {"num_regressors": 2}):
    case("R2Score", [(real(5, 2), real(5, 2)), (real(5, 2), real(5, 2))], **options)
    case("R2Score", [(real(4, 2), real(4, 2), W)], **options)
for cls in ("PearsonCorrelation", "ConcordanceCorrelation"):
    case(cls, [(real(4, 6), real(4, 6)), (real(4, 6), real(4, 6))])
    case(cls, [(real(4, 6), real(4, 6))], axis=0)
    case(cls, [(real(4, 6), real(4, 6), W)])

# Accuracy
case("Accuracy", [(f32([1, 2, 3, 4]), f32([0, 2, 3, 4])), (f32([1, 2, 3, 4]), f32([1, 2, 2, 2]), W)])
case("Accuracy", [(f32([[1], [2]]), f32([[1], [3]]))])
standard("BinaryAccuracy", lambda *s: binary(*s, 3), lambda *s: prob(*s, 3))
case("BinaryAccuracy", [(binary(4, 1), prob(4, 1)), (binary(4), prob(4, 1))], threshold=0.7)
standard("CategoricalAccuracy", lambda *s: hot(*s), lambda *s: soft(s + (3,)))
standard("SparseCategoricalAccuracy", lambda *s: r.integers(0, 3, s).astype("int32"), lambda *s: soft(s + (3,)))
case("SparseCategoricalAccuracy", [(r.integers(0, 3, (4, 1)).astype("int64"), soft((4, 3)))])
case("SparseCategoricalAccuracy", [(f32(r.integers(0, 3, 4)), soft((4, 3)))])
for k in (1, 2, 5):
    case("TopKCategoricalAccuracy", pairs(lambda: np.eye(6, dtype="float32")[r.integers(0, 6, 5)],
                                          lambda: prob(5, 6)), k=k)
    case("SparseTopKCategoricalAccuracy", pairs(lambda: r.integers(0, 6, 5).astype("int32"),
                                                lambda: prob(5, 6)), k=k)
case("SparseTopKCategoricalAccuracy", [(np.array([1, 2], "int32"), np.array([[4, 1, 2], [0, 3, 2]], "int32"))],
     k=2, from_sorted_ids=True)
case("TopKCategoricalAccuracy", [(hot(4), prob(4, 3), W)], k=2)

# Crossentropies
standard("BinaryCrossentropy", lambda *s: binary(*s, 3), lambda *s: prob(*s, 3))
standard("CategoricalCrossentropy", lambda *s: hot(*s), lambda *s: soft(s + (3,)))
standard("SparseCategoricalCrossentropy", lambda *s: r.integers(0, 3, s).astype("int32"), lambda *s: soft(s + (3,)))
case("BinaryCrossentropy", [(binary(4, 3), real(4, 3) * 3)], from_logits=True)
case("BinaryCrossentropy", [(binary(4, 3), prob(4, 3))], label_smoothing=0.2)
case("CategoricalCrossentropy", [(hot(4), real(4, 3) * 3)], from_logits=True)
case("CategoricalCrossentropy", [(hot(4), soft((4, 3)))], label_smoothing=0.2)
ids = np.array([0, 1, 2, 1], "int32")
case("SparseCategoricalCrossentropy", [(ids, real(4, 3) * 3)], from_logits=True)
case("SparseCategoricalCrossentropy", [(ids, soft((4, 3)))], ignore_class=1)

# Confusion matrix
for cls in ("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives", "Precision", "Recall"):
    case(cls, pairs(lambda: binary(6), lambda: prob(6)))
    case(cls, [(binary(4, 3), prob(4, 3)), (binary(4, 3), prob(4, 3), W)], thresholds=0.3)
    case(cls, [(binary(4, 3), prob(4, 3)), (binary(4, 3), prob(4, 3), W)], thresholds=[0.0, 0.5, 0.9])
    case(cls, [(binary(4), prob(4), W)], name="n")
for cls in ("Precision", "Recall"):
    case(cls, pairs(lambda: binary(4, 5), lambda: prob(4, 5)), top_k=2)
    case(cls, pairs(lambda: binary(4, 3), lambda: prob(4, 3)), class_id=1)
    case(cls, pairs(lambda: binary(4, 5), lambda: prob(4, 5)), top_k=3, class_id=2)
    case(cls, [(np.zeros(3, "float32"), f32([0.1, 0.2, 0.3]))])
for curve in ("ROC", "PR"):
    for summation in ("interpolation", "minoring", "majoring"):
        case("AUC", pairs(lambda: binary(12), lambda: prob(12)), curve=curve, summation_method=summation,
             num_thresholds=20)
    case("AUC", [(binary(12), prob(12), positive(12))], curve=curve)
    case("AUC", pairs(lambda: binary(8, 3), lambda: prob(8, 3)), curve=curve, multi_label=True, num_thresholds=10)
case("AUC", pairs(lambda: binary(8), lambda: prob(8)), thresholds=[0.2, 0.5, 0.8])
case("AUC", [(binary(8), real(8) * 3)], from_logits=True, num_thresholds=10)
case("AUC", [(binary(8, 3), prob(8, 3))], multi_label=True, num_labels=3, label_weights=[0.2, 0.5, 0.3],
     num_thresholds=10)
case("AUC", [(binary(8, 1), prob(8, 1))], num_thresholds=10)
for cls, value in (("PrecisionAtRecall", {"recall": 0.6}), ("RecallAtPrecision", {"precision": 0.6}),
                   ("SensitivityAtSpecificity", {"specificity": 0.6}),
                   ("SpecificityAtSensitivity", {"sensitivity": 0.6})):
    case(cls, pairs(lambda: binary(12), lambda: prob(12)), **value)
    case(cls, [(binary(12), prob(12), positive(12))], num_thresholds=10, **value)
    case(cls, pairs(lambda: binary(6, 3), lambda: prob(6, 3)), class_id=2, num_thresholds=10, **value)

# F scores
for average in (None, "micro", "macro", "weighted"):
    case("F1Score", pairs(lambda: hot(6), lambda: prob(6, 3)), average=average)
    case("FBetaScore", pairs(lambda: hot(6), lambda: prob(6, 3)), average=average, beta=2.0, threshold=0.5)
    case("F1Score", [(hot(4), prob(4, 3), W)], average=average, threshold=0.4)

# Intersection over union
labels = [(np.array([[0, 1, 2], [2, 1, 0]], "int32"), np.array([[0, 2, 2], [2, 1, 1]], "int32")),
          (np.array([[0, 0, 1], [2, 2, 0]], "int32"), np.array([[0, 1, 1], [2, 0, 0]], "int32"))]
weights = f32([[0.5, 1, 0.25], [1, 2, 0]])
case("IoU", labels, num_classes=3, target_class_ids=[0, 2])
case("IoU", [u + (weights,) for u in labels], num_classes=3, target_class_ids=[1])
case("IoU", labels, num_classes=3, target_class_ids=[0, 1], ignore_class=2)
case("MeanIoU", labels, num_classes=3)
case("MeanIoU", [u + (weights,) for u in labels], num_classes=3, ignore_class=0)
case("IoU", [(hot(2, 4), prob(2, 4, 3))], num_classes=3, target_class_ids=[0, 1], sparse_y_true=False,
     sparse_y_pred=False)
case("OneHotIoU", [(hot(2, 4), prob(2, 4, 3)), (hot(2, 4), prob(2, 4, 3), W2)], num_classes=3, target_class_ids=[0, 2])
case("OneHotIoU", [(hot(2, 4), r.integers(0, 3, (2, 4)).astype("int32"))], num_classes=3, target_class_ids=[1],
     sparse_y_pred=True)
case("OneHotMeanIoU", [(hot(2, 4), prob(2, 4, 3)), (hot(2, 4), prob(2, 4, 3), W2)], num_classes=3)
case("BinaryIoU", pairs(lambda: binary(8), lambda: prob(8)))
case("BinaryIoU", [(binary(4), prob(4), W)], target_class_ids=[1], threshold=0.3)

missing = {n for n, c in vars(metrics).items() if inspect.isclass(c)} - seen - {"Metric", "MeanMetricWrapper"}
assert not missing, missing
family.save()
