# SPDX-License-Identifier: Apache-2.0
"""Small .keras and .h5 files as Keras writes them, with weights, an input and the expected outputs.

The dates in the archives are fixed afterwards, so that the files are the same every time.
"""
import os

import numpy as np

from golden import HERE, Family, draw, finalize, freeze, keras, set_weights, tensors, to_json, tree

L, opt = keras.layers, keras.optimizers
FILES = os.path.join(HERE, "files")
os.makedirs(FILES, exist_ok=True)
family = Family("files", seed=111)


def case(name, make, inputs, kinds=("keras",), train=None, dtype=None, note=None):
    """kinds: keras, weights (.weights.h5), legacy (.h5), sharded. train: (compile arguments, targets)."""
    keras.utils.clear_session()
    model = make()
    rng = np.random.default_rng([family.seed, len(family.cases)])
    x = draw(rng, inputs)
    model(tensors(x))
    set_weights(rng, model.weights)
    finalize(model)
    if train:
        model.compile(jit_compile=False, **train[0]())
        model.fit(x, train[1], epochs=2, batch_size=4, shuffle=False, verbose=0)
    paths = {}
    if "keras" in kinds:
        paths["keras"] = f"{name}.keras"
        model.save(os.path.join(FILES, paths["keras"]))
        freeze(os.path.join(FILES, paths["keras"]))
    if "weights" in kinds:
        paths["weights"] = f"{name}.weights.h5"
        model.save_weights(os.path.join(FILES, paths["weights"]))
    if "legacy" in kinds:
        paths["legacy"] = f"{name}.h5"
        model.save(os.path.join(FILES, paths["legacy"]))
    if "sharded" in kinds:
        paths["sharded"] = f"{name}.weights.json"
        model.save_weights(os.path.join(FILES, paths["sharded"]), max_shard_size=5e-7)
    outputs = model(tensors(x), training=False)
    fields = dict(
        name=name, files=paths, class_name=type(model).__name__,
        inputs=family.structure("x", x), outputs=family.structure("y", tree.map_structure(np.asarray, outputs)),
        weights=[{"path": w.path, "dtype": w.dtype, "trainable": bool(w.trainable), "key": family.key(f"w{i}", w)}
                 for i, w in enumerate(model.weights)], optimizer_variables=None, note=note)
    if train:
        fields["optimizer_variables"] = [{"path": v.path, "dtype": v.dtype, "key": family.key(f"o{i}", v)}
                                         for i, v in enumerate(model.optimizer.variables)]
        fields["compile_config"] = to_json(model.get_compile_config())
        fields["evaluate"] = {k: float(v) for k, v in model.evaluate(x, train[1], verbose=0, return_dict=True).items()}
    family.add(**fields)


def sequential():
    return keras.Sequential([L.Input((6, 6, 1)), L.Rescaling(0.5), L.Conv2D(2, 3, activation="relu"), L.MaxPooling2D(),
                             L.BatchNormalization(), L.Flatten(), L.Dropout(0.5), L.Dense(3, activation="softmax")])


def shared_nested(nodes=True):
    a, b = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    shared = L.Dense(3, activation="tanh", name="shared")
    inner_in = keras.Input((3,), name="inner_in")
    inner = keras.Model(inner_in, L.Dense(2, name="inner_dense")(inner_in), name="inner")
    x = L.Concatenate(name="join")([inner(shared(a)), inner(shared(b))])
    if not nodes:
        return keras.Model([a, b], L.Dense(2, name="head")(x), name="shared_plain")
    x = keras.ops.relu(x * 2.0 + 0.5)
    top = keras.ops.mean(x, axis=-1, keepdims=True)
    head = L.Dense(2, name="head")(x[:, 1:] - top)
    return keras.Model({"left": a, "right": b}, [head, top], name="shared_nested")


def recurrent():
    return keras.Sequential([L.Input((5,), dtype="int32"), L.Embedding(6, 3, mask_zero=True), L.Bidirectional(L.LSTM(2, return_sequences=True)),
                             L.RNN(L.StackedRNNCells([L.GRUCell(2), L.SimpleRNNCell(2)])), L.Dense(2)])


def masked_functional():
    tokens = keras.Input((5,), dtype="int32", name="tokens")
    x = L.LSTM(2, name="lstm")(L.Embedding(6, 3, mask_zero=True, name="embed")(tokens))
    return keras.Model(tokens, L.Dense(1, name="out")(x), name="masked")


