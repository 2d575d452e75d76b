"""The loop of PyTorch's tutorials: what the bench holds the engine against."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from shared.session import History, Schedule
from torch_track import backend


def run(
    step: Callable[[torch.Tensor, torch.Tensor], Any],
    x: torch.Tensor,
    y: torch.Tensor,
    schedule: Schedule,
) -> History:
    """Call the step on every batch of a `DataLoader`; a whole batch needs none."""
    batches: Iterable[Any] = [(x, y)]
    if schedule.size < schedule.samples:
        batches = DataLoader(TensorDataset(x, y), schedule.size, schedule.shuffle)
    epochs = itertools.chain.from_iterable(itertools.repeat(batches))
    losses = []
    for batch in itertools.islice(epochs, schedule.steps):
        returned = step(*batch)
        loss = returned[0] if isinstance(returned, tuple) else returned
        losses.append(loss.detach())
    loss = backend.array(torch.stack(losses))
    return History(loss, schedule.batch_sizes(), schedule.steps_per_epoch)
