"""PyTorch's layers by Keras' rule: outputs and gradients, exact in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from torch_probes import (
    CELLS,
    FIRST,
    Array,
    Sequence,
    as_keras,
    carried,
    close,
    compare,
    float64,
    forward,
    gradients,
    keras_gradients,
    model_of,
    normal,
    train,
    turned,
)

# isort: split
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import layers
from layer_pairs import drawn
from torch import nn

from tf_track import weights as tf_weights
from torch_track.check import probes


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with float64():
        yield


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (3, 1), (1, 2)])
@pytest.mark.parametrize(
    ("rank", "kernel"), [(1, (4,)), (2, (3, 4)), (2, (2, 5)), (3, (2, 3, 4))]
)
def test_convolutions(
    rank: int, kernel: tuple[int, ...], stride: int, dilation: int, padding: str
) -> None:
    shape = (11, 10, 9)[:rank]
    kind = getattr(layers, f"Conv{rank}D")
    layer = kind(5, kernel, stride, padding, dilation_rate=dilation)
    torch_kind = getattr(nn, f"Conv{rank}d")
    module = torch_kind(3, 5, kernel, padding=tuple(k // 2 for k in kernel))
    repair = as_keras(
        stride=[stride] * rank, dilation=[dilation] * rank, padding=padding
    )
    compare(model_of((*shape, 3), layer), module, normal(2, *shape, 3), repair)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 3)])
def test_causal_convolutions(stride: int, dilation: int) -> None:
    layer = layers.Conv1D(5, 3, stride, "causal", dilation_rate=dilation)
    repair = as_keras(stride=[stride], dilation=[dilation], padding="causal")
    module = nn.Conv1d(3, 5, 3, padding=1)
    compare(model_of((9, 3), layer), module, normal(2, 9, 3), repair)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolutions(stride: int) -> None:
    layer = layers.DepthwiseConv2D((4, 4), stride, "same", depth_multiplier=2)
    module = nn.Conv2d(3, 6, (4, 4), groups=3)
    repair = as_keras(stride=[stride] * 2, padding="same", groups=3)
    compare(model_of((7, 8, 3), layer), module, normal(2, 7, 8, 3), repair)


def test_padding_in_pairs() -> None:
    padding = [[0, 1], [2, 1]]
    inner = layers.ZeroPadding2D(padding), layers.Conv2D(5, 3)
    module = nn.Conv2d(3, 5, 3, padding=1)
    repair = as_keras(padding=padding)
    compare(model_of((7, 8, 3), *inner), module, normal(2, 7, 8, 3), repair)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [(1, 5), (2, 3), (4, 2)])
def test_transposed_convolutions(
    kernel: tuple[int, int], stride: int, padding: str
) -> None:
    layer = layers.Conv2DTranspose(5, kernel, stride, padding)
    module = nn.ConvTranspose2d(3, 5, kernel, padding=(0, 1))
    repair = as_keras(stride=[stride] * 2, dilation=[1, 1], padding=padding)
    compare(model_of((4, 5, 3), layer), module, normal(2, 4, 5, 3), repair)


@pytest.mark.parametrize("rank", [1, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_convolutions_of_other_ranks(rank: int, padding: str) -> None:
    kind, torch_kind = (
        getattr(layers, f"Conv{rank}DTranspose"),
        getattr(nn, f"ConvTranspose{rank}d"),
    )
    shape = (4, 5, 3)[:rank]
    model = model_of((*shape, 2), kind(3, 3, 2, padding))
    repair = as_keras(stride=[2] * rank, padding=padding, output_padding=None)
    compare(model, torch_kind(2, 3, 3), normal(2, *shape, 2), repair)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_transposed_convolution_with_output_padding(padding: str) -> None:
    layer = layers.Conv2DTranspose(5, (3, 4), 3, padding, output_padding=1)
    repair = as_keras(stride=[3, 3], padding=padding, output_padding=1)
    module = nn.ConvTranspose2d(3, 5, (3, 4))
    compare(model_of((4, 5, 3), layer), module, normal(2, 4, 5, 3), repair)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("rank", [1, 3])
def test_batch_norm(rank: int, training: bool) -> None:
    shape = (5, 6, 4)[-rank:]
    model = model_of(shape, layers.BatchNormalization(momentum=0.75, epsilon=2**-6))
    module = (nn.BatchNorm1d if rank == 1 else nn.BatchNorm2d)(4)
    repair = as_keras(epsilon=2**-6, momentum=0.75, biased=True)
    compare(model, module, normal(3, *shape), repair, training=training)


def test_running_statistics() -> None:
    model = model_of((5, 4), layers.BatchNormalization(momentum=0.75))
    x, y = normal(3, 5, 4), normal(3, 5, 4) ** 2
    probes.hold(nn.BatchNorm1d(4))
    probes.set_weights(carried(model))
    repair = as_keras(epsilon=1e-3, momentum=0.75, biased=True)
    trace, _ = train(
        {"input/0": x, "target/0": turned(y, "first")}, plan=FIRST, repairs=[repair]
    )
    for step in (1, 2, 3):
        # Of an input that stays the same, so that the weights do not matter.
        model(x, training=True)
        for name in ("moving_mean", "moving_variance"):
            close(trace[f"step/{step}/0/{name}"], carried(model)[f"0/{name}"])


def test_frozen_batch_norm() -> None:
    model = model_of((4,), layers.BatchNormalization())
    model.trainable = False
    repair = as_keras(epsilon=1e-3, frozen=True)
    out = np.asarray(model(normal(3, 4), training=True))
    probes.hold(nn.BatchNorm1d(4))
    probes.set_weights(carried(model))
    found, _ = forward(
        {"input/0": normal(3, 4)},
        training=True,
        repairs=[repair],
    )
    close(found["output/0"], out)


@pytest.mark.parametrize(
    ("layer", "module", "settings"),
    [
        ("LayerNormalization()", "LayerNorm(6)", {"epsilon": 1e-3}),
        ("RMSNormalization(epsilon=0.1)", "RMSNorm(6)", {"epsilon": 0.1}),
        (
            "GroupNormalization(3)",
            "GroupNorm(2, 6)",
            {"epsilon": 1e-3, "groups": 3},
        ),
    ],
)
def test_norms(layer: str, module: str, settings: dict[str, Any]) -> None:
    model = model_of((4, 6), eval(f"layers.{layer}"))
    way = "first" if "Group" in layer else "last"
    theirs = eval(f"nn.{module}")
    compare(model, theirs, normal(2, 4, 6), as_keras(**settings), way=way)


def test_embedding() -> None:
    model = model_of((4,), layers.Embedding(7, 3, mask_zero=True), dtype="int32")
    x = np.array([[0, 3, 0, 6]], np.int32)
    ours = keras_gradients(model, x, False)
    probes.hold(nn.Embedding(7, 3, padding_idx=0))
    probes.set_weights(carried(model))
    given = {"input/0": x, "cotangent/0": ours["cotangent"]}
    for repairs, same in (([as_keras(mask_zero=True)], True), ([], False)):
        theirs, _ = gradients(given, repairs=repairs)
        table = theirs["gradient/0/embeddings"]
        assert np.allclose(table, ours["gradient/0/embeddings"]) == same


def activation(op: str) -> dict[str, Any]:
    return {"op": op, "settings": {}}


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {}),
        ({"go_backwards": True}, {"go_backwards": True}),
        ({"activation": "relu"}, {"activation": activation("relu")}),
        ({"activation": "elu"}, {"activation": activation("elu")}),
        ({"activation": None}, {"activation": None}),
    ],
)
def test_recurrent(name: str, options: Any, settings: Any) -> None:
    layer = getattr(layers, name)(3, return_sequences=True, **options)
    module = Sequence(getattr(nn, CELLS[name])(5, 3))
    repair = as_keras(batch_first=True, **settings)
    compare(model_of((6, 5), layer), module, normal(2, 6, 5), repair, way="last")


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_recurrent_activation(name: str) -> None:
    kind = getattr(layers, name)
    layer = kind(3, return_sequences=True, recurrent_activation="hard_sigmoid")
    module = Sequence(getattr(nn, CELLS[name])(5, 3, batch_first=True))
    repair = as_keras(recurrent_activation=activation("hard_sigmoid"))
    compare(model_of((6, 5), layer), module, normal(2, 6, 5), repair, way="last")


@pytest.mark.parametrize("name", CELLS)
def test_bidirectional(name: str) -> None:
    """Two layers, both with another activation."""
    options = {"return_sequences": True, "activation": "softsign"}
    inner = [
        layers.Bidirectional(getattr(layers, name)(3, **options)) for _ in range(2)
    ]
    kind = getattr(nn, CELLS[name])
    module = Sequence(kind(5, 3, num_layers=2, bidirectional=True, batch_first=True))
    one = as_keras(activation=activation("softsign"), bidirectional=True)
    repairs = one, one | {"order": 1}
    compare(model_of((6, 5), *inner), module, normal(2, 6, 5), *repairs, way="last")


def test_gru_of_the_paper() -> None:
    layer = layers.GRU(3, return_sequences=True, reset_after=False)
    model = model_of((6, 5), layer)
    module = Sequence(nn.GRU(5, 3, batch_first=True))
    x = normal(2, 6, 5)
    ours = keras_gradients(model, x, False)
    own = carried(model)
    own["0/bias"] = np.stack([own["0/bias"], np.zeros(9)])
    probes.hold(module)
    probes.set_weights(own)
    theirs, _ = gradients(
        {"input/0": x, "cotangent/0": ours["cotangent"]},
        repairs=[as_keras(reset_after=False)],
    )
    close(theirs["output/0"], ours["output"])
    close(theirs["input/0"], ours["input"])
    for name in ("kernel", "recurrent_kernel"):
        close(theirs[f"gradient/0/{name}"], ours[f"gradient/0/{name}"])
    close(theirs["gradient/0/bias"][0], ours["gradient/0/bias"])


class Stateful(Sequence):
    """Begins with a state."""

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        return self.rnn(x, (h, c) if isinstance(self.rnn, nn.LSTM) else h)


@pytest.mark.parametrize("name", CELLS)
def test_recurrent_as_pytorch_has_it(name: str) -> None:
    """Without settings the loop is PyTorch's own layer, states included."""
    kind = getattr(nn, CELLS[name])
    module = kind(5, 3, num_layers=2, bidirectional=True)
    probes.hold(Stateful(module))
    arrays = normal(6, 2, 5), normal(4, 2, 3), normal(4, 2, 3) ** 2
    own, loop = (
        forward(
            {f"input/{k}": array for k, array in enumerate(arrays)},
            repairs=repairs,
        )[0]
        for repairs in ([], [as_keras()])
    )
    assert own.keys() == loop.keys() >= {"layer/1/out/state", "output/1"}
    for key, array in own.items():
        close(loop[key], array)


