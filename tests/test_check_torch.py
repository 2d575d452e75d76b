"""The PyTorch half of `twotrack check`: what it sees, and Keras' rule in its layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
import torch.nn.functional as F  # noqa: N812
from keras import layers, ops
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


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float64", 0)
    yield
    probes.release()
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


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
        tape.watch(given)
        out = model(given, training=training)
        cotangent = np.random.default_rng(7).standard_normal(out.shape)
        loss = tf.reduce_sum(out * cotangent)
    variables = tf_weights.named(model)
    order = {p.name: k for k, p in enumerate(tf_layouts.parts(model))}
    found = {"output": np.asarray(out), "cotangent": cotangent}
    wanted = [v.value for v in variables.values()]
    gradients, own = tape.gradient(loss, [wanted, given])
    for name, gradient in zip(variables, gradients, strict=True):
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
    theirs, _ = probes.gradients(
        given, precision="float64", training=training, plan=plan, repairs=repairs
    )
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
    own, _ = probes.forward(
        given, precision="float64", training=training, plan=plan, repairs=[]
    )
    found = own["output/0"]
    if found.shape != expected.shape:
        return True
    return not np.abs(found - expected).max() <= 1e-6  # or no number


def normal(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape)


def as_keras(**settings: Any) -> dict[str, Any]:
    return {"do": "as_keras", "order": 0, "kind": "", "settings": settings}


# Layers by Keras' rule


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
    trace, _ = probes.train(
        {"input/0": x[None], "target/0": turned(y, "first")[None]},
        precision="float64",
        plan=FIRST,
        repairs=[as_keras(epsilon=1e-3, momentum=0.75, biased=True)],
        loss="mse",
        optimizer="sgd",
        steps=1,
    )
    model(x, training=True)
    for name in ("moving_mean", "moving_variance"):
        close(trace[f"step/1/0/{name}"], carried(model)[f"0/{name}"])


def test_frozen_batch_norm() -> None:
    model = model_of((4,), layers.BatchNormalization())
    model.trainable = False
    repair = as_keras(epsilon=1e-3, frozen=True)
    out = np.asarray(model(normal(3, 4), training=True))
    probes.hold(nn.BatchNorm1d(4))
    probes.set_weights(carried(model))
    found, _ = probes.forward(
        {"input/0": normal(3, 4)},
        precision="float64",
        training=True,
        plan={},
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
        theirs, _ = probes.gradients(
            given, precision="float64", training=False, plan={}, repairs=repairs
        )
        gradients = theirs["gradient/0/embeddings"], ours["gradient/0/embeddings"]
        assert np.allclose(*gradients) == same


CELLS = {"SimpleRNN": "RNN", "LSTM": "LSTM", "GRU": "GRU"}


class Sequence(nn.Module):
    """The outputs of a recurrent layer without its state."""

    def __init__(self, rnn: nn.Module) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x)[0]


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
    theirs, _ = probes.gradients(
        {"input/0": x, "cotangent/0": ours["cotangent"]},
        precision="float64",
        training=False,
        plan={},
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
        probes.forward(
            {f"input/{k}": array for k, array in enumerate(arrays)},
            precision="float64",
            training=False,
            plan={},
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
        probes.forward(
            {"input/0": normal(2, 5)},
            precision="float64",
            training=False,
            plan={},
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
            probes.forward(
                {f"input/{k}": array for k, array in enumerate(arrays)},
                precision="float64",
                training=False,
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
    theirs, _ = probes.forward(
        {"input/0": x},
        precision="float64",
        training=False,
        plan={},
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
    theirs, _ = probes.forward(
        {"input/0": value},
        precision="float64",
        training=False,
        plan={},
        repairs=[as_keras(float32_scale=True)],
    )
    close(theirs["output/0"], np.asarray(model(value)))


# Calls between the layers by Keras' rule


class Calls(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: torch.Tensor) -> Any:
        return self.function(*x)


def glue(op: str, id: str = "", **settings: Any) -> dict[str, Any]:
    return {"do": "glue", "id": id or f"{op}#0", "op": op, "settings": settings}


def pool(size: tuple[int, ...], stride: int, padding: str) -> dict[str, Any]:
    ones = [1] * len(size)
    window = {"size": list(size), "stride": [stride] * len(size), "dilation": ones}
    return window | {"padding": padding, "ceil": False, "include_pad": False}


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [(3,), (4,), (2, 3), (5, 4), (2, 3, 4)])
@pytest.mark.parametrize("kind", ["Max", "Avg"])
def test_pools(kind: str, size: tuple[int, ...], stride: int, padding: str) -> None:
    rank = len(size)
    shape, name = (8, 7, 6)[:rank], "Average" if kind == "Avg" else kind
    layer = getattr(layers, f"{name}Pooling{rank}D")(size, stride, padding)
    other = getattr(nn, f"{kind}Pool{rank}d")(2, 2, 1)
    repair = glue(f"{kind.lower()}_pool", **pool(size, stride, padding))
    x = normal(2, *shape, 3)
    if rank < 3:
        compare(model_of((*shape, 3), layer), other, x, repair)
        return
    # Of these TensorFlow has no float64.
    probes.hold(other)
    given = {"precision": "float32", "training": False, "plan": FIRST}
    found, _ = probes.forward({"input/0": x}, repairs=[repair], **given)
    function = ops.max_pool if kind == "Max" else ops.average_pool
    ours = function(x.astype("float32"), size, stride, padding)
    np.testing.assert_allclose(
        found["output/0"], turned(np.asarray(ours), "first"), rtol=0, atol=2e-6
    )


def test_another_pool() -> None:
    layer = layers.AveragePooling2D((2, 3), 2, "same")
    repair = glue("avg_pool", "max_pool#0", **pool((2, 3), 2, "same"))
    model = model_of((7, 8, 3), layer)
    compare(model, nn.MaxPool2d(2, ceil_mode=True), normal(2, 7, 8, 3), repair)


@pytest.mark.parametrize(
    ("wrong", "id"),
    [
        (nn.AdaptiveMaxPool2d(1), "global_max_pool#0"),
        (lambda x: x.amax((2, 3), keepdim=True), "global_max_pool#0"),
        (lambda x: F.max_pool2d(x, x.shape[2:]), "max_pool#0"),
    ],
)
def test_global_pools(wrong: Any, id: str) -> None:
    layer = layers.GlobalAveragePooling2D(keepdims=True)
    repair = glue("global_avg_pool", id)
    compare(model_of((7, 8, 3), layer), Calls(wrong), normal(2, 7, 8, 3), repair)


@pytest.mark.parametrize("wrong", [lambda x: x.mean(1), lambda x: torch.mean(x, dim=1)])
def test_global_pool_of_a_sequence(wrong: Any) -> None:
    layer = layers.GlobalMaxPooling1D()
    repair = glue("global_max_pool", "global_avg_pool#0")
    model = model_of((7, 3), layer)
    compare(model, Calls(wrong), normal(2, 7, 3), repair, way="last")


def test_largest_with_its_place() -> None:
    """What `max` gives beside the values stays."""
    model = model_of((7, 3), layers.GlobalAveragePooling1D())
    repair = glue("global_avg_pool", "global_max_pool#0")
    wrong = Calls(lambda x: x.max(dim=1).values)
    compare(model, wrong, normal(2, 7, 3), repair, way="last")


ACTIVATED = {
    "relu": (lambda x: layers.ReLU()(x), {}),
    "relu capped": (lambda x: layers.ReLU(6.0, 0.1, 0.5)(x), (6.0, 0.1, 0.5)),
    "relu capped only": (lambda x: layers.ReLU(1.5)(x), (1.5, 0.0, 0.0)),
    "leaky_relu": (lambda x: layers.LeakyReLU(0.3)(x), {"slope": 0.3}),
    "elu": (lambda x: layers.ELU(0.7)(x), {"alpha": 0.7}),
    "celu": (lambda x: ops.celu(x, 0.7), {"alpha": 0.7}),
    "gelu": ("gelu", {"approximate": False}),
    "gelu by tanh": (lambda x: ops.gelu(x, True), {"approximate": True}),
    "softmax": (lambda x: layers.Softmax(1)(x), {"axis": -2}),
    "log_softmax": ("log_softmax", {"axis": -1}),
    "softplus": ("softplus", {"threshold": None}),
    "exp": ("exponential", {}),
    "glu": (lambda x: ops.glu(x, 2), {"axis": 2}),
    **{
        name: (name, {})
        for name in (
            *("selu", "sigmoid", "tanh", "softsign", "silu", "mish", "hard_sigmoid"),
            *("hard_silu", "hard_tanh", "log_sigmoid", "hard_shrink", "soft_shrink"),
            *("tanh_shrink", "squareplus", "linear"),
        )
    },
}


@pytest.mark.parametrize("name", ACTIVATED)
@pytest.mark.parametrize("in_place", [False, True])
def test_activations(name: str, in_place: bool) -> None:
    """In place of one that overwrites its input, or not."""
    activation, settings = ACTIVATED[name]
    if isinstance(settings, tuple):
        keys = ("max_value", "negative_slope", "threshold")
        settings = dict(zip(keys, settings, strict=True))
    if isinstance(activation, str):
        activation = layers.Activation(activation)
    wrong = nn.Threshold(0.2, -3.0, in_place)
    x = 3 * normal(2, 5, 4)
    repair = glue(name.split()[0], "threshold#0", **settings)
    if name == "glu":
        in_place = False
        wrong = Calls(lambda x: F.threshold(x, 0.2, -3.0)[..., :2])
        repairs = repair, {"do": "skip", "id": "slice#0"}
    else:
        repairs = (repair,)
    compare(model_of((5, 4), activation), wrong, x, *repairs, way="last")


@pytest.mark.parametrize(
    "flat",
    [
        nn.Flatten(),
        Calls(lambda x: x.view(len(x), -1)),
        Calls(lambda x: x.reshape(-1, 60)),
        Calls(lambda x: torch.flatten(input=x, start_dim=1)),
    ],
)
def test_flatten(flat: nn.Module) -> None:
    repair = glue("flatten", shape=[4, 5, 3], channels_last=True)
    compare(model_of((4, 5, 3), layers.Flatten()), flat, normal(2, 4, 5, 3), repair)


def test_reshape() -> None:
    repair = glue("reshape", shape=[20, 3], channels_last=True)
    module = Calls(lambda x: x.reshape(-1, 20, 3))
    model = model_of((4, 5, 3), layers.Reshape((20, 3)), layers.Permute((2, 1)))
    module = Calls(lambda x: x.reshape(-1, 20, 3).mT)
    ours = np.asarray(model(normal(2, 4, 5, 3)))
    probes.hold(module)
    found, _ = probes.forward(
        {"input/0": normal(2, 4, 5, 3)},
        precision="float64",
        training=False,
        plan=FIRST,
        repairs=[repair],
    )
    close(found["output/0"], ours)


@pytest.mark.parametrize(
    ("layer", "settings"),
    [
        (
            lambda x: layers.UpSampling2D((2, 3))(x),
            {"scale": [2.0, 3.0], "mode": "nearest"},
        ),
        (
            lambda x: layers.Resizing(9, 4, "nearest")(x),
            {"size": [9, 4], "mode": "nearest"},
        ),
    ],
)
def test_upsampling(layer: Any, settings: dict[str, Any]) -> None:
    module = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
    repair = glue("upsample", **settings)
    compare(model_of((4, 5, 3), layer), module, normal(2, 4, 5, 3), repair)


def test_bilinear_upsampling() -> None:
    """TensorFlow computes it in float32."""
    layer = layers.UpSampling2D((2, 3), interpolation="bilinear")
    module = nn.Upsample(scale_factor=(2, 3), mode="bilinear", align_corners=True)
    repair = glue("upsample", scale=[2, 3], mode="bilinear", align_corners=False)
    x = normal(2, 4, 5, 3)
    probes.hold(module)
    given = {"input/0": x}
    close_to = turned(np.asarray(layer(x)), "first")
    found, _ = probes.forward(
        given, precision="float64", training=False, plan=FIRST, repairs=[repair]
    )
    np.testing.assert_allclose(found["output/0"], close_to, atol=1e-6)
    assert differs(given, FIRST, False, close_to)


def test_padding() -> None:
    """Keras' pairs are in the order of its axes."""
    layer = layers.ZeroPadding2D(((1, 2), (0, 3)))
    repair = glue("pad", padding=[[0, 0], [1, 2], [0, 3], [0, 0]], mode="constant")
    module = nn.ZeroPad2d(1)
    compare(model_of((4, 5, 3), layer), module, normal(2, 4, 5, 3), repair)


