"""One run of a copy of the model, from NumPy arrays to its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from shared.check.arrange import WAYS
from shared.check.user_code import guarded
from shared.errors import UsageError
from shared.parity.trace import Trace
from torch_track import layouts
from torch_track.check import put, repair, settings
from torch_track.check.arrays import as_array, as_tensor
from torch_track.check.glue import named_tensors
from torch_track.check.record import Recorder
from torch_track.check.subject import Subject

Plan = Mapping[str, Any]


class Pass:
    """A copy of the model under repair.

    Attributes:
        model: the copy.
        parts: of it.
        recorder: what it did.
        path: the user's file, for messages.
    """

    def __init__(
        self,
        subject: Subject,
        precision: str,
        training: bool,
        repairs: Sequence[repair.Repair],
        twin: int = 0,
        record: str = "none",
    ) -> None:
        self.path, self._precision = subject.path, precision
        self.model: nn.Module = subject.copy(precision, twin).train(training)
        self.parts = layouts.parts(self.model, raw=True)
        if training:
            settings.silence(self.model)
        repair.prepare(self.parts, repairs)
        put.into_layers(self.parts, repairs)
        calls = repair.of_calls(repairs)
        self.recorder = Recorder(self.model, self.parts, record, training, calls)
        repair.follow(self.parts, repairs)
        self._order = repair.of_outputs(repairs)

    def run(
        self, inputs: Sequence[torch.Tensor], plan: Plan
    ) -> list[tuple[str, torch.Tensor]]:
        """The outputs, each with its place in what the model returns.

        Raises:
            UsageError: the user's code raises, or returns no tensor, or one that is
                not in the precision.
        """
        args, kwargs = passed(inputs, plan)

        def call() -> Any:
            self.recorder.begin()
            with self.recorder:
                return self.model(*args, **kwargs)

        found = list(named_tensors(guarded(self.path, call)))
        if not found:
            raise UsageError(f"{self.path}: the model returns no tensor")
        for order in (plan.get("outputs"), self._order):
            found = [found[k] for k in order] if order else found
        for path, tensor in found:
            wide = tensor.dtype in (torch.float64, torch.complex128)
            floats = tensor.is_floating_point() or tensor.is_complex()
            if self._precision == "float64" and floats and not wide:
                name = str(tensor.dtype).removeprefix("torch.")
                raise UsageError(f"output{path} is in {name} whatever its input is in")
        return found


def tensors_of(
    arrays: Trace, kind: str, plan: Plan | None = None
) -> list[torch.Tensor]:
    """The arrays "kind/0", "kind/1", ... arranged as the model wants them."""
    found: list[torch.Tensor] = []
    ways = (plan or {}).get("arrange", [])
    while (array := arrays.get(f"{kind}/{len(found)}")) is not None:
        way = ways[len(found)] if len(found) < len(ways) else "as_is"
        found.append(as_tensor(WAYS[way](array)))
    return found


def passed(
    inputs: Sequence[torch.Tensor], plan: Plan
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of the call, as the plan says."""
    way = plan.get("passing", "positional")
    if way == "positional":
        return list(inputs), {}
    if way == "list":
        return [list(inputs)], {}
    ((kind, names),) = way.items()
    named = dict(zip(names, inputs, strict=True))
    return ([], named) if kind == "keywords" else ([named], {})


def outputs(found: Sequence[tuple[str, torch.Tensor]]) -> tuple[Trace, dict[str, Any]]:
    """As arrays, and what is told of them."""
    trace = {f"output/{k}": as_array(tensor) for k, (_, tensor) in enumerate(found)}
    told = [
        {"path": path, "dtype": str(tensor.dtype).removeprefix("torch.")}
        for path, tensor in found
    ]
    return trace, {"outputs": told}


def finite(trace: Trace) -> bool:
    """Whether every number in it is one."""
    return all(bool(np.isfinite(array).all()) for array in trace.values())
