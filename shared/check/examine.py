"""The whole check of a pair: levels first, then, where one fails, its causes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from shared.check import (
    arrange,
    call_order,
    inputs,
    local,
    magnitude,
    output_causes,
    repeatable,
    show_pairs,
    specification,
    start,
    unreached,
)
from shared.check.answers import Answers, Array
from shared.check.both import Both, Repairs
from shared.check.candidate import merged
from shared.check.judge import Judge
from shared.check.measure import Task
from shared.check.result import Check, Level
from shared.check.search import Explained, Search
from shared.check.smallest import smallest

HEAVY = 5_000_000
"""With more parameters than this, training is only checked where it is asked for."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What a check is asked for.

    Attributes:
        inputs: arrays in Keras' layout; none to draw them.
        shapes: of drawn inputs, with the bound of integers; none for the model's own.
        target: for the loss; none to draw it.
        loss, optimizer: a common name, or one for each side; None for the default.
        steps: of training; None for three, or none of a large model.
        mapping: Keras layers to PyTorch modules, where the pairing is ambiguous.
        weights: "auto", "own", "keras" or "torch".
        precisions: in which to judge.
        seed: of all that is drawn.
    """

    inputs: Sequence[Array] = ()
    shapes: Sequence[tuple[tuple[int, ...], int | None]] = ()
    target: Sequence[Array] = ()
    loss: Any = None
    optimizer: Any = None
    steps: int | None = None
    mapping: Mapping[str, str] = dataclasses.field(default_factory=dict)
    weights: str = "auto"
    precisions: Sequence[str] = ("float64", "float32")
    seed: int = 0


def examine(both: Both, options: Options) -> Check:
    """Pair, feed and compare the two models, and find out why they differ.

    Raises:
        UsageError: the user's code fails, or shapes do not fit.
    """
    return _Examination(both, options).check()


class _Examination:
    def __init__(self, both: Both, options: Options) -> None:
        self.both = both
        self.options = options
        self.notes: list[str] = []
        self._draw()
        ways = call_order.pairings(both, options.mapping)
        self.start, answers = call_order.best(both, ways, self._begin)
        self.notes += [*self.start.notes, *specification.modes(both)]
        self._feed(answers)
        bounds = unreached.find(both)
        self.notes += bounds.notes
        self.spec = specification.compare(both, bounds.causes)

    def _begin(self) -> start.Start:
        return start.settle(self.both, self.options.weights, self.options.seed)

    def _draw(self) -> None:
        """The inputs."""
        given = self.options.inputs
        if given:
            about = self.both.keras_about["inputs"]
            self.both.inputs = inputs.checked(about, given)
        else:
            self.both.inputs = self._drawn()

    def _drawn(self, size: float = 1.0) -> list[Array]:
        about, options = self.both.keras_about["inputs"], self.options
        return inputs.drawn(about, options.shapes, options.seed, size=size)

    def _feed(self, answers: Answers) -> None:
        """The way PyTorch takes the inputs, the way its outputs come, the target."""
        both = self.both
        ours, theirs = answers.outputs()
        theirs, self.given = output_causes.candidates(ours, theirs)
        found = [arrange.fitted(a, b) for a, b in zip(ours, theirs, strict=False)]
        both.output_ways = tuple(one[0] if one else "as_is" for one in found)
        if any(way != "as_is" for way in (*both.plan.ways, *both.output_ways)):
            self.notes.append(self._layouts())
        if not self.options.inputs:
            self.notes += magnitude.settle(both, self._drawn)
        self.task = self._task(ours)

    def _layouts(self) -> str:
        told = [
            f"PyTorch takes {name} {arrange.TOLD[way]}"
            for name, way in zip(
                _names("input", self.both.plan.ways), self.both.plan.ways, strict=True
            )
            if way != "as_is"
        ]
        told += [
            f"gives {name} {arrange.TOLD.get(way, way)}"
            for name, way in zip(
                _names("output", self.both.output_ways),
                self.both.output_ways,
                strict=True,
            )
            if way != "as_is"
        ]
        return "; ".join(told)

    def _task(self, outputs: Sequence[Array]) -> Task:
        options = self.options
        loss = "mse" if options.loss is None else options.loss
        optimizer = "sgd:0.01" if options.optimizer is None else options.optimizer
        steps = 3 if options.steps is None else options.steps
        kinds = loss[0] if isinstance(loss, tuple) else loss
        name = kinds if isinstance(kinds, str) else type(kinds).__name__
        self.both.target = list(options.target) or [
            inputs.target(name, output, options.seed, number)
            for number, output in enumerate(outputs)
        ]
        return Task(loss, optimizer, steps)

    def _asked(self) -> list[str]:
        """The levels beyond the weights that apply to this pair."""
        options = self.options
        found = ["forward", "training"]
        found += ["loss"] if options.loss is not None else []
        found += ["gradient"]
        heavy = self.both.keras_about["parameters"] > HEAVY
        if not self.both.keras_about["parameters"]:
            return found[:-1]  # nothing is trained
        wanted = (options.loss, options.optimizer, options.steps) != (None, None, None)
        if self.task.steps and (wanted or not heavy):
            found += ["statistics", "step", "trajectory"]
        elif heavy:
            self.notes.append(
                "so large a model is trained only if --optimizer or --steps asks for it"
            )
        return found

    def check(self) -> Check:
        judge = Judge(self.both, self.task, self._asked())
        repeat, active = repeatable.compare(self.both)
        levels = [self.spec.level, self.start.level, repeat]
        by_precision = {p: judge.levels(p) for p in self.options.precisions}
        self.notes += [f"not in {p}: {why}" for p, why in judge.refused.items()]
        search = Search(
            self.both,
            judge,
            [*self.start.candidates, *self.given],
            by_precision,
            self.spec.causes,
        )
        found = search.run(levels)
        causes = [*self.spec.causes, *active, *found.causes]
        repairs = merged(found.candidates)
        heavy = self.both.keras_about["parameters"] > HEAVY
        layers = () if heavy and not found.first else local.errors(self.both)
        for precision in self.options.precisions:
            levels += [
                self._repaired(judge, one, found, repairs)
                for one in by_precision[precision]
            ]
        return Check(
            levels=tuple(levels),
            causes=tuple(causes),
            unexplained=found.unexplained,
            first=found.first,
            layers=layers,
            pairs=specification.pairs(self.both.pairing),
            doubts=tuple(show_pairs.doubts(self.both.pairing)),
            notes=tuple(self.notes),
            smallest=self._smallest(found, repairs),
            about={"seed": self.options.seed},
        )

    def _smallest(self, found: Explained, repairs: Repairs) -> dict[str, Any] | None:
        """Where the outputs depart and nothing explains it, and the model is small."""
        heavy = self.both.keras_about["parameters"] > HEAVY
        if not found.departs or heavy:
            return None
        return smallest(self.both, repairs)

    def _repaired(
        self, judge: Judge, one: Level, found: Explained, repairs: Repairs
    ) -> Level:
        """With what is left once all is repaired; what is harmless fails nothing."""
        if one.verdict != "fail" or not repairs:
            return one
        left = judge.apart(one.level, one.precision, repairs)
        one = dataclasses.replace(one, repaired=left)
        most = max(candidate.most for candidate in found.candidates)
        if one.explained and one.value <= most < math.inf:
            return dataclasses.replace(one, verdict="pass")
        return one


def _names(name: str, ways: Sequence[str]) -> list[str]:
    return (
        [f"the {name}"] if len(ways) == 1 else [f"{name} {k}" for k in range(len(ways))]
    )
