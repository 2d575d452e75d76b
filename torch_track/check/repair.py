"""Another computation in place of a layer's or a call's own, for one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from torch_track.layouts import Part

Repair: TypeAlias = Mapping[str, Any]


def prepare(parts: Sequence[Part], repairs: Sequence[Repair]) -> None:
    """Change the layers themselves."""
    for repair in repairs:
        if repair["do"] == "set":
            value = repair["value"]
            value = tuple(value) if isinstance(value, list) else value
            setattr(parts[repair["order"]].module, repair["attribute"], value)
        elif repair["do"] == "freeze":
            _freeze(parts[repair["order"]], repair["tensors"])


def follow(parts: Sequence[Part], repairs: Sequence[Repair]) -> None:
    """Add what comes after a layer."""


def of_calls(repairs: Sequence[Repair]) -> dict[str, Repair]:
    """Those of calls between the layers, by the calls' ids."""
    return {r["id"]: r for r in repairs if r["do"] in ("glue", "skip")}


def _freeze(part: Part, names: Sequence[str]) -> None:
    """A name stands for both directions."""
    for own, tensor in part.tensors().items():
        if own in names or own.rpartition("/")[2] in names:
            tensor.requires_grad_(False)
