# SPDX-License-Identifier: Apache-2.0
"""keras.ops: math, linalg, core and image functions, and the table of dtype promotion."""
import numpy as np

from golden import DTYPES, Family, dtype_table, keras, spread, tf, try_op

rng = np.random.default_rng(97)
covered = set()
family = None


def op(name, *args, **kwargs):
    covered.add(name)
    try_op(family, name, *args, **kwargs)


A, C = spread(rng, (2, 4)), spread(rng, (2, 3, 4))
IDS = np.array([0, 2, 1, 2], "int32")

family = Family("ops_math", seed=97)
for name in ("erf", "erfc", "rsqrt", "erfinv"):
    low, high = (0.2, 3) if name == "rsqrt" else (-0.9, 0.9)
    op(name, spread(rng, (2, 3), low, high))
    dtype_table(family, name, np.array([[0.5]], "float32"))
for kwargs in ({}, {"axis": 1}, {"axis": (0, 2), "keepdims": True}):
    op("logsumexp", C, **kwargs)
for name in ("segment_sum", "segment_max", "segment_min", "segment_prod"):
    op(name, spread(rng, (4, 2)), np.array([0, 0, 1, 2], "int32"), sorted=True)
    op(name, spread(rng, (4, 2)), IDS, num_segments=3, grads=name == "segment_sum")
op("segment_sum", spread(rng, (4,)), np.array([0, 0, 1, 1], "int32"))
op("segment_sum", spread(rng, (4,)), np.array([0, 0, 3, 1], "int32"), num_segments=5)
op("top_k", C, 2)
op("top_k", np.array([[3, 1, 3, 2]], "int32"), 3)
op("in_top_k", np.array([1, 0], "int32"), A, 2)
op("in_top_k", np.array([3, 2], "int32"), A, 1)
op("extract_sequences", spread(rng, (2, 9)), 4, 2, grads=False)
pair = (spread(rng, (2, 4)), spread(rng, (2, 4)))
op("fft", pair)
op("fft2", pair)
op("ifft2", pair)
for n in (None, 6, 3):
    op("rfft", spread(rng, (2, 5)), fft_length=n)
    op("irfft", (spread(rng, (2, 4)), spread(rng, (2, 4))), fft_length=n, grads=False)
WAVE = spread(rng, (1, 24))
op("stft", WAVE, 8, 4, 8, grads=False)
op("stft", WAVE, 6, 3, 8, window="hamming", center=False, grads=False)
op("stft", WAVE, 8, 4, 8, window=None, grads=False)
spectrum = tuple(keras.ops.convert_to_numpy(t) for t in keras.ops.stft(WAVE, 8, 4, 8))
op("istft", spectrum, 8, 4, 8, grads=False)
op("istft", spectrum, 8, 4, 8, length=20, grads=False)
op("istft", spectrum, 8, 4, 8, window="hamming", grads=False)
op("cdist", A, spread(rng, (3, 4)))
op("view_as_complex", spread(rng, (3, 2)), grads=False)
op("view_as_real", np.array([1 + 2j, 3 - 1j], "complex64"), grads=False)
for name in ("real", "imag", "angle", "conj", "abs", "isreal"):
    op(name, np.array([1 + 2j, 3 - 1j, 2], "complex64"), grads=False)

