# SPDX-License-Identifier: Apache-2.0
"""The exact text of model.summary() for several models."""
import json
import os

from golden import HERE, keras, np, tf

L = keras.layers
cases, models = [], {}


def case(name, make, fit=None, **options):
    keras.utils.clear_session()
    model = make()
    if fit:
        model.compile(optimizer=fit, loss="mse", jit_compile=False)
        model.optimizer.build(model.trainable_variables)
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text), **options)
    built = model.built and hasattr(model, "to_json") and isinstance(model, (keras.Sequential, keras.Model))
    try:
        config = json.loads(model.to_json()) if built else None
    except Exception:
        config = None
    models[make.__name__] = config
    cases.append({"name": name, "model": None if config is None else make.__name__, "optimizer": fit, "options": options, "text": "\n".join(lines)})


def mlp():
    return keras.Sequential([L.Input((784,)), L.Dense(128, activation="relu"), L.Dropout(0.2), L.Dense(10)], name="mlp")


def cnn():
    return keras.Sequential([L.Input((28, 28, 1)), L.Conv2D(32, 3, activation="relu"), L.MaxPooling2D(), L.BatchNormalization(),
                             L.Flatten(), L.Dense(10, trainable=False)])


def unbuilt():
    return keras.Sequential([L.Dense(4), L.Dense(2)], name="unbuilt")


def functional():
    a, b = keras.Input((16,), name="a"), keras.Input((8,), name="b")
    x = L.Concatenate()([L.Dense(32, activation="relu")(a), b])
    return keras.Model([a, b], [L.Dense(1, name="value")(x), L.Dense(3, name="kind")(x)], name="functional")


def nested():
    inner = keras.Sequential([L.Input((4,)), L.Dense(3, name="inner_dense"), L.ReLU(name="inner_relu")], name="inner")
    x = keras.Input((4,))
    block = keras.Model(x, L.Dense(2)(inner(x)), name="block")
    y = keras.Input((4,))
    return keras.Model(y, keras.ops.relu(block(y) * 2.0), name="nested")


def recurrent():
    return keras.Sequential([L.Input((None,), dtype="int32"), L.Embedding(100, 16), L.Bidirectional(L.LSTM(8, return_sequences=True)),
                             L.TimeDistributed(L.Dense(4)), L.GlobalAveragePooling1D(), L.Dense(1)], name="recurrent")


def long_names():
    return keras.Sequential([L.Input((3,)), L.Dense(2, name="a_layer_with_a_very_long_name_that_does_not_fit_into_its_column"),
                             L.Dense(123456, name="wide")], name="a_model_with_a_long_name")


def transformer():
    x = keras.Input((10, 16))
    h = L.MultiHeadAttention(2, 8)(x, x)
    return keras.Model(x, L.LayerNormalization()(L.Add()([x, h])), name="transformer")


def half():
    return keras.Sequential([L.Input((1000,)), L.Dense(1000, dtype="mixed_bfloat16"), L.Dense(1000, dtype="bfloat16"),
                             L.Dense(1500)], name="half")


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__(name="subclassed")
        self.first, self.second = L.Dense(4), L.Dense(2)

    def call(self, x):
        return self.second(self.first(x))


def called():
    model = Subclassed()
    model(tf.zeros((2, 3)))
    return model


for make in (mlp, cnn, unbuilt, functional, nested, recurrent, long_names, transformer, half, called):
    case(make.__name__, make)
    if make in (cnn, functional, nested, recurrent):
        case(make.__name__ + "_trainable", make, show_trainable=True)
    if make is nested:
        case(make.__name__ + "_expand", make, expand_nested=True)
        case(make.__name__ + "_all", make, show_trainable=True, expand_nested=True)
    if make in (mlp, functional, long_names):
        case(make.__name__ + "_wide", make, line_length=100)
        case(make.__name__ + "_narrow", make, line_length=60)
        case(make.__name__ + "_positions", make, positions=[0.3, 0.6, 0.8, 1.0][:3 if make is not functional else 4])
case("mlp_adam", mlp, fit="adam")
case("cnn_sgd", cnn, fit="sgd")
case("mlp_range", mlp, layer_range=["dense", "dropout"])
case("subclassed_not_called", Subclassed)
manifest = {"family": "summary", "keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__, "models": models,
            "cases": cases}
with open(os.path.join(HERE, "summary.json"), "w", encoding="utf-8") as file:
    json.dump(manifest, file, ensure_ascii=False, indent=0, separators=(",", ":"))
    file.write("\n")
print("summary.json:", len(cases), "cases", os.path.getsize(os.path.join(HERE, "summary.json")), "bytes")
