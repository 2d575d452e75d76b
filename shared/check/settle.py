"""How PyTorch's model takes the inputs that Keras' takes: found out by trying."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from typing import Any

from shared.check import arrange, steps
from shared.check.answers import Answers, Plan
from shared.check.both import Both
from shared.errors import UsageError

CLOSE = 1e-4
"""What is no further apart, relative, is the same but for rounding."""


def settle(both: Both, precision: str = "float32") -> Answers:
    """Find out how PyTorch's model takes Keras' inputs, and set `both.plan`.

    Every arrangement that runs is a candidate; the one whose outputs have Keras' shapes
    wins, among several the one with which the models go together furthest, and then the
    one whose numbers come closest.

    Raises:
        UsageError: Keras' model does not run, or PyTorch's in no way; the message is
            that of the likeliest one.
    """
    both.once("tf", precision)  # what fails there is no matter of arrangement
    problems: list[UsageError] = []
    best: tuple[tuple[int, float, float, int], Plan, Answers] | None = None
    for number, plan in enumerate(_plans(both)):
        both.plan = plan
        try:
            answers = both.forward(precision, record="steps")
        except UsageError as error:
            problems.append(error)
            continue
        if answers.namesakes():
            # Keras sorts a dict by its keys.
            plan = both.plan = dataclasses.replace(plan, outputs=answers.namesakes())
            answers = both.forward(precision, record="steps")
        apart = agreement(both, answers, precision)
        score = *apart, number
        if best is None or score < best[0]:
            best = score, plan, answers
        if agrees(apart):
            break
    if best is None:
        raise problems[0]
    both.plan = best[1]
    return best[2]


def first(both: Both, precision: str = "float32") -> Answers | None:
    """The steps in the first arrangement that runs; None if none does.

    Raises:
        UsageError: Keras' model does not run.
    """
    both.once("tf", precision)
    for plan in _plans(both):
        both.plan = plan
        with contextlib.suppress(UsageError):
            return both.forward(precision, record="steps")
    return None


def agreement(
    both: Both, answers: Answers, precision: str = "float32"
) -> tuple[int, float, float]:
    """How well two models agree, the lower the better.

    Returns:
        How many outputs have no counterpart of their shape; how many layers go by until
        the models depart, negative, infinite where the outputs agree; their distance.
    """
    misfits, apart = _apart(answers)
    if not misfits and apart <= CLOSE:
        return 0, -math.inf, apart
    return misfits, -_together(both, precision), apart


def agrees(found: tuple[int, float, float]) -> bool:
    """Whether that is agreement."""
    return found[1] == -math.inf


def _plans(both: Both) -> list[Plan]:
    """All arrangements of inputs of one rank alike, in every way to pass them."""
    ranks = [array.ndim for array in both.inputs]
    choices: list[dict[int, str]] = [{}]
    for rank in sorted(set(ranks)):
        choices = [c | {rank: way} for c in choices for way in _likely(both, rank)]
    passing: list[Any] = ["positional"]
    names = [about["name"] for about in both.keras_about["inputs"]]
    keywords = both.torch_about.get("keywords", [])
    if len(ranks) > 1:
        if set(names) <= set(keywords):
            passing.insert(0, {"keywords": names})
        passing += ["list", {"dict": names}]
    return [
        Plan(tuple(choice[rank] for rank in ranks), way)
        for way in passing
        for choice in choices
    ]


def _likely(both: Both, rank: int) -> tuple[str, ...]:
    """A sequence goes as it is, unless the model begins with a convolution."""
    ways = arrange.ways(rank)
    first = next(iter(both.torch_about["layers"]), {"kind": ""})
    if rank == 3 and "conv" in first["kind"]:
        return ("channels_first", "as_is", "time_first")
    if rank == 5 and first["kind"].startswith(("conv1d", "conv2d")):
        return ("channels_third", "channels_first", "as_is")
    return ways


def _together(both: Both, precision: str) -> float:
    """How many layers of both models go by until they depart."""
    answers = both.forward(precision, record="layers")
    found = steps.aligned(both, answers)
    slots = [one for one in found if one.is_layer and one.keras and one.torch]
    departure = steps.departure(both, slots, answers, CLOSE)
    return len(slots) if departure is None else departure.index


def _apart(answers: Answers) -> tuple[int, float]:
    """How many outputs have no counterpart of their shape, and the worst distance."""
    ours, theirs = answers.outputs()
    misfits, worst = abs(len(ours) - len(theirs)), 0.0
    for a, b in zip(ours, theirs, strict=False):
        found = arrange.matched(a, b)
        if found is None:
            misfits += 1
        else:
            worst = max(worst, arrange.distance(a, found[1]))
    return misfits, worst
