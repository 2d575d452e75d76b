"""The training loop, once for all lessons.

    history = engine.loop(step, model, optimizer, x, y, epochs=5, batch_size=32)

is the plain loop

    for epoch in range(epochs):
        for batch in DataLoader(TensorDataset(x, y), batch_size, shuffle):
            step(*batch)

with the data kept on the device and the losses collected there. Where that pays, most
steps are repeated from a recording (torch_track/replay.py). In matched mode the order
of the samples and the dropout masks come from shared.randomness.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from shared.session import History, Schedule, Session, current
from torch_track import backend, idiom, matched, replay, weights
from torch_track.examine import examine

Step = Callable[[torch.Tensor, torch.Tensor], Any]


def loop(
    step: Step,
    model: weights.Model,
    optimizer: torch.optim.Optimizer | None,
    x: NDArray,
    y: NDArray,
    *,
    epochs: int,
    batch_size: int | None = None,
    shuffle: bool = False,
) -> History:
    """Run `step` over every batch of every epoch.

    Args:
        step: takes a batch (x, y), updates the model and returns the loss; without
            an optimizer it may return (loss, gradients by parameter name).
        model: the module, or the named raw tensors, that the step trains.
        optimizer: the optimizer that the step uses; None for an update by hand.
        x, y: the training data, samples first.
        epochs: how often each sample is seen.
        batch_size: samples a step; None takes all of them in every step.
        shuffle: a new order every epoch.
    """
    session = current()
    schedule = session.schedule(len(x), epochs, batch_size, shuffle)
    note_settings(session, model, optimizer)
    if session.engine != "idiom":
        replay.fuse(optimizer)
    same_rule(optimizer)
    clock = matched.Clock()
    if session.matched:
        clock = matched.feed_masks(model, session.seed)
    # A batch is a copy, unless it is all there is.
    batched = schedule.size < schedule.samples
    kept = backend.resident if batched else backend.tensor
    xs, ys = kept(x), kept(y)
    if session.examine:
        first = _order(session, schedule, 0)[: schedule.size]
        examine(step, model, optimizer, xs[first], ys[first], session)
        return History(np.zeros(0), np.zeros(0, np.int64), schedule.steps_per_epoch)

    def plain(step: Step) -> replay.Span:
        return _plain(step, xs, ys, schedule, clock)

    if session.engine in ("idiom", "tuned", "hand"):
        torch.set_flush_denormal(False)  # as PyTorch comes
    if session.engine in ("idiom", "tuned"):
        return idiom.run(step, xs, ys, schedule)
    run = plain(step)
    if session.engine == "auto":
        run = replay.Loop(plain, step, (xs, ys), schedule, session, clock, optimizer)
    return _train(run, model, schedule, session)


def same_rule(optimizer: torch.optim.Optimizer | None) -> None:
    """In matched mode, let the optimizer compute what the other track's does.

    `loop` does it for the optimizer it is given; this is for a loop of one's own.
    """
    if current().matched:
        matched.follow_keras(optimizer)


def note_settings(
    session: Session, model: weights.Model, optimizer: torch.optim.Optimizer | None
) -> None:
    """Note what the lesson really uses, for the ladder's first level."""
    session.settings["optimizer"] = matched.settings(optimizer)
    rates = {n: layer.p for n, layer in matched.dropouts(model).items()}
    session.settings["dropout"] = rates


def _order(session: Session, schedule: Schedule, epoch: int) -> torch.Tensor:
    """In native mode, the order that a DataLoader draws, from the same numbers.

    It draws a seed for its workers, needed or not; then, if it shuffles, its sampler
    draws one for a generator of its own (torch/utils/data/dataloader.py, sampler.py).
    """
    if not session.matched:
        _drawn_seed()
    if session.matched or not schedule.shuffle:
        return backend.tensor(session.order(schedule, epoch))
    generator = torch.Generator(torch.get_default_device()).manual_seed(_drawn_seed())
    return torch.randperm(schedule.samples, generator=generator)


def _drawn_seed() -> int:
    return int(torch.empty((), dtype=torch.int64).random_())


def _train(
    run: replay.Span, model: weights.Model, schedule: Schedule, session: Session
) -> History:
    losses: list[NDArray[Any]] = []
    snapshots = {}
    order, ordered = torch.empty(0), -1
    for epoch, first, last in schedule.spans():
        if schedule.size < schedule.samples and epoch != ordered:
            order, ordered = _order(session, schedule, epoch), epoch
        losses.append(backend.array(run(first, last, order)))
        if session.keep_snapshots and last in schedule.stops():
            snapshots[last] = weights.export(model)
        session.report(schedule, last, losses)
        if session.over(losses):
            break
    loss = np.concatenate(losses)
    sizes = schedule.batch_sizes()[: len(loss)]
    session.history = History(loss, sizes, schedule.steps_per_epoch, snapshots)
    return session.history


def _plain(
    step: Step,
    x: torch.Tensor,
    y: torch.Tensor,
    schedule: Schedule,
    clock: matched.Clock,
) -> replay.Span:
    """A loop that runs the steps first, ..., last - 1 and returns their losses."""

    def run(first: int, last: int, order: torch.Tensor) -> torch.Tensor:
        losses = []
        for clock.step in range(first, last):
            batch = x, y
            if schedule.size < schedule.samples:
                start = clock.step % schedule.steps_per_epoch * schedule.size
                index = order[start : start + schedule.size]
                batch = x[index], y[index]
            returned = step(*batch)
            loss = returned[0] if isinstance(returned, tuple) else returned
            losses.append(loss.detach())
        return torch.stack(losses)

    return run
