"""What goes into a layer and what comes out of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from inspect import BoundArguments
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from torch_track.check.glue import tensors

MISSING: Any = object()
"""What fills an argument for which there is no tensor."""


class _Input:
    """Stands for a tensor that a layer transforms."""


def bound(module: nn.Module, args: Any, kwargs: Any) -> BoundArguments:
    """The arguments of a call by parameter, as the layer's class names them."""
    return inspect.signature(type(module).forward).bind(module, *args, **kwargs)


def inputs(module: nn.Module, given: BoundArguments) -> Iterator[torch.Tensor]:
    """The tensors that a layer transforms; of attention not its masks."""
    for name, value in list(given.arguments.items())[1:]:
        if "mask" not in name:
            yield from tensors(_unpacked(module, value))


def outputs(
    module: nn.Module, output: Any
) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """The first output, and the last state of a recurrent layer."""
    if isinstance(module, nn.RNNBase):
        states = next(tensors(output[1]))
        return next(tensors(_unpacked(module, output[0]))), states
    return next(tensors(output), None), None


def emptied(given: BoundArguments) -> BoundArguments:
    """How the layer was called, without what it transforms."""
    for name, value in given.arguments.items():
        if "mask" not in name:
            given.arguments[name] = _emptied(value)
    return given


def filled(
    given: BoundArguments, tensors: Iterator[torch.Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the same call of the layer with other tensors."""
    own, *named = given.arguments.items()
    values = {name: _filled(value, tensors) for name, value in named}
    kept = {name: value for name, value in values.items() if value is not MISSING}
    again = BoundArguments(given.signature, dict([own, *kept.items()]))
    return again.args[1:], again.kwargs


def _emptied(value: Any) -> Any:
    if isinstance(value, (nn.Module, torch.Tensor, PackedSequence)):
        return _Input()
    if isinstance(value, (tuple, list)):
        return tuple(_emptied(inner) for inner in value)
    return value


def _filled(value: Any, given: Iterator[torch.Tensor]) -> Any:
    if isinstance(value, _Input):
        return next(given, MISSING)
    if isinstance(value, tuple):
        filled = tuple(_filled(inner, given) for inner in value)
        return MISSING if MISSING in filled else filled
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.to(torch.get_default_dtype())
    return value


def _unpacked(module: nn.Module, value: Any) -> Any:
    if isinstance(value, PackedSequence):
        first = bool(getattr(module, "batch_first", False))
        return pad_packed_sequence(value, batch_first=first)[0]
    return value
