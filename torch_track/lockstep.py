"""The tasks of a step (torch_track/halves.py) done by two threads at once.

Where a core is free, the other thread has half of the units of a wide layer, and while
this one is busy with the rest of the model, it prepares the next batch as
torch_track/ahead.py does.

Both go through the tasks in one order. Before a task that needs what the other thread
does, or that overwrites what it reads, a thread waits until the other has told that it
is through with it. Such a wait is shorter than it takes to wake a thread, so it asks
again and again.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from torch_track.ahead import Parts
from torch_track.halves import Halves, Place, Task, taken
from torch_track.program import NAME
from torch_track.script import Run, scripted
from torch_track.second_thread import SecondThread

SLOTS = 3
"""Batches that there is room for: the last, the one in use, and the next."""

_EVER = 2**62
"""More than a thread will ever tell: who waits for this no longer waits."""


def stores_in_order() -> bool:
    """Whether a core sees what another one writes in the order of its writing.

    So it is on x86 (AMD64 Architecture Programmer's Manual, volume 2, section 7.2).
    Elsewhere a thread might be told of a result before it can see it.
    """
    return platform.machine().lower() in ("x86_64", "amd64")


class Sources(NamedTuple):
    """What two threads need to run a program together.

    Attributes:
        loops: that to prepare a batch, that of the loop's own thread, the other's.
        handed, buffers: shapes and dtypes of what the threads hand to each other.
        portions: as halves.Halves has them.
    """

    loops: list[str]
    handed: list[tuple[int, torch.dtype]]
    buffers: list[tuple[tuple[int, ...], torch.dtype]]
    portions: list[tuple[int, dict[int, slice]]]


def sources(parts: Parts) -> Sources | None:
    """The program for two threads; None where they have nothing to share."""
    if not stores_in_order():
        return None
    halves = Halves(parts.program, parts.second)
    # The names of parts are bound once, so they cannot be those of what is handed over.
    if not halves.tasks or parts.bound(halves.before, "0"):
        return None
    tasks = [*by_need(halves.tasks), _preparing(parts)]
    slots = [f"buffer{n}" for n in range(len(halves.buffers))] + ["told0", "told1"]
    names = [f"{slot} = slots[{n}]" for n, slot in enumerate(slots, len(parts.handed))]
    before = [*names, *halves.before]
    plan = Plan(tasks)
    loops = [parts.loop(parts.first)]
    for thread in (0, 1):
        calls = [*plan.calls(thread)]
        views = parts.bound(calls, f"i % {SLOTS}")
        loops.append(parts.program.loop([*views, *calls], before))
    return Sources(loops, parts.handed, halves.buffers, halves.portions)


def _preparing(parts: Parts) -> Task:
    """The other thread's task to prepare the next step's batch, if there is one."""
    calls = [line.text for line in parts.first]
    calls = [*parts.bound(calls, f"(i + 1) % {SLOTS}"), *calls]
    lines = ["if i + 1 < count:"]
    for call in calls:
        lines.append("    " + NAME.sub(lambda name: _next(parts, name[0]), call))
    written: set[Place] = {(place, 0) for line in parts.first for place in line.writes}
    return Task("\n        ".join(lines), set(), written, thread=1)


def _next(parts: Parts, name: str) -> str:
    """Where this is handed over, the name for that of the next step."""
    return f"next_{name}" if name in parts.views else name


def by_need(tasks: Sequence[Task]) -> list[Task]:
    """The tasks in another order that gives the same.

    First comes what the other thread waits for, last what this one has for itself.
    """
    numbers = range(len(tasks))
    after = [{k for k in range(n) if tasks[k].conflicts(tasks[n])} for n in numbers]
    needed: set[int] = set()
    for n in reversed(numbers):
        if tasks[n].thread or n in needed:
            needed |= {n, *after[n]}

    def urgent(n: int) -> int:
        return 0 if n in needed else 1 + tasks[n].shared

    order: list[int] = []
    while len(order) < len(tasks):
        ready = [n for n in numbers if n not in order and after[n] <= {*order}]
        order.append(min(ready, key=lambda n: (urgent(n), n)))
    return [tasks[n] for n in order]


class Plan:
    """Who does what when, and waits for whom.

    Args:
        tasks: in an order in which a single thread would do them, the last being to
            prepare the next step's batch.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tasks
        self._last = len(tasks) - 1
        ours, theirs = (
            [n for n, task in enumerate(tasks) if task.thread == thread]
            for thread in (0, 1)
        )
        # It waits for nobody, so it goes where the other thread would.
        theirs.insert(self._first_waiting(theirs), theirs.pop())
        self.order = ours, theirs
        self.length = max(map(len, self.order))
        self.waits = self._waits(0), self._waits(1)

    def _first_waiting(self, theirs: Sequence[int]) -> int:
        """Which of the other thread's tasks needs what this one does in the step."""
        for place, n in enumerate(theirs):
            if any(not t.thread and t.conflicts(self.tasks[n]) for t in self.tasks[:n]):
                return place
        return len(theirs)

    def _waits(self, thread: int) -> list[int | None]:
        """How far the other thread must be for each task, in tasks of this step.

        Zero means all of the last step; None, no more than is known already.
        """
        others = [*enumerate(self.order[1 - thread], 1)]
        far = [
            [
                rank - self._steps_ago(n, other) * self.length
                for rank, other in others
                if self.tasks[n].conflicts(self.tasks[other])
            ]
            for n in self.order[thread]
        ]
        known = max((f for each in far for f in each), default=0) - self.length
        waits: list[int | None] = []
        for each in far:
            needed = max(each, default=known)
            waits.append(needed if needed > known else None)
            known = max(known, needed)
        return waits

    def _steps_ago(self, n: int, other: int) -> int:
        """In which step the other task must be done before this one is."""
        if n == self._last:  # it writes where a batch was that is no longer used
            return SLOTS - 1
        return int(other > n)

    def asked(self, thread: int) -> set[int]:
        """After which of its tasks, counted from 1, a thread has to tell."""
        waits = self.waits[1 - thread]
        return {(wait - 1) % self.length + 1 for wait in waits if wait is not None}

    def calls(self, thread: int) -> Iterator[str]:
        """The calls of a thread in a step, and between them what it asks and tells."""
        asked = self.asked(thread)
        tasks = zip(self.order[thread], self.waits[thread], strict=True)
        for rank, (n, wait) in enumerate(tasks, 1):
            if wait is not None:
                yield f"while told{1 - thread}.item() < {self._at(wait)}:"
                yield "    pass"
            yield self.tasks[n].text
            if rank in asked:
                yield f"aten.fill_.Scalar(told{thread}, {self._at(rank)})"

    def _at(self, rank: int) -> str:
        return f"i * {self.length} + {rank}"


class Lockstep:
    """Runs a program by two threads that share each step."""

    def __init__(self, found: Sources, runs: Sequence[Run]) -> None:
        self._prepare, self._ours, self._theirs = runs
        self._thread = SecondThread()
        self._portions = found.portions
        self._slots = [torch.empty(SLOTS * n, dtype=dtype) for n, dtype in found.handed]
        self._slots += [torch.empty(s, dtype=dtype) for s, dtype in found.buffers]

    def __call__(self, count: int, *given: Any) -> None:
        """Run so many steps, given what a program's `run` is given."""
        index, data, masks, epsilon, losses, tensors, lists, _ = given
        told = [torch.zeros((), dtype=torch.int64) for _ in range(2)]
        slots = [*self._slots, *told]
        lists = [*lists, *(taken(lists[n], rows) for n, rows in self._portions)]

        def run(part: Run, count: int, ahead: int) -> None:
            fed = index[ahead:], data, [mask[ahead:] for mask in masks]
            with torch.inference_mode():
                part(count, *fed, epsilon, losses, tensors, lists, slots)

        def theirs() -> None:
            try:
                run(self._theirs, count, 1)
            finally:
                _let_go(told)

        run(self._prepare, 1, 0)
        doing = None
        try:
            doing = self._thread.begin(theirs)
            run(self._ours, count, 0)
        finally:
            _let_go(told)
            if doing:
                doing.exception()  # which waits for its end
        doing.result()


def _let_go(told: Sequence[torch.Tensor]) -> None:
    """Let no thread wait any longer: both are done, or one has failed."""
    with torch.inference_mode():
        for flag in told:
            flag.fill_(_EVER)


def lockstep(parts: Parts) -> Lockstep | None:
    """What runs the program so; None where there is nothing to share."""
    found = sources(parts)
    if found is None:
        return None
    runs = [run for source in found.loops if (run := scripted(source))]
    return Lockstep(found, runs) if len(runs) == len(found.loops) else None
