"""What a forward pass does: each layer's input and output, each call between them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from inspect import BoundArguments
from types import FrameType
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from shared.check.user_code import is_users
from shared.parity.trace import Trace
from torch_track.check import arguments
from torch_track.check.activations import ACTIVATIONS
from torch_track.check.arrays import Arrays
from torch_track.check.emulate import emulate
from torch_track.check.glue import Call, recognise, tensors
from torch_track.layouts import Part


class Recorder(TorchFunctionMode):
    """Watches a forward pass of a copy of the model; the hooks stay in the copy.

    Attributes:
        trace: the arrays that were asked for.
        steps: layers and calls between them, in order.
        calls: how often each part's module was called.
        arguments: how each part's module was called first, without its inputs.
        state: the last state of the recurrent layer that ran last.
    """

    def __init__(
        self,
        model: nn.Module,
        parts: Sequence[Part],
        record: str = "none",
        quiet: bool = False,
        repairs: Mapping[str, Mapping[str, Any]] = {},
    ) -> None:
        """Prepare the copy.

        Args:
            model: the copy.
            parts: of it.
            record: which arrays are kept: "none" or "steps", "outputs" of layers,
                "layers" with their inputs, or "all" with the calls between them.
            quiet: dropout and noise do nothing.
            repairs: of calls between layers, as `repair.of_calls` has them.
        """
        super().__init__()
        self._record, self._quiet, self._repairs = record, quiet, repairs
        self._arrays = Arrays()
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._orders = _whole_modules(parts)
        for module in model.modules():
            self._watch(module)
        self.begin()

    def begin(self) -> None:
        """Forget what was seen, for another pass of the copy."""
        self.trace: Trace = {}
        self.steps: list[dict[str, Any]] = []
        self.calls: dict[int, int] = {}
        self.arguments: dict[int, BoundArguments] = {}
        self.state: torch.Tensor | None = None
        self._counts: dict[str, int] = {}
        self._running: list[nn.Module] = []
        self._inside = 0

    # Layers

    def _watch(self, module: nn.Module) -> None:
        part = id(module) in self._orders

        def before(module: nn.Module, args: Any, kwargs: Any) -> None:
            self._running.append(module)
            self._inside += part
            if part:
                self._enter(module, args, kwargs)

        def after(module: nn.Module, args: Any, output: Any) -> None:
            if part and output is not None:
                # Still inside: what is done to keep it is no call of the model's.
                self._leave(module, output)
            self._running.pop()
            self._inside -= part

        module.register_forward_pre_hook(before, with_kwargs=True)
        module.register_forward_hook(after, always_call=True)

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        orders = self._orders[id(module)]
        for order in orders:
            self.calls[order] = self.calls.get(order, 0) + 1
        if self.calls[orders[0]] > 1:
            return
        self.steps += [{"node": "layer", "order": order} for order in orders]
        given = arguments.bound(module, args, kwargs)
        if self._record in ("layers", "all"):
            for index, tensor in enumerate(arguments.inputs(module, given)):
                key = f"layer/{orders[0]}/in" + (f"/{index}" if index else "")
                self.trace[key] = self._arrays.of(tensor)
        self.arguments[orders[0]] = arguments.emptied(given)

    def _leave(self, module: nn.Module, output: Any) -> None:
        orders = self._orders[id(module)]
        out, state = arguments.outputs(module, output)
        if state is not None:
            self.state = state
        kept = self._record not in ("none", "steps")
        if not kept or self.calls[orders[0]] > 1 or out is None:
            return
        self.trace[f"layer/{orders[-1]}/out"] = self._arrays.of(out)
        if state is not None:
            self.trace[f"layer/{orders[-1]}/out/state"] = self._arrays.of(state)

    # Calls between them

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        func, args, kwargs = widened(func, args, kwargs or {})
        call = recognise(func, args, kwargs)
        if call is None:
            return func(*args, **kwargs)
        if self._inside:
            return self._silenced(call)
        return self._observed(call)

    def _observed(self, call: Call) -> Any:
        count = self._counts.get(call.op, 0)
        identity = f"{call.op}#{count}"
        keep = self._record == "all"
        put = self._repairs.get(f"put in {identity}")
        if put is not None:
            call = call.fed(put["tensor"])
        given = [self._arrays.of(x) for x in call.inputs] if keep else []
        output = self._computed(call, identity)
        out = next(tensors(output), None)
        if out is None:
            return output
        self._counts[call.op] = count + 1
        place, settings = self._place(), dict(call.settings)
        step = {"node": "glue", "id": identity, "op": call.op}
        self.steps.append(step | {"place": place, "settings": settings})
        for index, array in enumerate(given):
            self.trace[f"glue/{identity}/in" + (f"/{index}" if index else "")] = array
        if keep:
            self.trace[f"glue/{identity}/out"] = self._arrays.of(out)
        after = self._repairs.get(f"after {identity}")
        if after is None or out is not output:
            return output
        return ACTIVATIONS[after["op"]](output, after["settings"])

    def _computed(self, call: Call, identity: str) -> Any:
        put = self._repairs.get(f"put out {identity}")
        if put is not None:
            tensor: torch.Tensor = put["tensor"]
            return call.inputs[0].copy_(tensor) if call.in_place else tensor
        repair = self._repairs.get(identity)
        if repair is None:
            return self._silenced(call)
        if repair["do"] == "skip":
            return call.inputs[0]
        return emulate(call, repair["op"], repair["settings"], self.state)

    def _silenced(self, call: Call) -> Any:
        if self._quiet and call.op == "dropout":
            return call.inputs[0]
        if self._quiet and call.name.startswith("randn"):
            return torch.zeros_like(call.run())
        if call.op in _ROUNDED and torch.get_default_dtype() == torch.float64:
            return emulate(call, call.op, call.settings, None)
        return call.run()

    def _place(self) -> str:
        """The module without weights that makes the call, else the user's line."""
        module = self._running[-1] if self._running else None
        if module is not None:
            library = type(module).__module__.startswith("torch.")
            if library or not any(True for _ in module.parameters()):
                path = self._paths.get(id(module), "")
                return path or type(module).__name__
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if is_users(frame.f_code.co_filename):
                name = os.path.basename(frame.f_code.co_filename)
                return f"{name}:{frame.f_lineno}"
            frame = frame.f_back
        return ""


_ROUNDED = ("celu", "hard_sigmoid")
"""Whose gradients PyTorch computes with a constant in float32."""


def _whole_modules(parts: Sequence[Part]) -> dict[int, list[int]]:
    """By id of a module: the parts that it makes up; raw ones make up none."""
    found: dict[int, list[int]] = {}
    for order, part in enumerate(parts):
        if part.layout.kind != "raw":
            found.setdefault(id(part.module), []).append(order)
    return found


def widened(func: Any, args: Any, kwargs: Any) -> Any:
    """The call of a user who asks for float32, where float64 is at work."""
    if torch.get_default_dtype() != torch.float64:
        return func, args, kwargs
    if func is torch.Tensor.float:
        func = torch.Tensor.double
    if any(value is torch.float32 for value in args):
        args = tuple(torch.float64 if a is torch.float32 else a for a in args)
    if any(value is torch.float32 for value in kwargs.values()):
        kwargs = {
            k: torch.float64 if v is torch.float32 else v for k, v in kwargs.items()
        }
    return func, args, kwargs
