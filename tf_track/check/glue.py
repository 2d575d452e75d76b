"""Neutral names and settings of what stands between the layers that hold weights.

Activations, poolings, reshapings: as a layer of Keras' own, as an operation of a
functional model, or as a function that the user's code calls.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from tf_track.check.functions import keras_kind

Settings: TypeAlias = dict[str, Any]
Told: TypeAlias = tuple[str, Settings]

TRIVIAL = {
    "activity_regularization",
    "convert_to_tensor",
    "copy",
    "dtype",
    "get",
    "identity",
    "linear",
    "shape",
    "size",
    "stop_gradient",
    "tensor_scatter_nd_update",
}
"""What changes no number."""

_ALIASES = {
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
    "max_pooling": "max_pool",
    "moveaxis": "permute",
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
    "truediv": "divide",
    "unit_normalization": "normalize",
    "unstack": "split",
    "up_sampling": "upsample",
    "zero_padding": "pad",
}


class Call:
    """One call, whose arguments are found by name however they were given.

    Attributes:
        name: of the layer's class, the operation or the function, in snake case.
        inputs: the tensors that went in.
        output: the first tensor that came out.
    """

    def __init__(
        self,
        called: Any,
        args: Sequence[Any],
        named: Mapping[str, Any],
        output: Any,
        name: str = "",
    ) -> None:
        if isinstance(called, functools.partial):
            args, named = (*called.args, *args), {**called.keywords, **named}
            called = called.func
        self.name = _snake(name or name_of(called))
        self.inputs = tensors((args, named))
        self.output = tensors(output)[0]
        own = isinstance(called, keras.Operation)
        self._values = {**(vars(called) if own else {}), **_bound(called, args, named)}

    def get(self, *names: str, default: Any = None) -> Any:
        """The value of the first argument or attribute of these names."""
        return next((self._values[n] for n in names if n in self._values), default)

    @property
    def rank(self) -> int:
        """Of the first input."""
        return len(self.inputs[0].shape)

    def axes(self, *names: str) -> Any:
        """An axis counted from the end; a list where there are several."""
        axis = self.get(*names)
        if isinstance(axis, (list, tuple)):
            return sorted(int(a) % self.rank - self.rank for a in axis)
        return axis if axis is None else int(axis) % self.rank - self.rank


def tell(
    called: Any,
    args: Sequence[Any],
    named: Mapping[str, Any],
    out: Any,
    name: str = "",
) -> Told:
    """The neutral name of what was called, and its settings.

    Args:
        called: a layer, an operation of a functional model, or a function.
        args: what it was given.
        named: what it was given by name.
        out: what came out.
        name: of the function, where it is known by another than its own.
    """
    if isinstance(called, keras.layers.Activation):
        return tell(called.activation, args[:1], {}, out)
    call = Call(called, args, named, out, name)
    op = _ALIASES.get(call.name, call.name)
    settings = _SETTINGS[op](call) if op in _SETTINGS else {}
    return _merged(op, settings, call)


def tell_activation(function: Any) -> Told:
    """The name and the settings of an activation that is not called yet."""
    x = tf.zeros((1, 2))
    return tell(function, (x,), {}, x)


def name_of(called: Any) -> str:
    """The name of a function, or of a class of Keras' that it is a kind of."""
    if isinstance(called, keras.layers.Layer):
        return (keras_kind(called) or type(called)).__name__
    return str(getattr(called, "__name__", type(called).__name__)).strip("_<>")


def _snake(name: str) -> str:
    """In snake case, without the dimension at its end."""
    name = re.sub("(?<=[a-z])[123][dD]$", "", name)
    return re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def tensors(nested: Any) -> list[tf.Tensor]:
    """The tensors in it, in order, without masks and the like."""
    flat = keras.tree.flatten(nested)
    return [x for x in flat if isinstance(x, tf.Tensor) and x.dtype != tf.bool]


def _bound(called: Any, args: Sequence[Any], named: Mapping[str, Any]) -> Settings:
    function = called.call if isinstance(called, keras.Operation) else called
    try:
        bound = inspect.signature(function).bind(*args, **named)
    except (TypeError, ValueError):
        return dict(named)
    bound.apply_defaults()
    return dict(bound.arguments)


def _merged(op: str, settings: Settings, call: Call) -> Told:
    """The same thing under one name, however it was written."""
    if op == "relu6":
        return "relu", {**_relu(call), "max_value": 6.0}
    if op == "relu" and settings["negative_slope"]:
        return "leaky_relu", {"slope": settings["negative_slope"]}
    if op == "clip" and call.get("x_min", "clip_value_min") == 0:
        highest = call.get("x_max", "clip_value_max")
        return "relu", {**_relu(call), "max_value": _number(highest)}
    shape = call.output.shape
    if op in ("flatten", "reshape") and call.rank > 2 == len(shape):
        return "flatten", _SETTINGS["flatten"](call)
    spatial = list(range(1 - call.rank, -1))
    if op in ("mean", "max") and settings["axis"] in (spatial, *spatial):
        return {"mean": "global_avg_pool"}.get(op, "global_max_pool"), {}
    return op, settings


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
    size = _each(call.get("pool_size", "ksize"), spatial)
    strides = call.get("strides")
    padding = call.get("padding", default="valid")
    return {
        "size": size,
        "stride": size if strides is None else _each(strides, spatial),
        "padding": padding.lower() if isinstance(padding, str) else padding,
        "dilation": [1] * spatial,
        "ceil": False,
    }


def _each(value: Any, count: int) -> list[int]:
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
        size = {"scale": _each(call.get("size"), call.rank - 2)}
    else:
        size = {"size": [int(n) for n in call.output.shape[1:-1]]}
    return {
        **size,
        "mode": str(call.get("interpolation", "method", default="nearest")),
        "align_corners": False,
    }


def _dropout(call: Call) -> Settings:
    rate = float(call.get("rate") or 0)
    # A function has no such argument: whoever calls it drops.
    training = call.get("training", default=True)
    return {"rate": rate, "active": bool(training) and rate > 0}


def _noise(call: Call) -> Settings:
    size = float(call.get("stddev", "rate", default=0) or 0)
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


_SETTINGS: Mapping[str, Callable[[Call], Settings]] = {
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
