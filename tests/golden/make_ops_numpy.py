# SPDX-License-Identifier: Apache-2.0
"""The functions of keras.ops that numpy has too."""
import numpy as np

from golden import Family, dtype_table, keras, spread, tf, try_op

rng = np.random.default_rng(91)
family = Family("ops_numpy_elementwise", seed=91)
covered = set()


def op(name, *args, **kwargs):
    covered.add(name)
    try_op(family, name, *args, **kwargs)


def table(name, *args, **kwargs):
    dtype_table(family, name, *args, **kwargs)


A = spread(rng, (2, 3))
B = spread(rng, (2, 3))
ROW, COLUMN = spread(rng, (3,)), spread(rng, (2, 1))
POS = spread(rng, (2, 3), 0.2, 3)
UNIT = spread(rng, (2, 3), -0.9, 0.9)
INTS = np.array([[3, -7, 2], [5, 4, -1]], "int32")
INTS2 = np.array([[2, 3, -2], [-4, 1, 3]], "int32")
NATURAL = np.array([[3, 7, 2], [5, 4, 1]], "int32")
BITS = np.array([[1, 0, 1], [0, 0, 1]], bool)
BITS2 = np.array([[1, 1, 0], [0, 1, 1]], bool)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5], "float32")
SMALL = np.array([[1, 2, 3]], "float32")

# One argument
for name in ("abs absolute negative sign square sin cos tan sinh cosh tanh arctan arcsinh exp exp2 expm1 floor ceil "
             "round trunc sinc cbrt deg2rad rad2deg i0 fabs conj conjugate real copy positive").split():
    if hasattr(keras.ops, name):
        op(name, A)
        op(name, INTS)
        table(name, SMALL)
for name in "sqrt log log2 log10 log1p reciprocal arccosh".split():
    op(name, POS + (1 if name == "arccosh" else 0))
    op(name, NATURAL)
    table(name, SMALL)
for name in "arcsin arccos arctanh".split():
    op(name, UNIT)
    table(name, SMALL)
for name in "isnan isinf isfinite isposinf isneginf signbit isreal".split():
    op(name, SPECIAL)
    op(name, INTS)
for name in "imag angle".split():
    op(name, A, grads=False)
for name in "sign sqrt floor ceil trunc abs exp log round".split():
    op(name, SPECIAL, grads=False)
op("round", np.array([0.5, 1.5, 2.5, -0.5, -1.5], "float32"), grads=False)
op("round", A * 10, decimals=1)
op("round", INTS * 7, decimals=-1)
for name in "logical_not bitwise_invert bitwise_not".split():
    op(name, BITS)
    if name != "logical_not":
        op(name, INTS)
op("logical_not", A)
op("nan_to_num", SPECIAL, grads=False)
op("nan_to_num", SPECIAL, nan=1.0, posinf=5.0, neginf=-4.0, grads=False)
op("clip", A, -0.7, 1.1)
op("clip", INTS, -2, 3)
table("clip", SMALL, 1, 2)

# Two arguments
for name in "add subtract multiply divide true_divide maximum minimum power mod floor_divide arctan2 hypot logaddexp " \
            "logaddexp2 fmax fmin fmod heaviside nextafter divide_no_nan".split():
    x = POS if name == "power" else A
    grads = name not in ("heaviside", "nextafter", "floor_divide")
    op(name, x, B, grads=grads)
    op(name, x, ROW, grads=grads)
    op(name, POS[:, :1], COLUMN if name != "power" else ROW, grads=grads)
    if name == "power":
        op(name, NATURAL, np.array([[0, 2, 3], [1, 2, 0]], "int32"))
        op(name, POS, 2)
        op(name, POS, 0.5)
    elif name not in ("nextafter", "hypot"):
        op(name, INTS, INTS2)
        op(name, A, 2.0, grads=grads)
        op(name, INTS, 2)
    table(name, SMALL, SMALL)
for name in "equal not_equal less less_equal greater greater_equal".split():
    op(name, INTS, INTS2)
    op(name, A, 0.5)
    op(name, SPECIAL, SPECIAL)
for name in "logical_and logical_or logical_xor".split():
    op(name, BITS, BITS2)
    op(name, A, BITS)
