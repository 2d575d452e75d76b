"""Matched mode: Keras' and PyTorch's optimizers compute the same update."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from numpy.typing import NDArray

from shared import randomness
from shared.lessons import optimizers as spec
from shared.session import Session
from tf_track import engine as tf_engine
from tf_track.lessons import optimizers as keras_lesson
from torch_track import backend as torch_backend
from torch_track import engine as torch_engine
from torch_track import matched
from torch_track.lessons import optimizers as torch_lesson

STEPS = 50
TOLERANCE = 1e-13
SHAPES = {"kernel": (5, 3), "bias": (3,)}

Weights = dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """The same optimizer in both frameworks, ready to be made."""

    keras: Callable[[], keras.optimizers.Optimizer]
    torch: Callable[[list[torch.Tensor]], torch.optim.Optimizer]


def lesson_rule(fields: Mapping[str, Any]) -> Rule:
    """The rule of one of the lesson's variants."""
    cfg = spec.Config(**fields)
    rate = cfg.learning_rate
    return Rule(
        lambda: keras_lesson.rule(cfg)(rate),
        lambda parameters: torch_lesson.rule(cfg)(parameters, lr=rate),
    )


LESSON_RULES = {name: lesson_rule(fields) for name, fields in spec.VARIANTS.items()}
K, T = keras.optimizers, torch.optim
OTHER_RULES = {
    "sgd with decay": Rule(
        lambda: K.SGD(0.1, weight_decay=0.03),
        lambda p: T.SGD(p, lr=0.1, weight_decay=0.03),
    ),
    "nesterov with decay": Rule(
        lambda: K.SGD(0.1, momentum=0.8, nesterov=True, weight_decay=0.03),
        lambda p: T.SGD(p, lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.03),
    ),
    "adam with decay": Rule(
        lambda: K.Adam(0.1, epsilon=1e-7, weight_decay=0.03),
        lambda p: T.Adam(p, lr=0.1, eps=1e-7, weight_decay=0.03),
    ),
    "adam with amsgrad": Rule(
        lambda: K.Adam(0.1, epsilon=1e-4, amsgrad=True),
        lambda p: T.Adam(p, lr=0.1, eps=1e-4, amsgrad=True),
    ),
    "adam forgetting fast": Rule(
        lambda: K.Adam(0.1, beta_1=0.3, beta_2=0.45, epsilon=1e-4),
        lambda p: T.Adam(p, lr=0.1, betas=(0.3, 0.45), eps=1e-4),
    ),
    "rmsprop with momentum": Rule(
        lambda: K.RMSprop(0.1, rho=0.7, momentum=0.9, epsilon=1e-4),
        lambda p: T.RMSprop(p, lr=0.1, alpha=0.7, momentum=0.9, eps=1e-4),
    ),
    "rmsprop centered": Rule(
        lambda: K.RMSprop(0.1, rho=0.7, centered=True, epsilon=1e-4),
        lambda p: T.RMSprop(p, lr=0.1, alpha=0.7, centered=True, eps=1e-4),
    ),
    "adagrad with decay": Rule(
        lambda: K.Adagrad(0.1, epsilon=1e-4, weight_decay=0.03),
        lambda p: T.Adagrad(
            p, lr=0.1, initial_accumulator_value=0.1, eps=1e-4, weight_decay=0.03
        ),
    ),
}
RULES = LESSON_RULES | OTHER_RULES


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    tf_backend.configure("cpu", "float64", 0)
    torch_backend.configure("cpu", "float64", 0)
    yield
    tf_backend.configure("cpu", "float32", 0)
    torch_backend.configure("cpu", "float32", 0)


def start() -> Weights:
    return {n: randomness.normal(1, n, shape) for n, shape in SHAPES.items()}


def gradients(step: int, size: float = 0.01) -> Weights:
    return {
        n: size * randomness.normal(2, n, shape, step) for n, shape in SHAPES.items()
    }


def keras_weights(rule: Rule, size: float = 0.01, in_graph: bool = False) -> Weights:
    """The weights after fifty updates."""
    variables = {n: keras.Variable(tf_backend.tensor(w)) for n, w in start().items()}
    optimizer = rule.keras()
    tf_engine.same_rule(optimizer)
    optimizer.build(list(variables.values()))

    def update(given: list[tf.Tensor]) -> None:
        optimizer.apply(given, list(variables.values()))

    if in_graph:
        update = tf.function(update, autograph=False)
    for step in range(STEPS):
        update([tf_backend.tensor(g) for g in gradients(step, size).values()])
    return {n: v.numpy() for n, v in variables.items()}


