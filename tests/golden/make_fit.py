# SPDX-License-Identifier: Apache-2.0
"""What fit and evaluate log for tiny models: every key and value of every epoch."""
import json

import numpy as np

from golden import Family, keras, set_weights, to_json, to_numpy, tree

layers, losses, metrics, opt = keras.layers, keras.losses, keras.metrics, keras.optimizers
family = Family("fit", seed=101)
r = np.random.default_rng(101)
N = 70


def f32(a):
    return np.round(np.asarray(a, "float64") * 64).astype("float32") / 64  # few bits: compresses well


X = f32(r.uniform(-1, 1, (N, 4)))
X2 = f32(r.uniform(-1, 1, (N, 2)))
Y = f32(X @ np.array([[1], [-1], [0.5], [0.25]]) + r.normal(0, 0.1, (N, 1)))
IDS = (np.argmax(X[:, :3] + r.normal(0, 0.3, (N, 3)), -1)).astype("int32")
HOT = np.eye(3, dtype="float32")[IDS]
BIN = (X[:, :1] > 0).astype("float32")
W = f32(r.uniform(0, 2, N))
TOKENS = r.integers(1, 6, (N, 5)).astype("int32") * (np.arange(5) < r.integers(1, 6, (N, 1))).astype("int32")
STEP_IDS = (TOKENS % 3).astype("int32")
STEP_W = f32(r.uniform(0, 2, (N, 5)))
STEPS = f32(r.uniform(-1, 1, (N, 5, 2))) * (TOKENS > 0)[..., None].astype("float32")


def regression(**options):
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="tanh", name="hidden", **options),
                             layers.Dense(1, name="out")], name="regression")


def classifier(activation="softmax", units=3):
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, activation="tanh", name="hidden"),
                             layers.Dense(units, activation=activation, name="out")], name="classifier")


def tagger(activation=None, mask_zero=True):
    return keras.Sequential([layers.Input((5,), dtype="int32"), layers.Embedding(6, 3, mask_zero=mask_zero, name="embed"),
                             layers.LSTM(3, return_sequences=True, name="lstm"),
                             layers.Dense(3, activation=activation, name="out")], name="tagger")


def masked_sequence():
    return keras.Sequential([layers.Input((5, 2)), layers.Masking(name="masking"),
                             layers.SimpleRNN(3, return_sequences=True, name="rnn"), layers.Dense(1, name="out")],
                            name="masked")


def two_outputs():
    a, b = keras.Input((4,), name="first"), keras.Input((2,), name="second")
    h = layers.Dense(4, activation="tanh", name="hidden")(layers.Concatenate(name="join")([a, b]))
    return keras.Model([a, b], [layers.Dense(1, name="value")(h), layers.Dense(3, activation="softmax", name="kind")(h)],
                       name="two_outputs")


def dict_outputs():
    a = keras.Input((4,), name="first")
    h = layers.Dense(4, activation="tanh", name="hidden")(a)
    return keras.Model({"first": a}, {"value": layers.Dense(1, name="v")(h), "kind": layers.Dense(3, name="k")(h)},
                       name="dict_outputs")


def batchnorm():
    return keras.Sequential([layers.Input((4,)), layers.Dense(5, name="hidden"), layers.BatchNormalization(momentum=0.8, name="bn"),
                             layers.ReLU(name="relu"), layers.Dropout(0.0, name="drop"), layers.Dense(1, name="out")],
                            name="batchnorm")


def penalized():
    return keras.Sequential([
        layers.Input((4,)), layers.Dense(5, activation="tanh", name="hidden", kernel_regularizer="l2", bias_regularizer="l1"),
        layers.ActivityRegularization(l1=0.01, l2=0.02, name="activity"),
        layers.Dense(1, name="out", activity_regularizer=keras.regularizers.L2(0.05))], name="penalized")


class Batches(keras.callbacks.Callback):
    """Keeps the running logs after every batch."""

    def __init__(self):
        super().__init__()
        self.logs = []

    def on_train_batch_end(self, batch, logs=None):
        self.logs.append({k: float(v) for k, v in logs.items()})


