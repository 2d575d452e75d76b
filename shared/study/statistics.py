"""Are two samples of seeds the same, for all practical purposes?

Equivalence is shown by two one-sided tests (TOST; Schuirmann, 1987): at level alpha the
true difference lies within +-margin when its 1 - 2 alpha interval does. A difference is
shown when the 1 - alpha interval leaves out 0. Neither is the other's negation: few
seeds may show nothing, and many may show a difference that is too small to matter.

Here for means, by Welch's interval (1947), which allows each track a spread of its own;
shares.py does the same for shares.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

ALPHA = 0.05
ENOUGH_POWER = 0.8
MOST_SEEDS = 100_000
_SLICES = 2000


class Interval(NamedTuple):
    """From `low` to `high`."""

    low: float
    high: float

    def within(self, margin: float) -> bool:
        return -margin < self.low and self.high < margin

    def leaves_out_zero(self) -> bool:
        return self.low > 0 or self.high < 0


class Difference(Protocol):
    """The second track's value minus the first's."""

    @property
    def difference(self) -> float: ...

    def interval(self, alpha: float) -> Interval:
        """The interval that misses the true difference with probability alpha."""

    def p_equivalent(self, margin: float) -> float | None:
        """The larger p of the two one-sided tests; None where there is no p."""

    def power(self, margin: float, n: int, truth: float = 0.0) -> float:
        """The probability that n seeds a track, as spread as these, show equivalence.

        Args:
            margin: what still counts as equal.
            n: seeds in each track, two or more.
            truth: the true difference.
        """

    def power_to_differ(self, n: int, truth: float) -> float:
        """The probability that n seeds a track show that true difference."""


def seeds_needed(power: Callable[[int], float]) -> int | None:
    """The fewest seeds a track with enough power; None if MOST_SEEDS have not."""
    enough = 2
    while power(enough) < ENOUGH_POWER:
        if enough >= MOST_SEEDS:
            return None
        enough *= 2
    few = enough // 2  # too few, or 1
    while enough - few > 1:
        middle = (few + enough) // 2
        if power(middle) < ENOUGH_POWER:
            few = middle
        else:
            enough = middle
    return enough


@dataclasses.dataclass(frozen=True)
class Sample:
    """What is kept of one track's values."""

    n: int
    mean: float
    sd: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Sample:
        """Of two values or more: one has no spread."""
        array = np.asarray(values, np.float64)
        low, high = float(array.min()), float(array.max())
        if low == high:  # the mean of equal values may be off by a rounding
            return cls(len(array), low, 0.0, low, high)
        return cls(len(array), float(array.mean()), float(array.std(ddof=1)), low, high)


@dataclasses.dataclass(frozen=True)
class Means:
    """The difference of two means."""

    first: Sample
    second: Sample

    @property
    def difference(self) -> float:
        return self.second.mean - self.first.mean

    def interval(self, alpha: float) -> Interval:
        error, freedom = _welch(self.first, self.second)
        half = float(stats.t.ppf(1 - alpha / 2, freedom)) * error if error else 0.0
        return Interval(self.difference - half, self.difference + half)

    def p_equivalent(self, margin: float) -> float | None:
        error, freedom = _welch(self.first, self.second)
        if not error:
            return float(abs(self.difference) >= margin)
        return float(stats.t.cdf((abs(self.difference) - margin) / error, freedom))

    def power(self, margin: float, n: int, truth: float = 0.0) -> float:
        error, freedom = self._at(n)
        if not error:
            return float(abs(truth) < margin)
        t = stats.t.ppf(1 - ALPHA, freedom)
        reach = margin - t * _estimates(error, freedom)
        return float(_between(reach, truth, error).mean())

    def power_to_differ(self, n: int, truth: float) -> float:
        error, freedom = self._at(n)
        if not error:
            return float(truth != 0)
        t = stats.t.ppf(1 - ALPHA / 2, freedom)
        return float(1 - _between(t * _estimates(error, freedom), truth, error).mean())

    def _at(self, n: int) -> tuple[float, float]:
        first = dataclasses.replace(self.first, n=n)
        return _welch(first, dataclasses.replace(self.second, n=n))


def _welch(first: Sample, second: Sample) -> tuple[float, float]:
    """The difference's standard error and its degrees of freedom (Satterthwaite)."""
    a, b = first.sd**2 / first.n, second.sd**2 / second.n
    if not a + b:
        return 0.0, math.inf
    freedom = (a + b) ** 2 / (a**2 / (first.n - 1) + b**2 / (second.n - 1))
    return math.sqrt(a + b), freedom


def _estimates(error: float, freedom: float) -> NDArray[np.float64]:
    """What the standard error is estimated at: values of equal probability.

    A mean over them integrates over the chi-square distribution of the squared
    estimate, as the exact power of the two tests demands (Owen, 1965).
    """
    slices = (np.arange(_SLICES) + 0.5) / _SLICES
    return np.asarray(error * np.sqrt(stats.chi2.ppf(slices, freedom) / freedom))


def _between(reach: NDArray, truth: float, error: float) -> NDArray[np.float64]:
    """The probability that the difference is estimated within +-reach."""
    upper = stats.norm.cdf((reach - truth) / error)
    lower = stats.norm.cdf((-reach - truth) / error)
    return np.where(reach > 0, upper - lower, 0.0)
