"""What two convolutions may be set to differently, and what makes them equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shared.check.candidate import Candidate, Settings, number
from shared.check.layer_candidate import as_keras, make
from shared.check.pairing import Pair


def convolution(
    pair: Pair, keras: Settings, torch: Settings, given: Sequence[int] = ()
) -> Iterator[Candidate]:
    """Stride, dilation, groups and padding; `given` is the shape of Keras' input."""
    # By Keras' rule, but for what PyTorch has of its own.
    rule = {**keras, **{k: torch[k] for k in _GEOMETRY if k in torch}}
    for key in _GEOMETRY:
        ours, theirs = keras.get(key), torch.get(key)
        if ours is None or theirs is None or ours == theirs:
            continue
        if key == "padding" and _alike(keras, theirs):
            continue
        told = _sides(theirs) if key == "padding" else number(theirs)
        yield make(
            pair,
            f"conv_{key}",
            f"{key} {number(ours)}",
            f"{key} {told}",
            _conv_remedy(key, pair, keras, given),
            as_keras(pair, {**rule, key: ours}, key),
        )


_GEOMETRY = ("stride", "dilation", "groups", "padding")


def _alike(keras: Settings, theirs: Any) -> bool:
    """Whether two ways to name a padding are the same one."""
    none = theirs == "valid" or not any(map(any, theirs)) if theirs != "same" else False
    return bool(keras["padding"] == "valid" and none)


def _sides(padding: Any) -> str:
    """'1', '(1, 2)', '((0, 1), (1, 1))': as short as it can be said."""
    if isinstance(padding, str):
        return padding
    if any(low != high for low, high in padding):
        return number(padding)
    once = sorted({low for low, _ in padding})
    return str(once[0]) if len(once) == 1 else number([low for low, _ in padding])


def _conv_remedy(key: str, pair: Pair, keras: Settings, given: Sequence[int]) -> str:
    ours = keras[key]
    if key != "padding":
        return f"{key}={number(ours)} in PyTorch"
    if ours == "valid":
        return "padding=0 in PyTorch"
    if ours == "causal":
        return (
            "F.pad(x, (dilation * (kernel - 1), 0)) before PyTorch's layer, padding=0"
        )
    if all(step == 1 for step in keras.get("stride", [1])):
        return 'padding="same" in PyTorch'
    window = pair.keras.parameters["kernel"][:-2]
    here = _pads(given[1:-1], window, keras) if len(given) == len(window) + 2 else []
    concrete = (
        f"padding=0, and before it F.pad(x, {number(here)}) here; " if here else ""
    )
    return (
        f"{concrete}no setting, as it depends on the size n: along each axis total = "
        "max((ceil(n / stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0), "
        "total // 2 before and the rest after"
    )


def _pads(sizes: Sequence[int], window: Sequence[int], keras: Settings) -> list[int]:
    """What F.pad takes, the last axis first."""
    found: list[int] = []
    axes = zip(sizes, window, keras["stride"], keras["dilation"], strict=True)
    for n, kernel, stride, dilation in reversed(list(axes)):
        steps = -(-n // stride) - 1
        total = max(steps * stride + dilation * (kernel - 1) + 1 - n, 0)
        found += [total // 2, total - total // 2]
    return found


def transposed(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    """Stride, and what the two cut off or add."""
    keys = ("stride", "padding", "output_padding", "dilation")
    if keras.get("stride") != torch.get("stride"):
        yield make(
            pair,
            "conv_stride",
            keras.get("stride"),
            torch.get("stride"),
            f"stride={number(keras.get('stride'))} in PyTorch",
            as_keras(pair, keras),
        )
    yield make(
        pair,
        "conv_transpose_padding",
        f"padding {number(keras.get('padding'))}",
        ", ".join(f"{k} {number(torch[k])}" for k in keys[1:3] if k in torch),
        _transpose_remedy(keras),
        as_keras(pair, keras),
    )


def _transpose_remedy(keras: Settings) -> str:
    if keras.get("padding") == "valid":
        return "padding=0, output_padding=max(stride - kernel, 0) in PyTorch"
    return (
        "kernel - stride even and not negative: padding=(kernel - stride) // 2; else "
        "padding=0, output_padding=max(stride - kernel, 0), and of the output keep "
        "n * stride from max(kernel - stride, 0) // 2 on"
    )
