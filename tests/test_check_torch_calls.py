"""Calls between PyTorch's layers by Keras' rule, exact in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from torch_probes import (
    CELLS,
    FIRST,
    Calls,
    Sequence,
    close,
    compare,
    differs,
    float64,
    forward,
    glue,
    gradients,
    keras_gradients,
    model_of,
    normal,
    turned,
)

# isort: split
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from keras import layers, ops
from torch import nn

from torch_track.check import probes


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with float64():
        yield


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
    found, _ = forward({"input/0": x}, repairs=[repair], **given)
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
    "leaky_relu": (lambda x: layers.LeakyReLU(0.25)(x), {"slope": 0.25}),
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
    found, _ = forward(
        {"input/0": normal(2, 4, 5, 3)},
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


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_smooth_upsampling(mode: str) -> None:
    """TensorFlow computes it in float32."""
    layer = layers.UpSampling2D((2, 3), interpolation=mode)
    module = nn.Upsample(scale_factor=(2, 3), mode=mode, align_corners=True)
    repair = glue("upsample", scale=[2, 3], mode=mode, align_corners=False)
    x = normal(2, 4, 5, 3)
    probes.hold(module)
    given = {"input/0": x}
    close_to = turned(np.asarray(layer(x)), "first")
    found, _ = forward(given, plan=FIRST, repairs=[repair])
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
    found, _ = forward(
        {"input/0": a, "input/1": b},
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
    found, _ = forward(
        {"input/0": a, "input/1": b},
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
    found, _ = forward(
        {"input/0": x},
        repairs=[glue(op, epsilon=0.5)],
    )
    close(found["output/0"], (x - mean) / np.sqrt(variance + 0.5))


def test_skip() -> None:
    probes.hold(nn.Sequential(nn.Softmax(-1), nn.Tanh()))
    x = normal(2, 4)
    found, _ = forward(
        {"input/0": x},
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
        forward(
            {"input/0": x},
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
    found, _ = gradients(given, training=True, repairs=repairs)
    names = {name for name in found if name.startswith("gradient/")}
    assert names == {"gradient/0/kernel", "gradient/0/bias"}
    probes.hold(Sequence(nn.LSTM(5, 3, batch_first=True)))
    again, _ = gradients(given, training=True, repairs=[])
    assert again["output/0"].shape == found["output/0"].shape


@pytest.mark.parametrize(
    ("module", "layer"),
    [
        (nn.Hardsigmoid(), "hard_sigmoid"),
        (nn.Hardsigmoid(inplace=True), "hard_sigmoid"),
        (nn.CELU(0.7), lambda x: ops.celu(x, 0.7)),
    ],
)
def test_gradients_that_pytorch_rounds(module: nn.Module, layer: Any) -> None:
    """They are exact in float64 without a repair."""
    x = 3 * normal(2, 5, 4)
    inner = layers.Activation(layer) if isinstance(layer, str) else layer
    ours = keras_gradients(model_of((5, 4), inner), x, False)
    probes.hold(module)
    given = {"input/0": x, "cotangent/0": ours["cotangent"]}
    theirs, _ = gradients(given)
    close(theirs["output/0"], ours["output"])
    close(theirs["input/0"], ours["input"])


class Chain(nn.Module):
    """A layer that is called twice, an activation, a recurrent layer."""

    def __init__(self, inplace: bool) -> None:
        super().__init__()
        self.dense, self.act = nn.Linear(4, 4), nn.ReLU(inplace)
        self.rnn = nn.GRU(4, 3, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(self.dense(x))
        return self.rnn(self.dense(y))[0]


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize(
    ("key", "what", "where"),
    [
        ("layer/0/in", "in", {"order": 0}),
        ("layer/0/out", "out", {"order": 0}),
        ("glue/relu#0/in", "in", {"id": "relu#0"}),
        ("glue/relu#0/out", "out", {"id": "relu#0"}),
        ("layer/1/in", "in", {"order": 1}),
        ("layer/1/out", "out", {"order": 1}),
    ],
)
def test_values_that_are_put_into_a_model(
    inplace: bool, key: str, what: str, where: dict[str, Any]
) -> None:
    """From there on it is as if it had computed them; the next pass is its own."""
    probes.hold(Chain(inplace))
    x = normal(2, 5, 4)
    theirs = {"input/0": x + 1}
    right, _ = forward({"input/0": x}, record="all")
    repair = {"do": "put", "what": what, "key": key, **where}
    found, _ = forward(theirs | {key: right[key]}, record="all", repairs=[repair])
    names = list(right)
    for name in ["output/0", *names[names.index(key) :]]:
        if not name.endswith("state"):
            np.testing.assert_array_equal(found[name], right[name])
    again, _ = forward(theirs)
    assert np.abs(again["output/0"] - right["output/0"]).max() > 1e-3