SQUARE = np.stack([np.array([[4, 1, 0.5], [1, 3, -0.25], [0.5, -0.25, 2]]), np.eye(3) * 2 + 0.3]).astype("float32")
GENERAL = spread(rng, (2, 3, 3)) + 3 * np.eye(3, dtype="float32")
TALL = spread(rng, (4, 2))
op("logdet", SQUARE)
op("slogdet", GENERAL, grads=False)
op("cholesky", SQUARE)
op("cholesky", SQUARE, upper=True)
op("cholesky_inverse", np.linalg.cholesky(SQUARE).astype("float32"))
op("cholesky_inverse", np.linalg.cholesky(SQUARE).transpose(0, 2, 1).astype("float32").copy(), upper=True)
op("det", GENERAL)
op("inv", GENERAL)
op("pinv", TALL)
op("pinv", TALL, rcond=0.5)
op("matrix_rank", np.array([[1, 2], [2, 4]], "float32"), grads=False)
op("matrix_rank", GENERAL, tol=1e-3, grads=False)
op("eigh", SQUARE, grads=False, note="eigenvectors up to sign")
op("eig", SQUARE, grads=False, note="order and phase of eigenvectors are free")
op("lu_factor", GENERAL[0], grads=False)
op("qr", TALL, grads=False)
op("qr", TALL, mode="complete", grads=False, note="columns up to sign")
op("svd", TALL, grads=False, note="vectors up to sign")
op("svd", TALL, full_matrices=False, grads=False, note="vectors up to sign")
op("svd", TALL, compute_uv=False, grads=False)
op("solve", GENERAL, spread(rng, (2, 3, 2)))
op("solve", GENERAL[0], spread(rng, (3,)))
op("solve_triangular", np.tril(GENERAL), spread(rng, (2, 3, 2)), lower=True)
op("solve_triangular", np.triu(GENERAL), spread(rng, (2, 3, 2)))
op("lstsq", TALL, spread(rng, (4, 2)), grads=False)
op("lstsq", TALL, spread(rng, (4,)), grads=False)
for kwargs in ({}, {"axis": 1}, {"ord": 1, "axis": -1}, {"ord": float("inf"), "axis": -1}, {"ord": 3, "axis": 0},
               {"ord": float("-inf"), "axis": -1}, {"ord": 0, "axis": -1}, {"keepdims": True}):
    op("norm", A, **kwargs)
for order in ("fro", "nuc", 1, -1, 2, -2, float("inf")):
    op("norm", GENERAL, ord=order, axis=(1, 2), grads=order in ("fro", 1, -1))

# core
op("scatter", np.array([[0, 1], [2, 0], [0, 1]], "int32"), spread(rng, (3,)), (3, 2))
op("scatter", np.array([[1], [3]], "int32"), spread(rng, (2, 2)), (4, 2))
for reduction in (None, "add", "max", "min", "mul"):
    op("scatter_update", A, np.array([[0, 1], [1, 3]], "int32"), spread(rng, (2,)), reduction=reduction,
       grads=reduction in (None, "add"))
op("slice", C, (0, 1, 1), (2, 2, 2))
op("slice_update", C, (0, 1, 1), spread(rng, (1, 2, 2)))
op("unstack", C, axis=1)
op("unstack", A, num=2)
op("cast", A, "int32")
op("cast", A, "float16")
op("cast", IDS, "float32")
op("saturate_cast", np.array([-300, -1, 0.7, 300], "float32"), "uint8", grads=False)
op("saturate_cast", np.array([-300, 100, 300], "int32"), "int8")
op("stop_gradient", A)
op("convert_to_tensor", A)
op("convert_to_tensor", [1, 2], dtype="float32")
family.save()

# image
family = Family("ops_image", seed=98)
IMAGE = spread(rng, (1, 5, 4, 3), 0, 1)


def image(name, *args, **kwargs):
    op("image." + name, *args, **kwargs)


for how in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    image("resize", IMAGE, (3, 6), interpolation=how)
    if how != "nearest":
        image("resize", IMAGE, (3, 2), interpolation=how, antialias=True)
image("resize", IMAGE, (3, 6), crop_to_aspect_ratio=True)
image("resize", IMAGE, (3, 6), pad_to_aspect_ratio=True, fill_value=0.5)
image("resize", IMAGE[0], (3, 6))
image("resize", np.moveaxis(IMAGE, -1, 1).copy(), (3, 6), data_format="channels_first")
image("rgb_to_grayscale", IMAGE)
image("rgb_to_hsv", IMAGE)
image("hsv_to_rgb", IMAGE, grads=False)
image("crop_images", IMAGE, top_cropping=1, left_cropping=0, target_height=3, target_width=2)
image("crop_images", IMAGE, top_cropping=1, bottom_cropping=1, left_cropping=1, right_cropping=0)
image("pad_images", IMAGE, top_padding=1, left_padding=2, target_height=7, target_width=8)
image("pad_images", IMAGE, top_padding=1, bottom_padding=0, left_padding=1, right_padding=1)
for padding in ("valid", "same"):
    image("extract_patches", IMAGE, (2, 2), padding=padding)
    image("extract_patches", IMAGE, 2, strides=1, padding=padding)
