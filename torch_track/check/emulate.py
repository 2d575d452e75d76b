"""Keras' rule for what stands between the layers, by neutral name and settings."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812

from shared.check import resizing
from torch_track.check.activations import ACTIVATIONS
from torch_track.check.glue import Call
from torch_track.check.rules import Settings
from torch_track.differences.layout import pad_same

Rule: TypeAlias = Callable[[Call, Settings], Any]


def emulate(call: Call, op: str, settings: Settings, state: torch.Tensor | None) -> Any:
    """What Keras' `op` makes of a call's input.

    Args:
        call: in whose place it is.
        op: neutral name.
        settings: neutral.
        state: the last state of the recurrent layer that ran last.
    """
    if call.in_place:
        return call.inputs[0].copy_(_emulated(_on_copy(call), op, settings, state))
    return _emulated(call, op, settings, state)


def _on_copy(call: Call) -> Call:
    """What overwrites its input would overwrite what the gradient needs."""
    return Call(
        call.op,
        call.settings,
        call.name,
        call.function,
        (call.inputs[0].clone(), *call.args[1:]),
        call.kwargs,
    )


def _emulated(
    call: Call, op: str, settings: Settings, state: torch.Tensor | None
) -> Any:
    if op in ACTIVATIONS:
        return ACTIVATIONS[op](call.inputs[0], settings)
    if op == "last_of_both":
        return _last_of_both(call, state)
    if op in _RULES:
        return _RULES[op](call, settings)
    return call.run()


def _last_of_both(call: Call, state: torch.Tensor | None) -> Any:
    """Each direction's own last output, where a slice has the last step's."""
    own = call.run()
    if state is None or len(state) < 2:
        return own
    both = torch.cat((state[-2], state[-1]), dim=-1)
    return both if both.shape == own.shape else own


# Pooling and the like


def _max_pool(call: Call, settings: Settings) -> Any:
    x = _padded(call.inputs[0], settings, -torch.inf)
    pool = getattr(F, f"max_pool{x.ndim - 2}d")
    window = settings["size"], settings["stride"], 0, settings["dilation"]
    return pool(x, *window, ceil_mode=settings.get("ceil", False))


def _avg_pool(call: Call, settings: Settings) -> Any:
    x = call.inputs[0]
    pool = functools.partial(
        getattr(F, f"avg_pool{x.ndim - 2}d"),
        kernel_size=settings["size"],
        stride=settings["stride"],
        ceil_mode=settings.get("ceil", False),
    )
    pooled = pool(_padded(x, settings))
    if settings.get("include_pad", False):
        return pooled
    # The pad counts for nothing.
    return pooled / pool(_padded(torch.ones_like(x), settings))


def _padded(x: torch.Tensor, settings: Settings, value: float = 0.0) -> torch.Tensor:
    """Padded for the window that the settings tell of."""
    padding = settings["padding"]
    if padding == "same":
        dilation = settings.get("dilation", ())
        return pad_same(x, settings["size"], settings["stride"], dilation, value)
    return x if padding == "valid" else pad(x, padding, value=value)


def pad(
    x: torch.Tensor,
    pairs: list[list[int]],
    mode: str = "constant",
    value: float = 0.0,
) -> torch.Tensor:
    """Pad the last axes, each by a pair."""
    flat = [size for pair in reversed(pairs) for size in pair]
    while mode != "constant" and len(flat) > 2 and flat[-2:] == [0, 0]:
        flat = flat[:-2]  # other modes take only what is padded
    return F.pad(x, flat, mode, value if mode == "constant" else None)


def _global(reduce: Callable[..., torch.Tensor]) -> Rule:
    """Over the axes that the call reduces, or all but the first two of a pooling."""

    def rule(call: Call, settings: Settings) -> Any:
        own, x = call.run(), call.inputs[0]
        if call.name not in ("mean", "amax", "max"):
            shape = (*x.shape[:2], *[1] * (x.ndim - 2))
            return reduce(x, tuple(range(2, x.ndim))).reshape(shape)
        found = reduce(*call.args, **call.kwargs)
        # max returns indices too.
        return type(own)((found, own[1])) if isinstance(own, tuple) else found

    return rule


def _upsample(call: Call, settings: Settings) -> Any:
    x, mode = call.inputs[0], settings["mode"]
    size, scale = settings.get("size"), settings.get("scale")
    if mode == "nearest":
        # The nearest centre, which for whole scales is what PyTorch's "nearest" is.
        return F.interpolate(x, size, scale, "nearest-exact")
    antialias = settings.get("antialias", False)
    if mode == "bicubic" and not antialias:
        return _bicubic(x, size, scale)
    mode = "linear" if mode.endswith("linear") else mode
    mode = f"{('', 'bi', 'tri')[x.ndim - 3]}linear" if mode == "linear" else mode
    corners = settings.get("align_corners", False)
    return F.interpolate(x, size, scale, mode, corners, antialias=antialias)


def _bicubic(
    x: torch.Tensor, size: list[int] | None, scale: list[float] | None
) -> torch.Tensor:
    old = list(x.shape[2:])
    new = size or [int(n * s) for n, s in zip(old, scale or [1.0, 1.0], strict=True)]
    rows, columns = (
        torch.tensor(resizing.bicubic(n, m), dtype=x.dtype)
        for n, m in zip(old, new, strict=True)
    )
    return rows @ x @ columns.T


def _pad(call: Call, settings: Settings) -> Any:
    x, pairs = call.inputs[0], [list(pair) for pair in settings["padding"]]
    own = call.settings.get("padding", pairs)
    if x.ndim > 2 and own[-1] != [0, 0] == pairs[-1] and own[1] == [0, 0]:
        pairs = [pairs[0], pairs[-1], *pairs[1:-1]]  # the channels are first here
    mode = "replicate" if settings["mode"] == "edge" else settings["mode"]
    return pad(x, pairs, mode, settings.get("value", 0.0))


# Shapes


def _reshape(call: Call, settings: Settings) -> Any:
    """In the order of Keras' axes, whose channels are last."""
    x = call.inputs[0]
    if not settings.get("channels_last") or x.ndim < 3:
        return call.run()
    return call.run(x.movedim(1, -1).contiguous())


