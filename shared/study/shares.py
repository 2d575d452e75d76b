"""Shares of solved seeds: as statistics.py has it for means.

Wilson's interval for one share (1927), Newcombe's for a difference (1998, method 10).
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from shared.study.statistics import ALPHA, Interval


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
