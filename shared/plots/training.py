"""Plots of the training: the loss, and the perceptron's mistakes per epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.plots.style import BLUE, GREY, RED, Scene, Style, figure, round_ticks
from shared.session import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FEW = 30
"""Up to so many points are marked one by one."""


def loss(scene: Scene) -> Figure | None:
    """The loss of every step; of lessons in batches the mean of every epoch too."""
    trace, per_epoch = scene.outcome.trace, scene.outcome.steps_per_epoch
    values = trace.get("history/loss", np.zeros(0)).astype(np.float64)
    if not len(values):
        return None
    end = History(values, trace["history/batch"], per_epoch).diverged_at
    note = "" if end is None else _farewell(end, values[end], per_epoch)
    finite = History(values[:end], trace["history/batch"][:end], per_epoch)
    drawn = figure("Loss while training", scene, note=note)
    axes = drawn.add_subplot(ylabel="loss")
    if per_epoch > 1:
        last = _by_epoch(axes, finite)
        drawn.legend(loc="outside lower center", ncols=2)
    else:
        last = _by_step(axes, finite)
    if end:
        edge: Style = {"markeredgecolor": "white", "clip_on": False, "zorder": 3}
        axes.plot(last, values[end - 1], "X", color=RED, markersize=11, **edge)
    scale(axes, finite.loss)
    return drawn


def misclassifications(scene: Scene) -> Figure | None:
    """How many samples each epoch got wrong."""
    wrong = scene.outcome.trace.get("result/misclassified")
    if wrong is None or not wrong.size:
        return None
    drawn = figure("Wrong answers in each epoch", scene)
    axes = drawn.add_subplot(xlabel="epoch", ylabel="samples misclassified")
    line: Style = {"color": BLUE, "marker": _marker(wrong.size), "zorder": 3}
    axes.plot(np.arange(1, wrong.size + 1), wrong.ravel(), clip_on=False, **line)
    axes.set_ylim(0, max(1.0, 1.08 * wrong.max()))
    axes.grid(axis="y")
    round_ticks(axes.xaxis, 10, whole=True)
    round_ticks(axes.yaxis, 6, whole=True)
    return drawn


def _farewell(step: int, value: float, per_epoch: int) -> str:
    epoch = f" (epoch {step // per_epoch + 1})" if per_epoch > 1 else ""
    what = "not a number" if np.isnan(value) else "infinite"
    return f"Diverged: at step {step}{epoch} the loss is {what}."


def _marker(points: int) -> str | None:
    return "o" if points <= _FEW else None


def _by_step(axes: Axes, history: History) -> float:
    """Draw the loss of every step; returns where the last one is drawn."""
    steps = np.arange(len(history.loss))
    line: Style = {"color": BLUE, "marker": _marker(len(steps))}
    axes.plot(steps, history.loss, linewidth=1.5, **line)
    axes.set_xlabel("step")
    round_ticks(axes.xaxis, 8, whole=True)
    if len(steps) < 2:
        axes.set_xticks([0])
    return len(steps) - 1


def _by_epoch(axes: Axes, history: History) -> float:
    """Draw epoch e from e - 1/2 to e + 1/2 and its mean at e; returns as _by_step."""
    steps = (np.arange(len(history.loss)) + 0.5) / history.steps_per_epoch + 0.5
    dots: Style = {"color": GREY, "alpha": 0.3, "markersize": 4, "markeredgewidth": 0}
    axes.plot(steps, history.loss, ".", rasterized=True, label="each step", **dots)
    means = history.epoch_loss
    line: Style = {"color": BLUE, "marker": _marker(len(means))}
    epochs = np.arange(1, len(means) + 1)
    axes.plot(epochs, means, label="mean of the epoch", **line)
    axes.set_xlabel("epoch")
    axes.set_xlim(0.4, len(means) + 0.6)
    round_ticks(axes.xaxis, 10, whole=True)
    return float(steps[-1]) if len(steps) else 0.5


def scale(axes: Axes, values: NDArray[Any]) -> None:
    """A logarithmic axis where the values are positive and span over two decades."""
    axes.grid(axis="y")
    if not len(values):
        axes.set_yticks([])
        return
    if values.min() <= 0 or values.max() <= 100 * values.min():
        round_ticks(axes.yaxis, 7)
        return
    axes.set_yscale("log")
    axes.set_ylabel("loss (log scale)")
    if values.min() >= 1e-4 and values.max() < 1e5:
        axes.yaxis.set_major_formatter("{x:g}")
