"""The losses of both tracks in one plot, and under them how far they lie apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.parity import tolerances
from shared.parity.training import loss_error
from shared.plots.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Style,
    figure,
    round_ticks,
)
from shared.plots.training import scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Keras below as a broad line, PyTorch on it as a thin one: both are seen where they
# coincide, in grey as well.
_TRACKS: dict[str, tuple[str, Style]] = {
    "tf": ("Keras", {"color": ORANGE, "linewidth": 5, "solid_capstyle": "round"}),
    "torch": ("PyTorch", {"color": BLUE, "linewidth": 1.6}),
}
_PRECISIONS: dict[str, Style] = {
    "float32": {"color": RED, "linestyle": "-"},
    "float64": {"color": GREEN, "linestyle": "--"},
}
_BINS = 300
_LEAST = 0.02  # of the axis: what is allowed in a shorter part of it would be a speck
_EQUAL = 1e-17  # where a logarithmic axis shows a difference of 0
_RUGS = (0.3, 0.9), (1.1, 3.3)  # of that, one precision below the other

Losses = Mapping[str, Mapping[str, NDArray[Any]]]
"""The loss of every step by precision and track."""


@dataclasses.dataclass(frozen=True)
class _Caption:
    caption: str


def both_losses(
    found: Losses,
    caption: str,
    steps_per_epoch: int = 1,
    judged: Mapping[str, int] | None = None,
) -> Figure | None:
    """The losses of the last precision, and the difference in each.

    Args:
        found: by precision and track; a track may be missing.
        caption: what was trained.
        steps_per_epoch: where an epoch has several steps, the axis tells how many.
        judged: by precision the last step that is judged, if that is not the last.

    Returns:
        None if nothing was trained.
    """
    shown = {p: {t: v for t, v in runs.items() if len(v)} for p, runs in found.items()}
    shown = {precision: runs for precision, runs in shown.items() if runs}
    if not shown:
        return None
    precision = list(shown)[-1]
    both = {p: apart(runs) for p, runs in shown.items() if len(runs) == len(_TRACKS)}
    title = f"Loss in {precision}"
    drawn = figure(title, _Caption(caption), (5.4, 5 if both else 3))
    rows = drawn.subplots(2 if both else 1, 1, sharex=True, squeeze=False)[:, 0]
    # A batch's loss is its own; of full batches the first steps are worth seeing.
    head = steps_per_epoch == 1
    _curves(rows[0], shown[precision], head)
    if both:
        _differences(rows[1], both, judged or {}, head)
    epochs = f" ({steps_per_epoch:,} an epoch)" if steps_per_epoch > 1 else ""
    rows[-1].set_xlabel(f"step{epochs}")
    round_ticks(rows[-1].xaxis, 6, whole=True)
    if max(map(len, shown[precision].values())) == 1:
        rows[-1].set_xticks([0])
    return drawn


def apart(runs: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    """The difference of every step's loss, as the ladder judges it.

    Args:
        runs: the losses of both tracks.

    Returns:
        Shape (steps,), of the shorter one; where either is not finite, 1.
    """
    length = min(map(len, runs.values()))
    a, b = (runs[track][:length] for track in _TRACKS)
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(loss_error(a, b), nan=1.0, posinf=1.0)


def _curves(axes: Axes, runs: Mapping[str, NDArray[Any]], head: bool) -> None:
    axes.set_ylabel("loss")
    means = []
    for track, (name, style) in _TRACKS.items():
        if track in runs:
            steps, mean, low, high = _binned(runs[track].astype(np.float64), head)
            if len(mean) < len(runs[track]):
                band: Style = {"color": style["color"], "alpha": 0.25, "linewidth": 0}
                axes.fill_between(steps, low, high, **band)
            broad = 1 + style["linewidth"] / 4
            axes.plot(steps, mean, label=name, **style, **_marker(mean, broad))
            means.append(mean[np.isfinite(mean)])
    scale(axes, np.concatenate(means))
    _legend(axes)


def _differences(
    axes: Axes,
    both: Mapping[str, NDArray[np.float64]],
    judged: Mapping[str, int],
    head: bool,
) -> None:
    axes.set_yscale("log")
    axes.set_ylabel("relative difference")
    axes.grid(axis="y")
    for place, (precision, error) in enumerate(both.items()):
        style = _PRECISIONS[precision]
        steps, _, _, worst = _binned(error, head)
        equal, colour = worst == 0, {"color": style["color"]}
        lines: Style = {"label": precision, "linewidth": 1.6, **style}
        axes.plot(steps[~equal], worst[~equal], **lines, **_marker(worst[~equal]))
        low, high = _RUGS[place]
        if equal.all():
            middle = np.full(len(steps), _EQUAL * (low * high) ** 0.5)
            axes.plot(steps, middle, linewidth=1.6, **{**style, **_marker(steps)})
        else:
            tick = [_EQUAL * low, _EQUAL * high, np.nan]
            rug = np.repeat([tick], equal.sum(), axis=0)
            axes.plot(np.repeat(steps[equal], 3), rug.ravel(), linewidth=1.2, **colour)
        reach = tolerances.GATE_STEPS if precision == "float32" else len(error)
        reach = min(reach, len(error), judged.get(precision, len(error) - 1) + 1)
        ends = np.array([0, reach - 1])
        allowed = [tolerances.trajectory(int(t), precision) for t in ends]
        if reach > _LEAST * len(error):
            axes.plot(ends, allowed, linestyle=":", linewidth=1.6, **colour)
    axes.plot([], [], ":", color=GREY, label="allowed")
    axes.set_ylim(_EQUAL / 4, None)
    low, high = np.log10(axes.get_ylim())
    ticks = range(-16, int(high) + 1, 4 if high - low > 10 else 2)
    axes.set_yticks([_EQUAL, *(10.0**k for k in ticks if k > -16)])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(_power)
    _legend(axes)


def _power(value: float, _: float) -> str:
    return "equal" if value <= _EQUAL else f"1e{round(np.log10(value))}"


def _marker(points: NDArray[Any], broad: float = 1.0) -> Style:
    return {"marker": "o", "markersize": 4 * broad} if len(points) == 1 else {}


def _legend(axes: Axes) -> None:
    """Above the axes, where it hides nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)


def bin_width(loss: NDArray[Any]) -> int:
    """The number of steps that one point of the curve stands for."""
    return -(-len(loss) // _BINS)


def _binned(values: NDArray[np.float64], head: bool) -> tuple[NDArray[Any], ...]:
    """(step, mean, low, high) of bins of equal width; the `head` step by step."""
    width = bin_width(values)
    starts = np.arange(0, len(values), width)
    if head:
        starts = np.r_[: min(width, len(values)), starts[1:]]
    counts = np.diff(np.append(starts, len(values)))
    return (
        starts + (counts - 1) / 2,
        np.add.reduceat(values, starts) / counts,
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
    )
