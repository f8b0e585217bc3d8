# SPDX-License-Identifier: Apache-2.0
"""PyTorch as a program that run.py measures: channels-last convolutions, its fused optimizers and attention,
sequences first in the LSTM, batch normalization folded for inference. The argument `compile` compiles models
with torch.compile (frozen for inference).
"""

import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from peer_protocol import Case, integer_values, real_values, serve

VOCABULARY = 20000
COMPILED = "compile" in sys.argv


class Classifier(nn.Module):
    """Logits in training, probabilities in evaluation."""

    def forward(self, x):
        logits = self.logits(x)
        return logits if self.training else F.softmax(logits, -1)


class Mlp(Classifier):
    def __init__(self):
        super().__init__()
        self.logits = nn.Sequential(
            nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
        )


class Cnn(Classifier):
    def __init__(self):
        super().__init__()
        self.logits = nn.Sequential(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(),
            nn.Linear(9216, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, 10),
        )


class NormalizedConvolution(nn.Module):
    """A convolution without bias and its batch normalization, which fold() makes one convolution."""

    def __init__(self, width, filters, size, stride=1, groups=1, momentum=0.01):
        super().__init__()
        self.conv = nn.Conv2d(width, filters, size, stride, size // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(filters, eps=1e-3, momentum=momentum)

    def forward(self, x):
        return self.norm(self.conv(x))

    def fold(self):
        self.conv = nn.utils.fusion.fuse_conv_bn_eval(self.conv, self.norm)
        self.norm = nn.Identity()


class ResidualBlock(nn.Module):
    def __init__(self, width, filters):
        super().__init__()
        stride = 1 if width == filters else 2
        self.inner = NormalizedConvolution(width, filters, 3, stride)
        self.outer = NormalizedConvolution(filters, filters, 3)
        self.past = nn.Identity() if stride == 1 else nn.Conv2d(width, filters, 1, 2, bias=False)

    def forward(self, x):
        return F.relu_(self.outer(F.relu_(self.inner(x))) + self.past(x))


class ResNet20(Classifier):
    def __init__(self):
        super().__init__()
        self.first = NormalizedConvolution(3, 16, 3)
        widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
        self.blocks = nn.Sequential(*(ResidualBlock(a, b) for a, b in zip(widths, widths[1:])))
        self.last = nn.Linear(64, 10)

    def logits(self, x):
        return self.last(self.blocks(F.relu_(self.first(x))).mean((2, 3)))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 128)
        self.recurrent = nn.LSTM(128, 128)
        self.last = nn.Linear(128, 1)
        # Keras has one bias, PyTorch a second one that is added to it: that one stays zero.
        nn.init.zeros_(self.recurrent.bias_hh_l0).requires_grad_(False)

    def forward(self, x):  # (steps, batch)
        logits = self.last(self.recurrent(self.words(x))[1][0][0])
        return logits if self.training else torch.sigmoid(logits)


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, inner_width):
        super().__init__()
        self.heads = heads
        self.projection = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.inner = nn.Linear(width, inner_width)
        self.outer = nn.Linear(inner_width, width)
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        batch, length, width = x.shape
        parts = self.projection(x).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        attended = self.output(attended.transpose(1, 2).reshape(batch, length, width))
        y = self.norm1(x + F.dropout(attended, 0.1, self.training))
        z = self.outer(F.relu(self.inner(y)))
        return self.norm2(y + F.dropout(z, 0.1, self.training))


class Transformer(Classifier):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 64)
        self.places = nn.Embedding(200, 64)
        self.blocks = nn.Sequential(EncoderBlock(64, 2, 128), EncoderBlock(64, 2, 128))
        self.head = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(64, 20), nn.ReLU(), nn.Dropout(0.1), nn.Linear(20, 2)
        )

    def logits(self, x):
        return self.head(self.blocks(self.words(x) + self.places.weight).mean(1))


class InvertedResidual(nn.Module):
    def __init__(self, width, filters, stride, expansion):
        super().__init__()
        inner = width * expansion
        layers = []
        if expansion != 1:
            layers += [NormalizedConvolution(width, inner, 1, momentum=0.001), nn.ReLU6(inplace=True)]
        layers += [
            NormalizedConvolution(inner, inner, 3, stride, inner, momentum=0.001),
            nn.ReLU6(inplace=True),
            NormalizedConvolution(inner, filters, 1, momentum=0.001),
        ]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and width == filters

    def forward(self, x):
        return self.layers(x) + x if self.adds else self.layers(x)


