"""The training loop over a recorded step, checked against the step itself.

Three steps run as they are written, the first two of them recorded. If both recordings
are the same, the loop made of them repeats the last two steps from the state before
these; only if that ends in the same bits, the random generator's included, it does the
steps that follow. Partial batches run as they are written. On a GPU the loop's step is
a CUDA graph (torch_track/cuda_graph.py), which is checked likewise. So are loops that
two threads share (torch_track/ahead.py, torch_track/lockstep.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import torch

from shared.session import Schedule, Session
from torch_track import ahead, backend, cuda_graph, lockstep, matched
from torch_track.fastest import Fastest
from torch_track.program import Program
from torch_track.record import Feed, Recorder, Unrecordable, bits, places
from torch_track.remembered import Remembered
from torch_track.script import Run, compiled
from torch_track.state import State

Step: TypeAlias = Callable[[torch.Tensor, torch.Tensor], Any]
Span: TypeAlias = Callable[[int, int, torch.Tensor], torch.Tensor]

PAYS = 100
"""So many steps win back the time that recording and compiling take."""

_TRIAL = 3
_MASKS_AT_ONCE = 2**26  # bytes


def fuse(optimizer: torch.optim.Optimizer | None) -> None:
    """Let Adam and Adagrad update all parameters in one call, if they may choose.

    Their other forms read a step counter into Python, so that no recording can repeat
    them; this one is faster as well. Its rounding is its own.
    """
    if not isinstance(optimizer, _COUNTING):
        return
    # PyTorch has no such form of Adagrad for a GPU.
    devices = {"cpu"} if isinstance(optimizer, torch.optim.Adagrad) else {"cpu", "cuda"}
    for group in optimizer.param_groups:
        chosen = group["foreach"], group["fused"], group["differentiable"] or None
        there = {p.device.type for p in group["params"]} <= devices
        if chosen == (None, None, None) and there:
            group["fused"] = True


_COUNTING = torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad


class Loop:
    """Does what the plain loop does, most of its steps by a recording.

    Args:
        plain: makes of a step the plain loop over it: it runs the steps first, ...,
            last - 1 of an epoch in the given order, and returns their losses.
        step: the lesson's step.
        data: all inputs and all targets.
        schedule, session, clock, optimizer: as the engine has them.
    """

    def __init__(
        self,
        plain: Callable[[Step], Span],
        step: Step,
        data: tuple[torch.Tensor, torch.Tensor],
        schedule: Schedule,
        session: Session,
        clock: matched.Clock,
        optimizer: torch.optim.Optimizer | None,
    ) -> None:
        self._step = step
        self._watched = _Watched(step)
        self._plain = plain(self._watched)
        self._data = data
        self._schedule = schedule
        self._session = session
        self._clock = clock
        self._optimizer = optimizer
        # By their source: the same in every seed, whatever tensors they are given.
        self._runs: dict[Any, list[Run]] = (
            {} if session.reuse is None else session.reuse
        )
        self._masks: list[matched.Mask] = []
        self._program: Program | None = None
        self._run: Run | None = None
        self._tried = False

    def __call__(self, first: int, last: int, order: torch.Tensor) -> torch.Tensor:
        losses: list[torch.Tensor] = []
        full = self._full(first, last)
        pays = self._schedule.steps - first >= PAYS
        if not self._tried and pays and full > _TRIAL:
            self._tried = True
            # The first step of all may differ: it makes the optimizer's state.
            losses.append(self._plain(first, first + 1, order))
            losses += self._try(first + 1, order)
        done = first + len(losses)
        if self._program and done < first + full:
            losses.append(self._repeat(self._program, done, first + full, order))
            done = first + full
        if done < last:
            losses.append(self._plain(done, last, order))
        return torch.cat(losses)

    def _full(self, first: int, last: int) -> int:
        """How many of the steps have a full batch: all, or all but the epoch's last."""
        schedule = self._schedule
        part = schedule.samples % schedule.size and not last % schedule.steps_per_epoch
        return last - first - bool(part)

    def _try(self, first: int, order: torch.Tensor) -> list[torch.Tensor]:
        """Run up to three steps, and note either the program or what stands against."""
        losses: list[torch.Tensor] = []
        try:
            with self._session.compiling():
                self._program = self._learn(first, order, losses)
        except Unrecordable as reason:
            note = f"every step ran as written, none from a recording: {reason}"
            self._session.notes.append(note)
        return losses

    def _learn(
        self, first: int, order: torch.Tensor, losses: list[torch.Tensor]
    ) -> Program:
        if self._data[0].device.type not in ("cpu", cuda_graph.DEVICE.kind):
            raise Unrecordable("recordings are made on the CPU or with CUDA only")
        but = self._optimizer, self._clock
        remembered = Remembered(self._step, but)
        program = self._record(first, order, losses)
        start = State(self._state(program))
        again = self._record(first + 1, order, losses)
        losses.append(self._plain(first + 2, first + 3, order))
        if not again.same(program):
            raise Unrecordable("it is another one each time")
        if Remembered(self._step, but) != remembered:
            raise Unrecordable("it remembers something in Python")
        end = State(self._state(again))
        told = bits(torch.cat(losses[1:]))

        def same(run: Run) -> bool:
            start.restore()
            self._run = run
            try:
                repeated = self._repeat(again, first + 1, first + 3, order)
            except RuntimeError:
                return False
            return end.holds() and bits(repeated) == told

        try:
            runs = [run for run in self._ways(again) if same(run)]
        finally:
            end.restore()
        if not runs:
            raise Unrecordable("its repetition does not give the same numbers")
        self._run = runs[0] if len(runs) == 1 else Fastest(runs)
        return again

    def _record(
        self, step: int, order: torch.Tensor, losses: list[torch.Tensor]
    ) -> Program:
        """The program of one step, which is run as written."""
        watched = self._watched
        watched.recorder = recorder = Recorder()
        losses.append(self._plain(step, step + 1, order))
        watched.recorder = None
        self._masks = list(self._clock.masks.values())
        epsilon = None
        if self._optimizer and matched.epsilons(self._optimizer, 1):
            epsilon = self._optimizer.param_groups[0]["eps"]
        feed = Feed(
            batch=watched.batch if self._schedule.size < self._schedule.samples else (),
            masks=[mask.tensor for mask in self._masks],
            epsilon=epsilon,
            counters=matched.counters(self._optimizer),
        )
        return Program(recorder.calls, feed, watched.loss)

    def _state(self, program: Program) -> list[torch.Tensor]:
        """What the step may change of what was there before."""
        constant = places(self._data) - set(program.written)
        found = program.outside.values()
        return [tensor for tensor in found if not places([tensor]) <= constant]

    def _repeat(
        self, program: Program, first: int, last: int, order: torch.Tensor
    ) -> torch.Tensor:
        """The losses of full batches of one epoch, by the program."""
        shape = last - first, *program.loss.shape
        losses = torch.empty(shape, dtype=program.loss.dtype)
        run, size = self._run, self._schedule.size
        assert run is not None
        bytes_a_step = sum(mask.tensor.numel() for mask in self._masks)
        most = max(1, _MASKS_AT_ONCE // max(1, bytes_a_step))
        for start in range(first, last, most):
            steps = range(start, min(start + most, last))
            begin = start % self._schedule.steps_per_epoch * size
            index = order[begin : begin + len(steps) * size]
            with torch.inference_mode():
                run(
                    len(steps),
                    index.reshape(-1, size) if len(index) else index,
                    list(self._data),
                    [_drawn(mask, steps) for mask in self._masks],
                    matched.epsilons(self._optimizer, len(steps)),
                    losses[start - first : start - first + len(steps)],
                    program.tensors,
                    program.lists,
                    [],
                )
        return losses

    def _ways(self, program: Program) -> list[Run]:
        """What can run the program: its loop, or a graph of the loop's step."""
        graph = cuda_graph.fits(program, matched.epsilons(self._optimizer, 1))
        if program.source not in self._runs:
            free = self._session.free_core and ahead.has_free_core() and not graph
            self._runs[program.source] = _compiled(program, free)
        runs = self._runs[program.source]
        return [cuda_graph.Graphed(run) for run in runs] if graph else runs


def _compiled(program: Program, free: bool) -> list[Run]:
    """The program's loop, or those that two threads share, where a core is free."""
    parts = ahead.parts(program) if free else None
    if parts is None:
        return [compiled(program.source)]
    both = lockstep.lockstep(parts)
    return [ahead.Ahead(parts), *([both] if both else [])]


class _Watched:
    """A step, its calls noted where a recorder waits for them.

    It knows nothing of the loop, or the two would keep each other, and all data, in
    memory until Python looks for such cycles.
    """

    batch: tuple[torch.Tensor, ...] = ()
    loss: torch.Tensor

    def __init__(self, step: Step) -> None:
        self._step = step
        self.recorder: Recorder | None = None

    def __call__(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        if self.recorder is None:
            return self._step(x, y)
        with self.recorder:
            returned = self._step(x, y)
        self.batch = x, y
        self.loss = returned[0] if isinstance(returned, tuple) else returned
        return returned


def _drawn(mask: matched.Mask, steps: Iterable[int]) -> torch.Tensor:
    return backend.tensor(np.stack([mask.draw(step) for step in steps]))
