"""Updates on given gradients, by a PyTorch optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Before = Callable[[int, Any, nn.Parameter], None]
"""Called before an update with its number, from 0, the optimizer and the weight."""


def updated(
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer],
    start: torch.Tensor,
    gradients: torch.Tensor,
    before: Before = lambda step, optimizer, weight: None,
) -> torch.Tensor:
    """One tensor after each of the updates.

    Args:
        optimizer: makes one for a list of parameters.
        start: the tensor before the first update.
        gradients: that of every update.
        before: called before each.
    """
    weight = nn.Parameter(start.clone())
    made = optimizer([weight])
    found = []
    for step, gradient in enumerate(gradients):
        weight.grad = gradient.clone()
        before(step, made, weight)
        made.step()
        found.append(weight.detach().clone())
    return torch.stack(found)