class MobileNetV2(Classifier):
    """keras.applications.MobileNetV2; strides pad both sides by one, which needs no copy here."""

    def __init__(self):
        super().__init__()
        stages = [(16, 1, 1, 1), (24, 2, 2, 6), (32, 2, 3, 6), (64, 2, 4, 6), (96, 1, 3, 6), (160, 2, 3, 6)]
        layers, width = [NormalizedConvolution(3, 32, 3, 2, momentum=0.001), nn.ReLU6(inplace=True)], 32
        for filters, stride, blocks, expansion in [*stages, (320, 1, 1, 6)]:
            for i in range(blocks):
                layers.append(InvertedResidual(width, filters, stride if i == 0 else 1, expansion))
                width = filters
        layers += [NormalizedConvolution(width, 1280, 1, momentum=0.001), nn.ReLU6(inplace=True)]
        self.features = nn.Sequential(*layers)
        self.last = nn.Linear(1280, 1000)

    def logits(self, x):
        return self.last(self.features(x).mean((2, 3)))


# Shape of a sample, whether it holds words, classes (1: a sigmoid, 0: not trained), Adam or SGD.
MODELS = {
    "mlp": (Mlp, (784,), False, 10, True),
    "cnn": (Cnn, (28, 28, 1), False, 10, True),
    "resnet20": (ResNet20, (32, 32, 3), False, 10, False),
    "lstm": (Lstm, (80,), True, 1, True),
    "transformer": (Transformer, (200,), True, 2, True),
    "mobilenetv2": (MobileNetV2, (224, 224, 3), False, 0, True),
}


def compiled(model):
    if not COMPILED:
        return model
    torch._dynamo.reset()
    return torch.compile(model)


def make(name, training, batch, rate):
    torch.manual_seed(1)
    make_model, sample, words, classes, adam = MODELS[name]
    model = make_model()
    shape = (batch, *sample)
    x = torch.from_numpy(integer_values(shape, VOCABULARY, "int64") if words else real_values(shape))
    if len(sample) == 3:
        model = model.to(memory_format=torch.channels_last)
        x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)
    if name == "lstm":
        x = x.t().contiguous()
    parameters = [p for p in model.parameters() if p.requires_grad]
    count = sum(p.numel() for p in parameters)
    if not training:
        model.eval()
        for module in model.modules():
            if isinstance(module, NormalizedConvolution):
                module.fold()
        call = compiled(model)

        def infer():
            # Frozen graphs know no_grad only.
            with torch.no_grad() if COMPILED else torch.inference_mode():
                call(x)

        return Case(count, infer)
    if classes == 1:
        y = torch.from_numpy(integer_values((batch, 1), 2)).float()
        loss_of = F.binary_cross_entropy_with_logits
    else:
        y = torch.from_numpy(integer_values((batch,), classes, "int64"))
        loss_of = F.cross_entropy
    model.train()
    if adam:
        optimizer = torch.optim.Adam(parameters, rate or 1e-3, eps=1e-7, fused=True)
    else:
        optimizer = torch.optim.SGD(parameters, rate or 1e-2, momentum=0.9, fused=True)
    call = compiled(lambda batch_x, batch_y: loss_of(model(batch_x), batch_y))
    last = []

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = call(x, y)
        loss.backward()
        optimizer.step()
        last[:] = [loss.detach()]

    return Case(count, step, lambda: last[0].item())


def operations(seconds):
    """Nanoseconds of small operations, as called from Python."""
    a, b = torch.tensor([1.0, 2, 3, 4]), torch.tensor([5.0, 6, 7, 8])
    times = []
    end = time.perf_counter() + seconds
    with torch.inference_mode():
        while time.perf_counter() < end or len(times) < 5:
            begin = time.perf_counter()
            for _ in range(1000):
                torch.add(a, b)
            times.append((time.perf_counter() - begin) * 1e6)
    return {"add": sorted(times)[len(times) // 2]}


def main():
    # Asked for by name: a bound process sees one processor.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    torch.set_flush_denormal(True)
    if COMPILED:
        from torch._inductor import config

        config.freezing = True
    mode = "torch.compile, frozen for inference" if COMPILED else "eager, channels-last, fused optimizers"
    serve("PyTorch", torch.__version__, mode, make, operations)


if __name__ == "__main__":
    main()
