"""Weights in the neutral layout: named NumPy arrays, and their file."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from shared.errors import UsageError

Weights = dict[str, NDArray[Any]]


class MisfitError(UsageError):
    """Weights of other names or shapes than the model's."""


def check_fit(own: Weights, given: Weights) -> None:
    """Raise MisfitError, naming the first misfit, unless names and shapes agree."""
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
        if array.shape != own[name].shape:
            raise MisfitError(
                f"the weights' {name!r} has shape {array.shape}, the model's "
                f"{own[name].shape}: they belong to another setting"
            )