for name in "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift left_shift right_shift".split():
    op(name, NATURAL, np.array([1, 2, 0], "int32"))
    if "shift" not in name:
        op(name, BITS, BITS2)
for name in "gcd lcm".split():
    op(name, NATURAL * 6, NATURAL + 8)
op("ldexp", A, np.array([1, -2, 3], "int32"))
op("isclose", A, A + np.float32(1e-6))
op("isclose", SPECIAL, SPECIAL, equal_nan=True)
op("isclose", POS, POS * np.float32(1.05), rtol=0.1, atol=0.0)
op("allclose", A, A + np.float32(1e-7))
op("allclose", A, B)
op("divide_no_nan", A, np.array([0.0, 2.0, 4.0], "float32"))
op("where", BITS, A, B)
op("where", BITS, A, 0.0)
op("where", BITS, INTS, B)
op("where", BITS)
op("select", [BITS, BITS2], [A, B], 7.0)
for dtype in ("float64", "float16", "bfloat16"):
    for name in ("add", "multiply", "divide", "maximum"):
        op(name, tf.cast(A, dtype), tf.cast(B, dtype))
    for name in ("exp", "tanh", "square"):
        op(name, tf.cast(A, dtype))
family.save()

# Reductions, order and search
family = Family("ops_numpy_reductions", seed=92)
C = spread(rng, (2, 3, 4))
NANS = C.copy()
NANS[0, 1, 2] = NANS[1, 0, 0] = np.nan
for name in "sum mean prod max min amax amin var std median ptp".split():
    for kwargs in ({}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}):
        if name in ("ptp",) and isinstance(kwargs.get("axis"), tuple):
            continue
        op(name, C, **kwargs)
    if name not in ("var", "std", "median"):
        op(name, INTS, axis=0)
    table(name, SMALL)
op("max", C, axis=1, initial=0.3)
op("min", C, initial=-5.0)
op("prod", INTS, dtype="float32")
for name in "nansum nanmean nanprod nanmax nanmin nanvar nanstd nanmedian".split():
    for kwargs in ({}, {"axis": 1}, {"axis": (0, 2), "keepdims": True}):
        op(name, NANS, grads=False, **kwargs)
for name in "nanargmax nanargmin".split():
    op(name, NANS)
    op(name, NANS, axis=1)
    op(name, NANS, axis=2, keepdims=True)
for name in "nancumsum nancumprod".split():
    op(name, NANS, axis=1, grads=False)
    op(name, NANS, grads=False)
for name in "all any".split():
    op(name, BITS)
    op(name, BITS, axis=1)
    op(name, BITS, axis=0, keepdims=True)
    op(name, A, axis=1)
for name in "argmax argmin".split():
    for kwargs in ({}, {"axis": 1}, {"axis": -1, "keepdims": True}):
        op(name, C, **kwargs)
    op(name, np.array([3, 1, 3, 1], "int32"))
    table(name, SMALL)
for name in "cumsum cumprod".split():
    op(name, C)
    op(name, C, axis=1)
    op(name, INTS, axis=1)
    op(name, BITS, axis=0, dtype="int32")
    table(name, SMALL)
op("count_nonzero", INTS)
op("count_nonzero", INTS - 3, axis=1)
op("count_nonzero", BITS, axis=(0,))
op("average", C)
op("average", C, axis=1)
op("average", C, axis=1, weights=np.array([1, 2, 0.5], "float32"))
op("average", A, weights=POS)
for name, data in (("quantile", C), ("percentile", C), ("nanquantile", NANS), ("nanpercentile", NANS)):
    scale = 100 if "percent" in name else 1
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        op(name, data, 0.3 * scale, axis=1, method=method, grads=name == "quantile")
    op(name, data, np.array([0.1, 0.5], "float32") * scale, grads=False)
    op(name, data, 0.5 * scale, axis=(0, 2), keepdims=True, grads=False)
