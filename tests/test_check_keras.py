"""The probes of a Keras model: precision in place, and the model left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from keras_models import MODELS, built

# isort: split
import keras
from numpy.typing import NDArray

from shared.errors import UsageError
from shared.parity.trace import Trace
from tf_track import backend
from tf_track.check import probes

EVERY = pytest.mark.parametrize("name", MODELS)
PRECISIONS = pytest.mark.parametrize("precision", ["float32", "float64"])


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    backend.configure("cpu", "float32", 0)
    yield
    probes.release()
    backend.configure("cpu", "float32", 0)


def fed(batch: list[NDArray[Any]]) -> Trace:
    return {f"input/{k}": array for k, array in enumerate(batch)}


def named(name: str, batch: list[NDArray[Any]]) -> Any:
    """The batch as the model's own users give it."""
    return {"b": batch[1], "a": batch[0]} if name == "nested" else batch[0]


def forward(batch: list[NDArray[Any]], **options: Any) -> probes.Found:
    plain = {"precision": "float64", "training": False, "plan": {}, "repairs": []}
    return probes.forward(fed(batch), **(plain | options))


def gradients(arrays: Trace, **options: Any) -> probes.Found:
    plain = {"precision": "float64", "training": True, "plan": {}, "repairs": []}
    return probes.gradients(arrays, **(plain | options))


def train(arrays: Trace, **options: Any) -> probes.Found:
    plain = {"precision": "float64", "plan": {}, "repairs": [], "steps": 3}
    more = {"loss": None, "optimizer": "sgd"}
    return probes.train(arrays, **(plain | more | options))


def cotangents(trace: Trace) -> Trace:
    """Weights for the outputs in a trace."""
    generator = np.random.default_rng(1)
    return {
        key.replace("output", "cotangent"): generator.standard_normal(array.shape)
        for key, array in trace.items()
        if key.startswith("output/")
    }


def probed(batch: list[NDArray[Any]]) -> None:
    """Ask everything once."""
    probes.describe()
    forward(batch, precision="float32", record="all")
    trace, _ = forward(batch, training=True, record="all", twin=2)
    arrays = fed(batch) | cotangents(trace)
    gradients(arrays)
    batches = {key: array[None] for key, array in arrays.items()}
    train(batches, optimizer="adam", steps=1)


# The precision is changed in place


@EVERY
def test_float64_is_what_a_model_built_in_float64_computes(name: str) -> None:
    model, batch = built(name)
    probes.hold(model)
    found, facts = forward(batch)
    assert "failed" not in facts
    backend.configure("cpu", "float64", 0)
    other, _ = built(name)
    for mine, theirs in zip(other.weights, model.weights, strict=True):
        mine.assign(theirs.numpy())
    expected = keras.tree.flatten(other(named(name, batch), training=False))
    assert len(expected) == len(facts["outputs"])
    for k, output in enumerate(expected):
        array = found[f"output/{k}"]
        assert array.dtype == np.float64
        error = np.abs(array - backend.array(output)).max()
        # Which constants are rounded to float32 may differ; what is computed may not.
        assert error <= (1e-7 if name in ("subclassed", "attention") else 1e-14)


@EVERY
def test_float32_is_what_the_model_computes(name: str) -> None:
    model, batch = built(name)
    given = named(name, [x.astype(np.float32) for x in batch])
    outputs = keras.tree.flatten(model(given, training=False))
    expected = [backend.array(x) for x in outputs]
    probes.hold(model)
    found, _ = forward(batch, precision="float32")
    for k, output in enumerate(expected):
        assert found[f"output/{k}"].tobytes() == output.tobytes()


@EVERY
def test_both_precisions_agree(name: str) -> None:
    model, batch = built(name)
    probes.hold(model)
    for training in (False, True):
        wide, _ = forward(batch, record="all", training=training)
        narrow, _ = forward(batch, record="all", training=training, precision="float32")
        assert wide.keys() == narrow.keys()
        for key, array in wide.items():
            if array.dtype.kind == "f":
                assert (array.dtype, narrow[key].dtype) == (np.float64, np.float32)
                scale = np.abs(array).max()
                assert np.abs(array - narrow[key]).max() <= 3e-5 * scale, key


@PRECISIONS
def test_the_same_answer_twice(precision: str) -> None:
    """Also in training mode: what draws is off, and statistics start anew."""
    model, batch = built("image")
    probes.hold(model)
    given = {"precision": precision, "training": True, "record": "all"}
    first, second = forward(batch, **given)[0], forward(batch, **given)[0]
    assert first.keys() == second.keys()
    assert all(first[key].tobytes() == second[key].tobytes() for key in first)


# The model is left as it was


@EVERY
def test_the_model_is_as_it_was(name: str) -> None:
    model, batch = built(name)
    predicted = model.predict(named(name, batch), verbose=0)
    traced = model.predict_function
    layers = model._flatten_layers()
    before = [(v, v._value, v.numpy(), v.dtype) for v in model.variables]
    policies = [layer._dtype_policy for layer in layers]
    attributes = [dict(vars(layer)) for layer in layers]
    probes.hold(model)
    probed(batch)
    probes.set_weights({k: a + 1 for k, a in probes.weights()[0].items()})
    probed(batch)
    probes.release()
    for variable, held, value, dtype in before:
        assert variable._value is held
        assert variable.dtype == dtype
        assert variable.numpy().tobytes() == value.tobytes()
    assert [layer._dtype_policy for layer in layers] == policies
    for layer, known in zip(layers, attributes, strict=True):
        assert vars(layer).keys() == known.keys()
        assert all(vars(layer)[key] is known[key] for key in known)
    assert keras.config.floatx() == keras.config.dtype_policy().name == "float32"
    again = model.predict(named(name, batch), verbose=0)
    assert model.predict_function is traced
    for mine, theirs in zip(*map(keras.tree.flatten, (predicted, again)), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("name", ["image", "subclassed", "nested"])
def test_training_goes_on_as_if_nothing_had_been(name: str) -> None:
    """What is compiled still holds, and dropout draws the same masks."""
    after = []
    for checked in (False, True):
        model, batch = built(name)
        model.compile("adam", "mse")
        given = named(name, batch)
        target = model.predict(given, verbose=0)
        options: dict[str, Any] = {"verbose": 0, "shuffle": False}
        model.fit(given, target, **options)
        if checked:
            probes.hold(model)
            probed(batch)
            probes.release()
        model.fit(given, target, epochs=2, **options)
        found = [v.numpy() for v in model.variables]
        after.append([*found, *keras.tree.flatten(model.predict(given, verbose=0))])
    for mine, theirs in zip(*after, strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_an_error_leaves_the_model_as_it_was() -> None:
    model, batch = built("image")
    held = [variable._value for variable in model.variables]
    probes.hold(model)
    with pytest.raises(UsageError):
        forward([batch[0][:, :, :, :2]])
    assert all(v._value is x for v, x in zip(model.variables, held, strict=True))
    assert keras.config.floatx() == "float32"
    assert forward(batch)[1]["finite"]
