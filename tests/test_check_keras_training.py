"""The probes of a Keras model: gradients, losses, optimizers, steps of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_models import built
from test_check_keras import cotangents, fed, forward, gradients, train

# isort: split
import keras
import tensorflow as tf
from keras import layers, losses, optimizers
from numpy.typing import NDArray

from shared.errors import UsageError
from tf_track import backend
from tf_track.check import probes

RANDOM = np.random.default_rng(5)
X = RANDOM.standard_normal((6, 4))
Y = RANDOM.standard_normal((6, 3))
CLASSES = RANDOM.integers(0, 3, 6)


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    backend.configure("cpu", "float32", 0)
    keras.utils.clear_session()
    yield
    probes.release()


def linear(units: int = 3, **options: Any) -> keras.Model:
    """One layer, held by the probes."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, **options)])
    model.layers[0].bias.assign(0.1 * np.arange(units))
    probes.hold(model)
    return model


def weights64() -> dict[str, NDArray[np.float64]]:
    return {k: a.astype(np.float64) for k, a in probes.weights()[0].items()}


# Gradients


def test_gradients_by_hand() -> None:
    linear()
    w = weights64()
    residual = X @ w["0/kernel"] + w["0/bias"] - Y
    trace, facts = gradients({"input/0": X, "target/0": Y}, loss="mse")
    expected = {
        "loss": np.mean(residual**2),
        "gradient/0/kernel": 2 / 18 * X.T @ residual,
        "gradient/0/bias": 2 / 18 * residual.sum(0),
        "input/0": 2 / 18 * residual @ w["0/kernel"].T,
    }
    for key, array in expected.items():
        assert trace[key].dtype == np.float64
        np.testing.assert_allclose(trace[key], array, rtol=1e-12)
    assert trace.keys() == {*expected, "output/0"}
    assert (facts["none"], facts["finite"]) == ([], True)


def test_gradients_of_a_weighted_sum() -> None:
    """What an output does not depend on is told, and a frozen layer has none."""
    given = keras.Input((4,), name="given")
    unused = keras.Input((2,), name="unused")
    frozen = layers.Dense(3, trainable=False)
    outputs = [frozen(given), layers.Dense(2)(unused), layers.Dense(5)(given)]
    probes.hold(keras.Model([given, unused], outputs))
    arrays = {"input/0": X, "input/1": X[:, :2], "cotangent/2": RANDOM.random((6, 5))}
    trace, facts = gradients(arrays)
    assert facts["none"] == ["1/kernel", "1/bias", "input/1"]
    assert not trace["gradient/1/kernel"].any()
    assert not any(key.startswith("gradient/0") for key in trace)
    expected = X.T @ arrays["cotangent/2"]
    np.testing.assert_allclose(trace["gradient/2/kernel"], expected, rtol=1e-13)
    about = probes.describe()[1]
    assert about["trainable"]["0"] == {"kernel": False, "bias": False}


@pytest.mark.parametrize("name", ["subclassed", "recurrent", "nested"])
def test_gradients_by_differences(name: str) -> None:
    """Through the user's own code, an embedding, and a layer that is called twice."""
    model, batch = built(name)
    probes.hold(model)
    start = weights64()
    weighted = cotangents(forward(batch)[0])
    trace, facts = gradients(fed(batch) | weighted, training=False)
    assert facts["none"] == []
    found = {
        key.removeprefix("gradient/"): array
        for key, array in trace.items()
        if key.startswith("gradient/")
    }
    assert all("moving" in key for key in start.keys() - found.keys())
    along = {key: RANDOM.standard_normal(array.shape) for key, array in found.items()}

    def moved(by: float) -> float:
        probes.set_weights({key: start[key] + by * along[key] for key in along})
        outputs, _ = forward(batch)
        keys = [key.replace("cotangent", "output") for key in weighted]
        pairs = zip(keys, weighted.values(), strict=True)
        return sum(float((outputs[key] * weight).sum()) for key, weight in pairs)

    slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
    expected = sum(float((found[key] * along[key]).sum()) for key in along)
    np.testing.assert_allclose(slope, expected, rtol=1e-6)


# Losses

