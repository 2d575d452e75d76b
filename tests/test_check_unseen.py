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
        (layers.Lambda(lambda x: keras.ops.clip(x, -5, 5)), lambda x: x.clamp(-4, 4)),
    ],
)
def test_a_bound_beyond_the_usual_numbers_is_reached(
    middle: Any, function: Any
) -> None:
    check = checked(middle, function)
    assert not check.passed
    assert [(c.id, c.levels[0], c.share > 0.99) for c in check.causes] == [
        ("activation_setting", "forward", True)
    ]
    assert any("10 times as large as usual" in note for note in check.notes)


@pytest.mark.parametrize(
    ("middle", "function", "id"),
    [
        (lambda x: keras.ops.clip(x, -5, 5), lambda x: x, "activation_missing"),
        (lambda x: keras.ops.minimum(x, 6.0), lambda x: x, "activation_missing"),
        (lambda x: x, lambda x: F.hardtanh(x, -5, 5), "activation_extra"),
        (lambda x: x, lambda x: F.threshold(x, -8.0, -8.0), "activation_extra"),
    ],
)
def test_so_is_a_bound_of_one_model_alone(middle: Any, function: Any, id: str) -> None:
    check = checked(layers.Lambda(middle), function)
    assert [(c.id, c.levels[0], c.share > 0.99) for c in check.causes] == [
        (id, "forward", True)
    ]


def normed(function: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    """What comes out of a norm has a size of its own, whatever went in."""
    return Between(lambda x: function(F.layer_norm(x, (8,), eps=1e-3)))


def plain_norm(*middle: Any) -> keras.Model:
    norm = layers.LayerNormalization(epsilon=1e-3, center=False, scale=False)
    stack = layers.Dense(8), norm, *middle, layers.Dense(2)
    return keras.Sequential([keras.Input((6,)), *stack])


def test_a_bound_that_nothing_reaches_is_told() -> None:
    check = shared.check_pair(plain_norm(layers.ReLU(6.0)), normed(F.relu))
    (cause,) = check.causes
    assert (cause.id, cause.levels) == ("activation_setting", ("spec",))
    assert (cause.keras, cause.torch) == ("relu(max_value=6)", "relu")
    assert "and not 6 (give --data that do)" in cause.remedy


def test_such_a_bound_in_one_model_alone_is_noted() -> None:
    check = shared.check_pair(plain_norm(), normed(lambda x: x.clamp(-9, 9)))
    assert check.passed
    (note,) = [one for one in check.notes if "clip(min=-9, max=9)" in one]
    assert "in PyTorch, nothing like it in Keras" in note
    assert "and not -9 or 9" in note


@pytest.mark.parametrize(
    "function",
    [F.relu6, lambda x: F.hardtanh(x, 0.0, 6.0), lambda x: F.relu(x).clamp(max=6)],
)
def test_the_same_bound_is_no_difference(function: Any) -> None:
    check = checked(layers.ReLU(max_value=6), function)
    assert check.passed and not any("reach" in note for note in check.notes)


def test_larger_numbers_bring_no_false_alarm() -> None:
    """What float64 shows of PyTorch's softplus beyond 20 does not count."""
    check = checked(layers.Activation("softplus"), F.softplus)
    assert check.passed and not any("as usual" in note for note in check.notes)


class Recurrent(nn.Module):
    """A GRU's last step, of sequences that end where all is `padding`, if given."""

    def __init__(self, padding: float | None) -> None:
        super().__init__()
        self.gru, self.padding = nn.GRU(3, 5, batch_first=True), padding

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.padding is None:
            return self.gru(x)[1][-1]
        lengths = (x != self.padding).any(-1).sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            x, lengths, batch_first=True, enforce_sorted=False
        )
        return self.gru(packed)[1][-1]


@pytest.mark.parametrize(
    ("value", "padding", "same"),
    [(0.0, 0.0, True), (0.0, None, False), (-1.0, -1.0, True), (None, 0.0, False)],
)
def test_a_mask_of_numbers_counts(
    value: float | None, padding: float | None, same: bool
) -> None:
    masking = [] if value is None else [layers.Masking(value)]
    ours = keras.Sequential([keras.Input((7, 3)), *masking, layers.GRU(5)])
    check = shared.check_pair(ours, Recurrent(padding), precisions=("float64",))
    assert (check.level("forward").verdict == "pass") == same


class Steps(nn.Module):
    """All outputs of a bidirectional layer that knows no mask."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(3, 5, batch_first=True, bidirectional=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.gru(x)[0]


@pytest.mark.parametrize("both", [False, True])
def test_a_mask_is_a_cause(both: bool) -> None:
    gru = layers.GRU(5, return_sequences=both)
    layer = layers.Bidirectional(gru) if both else gru
    ours = keras.Sequential([keras.Input((7, 3)), layers.Masking(-1.0), layer])
    theirs = Steps() if both else Recurrent(None)
    check = shared.check_pair(ours, theirs, precisions=("float64",))
    assert [(c.id, c.levels[0], c.share > 0.99) for c in check.causes] == [
        ("rnn_mask", "forward", True)
    ]
    assert check.level("forward").explained
    # Keras' loss leaves masked outputs out, too.
    assert bool(check.unexplained) == both


@pytest.mark.parametrize(("rate", "p"), [(0.5, 0.0), (0.0, 0.5)])
def test_dropout_in_one_model_alone_is_told(rate: float, p: float) -> None:
    (cause,) = checked(layers.Dropout(rate), nn.Dropout(p)).causes
    assert (cause.id, cause.levels) == ("dropout_rate", ("spec",))
    assert "none" in (cause.keras, cause.torch)


def test_a_table_that_shortens_its_rows_is_told() -> None:
    table = layers.Embedding(20, 4)
    ours = keras.Sequential([keras.Input((7,), dtype="int32"), table])
    check = shared.check_pair(ours, nn.Sequential(nn.Embedding(20, 4, max_norm=1.0)))
    assert [(c.id, c.levels) for c in check.causes] == [
        ("embedding_max_norm", ("spec",))
    ]


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


def test_drawn_sequences_end_in_what_is_masked_whatever_their_size() -> None:
    about = {"name": "x", "shape": [7, 3], "dtype": "float32", "padding": -1.0}
    usual, large = (inputs.drawn([about], [], 0, size=n)[0] for n in (1.0, 10.0))
    assert (usual[0, 4:] == -1).all() and (large[0, 4:] == -1).all()
    np.testing.assert_allclose(large[1:], 10 * usual[1:], rtol=1e-6)


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
