"""What a step does before it needs the model, done by a thread for the steps to come.

To gather a batch from all samples and to draw dropout masks takes a sixth of a step of
`mnist_mlp`, and none of it depends on the weights. So where a core is free, a thread
does this for some steps while the loop is still busy with those before, as the workers
of a `DataLoader` do. It calls the same operators in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import torch

from shared.cores import cores
from torch_track.program import NAME, Line, Program
from torch_track.record import layout, places
from torch_track.script import Run, compiled, of_steps
from torch_track.second_thread import SecondThread

WORTH = 2**14
"""Bytes a step: to hand over less takes longer than to do it in the loop."""

BYTES = 2**20
"""Memory for what is done ahead at once; twice that is held."""


def has_free_core() -> bool:
    """Whether PyTorch's own threads leave a core to this one."""
    return cores() > torch.get_num_threads()


class Parts(NamedTuple):
    """A program in two, the first of which may run ahead of the second.

    Attributes:
        program: the whole.
        first, second: their lines.
        handed: for each tensor that the first leaves for the second, as many numbers
            as it has, and their dtype.
        views: those tensors by name, as the source finds them in the slot {i}.
    """

    program: Program
    first: list[Line]
    second: list[Line]
    handed: list[tuple[int, torch.dtype]]
    views: dict[str, str]

    def loop(self, lines: Sequence[Line]) -> str:
        """The source of these lines, what is handed over being in slots."""
        calls = [line.text for line in lines]
        return self.program.loop([*self.bound(calls, "i"), *calls])

    def bound(self, calls: Iterable[str], slot: str) -> list[str]:
        """What binds the names in these calls to what lies in that slot."""
        used = NAME.findall("\n".join(calls))
        views = {name: view for name, view in self.views.items() if name in used}
        return [f"{name} = {view.format(i=slot)}" for name, view in views.items()]

    def room(self, slots: int) -> list[torch.Tensor]:
        """Memory for what is handed over in so many steps."""
        return [torch.empty(slots * n, dtype=dtype) for n, dtype in self.handed]


def parts(program: Program) -> Parts | None:
    """The program in two; None where that is impossible or not worth it."""
    if any(tensor.device.type != "cpu" for tensor in program.tensors):
        return None
    first, second = _split(program)
    left = {place for line in first for place in line.writes}
    wanted = {place for line in second for place in line.reads} & left
    listed = places(tensor for some in program.lists for tensor in some)
    slots: dict[int, torch.Tensor] = {}
    views = {}
    for number, tensor in enumerate(program.tensors):
        place, (offset, shape, stride, dtype) = layout(tensor)
        if place not in wanted:
            continue
        slot = slots.setdefault(place, tensor)
        if dtype != slot.dtype or place in listed:
            return None
        at = f"slots[{[*slots].index(place)}], {[*shape]}, {[*stride]}"
        views[f"v{number}"] = (
            f"aten.as_strided.default({at}, {{i}} * {_room(slot)} + {offset})"
        )
    handed = [(_room(slot), slot.dtype) for slot in slots.values()]
    if _bytes(handed) < WORTH:
        return None
    return Parts(program, first, second, handed, views)


def _split(program: Program) -> tuple[list[Line], list[Line]]:
    """The lines whose work nothing but the feed decides, and all others."""
    lines, state = program.lines, places(program.outside.values())
    late = {n for n, line in enumerate(lines) if not line.writes or line.writes & state}
    before = 0
    while len(late) > before:
        before = len(late)
        changed = {place for n in late for place in lines[n].writes}
        draws = any(lines[n].draws for n in late)
        read: set[int] = set()
        for n, line in enumerate(lines):
            if n in late:
                read |= line.reads
            elif (
                not changed.isdisjoint(line.reads | line.writes)
                or not read.isdisjoint(line.writes)
                or (line.draws and draws)  # all numbers are drawn in one order
            ):
                late.add(n)
    first = [line for n, line in enumerate(lines) if n not in late]
    return first, [lines[n] for n in sorted(late)]


def _room(tensor: torch.Tensor) -> int:
    """How many numbers lie in the memory that it is a view of."""
    return tensor.untyped_storage().nbytes() // tensor.itemsize


def _bytes(handed: Sequence[tuple[int, torch.dtype]]) -> int:
    return sum(numbers * dtype.itemsize for numbers, dtype in handed)


class Ahead:
    """Runs a program in its two parts, the first a few steps ahead in a thread."""

    def __init__(self, program: Parts) -> None:
        self._first = compiled(program.loop(program.first))
        self._second = compiled(program.loop(program.second))
        self._steps = max(1, BYTES // _bytes(program.handed))
        # Of two, one is written while the other is read.
        self._slots = [program.room(self._steps) for _ in range(2)]
        self._thread = SecondThread()

    def __call__(self, count: int, *given: Any) -> None:
        """Run so many steps, given what a program's `run` is given."""

        def run(part: Run, begin: int) -> None:
            end = min(begin + self._steps, count)
            *some, _ = of_steps(given, begin, end)
            with torch.inference_mode():
                part(end - begin, *some, self._slots[begin // self._steps % 2])

        doing = self._thread.begin(partial(run, self._first, 0))
        try:
            for begin in range(0, count, self._steps):
                doing.result()
                if begin + self._steps < count:
                    then = partial(run, self._first, begin + self._steps)
                    doing = self._thread.begin(then)
                run(self._second, begin)
        finally:
            doing.exception()  # which waits for its end
