"""Weights in the neutral layout: named NumPy arrays, and their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from shared.errors import UsageError

Weights = dict[str, NDArray[Any]]


class MisfitError(UsageError):
    """Weights of other names or shapes than the model's."""


def check_fit(own: Mapping[str, Sequence[int]], given: Weights) -> None:
    """Raise MisfitError, naming the first misfit, unless names and shapes agree.

    Args:
        own: the shapes of the model's parameters.
        given: the weights to load into it.
    """
    for name in own:
        if name not in given:
            raise MisfitError(
                f"the weights lack {name!r}: they belong to another model or setting"
            )
    for name, array in given.items():
        if name not in own:
            raise MisfitError(
                f"the weights hold {name!r}, which this model does not have: "
                "they belong to another model or setting"
            )
        if array.shape != tuple(own[name]):
            raise MisfitError(
                f"the weights' {name!r} has shape {array.shape}, the model's "
                f"{tuple(own[name])}: they belong to another setting"
            )
