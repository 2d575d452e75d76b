"""How far two arrays lie apart, and where; a one-sided NaN is never overlooked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Deviation:
    """One measured difference.

    Attributes:
        value: the size of the difference; infinite where it cannot be measured.
        tolerance: what is allowed.
        where: the place: a layer and an index, a step, a setting.
    """

    value: float
    tolerance: float
    where: str

    @property
    def passed(self) -> bool:
        # Written so that a NaN fails.
        return self.value <= self.tolerance

    @property
    def ratio(self) -> float:
        """Value over tolerance; with no tolerance at all, the value."""
        return self.value / self.tolerance if self.tolerance else self.value


def broken(where: str, tolerance: float = 0.0) -> Deviation:
    """A difference that no number measures: a missing tensor, another shape, a NaN."""
    return Deviation(float("inf"), tolerance, where)


def worst(deviations: Iterable[Deviation]) -> Deviation | None:
    """The first that fails, else the one nearest to its tolerance; None of none.

    The first, because later layers and steps inherit what an earlier one did wrong.
    """
    found = list(deviations)
    failed = [d for d in found if not d.passed]
    return failed[0] if failed else max(found, key=lambda d: d.ratio, default=None)


TRACKS = ("tf", "torch")


def mismatch(tf: Array, torch: Array, sides: tuple[str, str] = TRACKS) -> str:
    """Why two arrays cannot be compared number by number; empty if they can."""
    if tf.shape != torch.shape:
        return f"shape {tf.shape} in {sides[0]}, {torch.shape} in {sides[1]}"
    if tf.dtype != torch.dtype:
        return f"dtype {tf.dtype} in {sides[0]}, {torch.dtype} in {sides[1]}"
    for name, array in zip(sides, (tf, torch), strict=True):
        bad = np.flatnonzero(~np.isfinite(array))
        if len(bad):
            return f"{array.flat[bad[0]]} in {name} at {place(array, int(bad[0]))}"
    return ""


def relative(
    name: str,
    tf: Array,
    torch: Array,
    tolerance: float,
    least: float = 0.0,
    sides: tuple[str, str] = TRACKS,
) -> Deviation:
    """Largest error over the largest magnitude of either tensor, `least` at least."""
    problem = mismatch(tf, torch, sides)
    if problem:
        return broken(f"{name}: {problem}", tolerance)
    if not tf.size:
        return Deviation(0.0, tolerance, name)
    error = np.abs(tf.astype(np.float64) - torch.astype(np.float64))
    scale = max(float(np.abs(tf).max()), float(np.abs(torch).max()), least)
    at = int(error.argmax())
    value = float(error.flat[at] / scale) if error.flat[at] else 0.0
    return Deviation(value, tolerance, f"{name} {place(error, at)}".strip())


def elementwise(tf: Array, torch: Array) -> Array:
    """Relative difference of every element; 0 where both are 0, NaN if not finite."""
    a, b = tf.astype(np.float64), torch.astype(np.float64)
    scale = np.maximum(np.abs(a), np.abs(b))
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)
        return np.divide(difference, scale, out=np.zeros_like(a), where=difference != 0)


def place(array: Array, flat: int) -> str:
    """'[3, 17]', or nothing for a scalar."""
    index = np.unravel_index(flat, array.shape)
    return f"[{', '.join(str(int(i)) for i in index)}]" if array.ndim else ""
