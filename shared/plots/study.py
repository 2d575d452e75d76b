"""The strip plot of a study: every seed of both tracks, and their difference."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shared.lesson import Lesson
from shared.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    Style,
    figure,
    rendered,
    round_ticks,
    styled,
    tint,
)
from shared.study.result import Result
from shared.study.statistics import ALPHA, Difference, Sample
from shared.study.verdict import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NAMES = {"tf": "Keras", "torch": "PyTorch"}
_COLOURS = {"tf": ORANGE, "torch": BLUE}
_DOTS = 60  # so many dots of five points fill the axis
_LEAST = 1e-12  # a loss of 0 has no place on a logarithmic axis
_LANE, _LANES = 0.09, 4  # a row has so many lanes on either side; past them is overlap


@dataclasses.dataclass(frozen=True)
class _Caption:
    caption: str


def strip(finding: Finding, lesson: Lesson) -> bytes:
    """An SVG; the same finding gives the same bytes.

    Above, a dot a seed: the metric, or of a lesson with a yes or no the last loss,
    filled where solved. Below, the difference with its 90 % interval over the margin.
    """
    with styled():
        return rendered(strip_figure(finding, lesson), "svg")


def strip_figure(finding: Finding, lesson: Lesson) -> Figure:
    """The same, before it is a file."""
    subject = lesson.title.partition(":")[0]
    caption = ", ".join(filter(None, (subject, finding.variant)))
    lost = sum(len(track.diverged) for track in finding.tracks.values())
    note = f"{lost} diverged seed{'s' * (lost > 1)} not drawn." if lost else ""
    title = f"{finding.seeds} seeds in each track: {finding.verdict}"
    drawn = figure(title, _Caption(caption), (6, 4.4), note)
    if finding.difference is None:
        _seeds(drawn.add_subplot(), finding)
        return drawn
    above, below = drawn.subplots(2, 1, gridspec_kw={"height_ratios": (3, 1)})
    _seeds(above, finding)
    _difference(below, finding, finding.difference)
    drawn.legend(loc="outside lower center", ncols=2)
    return drawn


def _seeds(axes: Axes, finding: Finding) -> None:
    yes_no = finding.metric.yes_no
    for row, (name, track) in enumerate(finding.tracks.items()):
        shown = [r for r in track.results if _value(finding, r) is not None]
        values = np.array([_value(finding, r) for r in shown], np.float64)
        if not len(values):
            continue
        filled = [not yes_no or bool(r.solved) for r in shown]
        colours = [_COLOURS[name] if full else "white" for full in filled]
        fine = min(3.0, max(1.0, (len(values) / 100) ** 0.5))
        dots: Style = {"edgecolors": _COLOURS[name], "s": (5 / fine) ** 2, "zorder": 3}
        y = row + _spread(np.log10(values) if yes_no else values, fine)
        axes.scatter(values, y, c=colours, linewidths=1.2 / fine, **dots)
        summary = finding.summary.get(name)
        if isinstance(summary, Sample):
            mean = summary.mean * _factor(finding)
            axes.plot([mean, mean], [row - 0.42, row + 0.42], color=INK, zorder=2)
    axes.set(ylim=(len(finding.tracks) - 0.5, -0.5), yticks=range(len(finding.tracks)))
    axes.set_yticklabels([_NAMES[name] for name in finding.tracks])
    axes.grid(axis="x")
    axes.margins(x=0.04)
    if yes_no:
        axes.set_xscale("log")
        axes.set_xlabel("last loss (filled: solved)")
    else:
        axes.set_xlabel(f"{finding.metric.name}{_unit(finding)} (line: mean)")
        round_ticks(axes.xaxis, 7)
        if "%" in _unit(finding):  # no share is larger than all
            axes.set_xlim(right=min(axes.get_xlim()[1], 100.5))


def _value(finding: Finding, result: Result) -> float | None:
    """Where the seed's dot lies; None where it has no place."""
    if finding.metric.yes_no:
        return None if result.loss is None else max(result.loss, _LEAST)
    return None if result.value is None else result.value * _factor(finding)


def _factor(finding: Finding) -> int:
    return 100 if finding.metric.percent else 1


def _unit(finding: Finding) -> str:
    return " in %" if finding.metric.percent else ""


def _spread(values: NDArray[np.float64], fine: float) -> NDArray[np.float64]:
    """How far each dot moves off its line so that it lies on no other.

    Args:
        values: where the dots lie along the axis.
        fine: how much smaller than usual they are.
    """
    places = values / (np.ptp(values) or 1.0) * _DOTS * fine
    ranks = range(1, int(_LANES * fine) + 1)
    order = [0, *(side * k for k in ranks for side in (1, -1))]
    lanes = np.zeros(len(values))
    last: dict[int, float] = {}  # the rightmost dot of each lane
    for i in np.argsort(places, kind="stable"):
        free = (lane for lane in order if places[i] - last.get(lane, -np.inf) >= 1)
        lanes[i] = next(free, 0)
        last[int(lanes[i])] = places[i]
    return lanes * _LANE / fine


def _difference(axes: Axes, finding: Finding, difference: Difference) -> None:
    factor, margin = _factor(finding), finding.metric.margin
    low, high = difference.interval(2 * ALPHA)
    band = {"color": tint(GREY, 0.2), "label": "margin", "linewidth": 0}
    axes.axvspan(-margin * factor, margin * factor, **band)  # type: ignore[arg-type]
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.plot([low * factor, high * factor], [0, 0], color=INK, label="90 % interval")
    axes.plot(difference.difference * factor, 0, "o", color=INK)
    reach = 1.15 * factor * max(margin, -low, high)
    axes.set(xlim=(-reach, reach), ylim=(-1, 1), yticks=[])
    axes.spines["left"].set_visible(False)
    points = " in points" if finding.metric.percent else ""
    what = "share solved" if finding.metric.yes_no else finding.metric.name
    axes.set_xlabel(f"difference of {what}{points}, PyTorch - Keras")
    round_ticks(axes.xaxis, 7)
