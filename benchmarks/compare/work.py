# SPDX-License-Identifier: Apache-2.0
"""What is run, how much arithmetic it is, and what keras.cpp is to reach."""

MODELS = ("mlp", "cnn", "resnet20", "lstm", "transformer", "mobilenetv2")
TRAINED = MODELS[:-1]
BATCHES = (1, 32, 128)

# Small enough for the weights to stay where training has them: a batch that is learned by heart leaves gradients
# of zero and denormal moments, which no step of a real training meets.
TIMED_LEARNING_RATE = 1e-6


def _resnet20():
    size, width, total = 32, 16, 32 * 32 * 27 * 16
    for filters in (16, 32, 64):
        for _ in range(3):
            stride = 1 if filters == width else 2
            size //= stride
            area = size * size
            total += 9 * area * filters * (width + filters)
            total += area * width * filters if stride == 2 else 0
            width = filters
    return total + 64 * 10


def _mobilenetv2():
    size, width, total = 112, 32, 112 * 112 * 27 * 32
    stages = (
        (16, 1, 1, 1),
        (24, 2, 2, 6),
        (32, 2, 3, 6),
        (64, 2, 4, 6),
        (96, 1, 3, 6),
        (160, 2, 3, 6),
        (320, 1, 1, 6),
    )
    for filters, stride, blocks, expansion in stages:
        for block in range(blocks):
            inner = width * expansion
            total += size * size * width * inner if expansion != 1 else 0
            size //= stride if block == 0 else 1
            total += size * size * inner * (9 + filters)
            width = filters
    return total + size * size * width * 1280 + 1280 * 1000


def _transformer():
    length, width, inner = 200, 64, 128
    projections = 4 * length * width * width
    attention = 2 * length * length * width
    return 2 * (projections + attention + 2 * length * width * inner) + width * 20 + 20 * 2


# Multiply-adds of one sample's forward pass, and those of them whose input needs no gradient.
MULTIPLY_ADDS = {
    "mlp": (784 * 512 + 512 * 512 + 512 * 10, 784 * 512),
    "cnn": (26 * 26 * 9 * 32 + 24 * 24 * 288 * 64 + 9216 * 128 + 1280, 26 * 26 * 9 * 32),
    "resnet20": (_resnet20(), 32 * 32 * 27 * 16),
    "lstm": (80 * (128 + 128) * 512 + 128, 0),
    "transformer": (_transformer(), 0),
    "mobilenetv2": (_mobilenetv2(), 112 * 112 * 27 * 32),
}


def flops(model, training, batch):
    """Floating-point operations: a training step computes each product three times, the first layer's twice."""
    forward, first = MULTIPLY_ADDS[model]
    return 2 * batch * (3 * forward - first if training else forward)


# Goals: the largest ratio to the floor, the least to LibTorch (geometric mean), shares of the multiply-add peak at
# batch 128, milliseconds of inference at batch 1, and the figures of the process.
FLOOR_RATIO = 1.15
LIBTORCH_RATIO = 1.9
PEAK_SHARE = {"mlp": 58, "cnn": 54, "resnet20": 55, "lstm": 45, "transformer": 35}
LATENCY_MS = {"mlp": 0.03, "cnn": 0.25, "resnet20": 0.6, "lstm": 0.5, "transformer": 0.3, "mobilenetv2": 4}
PREDICT_RATIO = 10
FIRST_STEP_MS = 60
FIRST_STEP_MB = 80
LIBRARY_MB = 60
MEMORY_SHARE = 0.5
OPERATION_NS = 200
COMPILE_MS = 500
