"""Bounds, as of a ReLU6 or a clip, that the models do not share and no number reaches.

What is computed is the same, and yet the models are not.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator

from shared.check import steps
from shared.check.answers import Answers
from shared.check.both import Both
from shared.check.candidate import number
from shared.check.flow import Step, head
from shared.check.glue_causes import told
from shared.check.result import Cause
from shared.parity.trace import Trace


@dataclasses.dataclass(frozen=True)
class Unreached:
    """What is known to differ, without effect.

    Attributes:
        causes: where both models bound, each in its way: no port would have it so.
        notes: where only one does, perhaps what cannot get there.
    """

    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Bound:
    """The highest or the lowest number that a step lets through.

    Attributes:
        upper: whether it is the highest.
        at: the number.
    """

    upper: bool
    at: float


def find(both: Both) -> Unreached:
    """The bounds of one model alone that the inputs do not reach."""
    answers = both.forward("float32", record="steps")
    every = [_all(answers.keras_facts["steps"]), _all(answers.torch_facts["steps"])]
    lone = every[0] - every[1], every[1] - every[0]
    if not any(lone):
        return Unreached()
    answers = both.forward("float32", record="all")
    causes: list[Cause] = []
    notes: list[str] = []
    for slot in steps.aligned(both, answers):
        found = _unreached(slot, answers, lone)
        if not found:
            continue
        if slot.keras is None or slot.torch is None:
            notes.append(_note(slot, found))
        elif {slot.keras["op"], slot.torch["op"]} <= _BOUNDED:
            causes.append(_cause(slot, slot.keras, slot.torch, found))
    return Unreached(tuple(causes), tuple(notes))


_BOUNDED = {"relu", "leaky_relu", "clip", "hard_tanh"}
"""What may differ in its bounds alone; the numbers show any other difference."""


def _all(found: list[Step]) -> Counter[Bound]:
    return Counter(bound for step in found for bound in bounds(step))


def bounds(step: Step) -> Iterator[Bound]:
    """Those of a step, but 0: numbers of either sign are common."""
    op, settings = step.get("op"), step.get("settings", {})
    low = {"relu": "threshold", "clip": "min"}.get(str(op), "")
    high = {"relu": "max_value", "clip": "max"}.get(str(op), "")
    pair = (-1.0, 1.0) if op == "hard_tanh" else (settings.get(low), settings.get(high))
    for upper, at in zip((False, True), pair, strict=True):
        if at:
            yield Bound(upper, float(at))


def _unreached(
    slot: steps.Slot, answers: Answers, lone: tuple[Counter[Bound], Counter[Bound]]
) -> list[tuple[Bound, float]]:
    """Each such bound of a slot, and how far the numbers go towards it.

    None where one of them is reached, which the outputs show.
    """
    found = []
    sides = (slot.keras, answers.keras), (slot.torch, answers.torch)
    for (step, trace), left in zip(sides, lone, strict=True):
        for bound in bounds(step) if step is not None else ():
            if left[bound] > 0 and step is not None:
                left[bound] -= 1
                found.append((bound, _farthest(step, trace, bound.upper)))
    reached = any(far >= one.at if one.upper else far <= one.at for one, far in found)
    return [] if reached else found


def _farthest(step: Step, trace: Trace, upper: bool) -> float:
    array = trace.get(f"{head(step)}/in")
    if array is None or not array.size:
        return math.inf if upper else -math.inf
    return float(array.max() if upper else array.min())


def _cause(
    slot: steps.Slot, ours: Step, theirs: Step, found: list[tuple[Bound, float]]
) -> Cause:
    return Cause(
        "activation_setting",
        slot.place,
        theirs.get("place", ""),
        told(ours),
        told(theirs),
        ("spec",),
        1.0,
        f"the same bound in both: {_reached(found)}",
    )


def _note(slot: steps.Slot, found: list[tuple[Bound, float]]) -> str:
    step = slot.keras or slot.torch
    assert step is not None
    own, other = ("Keras", "PyTorch") if slot.keras else ("PyTorch", "Keras")
    return (
        f"{told(step)} at {slot.place} in {own}, nothing like it in {other}: "
        f"{_reached(found)}"
    )


def _reached(found: list[tuple[Bound, float]]) -> str:
    reached = " and ".join(dict.fromkeys(f"{far:.3g}" for _, far in found))
    wanted = " or ".join(dict.fromkeys(number(bound.at) for bound, _ in found))
    return f"the numbers there reach {reached}, and not {wanted} (give --data that do)"
