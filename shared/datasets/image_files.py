"""Readers for the two layouts in which MNIST-like images are published."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import textwrap
import warnings
import zipfile
from typing import NamedTuple

import numpy as np

from shared.datasets.dataset import Array
from shared.errors import UsageError

KEYS = ("x_train", "y_train", "x_test", "y_test")

_IDX_STEMS = {
    "x_train": "train-images",
    "y_train": "train-labels",
    "x_test": "t10k-images",
    "y_test": "t10k-labels",
}
_GZIP_MAGIC = b"\x1f\x8b"


class Part(NamedTuple):
    """One array as read, and where it was read, for messages."""

    where: str
    array: Array


def read_bytes(path: str) -> bytes:
    """Return the contents of a file.

    Raises:
        UsageError: if it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (OSError, MemoryError) as error:
        raise UsageError(
            f"{path!r} cannot be read ({_reason(error)}); check the file and its "
            "permissions"
        ) from error


def parse_npz(path: str, data: bytes) -> dict[str, Part]:
    """Read the four arrays of a Keras-layout ``.npz``; pickles are never run.

    Args:
        path: the file's path, for messages.
        data: the file's contents.

    Returns:
        A part for each of ``KEYS``; further arrays in the file are ignored.

    Raises:
        UsageError: if it is not an npz, lacks an array, or an array is damaged,
            truncated or pickled.
    """
    members = _unzip(path, data)
    return {key: _parse_npy(f"{path!r}: {key}", members[key]) for key in KEYS}


def read_idx_folder(folder: str) -> dict[str, Part]:
    """Read the four IDX files of a folder, plain or gzipped.

    Files are named like ``train-images-idx3-ubyte`` or
    ``train-images.idx3-ubyte``, with or without ``.gz``; plain comes first.
    The format is described at http://yann.lecun.com/exdb/mnist/.

    Returns:
        A part for each of ``KEYS``, uint8: images (N, rows, columns), labels (N,).

    Raises:
        UsageError: if a file is missing, damaged, or not as long as it claims.
    """
    paths = {key: _find_idx(folder, key) for key in KEYS}
    return {key: _read_idx(path, key) for key, path in paths.items()}


def _unzip(path: str, data: bytes) -> dict[str, bytes]:
    """Return the four members' bytes, each compared with its checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            stored = archive.namelist()
            found = [name[:-4] for name in stored if name.endswith(".npy")]
            missing = [key for key in KEYS if key not in found]
            if not missing:
                return {key: archive.read(f"{key}.npy") for key in KEYS}
    # A damaged zip fails in a dozen ways: BadZipFile, zlib.error, struct.error...
    except Exception as error:
        raise UsageError(
            f"{path!r} is not a whole .npz file ({_reason(error)}); give a "
            f"Keras-layout .npz with {', '.join(KEYS)}, or copy it again"
        ) from error
    raise UsageError(
        f"{path!r} lacks {', '.join(missing)} and holds {_listing(found)}; save it "
        f"with the keys {', '.join(KEYS)}"
    )


def _parse_npy(where: str, data: bytes) -> Part:
    stream = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            # Python warns about odd escapes in a damaged header; the error says it.
            warnings.simplefilter("ignore")
            array = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):
            raise ValueError("data after its end")
    # NumPy evaluates the header's text, which fails in as many ways as there are.
    except Exception as error:
        raise UsageError(
            f"{where} is not a plain array of numbers ({_reason(error)}); save it "
            "again as integers with numpy.savez"
        ) from error
    return Part(where, array)


def _find_idx(folder: str, key: str) -> str:
    dimensions = 3 if key.startswith("x") else 1
    stem = _IDX_STEMS[key]
    for ending in ("", ".gz"):
        for mark in "-.":
            name = f"{stem}{mark}idx{dimensions}-ubyte{ending}"
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                return path
    raise UsageError(
        f"folder {folder!r} has no {stem}-idx{dimensions}-ubyte, plain or .gz; give "
        "a folder with the four MNIST IDX files, or a Keras-layout .npz"
    )


def _read_idx(path: str, key: str) -> Part:
    data = read_bytes(path)
    # By content: some browsers unpack a download and leave its .gz ending.
    if data.startswith(_GZIP_MAGIC):
        data = _gunzip(path, data)
    where = f"{path!r}: {key}"
    return Part(where, _parse_idx(where, data, 3 if key.startswith("x") else 1))


def _gunzip(path: str, data: bytes) -> bytes:
    try:
        return gzip.decompress(data)
    # Truncation, a wrong checksum and a damaged block each have their own error.
    except Exception as error:
        raise UsageError(
            f"{path!r} is not a whole gzip file ({_reason(error)}); copy it again"
        ) from error


def _parse_idx(where: str, data: bytes, dimensions: int) -> Array:
    header = 4 + 4 * dimensions
    magic = bytes((0, 0, 8, dimensions))
    if data[:4] != magic:
        raise UsageError(
            f"{where} starts with the bytes {data[:4].hex() or 'nothing'} instead of "
            f"the IDX magic {magic.hex()}; give the MNIST file of that name"
        )
    if len(data) < header:
        raise UsageError(
            f"{where} ends inside its IDX header, after {len(data)} bytes; "
            "copy it again"
        )
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    expected = header + math.prod(shape)
    if len(data) != expected:
        raise UsageError(
            f"{where} is {len(data)} bytes long but its IDX header {shape} asks for "
            f"{expected}; copy it again"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _reason(error: Exception) -> str:
    text = textwrap.shorten(str(error), 160, placeholder="...")
    return text or type(error).__name__


def _listing(keys: list[str]) -> str:
    shown = ", ".join(repr(key) for key in keys[:8])
    more = f" and {len(keys) - 8} more" if len(keys) > 8 else ""
    return shown + more if keys else "no arrays"