def case(name, make, x, y, compile_args, sample_weight=None, epochs=3, callbacks=(), evaluate_weight=True, validation=None,
         **fit):
    """validation: (x, y) or (x, y, weights) given as validation_data."""
    keras.utils.clear_session()
    model = make()
    set_weights(np.random.default_rng(7), model.weights)
    compile_args = compile_args() if callable(compile_args) else compile_args
    model.compile(jit_compile=False, **compile_args)
    fields = dict(
        name=name, model=json.loads(model.to_json()), compile_config=to_json(model.get_compile_config()),
        weights=[{"path": w.path, "key": family.key(f"w{i}", w)} for i, w in enumerate(model.weights)],
        x=family.structure("x", x), y=family.structure("y", y), sample_weight=family.structure("sw", sample_weight),
        fit_kwargs=to_json({"epochs": epochs, "batch_size": 32, "shuffle": False, **fit}),
        validation_data=family.structure("val", list(validation)) if validation else None)
    batches = Batches()
    kept = [c() for c in callbacks]
    fields["callbacks"] = [
        {"class_name": type(c).__name__, "kwargs": dict(m)} for c, m in zip(kept, [getattr(m, "kwargs", {}) for m in callbacks])]
    history = model.fit(x, y, sample_weight=sample_weight, epochs=epochs, batch_size=32, shuffle=False, verbose=0,
                        validation_data=validation, callbacks=[batches] + kept, **fit)
    fields["history"] = {k: [float(v) for v in values] for k, values in history.history.items()}
    fields["epochs_run"] = list(history.epoch)
    fields["batch_logs"] = batches.logs
    fields["metrics_names"] = model.metrics_names
    fields["final_weights"] = [family.key(f"f{i}", w) for i, w in enumerate(model.weights)]
    fields["loss_scale"] = float(to_numpy(model.optimizer.dynamic_scale)) if hasattr(model.optimizer, "dynamic_scale") else None
    fields["optimizer_iterations"] = int(to_numpy(model.optimizer.iterations))

    def evaluated(weight):
        return model.evaluate(x, y, sample_weight=weight, batch_size=32, verbose=0, return_dict=True)

    fields["evaluate"] = {k: float(v) for k, v in evaluated(None).items()}
    fields["evaluate_list"] = np.ravel(model.evaluate(x, y, batch_size=32, verbose=0)).tolist()
    fields["evaluate_weighted"] = (
        None if sample_weight is None else {k: float(v) for k, v in evaluated(sample_weight).items()})
    first = tree.map_structure(lambda a: a[:3], x)
    fields["predict_3"] = family.structure("p", tree.map_structure(np.asarray, model.predict(first, verbose=0)))
    family.add(**fields)


def made(cls, **kwargs):
    def make():
        return cls(**kwargs)
    make.kwargs = kwargs
    return make


SGD = {"optimizer": "sgd", "loss": "mse"}
case("plain", regression, X, Y, SGD)
case("no_loss_name_adam", regression, X, Y, lambda: {"optimizer": opt.Adam(0.02), "loss": losses.MeanSquaredError(), "metrics": ["mae"]})
case("accumulated_steps_4", regression, X, Y, lambda: {"optimizer": opt.Adam(0.02, gradient_accumulation_steps=4), "loss": "mse"})
for reduction in ("sum", "sum_over_batch_size", "mean", "mean_with_sample_weight"):
    for weight in (None, W):
        case(f"reduction_{reduction}{'_weighted' if weight is not None else ''}", regression, X, Y,
             lambda: {"optimizer": opt.SGD(0.005), "loss": losses.MeanAbsoluteError(reduction=reduction), "metrics": ["mse"],
                      "weighted_metrics": ["mse"]}, sample_weight=weight, epochs=2)
case("weights_1d", classifier, X, IDS, {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["acc"],
     "weighted_metrics": ["acc"]}, sample_weight=W)
