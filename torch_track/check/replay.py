"""Each layer by itself, on given inputs, called as the model called it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import torch
from torch import nn

from shared.parity.trace import Trace
from torch_track.check.passes import Pass, as_tensor
from torch_track.check.record import Input

Arguments: TypeAlias = Mapping[str, Any]


def replay(
    model: Pass, arrays: Trace, arguments: Mapping[int, Arguments]
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
            _call(part.module, inputs, arguments.get(order))
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
    module: nn.Module, inputs: list[torch.Tensor], arguments: Arguments | None
) -> None:
    if arguments is None:
        attends = isinstance(module, nn.MultiheadAttention)
        module(*(inputs * 3 if attends and len(inputs) == 1 else inputs))
        return
    given = iter(inputs)
    named = {name: _filled(value, given) for name, value in arguments.items()}
    module(**{name: value for name, value in named.items() if value is not _MISSING})


_MISSING: Any = object()


def _filled(value: Any, given: Iterator[torch.Tensor]) -> Any:
    """The argument with the next of the given tensors in it."""
    if isinstance(value, Input):
        return next(given, _MISSING)
    if isinstance(value, tuple):
        filled = tuple(_filled(inner, given) for inner in value)
        return _MISSING if _MISSING in filled else filled
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.to(torch.get_default_dtype())
    return value