@pytest.mark.parametrize("reverse", [False, True])
def test_concatenation(reverse: bool) -> None:
    a, b = normal(2, 3, 4), normal(2, 3, 4) ** 2
    probes.hold(Calls(lambda x, y: torch.cat((x, y), 1)))
    repair = glue("concatenate", axis=-1, **({"reverse": True} if reverse else {}))
    found, _ = probes.forward(
        {"input/0": a, "input/1": b},
        precision="float64",
        training=False,
        plan={},
        repairs=[repair],
    )
    pair = (b, a) if reverse else (a, b)
    np.testing.assert_array_equal(found["output/0"], np.concatenate(pair, -1))


OTHERS = [
    ("average", lambda x, y: (x + y) / 2, {}),
    ("maximum", np.maximum, {}),
    ("multiply", np.multiply, {}),
    ("subtract", np.subtract, {}),
    ("minimum", np.minimum, {}),
    ("mean", lambda x, y: x.mean(1), {"axis": 1}),
    ("sum", lambda x, y: x.sum((1, 2)), {"axis": [1, 2]}),
    ("permute", lambda x, y: x.transpose(0, 2, 1), {"dims": [0, 2, 1]}),
    ("rescale", lambda x, y: x / 4 - 1, {"scale": 0.25, "offset": -1.0}),
    ("dropout", lambda x, y: x, {"rate": 0.5, "active": False}),
]


