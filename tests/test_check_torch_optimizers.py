"""PyTorch's optimizers by Keras' rule, exact in float64."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from torch_probes import (
    Array,
    carried,
    close,
    float64,
    gradients,
    model_of,
    normal,
    train,
)

# isort: split
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import layers
from torch import nn

from shared.errors import UsageError
from shared.parity.trace import Trace
from torch_track.check import probes
from torch_track.check.optimizers import NAMED as OPTIMIZERS

K = keras.optimizers
T = torch.optim
L = keras.losses

X, Y = normal(6, 5), normal(6, 1) ** 2


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with float64():
        yield


def keras_training(
    model: keras.Model, optimizer: K.Optimizer, x: Array, y: Array, steps: int
) -> Trace:
    """The weights after each step that makes the mean squared error smaller."""
    found = {}
    for step in range(1, steps + 1):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        listed = tape.gradient(loss, [v.value for v in model.trainable_variables])
        optimizer.apply(listed, model.trainable_variables)
        found |= {f"step/{step}/{name}": a for name, a in carried(model).items()}
    return found


def stepped(
    model: keras.Model,
    module: nn.Module,
    ours: Callable[[], K.Optimizer],
    theirs: Any,
    fixes: list[dict[str, Any]],
    x: Array = X,
) -> float:
    """How far the weights are apart at most after three steps."""
    probes.hold(module)
    probes.set_weights(carried(model))
    given = {"input/0": x, "target/0": Y}
    found, _ = train(given, optimizer=theirs, repairs=fixes)
    expected = keras_training(model, ours(), x, Y, 3)
    assert expected.keys() <= found.keys()
    return max(float(np.abs(found[n] - a).max()) for n, a in expected.items())


def fix(name: str, **settings: Any) -> dict[str, Any]:
    return {"do": "optimizer", "fix": name, "settings": settings}


SINGLE = fix("float32_hyperparameters")
EPSILON = fix("epsilon")
KERAS_EPSILON = fix("set", epsilon=1e-7)
HALF = K.schedules.ExponentialDecay(0.125, 1, 0.5)


def halved(**options: Any) -> Any:
    """An optimizer with a scheduler."""
    return lambda p: T.lr_scheduler.ExponentialLR(T.SGD(p, 0.125, **options), 0.5)


RULES: dict[str, tuple[Any, Any, list[dict[str, Any]]]] = {
    "sgd": (lambda: K.SGD(0.001), "sgd", []),
    "momentum": (lambda: K.SGD(0.001, 0.9), "momentum", [SINGLE]),
    "adam": (lambda: K.Adam(), "adam", [KERAS_EPSILON, EPSILON, SINGLE]),
    "adamw": (
        lambda: K.AdamW(),
        "adamw:0.001",
        [fix("set", epsilon=1e-7, weight_decay=0.004), EPSILON, SINGLE],
    ),
    "rmsprop": (
        lambda: K.RMSprop(),
        "rmsprop",
        [fix("set", epsilon=1e-7, rho=0.9), EPSILON],
    ),
    "adagrad": (
        lambda: K.Adagrad(),
        "adagrad",
        [fix("set", epsilon=1e-7, initial_accumulator_value=0.1), EPSILON, SINGLE],
    ),
    "adagrad that differs in its start": (
        lambda: K.Adagrad(epsilon=0),
        lambda p: T.Adagrad(p, 0.001, eps=0),
        [fix("set", initial_accumulator_value=0.1), SINGLE],
    ),
    "adadelta": (
        lambda: K.Adadelta(),
        "adadelta",
        [fix("set", epsilon=1e-7, rho=0.95)],
    ),
    "adamax": (lambda: K.Adamax(), "adamax", [KERAS_EPSILON, EPSILON, SINGLE]),
    "nadam": (lambda: K.Nadam(), "nadam", [KERAS_EPSILON, EPSILON, SINGLE]),
    "nadam, epsilon as it is": (
        lambda: K.Nadam(0.125, epsilon=2**-10),
        lambda p: T.NAdam(p, 0.125, eps=2**-10),
        [EPSILON, SINGLE],
    ),
    "decoupled decay": (
        lambda: K.SGD(0.125, 0.5, weight_decay=0.25),
        lambda p: T.SGD(p, 0.125, 0.5, weight_decay=0.25),
        [fix("decoupled")],
    ),
    "decay of Adam": (
        lambda: K.Adam(0.125, weight_decay=0.1),
        lambda p: T.Adam(p, 0.125, weight_decay=0.1),
        [KERAS_EPSILON, EPSILON, fix("decoupled"), SINGLE],
    ),
    "decay and betas of AdamW": (
        lambda: K.AdamW(0.125, weight_decay=0.1, beta_1=0.7, beta_2=0.8),
        lambda p: T.AdamW(p, 0.125, weight_decay=0.1),
        [fix("set", epsilon=1e-7, beta_1=0.7, beta_2=0.8), EPSILON, SINGLE],
    ),
    "centered": (
        lambda: K.RMSprop(0.125, 0.875, 0.5, 2**-10, centered=True),
        lambda p: T.RMSprop(p, 0.125, 0.875, 2**-10, momentum=0.5, centered=True),
        [EPSILON],
    ),
    "amsgrad": (
        lambda: K.Adam(0.125, amsgrad=True),
        lambda p: T.Adam(p, 0.125, amsgrad=True),
        [KERAS_EPSILON, EPSILON, SINGLE],
    ),
    "another rule": (
        lambda: K.RMSprop(0.125, 0.875, epsilon=2**-10),
        "adam",
        [
            fix(
                "rule",
                rule="rmsprop",
                learning_rate=0.125,
                rho=0.875,
                epsilon=2**-10,
                momentum=0.0,
                centered=False,
                weight_decay=None,
                clipnorm=None,
            ),
            EPSILON,
        ],
    ),
    "a rule that PyTorch lacks, which changes nothing": (
        lambda: K.SGD(0.5),
        "sgd:0.25",
        [fix("rule", rule="ftrl", learning_rate=0.5)],
    ),
    "rate": (lambda: K.SGD(0.5), "sgd:0.25", [fix("set", learning_rate=0.5)]),
    "nesterov": (
        lambda: K.SGD(0.5, 0.5, nesterov=True),
        lambda p: T.SGD(p, 0.5, 0.5),
        [fix("set", nesterov=True)],
    ),
    "clipped": (
        lambda: K.SGD(0.125, clipnorm=2**-6),
        "sgd:0.125",
        [fix("clip", clipnorm=2**-6)],
    ),
    "clipped together": (
        lambda: K.SGD(0.125, global_clipnorm=2**-6),
        "sgd:0.125",
        [fix("clip", global_clipnorm=2**-6)],
    ),
    "clipped by value": (
        lambda: K.SGD(0.125, clipvalue=2**-6),
        "sgd:0.125",
        [fix("clip", clipvalue=2**-6)],
    ),
    "momentum with a schedule": (
        lambda: K.SGD(HALF, 0.875),
        halved(momentum=0.875),
        [fix("momentum_schedule")],
    ),
    "Nesterov's with a schedule": (
        lambda: K.SGD(HALF, 0.875, nesterov=True),
        halved(momentum=0.875, nesterov=True),
        [fix("momentum_schedule")],
    ),
}


def dense() -> tuple[keras.Model, nn.Module]:
    model = model_of((5,), layers.Dense(4, "tanh"), layers.Dense(1))
    return model, nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))


def test_common_names() -> None:
    """Each is compared with Keras' of that name."""
    assert OPTIMIZERS.keys() <= RULES.keys()


