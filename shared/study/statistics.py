"""Are two samples of seeds the same, for all practical purposes?

Equivalence is shown by two one-sided tests (TOST; Schuirmann, 1987): at level alpha the
true difference lies within +-margin when its 1 - 2 alpha interval does. A difference is
shown when the 1 - alpha interval leaves out 0. Neither is the other's negation: few
seeds may show nothing, and many may show a difference that is too small to matter.

Means: Welch's interval, which allows each track a spread of its own (Welch, 1947).
Shares: Wilson's interval for one (1927), Newcombe's for a difference (1998, method 10).
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


@dataclasses.dataclass(frozen=True)
class Share:
    """So many of n."""

    count: int
    n: int

    @property
    def share(self) -> float:
        return self.count / self.n

    def interval(self, alpha: float) -> Interval:
        """Wilson's, which stays within 0 and 1."""
        low, high = _wilson(np.array(self.count), self.n, alpha)
        return Interval(float(low), float(high))


@dataclasses.dataclass(frozen=True)
class Shares:
    """The difference of two shares."""

    first: Share
    second: Share

    @property
    def difference(self) -> float:
        return self.second.share - self.first.share

    def interval(self, alpha: float) -> Interval:
        first, second = self.first, self.second
        counts = np.array(first.count), np.array(second.count)
        low, high = _newcombe(counts[0], first.n, counts[1], second.n, alpha)
        return Interval(float(low), float(high))

    def p_equivalent(self, margin: float) -> float | None:
        return None

    def power(self, margin: float, n: int, truth: float = 0.0) -> float:
        low, high, probability = self._outcomes(n, truth, 2 * ALPHA)
        return float(probability[(low > -margin) & (high < margin)].sum())

    def power_to_differ(self, n: int, truth: float) -> float:
        low, high, probability = self._outcomes(n, truth, ALPHA)
        return float(probability[(low > 0) | (high < 0)].sum())

    def _outcomes(
        self, n: int, truth: float, alpha: float
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Every outcome of n seeds a track: its interval and its probability.

        The true shares lie around that of both tracks together, which half a success
        and half a failure keep off 0 and 1.
        """
        first, second = self.first, self.second
        middle = (first.count + second.count + 0.5) / (first.n + second.n + 1)
        shares = np.clip([middle - truth / 2, middle + truth / 2], 0.0, 1.0)
        a, b = (_likely(n, share) for share in shares)
        chances = [
            stats.binom.pmf(k, n, p) for k, p in zip((a, b), shares, strict=True)
        ]
        low, high = _newcombe(a[:, None], n, b[None, :], n, alpha)
        return low, high, np.outer(*chances)


def _likely(n: int, share: float) -> NDArray[np.int64]:
    """The counts that are not all but impossible."""
    low, high = stats.binom.ppf([1e-9, 1 - 1e-9], n, share)
    return np.arange(max(low, 0), high + 1).astype(np.int64)


def _wilson(count: NDArray, n: int, alpha: float) -> tuple[NDArray, NDArray]:
    z = stats.norm.ppf(1 - alpha / 2)
    share = count / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and n the ends are exact; rounding would put them next to it.
    low = np.where(count == 0, 0.0, centre - half)
    return low, np.where(count == n, 1.0, centre + half)


def _newcombe(
    a: NDArray, n_a: int, b: NDArray, n_b: int, alpha: float
) -> tuple[NDArray, NDArray]:
    """The interval of b / n_b - a / n_a."""
    (low_a, high_a), (low_b, high_b) = _wilson(a, n_a, alpha), _wilson(b, n_b, alpha)
    first, second = a / n_a, b / n_b
    below = np.hypot(second - low_b, high_a - first)
    above = np.hypot(high_b - second, first - low_a)
    return second - first - below, second - first + above
