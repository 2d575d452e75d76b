"""The outline of an SVG path in fewer letters: what nobody sees is left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

_FINE = 0.15  # of a point: how far a simplified outline may lie from the original


def outline(d: str) -> str:
    """The same path in a tenth of a point, without the points on its straights."""
    if "C" in d or "Q" in d:
        return re.sub(r"-?\d+\.\d+", lambda found: short(found[0]), " ".join(d.split()))
    parts = re.findall(r"M([^Mz]*)(z?)", d)
    return "".join(_polygon(points, closed) for points, closed in parts)


def dots(places: Sequence[tuple[float, float]]) -> str:
    """A path that stands still at each place."""
    tenths = np.rint(10 * np.array(places)).astype(int)
    steps = np.diff(tenths, axis=0)
    return "h0m".join([f"M{_joined(tenths[0])}", *map(_joined, steps)]) + "h0"


def short(number: str | float) -> str:
    """A length in a tenth of a point."""
    return _tenths(round(10 * float(number)))


def _tenths(count: int) -> str:
    text = f"{count / 10:g}"
    return text.replace("0.", ".", 1) if abs(count) < 10 else text


def _polygon(text: str, closed: str) -> str:
    """Its first corner, and from each corner to the next."""
    numbers = np.array(text.replace("L", " ").split(), float).reshape(-1, 2)
    kept = numbers[_needed(numbers)] if len(numbers) > 8 else numbers
    corners = np.rint(10 * kept).astype(int)
    steps = np.diff(corners, axis=0)
    moved = steps[steps.any(axis=1)] if steps.any() else steps[:1]
    line = "l" + _joined(moved.ravel()) if len(moved) else ""
    return f"M{_joined(corners[0])}{line}{closed}"


def _joined(tenths: Iterable[int]) -> str:
    """Numbers; a minus sign is what parts one from the last."""
    return " ".join(map(_tenths, tenths)).replace(" -", "-")


def _needed(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points an outline needs (Douglas and Peucker, 1973)."""
    needed = np.zeros(len(points), bool)
    needed[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        ends, away = points[last] - points[first], points[first + 1 : last]
        away = away - points[first]
        along = np.clip(away @ ends / max(float(ends @ ends), 1e-12), 0, 1)
        distance = np.hypot(*(away - along[:, None] * ends).T)
        at = int(distance.argmax())
        if distance[at] > _FINE:
            middle = first + 1 + at
            needed[middle] = True
            spans += [(first, middle), (middle, last)]
    return needed
