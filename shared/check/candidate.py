"""A difference that may be the cause, with the repair that would prove it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

Repair: TypeAlias = Mapping[str, Any]
Settings: TypeAlias = Mapping[str, Any]


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
        harmless: it is smaller than what float32 can show.
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
    harmless: bool = False


def merged(chosen: Iterable[Candidate]) -> list[Repair]:
    """The repairs of several candidates; those of one layer's rule are one repair."""
    found: list[Repair] = []
    rules: dict[int, dict[str, Any]] = {}
    for candidate in chosen:
        for repair in candidate.repairs:
            if repair["do"] != "as_keras":
                found.append(repair)
                continue
            rule = {key: repair[key] for key in ("do", "order", "kind")}
            settings = repair["settings"]
            if repair["order"] not in rules:
                rules[repair["order"]] = dict(settings)
                found.append(rule | {"settings": rules[repair["order"]]})
            own = {key: settings[key] for key in repair["own"]}
            rules[repair["order"]].update(own)
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
