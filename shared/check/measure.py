"""How far the two models are apart at a level, and where."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from shared.check import arrange
from shared.check.answers import Answers, Array
from shared.check.both import Both, Repairs
from shared.parity import tolerances
from shared.parity.deviation import Deviation, broken, relative, worst
from shared.weights import Weights

SIDES = ("Keras", "PyTorch")


TINY = 1e-3
"""A gradient is compared with the model's largest times this, if it is smaller yet."""


@dataclasses.dataclass(frozen=True)
class Task:
    """What the models are trained on.

    Attributes:
        loss: for each side, a name, or None for the mean squared error.
        optimizer: for each side, or a name.
        steps: updates.
    """

    loss: Any
    optimizer: Any
    steps: int


def allowed(level: str, precision: str) -> float:
    """What rounding alone may do, before the model's own noise is measured."""
    base = tolerances.GRADIENT if level in ("gradient", "step") else tolerances.FORWARD
    if level == "trajectory":
        return tolerances.trajectory(0, precision)
    return base[precision]


def forward(
    both: Both, precision: str, training: bool, repairs: Repairs = ()
) -> Deviation:
    """The outputs."""
    level = "training" if training else "forward"
    answers = both.forward(precision, training=training, repairs=repairs)
    return worst_output(both, answers, allowed(level, precision))


def worst_output(both: Both, answers: Answers, tolerance: float) -> Deviation:
    """The worst of all outputs."""
    return _worst(outputs(both, answers, tolerance), "output")


def outputs(both: Both, answers: Answers, tolerance: float) -> list[Deviation]:
    """One an output, PyTorch's brought into Keras' layout."""
    ours, theirs = answers.outputs()
    found = []
    if len(ours) != len(theirs):
        told = f"{len(ours)} outputs in Keras, {len(theirs)} in PyTorch"
        return [broken(told, tolerance)]
    dtypes = answers.dtypes()
    for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        name = "output" if len(ours) == 1 else f"output {k}"
        if dtypes[0][k] != dtypes[1][k]:
            told = f"dtype {dtypes[0][k]} in Keras, {dtypes[1][k]} in PyTorch"
            found.append(broken(f"{name}: {told}", tolerance))
            continue
        way = both.output_ways[k] if k < len(both.output_ways) else "as_is"
        turned = arrange.BACK[way](b) if b.ndim > 2 else b
        if answers.reshaped and a.size == b.size:
            turned = turned.reshape(a.shape)
        found.append(relative(name, a, turned, tolerance, sides=SIDES))
    return found


def gradient(
    both: Both, precision: str, task: Task, repairs: Repairs = ()
) -> tuple[Deviation, Deviation]:
    """The loss, and the worst gradient."""
    answers = both.gradients(precision, task.loss, repairs)
    tolerance = allowed("loss", precision)
    loss = relative(
        "loss", answers.keras["loss"], answers.torch["loss"], tolerance, sides=SIDES
    )
    return loss, _worst(gradients(both, answers, precision), "gradient")


def gradients(both: Both, answers: Answers, precision: str) -> list[Deviation]:
    """One a parameter, in the order of Keras' layers."""
    tolerance = allowed("gradient", precision)
    ours = both.parameters(answers.keras, "gradient", "tf")
    theirs = both.parameters(answers.torch, "gradient", "torch")
    largest = max(
        (float(np.abs(a).max(initial=0.0)) for a in ours.values()), default=0.0
    )
    # A bias before a batch norm has no gradient but rounding.
    least = max(tolerances.least_scale(precision, largest, tolerance), TINY * largest)
    found = []
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs:
            side = "Keras" if name not in ours else "PyTorch"
            found.append(broken(f"{name}: not trained in {side}", tolerance))
        else:
            found.append(
                relative(name, ours[name], theirs[name], tolerance, least, SIDES)
            )
    return found


@dataclasses.dataclass(frozen=True)
class Trained:
    """The levels that some steps of training show."""

    statistics: Deviation | None
    step: Deviation
    trajectory: Deviation


def training(
    both: Both, precision: str, task: Task, start: Weights, repairs: Repairs = ()
) -> Trained:
    """Statistics after the first step, weights after up to three, every loss."""
    answers = both.train(precision, task.loss, task.optimizer, task.steps, repairs)
    updates = [k for k in (1, 2, 3) if k <= task.steps]
    stepped: list[Deviation] = []
    for k in updates:
        stepped += _step(both, answers, k, start, precision)
    return Trained(
        _statistics(both, answers, precision),
        _worst(stepped, "step"),
        _losses(answers.keras["losses"], answers.torch["losses"], precision),
    )


def _step(
    both: Both, answers: Answers, k: int, start: Weights, precision: str
) -> list[Deviation]:
    """The error of each weight over what the updates have changed at most."""
    ours = both.parameters(answers.keras, f"step/{k}", "tf")
    theirs = both.parameters(answers.torch, f"step/{k}", "torch")
    tolerance = allowed("step", precision)
    changed = {n: a - start[n].astype(a.dtype) for n, a in ours.items() if _learned(n)}
    largest = max(
        (float(np.nanmax(np.abs(a), initial=0.0)) for a in changed.values()),
        default=0.0,
    )
    found = []
    for name, change in changed.items():
        # A weight is rounded too, which the smallest of updates does not outweigh.
        size = float(np.abs(ours[name]).max(initial=0.0))
        least = max(
            tolerances.least_scale(precision, largest, tolerance),
            tolerances.least_scale(precision, size, tolerance),
        )
        where = f"{name} after update {k}"
        other = theirs[name] - start[name].astype(theirs[name].dtype)
        found.append(relative(where, change, other, tolerance, least, SIDES))
    return found


def _statistics(both: Both, answers: Answers, precision: str) -> Deviation | None:
    ours = both.parameters(answers.keras, "step/1", "tf")
    theirs = both.parameters(answers.torch, "step/1", "torch")
    tolerance = allowed("statistics", precision)
    found = [
        relative(name, ours[name], theirs[name], tolerance, sides=SIDES)
        for name in ours
        if not _learned(name)
    ]
    return worst(found)


def _learned(name: str) -> bool:
    return not name.endswith(("moving_mean", "moving_variance"))


def _losses(keras: Array, torch: Array, precision: str) -> Deviation:
    found = [
        relative(
            f"step {t}",
            np.asarray(a),
            np.asarray(b),
            tolerances.trajectory(t, precision),
            least=float(np.abs(keras[: t + 1]).max(initial=0.0)) * 1e-3,
            sides=SIDES,
        )
        for t, (a, b) in enumerate(zip(keras, torch, strict=True))
    ]
    return _worst(found, "loss")


def _worst(found: Iterable[Deviation], name: str) -> Deviation:
    return worst(found) or Deviation(0.0, 0.0, f"no {name}")
