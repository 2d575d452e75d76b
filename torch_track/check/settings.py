"""The settings of PyTorch's layers under neutral names, in Keras' sense of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from torch import nn

from torch_track.check.rules import capped
from torch_track.check.windows import each, padding
from torch_track.layouts import Part

Settings: TypeAlias = dict[str, Any]


def of_part(part: Part) -> Settings:
    """The settings of one layer, with the name of its class."""
    module: Any = part.module
    found = {"type": type(module).__name__}
    for kind, read in _READS.items():
        if part.layout.kind != "raw" and isinstance(module, kind):
            return found | read(module)
    return found


def random_layers(model: nn.Module) -> list[str]:
    """The names of the layers that drop or add noise in training."""
    return [
        path or type(module).__name__
        for path, module in model.named_modules()
        if _rate(module)
    ]


def silence(model: nn.Module) -> None:
    """Switch off the dropout that layers with weights have of their own."""
    for module in model.modules():
        if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
            module.dropout = 0.0


def _rate(module: nn.Module) -> float:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return module.p
    if isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        return module.dropout
    return float(isinstance(module, nn.RReLU))


def _batch_norm(module: Any) -> Settings:
    momentum = None if module.momentum is None else 1.0 - module.momentum
    return {"epsilon": module.eps, "momentum": momentum, "axis": "channels"}


def _layer_norm(module: Any) -> Settings:
    return {"epsilon": module.eps, "axis": len(module.normalized_shape)}


def _group_norm(module: Any) -> Settings:
    return {"epsilon": module.eps, "groups": module.num_groups}


def _rms_norm(module: Any) -> Settings:
    epsilon = "finfo" if module.eps is None else module.eps
    return {"epsilon": epsilon, "axis": len(module.normalized_shape)}


def _convolution(module: Any) -> Settings:
    count = len(module.kernel_size)
    return {
        "stride": each(module.stride, count),
        "dilation": each(module.dilation, count),
        "groups": module.groups,
        "padding": padding(module.padding, count),
        "padding_mode": module.padding_mode,
    }


def _transposed(module: Any) -> Settings:
    count = len(module.kernel_size)
    return {
        "stride": each(module.stride, count),
        "dilation": each(module.dilation, count),
        "groups": module.groups,
        "padding": each(module.padding, count),
        "output_padding": each(module.output_padding, count),
    }


def _embedding(module: Any) -> Settings:
    return {"padding_idx": module.padding_idx, "max_norm": module.max_norm}


def _recurrent(module: Any) -> Settings:
    return {
        "units": module.hidden_size,
        "batch_first": module.batch_first,
        "return_sequences": True,
        "return_state": True,
        "go_backwards": False,
        "dropout": float(module.dropout),
        "recurrent_dropout": 0.0,
        "layers": module.num_layers,
        "bidirectional": module.bidirectional,
        "merge_mode": "concat" if module.bidirectional else None,
    } | _gates(module)


def _cell(module: Any) -> Settings:
    return {"units": module.hidden_size} | _gates(module)


def _gates(module: Any) -> Settings:
    if isinstance(module, (nn.RNN, nn.RNNCell)):
        relu = module.nonlinearity == "relu"
        return {
            "activation": _activation("relu", capped(None))
            if relu
            else _activation("tanh")
        }
    found: Settings = {
        "activation": _activation("tanh"),
        "recurrent_activation": _activation("sigmoid"),
    }
    if isinstance(module, (nn.GRU, nn.GRUCell)):
        found["reset_after"] = True
    return found


def _activation(op: str, settings: Settings | None = None) -> Settings:
    return {"op": op, "settings": settings or {}}


def _attention(module: Any) -> Settings:
    return {
        "heads": module.num_heads,
        "key_dim": module.head_dim,
        "dropout": float(module.dropout),
        "batch_first": module.batch_first,
        "scale": module.head_dim**-0.5,
    }


_READS: Mapping[type | tuple[type, ...], Callable[[Any], Settings]] = {
    nn.modules.batchnorm._BatchNorm: _batch_norm,
    nn.LayerNorm: _layer_norm,
    nn.GroupNorm: _group_norm,
    nn.RMSNorm: _rms_norm,
    nn.modules.conv._ConvTransposeNd: _transposed,
    nn.modules.conv._ConvNd: _convolution,
    nn.Embedding: _embedding,
    nn.RNNBase: _recurrent,
    nn.RNNCellBase: _cell,
    nn.MultiheadAttention: _attention,
}
"""By type; the first that fits."""
