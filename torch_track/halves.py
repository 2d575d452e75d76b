"""A step as two threads may share it, each with half of a wide layer's units.

Most of a step of `mnist_mlp` belongs to single units of its first layer: the product
that gives a unit's value, its row of the kernel's gradient, and the update of that row.
Another thread can do all this for half of them (tensor parallelism: Shoeybi et al.
2019, Megatron-LM, section 3), by the same operators on parts of the same tensors.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

import torch

from torch_track.program import Line, Program
from torch_track.record import layout, places

WIDE = 2**14
"""Numbers in a kernel: to share the work on fewer takes longer than to do it."""

_BLOCK = 16
"""A product of matrices takes so many units at once: the other thread's number is a
multiple of it."""

_GENERATOR = "the random generator", 0

_PRODUCT = re.compile(r"aten\.(?:mm|addmm)\.out\(((?:v\d+, )*)out=(v\d+)\)")
_UPDATE = re.compile(r"aten\._fused_adamw?_\.default\(.*\)")
_LIST = re.compile(r"\bw\d+\b")

Place = tuple[Hashable, int]
"""Some memory, and which half of it."""


class Task(NamedTuple):
    """What one of the threads does: a call, or its part of one.

    Attributes:
        text: the call.
        reads, writes: the memory that it reads and changes.
        thread: 0 for the loop's own thread, 1 for the other.
        shared: whether the other thread has a part of the same call.
    """

    text: str
    reads: set[Place]
    writes: set[Place]
    thread: int = 0
    shared: bool = False

    def conflicts(self, other: Task) -> bool:
        """Whether it matters which of the two comes first."""
        return not (
            self.writes.isdisjoint(other.reads | other.writes)
            and self.reads.isdisjoint(other.writes)
        )


class Kernel(NamedTuple):
    """The kernel of a wide layer, (units, inputs), in the optimizer's lists.

    Attributes:
        position: where it stands in them.
        kernel, gradient: the tensors.
    """

    position: int
    kernel: torch.Tensor
    gradient: torch.Tensor

    @property
    def units(self) -> tuple[slice, slice]:
        """Which units each thread has; the other none where there are too few.

        It has the first ones, so that whatever takes some numbers at once takes the
        same ones together as in the whole kernel.
        """
        count = len(self.kernel)
        cut = count // 2 // _BLOCK * _BLOCK
        return slice(cut, count), slice(0, cut)

    def may_be_shared(self) -> bool:
        """Is it large enough, and is its memory nothing else's?"""
        wide = self.kernel.dim() == 2 and self.kernel.numel() >= WIDE
        return wide and _size(self.units[1]) > 0 and _alone(*self[1:])


