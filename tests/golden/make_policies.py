# SPDX-License-Identifier: Apache-2.0
"""policies.npz: the dtypes that each layer's first case in layers_*.npz gives under other dtype policies."""
import glob
import os

import numpy as np

from golden import HERE, Family, json, keras, tree

POLICIES = ("float64", "mixed_bfloat16", "mixed_float16", "float16")


def with_policy(value, policy):
    """A serialized layer, the layers inside of it included, under another policy."""
    if isinstance(value, list):
        return [with_policy(v, policy) for v in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return {**value, "config": {"name": policy}}
    return {k: with_policy(v, policy) for k, v in value.items() if k != "build_config"}


def first_cases():
    """Class name to (archive, case), archives in the order of their names."""
    found = {}
    for path in sorted(glob.glob(os.path.join(HERE, "layers_*.npz"))):
        archive = np.load(path)
        for case in json.loads(archive["manifest"].tobytes())["cases"]:
            found.setdefault(case["class_name"], (archive, case))
    return found


family = Family("policies")
for class_name, (archive, case) in sorted(first_cases().items()):
    dtypes = {}
    for policy in POLICIES:
        def load(keys):
            return tree.map_structure(lambda key: archive[key], keys)

        try:
            layer = keras.saving.deserialize_keras_object(with_policy(case["serialized"], policy))
            out = layer(load(case["inputs"]), *load(case["call_args"]), **case["call_kwargs"])
            dtypes[policy] = [keras.backend.standardize_dtype(t.dtype) for t in tree.flatten(out)]
        except Exception as error:  # a kernel that TensorFlow lacks
            print(class_name, policy, type(error).__name__, str(error).splitlines()[0][:120])
            dtypes[policy] = None
    family.add(class_name=class_name, name=case["name"], dtypes=dtypes)
family.save()
