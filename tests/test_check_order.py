"""Layers that only an order tells apart, defined in another than they are called.

Each pair is equal, or has one mistake that would be lost in a wrong pairing.
"""

from __future__ import annotations

from collections.abc import Callable

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import pytest
import torch
from keras import layers
from torch import nn

import shared
from shared.check.result import Check
from torch_track import backend as torch_backend


@pytest.fixture(autouse=True)
def _float32() -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


def chain() -> keras.Model:
    """Layers of equal shapes, named by Keras."""
    dense = [layers.Dense(6, activation="tanh") for _ in range(3)]
    return keras.Sequential([keras.Input((6,)), *dense])


class Backwards(nn.Module):
    """The same, defined from the last to the first."""

    def __init__(self, first: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.out, self.middle, self.entry = (nn.Linear(6, 6) for _ in range(3))
        self.first = first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.tanh(self.middle(self.first(self.entry(x))))
        return torch.tanh(self.out(x))


class KerasBackwards(keras.Model):
    """The same in Keras, whose model has no graph that would tell."""

    def __init__(self) -> None:
        super().__init__()
        self.three, self.two, self.one = (
            layers.Dense(6, activation="tanh") for _ in range(3)
        )

    def call(self, x: object) -> object:
        return self.three(self.two(self.one(x)))


def attention() -> keras.Model:
    """Query, key and value, of which Keras sorts the key first: it is used deeper."""
    x = keras.Input((5, 6))
    query, key, value = (layers.Dense(6)(x) for _ in range(3))
    score = keras.ops.matmul(query, keras.ops.transpose(key, (0, 2, 1)))
    return keras.Model(x, keras.ops.matmul(keras.ops.softmax(score), value))


class Attention(nn.Module):
    """The value is computed first, and defined last."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(6, 6) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        value = self.v(x)
        key, query = self.k(x), self.q(x)
        return torch.softmax(query @ key.transpose(1, 2), -1) @ value


def checked(ours: keras.Model, theirs: nn.Module) -> Check:
    shape = (3, 6) if isinstance(ours, KerasBackwards) else None
    return shared.check_pair(ours, theirs, shape, precisions=("float64",), steps=1)


def test_calls_count_where_definitions_mislead() -> None:
    check = checked(chain(), Backwards(torch.tanh))
    assert check.passed, str(check)
    assert [one["torch"] for one in check.pairs] == ["entry", "middle", "out"]
    assert "Paired by order alone" in check.doubts[0]


def test_a_mistake_is_found_in_them() -> None:
    check = checked(chain(), Backwards(torch.relu))
    assert [one.id for one in check.causes] == ["activation"]
    assert not check.unexplained


def test_a_subclassed_model_of_keras() -> None:
    ours = KerasBackwards()
    ours(np.zeros((1, 6), np.float32))
    dense = (nn.Linear(6, 6) for _ in range(3))
    theirs = nn.Sequential(*(one for layer in dense for one in (layer, nn.Tanh())))
    check = checked(ours, theirs)
    assert check.passed, str(check)
    assert [one["torch"] for one in check.pairs] == ["4", "2", "0"]


def test_branches_that_are_called_in_another_order() -> None:
    check = checked(attention(), Attention())
    assert check.passed, str(check)
    assert len(check.doubts) == 2


@pytest.mark.parametrize(
    ("partners", "wrong"),
    [(["entry", "middle", "out"], 0), (["out", "middle", "entry"], 2)],
)
def test_weights_that_went_by_the_definitions(partners: list[str], wrong: int) -> None:
    ours, theirs = chain(), Backwards(torch.tanh)
    with torch.no_grad():
        for layer, name in zip(ours.layers, partners, strict=True):
            kernel, bias = map(torch.tensor, layer.get_weights())
            getattr(theirs, name).weight.copy_(kernel.T)
            getattr(theirs, name).bias.copy_(bias)
    check = checked(ours, theirs)
    assert [one.id for one in check.causes] == ["weights"] * wrong
    assert not check.unexplained