@pytest.mark.parametrize("name", RULES)
def test_optimizers_by_keras_rule(name: str) -> None:
    ours, theirs, fixes = RULES[name]
    assert stepped(*dense(), ours, theirs, fixes) < 1e-14
    if fixes:
        assert stepped(*dense(), ours, theirs, []) > 1e-12


def test_coupled_decay() -> None:
    """The other way round: an l2 penalty in Keras, AdamW in PyTorch."""

    def make() -> tuple[keras.Model, nn.Module]:
        penalty = keras.regularizers.L2(0.125)
        model = model_of(
            (5,), layers.Dense(1, kernel_regularizer=penalty, use_bias=False)
        )
        return model, nn.Linear(5, 1, bias=False)

    model, module = make()
    probes.hold(module)
    probes.set_weights(carried(model))
    weights = carried(model)["0/kernel"].copy()
    found, _ = train(
        {"input/0": X, "target/0": Y},
        optimizer=lambda p: T.SGD(p, 0.5, weight_decay=0.25),
        repairs=[fix("coupled")],
        steps=1,
    )
    plain = 2 * X.T @ (X @ weights - Y) / len(X)
    close(found["step/1/0/kernel"], weights - 0.5 * (plain + 0.25 * weights))


class Words(nn.Module):
    """The mean of some embeddings, of which several are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(5, 3), nn.Linear(3, 1)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.last(self.table(words).mean(1))


SPARSE: dict[str, tuple[Any, Any, list[dict[str, Any]]]] = {
    "adam": RULES["adam"],
    "amsgrad": RULES["amsgrad"],
    "nadam": RULES["nadam"],
    "rmsprop": RULES["rmsprop"],
    "adagrad": RULES["adagrad"],
    "clipped": RULES["clipped"],
    "clipped together": RULES["clipped together"],
}


@pytest.mark.parametrize("name", SPARSE)
def test_rows_that_occur_often(name: str) -> None:
    """Their gradients are squared one by one in Keras."""
    words = np.random.default_rng(2).integers(0, 4, (6, 7)).astype(np.int32)
    inner = layers.Embedding(5, 3), layers.GlobalAveragePooling1D(), layers.Dense(1)
    ours, theirs, fixes = SPARSE[name]
    for more, same in (([fix("sparse_gradients")], True), ([], "clip" in name)):
        model = model_of((7,), *inner, dtype="int32")
        apart = stepped(model, Words(), ours, theirs, [*fixes, *more], words)
        assert (apart < 1e-14) == same, apart


def test_clipping_in_float32() -> None:
    model, module = dense()
    probes.hold(module)
    probes.set_weights(carried(model))
    found, _ = train(
        {"input/0": X, "target/0": Y},
        precision="float32",
        repairs=[fix("clip", clipnorm=0.001)],
        optimizer="sgd:1",
        steps=1,
    )
    moved = found["step/1/0/kernel"] - carried(model)["0/kernel"].astype(np.float32)
    assert np.linalg.norm(moved) == pytest.approx(0.001, rel=1e-3)


def facts_of(optimizer: Any) -> dict[str, Any]:
    given = {"input/0": X, "target/0": Y}
    _, facts = train(given, optimizer=optimizer, steps=1)
    return facts["optimizer"]


def test_settings_of_optimizers() -> None:
    probes.hold(nn.Linear(5, 1))
    assert facts_of("adam:0.5") == {
        "rule": "adam",
        "learning_rate": 0.5,
        "beta_1": 0.9,
        "beta_2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0,
        "decoupled": False,
        "amsgrad": False,
        "schedule": False,
    }
    assert facts_of("adamw")["decoupled"]
    assert facts_of("momentum")["momentum"] == 0.9
    assert facts_of("rmsprop")["rho"] == 0.99
    assert facts_of("adadelta")["rho"] == 0.9
    assert facts_of(halved())["schedule"]
    assert facts_of(T.Adam)["learning_rate"] == 0.001


def test_an_optimizer_of_the_users() -> None:
    """Its groups and hyperparameters are taken, its state is not touched."""
    module = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    groups = [
        {"params": module[0].parameters(), "lr": 0.5},
        {"params": module[2].parameters()},
    ]
    optimizer = T.SGD(groups, 0.25, momentum=0.5)
    given = {"input/0": X, "target/0": Y}
    probes.hold(module)
    start, _ = probes.weights()
    slope, _ = gradients(given, loss="mse")
    found, _ = train(given, optimizer=optimizer, steps=1)
    for order, rate in (0, 0.5), (1, 0.25):
        key = f"{order}/kernel"
        close(found[f"step/1/{key}"], start[key] - rate * slope[f"gradient/{key}"])
    assert not optimizer.state
    assert all(p.grad is None for p in module.parameters())


def test_an_optimizer_of_a_model_built_before(tmp_path: Path) -> None:
    file = tmp_path / "user.py"
    file.write_text(
        "import torch\n\ndef build():\n    return torch.nn.Linear(5, 1)\n\n"
        "optimizer = torch.optim.SGD(build().parameters(), lr=0.25)\n"
        "def make(parameters):\n    return torch.optim.Adam(parameters, lr=0.5)\n"
        "other = torch.optim.SGD(torch.nn.Linear(4, 1).parameters())\n"
        "def wrong(parameters):\n    return parameters[7]\n"
        "nothing = 1\n"
    )
    probes.hold(nn.Linear(5, 1))
    assert facts_of(f"{file}:optimizer")["learning_rate"] == 0.25
    assert facts_of(f"{file}:make")["rule"] == "adam"
    for name, told in (
        ("other", "not of this model's parameters"),
        ("wrong", "line 11, in wrong: IndexError"),
        ("nothing", "the PyTorch optimizer is int"),
        ("absent", "has no 'absent'"),
    ):
        with pytest.raises(UsageError, match=told):
            facts_of(f"{file}:{name}")


@pytest.mark.parametrize(
    ("optimizer", "told"),
    [
        ("sdg", r"there is no optimizer 'sdg' \(did you mean 'sgd'"),
        ("adam:fast", "'fast' is no learning rate"),
        (lambda p: p, "the PyTorch optimizer is list"),
        (3, "the PyTorch optimizer is int"),
    ],
)
def test_optimizers_that_are_none(optimizer: Any, told: str) -> None:
    probes.hold(nn.Linear(5, 1))
    with pytest.raises(UsageError, match=told):
        facts_of(optimizer)
