"""What surrounds a lesson's training: mode, seed, batch order, masks, progress.

A lesson calls its track's engine; the engine asks the current `Session` how to run.
Outside any `with Session(...)` a lesson runs as its framework's users would write it.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import randomness
from shared.weights import Weights


@dataclasses.dataclass
class History:
    """What a training leaves behind.

    Attributes:
        loss: the loss of every step, shape (steps,), in the run's precision.
        batch: the size of every step's batch, shape (steps,).
        steps_per_epoch: steps in one epoch, so that `loss` can be cut into epochs.
        snapshots: the weights after the step of that number (counted from 1).
        paths: points that the lesson itself noted, by name, shape (steps, 2).
    """

    loss: NDArray[Any]
    batch: NDArray[np.int64]
    steps_per_epoch: int
    snapshots: dict[int, Weights] = dataclasses.field(default_factory=dict)
    paths: dict[str, NDArray[Any]] = dataclasses.field(default_factory=dict)

    @property
    def epoch_loss(self) -> NDArray[np.float64]:
        """The mean loss of every epoch begun, each batch weighted by its size."""
        starts = np.arange(0, len(self.loss), self.steps_per_epoch)
        total = np.add.reduceat(self.loss.astype(np.float64) * self.batch, starts)
        return np.asarray(total / np.add.reduceat(self.batch, starts))

    def epochs(self) -> list[NDArray[Any]]:
        """The losses of every epoch begun, each of shape (steps in it,)."""
        ends = range(self.steps_per_epoch, len(self.loss), self.steps_per_epoch)
        return np.split(self.loss, ends)

    @property
    def diverged_at(self) -> int | None:
        """The first step (from 0) whose loss is not finite; None if all are."""
        bad = np.flatnonzero(~np.isfinite(self.loss))
        return int(bad[0]) if len(bad) else None


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Which samples each step sees: epochs of batches, the last partial batch kept.

    Attributes:
        samples: how many samples there are.
        epochs: how often each is seen.
        batch_size: samples a step; None puts all of them in every batch.
        shuffle: a new order each epoch, else the order of the arrays.
        limit: stop after so many steps; None runs them all.
        pauses: pause at the `stops`, to keep weights or to tell how it goes; else only
            where an epoch ends.
    """

    samples: int
    epochs: int
    batch_size: int | None = None
    shuffle: bool = False
    limit: int | None = None
    pauses: bool = True

    @property
    def size(self) -> int:
        """Samples in a full batch."""
        return min(self.batch_size or self.samples, self.samples)

    @property
    def steps_per_epoch(self) -> int:
        return -(-self.samples // self.size)

    @property
    def steps(self) -> int:
        steps = self.epochs * self.steps_per_epoch
        return steps if self.limit is None else min(steps, self.limit)

    def batch_sizes(self) -> NDArray[np.int64]:
        """The size of every step's batch, shape (steps,)."""
        sizes = np.full(self.steps_per_epoch, self.size)
        sizes[-1] = self.samples - self.size * (self.steps_per_epoch - 1)
        return np.resize(sizes, self.steps)

    def stops(self) -> list[int]:
        """Steps after which the weights are kept: 1 2 5 10 20 50 ..., and the last."""
        if not self.pauses:
            return [self.steps]
        series = (m * 10**e for e in range(9) for m in (1, 2, 5))
        return sorted({s for s in series if s < self.steps} | {self.steps})

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """(epoch, first, last): runs of steps that end at a stop or an epoch's end.

        With one batch an epoch, the epochs between two stops form a single span.
        """
        first = 0
        for stop in self.stops():
            while first < stop:
                epoch = first // self.steps_per_epoch
                end = (epoch + 1) * self.steps_per_epoch
                last = stop if self.steps_per_epoch == 1 else min(stop, end)
                yield epoch, first, last
                first = last


@dataclasses.dataclass
class Session:
    """How one training is run and what is kept of it.

    Attributes:
        matched: batch order and dropout masks come from `shared.randomness`, and
            the optimizers of both tracks follow one rule; else each framework its own.
        seed: the seed of those streams.
        limit: stop after so many steps (None: run them all).
        examine: look closely at the first step, then return without training.
        keep_snapshots: keep the weights at the schedule's stops.
        progress: called as progress(epoch, epochs, loss) while training.
        engine: "auto" compiles or records the step where that pays; "plain" is the
            loop that the framework's users would write. For the bench, "idiom" is the
            loop of the framework's tutorials, "tuned" that with what the framework
            offers to speed it up, "hand" a good one written by hand.
        free_core: whether PyTorch's loop may have the help of a second thread: not in
            a study, where every core has a process of its own.
        reuse: what an engine compiled or recorded for earlier runs of this process;
            None keeps nothing.
        reuse_key: what in `reuse` belongs to this run: the same lesson, settings and
            precision, whatever the seed.
        notes: what the engine has to tell the user, one line each.
        observed: what the examination found (parity/trace.py lists the keys).
        settings: what optimizer, batches and dropout the lesson really uses.
        history: the history of the last training.
        trainings: how many there were.
        compile_seconds: what it took to trace, compile or record the step.
        halt: told the losses so far, says whether the training may end here.
    """

    matched: bool = False
    seed: int = 0
    limit: int | None = None
    examine: bool = False
    keep_snapshots: bool = False
    progress: Callable[[int, int, float], None] | None = None
    engine: str = "auto"
    free_core: bool = True
    reuse: dict[Any, Any] | None = None
    reuse_key: str = ""
    notes: list[str] = dataclasses.field(default_factory=list)
    observed: dict[str, NDArray[Any]] = dataclasses.field(default_factory=dict)
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    history: History | None = None
    trainings: int = 0
    halt: Callable[[NDArray[Any]], bool] | None = None
    compile_seconds: float = 0.0

    def schedule(
        self, samples: int, epochs: int, batch_size: int | None, shuffle: bool
    ) -> Schedule:
        """The schedule a lesson asks for, under this session's limit."""
        self.settings |= {
            "samples": samples,
            "epochs": epochs,
            "batch_size": batch_size or samples,
            "shuffle": shuffle,
        }
        limit = 1 if self.examine else self.limit
        pauses = self.keep_snapshots or self.progress or self.halt
        return Schedule(samples, epochs, batch_size, shuffle, limit, bool(pauses))

    def order(self, schedule: Schedule, epoch: int) -> NDArray[np.int64]:
        """The matched order of an epoch's samples, shape (samples,)."""
        if schedule.shuffle:
            return randomness.batch_order(self.seed, epoch, schedule.samples)
        return np.arange(schedule.samples)

    def report(self, schedule: Schedule, step: int, losses: list[NDArray[Any]]) -> None:
        """Tell whoever listens of an epoch that ended with `step`: its mean loss."""
        epoch, rest = divmod(step, schedule.steps_per_epoch)
        if self.progress and not rest:
            loss = np.concatenate(losses)[-schedule.steps_per_epoch :].mean()
            self.progress(epoch, schedule.epochs, float(loss))

    def over(self, losses: list[NDArray[Any]]) -> bool:
        """Whether to end early: the last losses are not finite, or `halt` says so."""
        if not np.isfinite(losses[-1]).all():
            return True
        return self.halt is not None and self.halt(np.concatenate(losses))

    @contextlib.contextmanager
    def compiling(self) -> Iterator[None]:
        """Count what is done in the block as compilation."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.compile_seconds += time.perf_counter() - begun

    @contextlib.contextmanager
    def active(self) -> Iterator[Session]:
        """Make this the session that the engine asks."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)


_current: contextvars.ContextVar[Session] = contextvars.ContextVar("session")


def current() -> Session:
    """The active session; outside any, a native one."""
    return _current.get(None) or Session()
