"""Plots of the training: the loss, and the perceptron's mistakes per epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.plots.style import BLUE, GREY, RED, Scene, figure, whole_numbers
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
    note = "" if end is None else _farewell(end, values[end])
    finite = History(values[:end], trace["history/batch"][:end], per_epoch)
    drawn = figure("Loss while training", scene, note=note)
    axes = drawn.add_subplot(ylabel="loss")
    if per_epoch > 1:
        last = _by_epoch(axes, finite)
        drawn.legend(loc="outside lower center", ncols=2)
    else:
        last = _by_step(axes, finite)
    if end:
        axes.plot(last, values[end - 1], "X", color=RED, markersize=10, clip_on=False)
    _scale(axes, finite.loss)
    return drawn


def misclassifications(scene: Scene) -> Figure | None:
    """How many samples each epoch got wrong."""
    wrong = scene.outcome.trace.get("result/misclassified")
    if wrong is None or not wrong.size:
        return None
    drawn = figure("Wrong answers in each epoch", scene)
    axes = drawn.add_subplot(xlabel="epoch", ylabel="samples misclassified")
    epochs = np.arange(1, wrong.size + 1)
    marker = "o" if wrong.size <= _FEW else None
    axes.plot(epochs, wrong.ravel(), color=BLUE, marker=marker, clip_on=False)
    axes.set_ylim(0, max(1.0, 1.08 * wrong.max()))
    axes.grid(axis="y")
    whole_numbers(axes.xaxis)
    whole_numbers(axes.yaxis)
    return drawn


def _farewell(step: int, value: float) -> str:
    what = "no longer a number" if np.isnan(value) else "infinite"
    return f"Diverged: at step {step} the loss is {what}."


def _by_step(axes: Axes, history: History) -> float:
    steps = np.arange(len(history.loss))
    marker = "o" if len(steps) <= _FEW else None
    axes.plot(steps, history.loss, color=BLUE, marker=marker)
    axes.set_xlabel("step")
    whole_numbers(axes.xaxis)
    return len(steps) - 1


def _by_epoch(axes: Axes, history: History) -> float:
    """Epoch e is drawn over e - 1/2 to e + 1/2, its mean at e."""
    steps = (np.arange(len(history.loss)) + 0.5) / history.steps_per_epoch + 0.5
    dots, = axes.plot(steps, history.loss, ".", color=GREY, alpha=0.25, markersize=3)
    dots.set(label="each step", markeredgewidth=0, rasterized=True)
    means = history.epoch_loss
    marker = "o" if len(means) <= _FEW else None
    epochs = np.arange(1, len(means) + 1)
    axes.plot(epochs, means, color=BLUE, marker=marker, label="mean of the epoch")
    axes.set_xlabel("epoch")
    whole_numbers(axes.xaxis)
    return float(steps[-1]) if len(steps) else 0.5


def _scale(axes: Axes, values: NDArray[Any]) -> None:
    """A logarithmic axis where the values are positive and span over two decades."""
    axes.grid(axis="y")
    if len(values) and values.min() > 0 and values.max() > 100 * values.min():
        axes.set_yscale("log")
        axes.set_ylabel("loss (logarithmic scale)")