@pytest.mark.parametrize(("op", "expected", "settings"), OTHERS)
def test_other_calls(op: str, expected: Any, settings: dict[str, Any]) -> None:
    a, b = normal(2, 3, 4), normal(2, 3, 4) ** 2
    probes.hold(Calls(lambda x, y: x + y))
    found, _ = probes.forward(
        {"input/0": a, "input/1": b},
        precision="float64",
        training=False,
        plan={},
        repairs=[glue(op, "add#0", **settings)],
    )
    close(found["output/0"], expected(a, b))


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (lambda x: F.layer_norm(x, (4,)), "layer_norm"),
        (lambda x: F.group_norm(x, 1), "group_norm"),
        (lambda x: F.rms_norm(x, (4,)), "rms_norm"),
    ],
)
def test_epsilon_of_a_function(function: Any, op: str) -> None:
    x = normal(2, 3, 4)
    probes.hold(Calls(function))
    axes = (1, 2) if op == "group_norm" else 2
    mean = 0.0 if op == "rms_norm" else x.mean(axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axes, keepdims=True)
    found, _ = probes.forward(
        {"input/0": x},
        precision="float64",
        training=False,
        plan={},
        repairs=[glue(op, epsilon=0.5)],
    )
    close(found["output/0"], (x - mean) / np.sqrt(variance + 0.5))


