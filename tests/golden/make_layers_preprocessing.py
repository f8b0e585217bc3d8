# SPDX-License-Identifier: Apache-2.0
"""Rescaling, Resizing and the other preprocessing layers that draw nothing."""
import numpy as np

from golden import Family, keras, layer_case, spatial_case, spread

layers = keras.layers
family = Family("layers_preprocessing", seed=81)


def case(name, make, inputs, **kw):
    layer_case(family, name, make, inputs, **kw)


def both(name, make, shape, **kw):
    spatial_case(family, name, make, shape, **kw)


case("rescaling", lambda: layers.Rescaling(0.5), (2, 3))
case("rescaling_offset", lambda: layers.Rescaling(1 / 127.5, offset=-1), (2, 3, 2))
case("rescaling_channels", lambda: layers.Rescaling([0.5, 2.0], offset=[0.1, -0.2]), (1, 2, 3, 2))
case("rescaling_uint8", lambda: layers.Rescaling(1 / 255), np.arange(0, 240, 40, dtype="uint8").reshape(2, 3))

IMAGE = (1, 5, 4, 2)
for how in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"):
    case(f"resizing_{how}_down", lambda: layers.Resizing(3, 2, interpolation=how), IMAGE)
    case(f"resizing_{how}_up", lambda: layers.Resizing(8, 6, interpolation=how), IMAGE)
    if how != "nearest":
        case(f"resizing_{how}_antialias", lambda: layers.Resizing(2, 3, interpolation=how, antialias=True), IMAGE)
both("resizing", lambda f: layers.Resizing(3, 6, data_format=f), IMAGE)
case("resizing_rank3", lambda: layers.Resizing(3, 6), (5, 4, 2))
case("resizing_crop", lambda: layers.Resizing(3, 6, crop_to_aspect_ratio=True), IMAGE)
case("resizing_crop_tall", lambda: layers.Resizing(6, 2, crop_to_aspect_ratio=True), IMAGE)
case("resizing_pad", lambda: layers.Resizing(4, 7, pad_to_aspect_ratio=True), IMAGE)
case("resizing_pad_value", lambda: layers.Resizing(7, 3, pad_to_aspect_ratio=True, fill_value=1.5), IMAGE)
case("resizing_same", lambda: layers.Resizing(5, 4), IMAGE)
case("resizing_uint8", lambda: layers.Resizing(3, 3), np.arange(40, dtype="uint8").reshape(IMAGE))

both("center_crop", lambda f: layers.CenterCrop(3, 2, data_format=f), IMAGE)
case("center_crop_odd", lambda: layers.CenterCrop(2, 3), IMAGE)
case("center_crop_resizes", lambda: layers.CenterCrop(6, 3), IMAGE)

ids = np.array([[0, 3, 1], [2, 2, 1]], "int32")
for mode in ("multi_hot", "count"):
    case(f"category_{mode}", lambda: layers.CategoryEncoding(4, output_mode=mode), ids)
case("category_one_hot", lambda: layers.CategoryEncoding(4, output_mode="one_hot"), ids[:, :1])
case("category_one_hot_rank1", lambda: layers.CategoryEncoding(4, output_mode="one_hot"), ids[0])
case("category_count_weights", lambda: layers.CategoryEncoding(4, output_mode="count"), ids,
     tensor_kwargs={"count_weights": np.array([[0.5, 1, 2], [1, 0.25, 3]], "float32")}, check=False)
points = np.array([[-1.5, 0.0, 0.4], [1.0, 2.2, 9.0]], "float32")
for mode in ("int", "one_hot", "multi_hot", "count"):
    case(f"discretization_{mode}", lambda: layers.Discretization([0.0, 1.0, 2.0], output_mode=mode),
         points[:, :1] if mode == "one_hot" else points, check=False)


def discretized():
    layer = layers.Discretization(num_bins=4)
    layer.adapt(np.random.default_rng(5).normal(size=100).astype("float32"))
    return layer


case("discretization_adapted", discretized, points, check=False)

for options in ({"num_bins": 5}, {"num_bins": 5, "mask_value": 3}, {"num_bins": 5, "salt": 7},
                {"num_bins": 5, "salt": [1, 2]}, {"num_bins": 5, "output_mode": "multi_hot"},
                {"num_bins": 5, "output_mode": "count"}):
    case("hashing", lambda: layers.Hashing(**options), np.array([[1, 2, 3], [100, -5, 3]], "int64"))
for options in ({}, {"output_mode": "one_hot"}):
    case("hashed_crossing", lambda: layers.HashedCrossing(7, **options),
         [np.array([1, 2, 3, 4], "int64"), np.array([9, 8, 7, 7], "int64")])

words = np.array([[12, 7, 3], [5, 12, 99]], "int64")
for options in ({}, {"num_oov_indices": 0}, {"num_oov_indices": 2}, {"mask_token": 0},
                {"output_mode": "multi_hot"}, {"output_mode": "count"}, {"output_mode": "one_hot"},
                {"output_mode": "tf_idf", "idf_weights": [0.5, 1.0, 1.5, 2.0]}, {"invert": True}, {"oov_token": -7},
                {"max_tokens": 9, "output_mode": "multi_hot", "pad_to_max_tokens": True}):
    given = np.array([[0, 1, 2], [3, 1, 4]], "int64") if options.get("invert") else words
    if options.get("num_oov_indices") == 0:
        given = np.array([[12, 7, 3], [5, 12, 3]], "int64")
    if options.get("output_mode") == "one_hot":
        given = words[:, :1]
    case("integer_lookup", lambda: layers.IntegerLookup(vocabulary=[12, 5, 7, 3], **options), given, check=False)

wave = spread(np.random.default_rng(6), (1, 64), -1, 1)
case("mel_spectrogram", lambda: layers.MelSpectrogram(
    fft_length=16, sequence_stride=8, num_mel_bins=5, sampling_rate=100, max_freq=40), wave, check=False)
case("mel_spectrogram_linear", lambda: layers.MelSpectrogram(
    fft_length=16, sequence_stride=8, sequence_length=12, num_mel_bins=5, sampling_rate=100, min_freq=5.0,
    power_to_db=False, mag_exp=1.0), wave, check=False)
for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft"):
    case(f"stft_spectrogram_{mode}", lambda: layers.STFTSpectrogram(
        mode=mode, frame_length=16, frame_step=8, fft_length=16), wave[..., None], check=False)
case("stft_spectrogram_options", lambda: layers.STFTSpectrogram(
    mode="magnitude", frame_length=12, frame_step=6, fft_length=16, window="hamming", periodic=True,
    scaling="spectrum", padding="same", expand_dims=True), wave[..., None], check=False)

images = (np.random.default_rng(7).permutation(96).reshape(1, 4, 8, 3) * 2.5).astype("float32")
case("solarization", lambda: layers.Solarization(addition_factor=0.0, threshold_factor=0.0), images, check=False)
case("auto_contrast", lambda: layers.AutoContrast(), images, check=False)
case("equalization", lambda: layers.Equalization(bins=16), images, check=False)
family.save()
