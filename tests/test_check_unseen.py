"""What the usual numbers do not show, and what float64 alone would make a difference.

A bound that nothing reaches, padding that is never drawn, constants in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from keras import layers
from torch import nn

import shared
from shared.check import inputs
from shared.check.result import Check
from shared.errors import UsageError
from torch_track import backend as torch_backend


@pytest.fixture(autouse=True)
def _float32() -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


class Between(nn.Module):
    """Two layers, and calls between them."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 8), nn.Linear(8, 2)
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.function(self.first(x)))


def checked(middle: Any, function: Callable[[torch.Tensor], torch.Tensor]) -> Check:
    ours = keras.Sequential(
        [keras.Input((6,)), layers.Dense(8), middle, layers.Dense(2)]
    )
    return shared.check_pair(ours, Between(function))


@pytest.mark.parametrize(
    ("middle", "function"),
    [
        (layers.ReLU(max_value=6), F.relu),
        (layers.ReLU(), F.relu6),
        (layers.ReLU(max_value=6), lambda x: x.clamp(0, 5)),
    ],
)
def test_a_bound_that_no_number_reaches_is_told(middle: Any, function: Any) -> None:
    check = checked(middle, function)
    assert not check.passed
    assert [(one.id, one.levels) for one in check.causes] == [
        ("activation_setting", ("spec",))
    ]


@pytest.mark.parametrize("function", [F.relu6, lambda x: F.hardtanh(x, 0.0, 6.0)])
def test_the_same_bound_is_no_difference(function: Any) -> None:
    assert checked(layers.ReLU(max_value=6), function).passed


@pytest.mark.parametrize(
    ("middle", "function"),
    [
        (layers.LeakyReLU(0.3), lambda x: F.leaky_relu(x, 0.3)),
        (layers.ReLU(negative_slope=0.1), nn.LeakyReLU(0.1)),
        (layers.Rescaling(1 / 255.0), lambda x: x / 255.0),
        (layers.Rescaling(0.1, offset=0.3), lambda x: x * 0.1 + 0.3),
    ],
)
def test_numbers_are_not_rounded_in_float64(middle: Any, function: Any) -> None:
    check = checked(middle, function)
    assert check.passed and not check.causes


def test_drawn_tokens_end_in_padding() -> None:
    about = {"name": "x", "shape": [7], "dtype": "int32", "exact": True, "below": 9**5}
    (x,) = inputs.drawn([about], [], 0)
    assert not x[0, 4:].any()
    assert np.count_nonzero(x) == x.size - 3


def test_a_mask_counts_however_large_the_table_is() -> None:
    ours = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            layers.Embedding(5000, 4, mask_zero=True, name="table"),
            layers.LSTM(5, name="lstm"),
        ]
    )

    class Theirs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5000, 4)
            self.lstm = nn.LSTM(4, 5, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lstm(self.table(x))[0][:, -1]

    check = shared.check_pair(ours, Theirs())
    assert not check.passed
    assert check.first == "lstm"


def test_half_precision_is_told_on_either_side() -> None:
    policy = keras.DTypePolicy("mixed_float16")
    ours = keras.Sequential([keras.Input((6,)), layers.Dense(2, dtype=policy)])
    check = shared.check_pair(ours, nn.Sequential(nn.Linear(6, 2)).to(torch.bfloat16))
    (spec,) = [one for one in check.levels if one.level == "spec"]
    assert spec.where == "dtypes: float32 in Keras, bfloat16 in PyTorch"
    assert any("computes in float16" in note for note in check.notes)


def test_regularizers_are_told() -> None:
    dense = layers.Dense(8, kernel_regularizer="l2", name="dense")
    ours = keras.Sequential([keras.Input((6,)), dense, layers.Dense(2)])
    check = shared.check_pair(ours, Between(lambda x: x))
    assert "dense: kernel regularized" in check.notes


def test_a_layer_that_only_borrows_its_weights_needs_no_partner() -> None:
    tokens = keras.Input((7,), dtype="int32")
    table = layers.Embedding(20, 6, name="table")
    hidden = layers.Dense(6, name="hidden")(table(tokens))

    class Tied(layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.matmul(x, keras.ops.transpose(table.embeddings))

    ours = keras.Model(tokens, Tied(name="logits")(hidden))

    class Theirs(nn.Module):
        def __init__(self, tied: bool) -> None:
            super().__init__()
            self.table, self.hidden = nn.Embedding(20, 6), nn.Linear(6, 6)
            self.logits = nn.Linear(6, 20, bias=False)
            if tied:
                self.logits.weight = self.table.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.logits(self.hidden(self.table(x)))

    assert shared.check_pair(ours, Theirs(tied=True)).passed
    check = shared.check_pair(ours, Theirs(tied=False))
    assert [one.id for one in check.causes] == ["unpaired_layer"]


@pytest.mark.parametrize("bias", [True, False])
def test_a_dense_layer_may_be_a_convolution_of_one_pixel(bias: bool) -> None:
    ours = keras.Sequential(
        [keras.Input((3, 4, 2)), layers.Dense(5, "relu"), layers.Conv2D(6, 1)]
    )

    class Theirs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(2, 5, 1, bias=bias), nn.Linear(5, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(F.relu(self.first(x)).movedim(1, -1)).movedim(-1, 1)

    check = shared.check_pair(ours, Theirs())
    assert check.passed == bias
    assert [one.id for one in check.causes] == ([] if bias else ["missing_bias"])


class Heads(nn.Module):
    """Three outputs of two shapes."""

    def __init__(self, told: Callable[..., Any]) -> None:
        super().__init__()
        self.mean, self.spread, self.label = (nn.Linear(6, n) for n in (3, 3, 2))
        self.told = told

    def forward(self, x: torch.Tensor) -> Any:
        return self.told(self.mean(x), self.spread(x), self.label(x))


def heads(names: bool) -> keras.Model:
    x = keras.Input((6,))
    made = {n: layers.Dense(k, name=n)(x) for n, k in HEADS.items()}
    return keras.Model(x, made if names else list(made.values()))


HEADS = {"mean": 3, "spread": 3, "label": 2}


@pytest.mark.parametrize(
    ("names", "told", "causes"),
    [
        (True, lambda *given: dict(zip(HEADS, given, strict=True)), []),
        (False, lambda mean, spread, label: (mean, spread, label), []),
        (False, lambda mean, spread, label: (spread, mean, label), ["output_order"]),
        (False, lambda mean, spread, label: (label, mean, spread), ["output_order"]),
    ],
)
def test_outputs_in_another_order(names: bool, told: Any, causes: list[str]) -> None:
    check = shared.check_pair(heads(names), Heads(told))
    assert check.passed == (not causes)
    assert [one.id for one in check.causes] == causes
    assert not check.unexplained


def test_outputs_of_other_shapes_are_told_not_refused() -> None:
    theirs = Heads(lambda mean, spread, label: (label, label, mean))
    check = shared.check_pair(heads(False), theirs)
    assert check.level("forward").verdict == "fail"
    assert "the outputs have other shapes: the PyTorch loss" in str(check)
    with pytest.raises(UsageError, match="no loss 'msee'"):
        shared.check_pair(heads(False), theirs, loss="msee")
