"""Keras' activations by neutral name, of a tensor and neutral settings.

Where TensorFlow rounds a constant to float32, it is rounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

Settings: TypeAlias = Mapping[str, Any]
Activation: TypeAlias = Callable[[torch.Tensor, Settings], torch.Tensor]


def _single(value: float) -> float:
    return float(np.float32(value))


def _relu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    slope, least = settings.get("negative_slope", 0), settings.get("threshold", 0)
    highest = settings.get("max_value")
    found = (
        torch.where(x > least, x, slope * (x - least)) if slope or least else F.relu(x)
    )
    return found if highest is None else found.clamp(max=highest)


def _gelu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    if settings.get("approximate", False):
        cubic = x + _single(0.044715) * x**3
        return 0.5 * x * (1 + torch.tanh(0.7978845608028654 * cubic))
    return 0.5 * x * (1 + torch.erf(x * _single(0.5**0.5)))


def _softmax(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return F.softmax(x, settings.get("axis", -1))


def _log_softmax(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return F.log_softmax(x, settings.get("axis", -1))


def _softplus(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    # Beyond 37 nothing but x is left in float64.
    return F.softplus(x, threshold=37)


def _leaky_relu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return F.leaky_relu(x, settings.get("slope", 0.2))


def _elu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return F.elu(x, settings.get("alpha", 1.0))


def _celu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    alpha = settings.get("alpha", 1.0)
    # F.celu's gradient has 1 / alpha in float32 only.
    return x.clamp(min=0) + alpha * torch.expm1(x.clamp(max=0) / alpha)


def _glu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return F.glu(x, settings.get("axis", -1))


def _hard_sigmoid(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    # F.hardsigmoid has a gradient of 1 / 6 in float32 only.
    return F.relu6(x + 3) / 6


def _hard_silu(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return x * _hard_sigmoid(x, settings)


def _squareplus(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return (x + torch.sqrt(x * x + settings.get("b", 4))) / 2


def _clip(x: torch.Tensor, settings: Settings) -> torch.Tensor:
    return x.clamp(settings.get("min"), settings.get("max"))


def _plain(function: Any) -> Activation:
    return lambda x, settings: function(x)


ACTIVATIONS: Mapping[str, Activation] = {
    "relu": _relu,
    "clip": _clip,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "celu": _celu,
    "gelu": _gelu,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "softplus": _softplus,
    "glu": _glu,
    "squareplus": _squareplus,
    "linear": _plain(lambda x: x),
    "selu": _plain(F.selu),
    "sigmoid": _plain(torch.sigmoid),
    "tanh": _plain(torch.tanh),
    "softsign": _plain(F.softsign),
    "silu": _plain(F.silu),
    "mish": _plain(F.mish),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": _hard_silu,
    "hard_tanh": _plain(F.hardtanh),
    "hard_shrink": _plain(F.hardshrink),
    "soft_shrink": _plain(F.softshrink),
    "tanh_shrink": _plain(F.tanhshrink),
    "log_sigmoid": _plain(F.logsigmoid),
    "exp": _plain(torch.exp),
}


def named(given: Any) -> Activation:
    """The activation of a layer's setting: a name, or op and settings."""
    if given is None:
        return ACTIVATIONS["linear"]
    if isinstance(given, str):
        return ACTIVATIONS[given]
    function, settings = ACTIVATIONS[given["op"]], given["settings"]
    return lambda x, _: function(x, settings)
