# SPDX-License-Identifier: Apache-2.0
"""Writes python.zip beside this script with Python's zipfile: what a .keras or .npz archive may look like."""

import pathlib
import zipfile


class Unseekable:
    """A file that cannot go back, so that sizes follow the data in descriptors."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        return self.file.write(data)

    def flush(self):
        self.file.flush()


path = pathlib.Path(__file__).parent / "python.zip"
with open(path, "wb") as raw, zipfile.ZipFile(Unseekable(raw), "w") as archive:
    archive.comment = b"a comment"
    date = (1980, 1, 1, 0, 0, 0)
    archive.writestr(zipfile.ZipInfo("metadata.json", date), '{"keras_version": "3.15.1"}')
    archive.writestr(zipfile.ZipInfo("assets/", date), b"")
    deflated = zipfile.ZipInfo("assets/vocabulary.txt", date)
    deflated.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(deflated, "word\n" * 1000)
    archive.writestr(zipfile.ZipInfo("empty", date), b"")
    with archive.open(zipfile.ZipInfo("wide é.bin", date), "w", force_zip64=True) as member:
        member.write(bytes(range(256)))