PROBABILITIES = {"activation": "softmax"}
LOSSES: list[tuple[str, Any, dict[str, Any], Callable[..., Any]]] = [
    ("mse", Y, {}, lambda y, p: ((y - p) ** 2).mean()),
    ("mae", Y, {}, lambda y, p: np.abs(y - p).mean()),
    (
        "huber",
        3 * Y,
        {},
        lambda y, p: np.where(
            np.abs(y - p) <= 1, (y - p) ** 2 / 2, np.abs(y - p) - 0.5
        ).mean(),
    ),
    (
        "bce",
        (Y > 0).astype(float),
        {"activation": "sigmoid"},
        lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(),
    ),
    (
        "bce_logits",
        (Y > 0).astype(float),
        {},
        lambda y, p: (np.log1p(np.exp(p)) - y * p).mean(),
    ),
    (
        "cross_entropy",
        CLASSES,
        {},
        lambda y, p: (np.log(np.exp(p).sum(-1)) - p[np.arange(6), y]).mean(),
    ),
    (
        "cross_entropy_probs",
        CLASSES,
        PROBABILITIES,
        lambda y, p: -np.log(p[np.arange(6), y]).mean(),
    ),
    (
        "kld",
        np.abs(Y) / np.abs(Y).sum(-1, keepdims=True),
        PROBABILITIES,
        lambda y, p: (y * np.log(y / p)).sum(-1).mean(),
    ),
    (
        "poisson",
        np.abs(Y),
        {"activation": "softplus"},
        lambda y, p: (p - y * np.log(p + 1e-7)).mean(),
    ),
    (
        "hinge",
        np.sign(Y),
        {},
        lambda y, p: np.maximum(1 - y * p, 0).mean(),
    ),
]


@pytest.mark.parametrize(("name", "target", "options", "by_hand"), LOSSES)
def test_losses_by_hand(
    name: str, target: NDArray[Any], options: Any, by_hand: Callable[..., Any]
) -> None:
    linear(**options)
    arrays = {"input/0": X, "target/0": target}
    for precision, limit in (("float64", 1e-12), ("float32", 1e-5)):
        trace, facts = gradients(arrays, loss=name, precision=precision)
        output = trace["output/0"].astype(np.float64)
        assert trace["loss"].dtype == precision
        np.testing.assert_allclose(trace["loss"], by_hand(target, output), rtol=limit)
    told = facts["loss_settings"]
    assert told["type"] == name.removesuffix("_logits").removesuffix("_probs")
    assert (told["reduction"], told["warnings"]) == ("mean", [])
    assert told["output_shape"] == [6, 3]
    assert told["target_shape"] == list(target.shape)
    if "bce" in name or "cross" in name:
        assert told["from_logits"] is (name in ("bce_logits", "cross_entropy"))
        assert told["label_smoothing"] == 0.0


def test_a_loss_of_the_users_tells_what_it_asks_for() -> None:
    """As an object, in a function, or as one of Keras' functions."""
    linear()
    smooth = losses.CategoricalCrossentropy(label_smoothing=0.1, reduction="sum")

    def weighted(target: tf.Tensor, output: tf.Tensor) -> tf.Tensor:
        return 2.0 * losses.sparse_categorical_crossentropy(target, output, True)

    one_hot = np.eye(3)[CLASSES]
    for loss, target, type_, settings in (
        (smooth, one_hot, "cross_entropy", ("sum", False, 0.1)),
        (lambda y, p: smooth(y, p), one_hot, "cross_entropy", ("sum", False, 0.1)),
        (weighted, CLASSES, "cross_entropy", ("mean", True, 0.0)),
        (losses.binary_crossentropy, one_hot, "bce", ("mean", False, 0.0)),
    ):
        arrays = {"input/0": X, "target/0": target}
        trace, facts = gradients(arrays, loss=loss)
        told = facts["loss_settings"]
        found = told["reduction"], told["from_logits"], told["label_smoothing"]
        assert (told["type"], found) == (type_, settings)
        assert trace["loss"].dtype == np.float64
    assert smooth.dtype == "float32"
    assert losses.Loss.__call__.__qualname__ == "Loss.__call__"


def test_a_loss_in_float64_is_not_rounded() -> None:
    """Also a Keras loss that was built in float32."""
    linear()
    arrays = {"input/0": X, "target/0": Y}
    loss = losses.MeanSquaredError()
    trace, _ = gradients(arrays, loss=loss)
    again, _ = gradients(arrays, loss=lambda y, p: loss(y, p))
    expected = np.mean((Y - trace["output/0"]) ** 2)
    np.testing.assert_allclose(trace["loss"], expected, rtol=1e-14)
    assert again["loss"] == trace["loss"]


