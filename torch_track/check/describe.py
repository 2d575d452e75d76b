"""What a model is: its layers and their settings, its inputs, what else it holds."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from torch_track import layouts
from torch_track.check import gradients, settings
from torch_track.check.subject import Subject


def described(subject: Subject) -> dict[str, Any]:
    """The facts, as plain values."""
    parts = subject.parts
    layers = layouts.describe(subject.start, raw=True)
    return {
        "layers": [layer.to_json() for layer in layers],
        "settings": {str(k): settings.of_part(p) for k, p in enumerate(parts)},
        "trainable": {str(k): gradients.trained(p) for k, p in enumerate(parts)},
        "tied": _tied(subject),
        **_arguments(subject),
        **_state(subject),
        "parameters": sum(a.size for p in parts for a in p.export().values()),
        "notes": [
            f"{part.name}: bias_ih and bias_hh are both in use; Keras has one bias"
            for part in parts
            if part.merged
        ],
    }


def _tied(subject: Subject) -> dict[str, list[str]]:
    """By name of a layer all of whose tensors others hold as well: those others."""
    held = {p.name: {id(t) for t in p.tensors().values()} for p in subject.parts}
    found = {}
    for name, own in held.items():
        others = [other for other in held if other != name and own & held[other]]
        if own <= set().union(*(held[other] for other in others)):
            found[name] = others
    return found


def _arguments(subject: Subject) -> dict[str, Any]:
    """What the model is called with; its shapes are not known beforehand."""
    parameters = inspect.signature(subject.module.forward).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    needed = [p.name for p in named if p.default is p.empty]
    first = subject.parts[0].module if subject.parts else None
    below = first.num_embeddings if isinstance(first, nn.Embedding) else None
    about = {"shape": None, "dtype": "int64" if below else "float32", "below": below}
    return {
        "inputs": [{"name": name} | about for name in needed],
        "keywords": [p.name for p in named if p.kind is not p.POSITIONAL_ONLY],
    }


def _state(subject: Subject) -> dict[str, Any]:
    """Dtypes, mode, dropout, and buffers that no layer has in Keras."""
    held = {id(t) for part in subject.parts for t in part.tensors().values()}
    dtypes = {str(p.dtype).removeprefix("torch.") for p in subject.module.parameters()}
    return {
        "dtypes": sorted(dtypes),
        "training": subject.module.training,
        "random": settings.random_layers(subject.module),
        "buffers": [
            name
            for name, buffer in subject.start.named_buffers()
            if id(buffer) not in held and not name.endswith("num_batches_tracked")
        ],
    }
