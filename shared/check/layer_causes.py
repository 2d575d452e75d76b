"""What two layers of a pair may be set to differently, and what makes them equal.

The rows are those of `twotrack differences`; here they are found in a user's models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from shared.check.candidate import Candidate, Settings, number
from shared.check.pairing import Pair

Find: TypeAlias = Callable[[Pair, Settings, Settings], Iterator[Candidate]]


def candidates(
    pair: Pair, keras: Settings, torch: Settings, given: Sequence[int] = ()
) -> Iterator[Candidate]:
    """Every difference between the settings of a pair of layers.

    Args:
        pair: the layers.
        keras, torch: their settings.
        given: the shape of the Keras layer's input, if it is known.
    """
    kind = pair.keras.kind
    base = kind.removeprefix("bidirectional_").removeprefix("depthwise_")
    if "conv" in base and "transpose" not in base:
        yield from _convolution(pair, keras, torch, given)
    elif base in _FINDS:
        yield from _FINDS[base](pair, keras, torch)


def _make(
    pair: Pair,
    id: str,
    keras: Any,
    torch: Any,
    remedy: str,
    *repairs: Mapping[str, Any],
    **more: Any,
) -> Candidate:
    return Candidate(
        id,
        pair.keras.name,
        pair.torch.name,
        keras if isinstance(keras, str) else number(keras),
        torch if isinstance(torch, str) else number(torch),
        remedy,
        tuple(repairs),
        **more,
    )


def _set(pair: Pair, attribute: str, value: Any) -> Mapping[str, Any]:
    order = pair.torch.order
    return {"do": "set", "order": order, "attribute": attribute, "value": value}


def _as_keras(pair: Pair, settings: Settings, *own: str) -> Mapping[str, Any]:
    """The layer by Keras' rule; `own` are the settings that this cause is about."""
    return {
        "do": "as_keras",
        "order": pair.torch.order,
        "kind": pair.keras.kind,
        "settings": dict(settings),
        "own": list(own) or list(settings),
    }