def _concatenate(call: Call, settings: Settings) -> Any:
    tensors = call.inputs[::-1] if settings.get("reverse") else call.inputs
    return torch.cat(tensors, int(settings["axis"]))


def _permute(call: Call, settings: Settings) -> Any:
    return call.inputs[0].permute(settings["dims"])


# Arithmetic


def _of_all(function: Callable[..., torch.Tensor]) -> Rule:
    """Of two tensors or more; with a number the call keeps its own."""

    def rule(call: Call, settings: Settings) -> Any:
        several = len(call.inputs) > 1
        return functools.reduce(function, call.inputs) if several else call.run()

    return rule


def _average(call: Call, settings: Settings) -> Any:
    return functools.reduce(torch.add, call.inputs) / len(call.inputs)


def _reduction(function: Callable[..., torch.Tensor]) -> Rule:
    def rule(call: Call, settings: Settings) -> Any:
        return function(call.inputs[0], dim=settings["axis"])

    return rule


def _rescale(call: Call, settings: Settings) -> Any:
    return call.inputs[0] * settings["scale"] + settings["offset"]


def _dropout(call: Call, settings: Settings) -> Any:
    return call.run() if settings.get("active", True) else call.inputs[0]


def _with_epsilon(call: Call, settings: Settings) -> Any:
    bound = inspect.signature(call.function).bind(*call.args, **call.kwargs)
    bound.arguments["eps"] = settings["epsilon"]
    return call.function(*bound.args, **bound.kwargs)


_RULES: Mapping[str, Rule] = {
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _global(torch.mean),
    "global_max_pool": _global(torch.amax),
    "upsample": _upsample,
    "pad": _pad,
    "flatten": _reshape,
    "reshape": _reshape,
    "concatenate": _concatenate,
    "permute": _permute,
    "add": _of_all(torch.add),
    "multiply": _of_all(torch.mul),
    "subtract": _of_all(torch.sub),
    "divide": _of_all(torch.div),
    "maximum": _of_all(torch.maximum),
    "minimum": _of_all(torch.minimum),
    "matmul": _of_all(torch.matmul),
    "average": _average,
    "mean": _reduction(torch.mean),
    "sum": _reduction(torch.sum),
    "rescale": _rescale,
    "dropout": _dropout,
    "layer_norm": _with_epsilon,
    "group_norm": _with_epsilon,
    "rms_norm": _with_epsilon,
    "batch_norm": _with_epsilon,
}
