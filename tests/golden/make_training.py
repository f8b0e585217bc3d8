# SPDX-License-Identifier: Apache-2.0
"""The loss of 20 training steps on fixed batches: a CNN, an LSTM and a transformer, float32 and float64."""
import json
import os

from golden import HERE, Family, freeze, keras, np, set_weights, tf, to_json

L = keras.layers
FILES = os.path.join(HERE, "files")
STEPS, BATCHES, SIZE = 20, 4, 6


def cnn():
    return keras.Sequential([
        L.Input((8, 8, 1)), L.Conv2D(3, 3, padding="same", name="conv1"), L.BatchNormalization(name="bn"),
        L.Activation("relu", name="act"), L.MaxPooling2D(name="pool"), L.Conv2D(4, 3, activation="relu", name="conv2"),
        L.Flatten(name="flatten"), L.Dropout(0.0, name="drop"), L.Dense(3, activation="softmax", name="out")], name="cnn")


def lstm():
    return keras.Sequential([
        L.Input((6,), dtype="int32"), L.Embedding(7, 4, mask_zero=True, name="embed"),
        L.Bidirectional(L.LSTM(3, return_sequences=True), name="both"), L.GRU(3, name="gru"),
        L.Dense(1, activation="sigmoid", name="out")], name="lstm")


def transformer():  # without gelu, in which TensorFlow rounds the square root of 2 to float32
    tokens = keras.Input((6,), dtype="int32", name="tokens")
    x = L.Embedding(7, 4, name="embed")(tokens)
    h = L.MultiHeadAttention(2, 2, name="attention")(x, x, use_causal_mask=True)
    x = L.LayerNormalization(name="norm1")(L.Add(name="add1")([x, h]))
    h = L.Dense(4, name="down")(L.Dense(8, activation="silu", name="up")(x))
    x = L.LayerNormalization(name="norm2")(L.Add(name="add2")([x, h]))
    return keras.Model(tokens, L.Dense(7, name="logits")(x), name="transformer")


def data(kind):
    r = np.random.default_rng(121)
    if kind == "cnn":
        x = np.round(r.uniform(-1, 1, (BATCHES, SIZE, 8, 8, 1)) * 32) / 32
        return x, (x.sum((2, 3, 4)) > 0).astype("int32") + (x[:, :, 0, 0, 0] > 0.3)
    x = r.integers(1, 7, (BATCHES, SIZE, 6)).astype("int32")
    if kind == "transformer":
        return x, (x + np.roll(x, 1, -1)) % 7
    x *= np.arange(6) < r.integers(2, 7, (BATCHES, SIZE, 1))
    return x, (x.sum(-1, keepdims=True) % 2)


# Factors that float32 holds exactly: on the way to float64 Keras rounds them to it.
BETAS = dict(beta_1=0.875, beta_2=1 - 2**-10)
OPTIMIZERS = {"cnn": lambda: keras.optimizers.SGD(0.05, momentum=0.875),
              "lstm": lambda: keras.optimizers.Adam(0.02, **BETAS),
              "transformer": lambda: keras.optimizers.AdamW(0.01, weight_decay=2**-7, **BETAS)}
LOSSES = {"cnn": lambda: "sparse_categorical_crossentropy", "lstm": lambda: "binary_crossentropy",
          "transformer": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True)}


def dense_gradient(tape, *args, gradient=tf.GradientTape.gradient, **kw):
    """Embeddings' gradients as tensors: of IndexedSlices Keras' Adam squares every occurrence of a row by itself."""
    return [tf.convert_to_tensor(g) for g in gradient(tape, *args, **kw)]


tf.GradientTape.gradient = dense_gradient
for kind, make in (("cnn", cnn), ("lstm", lstm), ("transformer", transformer)):
    family = Family(f"training_{kind}", seed=121)
    for dtype in ("float32", "float64"):
        keras.utils.clear_session()
        keras.config.set_floatx(dtype)
        model = make()
        set_weights(np.random.default_rng(8), model.weights)
        model.compile(optimizer=OPTIMIZERS[kind](), loss=LOSSES[kind](), metrics=["accuracy"], jit_compile=False)
        file = f"training_{kind}.keras" if dtype == "float32" else f"training_{kind}_float64.weights.h5"
        if dtype == "float32":
            model.save(os.path.join(FILES, file))
            freeze(os.path.join(FILES, file))
        elif kind == "cnn":
            model.save_weights(os.path.join(FILES, file))
        else:  # the archive below has the weights; another file would only be large
            file = None
        initial = [family.key(f"w{i}", w) for i, w in enumerate(model.weights)]
        paths = [w.path for w in model.weights]
        xs, ys = data(kind)
        xs = xs.astype("int32" if kind != "cnn" else dtype)
        ys = ys.astype("int32")
        fields = dict(
            name=f"{kind}_{dtype}", dtype=dtype, file=file and f"files/{file}", model=json.loads(model.to_json()),
            compile_config=to_json(model.get_compile_config()), steps=STEPS,
            x=family.keys("x", xs), y=family.keys("y", ys), note="step i trains on batch i modulo the number of batches")
        logs = [model.train_on_batch(xs[i % BATCHES], ys[i % BATCHES], return_dict=True) for i in range(STEPS)]
        fields["losses"] = [float(log["loss"]) for log in logs]
        fields["accuracy"] = [float(log["accuracy"]) for log in logs]
        fields["weights"] = [{"path": p, "key": k, "final": family.key(f"f{i}", w)}
                             for i, (p, k, w) in enumerate(zip(paths, initial, model.weights))]
        fields["predict"] = family.key("predict", model.predict(xs[0], verbose=0))
        family.add(**fields)
        keras.config.set_floatx("float32")
    family.save()
