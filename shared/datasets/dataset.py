"""The one shape in which every lesson receives its data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.errors import UsageError

Array = npt.NDArray[Any]

NUMERIC_KINDS = "iuf"


@dataclass(frozen=True, eq=False, init=False)
class Dataset:
    """Samples with their targets, split into a training and a test set.

    The arrays are read-only. Two datasets are equal only if they are the same
    object; compare the arrays to compare the contents.

    Attributes:
        name: the name that ``load`` knows it by.
        x_train: inputs, shape (N, ...), one sample per row.
        y_train: targets, shape (N, ...).
        x_test: inputs, shape (M, ...); the training inputs where no separate
            test set exists.
        y_test: targets, shape (M, ...).
        feature_names: what each input number means, in row-major order.
        class_names: what each class is called; empty for regression.
        licence: the terms the data comes under.
        source: where the data comes from, in one line.
    """

    name: str
    x_train: Array = field(repr=False)
    y_train: Array = field(repr=False)
    x_test: Array = field(repr=False)
    y_test: Array = field(repr=False)
    feature_names: tuple[str, ...] = field(repr=False)
    class_names: tuple[str, ...]
    licence: str
    source: str

    # Written out because x_test and y_test may be given as None, never read so.
    def __init__(
        self,
        name: str,
        x_train: Array,
        y_train: Array,
        x_test: Array | None = None,
        y_test: Array | None = None,
        feature_names: tuple[str, ...] = (),
        class_names: tuple[str, ...] = (),
        licence: str = "",
        source: str = "",
    ) -> None:
        """Check the arrays and keep them read-only.

        Raises:
            UsageError: if ``check`` refuses the arrays, or only one of
                ``x_test`` and ``y_test`` is None.
        """
        if (x_test is None) != (y_test is None):
            raise UsageError(
                f"dataset {name!r}: only one of x_test and y_test is given; "
                "give both or neither"
            )
        check(name, x_train, y_train, x_test, y_test)
        inputs, targets = _frozen(x_train), _frozen(y_train)
        values = {
            "name": name,
            "x_train": inputs,
            "y_train": targets,
            "x_test": inputs if x_test is None else _frozen(x_test),
            "y_test": targets if y_test is None else _frozen(y_test),
            "feature_names": tuple(feature_names),
            "class_names": tuple(class_names),
            "licence": licence,
            "source": source,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    @property
    def samples(self) -> int:
        """How many training samples there are."""
        return len(self.x_train)


def check(
    name: str,
    x_train: Array,
    y_train: Array,
    x_test: Array | None = None,
    y_test: Array | None = None,
) -> None:
    """Refuse arrays that no lesson can learn from.

    Args:
        name: the dataset's name, for the message.
        x_train, y_train: shapes (N, ...) and (N, ...), N at least 1.
        x_test, y_test: shapes (M, ...) and (M, ...), or both None.

    Raises:
        UsageError: for an empty, non-numeric or non-finite array, for inputs and
            targets of different length, and for train and test arrays that
            differ in per-sample shape or in kind of number.
    """
    _check_pair(f"dataset {name!r}", "train", x_train, y_train)
    if x_test is None or y_test is None:
        return
    _check_pair(f"dataset {name!r}", "test", x_test, y_test)
    _check_alike(f"dataset {name!r}: x_train", "x_test", x_train, x_test)
    _check_alike(f"dataset {name!r}: y_train", "y_test", y_train, y_test)


def require_finite(where: str, array: Array) -> None:
    """Refuse NaN and infinity, naming how many there are and the first index.

    Raises:
        UsageError: if any value of ``array`` is not finite.
    """
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array)
    count = int(np.count_nonzero(bad))
    if count:
        first = tuple(int(i) for i in np.unravel_index(np.argmax(bad), bad.shape))
        raise UsageError(
            f"{where} holds {count} NaN or infinite value{'s' * (count > 1)}, first at "
            f"index {first}; remove or replace what is not finite"
        )


def _check_pair(where: str, part: str, x: Array, y: Array) -> None:
    _check_array(f"{where}: x_{part}", x)
    _check_array(f"{where}: y_{part}", y)
    if len(x) != len(y):
        raise UsageError(
            f"{where}: x_{part} holds {len(x)} samples but y_{part} holds {len(y)}; "
            "give one target per sample"
        )


def _check_array(where: str, array: Array) -> None:
    if not isinstance(array, np.ndarray):
        kind = type(array).__name__
        raise UsageError(f"{where} is a {kind}; give a NumPy array")
    if array.dtype.kind not in NUMERIC_KINDS:
        raise UsageError(
            f"{where} has dtype {array.dtype.name}; give integers or floats"
        )
    if array.size == 0:
        raise UsageError(
            f"{where} is empty, shape {array.shape}; give at least one sample"
        )
    if array.ndim == 0:
        raise UsageError(f"{where} is a single number; give one row per sample")
    require_finite(where, array)


def _check_alike(where: str, other: str, train: Array, test: Array) -> None:
    if train.shape[1:] != test.shape[1:]:
        raise UsageError(
            f"{where} has samples of shape {train.shape[1:]} but {other} of shape "
            f"{test.shape[1:]}; give both the same shape"
        )
    if train.dtype.kind != test.dtype.kind:
        raise UsageError(
            f"{where} has dtype {train.dtype.name} but {other} has "
            f"{test.dtype.name}; give both the same kind of number"
        )


def _frozen(array: Array) -> Array:
    if array.flags.writeable:
        # A copy, so that the caller's own array stays writeable.
        array = array.copy()
        array.setflags(write=False)
    return array
