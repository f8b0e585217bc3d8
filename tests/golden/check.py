# SPDX-License-Identifier: Apache-2.0
"""Checks the golden files: sizes, manifests, that every key exists and every array is named."""
import glob
import json
import os
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FINITE_FREE = ("optimizers_options", "metrics", "ops_", "fit")
problems, total = [], 0


def strings(value):
    if isinstance(value, dict):
        for v in value.values():
            yield from strings(v)
    elif isinstance(value, list):
        for v in value:
            yield from strings(v)
    elif isinstance(value, str):
        yield value


for path in sorted(glob.glob(os.path.join(HERE, "*.npz"))):
    name = os.path.basename(path)[:-4]
    size = os.path.getsize(path)
    total += size
    with np.load(path) as archive:
        manifest = json.loads(bytes(archive["manifest"]))
        keys = set(archive.files) - {"manifest"}
        named = set(strings(manifest["cases"])) & keys
        nonfinite = [k for k in keys if archive[k].dtype.kind in "fc" and not np.isfinite(archive[k]).all()]
        looks = {s for s in strings(manifest["cases"]) if s.split("/")[0].isdigit() and s.count("/") == 1}
    if size > 300_000:
        problems.append(f"{name}: {size} bytes")
    if manifest["family"] != name:
        problems.append(f"{name}: family is {manifest['family']}")
    if keys - named:
        problems.append(f"{name}: unnamed arrays {sorted(keys - named)[:5]}")
    if looks - keys:
        problems.append(f"{name}: missing arrays {sorted(looks - keys)[:5]}")
    if nonfinite and not name.startswith(FINITE_FREE):
        problems.append(f"{name}: not finite {sorted(nonfinite)[:5]}")
    print(f"{name:28} {len(manifest['cases']):5} cases {len(keys):5} arrays {size:7} bytes {len(nonfinite):3} not finite")
for path in glob.glob(os.path.join(HERE, "*.json")) + glob.glob(os.path.join(HERE, "files", "*")):
    total += os.path.getsize(path)
print("total", total, "bytes")
if total > 6_000_000:
    problems.append(f"all files together have {total} bytes")
for problem in problems:
    print("PROBLEM", problem)
sys.exit(bool(problems))