class Halves:
    """The tasks of a program, in the order in which a single thread would do them.

    Attributes:
        tasks: none, if there is no wide layer.
        before: what binds the names of parts of tensors before the loop.
        portions: the lists that the tasks take besides the program's own: the number
            of one of those, and which of its tensors and of their rows to take.
        buffers: shape and dtype of the memory `buffer0`, ...
    """

    def __init__(self, program: Program, lines: Sequence[Line]) -> None:
        self.before: list[str] = []
        self.portions: list[tuple[int, dict[int, slice]]] = []
        self.buffers: list[tuple[tuple[int, ...], torch.dtype]] = []
        self._program = program
        self._kernels = [*self._wide(lines)]
        tasks = (task for line in lines for task in self._tasks(line))
        self.tasks = [*tasks] if self._kernels else []

    def _wide(self, lines: Sequence[Line]) -> Iterator[Kernel]:
        """The kernels whose layer gets its values and its gradient by products."""
        updates = [line.text for line in lines if _UPDATE.fullmatch(line.text)]
        products = [found for line in lines if (found := _PRODUCT.fullmatch(line.text))]
        right = {self._layout(_names(f)[-1]) for f in products if self._is_layer(f)}
        out = {self._layout(f[2]) for f in products if len(_names(f)) == 2}
        if len(updates) != 1:
            return
        lists = [self._program.lists[_number(n)] for n in _LIST.findall(updates[0])[:2]]
        for position, tensors in enumerate(zip(*lists, strict=True)):
            kernel = Kernel(position, *tensors)
            if (
                kernel.may_be_shared()
                and layout(kernel.kernel.t()) in right
                and layout(kernel.gradient) in out
            ):
                yield kernel

    def _tensor(self, name: str) -> torch.Tensor:
        return self._program.tensors[_number(name)]

    def _layout(self, name: str) -> object:
        return layout(self._tensor(name))

    def _is_layer(self, found: re.Match[str]) -> bool:
        """Is what it adds to the product, if anything, a number for each unit?"""
        *bias, _, _ = _names(found)
        return all(self._tensor(name).dim() == 1 for name in bias)

    def _tasks(self, line: Line) -> Iterator[Task]:
        reads, writes = _whole(line.reads), _whole(line.writes)
        if line.draws:
            writes.add(_GENERATOR)
        if _UPDATE.fullmatch(line.text):
            yield from self._update(line)
            return
        if found := _PRODUCT.fullmatch(line.text):
            names = _names(found)
            right, out = self._layout(names[-1]), self._layout(found[2])
            for kernel in self._kernels:
                if len(names) == 2 and out == layout(kernel.gradient):
                    yield from self._gradient(found, kernel, reads)
                    return
                if self._is_layer(found) and right == layout(kernel.kernel.t()):
                    yield from self._values(found, kernel, reads, writes)
                    return
        yield Task(line.text, reads, writes)

    def _gradient(
        self, found: re.Match[str], kernel: Kernel, reads: set[Place]
    ) -> Iterator[Task]:
        """Each thread computes its units' rows of the gradient."""
        left, right = _names(found)
        (place,) = places([kernel.gradient])
        for thread, units in enumerate(kernel.units):
            rows, out = (self._part(name, 0, units) for name in (left, found[2]))
            text = _product(found, [rows, right], out)
            yield Task(text, reads, {(place, thread)}, thread, shared=True)

    def _values(
        self,
        found: re.Match[str],
        kernel: Kernel,
        reads: set[Place],
        writes: set[Place],
    ) -> Iterator[Task]:
        """Each computes its units' values; the other then hands them over in one go.

        If it computed them in memory that this one reads, or this one's stood beside
        them, every number written would ask the other core for the line it lies in.
        """
        *bias, left, right = _names(found)
        (place,) = places([kernel.kernel])
        whole = self._tensor(found[2])
        ours, theirs = kernel.units
        shape = len(whole), _size(theirs)
        own, handed = (self._buffer(shape, whole.dtype) for _ in range(2))
        mine = self._part(found[2], 1, ours)
        for thread, out, written in (0, mine, writes), (1, own, _whole([own])):
            units = kernel.units[thread]
            given = [self._part(name, 0, units) for name in bias]
            given += [left, self._part(right, 1, units)]
            seen = {p for p in reads if p != (place, 1 - thread)}
            yield Task(_product(found, given, out), seen, written, thread, shared=True)
        text = f"aten.copy_.default({handed}, {own})"
        yield Task(text, _whole([own]), _whole([handed]), thread=1)
        text = f"aten.copy_.default({self._part(found[2], 1, theirs)}, {handed})"
        yield Task(text, _whole([handed]), writes)

    def _buffer(self, shape: tuple[int, ...], dtype: torch.dtype) -> str:
        self.buffers.append((shape, dtype))
        return f"buffer{len(self.buffers) - 1}"

    def _update(self, line: Line) -> Iterator[Task]:
        """Each updates its units' rows of the kernel, and this thread all others."""
        names = [*dict.fromkeys(_LIST.findall(line.text))]
        wide = {kernel.position: kernel.units for kernel in self._kernels}
        count = len(self._program.lists[_number(names[0])])
        rest = {n: slice(None) for n in range(count) if n not in wide}
        if rest:
            yield self._updated(line, names, rest, (0, 1))
        for thread in (0, 1):
            rows = {n: units[thread] for n, units in wide.items()}
            task = self._updated(line, names, rows, (thread,))
            yield task._replace(thread=thread, shared=True)

    def _updated(
        self,
        line: Line,
        names: list[str],
        rows: dict[int, slice],
        halves: Sequence[int],
    ) -> Task:
        text = line.text
        touched: set[Place] = set()
        for name in names:
            new = len(self._program.lists) + len(self.portions)
            text = re.sub(rf"\b{name}\b", f"w{new}", text)
            self.portions.append((_number(name), rows))
            for n in rows:
                tensor = self._program.lists[_number(name)][n]
                # A step counter has no rows: either half needs all of it.
                parts = halves if tensor.dim() else (0, 1)
                touched |= {(place, p) for place in places([tensor]) for p in parts}
        return Task(text, touched, {p for p in touched if p[0] in line.writes})

    def _part(self, name: str, dim: int, units: slice) -> str:
        """The name of some rows, or columns, of a tensor."""
        part = f"{name}_{dim}_{units.start}"
        bound = f"{dim}, {units.start}, {_size(units)}"
        text = f"{part} = aten.narrow.default({name}, {bound})"
        if text not in self.before:
            self.before.append(text)
        return part


def taken(tensors: list[torch.Tensor], rows: dict[int, slice]) -> list[torch.Tensor]:
    """These rows of these tensors of a list; a number has none, and is taken whole."""
    found = [(tensors[n], part) for n, part in rows.items()]
    return [tensor[part] if tensor.dim() else tensor for tensor, part in found]


def _alone(*tensors: torch.Tensor) -> bool:
    """Is each of them all that lies in its memory?"""
    return all(
        tensor.is_contiguous() and tensor.untyped_storage().nbytes() == tensor.nbytes
        for tensor in tensors
    )


def _names(found: re.Match[str]) -> list[str]:
    """What a product is given: a bias, where it has one, and two matrices."""
    return found[1].removesuffix(", ").split(", ")


def _product(found: re.Match[str], given: Iterable[str], out: str) -> str:
    """The same product of parts."""
    name = found[0].partition("(")[0]
    return f"{name}({', '.join(given)}, out={out})"


def _number(name: str) -> int:
    return int(name[1:])


def _size(units: slice) -> int:
    return int(units.stop - units.start)


def _whole(found: Iterable[Hashable]) -> set[Place]:
    return {(place, half) for place in found for half in (0, 1)}
