"""The figures that the notes print, against what each track obtained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.lesson import Published
from shared.parity.deviation import Deviation, broken
from shared.parity.pairs import Pair
from shared.parity.trace import Trace
from shared.results import Figure


def figures(
    published: tuple[Published, ...], pair: Pair, variant: str
) -> Iterator[Figure]:
    """Each published figure of the variant, with what both tracks obtained."""
    for figure in published:
        if figure.variant != variant:
            continue
        obtained = {name: find(o.trace, figure.quantity) for name, o in pair.items()}
        allowed = tolerance(figure)
        yield Figure(
            name=figure.name,
            variant=variant,
            printed=figure.printed,
            tf=obtained["tf"],
            torch=obtained["torch"],
            tolerance=float(np.max(allowed)),
            passed=all(_agrees(figure, value) for value in obtained.values()),
        )


def deviations(
    published: tuple[Published, ...], pair: Pair, variant: str
) -> Iterator[Deviation]:
    """For each figure and track: the error in units of what is allowed."""
    for figure in published:
        if figure.variant != variant:
            continue
        for track, outcome in pair.items():
            where = f"{figure.name} in {track}"
            value = find(outcome.trace, figure.quantity)
            error = _error(figure, value)
            if error is None:
                yield broken(f"{where}: not found or of another shape", 1.0)
            else:
                yield Deviation(error, 1.0, where)


def find(trace: Trace, quantity: str) -> NDArray[Any] | None:
    """The value of a quantity such as "loss[100]" or "result/Z"; None if absent."""
    key, index = re.fullmatch(r"([^\[]+)(?:\[(\d+)\])?", quantity).groups()  # type: ignore[union-attr]
    value = trace.get("history/loss" if key == "loss" else key)
    if value is None or index is None:
        return value
    return np.asarray(value[int(index)]) if int(index) < len(value) else None


def tolerance(figure: Published) -> NDArray[np.float64]:
    """What the figure's last agreed digit allows: one unit of it, element by element.

    A printed figure is rounded (half a unit), and so may ours be (another half).
    """
    printed = np.abs(np.asarray(figure.printed, dtype=np.float64))
    if figure.digits is None:
        unit = np.full_like(printed, 10.0 ** -(figure.decimals or 0))
        return unit if figure.decimals else np.full_like(printed, 0.5)
    exponent = np.floor(np.log10(np.where(printed > 0, printed, 1.0)))
    return np.asarray(10.0 ** (exponent - figure.digits + 1))


def _error(figure: Published, value: NDArray[Any] | None) -> float | None:
    printed = np.asarray(figure.printed, dtype=np.float64)
    if value is None or value.shape != printed.shape:
        return None
    return float(np.max(np.abs(value.astype(np.float64) - printed) / tolerance(figure)))


def _agrees(figure: Published, value: NDArray[Any] | None) -> bool:
    error = _error(figure, value)
    return error is not None and error <= 1.0
