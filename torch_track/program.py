"""A loop over a recorded training step.

Repeated without the Python, autograd and optimizer code around them, a step's operator
calls compute the same bits and draw from the same generator.

As in a CUDA graph, every tensor of the recorded step keeps its memory and is written
anew in each repetition. So a view is taken once, a call whose inputs never change is
made once, and what remains are calls that write into known tensors.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch._ops import OpOverload

from torch_track import bernoulli
from torch_track.record import Call, Feed, Unrecordable, bits, layout, places, tensors

# Creates a tensor without giving it values, and one with the same values every time.
_UNFILLED = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}
_FILLED = {"ones_like", "zeros_like", "full_like", "new_ones", "new_zeros", "new_full"}

# Operators that write into a given tensor what they would return in a new one: those
# marked as structured in native_functions.yaml, as far as lessons use them.
_INTO = {
    "_log_softmax",
    "_log_softmax_backward_data",
    "add",
    "addmm",
    "binary_cross_entropy_backward",
    "clamp_min",
    "div",
    "log",
    "mean",
    "mm",
    "mse_loss_backward",
    "mul",
    "neg",
    "nll_loss_backward",
    "nll_loss_forward",
    "pow",
    "sigmoid",
    "sigmoid_backward",
    "sqrt",
    "sub",
    "sum",
    "tanh",
    "tanh_backward",
    "threshold_backward",
}

_BY_VALUE = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}

_SOURCE = """\
def run(
    count: int,
    index: Tensor,
    data: List[Tensor],
    masks: List[Tensor],
    epsilon: List[float],
    losses: Tensor,
    v: List[Tensor],
    w: List[List[Tensor]],
    slots: List[Tensor],
) -> None:
    {before}
    for i in range(count):
        {calls}