def torch_weights(rule: Rule, size: float = 0.01, trainings: int = 1) -> Weights:
    """The weights after fifty updates, in one training or several."""
    parameters = {
        n: torch_backend.tensor(w).requires_grad_() for n, w in start().items()
    }
    optimizer = rule.torch(list(parameters.values()))
    for steps in np.array_split(np.arange(STEPS), trainings):
        torch_engine.same_rule(optimizer)
        for step in steps:
            for name, gradient in gradients(int(step), size).items():
                parameters[name].grad = torch_backend.tensor(gradient)
            optimizer.step()
    return {n: torch_backend.array(p) for n, p in parameters.items()}


def difference(a: Weights, b: Weights) -> float:
    """The largest difference, over the largest way that a weight has gone."""
    assert all(w.dtype == np.float64 for w in (*a.values(), *b.values()))
    way = max(np.abs(a[n] - w).max() for n, w in start().items())
    return max(float(np.abs(a[n] - b[n]).max() / way) for n in SHAPES)


def apart(rule: Rule) -> float:
    with Session(matched=True).active():
        return difference(keras_weights(rule), torch_weights(rule))


@pytest.mark.parametrize("name", RULES)
def test_every_rule(name: str) -> None:
    """Fifty updates on the same gradients lead to the same weights."""
    assert apart(RULES[name]) < TOLERANCE


@pytest.mark.parametrize("name", LESSON_RULES)
def test_keras_in_a_graph(name: str) -> None:
    """A compiled update is the eager one."""
    rule = RULES[name]
    with Session(matched=True).active():
        eager, graph = keras_weights(rule), keras_weights(rule, in_graph=True)
    assert difference(eager, graph) < TOLERANCE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("adam", T.Adam),
        ("adamw", T.AdamW),
        ("adagrad", T.Adagrad),
        ("rmsprop", T.RMSprop),
        ("rmsprop centered", T.RMSprop),
    ],
)
def test_the_place_of_epsilon_matters(
    name: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal hyperparameters alone leave the two apart."""
    monkeypatch.delitem(matched.RULES, kind)
    assert apart(RULES[name]) > 1e-7


@pytest.mark.parametrize(
    "name", ["nesterov with decay", "adam with decay", "adagrad with decay"]
)
def test_the_place_of_weight_decay_matters(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only without momentum and without a quotient it does not."""
    monkeypatch.setattr(matched, "decay", lambda group, decay: None)
    assert apart(RULES[name]) > 0.1
    assert apart(RULES["sgd with decay"]) < TOLERANCE


# The rate of full_batch is one half, which float32 holds exactly.
@pytest.mark.parametrize("name", sorted(RULES.keys() - {"full_batch"}))
def test_float32_hyperparameters_matter(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matched, "rounded", lambda value: value)
    assert apart(RULES[name]) > 1e-9


@pytest.mark.parametrize("weights", [keras_weights, torch_weights])
def test_decay_reaches_every_variable(weights: Callable[..., Weights]) -> None:
    """Where all gradients are zero, AdamW shrinks kernel and bias alike."""
    cfg = spec.Config(**spec.VARIANTS["adamw"])
    kept = (1 - cfg.learning_rate * cfg.weight_decay) ** STEPS
    for name, value in weights(RULES["adamw"], size=0.0).items():
        np.testing.assert_allclose(value, kept * start()[name], rtol=1e-7)


@pytest.mark.parametrize("name", RULES)
def test_matched_twice_is_matched_once(name: str) -> None:
    """A second training with the same optimizer continues the first."""
    with Session(matched=True).active():
        once, twice = (torch_weights(RULES[name], trainings=n) for n in (1, 2))
    np.testing.assert_equal(twice, once)


@pytest.mark.parametrize("name", RULES)
def test_a_restored_optimizer_starts_anew(name: str) -> None:
    """The ladder puts the first state back after its own updates."""
    parameter = torch.ones(3, requires_grad=True)
    parameter.grad = torch.full((3,), 0.01)
    optimizer = RULES[name].torch([parameter])
    matched.follow_keras(optimizer)
    fresh = copy.deepcopy(optimizer.state_dict())
    ends = []
    for _ in range(2):
        with torch.no_grad():
            parameter.fill_(1.0)
        optimizer.load_state_dict(copy.deepcopy(fresh))
        for _ in range(3):
            optimizer.step()
        ends.append(parameter.tolist())
    assert ends[0] == ends[1]


def test_native_mode_leaves_the_optimizer_alone() -> None:
    optimizer = RULES["adam"].torch([torch.zeros(2, requires_grad=True)])
    before = copy.deepcopy(optimizer.state_dict())
    torch_engine.same_rule(optimizer)
    assert optimizer.state_dict() == before
    assert not optimizer._optimizer_step_pre_hooks
