"""Given values in the place of those that the model has computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from shared.parity.trace import Trace
from torch_track.check import arguments
from torch_track.check.arrays import as_tensor
from torch_track.check.repair import Repair
from torch_track.layouts import Part


def filled(repairs: Sequence[Repair], arrays: Trace) -> list[Repair]:
    """The repairs with the tensors that they put."""
    return [
        {**one, "tensor": as_tensor(arrays[one["key"]])} if one["do"] == "put" else one
        for one in repairs
    ]


def into_layers(parts: Sequence[Part], repairs: Sequence[Repair]) -> None:
    """At each layer's first call, in front of the hooks that record it."""
    for repair in repairs:
        if repair["do"] == "put" and "order" in repair:
            place = _before if repair["what"] == "in" else _behind
            place(parts[repair["order"]].module, repair["tensor"])


def _before(module: nn.Module, tensor: torch.Tensor) -> None:
    """What goes in, also where the same is given several times."""

    def hook(module: nn.Module, args: Any, kwargs: Any) -> Any:
        handle.remove()
        given = arguments.bound(module, args, kwargs)
        own = list(arguments.inputs(module, given))
        again = (tensor if one is own[0] else one for one in own)
        return arguments.filled(arguments.emptied(given), again)

    handle = module.register_forward_pre_hook(hook, with_kwargs=True)


def _behind(module: nn.Module, tensor: torch.Tensor) -> None:
    """What comes out; of several tensors the first."""

    def hook(module: nn.Module, args: Any, output: Any) -> Any:
        handle.remove()
        return tensor if isinstance(output, torch.Tensor) else (tensor, *output[1:])

    handle = module.register_forward_hook(hook)
