"""Steps of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from shared.check.user_code import guarded
from shared.parity.trace import GRADIENT_STEPS, Trace
from torch_track.check.arrays import as_array
from torch_track.check.losses import Scalar
from torch_track.check.optimizers import Stepper
from torch_track.check.passes import Pass, tensors_of
from torch_track.check.subject import exported


@torch.enable_grad()
def trained(
    model: Pass,
    arrays: Trace,
    plan: Mapping[str, Any],
    scalar: Scalar,
    stepper: Stepper,
    steps: int,
) -> Trace:
    """Train a copy on batches, over and over.

    Args:
        model: the copy.
        arrays: of inputs and targets, each with a leading axis of batches.
        plan: how the inputs are arranged and passed.
        scalar: what is minimized.
        stepper: the optimizer.
        steps: how many updates.

    Returns:
        "losses", "step/K/ORDER/NAME" after the first updates, "final/ORDER/NAME".

    Raises:
        UsageError: the model, the loss or the optimizer does not take the arrays so.
    """
    trace: Trace = {}
    losses = []
    for step in range(steps):
        batch = {name: array[step % len(array)] for name, array in arrays.items()}
        stepper.optimizer.zero_grad()
        outputs = model.run(tensors_of(batch, "input", plan), plan)
        value = scalar(outputs, batch)
        backward(model, value)
        stepper.step()
        losses.append(as_array(value))
        if step < GRADIENT_STEPS:
            weights = exported(model.parts)
            trace |= {f"step/{step + 1}/{name}": a for name, a in weights.items()}
    trace["losses"] = np.stack(losses)
    return trace | {f"final/{name}": a for name, a in exported(model.parts).items()}


def backward(model: Pass, value: torch.Tensor) -> None:
    """Leave gradients behind, unless the value depends on no parameter.

    Raises:
        UsageError: the user's code does not allow it.
    """
    if value.requires_grad:
        guarded(model.path, value.backward)
