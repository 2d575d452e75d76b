"""Neutral names of what Keras and TensorFlow compute between the layers, and settings.

Every rule takes a call and returns what decides, besides its input, what it computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tf_track.check.calls import Call

Settings: TypeAlias = dict[str, Any]
Told: TypeAlias = tuple[str, Settings]

TRIVIAL = {
    "activity_regularization",
    "convert_to_tensor",
    "copy",
    "identity",
    "linear",
    "stop_gradient",
}
"""What changes no number."""

DRAWS = {"normal", "truncated_normal", "uniform"}
"""Functions that count though they are given no tensor."""

ALIASES = {
    "alpha_dropout": "dropout",
    "amax": "max",
    "amin": "min",
    "average_pool": "avg_pool",
    "average_pooling": "avg_pool",
    "clip_by_value": "clip",
    "concat": "concatenate",
    "pow": "power",
    "cropping": "slice",
    "expand_dims": "reshape",
    "exponential": "exp",
    "gaussian_dropout": "noise",
    "gaussian_noise": "noise",
    "get_item": "slice",
    "global_average_pooling": "global_avg_pool",
    "global_max_pooling": "global_max_pool",
    "hard_swish": "hard_silu",
    "l2_normalize": "normalize",
    "layer_normalization": "layer_norm",
    "leaky_re_lu": "leaky_relu",
    "max_pooling": "max_pool",
    "moveaxis": "permute",
    "normal": "noise",
    "normalization": "standardize",
    "ravel": "flatten",
    "re_lu": "relu",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_mean": "mean",
    "reduce_sum": "sum",
    "resize": "upsample",
    "resizing": "upsample",
    "rescaling": "rescale",
    "spatial_dropout": "dropout",
    "squeeze": "reshape",
    "strided_slice": "slice",
    "swapaxes": "permute",
    "swish": "silu",
    "transpose": "permute",
    "true_divide": "divide",
    "truncated_normal": "noise",
    "truediv": "divide",
    "uniform": "noise",
    "unit_normalization": "normalize",
    "unstack": "split",
    "up_sampling": "upsample",
    "zero_padding": "pad",
}


def merged(op: str, settings: Settings, call: Call) -> Told:
    """The same thing under one name, however it was written."""
    if op == "relu6":
        return "relu", {**_relu(call), "max_value": 6.0}
    if op == "relu" and _is_leaky(settings):
        return "leaky_relu", {"slope": settings["negative_slope"]}
    if op == "clip" or (op in ("minimum", "maximum") and len(call.inputs) == 1):
        return _clipped(op, call)
    shape = call.output.shape
    if op in ("flatten", "reshape") and call.rank > 2 == len(shape):
        return "flatten", SETTINGS["flatten"](call)
    if op in _POOLS:
        axis = settings["axis"]
        axes = axis if isinstance(axis, list) else [axis]
        if axes == list(range(1 - call.rank, -1)):
            return _POOLS[op], {}
    return op, settings


_POOLS = {"mean": "global_avg_pool", "max": "global_max_pool"}


def _is_leaky(settings: Settings) -> bool:
    """Whether a ReLU has a slope, and nothing else of its own."""
    plain = settings["max_value"] is None and not settings["threshold"]
    return plain and bool(settings["negative_slope"])


def _clipped(op: str, call: Call) -> Told:
    """By a number on either side; maximum and minimum know one."""
    if op == "clip":
        lowest = _plain(call.get("x_min", "clip_value_min"))
        highest = _plain(call.get("x_max", "clip_value_max"))
    else:
        bounds = (_plain(call.get(name)) for name in ("x1", "x2", "x", "y"))
        bound = next((b for b in bounds if isinstance(b, (int, float))), None)
        lowest, highest = (bound, None) if op == "maximum" else (None, bound)
    if any(isinstance(bound, list) for bound in (lowest, highest)):
        return op, {}
    if lowest == 0:
        return "relu", {**_relu(call), "max_value": _number(highest)}
    if (lowest, highest) == (-1, 1):
        return "hard_tanh", {}
    return "clip", {"min": _number(lowest), "max": _number(highest)}


def _number(value: Any) -> Any:
    return value if value is None else float(value)


def _relu(call: Call) -> Settings:
    return {
        "max_value": _number(call.get("max_value")),
        "negative_slope": float(call.get("negative_slope", default=0) or 0),
        "threshold": float(call.get("threshold", default=0) or 0),
    }


def _pool(call: Call) -> Settings:
    spatial = call.rank - 2
    size = each(call.get("pool_size", "ksize"), spatial)
    strides = call.get("strides")
    padding = call.get("padding", default="valid")
    return {
        "size": size,
        "stride": size if strides is None else each(strides, spatial),
        "padding": padding.lower() if isinstance(padding, str) else padding,
        "dilation": [1] * spatial,
        "ceil": False,
    }


def each(value: Any, count: int) -> list[int]:
    """A number for each spatial axis, of one number, one each or one an axis."""
    if not isinstance(value, (list, tuple)):
        return [int(value)] * count
    inner = value[1:-1] if len(value) == count + 2 else value
    return [int(v) for v in (inner * count if len(inner) == 1 else inner)]


def _pad(call: Call) -> Settings:
    given = call.get("padding", "pad_width", "paddings")
    pairs = [[int(n) for n in _pair(one)] for one in _listed(given)]
    if len(pairs) < call.rank:
        pairs = [[0, 0], *pairs, [0, 0]]
    return {
        "padding": pairs,
        "mode": str(call.get("mode", default="constant")).lower(),
        "value": float(call.get("constant_values", default=0) or 0),
    }


def _listed(value: Any) -> list[Any]:
    plain = value.numpy().tolist() if isinstance(value, tf.Tensor) else value
    # ZeroPadding1D has one pair.
    single = all(isinstance(v, int) for v in plain)
    return [plain] if single else list(plain)


def _pair(value: Any) -> Sequence[int]:
    return value if isinstance(value, (list, tuple)) else (value, value)


def _permute(call: Call) -> Settings:
    """All axes, the batch included."""
    inner = call.get("dims")
    dims = [0, *inner] if inner else call.get("axes", "perm")
    return {"dims": None if dims is None else [int(d) for d in dims]}


def _upsample(call: Call) -> Settings:
    if call.name == "up_sampling":
        scale = each(call.get("size"), call.rank - 2)
        size: Settings = {"scale": [float(n) for n in scale]}
    else:
        size = {"size": [int(n) for n in call.output.shape[1:-1]]}
    return {
        **size,
        "mode": str(call.get("interpolation", "method", default="nearest")),
        "align_corners": False,
        **({"antialias": True} if call.get("antialias") else {}),
    }


def _dropout(call: Call) -> Settings:
    rate = float(call.get("rate") or 0)
    # A function has no such argument: whoever calls it drops.
    training = call.get("training", default=True)
    return {"rate": rate, "active": bool(training) and rate > 0}


def _noise(call: Call) -> Settings:
    size = float(call.get("stddev", "rate", default=1))
    return {
        "size": size,
        "active": bool(call.get("training", default=True)) and size > 0,
    }


def _plain(value: Any) -> Any:
    """A number or a list, of whatever array."""
    if isinstance(value, (int, float, str, bool)) or value is None:
        return value
    array = keras.ops.convert_to_numpy(value)
    return array.tolist() if array.size <= 64 else None


SETTINGS: Mapping[str, Callable[[Call], Settings]] = {
    "relu": _relu,
    "leaky_relu": lambda c: {"slope": float(c.get("negative_slope", "alpha"))},
    "elu": lambda c: {"alpha": float(c.get("alpha", default=1))},
    "celu": lambda c: {"alpha": float(c.get("alpha", default=1))},
    "gelu": lambda c: {"approximate": bool(c.get("approximate"))},
    "softmax": lambda c: {"axis": -1 if c.get("axis") is None else c.axes("axis")},
    "log_softmax": lambda c: {"axis": -1 if c.get("axis") is None else c.axes("axis")},
    "softplus": lambda c: {"threshold": None},
    "max_pool": _pool,
    "avg_pool": lambda c: {**_pool(c), "include_pad": False},
    "flatten": lambda c: {"shape": [int(n) for n in c.inputs[0].shape[1:]]},
    "reshape": lambda c: {"shape": [int(n) for n in c.output.shape[1:]]},
    "permute": _permute,
    "pad": _pad,
    "concatenate": lambda c: {"axis": c.axes("axis")},
    "dropout": _dropout,
    "noise": _noise,
    "upsample": _upsample,
    "rescale": lambda c: {
        "scale": _plain(c.get("scale")),
        "offset": _plain(c.get("offset")),
    },
    "standardize": lambda c: {
        "mean": _plain(c.get("mean")),
        "variance": _plain(c.get("variance")),
    },
    "mean": lambda c: {"axis": c.axes("axis")},
    "sum": lambda c: {"axis": c.axes("axis")},
    "max": lambda c: {"axis": c.axes("axis")},
    "min": lambda c: {"axis": c.axes("axis")},
    "cast": lambda c: {"dtype": c.output.dtype.name},
    "layer_norm": lambda c: {"epsilon": float(c.get("epsilon"))},
    "normalize": lambda c: {"axis": c.axes("axis")},
    "attention": lambda c: {"scale": bool(c.get("use_scale"))},
}