op("sort", C)
op("sort", C, axis=0)
op("argsort", C)
op("argsort", C, axis=1)
op("argsort", np.array([2, 1, 2, 1], "int32"))
op("argpartition", A[0], 1, grads=False)
op("searchsorted", np.array([1, 2, 3, 4], "float32"), np.array([0.5, 2, 2.5, 9], "float32"), grads=False)
op("searchsorted", np.array([1, 2, 2, 4], "float32"), np.array([2, 4], "float32"), side="right", grads=False)
op("digitize", np.array([0.2, 1.5, 3.7, 9], "float32"), np.array([0, 1, 2.5, 4], "float32"), grads=False)
op("bincount", np.array([1, 1, 3, 0, 3, 3], "int32"))
op("bincount", np.array([1, 1, 3, 0], "int32"), minlength=6)
op("bincount", np.array([1, 1, 3, 0], "int32"), weights=np.array([0.5, 1, 2, 3], "float32"), grads=False)
op("bincount", np.array([[1, 1, 3], [0, 2, 2]], "int32"))
op("histogram", C.ravel(), bins=5, grads=False)
op("histogram", C.ravel(), bins=4, range=(-1.0, 1.0), grads=False)
op("unique", np.array([3, 1, 3, 2, 1], "int32"))
op("unique", np.array([3, 1, 3, 2, 1], "int32"), return_index=True, return_inverse=True, return_counts=True)
op("unique", np.array([3, 1, 3, 2, 1], "int32"), size=5, fill_value=-1)
op("nonzero", INTS - 3)
op("isin", INTS, np.array([2, 5, -7], "int32"))
op("isin", INTS, np.array([2, 5], "int32"), invert=True)
op("corrcoef", C[0])
op("trapezoid", C)
op("trapezoid", C, dx=0.5, axis=1)
op("trapezoid", A[0], x=np.array([0, 1, 3], "float32"))
op("diff", C)
op("diff", C, n=2, axis=1)
family.save()

# Shapes and products
family = Family("ops_numpy_shape", seed=93)
D = spread(rng, (2, 4))
op("reshape", C, (4, 6))
op("reshape", C, (-1, 2))
op("transpose", C)
op("transpose", C, (1, 2, 0))
op("swapaxes", C, 0, 2)
op("moveaxis", C, 0, -1)
op("moveaxis", C, (0, 1), (2, 0))
op("expand_dims", A, 1)
op("expand_dims", A, (0, -1))
op("squeeze", C[:, :1])
op("squeeze", C[:1, :1], 0)
op("squeeze", C[:1, :1], (0, 1))
op("ravel", C)
op("flip", C)
op("flip", C, 1)
op("fliplr", A)
op("flipud", A)
op("roll", C, 2)
op("roll", C, -1, axis=1)
op("rot90", A)
op("rot90", C, k=3, axes=(1, 2))
op("repeat", A, 2)
op("repeat", A, 3, axis=1)
op("repeat", A, np.array([1, 2, 0]), axis=1)
op("tile", A, 2)
op("tile", A, (2, 1, 2))
op("broadcast_to", ROW, (2, 3))
op("pad", A, 1)
op("pad", A, ((1, 0), (0, 2)))
op("pad", A, ((1, 1), (2, 0)), constant_values=3.5)
for mode in ("reflect", "symmetric"):
    op("pad", C, ((0, 0), (1, 2), (2, 1)), mode=mode)
op("concatenate", [A, B])
op("concatenate", [A, D, B], axis=-1)
op("concatenate", [A, INTS], axis=1)
op("stack", [A, B])
op("stack", [A, B], axis=-1)
for name in "hstack vstack dstack".split():
    op(name, [A, B])
    op(name, [ROW, ROW + 1])
