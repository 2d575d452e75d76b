"""The operator calls of a training step, as they pass beneath autograd.

A `TorchDispatchMode` sees each of them (torch/utils/_python_dispatch.py): forward,
backward and the optimizer's update are then a few dozen calls on plain tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from torch_track import backend


class Unrecordable(Exception):
    """The step cannot be repeated from a recording; the message says why."""


class Call(NamedTuple):
    """One call of an operator, and what it returned."""

    op: OpOverload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    returned: Any

    @property
    def name(self) -> str:
        return str(self.op._schema.name.partition("::")[2])

    def given(self) -> Iterator[tuple[Any, Any]]:
        """Each argument of the operator's schema that is given, and its value."""
        for position, argument in enumerate(self.op._schema.arguments):
            if position < len(self.args):
                yield argument, self.args[position]
            elif argument.name in self.kwargs:
                yield argument, self.kwargs[argument.name]

    def inputs(self) -> Iterator[torch.Tensor]:
        return tensors([self.args, *self.kwargs.values()])

    def written(self) -> set[int]:
        """Where those of its inputs lie whose contents it changes."""
        if torch.Tag.inplace_view in self.op.tags:
            return set()
        found = [v for a, v in self.given() if a.alias_info and a.alias_info.is_write]
        return places(tensors(found))


class Recorder(TorchDispatchMode):
    """Notes the calls made while it is active."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[Call] = []

    def __torch_dispatch__(
        self, op: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = _aliases(args), {name: _aliases(v) for name, v in kwargs.items()}
        returned = op(*args, **kwargs)
        self.calls.append(Call(op, *given, _aliases(returned)))
        return returned


class Feed(NamedTuple):
    """What a recorded step was given that is another in every step.

    Attributes:
        batch: the batch; empty where all data are the batch.
        masks: the dropout masks, in matched mode.
        epsilon: the optimizer's, where it follows the step.
        counters: the optimizer's step counters, where the step may read them because
            nothing else than epsilon follows from them.
    """

    batch: Sequence[torch.Tensor] = ()
    masks: Sequence[torch.Tensor] = ()
    epsilon: float | None = None
    counters: Sequence[torch.Tensor] = ()


def _aliases(value: Any) -> Any:
    """The value with other tensors in the same memory, which stay as they are now.

    A tensor itself may be transposed in place later. And who holds a gradient makes
    autograd copy it (torch/csrc/autograd/functions/accumulate_grad.h).
    """
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, list | tuple):
        return [_aliases(part) for part in value]
    return value


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in a value, and in the lists and tuples that it is made of."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)


def places(found: Iterable[torch.Tensor]) -> set[int]:
    """Where tensors have their memory; a view lies where the viewed tensor does.

    Raises:
        Unrecordable: a tensor is not a plain piece of memory.
    """
    return {layout(tensor)[0] for tensor in found}


def layout(tensor: torch.Tensor) -> tuple[int, Any]:
    """What tells one tensor from another: its memory, and how it lies there.

    Raises:
        Unrecordable: the tensor is not a plain piece of memory.
    """
    if tensor.layout is not torch.strided:
        raise Unrecordable(f"it uses {tensor.layout} tensors")
    where = tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype
    return tensor.untyped_storage().data_ptr(), where


def bits(tensor: torch.Tensor) -> bytes:
    """The tensor's contents."""
    return backend.array(tensor).tobytes()
