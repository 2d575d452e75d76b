"""The smallest input that still shows a difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.check import measure
from shared.check.answers import Array
from shared.check.both import Both, Repairs
from shared.errors import UsageError

ATTEMPTS = 40
"""Forward passes spent on it."""


def smallest(
    both: Both, repairs: Repairs, precision: str = "float64"
) -> dict[str, Any]:
    """One sample, and of it as few numbers other than zero as still show it.

    Args:
        both: the pair; its inputs are put back.
        repairs: what is explained already.
        precision: of the comparison.

    Returns:
        "shape", how many numbers are not zero, their places and values (64 at most) of
        the first input, and the relative error that they show.
    """
    given = both.inputs
    limit = measure.allowed("forward", precision)
    attempts = _Attempts(both, repairs, precision, limit)
    try:
        found = _one_sample(given, attempts)
        if found[0].dtype.kind == "f":
            found = _sparser(found, attempts)
        both.inputs = found
        both.forget()
        error = attempts.error(found)
    finally:
        both.inputs = given
        both.forget()
    return _told(found[0], error)


class _Attempts:
    def __init__(self, both: Both, repairs: Repairs, precision: str, limit: float):
        self._both, self._repairs = both, repairs
        self._precision, self._limit = precision, limit
        self.left = ATTEMPTS

    def error(self, inputs: list[Array]) -> float:
        self._both.inputs = inputs
        self._both.forget()
        try:
            return measure.forward(
                self._both, self._precision, False, self._repairs
            ).value
        except UsageError:
            return 0.0

    def show(self, inputs: list[Array]) -> bool:
        """Whether these still show it; never once the attempts are spent."""
        self.left -= 1
        return self.left >= 0 and self.error(inputs) > self._limit


def _one_sample(inputs: list[Array], attempts: _Attempts) -> list[Array]:
    for sample in range(len(inputs[0])):
        one = [array[sample : sample + 1] for array in inputs]
        if attempts.show(one):
            return one
    return inputs


def _sparser(inputs: list[Array], attempts: _Attempts) -> list[Array]:
    """Set ever smaller blocks of the first input to zero while the difference shows."""
    best = inputs
    places = np.flatnonzero(best[0])
    size = max(len(places) // 2, 1)
    while attempts.left > 0 and len(places) > 1:
        for first in range(0, len(places), size):
            block = places[first : first + size]
            fewer = best[0].copy()
            fewer.flat[block] = 0
            if len(block) < len(places) and attempts.show([fewer, *best[1:]]):
                best = [fewer, *best[1:]]
                break
        else:
            if size == 1:
                break
            size = max(size // 2, 1)
        places = np.flatnonzero(best[0])
        size = min(size, max(len(places) // 2, 1))
    return best


def _told(array: Array, error: float) -> dict[str, Any]:
    places = np.argwhere(array)[:64]
    return {
        "shape": list(array.shape),
        "nonzero": int(np.count_nonzero(array)),
        "places": places.tolist(),
        "values": [float(array[tuple(place)]) for place in places],
        "error": error,
    }
