# SPDX-License-Identifier: Apache-2.0
"""What the golden scripts share: the archive writer, well-conditioned inputs, and the layer driver.

Importing this module fixes the environment (TensorFlow backend, CPU, one thread), so it comes
first in every script. The format is described in README.md.
"""
import hashlib
import io
import json
import os
import re
import sys
import warnings
import zipfile

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

warnings.filterwarnings("ignore", module="keras")
tf.get_logger().setLevel("ERROR")
keras.config.set_floatx("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_BYTES = 300_000
tree = keras.tree


def to_json(value):
    """Plain JSON data (tuples become lists, numpy scalars numbers)."""
    if isinstance(value, dict):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    if isinstance(value, np.ndarray):
        return to_json(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tf.TensorShape):
        return value.as_list()
    if isinstance(value, tf.DType):
        return value.name
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"no JSON for {type(value)}: {value!r}")


def to_numpy(value):
    """A tensor, variable, IndexedSlices or array as a numpy array."""
    if isinstance(value, tf.IndexedSlices):
        value = tf.convert_to_tensor(value)
    if isinstance(value, keras.Variable):
        value = value.value
    return np.array(value.numpy() if hasattr(value, "numpy") else value)


def finite(array):
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def write_npz(path, arrays):
    """np.savez_compressed, but without the zip64 fields, which would be a tenth of these small archives."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(name + ".npy"), content.getvalue(), zipfile.ZIP_DEFLATED, 9)


def freeze(path):
    """Rewrites a .keras archive with fixed dates (the same file every time), members stored as Keras stores them."""
    with zipfile.ZipFile(path) as old:
        members = [(i.filename, old.read(i)) for i in old.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as new:
        for name, content in members:
            if name == "config.json":  # memory addresses
                known = {}
                content = re.sub(rb'("shared_object_id": )(\d+)', lambda m: m[1] + str(
                    140_000_000_000_000 + 16 * known.setdefault(m[2], len(known))).encode(), content)
            if name == "metadata.json":
                content = json.dumps({**json.loads(content), "date_saved": "2026-01-01@00:00:00"}).encode()
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)


class Family:
    """One archive: its cases, and arrays that are stored once however often they are named."""

    def __init__(self, name, seed=1):
        self.name, self.seed = name, seed
        self.rng = np.random.default_rng(seed)
        self.cases, self.arrays, self.known = [], {}, {}
        self.allow_nonfinite = False

    def key(self, name, value, finite_only=True):
        """Stores an array for the case being made and returns its key; None stays None."""
        if value is None:
            return None
        array = to_numpy(value)
        if array.dtype == tf.bfloat16.as_numpy_dtype:
            array, name = array.view(np.uint16), name + "@bfloat16"
        if array.dtype.kind in "OSUV":
            raise TypeError(f"{name}: dtype {array.dtype} cannot be stored")
        if finite_only and not self.allow_nonfinite and not finite(array):
            raise ValueError(f"{self.name} case {len(self.cases)}: {name} is not finite")
        array = np.array(array, order="C")
        kind = "bf" if name.endswith("@bfloat16") else array.dtype.str
        digest = hashlib.sha256(repr((kind, array.shape)).encode() + array.tobytes()).digest()
        if digest not in self.known:
            key = f"{len(self.cases)}/{name}"
            while key in self.arrays:
                key += "_"
            self.known[digest] = key
            self.arrays[key] = array
        return self.known[digest]

    def keys(self, name, values):
        return [self.key(f"{name}{i}", v) for i, v in enumerate(values)]

    def structure(self, name, value):
        """Keys in the structure (lists, dicts) of the value."""
        if isinstance(value, dict):
            return {k: self.structure(f"{name}_{k}", v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.structure(f"{name}{i}", v) for i, v in enumerate(value)]
        return self.key(name, value)

    def add(self, **fields):
        self.cases.append(to_json(fields))

    def save(self):
        manifest = {
            "family": self.name, "keras": keras.__version__, "tensorflow": tf.__version__,
            "numpy": np.__version__, "seed": self.seed, "cases": self.cases,
        }
        text = json.dumps(manifest, separators=(",", ":")).encode()
        path = os.path.join(HERE, self.name + ".npz")
        write_npz(path, {"manifest": np.frombuffer(text, np.uint8), **self.arrays})
        size = os.path.getsize(path)
        print(f"{self.name}.npz: {len(self.cases)} cases, {len(self.arrays)} arrays, {size} bytes")
        if size > MAX_BYTES:
            sys.exit(f"{path} is larger than {MAX_BYTES} bytes")


def spread(rng, shape, low=-2.0, high=2.0, dtype="float32"):
    """Distinct values, evenly spread and shuffled, none of them near zero: no ties, no kinks."""
    n = int(np.prod(shape)) if len(shape) else 1
    step = (high - low) / n
    values = low + step * (np.arange(n) + 0.5) + step * 0.1 * rng.uniform(-1, 1, n)
    if low < 0 < high:
        gap = 0.02
        values = np.where(np.abs(values) < gap, np.where(values < 0, -gap, gap) * 1.5 + values, values)
    return rng.permutation(values).reshape(shape).astype(dtype)


def random_weight(rng, name, shape, dtype):
    """A well-scaled value for a weight of that name."""
    if "variance" in name:
        value = rng.uniform(0.5, 1.5, shape)
    elif "gamma" in name or name == "scale":
        value = 1 + rng.uniform(-0.5, 0.5, shape)
    elif "kernel" in name or "embeddings" in name:
        fan_in = int(np.prod(shape[:-1])) or 1
        value = rng.uniform(-1, 1, shape) * np.sqrt(3.0 / min(fan_in, 16))
    else:
        value = rng.uniform(-0.5, 0.5, shape)
    return value.astype("float32").astype(dtype)


def set_weights(rng, weights):
    for w in weights:
        if "float" in w.dtype:
            w.assign(random_weight(rng, w.name, tuple(w.shape), "float32"))


def finalize(layer):
    """Normalization keeps what it computes from its variables: computes it anew, as loading a file does."""
    for part in layer._flatten_layers():
        if isinstance(part, keras.layers.Normalization) and part.input_mean is None:
            part.finalize_state()


def is_float(tensor):
    return tensor.dtype.is_floating or tensor.dtype.is_complex


def draw(rng, spec):
    """Arrays for a specification: a shape (tuple of ints) is drawn, everything else stands."""
    if isinstance(spec, tuple) and all(isinstance(n, int) for n in spec):
        return spread(rng, spec)
    if isinstance(spec, list):
        return [draw(rng, s) for s in spec]
    if isinstance(spec, dict):
        return {k: draw(rng, s) for k, s in spec.items()}
    return spec


def tensors(value):
    return tree.map_structure(lambda a: tf.constant(a), value)


class Run:
    """One call of a layer: outputs, masks, losses and all gradients."""

    def __init__(self, layer, inputs, mask, args, tensor_kwargs, kwargs, calls, cotangents, rng, call):
        for tensor, m in zip(tree.flatten(inputs), tree.flatten(mask) if mask is not None else []):
            if m is not None:
                tensor._keras_mask = m
        self.first = None
        for _ in range(calls - 1):
            self.first = tree.flatten(call(inputs, *args, **tensor_kwargs, **kwargs))
        flat = tree.flatten(inputs) + tree.flatten(args) + tree.flatten(tensor_kwargs)
        watched = [t for t in flat if is_float(t)]
        self.before = [to_numpy(w) for w in layer.weights]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            output = call(inputs, *args, **tensor_kwargs, **kwargs)
            self.outputs = [tf.convert_to_tensor(o) for o in tree.flatten(output)]
            if cotangents is None:
                cotangents = [
                    spread(rng, tuple(o.shape)).astype(o.dtype.as_numpy_dtype) if is_float(o) else None
                    for o in self.outputs
                ]
            self.cotangents = cotangents
            loss = sum(
                tf.reduce_sum(tf.cast(o * c, "float32" if o.dtype.size < 4 else o.dtype))
                for o, c in zip(self.outputs, cotangents) if c is not None
            )
        self.masks = [getattr(o, "_keras_mask", None) for o in tree.flatten(output)]
        self.losses = list(layer.losses)
        variables = [w.value for w in layer.trainable_weights]
        self.grads, self.weight_grads = [None] * len(flat), [None] * len(variables)
        if tf.is_tensor(loss):
            try:
                got = tape.gradient(loss, watched + variables)
            except LookupError:  # an op without a gradient in TensorFlow
                got = [None] * len(watched + variables)
            by_id = {id(t): g for t, g in zip(watched, got)}
            self.grads = [by_id.get(id(t)) for t in flat]
            self.weight_grads = got[len(watched):]
        self.after = [to_numpy(w) for w in layer.weights]


def steep(a, b, tolerance):
    """Whether two lists of gradients differ by more than a smooth function's would."""
    for x, y in zip(a, b):
        if x is None or y is None:
            continue
        x, y = to_numpy(x).astype("float64"), to_numpy(y).astype("float64")
        if np.size(x) and np.abs(x - y).max() > tolerance * (1 + np.abs(x).max()):
            return True
    return False