def test_logits_of_a_softmax_are_warned_of() -> None:
    linear(activation="softmax")
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    _, facts = gradients({"input/0": X, "target/0": CLASSES}, loss=loss)
    (told,) = facts["loss_settings"]["warnings"]
    assert "from_logits=True" in told


def test_several_outputs_and_targets() -> None:
    """The loss is the sum; an output without a target does not count."""
    given = keras.Input((4,))
    outputs = {"b": layers.Dense(3)(given), "a": layers.Dense(3)(given)}
    probes.hold(keras.Model(given, outputs | {"c": layers.Dense(1)(given)}))
    arrays = {"input/0": X, "target/0": Y, "target/1": Y + 1}
    trace, facts = gradients(arrays, loss="mse")
    expected = sum(
        np.mean((trace[f"output/{k}"] - arrays[f"target/{k}"]) ** 2) for k in (0, 1)
    )
    np.testing.assert_allclose(trace["loss"], expected, rtol=1e-13)
    assert [one["path"] for one in facts["outputs"]] == ["['a']", "['b']", "['c']"]
    assert len(facts["none"]) == 2


def test_losses_that_are_none(tmp_path: Path) -> None:
    linear()
    arrays = {"input/0": X, "target/0": Y}
    with pytest.raises(UsageError, match=r"no loss 'msee' \(did you mean 'mse'\?\)"):
        gradients(arrays, loss="msee")
    with pytest.raises(UsageError, match="the Keras loss is int"):
        gradients(arrays, loss=3)
    file = tmp_path / "own.py"
    file.write_text(
        "import keras\n\ndef bad(y, p):\n    return y.nothing\n\n\n"
        "def made():\n    return keras.losses.Huber(delta=2.0)\n\n\nnumber = 3\n"
    )
    with pytest.raises(UsageError, match=r"own\.py, line 4, in bad: AttributeError"):
        gradients(arrays, loss=f"{file}:bad")
    with pytest.raises(UsageError, match="the Keras loss is int"):
        gradients(arrays, loss=f"{file}:number")
    with pytest.raises(UsageError, match="has no 'nothing'"):
        gradients(arrays, loss=f"{file}:nothing")
    told = gradients(arrays, loss=f"{file}:made")[1]["loss_settings"]
    assert (told["type"], told["delta"]) == ("huber", 2.0)


# Training


def test_steps_of_sgd_by_hand() -> None:
    """One batch after the other, round and round."""
    linear()
    w = weights64()
    batches = np.stack([X, X[::-1] + 0.5])
    targets = np.stack([Y, 2 * Y])
    found = []
    seen = {}
    for t in range(5):
        x, y = batches[t % 2], targets[t % 2]
        residual = x @ w["0/kernel"] + w["0/bias"] - y
        found.append(np.mean(residual**2))
        w["0/kernel"] = w["0/kernel"] - 0.125 * 2 / 18 * x.T @ residual
        w["0/bias"] = w["0/bias"] - 0.125 * 2 / 18 * residual.sum(0)
        seen[t + 1] = w["0/kernel"]
    arrays = {"input/0": batches, "target/0": targets}
    trace, facts = train(arrays, loss="mse", optimizer="sgd:0.125", steps=5)
    np.testing.assert_allclose(trace["losses"], found, rtol=1e-12)
    for k in (1, 2, 3):
        np.testing.assert_allclose(trace[f"step/{k}/0/kernel"], seen[k], rtol=1e-12)
    assert not any(key.startswith("step/4") for key in trace)
    np.testing.assert_allclose(trace["final/0/bias"], w["0/bias"], rtol=1e-11)
    assert facts["optimizer"]["learning_rate"] == 0.125
    assert probes.weights()[0]["0/kernel"].dtype == np.float32


def schedule() -> Any:
    return optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)


OPTIMIZERS: list[tuple[Callable[[], Any], dict[str, Any]]] = [
    (lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True), {"nesterov": True}),
    (lambda: optimizers.SGD(schedule(), momentum=0.9), {"schedule": True}),
    (lambda: optimizers.Adam(0.001, epsilon=1e-3), {"epsilon": 1e-3}),
    (lambda: optimizers.Adam(0.01, clipnorm=0.1), {"clipnorm": 0.1}),
    (lambda: optimizers.Adam(0.01, global_clipnorm=0.1), {"global_clipnorm": 0.1}),
    (lambda: optimizers.AdamW(0.01, weight_decay=0.1), {"weight_decay": 0.1}),
    (lambda: optimizers.RMSprop(0.01, centered=True), {"centered": True}),
    (lambda: optimizers.Adagrad(0.01), {"initial_accumulator_value": 0.1}),
    (lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2), {}),
]


