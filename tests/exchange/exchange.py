# SPDX-License-Identifier: Apache-2.0
"""Files written by this library open in Python Keras, and the other way round.

Both sides build the same models (models.cpp, graph_models.cpp and MODELS below), train them on the same data, save
them, and note what they give: outputs, losses and metrics, and the same after one more training step, which needs
the optimizer's state. Then each opens the other's files and compares.

    exchange.py BUILD_FOLDER
"""
import json
import os
import subprocess
import sys
import tempfile
import zipfile

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")
import numpy as np  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
L, O = keras.layers, keras.optimizers
SAMPLES, TOLERANCE = 16, 1e-5


def dense_gradient(tape, *args, gradient=tf.GradientTape.gradient, **kw):
    """Embeddings' gradients as tensors: of IndexedSlices Keras' optimizers square every occurrence of a row alone."""
    return keras.tree.map_structure(
        lambda g: tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g, gradient(tape, *args, **kw))


tf.GradientTape.gradient = dense_gradient


def mlp():
    model = keras.Sequential([
        L.Input((6,)), L.Dense(8, use_bias=False, kernel_regularizer="l2"), L.BatchNormalization(),
        L.LeakyReLU(0.1), L.Dense(5, use_bias=False, kernel_constraint="unit_norm"), L.LayerNormalization(), L.PReLU(),
        L.Dense(3, activation="softmax")])
    return model, dict(optimizer=O.Adam(0.01, amsgrad=True), loss="sparse_categorical_crossentropy",
                       metrics=["accuracy"])


def cnn():
    decay = O.schedules.ExponentialDecay(0.05, 3, 0.5)
    model = keras.Sequential([
        L.Input((8, 8, 1)), L.Rescaling(0.5, offset=0.1), L.Conv2D(4, 3, padding="same"),
        L.BatchNormalization(momentum=0.9), L.Activation("relu"), L.MaxPooling2D(),
        L.Conv2D(5, 2, strides=2, activation="gelu"), L.Flatten(), L.Dropout(0.0), L.Dense(3, activation="softmax")])
    return model, dict(optimizer=O.SGD(decay, momentum=0.9, nesterov=True), loss="categorical_crossentropy",
                       metrics=["accuracy"])


def recurrent():
    model = keras.Sequential([
        L.Input((7,), dtype="int32"), L.Embedding(9, 4, mask_zero=True),
        L.Bidirectional(L.LSTM(3, return_sequences=True)), L.GRU(3, return_sequences=True), L.SimpleRNN(2),
        L.Dense(1, activation="sigmoid")])
    return model, dict(optimizer=O.RMSprop(0.02, momentum=0.5, centered=True), loss="binary_crossentropy")


def float64():
    model = keras.Sequential([L.Input((4,), dtype="float64"), L.Dense(5, activation="tanh", dtype="float64"),
                              L.Dense(1, dtype="float64")])
    return model, dict(optimizer=O.AdamW(0.01, weight_decay=0.02, use_ema=True), loss=keras.losses.LogCosh(),
                       metrics=["mae"])


def branches():
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = L.Dense(3, activation="tanh", name="shared")
    joined = L.Concatenate()([shared(left), shared(right)])
    mean = keras.ops.mean(joined * 2.0, -1, keepdims=True)
    kind = L.Dense(3, activation="softmax", name="kind")(joined)
    size = L.Dense(1, name="size")(L.Concatenate()([joined, mean]))
    return keras.Model([left, right], [kind, size], name="branches"), dict(
        optimizer=O.Adam(0.01), loss=["sparse_categorical_crossentropy", "mse"], loss_weights=[1.0, 0.5])


