"""Datasets by name, as the command line asks for them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from shared.datasets.bundled import digits, iris_two_species
from shared.datasets.dataset import Dataset
from shared.datasets.handwritten import mnist
from shared.datasets.tables import (
    GATES,
    exam_scores,
    four_points,
    grades,
    study_hours,
    truth_table,
)
from shared.errors import UsageError

_FIXED: dict[str, Callable[[], Dataset]] = {
    **{gate: partial(truth_table, gate) for gate in GATES},
    "exam_scores": exam_scores,
    "study_hours": study_hours,
    "grades": grades,
    "four_points": four_points,
    "iris_two_species": iris_two_species,
    "digits": digits,
}


def names() -> tuple[str, ...]:
    """Return the names that ``load`` knows."""
    return (*_FIXED, "mnist")


def load(name: str, path: str | os.PathLike[str] | None = None) -> Dataset:
    """Return the dataset of that name.

    Args:
        name: one of ``names()``.
        path: files to read instead of the shipped ones; for "mnist" only.

    Raises:
        UsageError: for an unknown name, a path where the data is fixed, or files
            that ``mnist`` refuses.
    """
    if name == "mnist":
        return mnist(path)
    if name not in _FIXED:
        raise UsageError(f"no dataset {name!r}; choose one of {', '.join(names())}")
    if path is not None:
        raise UsageError(
            f"dataset {name!r}: this lesson's data is fixed; leave out the path "
            f"{os.fspath(path)!r} (only mnist takes one)"
        )
    return _FIXED[name]()