op("append", A, B)
op("append", A, B, axis=1)
op("split", C, 2, axis=2)
op("split", C, [1, 3], axis=-1)
op("array_split", C, 3, axis=2)
op("hsplit", D, 2)
op("vsplit", D, 2)
op("dsplit", C, [1, 3])
op("meshgrid", ROW, A[0], grads=False)
op("meshgrid", ROW, D[0], indexing="ij", grads=False)
op("diag", ROW)
op("diag", A, k=1)
op("diagflat", A)
op("diagflat", ROW, k=-1)
op("diagonal", C, offset=1, axis1=1, axis2=2)
op("diagonal", A)
op("trace", C, offset=0, axis1=1, axis2=2)
op("trace", A, offset=1)
op("tril", C, k=-1)
op("tril", A)
op("triu", C, k=1)
op("triu", BITS)
op("take", C, np.array([0, 2, 1, 2], "int32"), axis=1)
op("take", C, np.array([[0, 5], [-1, 3]], "int32"))
op("take", A, 1, axis=1)
op("take_along_axis", C, np.array([[[0, 3], [1, 2], [2, 2]], [[3, 3], [0, 1], [1, 0]]], "int32"), axis=-1)
op("take_along_axis", A, np.array([[1, 0, 0]], "int32"), axis=0)
op("get_item", C, 1)
op("get_item", C, (slice(None), 0))
op("get_item", C, (Ellipsis, slice(1, None, 2)))
op("get_item", C, (slice(0, 1), None, slice(None, None, -1)))
op("view", A, dtype="int32", grads=False)
op("vander", ROW)
op("vander", ROW, N=2, increasing=True)
op("matmul", A, B.T.copy())
op("matmul", C, spread(rng, (2, 4, 3)))
op("matmul", C, spread(rng, (4, 2)))
op("matmul", A, ROW)
op("matmul", ROW, A.T.copy())
op("matmul", INTS, INTS2.T.copy())
op("dot", A, ROW)
op("dot", A, B.T.copy())
op("dot", ROW, ROW + 1)
op("dot", C, spread(rng, (2, 4, 2)))
op("inner", A, B)
op("outer", ROW, A[0])
op("vdot", ROW, A[0])
op("tensordot", C, spread(rng, (3, 4, 2)))
op("tensordot", A, B, axes=[[0, 1], [0, 1]])
op("tensordot", A, B.T.copy(), axes=1)
op("kron", A, B)
op("cross", A, B)
op("cross", A[:, :2], B)
op("correlate", ROW, A[0])
for mode in ("same", "full"):
    op("correlate", spread(rng, (5,)), ROW, mode=mode)
for text, given in (("ij,jk->ik", (A, B.T.copy())), ("ij->ji", (A,)), ("ij,ij->", (A, B)), ("bij,bjk->bik", (C, spread(rng, (2, 4, 3)))),
                    ("bij,kj->bik", (C, D)), ("ii->i", (C[0, :, :3],)), ("...i,ij->...j", (C, spread(rng, (4, 2)))),
                    ("ij,jk", (A, B.T.copy())), ("abc,cde->abde", (C, spread(rng, (4, 2, 2)))), ("i,j,k->ijk", (ROW, A[0], B[0])),
                    ("abcd,aecd->acbe", (spread(rng, (1, 2, 2, 3)), spread(rng, (1, 3, 2, 3))))):
    op("einsum", text, *given)
op("shape", C)
op("size", C)
op("ndim", C)
for name in "zeros_like ones_like".split():
    op(name, A)
    op(name, A, dtype="int32")
op("full_like", A, 2.5)
op("full_like", INTS, 2, dtype="float32")
op("zeros", (2, 3))
op("ones", (2, 3), dtype="int32")
op("full", (2, 2), 1.5)
op("full", (2,), 3, dtype="float64")
op("eye", 3)
op("eye", 3, 4, k=1, dtype="int32")
op("identity", 2)
op("tri", 3, 4, k=1)
op("arange", 5)
op("arange", 1, 10, 3)
op("arange", 0.0, 1.0, 0.25)
op("arange", 3, dtype="float32")
op("linspace", 0, 10, num=5)
op("linspace", 0.0, 1.0, num=4, endpoint=False)
op("linspace", ROW, A[0], num=3, axis=1)
op("linspace", 0, 1, num=3, retstep=True)
op("logspace", 0, 2, num=4)
op("logspace", 0.0, 3.0, num=4, base=2, endpoint=False)
op("geomspace", 1.0, 8.0, num=4)
op("array", [[1, 2], [3, 4]])
op("array", [1.5, 2.0], dtype="float64")
for name in "bartlett blackman hamming hanning".split():
    op(name, 6)
op("kaiser", 6, 4.0)
op("unravel_index", np.array([3, 7, 5], "int32"), (2, 4))
op("rearrange", C, "b h c -> b (h c)")
op("rearrange", C, "b h (c d) -> d b h c", d=2)
family.save()

names = {n for n in dir(keras.ops) if getattr(getattr(keras.ops, n), "__module__", "") == "keras.src.ops.numpy"}
print("not covered:", sorted(names - covered))
