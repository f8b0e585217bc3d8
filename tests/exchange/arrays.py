# SPDX-License-Identifier: Apache-2.0
"""Tensors become NumPy's arrays through DLPack, and NumPy's arrays tensors, in shared memory.

    arrays.py BUILD_FOLDER
"""
import ctypes
import os
import sys
import weakref

import numpy as np

library = ctypes.CDLL(os.path.join(sys.argv[1], "lib", "libexchange_arrays.so"))
for name in ("give", "given_at", "take"):
    getattr(library, name).restype = ctypes.c_void_p
library.give.argtypes = [ctypes.c_char_p, ctypes.c_int64, ctypes.c_int64]
library.take.argtypes = [ctypes.c_void_p, ctypes.c_int]
library.elements.restype = ctypes.c_int64
library.elements.argtypes = [ctypes.c_void_p]

api = ctypes.pythonapi
api.PyCapsule_New.restype = ctypes.py_object
api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
api.PyCapsule_GetPointer.restype = ctypes.c_void_p
api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
USED = {b"dltensor": b"used_dltensor", b"dltensor_versioned": b"used_dltensor_versioned"}  # kept: names are not copied


class Given:
    """A tensor of keras.cpp, as numpy.from_dlpack wants to see it."""

    def __init__(self, dtype, rows, columns):
        self.pointer = library.give(dtype.encode(), rows, columns)

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **_):
        return api.PyCapsule_New(self.pointer, b"dltensor_versioned", None)


def check(condition, what):
    if not condition:
        sys.exit(f"arrays.py: {what}")


def check_out():
    for dtype in ("float32", "float64", "float16", "int8", "int64", "uint16", "bool", "complex64"):
        array = np.from_dlpack(Given(dtype, 2, 3))
        wanted = np.exp(np.arange(6, dtype="float32") / 2).reshape(2, 3).astype(dtype)
        check(array.dtype == dtype and array.shape == (2, 3), f"{dtype} came out as {array.dtype} {array.shape}")
        check(np.allclose(array, wanted, rtol=1e-3), f"{dtype} has other elements: {array}")
        check(array.ctypes.data == library.given_at(), f"{dtype} was copied on the way out")
        check(not array.flags.writeable, f"{dtype} may be written by NumPy")


def take(array, versioned):
    capsule = array.__dlpack__(max_version=(1, 1)) if versioned else array.__dlpack__()
    name = b"dltensor_versioned" if versioned else b"dltensor"
    pointer = api.PyCapsule_GetPointer(capsule, name)
    api.PyCapsule_SetName(capsule, USED[name])
    return library.take(pointer, 0 if versioned else 1)


class Watched(np.ndarray):
    """An array that a weak reference can see."""


def check_in():
    base = np.arange(24).reshape(2, 3, 4)
    arrays = [(base.astype(dtype), True) for dtype in ("float32", "float64", "float16", "int8", "int64", "uint32", "bool")]
    arrays += [(base.T, False), (base[:, ::2], False), (base[::-1], False), (base[1], True), (base[:, :1], False)]
    for array, shared in arrays:
        for versioned in (True, False):
            if not versioned and not array.flags.writeable:
                continue
            place = take(array, versioned)
            what = f"{array.dtype} {array.shape} with strides {array.strides}"
            check(place is not None, f"{what} was refused")
            check((place == array.ctypes.data) == shared, f"{what} was {'copied' if shared else 'not copied'}")
            out = np.empty(array.shape)
            check(library.elements(out.ctypes.data) == array.size, f"{what} has another size")
            check(np.array_equal(out, array.astype("float64")), f"{what} has other elements")
    check(take(np.ones(2, "complex128"), True) is None, "complex128 was taken")


def check_lifetime():
    array = np.ones(1000, "float32").view(Watched)
    alive = weakref.ref(array)
    take(array, True)
    del array
    check(alive() is not None, "NumPy freed an array under a tensor")
    library.let_go()
    check(alive() is None, "the deleter of an array was not called")


check_out()
check_in()
check_lifetime()
print(f"NumPy {np.__version__} and keras.cpp share arrays")
