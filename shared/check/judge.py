"""Every level of a pair in one precision, against the models' own noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from shared.check import arrange, measure
from shared.check.answers import Answers
from shared.check.both import Both, Repairs
from shared.check.measure import Task
from shared.check.result import Level
from shared.errors import UsageError
from shared.parity.deviation import Deviation
from shared.parity.trace import Trace
from shared.weights import Weights

NOISE = 10.0
"""An error up to this many times what a unit in the last place does is rounding."""

CHAOS = 100.0
"""The same over a training, which amplifies it."""

TWINS = 2
"""So many of each model measure the noise."""

LARGE = 1_000_000
"""With more parameters than this a single twin does, and only where the error is not
small anyway."""

_ORDER = ("forward", "training", "loss", "gradient", "statistics", "step", "trajectory")


class Judge:
    """Measures the levels, with and without repairs; the noise is measured once."""

    def __init__(self, both: Both, task: Task, asked: Sequence[str]) -> None:
        """Judge the levels that are `asked` for."""
        self._both = both
        self.task = task
        self.asked = [level for level in _ORDER if level in asked]
        self._floors: dict[str, dict[str, float]] = {}
        self._known: dict[str, float] = {}
        self.refused: dict[str, str] = {}
        """By precision: why a model does not run in it."""

    @property
    def _large(self) -> bool:
        return bool(self._both.keras_about["parameters"] > LARGE)

    def levels(self, precision: str) -> list[Level]:
        """Every level that was asked for."""
        answers = self._both.forward(precision)
        if answers.failed(precision):
            self.refused[precision] = answers.failed(precision)
            return [
                Level(name, precision, "n/a", reason=self.refused[precision])
                for name in self.asked
            ]
        found = self.deviations(precision, self.asked)
        return [self._level(name, precision, found[name]) for name in self.asked]

    def _level(self, name: str, precision: str, one: Deviation | str) -> Level:
        if isinstance(one, str):
            return Level(name, precision, "n/a", reason=one)
        base = one.tolerance or measure.allowed(name, precision)
        if self._large and one.value <= base:
            # The noise is only needed to excuse more than that.
            return Level(name, precision, "pass", one.value, base, where=one.where)
        floor = self.floor(name, precision)
        allowed = self.allowed(name, precision, one.tolerance)
        if allowed >= 1.0 and one.value < float("inf"):
            told = (
                f"undecided: {one.value:.1g} apart, but one unit in the last place of "
                f"the start alone makes {floor:.1g}"
            )
            return Level(name, precision, "n/a", one.value, 1.0, floor, reason=told)
        verdict = "pass" if one.value <= allowed else "fail"
        return Level(name, precision, verdict, one.value, allowed, floor, one.where)

    def allowed(self, name: str, precision: str, tolerance: float = 0.0) -> float:
        """What rounding may do at a level."""
        factor = CHAOS if name in ("trajectory", "step", "statistics") else NOISE
        base = tolerance or measure.allowed(name, precision)
        return max(base, factor * self.floor(name, precision))

    def apart(self, name: str, precision: str, repairs: Repairs) -> float:
        """The error at a level with these repairs; infinite where they do not fit."""
        key = f"{name} {precision} {repairs}"
        if key not in self._known:
            try:
                found = self.deviations(precision, [name], repairs)[name]
            except UsageError:
                return float("inf")
            self._known[key] = float("inf") if isinstance(found, str) else found.value
        return self._known[key]

    def deviations(
        self, precision: str, names: Sequence[str], repairs: Repairs = ()
    ) -> dict[str, Deviation | str]:
        """The errors at some levels, or why there is none."""
        both, task = self._both, self.task
        found: dict[str, Deviation | str] = {}
        for name in ("forward", "training"):
            if name in names:
                training = name == "training"
                found[name] = measure.forward(both, precision, training, repairs)
        later = [name for name in names if name not in found]
        try:
            if {"loss", "gradient"} & set(later):
                pair = measure.gradient(both, precision, task, repairs)
                found |= dict(zip(("loss", "gradient"), pair, strict=True))
            if {"statistics", "step", "trajectory"} & set(later):
                found |= self._trained(precision, repairs)
        except UsageError as error:
            if not self._misfit(precision, repairs):
                raise
            found |= dict.fromkeys(later, f"the outputs have other shapes: {error}")
        return {name: found[name] for name in names}

    def _misfit(self, precision: str, repairs: Repairs) -> bool:
        """Whether the outputs differ so that one loss, which Keras takes, may not do.

        Raises:
            UsageError: Keras does not take it either.
        """
        ours, theirs = self._both.forward(precision, repairs=repairs).outputs()
        fit = (arrange.matched(a, b) for a, b in zip(ours, theirs, strict=False))
        if len(ours) == len(theirs) and None not in fit:
            return False
        probe, given = self._probe("gradients", precision)
        self._both.twin("tf", probe, **given)
        return True

    def _trained(self, precision: str, repairs: Repairs) -> dict[str, Deviation | str]:
        start = self._start(precision)
        trained = measure.training(self._both, precision, self.task, start, repairs)
        return {
            "statistics": trained.statistics or "no running statistics",
            "step": trained.step,
            "trajectory": trained.trajectory,
        }

    def _start(self, precision: str) -> Weights:
        (ours, _) = self._both.keras.ask("weights")
        keyed = {f"start/{name}": array for name, array in ours.items()}
        return self._both.parameters(keyed, "start", "tf")

    def floor(self, name: str, precision: str) -> float:
        """How far twins, moved by a unit in the last place, part from their model."""
        known = self._floors.setdefault(precision, {})
        if name not in known:
            known |= self._noise(_PROBES[name], precision)
        return known[name]

    def _noise(self, kind: str, precision: str) -> dict[str, float]:
        count = 1 if self._large else TWINS
        every = [
            self._parted(kind, precision, side, number)
            for side in ("tf", "torch")
            for number in range(1, count + 1)
        ]
        return {name: max(one[name] for one in every) for name in every[0]}

    def _parted(
        self, kind: str, precision: str, side: str, number: int
    ) -> dict[str, float]:
        """By level, how far one twin parts from its model."""
        answers = self._base(kind, precision)
        base = answers.keras if side == "tf" else answers.torch
        probe, given = self._probe(kind, precision)
        twin = self._both.twin(side, probe, **given, twin=number)
        names = (name for name, own in _PROBES.items() if own == kind)
        return {name: _apart(base, twin, _CHOSEN[name]) for name in names}

    def _base(self, kind: str, precision: str) -> Answers:
        both, task = self._both, self.task
        if kind in ("forward", "training"):
            return both.forward(precision, training=kind == "training")
        if kind == "gradients":
            return both.gradients(precision, task.loss)
        return both.train(precision, task.loss, task.optimizer, task.steps)

    def _probe(self, kind: str, precision: str) -> tuple[str, dict[str, Any]]:
        task = self.task
        given: dict[str, Any] = {"precision": precision}
        if kind in ("forward", "training"):
            return "forward", given | {"training": kind == "training", "record": "none"}
        if kind == "gradients":
            return kind, given | {"training": True, "loss": task.loss}
        more = {"optimizer": task.optimizer, "steps": task.steps}
        return kind, given | {"loss": task.loss} | more


_PROBES = {
    "forward": "forward",
    "training": "training",
    "loss": "gradients",
    "gradient": "gradients",
    "statistics": "train",
    "step": "train",
    "trajectory": "train",
}

_CHOSEN: Mapping[str, Callable[[str], bool]] = {
    "forward": lambda key: key.startswith("output/"),
    "training": lambda key: key.startswith("output/"),
    "loss": lambda key: key == "loss",
    "gradient": lambda key: key.startswith("gradient/"),
    "statistics": lambda key: key.startswith("step/1/") and "moving_" in key,
    "step": lambda key: key.startswith("step/") and "moving_" not in key,
    "trajectory": lambda key: key == "losses",
}


def _apart(base: Trace, twin: Trace, chosen: Callable[[str], bool]) -> float:
    """The largest relative difference of the arrays that are chosen."""
    arrays = [(base[key], twin[key]) for key in base if chosen(key) and key in twin]
    largest = max((float(np.abs(a).max(initial=0.0)) for a, _ in arrays), default=0.0)
    found = [0.0]
    for a, b in arrays:
        if np.isfinite(a).all() and np.isfinite(b).all():
            scale = max(float(np.abs(a).max(initial=0.0)), 1e-3 * largest)
            apart = float(np.abs(a - b).max(initial=0.0))
            found.append(apart / scale if scale else 0.0)
    return max(found)