def layer_case(family, name, make, inputs, *, mask=None, call_args=(), tensor_kwargs=None, calls=1,
               call_kwargs=None, transposed=None, check=True, weights=None, note=None, jit=False,
               grads=True):
    """Runs one layer and stores its case.

    make: a function that returns the layer. inputs: an array, a shape to draw, or a list or dict
    of these. transposed: a function like `make`, whose layer (channels_first) is the one stored,
    while the numbers come from `make`'s channels_last layer. check: draw again while a small
    change of the inputs changes the gradients abruptly (a kink or a tie is too near). jit: through XLA, for what the TensorFlow
    kernels refuse. grads: False leaves out the gradients of the inputs.
    """
    kwargs = dict(call_kwargs or {})
    for attempt in range(40):
        rng = np.random.default_rng([family.seed, len(family.cases), attempt])
        keras.utils.clear_session()
        layer = make()
        x, args, named = (draw(rng, s) for s in (inputs, list(call_args), dict(tensor_kwargs or {})))
        m = None if mask is None else tree.map_structure(lambda a: None if a is None else tf.constant(a), mask)
        call = tf.function(layer, jit_compile=True) if jit else layer
        call(tensors(x), *tensors(args), **tensors(named), **kwargs)
        if weights is None:
            set_weights(rng, layer.weights)
        else:
            layer.set_weights(weights(rng, layer.weights))
        finalize(layer)
        start = [to_numpy(w) for w in layer.weights]
        states = [v for v in layer.non_trainable_variables if not any(v is w for w in layer.weights)]
        saved = [to_numpy(v) for v in states]
        if getattr(layer, "stateful", False):
            layer.reset_state()
        serialized = keras.saving.serialize_keras_object(layer)
        run = Run(layer, tensors(x), m, tensors(args), tensors(named), kwargs, calls, None, rng, call)
        if not check:
            break

        def nudge(a):
            shift = rng.uniform(-1, 1, np.shape(a)) * 2e-3
            return (a + shift).astype(a.dtype) if a.dtype.kind == "f" else a

        layer.set_weights(start)
        for v, value in zip(states, saved):
            v.assign(value)
        if getattr(layer, "stateful", False):
            layer.reset_state()
        moved = tree.map_structure(nudge, (x, args, named))
        other = Run(layer, tensors(moved[0]), m, tensors(moved[1]), tensors(moved[2]), kwargs, calls,
                    run.cotangents, rng, call)
        wide = 0.15 if any(o.dtype.size < 4 for o in run.outputs) else 0.04
        if not grads:
            run.grads = [None] * len(run.grads)
            break
        if not steep(run.grads + run.weight_grads, other.grads + other.weight_grads, wide):
            break
    else:
        raise RuntimeError(f"{family.name}/{name}: no well-conditioned inputs found")

    shape_input = tree.map_structure(lambda a: a, x)
    shown = layer
    if transposed is not None:
        keras.utils.clear_session()
        shown = transposed()
        x = tree.map_structure(first, x)
        shown.build(tree.map_structure_up_to(x, lambda a: tuple(a.shape), x))
        serialized = keras.saving.serialize_keras_object(shown)
        shape_input = x
    move = first if transposed is not None else (lambda a: a)
    paths = [w.path for w in layer.weights]
    grads = {id(w): g for w, g in zip(layer.trainable_weights, run.weight_grads)}
    count = len(tree.flatten(x))
    arg_count = len(tree.flatten(args))
    fields = {
        "name": name, "class_name": type(layer).__name__, "serialized": serialized,
        "config": serialized["config"],
        "inputs": family.structure("in", x),
        "input_structure": "list" if isinstance(x, list) else "dict" if isinstance(x, dict) else "single",
        "call_kwargs": kwargs, "calls": calls,
        "mask": None if mask is None else family.structure("mask", mask),
        "call_args": family.structure("arg", args),
        "tensor_kwargs": {k: family.structure(k, v) for k, v in named.items()},
        "weights": [
            {"path": p, "shape": list(w.shape), "dtype": w.dtype, "trainable": bool(w.trainable),
             "key": family.key(f"w{i}", v), "grad": family.key(f"dw{i}", grads.get(id(w)))}
            for i, (p, w, v) in enumerate(zip(paths, layer.weights, start))
        ],
        "outputs": family.keys("out", [move(o) for o in run.outputs]),
        "output_mask": (run.masks and any(q is not None for q in run.masks)) and (
            family.keys("out_mask", run.masks) if len(run.masks) > 1 else family.key("out_mask", run.masks[0])
        ) or None,
        "cotangents": [family.key(f"cot{i}", None if c is None else move(c)) for i, c in enumerate(run.cotangents)],
        "input_grads": family.keys("din", [None if g is None else move(g) for g in run.grads[:count]]),
        "call_arg_grads": family.keys("darg", run.grads[count:count + arg_count]),
        "tensor_kwarg_grads": family.keys("dkw", run.grads[count + arg_count:]),
        "weight_grads": [family.key(f"dw{i}", g) for i, g in enumerate(run.weight_grads)],
        "trainable_weights": [w.path for w in layer.trainable_weights],
        "weights_after": None, "losses": [family.key(f"loss{i}", v) for i, v in enumerate(run.losses)],
        "transposed": transposed is not None,
    }
    if run.first is not None:
        fields["first_outputs"] = family.keys("first", run.first)
    if any(not np.array_equal(a, b) for a, b in zip(run.before, run.after)):
        fields["weights_after"] = family.keys("after", run.after)
    if note:
        fields["note"] = note
    try:
        shapes = tree.map_structure_up_to(shape_input, lambda a: tuple(np.shape(a)), shape_input)
        got = shown.compute_output_shape(shapes, *[tuple(a.shape) for a in args])
        fields["compute_output_shape"] = got
    except Exception:  # some layers compute no shape outside of a call
        fields["compute_output_shape"] = None
    family.add(**fields)


