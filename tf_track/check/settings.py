"""Neutral settings of the layers that hold weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import keras

from tf_track.check import glue
from tf_track.layout_kinds import Part

Layer: TypeAlias = keras.layers.Layer
Settings: TypeAlias = dict[str, Any]


def of_part(part: Part) -> Settings:
    """What decides, besides its weights, what a part computes."""
    layer: Any = part.layer
    found: Settings = {"type": type(layer).__name__}
    if part.kind == "raw":
        return found
    kind = part.kind.removeprefix("bidirectional_").removeprefix("depthwise_")
    if kind in _SETTINGS:
        found |= _SETTINGS[kind](part, layer)
    if part.kind.startswith("bidirectional_"):
        found |= {"bidirectional": True, "merge_mode": layer.merge_mode}
    return found


def activation(function: Any) -> Any:
    """An activation as op and settings; None for none."""
    if function is None or function is keras.activations.linear:
        return None
    op, settings = glue.tell_activation(function)
    return {"op": op, "settings": settings}


def _fused(layer: Layer) -> Settings:
    return {"activation": activation(layer.activation)}


def _dense(part: Part, layer: Layer) -> Settings:
    return _fused(layer)


def _conv(part: Part, layer: Layer) -> Settings:
    if part.name.endswith("/pointwise"):
        count = len(part.shapes()["kernel"]) - 2
        return {
            "stride": [1] * count,
            "dilation": [1] * count,
            "groups": 1,
            "padding": "valid",
            "padding_mode": "zeros",
            **_fused(layer),
        }
    kernel = part.shapes()["kernel"]
    depthwise = part.kind.startswith("depthwise_")
    # The activation of a separable convolution follows its second step.
    first = {"activation": None} if part.name.endswith("/depthwise") else _fused(layer)
    return {
        "stride": list(layer.strides),
        "dilation": list(layer.dilation_rate),
        "groups": kernel[-2] if depthwise else getattr(layer, "groups", 1),
        "padding": layer.padding,
        "padding_mode": "zeros",
        **first,
    }


def _transpose(part: Part, layer: Layer) -> Settings:
    return {
        "stride": list(layer.strides),
        "dilation": list(layer.dilation_rate),
        "padding": layer.padding,
        "output_padding": layer.output_padding,
        "groups": 1,
        **_fused(layer),
    }


def _batch_norm(part: Part, layer: Layer) -> Settings:
    found = {
        "epsilon": float(layer.epsilon),
        "momentum": float(layer.momentum),
        "axis": int(layer.axis),
        "renorm": bool(getattr(layer, "renorm", False)),
    }
    # Keras then normalizes with the running statistics in training too.
    return found if layer.trainable else found | {"frozen": True}


def _layer_norm(part: Part, layer: Layer) -> Settings:
    axis = layer.axis
    return {
        "epsilon": float(layer.epsilon),
        "axis": 1 if isinstance(axis, int) else len(axis),
    }


def _group_norm(part: Part, layer: Layer) -> Settings:
    return {"epsilon": float(layer.epsilon), "groups": int(layer.groups)}


def _rms_norm(part: Part, layer: Layer) -> Settings:
    return {"epsilon": float(layer.epsilon)}


def _embedding(part: Part, layer: Layer) -> Settings:
    return {"mask_zero": bool(layer.mask_zero), "max_norm": None}


def _attention(part: Part, layer: Layer) -> Settings:
    return {
        "heads": int(layer.num_heads),
        "key_dim": int(layer.key_dim),
        "dropout": float(layer.dropout),
        "batch_first": True,
        "scale": float(layer.key_dim) ** -0.5,
    }


def _recurrent(part: Part, layer: Layer) -> Settings:
    """Of a recurrent layer, of both its directions, of its cells, or of a cell."""
    one = getattr(layer, "forward_layer", layer)
    cell = getattr(one, "cell", one)
    # Of stacked cells, the one that is this part's.
    cells = getattr(cell, "cells", [cell])
    cell = next((c for c in cells if part.name.endswith(f"/{c.name}")), cells[0])
    found = {
        "units": int(cell.units),
        "return_sequences": bool(getattr(one, "return_sequences", False)),
        "return_state": bool(getattr(layer, "return_state", False)),
        "go_backwards": bool(getattr(one, "go_backwards", False)),
        "zero_output": bool(getattr(one, "zero_output_for_mask", False)),
        "dropout": float(cell.dropout),
        "recurrent_dropout": float(cell.recurrent_dropout),
        "activation": glue.tell_activation(cell.activation)[0],
        "layers": 1,
        "bidirectional": False,
        "merge_mode": None,
        "batch_first": True,
    }
    if hasattr(cell, "recurrent_activation"):
        gate = glue.tell_activation(cell.recurrent_activation)
        found["recurrent_activation"] = gate[0]
    if hasattr(cell, "reset_after"):
        found["reset_after"] = bool(cell.reset_after)
    return found


_SETTINGS: Mapping[str, Callable[[Part, Layer], Settings]] = {
    "dense": _dense,
    **{f"conv{n}d": _conv for n in (1, 2, 3)},
    **{f"conv{n}d_transpose": _transpose for n in (1, 2, 3)},
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "rms_norm": _rms_norm,
    "embedding": _embedding,
    "multi_head_attention": _attention,
    "simple_rnn": _recurrent,
    "lstm": _recurrent,
    "gru": _recurrent,
    "gru_reset_before": _recurrent,
}