def transformer():
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = L.Embedding(7, 4, name="embed")(tokens)
    attended = L.MultiHeadAttention(2, 3, name="attention")(x, x, use_causal_mask=True)
    x = L.LayerNormalization(name="norm1")(L.Add(name="add1")([x, attended]))
    grouped = L.GroupQueryAttention(2, 4, 2, name="grouped")(x, x)
    plain = L.Attention(use_scale=True, name="plain")([grouped, x])
    additive = L.AdditiveAttention(name="additive")([plain, x])
    x = L.LayerNormalization(name="norm2")(L.Add(name="add2")([x, L.Dense(4, activation="gelu", name="up")(additive)]))
    return keras.Model(tokens, L.Dense(7, name="logits")(x), name="transformer"), dict(
        optimizer=O.AdamW(0.01, weight_decay=0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"])


def masked():
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = L.Embedding(7, 4, mask_zero=True, name="embed")(tokens)
    h = L.MultiHeadAttention(2, 2, name="attention")(x, x)
    y = L.Dense(1, name="out")(L.LSTM(3, name="lstm")(L.Add(name="add")([x, h])))
    return keras.Model(tokens, y, name="masked"), dict(optimizer="sgd", loss="mse")


@keras.saving.register_keras_serializable(package="Custom")
class LeNet(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = L.Conv2D(3, 3, activation="relu")
        self.pool = L.AveragePooling2D(2)
        self.conv2 = L.Conv2D(4, 3, activation="relu")
        self.flatten = L.Flatten()
        self.fc = L.Dense(5, activation="relu")
        self.out = L.Dense(3, activation="softmax")

    def call(self, x):
        return self.out(self.fc(self.flatten(self.pool(self.conv2(self.pool(self.conv1(x)))))))


def subclassed():
    return LeNet(), dict(optimizer=O.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def reals(*shape, dtype="float32"):
    return lambda r, n: r.uniform(-1, 1, (n, *shape)).astype(dtype)


def integers(high, *shape):
    return lambda r, n: r.integers(0, high, (n, *shape)).astype("int32")


def tokens(high, length):
    """Some words, then padding."""
    return lambda r, n: (r.integers(1, high, (n, length)) * (np.arange(length) < r.integers(2, length + 1, (n, 1)))
                         ).astype("int32")


def one_hot(classes):
    return lambda r, n: np.eye(classes, dtype="float32")[r.integers(0, classes, n)]


MODELS = {  # the function, inputs, targets
    "mlp": (mlp, [reals(6)], [integers(3)]),
    "cnn": (cnn, [reals(8, 8, 1)], [one_hot(3)]),
    "recurrent": (recurrent, [tokens(9, 7)], [integers(2, 1)]),
    "float64": (float64, [reals(4, dtype="float64")], [reals(1, dtype="float64")]),
    "branches": (branches, [reals(4), reals(4)], [integers(3), reals(1)]),
    "transformer": (transformer, [integers(7, 6)], [integers(7, 6)]),
    "masked": (masked, [tokens(7, 6)], [reals(1)]),
    "subclassed": (subclassed, [reals(12, 12, 1)], [integers(3)]),
}
failures = []


def fail(case, message):
    failures.append(f"{case}: {message}")


def single(arrays):
    return arrays[0] if len(arrays) == 1 else arrays


def write_data(folder, case, seed):
    rng = np.random.default_rng(seed)
    _, inputs, targets = MODELS[case]
    data = {}
    for prefix, n in (("", SAMPLES), ("next_", 8)):
        for key, makers in (("x", inputs), ("y", targets)):
            for i, make in enumerate(makers):
                data[f"{prefix}{key}{i}"] = make(rng, n)
    np.savez(os.path.join(folder, f"{case}_data.npz"), **data)


def read_data(folder, case):
    data = np.load(os.path.join(folder, f"{case}_data.npz"))
    return {name: single([data[k] for k in sorted(data.files) if k[:-1] == name])
            for name in ("x", "y", "next_x", "next_y")}


def listed(values):
    return values if isinstance(values, (list, tuple)) else [values]


def results_of(model, data, step):
    """What the model gives; with `step`, after one more training step."""
    out = {}
    if step:
        logs = model.train_on_batch(data["next_x"], data["next_y"], return_dict=True)
        out.update({f"next_{k}": v for k, v in logs.items()})
    else:
        logs = model.evaluate(data["x"], data["y"], batch_size=32, verbose=0, return_dict=True)
        out.update({f"evaluate_{k}": v for k, v in logs.items()})
    for i, y in enumerate(listed(model.predict(data["x"], verbose=0))):
        out[f"next_output{i}" if step else f"output{i}"] = y
    return out


def compare(case, ours, theirs):
    """`theirs` are the other side's results, `ours` a part of them."""
    for name, value in ours.items():
        if name not in theirs:
            fail(case, f"{name} is missing there")
            continue
        other = np.asarray(theirs[name], "float64")
        value = np.asarray(value, "float64")
        if other.shape != value.shape:
            fail(case, f"{name} has shape {other.shape} there, {value.shape} here")
        elif not np.all(np.abs(other - value) <= TOLERANCE * (1 + np.abs(value))):
            fail(case, f"{name} differs by {np.max(np.abs(other - value) / (1 + np.abs(value))):.3g}")


def differences(a, b, where=""):
    """Where two JSON values differ; numbers that come from float32 may differ in the last digits."""
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b), key=str):
            # A memory address; and "auto", which is decided when the file is opened.
            if key == "shared_object_id" or key == "jit_compile" and a.get(key) == "auto":
                continue
            if key not in a or key not in b:
                yield f"{where}/{key} is only {'there' if key in a else 'here'}"
            else:
                yield from differences(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            yield f"{where} has {len(a)} items there, {len(b)} here"
        for i, (x, y) in enumerate(zip(a, b)):
            yield from differences(x, y, f"{where}/{i}")
    elif isinstance(a, float) and isinstance(b, float):
        if abs(a - b) > 1e-7 * abs(b):
            yield f"{where} is {a} there, {b} here"
    elif a != b:
        yield f"{where} is {a!r} there, {b!r} here"


def open_theirs(folder, case):
    """A model that C++ wrote."""
    path = os.path.join(folder, case)
    data, theirs = read_data(folder, case), dict(np.load(path + "_results.npz"))
    model = keras.models.load_model(path + ".keras")
    config = json.loads(zipfile.ZipFile(path + ".keras").read("config.json"))
    own = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    for difference in differences(config, own):
        fail(case, f"config {difference}")
    compare(case, results_of(model, data, False), theirs)

    fresh = MODELS[case][0]()[0]
    fresh(single([a[:1] for a in listed(data["x"])]))
    fresh.load_weights(path + ".weights.h5")
    for a, b in zip(fresh.weights, model.weights):
        if not np.array_equal(a.numpy(), b.numpy()):
            fail(case, f"the weight {a.path} differs between the two files")
    steps = 2 * SAMPLES // 8
    if int(model.optimizer.iterations) != steps:
        fail(case, f"the optimizer made {int(model.optimizer.iterations)} of {steps} steps")
    compare(case, results_of(model, data, True), theirs)


def write_ours(folder, case):
    """A model that Python writes."""
    data = read_data(folder, case)
    model, arguments = MODELS[case][0]()
    model.compile(jit_compile=False, **arguments)
    model.fit(data["x"], data["y"], batch_size=8, epochs=2, shuffle=False, verbose=0)
    path = os.path.join(folder, case)
    model.save(path + ".keras")
    model.save_weights(path + ".weights.h5")
    results = results_of(model, data, False)
    results.update(results_of(model, data, True))
    np.savez(path + "_results.npz", **results)


def main():
    program = os.path.abspath(os.path.join(sys.argv[1], "bin", "exchange"))
    environment = {**os.environ, "KERAS_CPP_BACKEND": "native"}  # KERAS_BACKEND is Python's above
    with tempfile.TemporaryDirectory() as theirs, tempfile.TemporaryDirectory() as ours:
        for i, case in enumerate(MODELS):
            write_data(theirs, case, 2 * i)
            write_data(ours, case, 2 * i + 1)
        subprocess.run([program, "write", theirs], check=True, env=environment)
        for case in MODELS:
            try:
                keras.utils.clear_session()
                open_theirs(theirs, case)
            except Exception as error:  # one model's failure must not hide the others'
                fail(case, f"{type(error).__name__}: {error}")
        for case in MODELS:
            keras.utils.clear_session()
            write_ours(ours, case)
        read = subprocess.run([program, "read", ours], check=False, env=environment)
    for message in failures:
        print("written by C++,", message)
    if failures or read.returncode:
        sys.exit("Python Keras and this library disagree; see above.")
    print(f"{len(MODELS)} models: each side opens what the other wrote, computes and trains on alike.")


main()