case("weights_column", regression, X, Y, {**SGD, "metrics": ["mae"]}, sample_weight=W[:, None], epochs=2)
case("class_weight", classifier, X, IDS, {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy",
     "metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}, class_weight={0: 2.0, 2: 0.25})
case("class_weight_one_hot", classifier, X, HOT, {"optimizer": "sgd", "loss": "categorical_crossentropy",
     "metrics": ["accuracy"]}, class_weight={0: 2.0, 1: 0.5, 2: 0.25}, validation_split=0.2, epochs=2)
case("metrics_mixed", classifier, X, HOT, lambda: {"optimizer": "adam", "loss": "categorical_crossentropy",
     "metrics": ["acc", "mae", metrics.MeanSquaredError(), metrics.TopKCategoricalAccuracy(k=2, name="top2"), "mae"]})
case("metrics_function", regression, X, Y, lambda: {**SGD, "metrics": [keras.losses.mean_absolute_error, "cosine_similarity"]}, epochs=2)
case("metrics_and_weighted_clash", regression, X, Y, {**SGD, "metrics": ["mae", "mse"], "weighted_metrics": ["mae"]},
     sample_weight=W, epochs=2)
case("binary_accuracy", lambda: classifier("sigmoid", 1), X, BIN, lambda: {"optimizer": "rmsprop", "loss": "binary_crossentropy",
     "metrics": ["accuracy", metrics.AUC(num_thresholds=20), metrics.Precision()]})
case("binary_logits", lambda: classifier(None, 1), X, BIN, lambda: {"optimizer": "sgd",
     "loss": losses.BinaryCrossentropy(from_logits=True), "metrics": [metrics.BinaryAccuracy(threshold=0.0)]})
case("ce_alias", classifier, X, IDS, {"optimizer": "sgd", "loss": "crossentropy", "metrics": ["acc"]}, epochs=2)

case("mask", tagger, TOKENS, STEP_IDS, lambda: {"optimizer": "sgd", "loss": losses.SparseCategoricalCrossentropy(from_logits=True),
     "metrics": ["acc"], "weighted_metrics": ["acc"]})
case("mask_step_weights", tagger, TOKENS, STEP_IDS, lambda: {"optimizer": "sgd",
     "loss": losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["acc"], "weighted_metrics": ["acc"]},
     sample_weight=STEP_W)
case("no_mask_step_weights", lambda: tagger(mask_zero=False), TOKENS, STEP_IDS, lambda: {"optimizer": "sgd",
     "loss": losses.SparseCategoricalCrossentropy(from_logits=True), "metrics": ["acc"], "weighted_metrics": ["acc"]},
     sample_weight=STEP_W, epochs=2)
# No optimizer with squared gradients beside an Embedding: TensorFlow alone keeps its gradient as slices and squares
# each before those of one row are added; on Keras' other backends the gradient is dense, and so it is here.
case("mask_softmax", lambda: tagger("softmax"), TOKENS, STEP_IDS, {"optimizer": "sgd",
     "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]})
case("masking_layer", masked_sequence, STEPS, STEPS.sum(-1, keepdims=True), {**SGD, "metrics": ["mae"], "weighted_metrics": ["mae"]})
case("masking_layer_weighted", masked_sequence, STEPS, STEPS.sum(-1, keepdims=True), {**SGD, "weighted_metrics": ["mae"]},
     sample_weight=STEP_W, epochs=2)

TWO = [X, X2]
case("two_outputs_dicts", two_outputs, TWO, {"value": Y, "kind": IDS}, {
    "optimizer": "sgd", "loss": {"value": "mse", "kind": "sparse_categorical_crossentropy"},
    "loss_weights": {"value": 0.3, "kind": 2.0}, "metrics": {"value": ["mae"], "kind": ["acc"]}})
case("two_outputs_lists", two_outputs, TWO, [Y, IDS], {
    "optimizer": "sgd", "loss": ["mse", "sparse_categorical_crossentropy"], "loss_weights": [0.3, 2.0],
    "metrics": [["mae", "mse"], "acc"], "weighted_metrics": [["mae"], []]}, sample_weight=[W, W[::-1].copy()])
case("two_outputs_one_loss", two_outputs, TWO, [Y, HOT], {"optimizer": "sgd", "loss": "mse", "metrics": [["mae"], ["mae"]]}, epochs=2)
case("two_outputs_partial", two_outputs, {"first": X, "second": X2}, [Y, IDS], {
    "optimizer": "sgd", "loss": ["mse", None]}, epochs=2)
case("two_outputs_weights_list", two_outputs, {"first": X, "second": X2}, [Y, IDS], {
    "optimizer": "sgd", "loss": {"value": "mse", "kind": "sparse_categorical_crossentropy"},
    "weighted_metrics": {"kind": "acc"}}, sample_weight=[W, W[::-1].copy()], epochs=2)
case("dict_outputs", dict_outputs, {"first": X}, {"value": Y, "kind": IDS}, lambda: {
    "optimizer": "sgd", "loss": {"value": "mse", "kind": losses.SparseCategoricalCrossentropy(from_logits=True)},
    "metrics": {"kind": ["acc"]}}, epochs=2)

case("penalties", penalized, X, Y, {**SGD, "metrics": ["mse"]})
case("penalties_weighted", penalized, X, Y, {**SGD, "metrics": ["mse"], "weighted_metrics": ["mse"]}, sample_weight=W, validation_split=0.3)
case("batchnorm", batchnorm, X, Y, {**SGD, "metrics": ["mae"]}, validation_split=0.25)
case("validation_split", regression, X, Y, {**SGD, "metrics": ["mae"]}, validation_split=0.21)
case("validation_data_weighted", regression, X, Y, {**SGD, "weighted_metrics": ["mae"]}, validation=(X[:20], Y[:20], W[:20]), epochs=2)
case("validation_freq", regression, X, Y, SGD, validation=(X[:20], Y[:20]), validation_freq=2, epochs=4)
case("steps_per_epoch", regression, X, Y, SGD, steps_per_epoch=2, epochs=2)
case("initial_epoch", regression, X, Y, SGD, initial_epoch=1, epochs=3)

for tag, make in {
        "ema": lambda: opt.SGD(0.05, use_ema=True, ema_momentum=0.8),
        "ema_overwrite": lambda: opt.SGD(0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=2),
        "accumulation": lambda: opt.SGD(0.05, momentum=0.9, gradient_accumulation_steps=2),
        "clipnorm": lambda: opt.SGD(0.1, clipnorm=0.1), "clipvalue": lambda: opt.SGD(0.1, clipvalue=0.05),
        "global_clipnorm": lambda: opt.SGD(0.1, global_clipnorm=0.1), "weight_decay": lambda: opt.AdamW(0.02, weight_decay=0.1),
        "schedule": lambda: opt.SGD(opt.schedules.ExponentialDecay(0.1, 2, 0.8)),
        "loss_scale": lambda: opt.LossScaleOptimizer(opt.SGD(0.05), initial_scale=8.0, dynamic_growth_steps=2)}.items():
    case(f"optimizer_{tag}", regression, X, Y, lambda: {"optimizer": make(), "loss": "mse"}, epochs=2)
case("constraints", lambda: regression(kernel_constraint=keras.constraints.MaxNorm(0.5), bias_constraint="non_neg"), X, Y,
     lambda: {"optimizer": opt.SGD(0.1), "loss": "mse"})
C = keras.callbacks
case("early_stopping", regression, X, Y, lambda: {"optimizer": opt.SGD(0.05), "loss": "mse"}, validation_split=0.2, epochs=12,
     callbacks=[made(C.EarlyStopping, monitor="val_loss", patience=1, min_delta=0.02, restore_best_weights=True)])
case("reduce_lr", regression, X, Y, lambda: {"optimizer": opt.SGD(0.05), "loss": "mse"}, epochs=6,
     callbacks=[made(C.ReduceLROnPlateau, monitor="loss", factor=0.5, patience=1, min_delta=0.05, min_lr=0.01, cooldown=1)])


def under(policy, make):
    """The same model, made while a dtype policy is global."""
    def made_under():
        keras.config.set_dtype_policy(policy)
        try:
            return make()
        finally:
            keras.config.set_dtype_policy("float32")
    return made_under


for policy in ("mixed_bfloat16", "mixed_float16"):
    case(policy, under(policy, regression), X, Y, lambda: {"optimizer": opt.SGD(0.05), "loss": "mse", "metrics": ["mae"]},
         validation_split=0.2)
    case(f"{policy}_classifier", under(policy, classifier), X, IDS, lambda: {"optimizer": opt.Adam(0.02),
         "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]})
# The first steps overflow, which halves the scale of the loss and leaves the weights alone.
case("mixed_float16_overflow", under("mixed_float16", regression), X, 64 * Y, lambda: {"optimizer": opt.SGD(0.01), "loss": "mse"},
     epochs=4)
case("mixed_float16_unscaled", under("mixed_float16", regression), X, Y, lambda: {"optimizer": opt.SGD(0.05), "loss": "mse",
     "auto_scale_loss": False})
case("layer_policies", lambda: keras.Sequential([
    layers.Input((4,)), layers.Dense(5, activation="tanh", name="hidden", dtype="mixed_bfloat16"),
    layers.Dense(1, name="out", dtype="float32")], name="layer_policies"), X, Y, lambda: {"optimizer": opt.SGD(0.05), "loss": "mse"})
family.save()