def _epsilon(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    """The norms: LayerNorm, GroupNorm, RMSNorm and BatchNorm alike."""
    ours, theirs = keras.get("epsilon"), torch.get("epsilon")
    if ours is None or ours == theirs:
        return
    told = "the finest step of the dtype" if theirs == "finfo" else theirs
    yield _make(
        pair,
        f"{pair.keras.kind}_epsilon",
        f"epsilon {number(ours)}",
        f"eps {number(told)}",
        f"eps={number(ours)} in PyTorch"
        + ("" if theirs == "finfo" else f", or epsilon={number(theirs)} in Keras"),
        _set(pair, "eps", ours),
    )


def _group_norm(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    yield from _epsilon(pair, keras, torch)
    ours, theirs = keras.get("groups"), torch.get("groups")
    if ours is not None and ours != theirs:
        remedy = f"num_groups={ours} in PyTorch"
        repair = _set(pair, "num_groups", ours)
        yield _make(pair, "group_norm_groups", ours, theirs, remedy, repair)


def _batch_norm(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    yield from _epsilon(pair, keras, torch)
    ours, theirs = keras.get("momentum"), torch.get("momentum")
    if ours is not None and ours != theirs:
        yield _make(
            pair,
            "batch_norm_momentum",
            f"momentum {number(ours)} keeps that much",
            "cumulative average" if theirs is None else f"keeps {number(theirs)}",
            f"momentum={number(round(1 - ours, 12))} in PyTorch, which counts what is "
            "new",
            _set(pair, "momentum", 1.0 - ours),
            stage="statistics",
        )
    yield _make(
        pair,
        "batch_norm_variance",
        "running variance of the batch itself, n below",
        "unbiased, n - 1 below",
        "no setting; in training mode let a subclass of PyTorch's layer update "
        "running_var with x.var(dims, unbiased=False)",
        _as_keras(pair, {"biased": True}),
        stage="statistics",
    )


def _convolution(
    pair: Pair, keras: Settings, torch: Settings, given: Sequence[int] = ()
) -> Iterator[Candidate]:
    # By Keras' rule, but for what PyTorch has of its own.
    rule = {**keras, **{k: torch[k] for k in _GEOMETRY if k in torch}}
    for key in _GEOMETRY:
        ours, theirs = keras.get(key), torch.get(key)
        if ours is None or theirs is None or ours == theirs:
            continue
        if key == "padding" and _alike(keras, theirs):
            continue
        told = _sides(theirs) if key == "padding" else number(theirs)
        yield _make(
            pair,
            f"conv_{key}",
            f"{key} {number(ours)}",
            f"{key} {told}",
            _conv_remedy(key, pair, keras, given),
            _as_keras(pair, {**rule, key: ours}, key),
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


def _transpose(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    keys = ("stride", "padding", "output_padding", "dilation")
    if keras.get("stride") != torch.get("stride"):
        yield _make(
            pair,
            "conv_stride",
            keras.get("stride"),
            torch.get("stride"),
            f"stride={number(keras.get('stride'))} in PyTorch",
            _as_keras(pair, keras),
        )
    yield _make(
        pair,
        "conv_transpose_padding",
        f"padding {number(keras.get('padding'))}",
        ", ".join(f"{k} {number(torch[k])}" for k in keys[1:3] if k in torch),
        _transpose_remedy(keras),
        _as_keras(pair, keras),
    )


def _transpose_remedy(keras: Settings) -> str:
    if keras.get("padding") == "valid":
        return "padding=0, output_padding=max(stride - kernel, 0) in PyTorch"
    return (
        "kernel - stride even and not negative: padding=(kernel - stride) // 2; else "
        "padding=0, output_padding=max(stride - kernel, 0), and of the output keep "
        "n * stride from max(kernel - stride, 0) // 2 on"
    )


def _embedding(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    index = torch.get("padding_idx")
    if index is not None:
        yield _make(
            pair,
            "embedding_padding",
            "every row is trained",
            f"padding_idx {index}: that row is not",
            "padding_idx=None in PyTorch; Keras' mask_zero masks and trains all rows",
            _as_keras(pair, keras),
            stage="gradient",
        )


def _recurrent(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    if torch.get("batch_first") is False:
        yield _make(
            pair,
            "rnn_batch_first",
            "batch first",
            "time first",
            "batch_first=True in PyTorch",
            _as_keras(pair, {"batch_first": True}),
        )
    for key, id in _RNN:
        ours, theirs = keras.get(key), torch.get(key)
        if ours is not None and theirs is not None and ours != theirs:
            yield _make(
                pair,
                id,
                f"{key} {number(ours)}",
                f"{key} {number(theirs)}",
                _RNN_REMEDIES[id].format(ours=number(ours)),
                _as_keras(pair, {key: ours}),
            )
    if pair.keras.kind.endswith(("simple_rnn", "lstm")):
        yield _make(
            pair,
            "rnn_second_bias",
            "one bias",
            "bias_ih and bias_hh, both trained: the sum moves twice as far",
            "set bias_hh to zero and freeze it: bias_hh_l0.requires_grad_(False)",
            {"do": "freeze", "order": pair.torch.order, "tensors": ["bias_hh"]},
            stage="step",
        )


_RNN = (
    ("reset_after", "gru_reset_after"),
    ("activation", "rnn_activation"),
    ("recurrent_activation", "rnn_activation"),
    ("go_backwards", "rnn_direction"),
)
_RNN_REMEDIES = {
    "gru_reset_after": "reset_after=True in Keras; PyTorch's GRU has no other form, so "
    "the way back is a loop of your own over the steps",
    "rnn_activation": "nonlinearity={ours!r} in PyTorch's RNN; an LSTM or GRU with "
    "another activation takes a loop of your own over the steps",
    "rnn_direction": "x.flip(1) before PyTorch's layer",
}


def _attention(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    if torch.get("batch_first") is False:
        yield _make(
            pair,
            "attention_batch_first",
            "batch first",
            "time first",
            "batch_first=True in PyTorch",
            _as_keras(pair, {"batch_first": True}),
        )
    yield _make(
        pair,
        "attention_mask",
        "True keeps",
        "True drops",
        "~mask in PyTorch's nn.MultiheadAttention",
        _as_keras(pair, {"invert_mask": True}),
    )
    yield _make(
        pair,
        "attention_scale",
        "1 / sqrt(key_dim) rounded to float32",
        "in full precision",
        "none needed: it is below what float32 can show; a key_dim that is a power of "
        "4 makes it exact",
        _as_keras(pair, {"float32_scale": True}),
        harmless=True,
    )


_FINDS: Mapping[str, Find] = {
    "batch_norm": _batch_norm,
    "layer_norm": _epsilon,
    "rms_norm": _epsilon,
    "group_norm": _group_norm,
    "conv1d_transpose": _transpose,
    "conv2d_transpose": _transpose,
    "conv3d_transpose": _transpose,
    "embedding": _embedding,
    "simple_rnn": _recurrent,
    "lstm": _recurrent,
    "gru": _recurrent,
    "gru_reset_before": _recurrent,
    "multi_head_attention": _attention,
}
"""By neutral kind, without `depthwise_` or `bidirectional_` before it."""