@pytest.mark.parametrize("name", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_as_pytorch_has_them(name: str) -> None:
    probes.hold(getattr(nn, name)(5, 3))
    own, loop = (
        forward(
            {"input/0": normal(2, 5)},
            repairs=repairs,
        )[0]
        for repairs in ([], [as_keras()])
    )
    assert own.keys() == loop.keys()
    for key, array in own.items():
        close(loop[key], array)


class Attention(nn.Module):
    """Of a sequence to itself, or to another, with a mask."""

    def __init__(self, mask: Array | None, **options: Any) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, **options)
        self.mask = None if mask is None else torch.tensor(mask)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x, x, x, attn_mask=self.mask)[0]


class KerasAttention(layers.Layer):
    """The same."""

    def __init__(self, mask: Array | None) -> None:
        super().__init__()
        self.inner = layers.MultiHeadAttention(2, 4)
        self.mask = mask

    def build(self, shape: Any) -> None:
        self.inner.build(shape, shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        mask = None if self.mask is None else self.mask[None]
        return self.inner(x, x, attention_mask=mask)


MASK = np.tri(6, dtype=bool)


def test_attention() -> None:
    model = model_of((6, 8), KerasAttention(None))
    repair = as_keras(batch_first=True)
    compare(model, Attention(None), normal(2, 6, 8), repair, way="last")


def test_mask_of_attention() -> None:
    model = model_of((6, 8), KerasAttention(MASK))
    module = Attention(MASK, batch_first=True)
    repair = as_keras(invert_mask=True)
    compare(model, module, normal(2, 6, 8), repair, way="last")


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", [{}, {"kdim": 5, "vdim": 6}])
def test_attention_as_pytorch_has_it(bias: bool, options: dict[str, int]) -> None:
    """With every kind of mask, and its weights."""
    module = nn.MultiheadAttention(8, 2, bias=bias, batch_first=True, **options)
    key, value = (normal(3, 5, options.get(n, 8)) for n in ("kdim", "vdim"))
    drops = np.arange(5) > np.array([[2], [3], [4]])
    each = np.broadcast_to(MASK[:4, :5], (6, 4, 5)).copy()
    names = ["query", "key", "value", "key_padding_mask", "attn_mask"]
    for mask in (~MASK[:4, :5], ~each, np.where(each, 0.0, -1.5)):
        arrays = normal(3, 4, 8), key, value, drops, mask
        if mask.dtype != bool:
            arrays = (*arrays[:3], np.where(drops, -2.0, 0.0), mask)
        probes.hold(module)
        own, found = (
            forward(
                {f"input/{k}": array for k, array in enumerate(arrays)},
                plan={"passing": {"keywords": names}},
                repairs=repairs,
            )[0]
            for repairs in ([], [as_keras()])
        )
        close(found["output/0"], own["output/0"])
        close(found["output/1"], own["output/1"])


def test_attention_to_nothing() -> None:
    """A row that is masked altogether has no numbers in PyTorch."""
    mask = MASK & (np.arange(6) != 0)
    model = model_of((6, 8), KerasAttention(mask))
    module = Attention(mask, batch_first=True)
    x = normal(2, 6, 8)
    ours = keras_gradients(model, x, False)
    probes.hold(module)
    probes.set_weights(carried(model))
    theirs, _ = forward(
        {"input/0": x},
        repairs=[as_keras(invert_mask=True)],
    )
    close(theirs["output/0"], ours["output"])


def test_scale_of_attention() -> None:
    x = keras.Input((6, 12))
    model = keras.Model(x, layers.MultiHeadAttention(4, 3)(x, x))
    tf_weights.load(model, drawn(tf_weights.export(model), 1))

    class Own(Attention):
        def __init__(self) -> None:
            super().__init__(None)
            self.inner = nn.MultiheadAttention(12, 4, batch_first=True)

    value = normal(2, 6, 12)
    probes.hold(Own())
    probes.set_weights(carried(model))
    theirs, _ = forward(
        {"input/0": value},
        repairs=[as_keras(float32_scale=True)],
    )
    close(theirs["output/0"], np.asarray(model(value)))