"""

NAME = re.compile(r"\b[vw]\d+\b")
"""What the source calls a tensor, or a list of them."""


class Line(NamedTuple):
    """One call of the loop's body.

    Attributes:
        text: the call.
        reads, writes: where the tensors lie that it reads and changes.
        draws: whether it moves on the random generator.
    """

    text: str
    reads: set[int]
    writes: set[int]
    draws: bool


class Program:
    """The loop over one recorded step.

    Attributes:
        lines: the calls of a step.
        source: the loop over them, in the part of Python that TorchScript knows.
        tensors, lists: its `v` and `w`.
        loss: the tensor in which a step leaves its loss.
        outside: the tensors that were there before the step, except its feed.
        written: where the tensors lie that the step changes.

    Raises:
        Unrecordable: the step depends on values, or a call cannot be written down.
    """

    def __init__(self, calls: list[Call], feed: Feed, loss: torch.Tensor) -> None:
        self.tensors: list[torch.Tensor] = []
        self.lists: list[list[torch.Tensor]] = []
        self.loss = loss.detach()
        self.outside: dict[Any, torch.Tensor] = {}
        self.written = [place for call in calls for place in call.written()]
        self._constants: dict[int, bytes] = {}
        self._names: dict[Any, str] = {}
        self._feed = feed
        self._fed = places([*feed.batch, *feed.masks])
        self._made: set[int] = set()
        self.lines = [*self._feeding(), *self._body(calls)]
        told = f"aten.copy_.default({_at('losses')}, {self._name(loss)})"
        self.lines.append(Line(told, places([loss]), set(), False))
        self.source = self.loop(line.text for line in self.lines)

    def loop(self, calls: Iterable[str], before: Sequence[str] = ()) -> str:
        """The source of a loop over these calls, after some lines before it."""
        body = "\n        ".join(calls)
        used = dict.fromkeys(NAME.findall("\n".join([*before, body])))
        names = [f"{name} = {name[0]}[{name[1:]}]" for name in used]
        return _SOURCE.format(before="\n    ".join([*names, *before]), calls=body)

    def same(self, other: Program) -> bool:
        """Do both do the same to the same tensors?"""
        one, two = (
            (p.source, p.outside.keys(), [*p._constants.values()])
            for p in (self, other)
        )
        return one == two

    def _feeding(self) -> Iterator[Line]:
        for i, buffer in enumerate(self._feed.batch):
            rows = f"data[{i}], 0, {_at('index')}"
            text = f"aten.index_select.out({rows}, out={self._name(buffer)})"
            yield Line(text, set(), places([buffer]), False)
        for i, buffer in enumerate(self._feed.masks):
            text = f"aten.copy_.default({self._name(buffer)}, {_at(f'masks[{i}]')})"
            yield Line(text, set(), places([buffer]), False)

    def _body(self, calls: list[Call]) -> Iterator[Line]:
        changing = {*self.written, *self._fed}
        for call in calls:
            if self._reads(call):
                continue
            inputs, outputs = places(call.inputs()), places(tensors(call.returned))
            self._sort(call, inputs, outputs)
            if not self._holds(call, inputs, outputs, changing):
                changing |= outputs
                draws = torch.Tag.nondeterministic_seeded in call.op.tags
                for text in self._lines(call):
                    yield Line(text, inputs, outputs | call.written(), draws)

    def _reads(self, call: Call) -> bool:
        """Does it bring a value to Python, one that may be read?"""
        if _BY_VALUE.isdisjoint(call.op.tags):
            return False
        if not places(call.inputs()) <= places(self._feed.counters):
            raise Unrecordable(f"it depends on values ({call.name})")
        return True

    def _sort(self, call: Call, inputs: set[int], outputs: set[int]) -> None:
        """Note which of its tensors were there before, and which the step makes."""
        if call.name == "lift_fresh":
            self._made |= inputs
            self._constants |= dict.fromkeys(inputs, bits(call.returned))
        elif not outputs.isdisjoint(self._fed):
            for place in inputs:
                self._constants.pop(place, None)
        for tensor in call.inputs():
            if not places([tensor]) <= self._made | self._fed:
                self.outside[layout(tensor)] = tensor
        self._made |= outputs - inputs

    def _holds(
        self, call: Call, inputs: set[int], outputs: set[int], changing: set[int]
    ) -> bool:
        """Will what the recorded call left be right in every step?"""
        if call.written() or torch.Tag.nondeterministic_seeded in call.op.tags:
            return False
        if outputs <= inputs or call.name in _UNFILLED:  # a view, or any value will do
            return True
        if not outputs.isdisjoint(self.written):
            return False
        return call.name in _FILLED or inputs.isdisjoint(changing)

    def _lines(self, call: Call) -> Iterator[str]:
        """The call, writing into what it returned when it was recorded."""
        if call.op == torch.ops.aten._foreach_add_.Scalar:
            yield self._counting(*call.args)
            return
        if call.op == torch.ops.aten.relu.default:  # which calls the other
            call = call._replace(op=torch.ops.aten.clamp_min.default)
            call = call._replace(args=(*call.args, 0))
        if call.op == torch.ops.aten.bernoulli_.float and self._below(call):
            yield from self._uniform(*call.args)
            return
        given = ", ".join(self._given(call))
        if call.written():
            yield f"{call.op}({given})"
            return
        single = isinstance(call.returned, torch.Tensor)
        names = [*map(self._text, [call.returned] if single else call.returned)]
        into = _into(call.op)
        if into is not None:
            to = (a.name for a in into._schema.arguments if a.is_out)
            out = (f"{place}={name}" for place, name in zip(to, names, strict=True))
            yield f"{into}({given}, {', '.join(out)})"
        elif single:
            yield f"aten.copy_.default({names[0]}, {call.op}({given}))"
        else:
            result = f"r_{'_'.join(names)}"
            yield f"{result} = {call.op}({given})"
            for i, name in enumerate(names):
                if call.returned[i] is not None:
                    yield f"aten.copy_.default({name}, {result}[{i}])"

    def _counting(self, counters: list[torch.Tensor], by: float) -> str:
        """Of optimizers: a scalar would be made a tensor of for each, in every step."""
        self.lists += [counters, [torch.full_like(one, by) for one in counters]]
        last = len(self.lists) - 1
        return f"aten._foreach_add_.List(w{last - 1}, w{last})"

    def _below(self, call: Call) -> bool:
        """Is it drawn as usual: with a probability, from PyTorch's own generator?"""
        usual = len(call.args) == 2 and not call.kwargs
        return usual and bernoulli.is_uniform_below(*call.args)

    def _uniform(self, tensor: torch.Tensor, probability: float) -> Iterator[str]:
        uniform = self._name(torch.empty_like(tensor, dtype=torch.float64))
        yield f"aten.uniform_.default({uniform}, 0.0, 1.0)"
        below = f"{uniform}, {probability!r}, out={self._name(tensor)}"
        yield f"aten.lt.Scalar_out({below})"

    def _given(self, call: Call) -> Iterator[str]:
        fused = call.name.startswith("_fused_adam")
        for position, (argument, value) in enumerate(call.given()):
            keyword = f"{argument.name}=" if position >= len(call.args) else ""
            if fused and argument.name == "eps" and value == self._feed.epsilon:
                yield f"{keyword}epsilon[i]"
            elif not call.op._schema.returns and _all_tensors(value):
                # TorchScript drops what is only done to a list of its own making.
                self.lists.append(value)
                yield f"{keyword}w{len(self.lists) - 1}"
            else:
                yield keyword + self._text(value)

    def _text(self, value: Any) -> str:
        if isinstance(value, torch.Tensor):
            return self._name(value)
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(self._text, value))}]"
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, torch.device):
            return f'torch.device("{value}")'
        if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
            return str(value)
        if value is None or isinstance(value, bool | int | float | str):
            return repr(value)
        raise Unrecordable(f"it uses a {type(value).__name__}")

    def _name(self, tensor: torch.Tensor) -> str:
        name = self._names.setdefault(layout(tensor), f"v{len(self.tensors)}")
        if name == f"v{len(self.tensors)}":
            self.tensors.append(tensor)
        return name


def _all_tensors(value: Any) -> bool:
    """Is it a list of tensors, and of at least one?"""
    parts = value if isinstance(value, list) else []
    return bool(parts) and all(isinstance(part, torch.Tensor) for part in parts)


def _at(name: str) -> str:
    return f"aten.select.int({name}, 0, i)"


@functools.cache
def _into(op: OpOverload) -> OpOverload | None:
    """The overload that writes into given tensors what this one returns."""
    if op._schema.name.partition("::")[2] not in _INTO:
        return None
    given = [(a.name, str(a.type)) for a in op._schema.arguments]
    for name in op.overloadpacket.overloads():
        other = getattr(op.overloadpacket, name)
        rest = [a for a in other._schema.arguments if not a.is_out]
        writes = len(rest) < len(other._schema.arguments)
        if writes and [(a.name, str(a.type)) for a in rest] == given:
            return other
    return None
