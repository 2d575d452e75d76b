"""The gradient of every parameter, in the neutral layout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from shared.parity.trace import Trace
from torch_track import backend
from torch_track.layouts import Part


def of_parts(parts: Sequence[Part]) -> tuple[Trace, list[str]]:
    """What the backward pass left, under "order/name".

    Returns:
        The gradients of what is trained, and the names of those that have none: they
        are zero.
    """
    trace: Trace = {}
    missing = []
    for order, part in enumerate(parts):
        own, none = _native(part)
        if not own:
            continue
        neutral = part.layout.to_neutral(part.module, own)
        some = {name: array for name, array in own.items() if name not in none}
        present = part.layout.to_neutral(part.module, some)
        for name, array in neutral.items():
            trace[f"{order}/{name}"] = array.copy(order="C")
            if name not in present:
                missing.append(f"{order}/{name}")
    return trace, missing


def trained(part: Part) -> dict[str, bool]:
    """By neutral name: whether a parameter is trained. Statistics are not."""
    whole = part.shapes()
    own, _ = _native(part)
    found = part.layout.to_neutral(part.module, own)
    return {name: name in found for name in whole}


def _native(part: Part) -> tuple[Trace, set[str]]:
    """Gradients by PyTorch's names, zero where there is none, and those names.

    The second bias of a layer that has one in Keras is left out.
    """
    found: Trace = {}
    none = set()
    tensors = part.tensors()
    learned = {
        own
        for own, tensor in tensors.items()
        if isinstance(tensor, nn.Parameter)
        and tensor.requires_grad
        and own not in part.layout.zero
    }
    for own, tensor in tensors.items():
        # One tensor may be half of a neutral array that is trained in part.
        if own in learned or (own in part.layout.packed and learned):
            if tensor.grad is None:
                none.add(own)
                found[own] = backend.array(torch.zeros_like(tensor))
            else:
                found[own] = backend.array(tensor.grad.to_dense())
    return found, none
