# SPDX-License-Identifier: Apache-2.0
"""Keras 3 as a program that run.py measures, on TensorFlow or JAX (KERAS_BACKEND).

A training step is the function that fit calls, with what fit keeps between steps (on JAX the state, on
TensorFlow an iterator over a dataset), and none of fit's own work. Inference is the model's compiled call.
The argument `xla` sets jit_compile.
"""

import math
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras  # noqa: E402
from keras import layers  # noqa: E402

from peer_protocol import Case, integer_values, real_values, serve  # noqa: E402

VOCABULARY = 20000
JIT = True if "xla" in sys.argv else "auto"


def mlp():
    return keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(512, activation="relu"),
            layers.Dense(512, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def cnn():
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def resnet20():
    image = keras.Input((32, 32, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    width = 16
    for filters in (16, 32, 64):
        for _ in range(3):
            strides = 1 if filters == width else 2
            past = x if strides == 1 else layers.Conv2D(filters, 1, strides=2, use_bias=False)(x)
            x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.add([layers.BatchNormalization()(x), past]))
            width = filters
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def lstm():
    return keras.Sequential(
        [
            keras.Input((80,), dtype="int32"),
            layers.Embedding(VOCABULARY, 128),
            layers.LSTM(128),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, length, width):
        super().__init__()
        self.tokens = layers.Embedding(VOCABULARY, width)
        self.positions = layers.Embedding(length, width)

    def build(self, input_shape):
        self.tokens.build(input_shape)
        self.positions.build((input_shape[-1],))

    def call(self, x):
        return self.tokens(x) + self.positions(keras.ops.arange(x.shape[1], dtype="int32"))


class EncoderBlock(layers.Layer):
    def __init__(self, width, heads, inner_width):
        super().__init__()
        self.attention = layers.MultiHeadAttention(heads, width // heads)
        self.inner = layers.Dense(inner_width, activation="relu")
        self.outer = layers.Dense(width)
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(0.1)
        self.dropout2 = layers.Dropout(0.1)
        self.width, self.inner_width = width, inner_width

    def build(self, input_shape):
        self.attention.build(input_shape, input_shape)
        self.norm1.build(input_shape)
        self.norm2.build(input_shape)
        self.inner.build(input_shape)
        self.outer.build((*input_shape[:-1], self.inner_width))

    def call(self, x, training=None):
        attended = self.dropout1(self.attention(x, x), training=training)
        y = self.norm1(x + attended)
        return self.norm2(y + self.dropout2(self.outer(self.inner(y)), training=training))


def transformer():
    return keras.Sequential(
        [
            keras.Input((200,), dtype="int32"),
            TokenAndPositionEmbedding(200, 64),
            EncoderBlock(64, 2, 128),
            EncoderBlock(64, 2, 128),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.1),
            layers.Dense(20, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(2, activation="softmax"),
        ]
    )


def mobilenetv2():
    return keras.applications.MobileNetV2((224, 224, 3), weights=None)


# Shape of a sample, whether it holds words, classes (1: a sigmoid, 0: not trained), Adam or SGD.
MODELS = {
    "mlp": (mlp, (784,), False, 10, True),
    "cnn": (cnn, (28, 28, 1), False, 10, True),
    "resnet20": (resnet20, (32, 32, 3), False, 10, False),
    "lstm": (lstm, (80,), True, 1, True),
    "transformer": (transformer, (200,), True, 2, True),
    "mobilenetv2": (mobilenetv2, (224, 224, 3), False, 0, True),
}


def make(name, training, batch, rate):
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    make_model, sample, words, classes, adam = MODELS[name]
    model = make_model()
    shape = (batch, *sample)
    x = integer_values(shape, VOCABULARY) if words else real_values(shape)
    parameters = sum(math.prod(v.shape) for v in model.trainable_variables)
    if classes:
        y = integer_values((batch, 1), 2) if classes == 1 else integer_values((batch,), classes)
        if adam:
            optimizer = keras.optimizers.Adam(rate or 1e-3)
        else:
            optimizer = keras.optimizers.SGD(rate or 1e-2, momentum=0.9)
        loss = "binary_crossentropy" if classes == 1 else "sparse_categorical_crossentropy"
        model.compile(optimizer, loss, jit_compile=JIT)
    plain = lambda: model.predict(x, batch_size=batch, verbose=0)  # noqa: E731
    backend = {"tensorflow": _tensorflow_case, "jax": _jax_case}[keras.backend.backend()]
    return backend(model, x, y if training else None, parameters, plain)


def _tensorflow_case(model, x, y, parameters, plain):
    import tensorflow as tf

    if y is None:
        data = tf.constant(x)
        call = tf.function(lambda batch: model(batch, training=False), jit_compile=JIT is True)
        return Case(parameters, lambda: call(data), plain=plain)
    iterator = iter(tf.data.Dataset.from_tensors((x, y)).repeat())
    model.make_train_function()
    last = []

    def step():
        last[:] = [model.train_function(iterator)]

    return Case(parameters, step, lambda: float(_loss(last[0])))


def _jax_case(model, x, y, parameters, plain):
    import jax

    if y is None:
        data = jax.device_put(x)
        trainable = [v.value for v in model.trainable_variables]
        other = [v.value for v in model.non_trainable_variables]
        call = jax.jit(lambda t, o, batch: model.stateless_call(t, o, batch, training=False)[0])
        return Case(parameters, lambda: jax.block_until_ready(call(trainable, other, data)), plain=plain)
    data = (jax.device_put(x), jax.device_put(y))
    model._symbolic_build(data_batch=(x, y))
    model.make_train_function()
    kinds = ("trainable", "non_trainable", "optimizer", "metrics")
    wanted = {f"{kind}_variables": True for kind in kinds}
    held = [model._get_jax_state(**wanted, purge_model_variables=True), None]

    def batches():
        while True:
            yield data

    iterator = batches()

    def step():
        logs, state = model.train_function(held[0], iterator)
        held[:] = [jax.block_until_ready(state), logs]

    return Case(parameters, step, lambda: float(_loss(held[1])))


def _loss(logs):
    return logs["loss"] if isinstance(logs, dict) else logs[0]


def main():
    backend = keras.backend.backend()
    module = __import__(backend)
    mode = "jit_compile=True" if JIT is True else "compile's defaults"
    serve(f"Keras {keras.__version__} on {backend}", module.__version__, mode, make)


if __name__ == "__main__":
    main()
