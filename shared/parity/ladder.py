"""The ladder: two traces in, one verdict a level out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.lesson import Lesson
from shared.parity.arithmetic import forward, gradient, step
from shared.parity.deviation import Deviation, broken, worst
from shared.parity.pairs import Pair, keys, results
from shared.parity.structure import fit, mode, spec, weights
from shared.parity.training import trajectory
from shared.results import Level
from shared.weights import Weights


def climb(
    lesson: Lesson, pair: Pair, start: Weights | None, precision: str, variant: str
) -> list[Level]:
    """Every level from spec to trajectory, for one variant in one precision.

    Args:
        lesson: its spec says which levels do not apply, and why.
        pair: what the tracks "tf" and "torch" found.
        start: the start that both were given; None for a lesson without parameters.
        precision: what both were asked to compute in.
        variant: put into every verdict.
    """
    levels: dict[str, Callable[[], Iterator[Deviation]]] = {
        "spec": lambda: spec(pair, start, precision),
        "weights": lambda: weights(pair, start, precision),
        "mode": lambda: mode(pair),
        "forward": lambda: forward(pair, precision),
        "gradient": lambda: gradient(pair, precision),
        "step": lambda: step(pair, precision),
        "trajectory": lambda: trajectory(pair, precision),
    }
    missing = not_applicable(lesson, pair, start)
    if not fit(pair, start):
        reason = "the models have other parameters"
        missing = dict.fromkeys(list(levels)[1:], reason)
    return [
        Level(name, precision, None, None, "not applicable", missing[name], variant)
        if name in missing
        else verdict(name, precision, variant, measure())
        for name, measure in levels.items()
    ]


def not_applicable(lesson: Lesson, pair: Pair, start: Weights | None) -> dict[str, str]:
    """The levels that this lesson does not have, each with the reason."""
    reasons = dict(lesson.not_applicable)
    trains = any(keys(o.trace, "history") for o in pair.values())
    if start is None:
        for level in ("spec", "weights", "mode"):
            reasons.setdefault(level, "the lesson has no parameters")
    if not trains:
        for level in ("step", "trajectory"):
            reasons.setdefault(level, "nothing is trained")
        if not any(results(o.trace, "gradient") for o in pair.values()):
            reasons.setdefault("gradient", "nothing is trained")
    return reasons


def verdict(
    name: str, precision: str, variant: str, found: Iterator[Deviation]
) -> Level:
    """The level's verdict; a level that measured nothing has failed."""
    decisive = worst(found) or broken("nothing was measured")
    return Level(
        name,
        precision,
        decisive.value,
        decisive.tolerance,
        "pass" if decisive.passed else "fail",
        decisive.where,
        variant,
    )
