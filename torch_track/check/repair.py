"""Another computation in place of a layer's or a call's own, for one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn

from torch_track.check import emulate_layers as layers
from torch_track.check.activations import ACTIVATIONS
from torch_track.check.emulate_attention import attention
from torch_track.check.emulate_recurrent import cell, recurrent
from torch_track.layouts import Part

Repair: TypeAlias = Mapping[str, Any]


def prepare(parts: Sequence[Part], repairs: Sequence[Repair]) -> None:
    """Change the layers themselves: attributes, rules, what is trained."""
    levels: dict[int, dict[int, Mapping[str, Any]]] = {}
    for repair in repairs:
        if repair["do"] not in ("set", "as_keras", "freeze"):
            continue
        part = parts[repair["order"]]
        if repair["do"] == "set":
            value = repair["value"]
            value = tuple(value) if isinstance(value, list) else value
            setattr(part.module, repair["attribute"], value)
        elif repair["do"] == "freeze":
            _freeze(part, repair["tensors"])
        elif isinstance(part.module, nn.RNNBase):
            whole = levels.setdefault(id(part.module), {})
            whole[_level(part)] = repair["settings"]
            _replace(part.module, recurrent(part.module, whole))
        else:
            _as_keras(part.module, repair["settings"])


def follow(parts: Sequence[Part], repairs: Sequence[Repair]) -> None:
    """Add what comes after a layer, behind the hooks that record it."""
    for repair in repairs:
        if repair["do"] == "after" and "order" in repair:
            hook = _after(repair["op"], repair["settings"])
            parts[repair["order"]].module.register_forward_hook(hook)


def of_calls(repairs: Sequence[Repair]) -> dict[str, Repair]:
    """Those of calls between the layers, by the calls' ids.

    What comes after one of them is under "after ID", what is put into it under "put in
    ID" or "put out ID".
    """
    return {_key(repair): repair for repair in repairs if "id" in repair}


def of_outputs(repairs: Sequence[Repair]) -> Sequence[int]:
    """The order in which the outputs are taken; none where it is the model's own."""
    orders = (repair["outputs"] for repair in repairs if repair["do"] == "reorder")
    return next(orders, ())


def _key(repair: Repair) -> str:
    if repair["do"] == "put":
        return f"put {repair['what']} {repair['id']}"
    return f"after {repair['id']}" if repair["do"] == "after" else str(repair["id"])


def _freeze(part: Part, names: Sequence[str]) -> None:
    """A name stands for both directions."""
    for own, tensor in part.tensors().items():
        if own in names or own.rpartition("/")[2] in names:
            tensor.requires_grad_(False)


def _level(part: Part) -> int:
    """Which layer of a stacked one it is."""
    key = next(iter(part.keys.values()))
    return int(key.removesuffix("_reverse").rpartition("_l")[2])


def _as_keras(module: nn.Module, settings: Mapping[str, Any]) -> None:
    for kind, rule in _RULES.items():
        if isinstance(module, kind):
            _replace(module, rule(module, settings))
            return


def _replace(module: nn.Module, forward: Callable[..., Any]) -> None:
    module.forward = forward


def _after(op: str, settings: Mapping[str, Any]) -> Callable[..., Any]:
    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        if isinstance(output, torch.Tensor):
            return ACTIVATIONS[op](output, settings)
        return (ACTIVATIONS[op](output[0], settings), *output[1:])

    return hook


_RULES: Mapping[Any, Callable[[Any, Mapping[str, Any]], Callable[..., Any]]] = {
    nn.modules.conv._ConvTransposeNd: layers.transposed,
    nn.modules.conv._ConvNd: layers.convolution,
    nn.modules.batchnorm._BatchNorm: layers.batch_norm,
    layers.NORMS: layers.norm,
    nn.Embedding: layers.embedding,
    nn.RNNCellBase: cell,
    nn.MultiheadAttention: attention,
}
"""By type of module; the first that fits."""
