"""What the tests of the PyTorch half of `twotrack check` share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import tensorflow as tf
import torch
from layer_pairs import drawn
from numpy.typing import NDArray
from torch import nn

from shared.parity.trace import Trace
from tf_track import layouts as tf_layouts
from tf_track import weights as tf_weights
from torch_track import backend as torch_backend
from torch_track.check import probes

Array = NDArray[Any]

FIRST = {"arrange": ["channels_first"]}
EXACT = 1e-12


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Both frameworks in float64, and no model held afterwards."""
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float64", 0)
    try:
        yield
    finally:
        probes.release()
        for backend in (tf_backend, torch_backend):
            backend.configure("cpu", "float32", 0)


def forward(arrays: Trace, **options: Any) -> probes.Found:
    plain = {"precision": "float64", "training": False, "plan": {}, "repairs": []}
    return probes.forward(arrays, **(plain | options))


def gradients(arrays: Trace, **options: Any) -> probes.Found:
    plain = {"precision": "float64", "training": False, "plan": {}, "repairs": []}
    return probes.gradients(arrays, **(plain | options))


def train(arrays: Trace, **options: Any) -> probes.Found:
    """On one batch."""
    plain = {"precision": "float64", "plan": {}, "repairs": [], "steps": 3}
    more = {"loss": "mse", "optimizer": "sgd"}
    batches = {key: array[None] for key, array in arrays.items()}
    return probes.train(batches, **(plain | more | options))


def close(found: Array, expected: Array, least: float = 0.0) -> None:
    """Equal to 12 digits of the largest number, or of `least` if that is larger."""
    assert found.shape == expected.shape
    assert np.isfinite(expected).all()
    scale = max(float(np.abs(expected).max()), least)
    np.testing.assert_allclose(found, expected, rtol=0, atol=EXACT * scale)


def model_of(shape: tuple[int, ...], *inner: Any, dtype: str | None = None) -> Any:
    """A functional model of Keras with random weights."""
    x = given = keras.Input(shape, dtype=dtype)
    for layer in inner:
        x = layer(x)
    model = keras.Model(given, x)
    if model.weights:
        tf_weights.load(model, drawn(tf_weights.export(model), 1))
    return model


def carried(model: keras.Model) -> Trace:
    """Keras' weights under `order/name`."""
    return {
        f"{order}/{name}": array
        for order, part in enumerate(tf_layouts.parts(model))
        for name, array in part.export().items()
    }


def keras_gradients(model: keras.Model, x: Array, training: bool) -> Trace:
    """The output, and gradients of its product with a fixed cotangent."""
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        if given.dtype.is_floating:
            tape.watch(given)
        out = model(given, training=training)
        cotangent = np.random.default_rng(7).standard_normal(out.shape)
        loss = tf.reduce_sum(out * cotangent)
    variables = tf_weights.named(model)
    order = {p.name: k for k, p in enumerate(tf_layouts.parts(model))}
    found = {"output": np.asarray(out), "cotangent": cotangent}
    wanted = [v.value for v in variables.values()]
    listed, own = tape.gradient(loss, [wanted, given])
    for name, gradient in zip(variables, listed, strict=True):
        layer, _, key = name.partition("/")
        while layer not in order:  # a path of several layers
            head, _, key = key.partition("/")
            layer = f"{layer}/{head}"
        neutral = tf_weights.neutral(model, name, gradient)
        found[f"gradient/{order[layer]}/{key}"] = neutral
    if own is not None:
        found["input"] = np.asarray(own)
    return found


def turned(array: Array, way: str) -> Array:
    """Of Keras' layout in PyTorch's."""
    return np.moveaxis(array, -1, 1) if way == "first" and array.ndim > 2 else array


def compare(
    model: keras.Model,
    module: nn.Module,
    x: Array,
    *repairs: dict[str, Any],
    way: str = "first",
    training: bool = False,
) -> None:
    """Assert equal outputs and gradients, and that without the repairs they differ."""
    ours = keras_gradients(model, x, training)
    probes.hold(module)
    if model.weights:
        probes.set_weights(carried(model))
    plan = FIRST if way == "first" and x.ndim > 2 else {}
    given = {"input/0": x, "cotangent/0": turned(ours["cotangent"], way)}
    theirs, _ = gradients(given, training=training, plan=plan, repairs=repairs)
    close(theirs["output/0"], turned(ours["output"], way))
    names = {name for name in ours if name.startswith("gradient/")}
    assert names <= theirs.keys()
    largest = max((float(np.abs(ours[name]).max()) for name in names), default=0.0)
    for name in names:
        close(theirs[name], ours[name], largest)
    if "input" in ours:
        close(theirs["input/0"], turned(ours["input"], way))
    assert differs(given, plan, training, turned(ours["output"], way))


def differs(given: Trace, plan: Any, training: bool, expected: Array) -> bool:
    """Whether the module has something else as it is."""
    own, _ = forward(given, training=training, plan=plan)
    found = own["output/0"]
    if found.shape != expected.shape:
        return True
    return not np.abs(found - expected).max() <= 1e-6  # or no number


def normal(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape)


def as_keras(**settings: Any) -> dict[str, Any]:
    return {"do": "as_keras", "order": 0, "kind": "", "settings": settings}


CELLS = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


class Sequence(nn.Module):
    """The outputs of a recurrent layer without its state."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x)[0]


class Calls(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: torch.Tensor) -> Any:
        return self.function(*x)


def glue(op: str, id: str = "", **settings: Any) -> dict[str, Any]:
    return {"do": "glue", "id": id or f"{op}#0", "op": op, "settings": settings}
