"""Weights in the neutral layout: named NumPy arrays, and their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
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


def read_weights(path: str) -> Weights:
    """The weights in a safetensors file.

    Raises:
        UsageError: there is no such file, it is not a safetensors file, or it holds
            something else than finite floating-point numbers.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not Path(path).is_file():
        raise UsageError(f"there is no weights file {path!r}")
    try:
        found: Weights = dict(load_file(path))
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path!r} is not a safetensors file of float weights ({error}): "
            "--out saves one"
        ) from None
    for name, array in found.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise UsageError(
                f"the weights {path!r} hold something else than finite "
                f"floating-point numbers: look at {name!r}"
            )
    return found