image("extract_patches", IMAGE, (2, 2), strides=1, dilation_rate=2)
image("extract_patches_3d", spread(rng, (1, 4, 4, 4, 1)), (2, 2, 2))
MATRIX = np.array([[1.0, 0.2, -0.3, -0.1, 0.9, 0.4, 0.0, 0.0]], "float32")
for how in ("nearest", "bilinear"):
    for mode in ("constant", "nearest", "wrap", "mirror", "reflect"):
        image("affine_transform", IMAGE, MATRIX, interpolation=how, fill_mode=mode, fill_value=0.25, grads=False)
    image("perspective_transform", IMAGE, np.array([[[0, 0], [0, 4], [3, 0], [3, 4]]], "float32"),
          np.array([[[0, 0.5], [0.3, 4], [3, 0], [2.8, 3.5]]], "float32"), interpolation=how, grads=False)
POINTS = np.stack([spread(rng, (6,), -0.9, 5.5), spread(rng, (6,), -0.9, 4.4)])
for order in (0, 1):
    for mode in ("constant", "nearest", "wrap", "mirror", "reflect"):
        image("map_coordinates", IMAGE[0, :, :, 0].copy(), POINTS, order=order, fill_mode=mode, fill_value=0.5, grads=False)
image("gaussian_blur", IMAGE)
image("gaussian_blur", IMAGE, kernel_size=(5, 3), sigma=(0.7, 1.5))
image("sobel_edges", IMAGE)
for how in ("linear", "cubic", "lanczos3"):
    for antialias in (True, False):
        image("scale_and_translate", IMAGE, (1, 4, 6, 3), np.array([0.8, 1.5], "float32"), np.array([0.2, -0.4], "float32"),
              (1, 2), how, antialias=antialias, grads=False)
image("ssim", spread(rng, (1, 12, 12, 1), 0, 1), spread(rng, (1, 12, 12, 1), 0, 1), filter_size=7, grads=False)
family.save()

# promotion
family = Family("promotion", seed=99)
NAMES = list(DTYPES) + ["int", "float"]


def promoted(*names):
    values = [{"int": int, "float": float}.get(n, n) for n in names]
    try:
        return keras.backend.result_type(*values)
    except Exception:
        return None


family.add(what="result_type", dtypes=NAMES, table=[[promoted(a, b) for b in NAMES] for a in NAMES],
           one=[promoted(a) for a in NAMES])
family.add(what="result_type_three", dtypes=NAMES,
           table=[[[promoted(a, b, c) for c in NAMES] for b in NAMES] for a in NAMES])


def result(fn, a, b):
    def value(name):
        return {"int": 2, "float": 2.0}.get(name) or tf.cast(tf.constant([2]), name)
    try:
        return keras.backend.standardize_dtype(fn(value(a), value(b)).dtype)
    except Exception:
        return None


for name in ("add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "power", "maximum", "minimum",
             "arctan2", "equal", "less", "logical_and", "bitwise_and", "matmul", "where_true"):
    fn = (lambda a, b: keras.ops.where(True, a, b)) if name == "where_true" else getattr(keras.ops, name)
    family.add(what="op", op=name, dtypes=NAMES, table=[[result(fn, a, b) for b in NAMES] for a in NAMES])
family.save()
names = {n for n in dir(keras.ops) if getattr(getattr(keras.ops, n), "__module__", "") in (
    "keras.src.ops.math", "keras.src.ops.linalg", "keras.src.ops.core")}
names |= {"image." + n for n in dir(keras.ops.image) if callable(getattr(keras.ops.image, n)) and n[0] != "_"}
print("not covered:", sorted(names - covered))