def first(array):
    """channels_last to channels_first (arrays of rank 3 and more)."""
    array = to_numpy(array)
    return np.moveaxis(array, -1, 1) if array.ndim >= 3 else array


def spatial_case(family, name, make, shape, **more):
    """A case in channels_last, and its channels_first twin (transposed where TensorFlow refuses)."""
    layer_case(family, name, lambda: make("channels_last"), shape, **more)
    kwargs = dict(more)
    count = len(family.cases)
    try:
        layer_case(family, name + "_channels_first", lambda: make("channels_first"),
                   (shape[0], shape[-1]) + tuple(shape[1:-1]), **kwargs)
    except Exception as error:
        if isinstance(error, RuntimeError) and "well-conditioned" in str(error):
            raise
        assert len(family.cases) == count
        layer_case(family, name + "_channels_first", lambda: make("channels_last"), shape,
                   transposed=lambda: make("channels_first"), **kwargs)


def encode_argument(family, name, value):
    """Arrays become keys; slices, None and the ellipsis of an index become plain JSON."""
    if isinstance(value, np.ndarray) or tf.is_tensor(value):
        return family.key(name, value, finite_only=False)
    if isinstance(value, dict):
        return {k: encode_argument(family, f"{name}_{k}", v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode_argument(family, f"{name}{i}", v) for i, v in enumerate(value)]
    if isinstance(value, slice):
        return {"slice": [value.start, value.stop, value.step]}
    return "..." if value is Ellipsis else to_json(value)


def map_arrays(function, value):
    """Applies a function to the arrays in nested lists, tuples and dicts (which keep their kind)."""
    if isinstance(value, np.ndarray) or tf.is_tensor(value):
        return function(value)
    if isinstance(value, dict):
        return {k: map_arrays(function, v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map_arrays(function, v) for v in value)
    return value


def find_function(name):
    target = keras.ops
    for part in name.split("."):
        target = getattr(target, part)
    return target


def operation_of(fn, args, kwargs):
    """The graph node that the call makes on symbolic tensors: class, module, config, output specs."""
    def symbol(array):
        return keras.KerasTensor(tuple(array.shape), keras.backend.standardize_dtype(array.dtype))

    try:
        outputs = tree.flatten(fn(*map_arrays(symbol, args), **map_arrays(symbol, kwargs)))
        specs = [{"shape": list(o.shape), "dtype": o.dtype} for o in outputs]
        operation = outputs[0]._keras_history.operation
    except Exception:  # creates tensors only, or cannot be symbolic
        return None, None, None, None
    try:
        config = to_json(keras.saving.serialize_keras_object(operation)["config"])
        config.pop("name", None)
    except Exception:  # has no serializable config
        config = None
    return type(operation).__name__, type(operation).__module__, config, specs


def op_case(family, op, *args, grads=True, jit=False, note=None, check=True, **kwargs):
    """Runs one function of keras.ops on arrays and stores values, gradients and its graph node."""
    fn = find_function(op)
    keras.utils.clear_session()
    call = tf.function(fn, jit_compile=True) if jit else fn

    def run(shift):
        watched = []

        def convert(array):
            tensor = tf.constant(array)
            if is_float(tensor) and shift is not None and tensor.dtype.size >= 4:
                tensor += tf.cast(shift.uniform(-1, 1, array.shape) * 1e-4, tensor.dtype)
            watched.append(tensor)
            return tensor

        with tf.GradientTape() as tape:
            given, named = map_arrays(convert, args), map_arrays(convert, kwargs)
            tape.watch([t for t in watched if is_float(t)])
            outputs = [tf.convert_to_tensor(o) for o in tree.flatten(call(*given, **named))]
            rng = np.random.default_rng([family.seed, len(family.cases)])
            cotangents = [spread(rng, tuple(o.shape)).astype(o.dtype.as_numpy_dtype) if o.dtype.is_floating else None
                          for o in outputs]
            loss = sum(tf.reduce_sum(tf.cast(o * c, "float32" if o.dtype.size < 4 else o.dtype))
                       for o, c in zip(outputs, cotangents) if c is not None)
        found = [None] * len(watched)
        if grads and tf.is_tensor(loss):
            try:
                floats = [t for t in watched if is_float(t)]
                by_id = {id(t): g for t, g in zip(floats, tape.gradient(loss, floats))} if floats else {}
                found = [by_id.get(id(t)) for t in watched]
            except (LookupError, NotImplementedError, tf.errors.OpError):
                pass
        return outputs, cotangents, found

    outputs, cotangents, found = run(None)
    if check and grads and steep(found, run(np.random.default_rng(5))[2], 0.02):
        print("steep:", family.name, len(family.cases), op, kwargs)
    class_name, module, config, specs = operation_of(fn, args, kwargs)
    found = [g if g is None or finite(to_numpy(g)) else None for g in found]
    fields = dict(
        op=op, class_name=class_name, module=module, config=config, symbolic=specs,
        args=[encode_argument(family, f"x{i}", a) for i, a in enumerate(args)],
        kwargs={k: encode_argument(family, k, v) for k, v in kwargs.items()},
        outputs=[family.key(f"y{i}", o, finite_only=False) for i, o in enumerate(outputs)],
        cotangents=None, input_grads=None)
    if any(g is not None for g in found):
        fields["cotangents"] = [family.key(f"c{i}", c) for i, c in enumerate(cotangents)]
        fields["input_grads"] = [family.key(f"g{i}", g) for i, g in enumerate(found)]
    if note:
        fields["note"] = note
    family.add(**fields)


DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
          "bfloat16", "float16", "float32", "float64")


def try_op(family, op, *args, **kwargs):
    """op_case, but a call that Keras refuses is only reported."""
    count = len(family.cases)
    try:
        op_case(family, op, *args, **kwargs)
    except Exception as error:
        if len(family.cases) != count or isinstance(error, (TypeError, ValueError)) and "no JSON" in str(error):
            raise
        text = str(error).strip().splitlines()
        print(f"refused: {op} {kwargs if not any(map(lambda v: hasattr(v, 'shape'), kwargs.values())) else ''}: "
              f"{type(error).__name__} {text[0][:110] if text else ''}")


def dtype_table(family, op, *args, **kwargs):
    """Which dtype comes out for each dtype of the first argument, null where Keras refuses it."""
    fn, table = find_function(op), {}
    for dtype in DTYPES:
        def convert(array):
            return tf.cast(tf.constant(array), dtype)
        try:
            out = tree.flatten(fn(*map_arrays(convert, args), **kwargs))
            table[dtype] = [keras.backend.standardize_dtype(o.dtype) for o in out]
        except Exception:
            table[dtype] = None
    family.add(op=op, dtype_table=table, kwargs={k: encode_argument(family, k, v) for k, v in kwargs.items()},
               args=[encode_argument(family, f"x{i}", a) for i, a in enumerate(args)])
