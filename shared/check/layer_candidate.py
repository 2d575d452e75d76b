"""A candidate that is about one layer of each model, and the repairs it may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.check.candidate import Candidate, Settings, number
from shared.check.pairing import Pair


def make(
    pair: Pair,
    id: str,
    keras: Any,
    torch: Any,
    remedy: str,
    *repairs: Mapping[str, Any],
    **more: Any,
) -> Candidate:
    """A candidate at this pair of layers."""
    return Candidate(
        id,
        pair.keras.name,
        pair.torch.name,
        keras if isinstance(keras, str) else number(keras),
        torch if isinstance(torch, str) else number(torch),
        remedy,
        tuple(repairs),
        **more,
    )


def setting(pair: Pair, attribute: str, value: Any) -> Mapping[str, Any]:
    """The repair that sets an attribute of PyTorch's module."""
    order = pair.torch.order
    return {"do": "set", "order": order, "attribute": attribute, "value": value}


def as_keras(pair: Pair, settings: Settings, *own: str) -> Mapping[str, Any]:
    """The layer by Keras' rule; `own` are the settings that this cause is about."""
    return {
        "do": "as_keras",
        "order": pair.torch.order,
        "kind": pair.keras.kind,
        "settings": dict(settings),
        "own": list(own) or list(settings),
    }
