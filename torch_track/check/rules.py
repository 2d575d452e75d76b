"""By PyTorch's names of functions: what each computes, from its arguments.

Every rule has the parameters and defaults of the function it is for, so that it takes
the call's own arguments. It returns the neutral name and settings, or None where the
call changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch

from torch_track.check import windows

Settings: TypeAlias = dict[str, Any]
Found: TypeAlias = tuple[str, Settings] | None
Rule: TypeAlias = Callable[..., Found]

# Activations


def _relu(input: Any, inplace: bool = False) -> Found:
    return "relu", capped(None)


def _relu6(input: Any, inplace: bool = False) -> Found:
    return "relu", capped(6.0)


def capped(highest: float | None) -> Settings:
    """The settings of a relu that ends at `highest`."""
    highest = None if highest is None else float(highest)
    return {"max_value": highest, "negative_slope": 0.0, "threshold": 0.0}


def _clamp(input: Any, min: Any = None, max: Any = None) -> Found:
    if any(isinstance(b, torch.Tensor) and b.numel() > 1 for b in (min, max)):
        return "clip", {}
    lowest, highest = (None if b is None else float(b) for b in (min, max))
    if lowest == 0:
        return "relu", capped(highest)
    if (lowest, highest) == (-1, 1):
        return "hard_tanh", {}
    return "clip", {"min": lowest, "max": highest}


def _clamp_min(input: Any, min: Any) -> Found:
    return _clamp(input, min)


def _clamp_max(input: Any, max: Any) -> Found:
    return _clamp(input, None, max)


def _threshold(
    input: Any, threshold: float, value: float, inplace: bool = False
) -> Found:
    if threshold == value:
        return _clamp(input, value)
    if value == 0:
        return "relu", capped(None) | {"threshold": float(threshold)}
    return "threshold", {"threshold": float(threshold), "value": float(value)}


def _hardtanh(
    input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Found:
    return _clamp(input, min_val, max_val)


def _leaky_relu(
    input: Any, negative_slope: float = 0.01, inplace: bool = False
) -> Found:
    return "leaky_relu", {"slope": float(negative_slope)}


def _elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Found:
    return "elu", {"alpha": float(alpha)}


def _celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Found:
    return "celu", {"alpha": float(alpha)}


def _gelu(input: Any, approximate: str = "none") -> Found:
    return "gelu", {"approximate": approximate == "tanh"}


def _softplus(input: Any, beta: float = 1, threshold: float = 20) -> Found:
    settings = {"threshold": float(threshold)}
    return "softplus", settings if beta == 1 else settings | {"beta": float(beta)}


def _softmax_like(op: str) -> Rule:
    def rule(
        input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
    ) -> Found:
        if dim is None:  # what PyTorch takes for it, with a warning
            dim = 0 if input.ndim in (0, 1, 3) else 1
        return op, {"axis": dim % input.ndim - input.ndim}

    return rule


def _dropout(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Found:
    return "dropout", {"rate": float(p), "active": bool(training and p)}


def _torch_dropout(input: Any, p: float, train: bool) -> Found:
    return _dropout(input, p, train)


def _noise(*args: Any, **kwargs: Any) -> Found:
    return "noise", {"active": True}


# Reductions


def _reduction(op: str) -> Rule:
    def rule(input: Any, dim: Any = None, keepdim: bool = False, **more: Any) -> Found:
        if isinstance(dim, torch.Tensor):
            return {"max": "maximum", "min": "minimum"}.get(op, op), {}
        rank = input.ndim
        if dim is None or isinstance(dim, int):
            axis = dim if dim is None else dim % rank - rank
            axes = [axis]
        else:
            axis = axes = sorted(a % rank - rank for a in dim)
        spatial = axes in ([*range(2 - rank, 0)], [*range(1 - rank, -1)])
        if spatial and op in _POOLS:
            return _POOLS[op], {}
        return op, {"axis": axis}

    return rule


_POOLS = {"mean": "global_avg_pool", "max": "global_max_pool"}


def _cat(tensors: Any, dim: int = 0, out: Any = None) -> Found:
    rank = tensors[0].ndim
    return "concatenate", {"axis": dim % rank - rank}


# Casts and slices


def _to(input: Any, *args: Any, dtype: Any = None, **more: Any) -> Found:
    """With a dtype, a device or another tensor."""
    for value in args:
        if isinstance(value, torch.Tensor):
            dtype = value.dtype
        if isinstance(value, torch.dtype):
            dtype = value
    return _cast(input, dtype)


def _cast_to(dtype: torch.dtype) -> Rule:
    def rule(input: Any, *args: Any, **more: Any) -> Found:
        return _cast(input, dtype)

    return rule


def _cast(input: Any, dtype: Any) -> Found:
    if dtype is None or dtype == input.dtype:
        return None
    return "cast", {"dtype": str(dtype).removeprefix("torch.")}


# Layers that were called as functions


def _layer_norm(
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: Any = 1e-5,
) -> Found:
    return "layer_norm", {"epsilon": eps}


def _group_norm(
    input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: Any = 1e-5
) -> Found:
    return "group_norm", {"epsilon": eps, "groups": num_groups}


def _rms_norm(
    input: Any, normalized_shape: Any, weight: Any = None, eps: Any = None
) -> Found:
    return "rms_norm", {"epsilon": "finfo" if eps is None else eps}


def _batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Found:
    return "batch_norm", {"epsilon": eps}


def _normalize(
    input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None
) -> Found:
    return "normalize", {"axis": dim % input.ndim - input.ndim}


RANDOM = {
    *("randn", "rand", "randint", "randperm", "randn_like", "rand_like"),
    *("bernoulli", "normal", "uniform", "multinomial", "rrelu", "gumbel_softmax"),
}
"""Functions that draw; of the others, those that take no tensor are of no interest."""

_DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout")

RULES: Mapping[str, Rule] = {
    "relu": _relu,
    "relu6": _relu6,
    "clamp": _clamp,
    "clip": _clamp,
    "clamp_min": _clamp_min,
    "clamp_max": _clamp_max,
    "threshold": _threshold,
    "hardtanh": _hardtanh,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "celu": _celu,
    "gelu": _gelu,
    "softplus": _softplus,
    "softmax": _softmax_like("softmax"),
    "log_softmax": _softmax_like("log_softmax"),
    **dict.fromkeys((*_DROPOUTS, "feature_alpha_dropout"), _dropout),
    **dict.fromkeys(RANDOM, _noise),
    "mean": _reduction("mean"),
    "sum": _reduction("sum"),
    "amax": _reduction("max"),
    "max": _reduction("max"),
    "amin": _reduction("min"),
    "min": _reduction("min"),
    **dict.fromkeys(("cat", "concat", "concatenate"), _cat),
    "to": _to,
    "type": _to,
    "type_as": _to,
    "float": _cast_to(torch.float32),
    "double": _cast_to(torch.float64),
    "half": _cast_to(torch.float16),
    "bfloat16": _cast_to(torch.bfloat16),
    "long": _cast_to(torch.int64),
    "int": _cast_to(torch.int32),
    "layer_norm": _layer_norm,
    "group_norm": _group_norm,
    "rms_norm": _rms_norm,
    "batch_norm": _batch_norm,
    "normalize": _normalize,
    **windows.RULES,
}
