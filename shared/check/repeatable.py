"""Whether a model, run twice in inference mode, answers the same."""

from __future__ import annotations

import math
from collections.abc import Iterator

from shared.check import steps
from shared.check.answers import Answers
from shared.check.arrange import distance
from shared.check.both import Both
from shared.check.glue_causes import ACTIVE
from shared.check.result import Cause, Level
from shared.parity.trace import Trace

REPEATABLE = 1e-5
"""float32: two runs of one model; threads may add up in another order."""


def compare(both: Both) -> tuple[Level, tuple[Cause, ...]]:
    """The level, and the dropout for which it fails."""
    answers = both.forward("float32", record="steps")
    sides = ("tf", "Keras", answers.keras), ("torch", "PyTorch", answers.torch)
    for side, name, first in sides:
        apart = _apart(first, both.once(side, "float32"))
        if apart > REPEATABLE:
            where = f"{name}'s model is not deterministic in inference mode"
            level = Level("repeat", "float32", "fail", apart, REPEATABLE, where=where)
            return level, tuple(_active(both, answers)) if side == "torch" else ()
    return Level("repeat", "float32", "pass", 0.0, REPEATABLE), ()


def _apart(first: Trace, second: Trace) -> float:
    """How far two runs are apart; what is not finite is told elsewhere."""
    found = (distance(array, second[key]) for key, array in first.items())
    return max((one for one in found if one < math.inf), default=0.0)


def _active(both: Both, answers: Answers) -> Iterator[Cause]:
    """PyTorch's dropout in inference mode, if without it the model repeats itself."""
    found = [
        (slot.place, slot.torch)
        for slot in steps.aligned(both, answers)
        if slot.torch is not None
        and slot.torch.get("op") == "dropout"
        and slot.torch["settings"]["active"]
    ]
    off = {"do": "glue", "op": "dropout", "settings": {"active": False}}
    repairs = [off | {"id": call["id"]} for _, call in found]
    first, second = (both.once("torch", "float32", repairs) for _ in range(2))
    if _apart(first, second) <= REPEATABLE:
        for place, call in found:
            texts = place, call["place"], *ACTIVE[:2]
            yield Cause("dropout_active", *texts, ("repeat",), 1.0, ACTIVE[2])
