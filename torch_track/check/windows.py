"""Pooling, padding and upsampling: what a call computes, from its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Found: TypeAlias = tuple[str, dict[str, Any]] | None
Rule: TypeAlias = Callable[..., Found]


def each(value: Any, count: int) -> list[int]:
    """A number for every axis, where one may stand for all."""
    listed = list(value) if isinstance(value, (list, tuple)) else [value]
    return [int(n) for n in (listed * count if len(listed) == 1 else listed)]


def padding(value: Any, count: int) -> Any:
    """A symmetric padding in neutral form: "valid", "same" or [[low, high], ...]."""
    if isinstance(value, str):
        return value
    sizes = each(value, count)
    return [[n, n] for n in sizes] if any(sizes) else "valid"


def _max_pool(count: int) -> Rule:
    def rule(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Found:
        found = _window(count, kernel_size, stride, padding, ceil_mode)
        return "max_pool", found | {"dilation": each(dilation, count)}

    return rule


def _avg_pool(count: int) -> Rule:
    def rule(
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> Found:
        found = _window(count, kernel_size, stride, padding, ceil_mode)
        # Keras never counts the pad.
        counts = bool(count_include_pad) and found["padding"] != "valid"
        return "avg_pool", found | {"dilation": [1] * count, "include_pad": counts}

    return rule


def _window(count: int, size: Any, stride: Any, pad: Any, ceil: bool) -> dict[str, Any]:
    return {
        "size": each(size, count),
        "stride": each(size if stride in (None, (), []) else stride, count),
        "padding": padding(pad, count),
        "ceil": bool(ceil),
    }


def _adaptive(count: int, op: str) -> Rule:
    """A global pooling, a plain one where the sizes allow it, or nothing at all."""

    def rule(input: Any, output_size: Any, return_indices: bool = False) -> Found:
        sizes = [int(n) for n in input.shape[-count:]]
        listed = output_size if isinstance(output_size, (list, tuple)) else None
        wanted = list(listed) if listed else [output_size] * count
        found = [n if m is None else int(m) for n, m in zip(sizes, wanted, strict=True)]
        if found == sizes:
            return None
        if found == [1] * count:
            return f"global_{op}", {}
        if any(n % m for n, m in zip(sizes, found, strict=True)):
            return f"adaptive_{op}", {"size": found}
        windows = [n // m for n, m in zip(sizes, found, strict=True)]
        more = {"include_pad": False} if op == "avg_pool" else {}
        settings = _window(count, windows, None, 0, False)
        return op, settings | {"dilation": [1] * count} | more

    return rule


def _pad(input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Found:
    pairs = [[int(a), int(b)] for a, b in zip(pad[::2], pad[1::2], strict=True)]
    if not any(map(any, pairs)):
        return None
    whole = [[0, 0]] * (input.ndim - len(pairs)) + pairs[::-1]
    return "pad", {"padding": whole, "mode": mode, "value": float(value or 0.0)}


def _interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Found:
    count = input.ndim - 2
    settings: dict[str, Any] = {"mode": mode, "align_corners": bool(align_corners)}
    settings |= {"antialias": True} if antialias else {}
    if size is not None:
        return "upsample", {"size": each(size, count)} | settings
    scales = scale_factor if isinstance(scale_factor, (list, tuple)) else [scale_factor]
    scale = [float(s) for s in (scales * count if len(scales) == 1 else scales)]
    return "upsample", {"scale": scale} | settings


RULES: Mapping[str, Rule] = {
    **{
        f"{name}{suffix}": rule
        for count in (1, 2, 3)
        for name, rule in (
            (f"max_pool{count}d", _max_pool(count)),
            (f"avg_pool{count}d", _avg_pool(count)),
            (f"adaptive_avg_pool{count}d", _adaptive(count, "avg_pool")),
            (f"adaptive_max_pool{count}d", _adaptive(count, "max_pool")),
        )
        for suffix in ("", "_with_indices")
    },
    "pad": _pad,
    "interpolate": _interpolate,
    "upsample": _interpolate,
}
