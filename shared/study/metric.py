"""What a study judges, and how its values are written."""

from __future__ import annotations

import dataclasses
import math

from shared.study.statistics import Interval


@dataclasses.dataclass(frozen=True)
class Metric:
    """The number that counts.

    Attributes:
        name: the lesson's first metric, or "solved".
        yes_no: each seed has solved the lesson or has not.
        margin: what still counts as equal, in units of the metric.
        margin_from: "the lesson" or "--margin".
    """

    name: str
    yes_no: bool
    margin: float
    margin_from: str

    @property
    def percent(self) -> bool:
        return self.yes_no or self.name == "accuracy"

    @property
    def words(self) -> str:
        return "share of solved seeds" if self.yes_no else f"mean {self.name}"

    def value(self, value: float) -> str:
        """A value of the metric, or a spread of values."""
        return self._rounded(value) + " %" * self.percent

    def apart(self, value: float) -> str:
        """The size of a difference: of percentages, in points."""
        return self._pointed(self._rounded(abs(value)))

    def span(self, interval: Interval) -> str:
        """An interval of differences."""
        low, high = (self._signed(end) for end in interval)
        return self._pointed(f"{low} to {high}")

    def signed(self, value: float) -> str:
        """A difference."""
        return self._pointed(self._signed(value))

    @property
    def allowed(self) -> str:
        """The margin."""
        return self.of(self.margin)

    def of(self, margin: float) -> str:
        """A margin, with the digits it was given with."""
        return self._pointed(f"{margin * self._factor:.6g}")

    def _pointed(self, text: str) -> str:
        """With its unit: nobody says '1 points'."""
        return text + " point" * self.percent + "s" * (self.percent and text != "1")

    @property
    def _factor(self) -> int:
        return 100 if self.percent else 1

    def _signed(self, value: float) -> str:
        text = self._rounded(value)
        return f"+{text}" if float(text) > 0 else text

    def _rounded(self, value: float) -> str:
        """To a tenth of the margin or finer."""
        digits = max(1, 1 - math.floor(math.log10(self.margin * self._factor)))
        text = f"{value * self._factor:.{digits}f}"
        return text if float(text) else text.lstrip("-")
