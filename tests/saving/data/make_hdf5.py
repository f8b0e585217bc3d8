# SPDX-License-Identifier: Apache-2.0
"""Writes the .h5 files beside this script (h5py 3.16.0 with HDF5 2.0.0, numpy 2.4.6, ml_dtypes 0.6.0)."""

import pathlib

import h5py
import ml_dtypes
import numpy as np

HERE = pathlib.Path(__file__).parent


def ramp(shape, dtype="float32"):
    return (np.arange(np.prod(shape, dtype=int)) * 0.5 - 1).reshape(shape).astype(dtype)


# What Keras' weight files hold, in h5py's default format.
with h5py.File(HERE / "weights.h5", "w") as f:
    for name, shapes in {"dense": [(3, 4), (4,)], "dense_1": [(4, 2), (2,)]}.items():
        group = f.create_group(f"layers/{name}").create_group("vars")
        group.attrs["name"] = name
        for i, shape in enumerate(shapes):
            group[str(i)] = ramp(shape)
    f.create_group("layers/dropout/vars").attrs["name"] = "drop é"
    group = f.create_group("half").create_group("vars")
    group.create_dataset("0", data=ramp((2, 3), ml_dtypes.bfloat16)).attrs["dtype"] = "bfloat16"
    group["1"] = ramp((5,), "float16")
    group = f.create_group("optimizer/vars")
    group["0"] = np.int64(123456789012)
    group["1"] = np.float32(0.001)
    group["2"] = np.array([True, False, True])
    group["3"] = np.zeros((0, 3), "float64")
    group["4"] = h5py.Empty("float32")
    f.attrs["backend"] = b"tensorflow"
    f.attrs["layer_names"] = np.asarray([b"dense", b"dense_1", b"dropout"])
    f.attrs["no_names"] = np.asarray([])
    f.attrs["texts"] = ["one", "", "three"]
    f.attrs["count"] = np.uint8(200)
    f.attrs["pair"] = np.array([-1.5, 2.5], ">f4")
    f.attrs["empty"] = h5py.Empty("float32")
    f.attrs["complex"] = 1j

# Old chunk indexes, filters, byte orders and a group whose names need several nodes.
with h5py.File(HERE / "chunked_earliest.h5", "w", libver="earliest") as f:
    f.create_dataset("gzip", data=ramp((7, 9)), chunks=(3, 4), compression="gzip")
    f.create_dataset("all", data=ramp((10,), "int32"), chunks=(4,), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("plain", data=ramp((4, 4), "float64"), chunks=(2, 3))
    f.create_dataset("fill", shape=(6,), dtype="int16", chunks=(2,), fillvalue=-7)[2:4] = [1, 2]
    f["big_endian"] = ramp((2, 2), ">f8")
    many = f.create_group("many")
    for i in range(20):
        many[f"g{i}"] = f["plain"]

# The newest format, with every chunk index, dense links and dense attributes.
with h5py.File(HERE / "latest.h5", "w", libver="latest", track_order=True) as f:
    f.create_dataset("single", data=ramp((3, 3)), chunks=(3, 3), compression="gzip")
    f.create_dataset("fixed", data=ramp((5, 4)), chunks=(2, 3), shuffle=True, compression="gzip")
    f.create_dataset("extensible", data=ramp((5, 4)), chunks=(1, 2), maxshape=(5, None))
    f.create_dataset("btree", data=ramp((4, 4)), chunks=(2, 2), maxshape=(None, None), fletcher32=True)
    for name in "zyxwvutsrq":
        f.create_group(name)
    for i in range(10):
        f.attrs[f"a{9 - i}"] = i
