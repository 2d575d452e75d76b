"""Each layer by itself, on given inputs, called as the model called it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import BoundArguments

import torch
from torch import nn

from shared.parity.trace import Trace
from torch_track.check import arguments
from torch_track.check.arrays import as_tensor
from torch_track.check.passes import Pass


def replay(
    model: Pass, arrays: Trace, calls: Mapping[int, BoundArguments]
) -> dict[str, str]:
    """Run every layer that has an input among the arrays.

    Returns:
        A line for each layer that failed, by its order.
    """
    failed = {}
    for order, part in enumerate(model.parts):
        inputs = list(_inputs(arrays, order))
        if not inputs:
            continue
        try:
            _call(part.module, inputs, calls.get(order))
        except Exception as error:
            failed[str(order)] = (str(error).strip() or repr(error)).splitlines()[0]
    return failed


def _inputs(arrays: Trace, order: int) -> Iterator[torch.Tensor]:
    index, key = 0, f"layer/{order}/in"
    while key in arrays:
        yield as_tensor(arrays[key])
        index += 1
        key = f"layer/{order}/in/{index}"


def _call(
    module: nn.Module, inputs: list[torch.Tensor], given: BoundArguments | None
) -> None:
    if given is not None:
        args, kwargs = arguments.filled(given, iter(inputs))
        module(*args, **kwargs)
    elif isinstance(module, nn.MultiheadAttention) and len(inputs) == 1:
        module(*inputs * 3)
    else:
        module(*inputs)
