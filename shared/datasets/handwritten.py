"""MNIST: the copy that ships with the package, or files in the same layout."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from shared.datasets.dataset import NUMERIC_KINDS, Array, Dataset, require_finite
from shared.datasets.image_files import Part, parse_npz, read_bytes, read_idx_folder
from shared.errors import UsageError

SHIPPED = Path(__file__).with_name("mnist.npz")
SHIPPED_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

_SIDE = 28
_LAYOUTS = "a Keras-layout .npz or a folder with the four MNIST IDX files"


def mnist(path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return MNIST, or a drop-in for it such as Fashion-MNIST.

    Args:
        path: a Keras-layout ``.npz`` (x_train, y_train, x_test, y_test) or a
            folder with the four IDX files; None reads the shipped copy.
            Images are (N, 28, 28) or (N, 28, 28, 1), brightness 0 to 255, floats
            rounded to whole levels; labels are integers (N,) or (N, 1).

    Returns:
        x uint8 (N, 28, 28), brightness 0 to 255; y int64 (N,), 0 to 9.
        The shipped copy has 60000 training and 10000 test images.

    Raises:
        UsageError: for a path, file or array that does not fit; the message
            names the file, the array and the remedy. Nothing is unpickled.
    """
    if path is None:
        return _dataset(
            _read_shipped(),
            licence="CC BY-SA 3.0, see mnist.LICENSE.txt",
            source="Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of "
            "handwritten digits",
        )
    name = os.fspath(path)
    return _dataset(
        _read_path(name),
        licence="as its publisher states",
        source=f"files at {name!r}",
    )


def _dataset(parts: dict[str, Part], licence: str, source: str) -> Dataset:
    x_train, y_train = _pair(parts["x_train"], parts["y_train"])
    x_test, y_test = _pair(parts["x_test"], parts["y_test"])
    side = range(_SIDE)
    return Dataset(
        name="mnist",
        x_train=x_train,
        y_train=y_train,
        x_test=x_test,
        y_test=y_test,
        feature_names=tuple(f"pixel_{r}_{c}" for r in side for c in side),
        class_names=tuple(str(digit) for digit in range(10)),
        licence=licence,
        source=source,
    )


def _read_shipped() -> dict[str, Part]:
    path = str(SHIPPED)
    if not os.path.isfile(path):
        raise UsageError(f"{path!r} is missing; reinstall twotrack or give {_LAYOUTS}")
    data = read_bytes(path)
    found = hashlib.sha256(data).hexdigest()
    if found != SHIPPED_SHA256:
        raise UsageError(
            f"{path!r} is not the file that was shipped (sha256 {found}, expected "
            f"{SHIPPED_SHA256}); reinstall twotrack"
        )
    return parse_npz(path, data)


def _read_path(path: str) -> dict[str, Part]:
    if os.path.isdir(path):
        return read_idx_folder(path)
    if not os.path.exists(path):
        raise UsageError(f"{path!r} does not exist; give {_LAYOUTS}")
    if not os.path.isfile(path):
        raise UsageError(f"{path!r} is neither a file nor a folder; give {_LAYOUTS}")
    return parse_npz(path, read_bytes(path))


def _pair(x: Part, y: Part) -> tuple[Array, Array]:
    images, labels = _images(x), _labels(y)
    if len(images) != len(labels):
        raise UsageError(
            f"{x.where} holds {len(images)} images but {y.where} holds {len(labels)} "
            "labels; give one label per image"
        )
    return images, labels


def _images(part: Part) -> Array:
    """Return the images as uint8 (N, 28, 28)."""
    where, array = part
    remedy = f"give images (N, {_SIDE}, {_SIDE}) with brightness 0 to 255"
    if array.dtype.kind not in NUMERIC_KINDS:
        raise UsageError(f"{where} has dtype {array.dtype.name}; {remedy}")
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape[1:] != (_SIDE, _SIDE):
        raise UsageError(f"{where} has shape {part.array.shape}; {remedy}")
    if len(array) == 0:
        raise UsageError(f"{where} is empty; {remedy}")
    if array.dtype == np.uint8:
        return array
    return _to_uint8(where, array, remedy)


def _to_uint8(where: str, array: Array, remedy: str) -> Array:
    is_float = array.dtype.kind == "f"
    if is_float:
        require_finite(where, array)
    low, high = array.min(), array.max()
    if low < 0 or high > 255:
        raise UsageError(f"{where} ranges from {low} to {high}; {remedy}")
    if is_float and high <= 1:
        raise UsageError(
            f"{where} holds floats from {low} to {high}, as if divided by 255 "
            f"already; {remedy}"
        )
    return np.rint(array).astype(np.uint8)


def _labels(part: Part) -> Array:
    """Return the labels as int64 (N,)."""
    where, array = part
    remedy = "give whole labels 0 to 9, one per image, shape (N,)"
    if array.dtype.kind not in "iu":
        raise UsageError(f"{where} has dtype {array.dtype.name}; {remedy}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise UsageError(f"{where} has shape {array.shape}; {remedy}")
    if len(array) == 0:
        raise UsageError(f"{where} is empty; {remedy}")
    low, high = array.min(), array.max()
    if low < 0 or high > 9:
        raise UsageError(f"{where} ranges from {low} to {high}; {remedy}")
    return array.astype(np.int64)