def attention():
    x = keras.Input((3, 4), name="x")
    h = L.MultiHeadAttention(2, 2, name="mha")(x, x)
    h = L.LayerNormalization(name="norm")(L.Add(name="add")([x, h]))
    h = L.GroupQueryAttention(2, 2, 1, name="gqa")(h, h)
    return keras.Model(x, L.TimeDistributed(L.Dense(2, name="step"), name="steps")(h), name="attention")


class LeNet(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv1 = L.Conv2D(2, (3, 3), activation="relu")
        self.pool = L.AveragePooling2D(2)
        self.conv2 = L.Conv2D(3, (3, 3), activation="relu")
        self.flatten = L.Flatten()
        self.fc1 = L.Dense(5, activation="relu")
        self.fc2 = L.Dense(4, activation="relu")
        self.out = L.Dense(3, activation="softmax")

    def call(self, x):
        return self.out(self.fc2(self.fc1(self.flatten(self.pool(self.conv2(self.pool(self.conv1(x))))))))


class Lists(keras.Model):
    """Children in a list, a list in a list and a dict, a shared child and an own variable."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [L.Dense(3), L.Dense(3)]
        self.nested = [[L.Dense(2)], [L.Dense(2), L.Dense(2)]]
        self.named = {"b": L.Dense(2), "a": L.Dense(2)}
        self.again = self.blocks[0]
        self._hidden = L.Dense(2)
        self.bias = self.add_weight(shape=(2,), name="bias")

    def call(self, x):
        for block in self.blocks:
            x = block(x)
        x = self.nested[1][1](self.nested[1][0](self.nested[0][0](self.again(x))))
        return self._hidden(self.named["a"](self.named["b"](x))) + self.bias


def adapted():
    norm = L.Normalization(name="norm")
    norm.adapt(np.random.default_rng(2).normal(1, 2, (30, 3)).astype("float32"))
    return keras.Sequential([L.Input((3,)), norm, L.Dense(2)])


def small():
    return keras.Sequential([L.Input((4,)), L.Dense(3, activation="tanh"), L.Dense(1)])


for old in os.listdir(FILES):
    if not old.startswith("training_"):
        os.remove(os.path.join(FILES, old))
TARGET = np.linspace(-1, 1, 8).reshape(8, 1).astype("float32")
case("sequential", sequential, (2, 6, 6, 1), kinds=("keras", "legacy"))
case("shared_nested", shared_nested, {"left": (2, 4), "right": (2, 4)})
case("shared_plain", lambda: shared_nested(False), [(2, 4), (2, 4)], kinds=("legacy",),
     note="without operation nodes, which Keras cannot read back from a legacy file")
case("recurrent", recurrent, np.array([[1, 2, 0, 3, 0], [5, 4, 1, 0, 0]], "int32"))
case("masked", masked_functional, np.array([[1, 2, 0, 3, 0], [5, 4, 1, 0, 0]], "int32"))
case("attention", attention, (2, 3, 4))
case("lenet", LeNet, (2, 12, 12, 1), kinds=("keras", "weights"))
case("lists", Lists, (2, 3), kinds=("weights",))
case("adapted", adapted, (2, 3))
case("adam", small, (8, 4), train=(lambda: {"optimizer": opt.Adam(0.01, amsgrad=True), "loss": "mse", "metrics": ["mae"]}, TARGET))
case("sgd_schedule", small, (8, 4), train=(lambda: {
    "optimizer": opt.SGD(opt.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.9, use_ema=True),
    "loss": keras.losses.Huber(0.5), "weighted_metrics": [keras.metrics.RootMeanSquaredError()]}, TARGET))
case("loss_scale", small, (8, 4), train=(lambda: {"optimizer": opt.LossScaleOptimizer(opt.Nadam(0.01)), "loss": "mse"}, TARGET))
case("mixed_bfloat16", lambda: keras.Sequential([L.Input((4,)), L.Dense(3, dtype="bfloat16"), L.Dense(2, dtype="mixed_bfloat16")]), (2, 4))
case("float64", lambda: keras.Sequential([L.Input((4,), dtype="float64"), L.Dense(3, dtype="float64", activation="relu")]),
     np.linspace(-1, 1, 8).reshape(2, 4))
case("sharded", small, (2, 4), kinds=("sharded",))
family.save()
for name in sorted(os.listdir(FILES)):
    print(f"files/{name}", os.path.getsize(os.path.join(FILES, name)))