@pytest.mark.parametrize(("make", "expected"), OPTIMIZERS)
def test_training_is_what_fit_does(
    make: Callable[[], Any], expected: dict[str, Any]
) -> None:
    """With the user's optimizer, regularizers, constraints and statistics."""
    keras.utils.set_random_seed(1)
    regular = keras.regularizers.L2(0.01)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, activation="tanh", kernel_regularizer=regular),
            layers.BatchNormalization(momentum=0.5),
            layers.Dense(3, kernel_constraint=keras.constraints.MaxNorm(0.5)),
        ]
    )
    optimizer = make()
    probes.hold(model)
    arrays = {"input/0": X[None], "target/0": Y[None]}
    options = {"loss": losses.MeanSquaredError(), "optimizer": optimizer, "steps": 4}
    trace, facts = train(arrays, precision="float32", **options)
    wide, _ = train(arrays, **options)
    assert optimizer.iterations == 0 and not optimizer.built
    told = facts["optimizer"]
    assert told | expected == told
    assert told["rule"] == type(optimizer).__name__.lower()
    model.compile(optimizer, "mse")
    history = model.fit(X, Y, batch_size=6, epochs=4, shuffle=False, verbose=0)
    np.testing.assert_allclose(trace["losses"], history.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(wide["losses"], history.history["loss"], rtol=1e-5)
    for key, array in probes.weights()[0].items():
        scale = np.abs(array).max()
        assert np.abs(trace[f"final/{key}"] - array).max() <= 2e-5 * scale, key
    assert facts["loss_settings"]["type"] == "mse"


def test_a_rate_is_what_was_written() -> None:
    """An optimizer holds it in float32; a copy in float64 has the number itself."""
    linear()
    arrays = {"input/0": X[None], "target/0": Y[None]}
    options = {"loss": "mse", "steps": 1}
    _, facts = train(arrays, optimizer=optimizers.Adam(0.001), **options)
    assert facts["optimizer"]["learning_rate"] == 0.001
    for name in ("sgd", "momentum", "adam", "adamw", "rmsprop"):
        _, facts = train(arrays, optimizer=name, **options)
        assert facts["optimizer"]["learning_rate"] == 0.001
    for name in ("adagrad", "adadelta", "adamax", "nadam"):
        _, facts = train(arrays, optimizer=f"{name}:0.5", **options)
        assert facts["optimizer"]["learning_rate"] == 0.5
        assert facts["optimizer"]["rule"] == name


def test_training_without_a_loss() -> None:
    """The outputs' weighted sum alone, and no regularizer."""
    linear(kernel_regularizer=keras.regularizers.L2(1.0))
    arrays = {"input/0": X[None], "cotangent/0": Y[None]}
    trace, facts = train(arrays, optimizer="sgd:1.0", steps=1)
    step = weights64()["0/kernel"] - trace["step/1/0/kernel"]
    np.testing.assert_allclose(step, X.T @ Y, rtol=1e-12)
    assert "loss_settings" not in facts
    assert probes.describe()[1]["notes"] == ["dense: kernel regularized"]


def test_optimizers_that_are_none(tmp_path: Path) -> None:
    linear()
    file = tmp_path / "own.py"
    file.write_text(
        "import keras\n\n\ndef made():\n    return keras.optimizers.SGD(0.25)\n\n\n"
        "def fails():\n    raise ValueError('no')\n\n\nnumber = 3\n"
    )
    arrays = {"input/0": X[None], "target/0": Y[None]}
    for asked, told in (
        ("addam", r"no optimizer 'addam' \(did you mean 'adam'\?\)"),
        ("adam:fast", "'fast' in 'adam:fast' is no learning rate"),
        (3, "int is no Keras optimizer"),
        (f"{file}:number", "number in .* is no Keras optimizer"),
        (f"{file}:fails", "own.py, line 9, in fails: ValueError: no"),
    ):
        with pytest.raises(UsageError, match=told):
            train(arrays, loss="mse", optimizer=asked)
    _, facts = train(arrays, loss="mse", optimizer=f"{file}:made")
    assert facts["optimizer"]["learning_rate"] == 0.25
