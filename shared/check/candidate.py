"""A difference that may be the cause, with the repair that would prove it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Repair: TypeAlias = Mapping[str, Any]
Settings: TypeAlias = Mapping[str, Any]

INVISIBLE = 1e-6
"""A relative error below this is not visible in float32."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What `explain` tries.

    Attributes:
        id: of the cause.
        place: Keras' layer or call.
        torch_place: PyTorch's.
        keras, torch: the setting on either side, as text.
        remedy: what a person would write.
        repairs: what the PyTorch side is asked to do instead.
        stage: the level at which it can show first: "spec", "forward", "gradient",
            "loss", "statistics" or "step".
        slot: the index of the step it belongs to; None for loss and optimizer.
        most: the largest relative error that it can make.
    """

    id: str
    place: str
    torch_place: str
    keras: str
    torch: str
    remedy: str
    repairs: tuple[Repair, ...]
    stage: str = "forward"
    slot: int | None = None
    most: float = math.inf

    @property
    def kind(self) -> tuple[str, str, str]:
        """What it has in common with the same difference at another layer."""
        return self.id, self.keras, self.torch

    @property
    def harmless(self) -> bool:
        """Whether it is a matter of rounding."""
        return self.most < math.inf


def merged(chosen: Iterable[Candidate]) -> list[Repair]:
    """The repairs of several candidates; those of one layer or call are one repair."""
    found: list[Repair] = []
    rules: dict[Any, dict[str, Any]] = {}
    for candidate in chosen:
        for repair in candidate.repairs:
            if "own" not in repair:
                if repair not in found:
                    found.append(repair)
                continue
            rule = {k: v for k, v in repair.items() if k not in ("own", "settings")}
            settings, where = repair["settings"], tuple(rule.items())
            if where not in rules:
                rules[where] = dict(settings)
                found.append(rule | {"settings": rules[where]})
            rules[where].update({key: settings[key] for key in repair["own"]})
    return found


def number(value: Any) -> str:
    """A setting, short: 0.001, 1e-05, (2, 2), None."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"({', '.join(map(number, value))})"
    return str(value)


def told(settings: Settings, keys: Sequence[str]) -> str:
    """Some settings by name."""
    return ", ".join(
        f"{key} {number(settings[key])}" for key in keys if key in settings
    )
