"""What two convolutions may be set to differently, and what makes them equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from shared.check.candidate import Candidate, Settings, number
from shared.check.layer_candidate import as_keras, make
from shared.check.pairing import Pair


def convolution(
    pair: Pair,
    keras: Settings,
    torch: Settings,
    given: Sequence[int],
    pads: Sequence[str],
) -> Iterator[Candidate]:
    """Stride, dilation, groups and padding.

    Args:
        pair: the layers.
        keras, torch: their settings.
        given: the shape of Keras' input, if it is known.
        pads: the ids of PyTorch's own paddings right before.
    """
    # By Keras' rule, but for what PyTorch has of its own.
    rule = {**keras, **{k: torch[k] for k in _GEOMETRY if k in torch}}
    skips = [{"do": "skip", "id": id} for id in pads]
    for key in _GEOMETRY:
        ours, theirs = keras.get(key), torch.get(key)
        padding = key == "padding"
        if ours is None or theirs is None or (ours == theirs and not padding):
            continue
        if padding and not pads and _same_padding(keras, torch):
            continue
        told = _padding_told(torch, pads) if padding else number(theirs)
        remedy = _conv_remedy(key, pair, keras, given)
        texts = f"conv_{key}", f"{key} {number(ours)}", f"{key} {told}", remedy
        if padding:
            zeros = {**rule, key: ours, "padding_mode": "zeros"}
            yield make(pair, *texts, as_keras(pair, zeros, key, "padding_mode"), *skips)
            continue
        yield make(pair, *texts, as_keras(pair, {**rule, key: ours}, key))
        if keras["padding"] in ("same", "causal"):
            # Which pads by the stride and the dilation.
            settings = {**rule, key: ours, "padding": keras["padding"]}
            yield make(pair, *texts, as_keras(pair, settings, key, "padding"), *skips)


_GEOMETRY = ("stride", "dilation", "groups", "padding")


def _same_padding(keras: Settings, torch: Settings) -> bool:
    """Whether two ways to name a padding are the same one."""
    ours, theirs = keras["padding"], torch["padding"]
    if ours == "valid":
        return bool(theirs == "valid" or not any(map(any, theirs)))
    return bool(ours == theirs and torch.get("padding_mode", "zeros") == "zeros")


def _padding_told(torch: Settings, pads: Sequence[str]) -> str:
    """PyTorch's padding, in and before the layer."""
    mode = torch.get("padding_mode", "zeros")
    told = _sides(torch["padding"]) + (f" of {mode}" if mode != "zeros" else "")
    return f"{told}, after a padding of its own" if pads else told


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


def transposed(
    pair: Pair,
    keras: Settings,
    torch: Settings,
    given: Sequence[int],
    crops: Sequence[str],
) -> Iterator[Candidate]:
    """Stride, and what the two cut off or add; `crops` are PyTorch's right after."""
    keys = ("stride", "padding", "output_padding", "dilation")
    skips = [{"do": "skip", "id": id} for id in crops]
    if keras.get("stride") != torch.get("stride"):
        yield make(
            pair,
            "conv_stride",
            keras.get("stride"),
            torch.get("stride"),
            f"stride={number(keras.get('stride'))} in PyTorch",
            as_keras(pair, keras),
            *skips,
        )
    yield make(
        pair,
        "conv_transpose_padding",
        f"padding {number(keras.get('padding'))}",
        ", ".join(f"{k} {number(torch[k])}" for k in keys[1:3] if k in torch),
        _transpose_remedy(keras),
        as_keras(pair, keras),
        *skips,
    )


def _transpose_remedy(keras: Settings) -> str:
    if keras.get("padding") == "valid":
        return "padding=0, output_padding=max(stride - kernel, 0) in PyTorch"
    return (
        "kernel - stride even and not negative: padding=(kernel - stride) // 2; else "
        "padding=0, output_padding=max(stride - kernel, 0), and of the output keep "
        "n * stride from max(kernel - stride, 0) // 2 on"
    )
