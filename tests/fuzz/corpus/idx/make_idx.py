# SPDX-License-Identifier: Apache-2.0
"""Writes small IDX files beside this script: labels, floats and gzipped images."""

import gzip
import pathlib
import struct

here = pathlib.Path(__file__).parent
(here / "labels.idx").write_bytes(bytes([0, 0, 8, 1]) + struct.pack(">I", 5) + bytes([1, 2, 3, 4, 5]))
(here / "floats.idx").write_bytes(bytes([0, 0, 13, 2]) + struct.pack(">II6f", 2, 3, *range(6)))
(here / "images.gz").write_bytes(
    gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">III", 2, 2, 2) + bytes(range(8)), mtime=0))