def test_skip() -> None:
    probes.hold(nn.Sequential(nn.Softmax(-1), nn.Tanh()))
    x = normal(2, 4)
    found, _ = probes.forward(
        {"input/0": x},
        precision="float64",
        training=False,
        plan={},
        repairs=[{"do": "skip", "id": "softmax#0"}],
    )
    close(found["output/0"], np.tanh(x))


@pytest.mark.parametrize("name", CELLS)
def test_last_of_both_directions(name: str) -> None:
    layer = layers.Bidirectional(getattr(layers, name)(3))
    kind = getattr(nn, CELLS[name])

    class Last(Sequence):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.rnn(x)[0][:, -1]

    module = Last(kind(5, 3, bidirectional=True, batch_first=True))
    repair = glue("last_of_both", "slice#0")
    compare(model_of((6, 5), layer), module, normal(2, 6, 5), repair, way="last")


@pytest.mark.parametrize("inner", ["Linear(5, 3)", "RNN(5, 3, batch_first=True)"])
def test_after(inner: str) -> None:
    """What is recorded of the layer stays without it."""
    module = eval(f"nn.{inner}")
    x = normal(2, 4, 5)
    after = {"do": "after", "order": 0, "op": "relu", "settings": {"max_value": 0.5}}
    probes.hold(module)
    plain, repaired = (
        probes.forward(
            {"input/0": x},
            precision="float64",
            training=False,
            plan={},
            repairs=repairs,
        )[0]
        for repairs in ([], [after])
    )
    np.testing.assert_array_equal(plain["layer/0/out"], repaired["layer/0/out"])
    expected = np.clip(plain["output/0"], 0, 0.5)
    np.testing.assert_array_equal(repaired["output/0"], expected)


def test_set_and_freeze() -> None:
    probes.hold(Sequence(nn.LSTM(5, 3)))
    x = normal(6, 2, 5)
    repairs = [
        {"do": "set", "order": 0, "attribute": "batch_first", "value": True},
        {"do": "freeze", "order": 0, "tensors": ["bias_hh", "weight_hh"]},
    ]
    given = {"input/0": x, "cotangent/0": normal(6, 2, 3)}
    found, _ = probes.gradients(
        given, precision="float64", training=True, plan={}, repairs=repairs
    )
    names = {name for name in found if name.startswith("gradient/")}
    assert names == {"gradient/0/kernel", "gradient/0/bias"}
    probes.hold(Sequence(nn.LSTM(5, 3, batch_first=True)))
    again, _ = probes.gradients(
        given, precision="float64", training=True, plan={}, repairs=[]
    )
    assert again["output/0"].shape == found["output/0"].shape
