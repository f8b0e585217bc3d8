# SPDX-License-Identifier: Apache-2.0
"""How NumPy prints arrays: str() of many, as text in the manifest; and .npy files of every header version and order."""
import io
import os
import zipfile

import numpy as np

from golden import HERE, Family

family = Family("printing", seed=7)
family.allow_nonfinite = True
rng = family.rng


pools = {}


def case(array, note=""):
    """The elements go into one array a dtype; `offset` counts its elements."""
    pool = pools.setdefault(array.dtype.name, [])
    offset = sum(a.size for a in pool)
    pool.append(array.reshape(-1))
    family.add(note=note, dtype=array.dtype.name, offset=offset, shape=list(array.shape), text=str(array))


FLOATS = ("float16", "float32", "float64")
for name in FLOATS:
    dtype = np.dtype(name)
    tiny, big = np.finfo(dtype).tiny, np.finfo(dtype).max
    for values in ([1, 2, 3], [1.5, -2, 0.25], [0.1, 0.2, 0.3], [1e-5, 1], [1e-4, 1e-1], [1, 1000], [1, 1001], [1, 999.5],
                   [123456, 1], [0.0, -0.0], [np.nan, 1], [np.inf, -np.inf, np.nan], [-np.inf, 2.5], [np.nan], [np.inf],
                   [np.nan, 1e-6], [np.inf, 1e-6], [-np.inf, 1e-6, 1], [tiny, big], [big, -big], [1 / 3, 2 / 3], [1e-7], [1e5],
                   [999], [1000], [999999], [1e6], [99999999], [1e8], [1e10, 1], [-1e-5, 1e-5], [-1.5, 1e-9],
                   [1e-10, 3e-10], [5e-5, 0.05], [100, 0.1], [100.5, 0.1004], [np.nan, -1], [], [[]], [[], []], [0, 1e-3],
                   [2.0 ** -24, 1], [65504, 1], [0.00010001, 0.1], [0.5, 1234.5678]):
        with np.errstate(over="ignore"):
            case(np.array(values, dtype))
    for scalar in (0, 1, -1, 0.1, 1 / 3, 1e-4, 1e-5, 9.999e-5, 1e4, 12345.678, 1e15, 1e16, 123456789, 1.5e20, tiny, big, np.nan,
                   np.inf, -np.inf, -0.0, 2.0 ** 26):
        with np.errstate(over="ignore"):
            case(np.array(scalar, dtype))
    shapes = ((4, 6), (2, 3, 4), (2, 2, 2, 3), (30,), (3, 40), (1, 1))
    if name == "float32":
        shapes += ((1000,), (1001,), (26, 40), (3, 3, 112), (126, 2, 4), (2, 300, 2), (8, 8, 16))
    for shape in shapes:
        case(rng.normal(size=shape).astype(dtype))
        case((rng.normal(size=shape) * 10.0 ** rng.integers(-4, 4, size=shape)).astype(dtype))
    bits = rng.integers(0, 2 ** (8 * dtype.itemsize), size=(40, 4), dtype=np.uint64).astype(f"uint{8 * dtype.itemsize}")
    for row in bits:
        with np.errstate(all="ignore"):
            case(row.view(dtype), "random bits")
            case(row[:1].view(dtype).reshape(()), "random bits")
for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
    info = np.iinfo(name)
    case(np.array([info.min, info.max, 0], name))
    case(np.array(info.max, name))
    case(np.arange(12).reshape(3, 4).astype(name))
    case((np.arange(1200) % 128).astype(name))
    case(np.arange(1500).reshape(3, 500).astype(name))
    case(np.arange(40).reshape(2, 20).astype(name) * 3)
case(np.array([True, False]))
case(np.array([[True, False], [False, False]]))
case(np.array(True))
case(np.array(False))
case(np.ones((1002,), bool))
for values in ([1 + 2j, -3.5 - 0.25j], [1e-6 + 1j, 2], [1j, 0], [np.nan + 1j, 1 - 1j * np.inf], [0.1 + 0.2j, 1000 + 1e-3j]):
    case(np.array(values, "complex64"))
for scalar in (1 + 2j, 1.5 - 0.25j, 2j, -2j, -0.0 + 1j, 0j, 1e-6 + 1e20j, complex("nan+1j"), complex("1+infj"), complex("1-infj"),
               complex("inf-nanj")):
    case(np.array(scalar, "complex64"))
case((rng.normal(size=(3, 5)) + 1j * rng.normal(size=(3, 5))).astype("complex64"))
for words in (["a", "bc"], ["it's", 'say "x"', "both ' and \""], ["tab\t", "new\nline", "back\\slash", "\x01"], ["é", "日本"],
              [["x", "yy"], ["zzz", ""]], ["word"] * 30):
    family.add(note="strings", strings=np.array(words).ravel().tolist(), shape=list(np.array(words).shape), text=str(np.array(words)))
family.add(note="strings", strings=["alone"], shape=[], text=str(np.array("alone")))
# Named by the last case: bit patterns, since most pools hold NaN and infinities.
family.add(note="pools", pools={name: family.key(name, np.concatenate(pool).view(np.uint8)) for name, pool in pools.items()})
family.save()

# Each member holds the numbers 0 to 23 (bools: which of them are odd; complex: n - n j) in the shape (2, 3, 4).
numbers = np.arange(24).reshape(2, 3, 4)
with zipfile.ZipFile(os.path.join(HERE, "files", "npy_variants.npz"), "w") as archive:

    def member(name, array, version=None, deflated=False):
        content = io.BytesIO()
        np.lib.format.write_array(content, array, version=version, allow_pickle=False)
        method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
        archive.writestr(zipfile.ZipInfo(name + ".npy"), content.getvalue(), method)

    for code in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c8", "c16"):
        for order in "<>":
            array = numbers.astype(order + code)
            if code[0] == "c":
                array = array - 1j * array
                array = array.astype(order + code)
            member(f"{order}{code} C", array)
            member(f"{order}{code} F", np.asfortranarray(array), deflated=True)
    member("bool", numbers % 2 == 1)
    member("version 2", numbers.astype("<f4"), version=(2, 0))
    member("version 3", numbers.astype("<f4"), version=(3, 0))
    member("strings U", np.array([["a", "bé€"], ["", "x" * 9]]))
    member("strings >U F", np.asfortranarray(np.array([["a", "bé€"], ["", "x" * 9]]).astype(">U9")))
    member("strings S", np.array([[b"a", b"bc"], [b"", b"x" * 9]]))
    member("scalar", np.array(2.5))
    member("empty", np.zeros((0, 3), "f4"))
    member("empty F", np.asfortranarray(np.zeros((2, 0, 3), "f4")))
