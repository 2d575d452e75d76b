"""What the check sees of a PyTorch forward pass: layers, calls, arrays, places."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from shared.parity.trace import Trace
from torch_track import backend
from torch_track.check import probes

Array = NDArray[Any]


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    backend.configure("cpu", "float32", 0)
    yield
    probes.release()
    backend.configure("cpu", "float32", 0)


def normal(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape)


def forward(*inputs: Array, **options: Any) -> tuple[Trace, dict[str, Any]]:
    plain = {"precision": "float64", "training": False, "plan": {}, "repairs": []}
    arrays = {f"input/{k}": array for k, array in enumerate(inputs)}
    return probes.forward(arrays, **(plain | {"record": "all"} | options))


class Calls(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *x: torch.Tensor) -> Any:
        return self.function(*x)


def steps(function: Callable[..., Any], *inputs: Array) -> list[tuple[str, Any]]:
    """The calls that a function makes, with their settings."""
    module = function if isinstance(function, nn.Module) else Calls(function)
    probes.hold(module)
    _, facts = forward(*inputs)
    return [(step["op"], step["settings"]) for step in facts["steps"]]


RELU = ("relu", {"max_value": None, "negative_slope": 0.0, "threshold": 0.0})
CAPPED = ("relu", {"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0})

NAMES: list[tuple[Any, tuple[str, Any]]] = [
    *((f, RELU) for f in (nn.ReLU(), nn.ReLU(True), F.relu, torch.relu)),
    *((f, RELU) for f in (lambda x: x.relu(), lambda x: x.clamp(0))),
    (lambda x: F.relu(x.clone(), inplace=True), RELU),
    (lambda x: torch.relu_(x.clone()), RELU),
    *((f, CAPPED) for f in (nn.ReLU6(), F.relu6, lambda x: x.clamp(0, 6))),
    (lambda x: torch.clamp(x, min=0, max=6), CAPPED),
    (nn.Hardtanh(0, 6), CAPPED),
    (nn.Hardtanh(), ("hard_tanh", {})),
    (lambda x: x.clamp(-1, 1), ("hard_tanh", {})),
    (nn.Hardtanh(-2, 3), ("clip", {"min": -2.0, "max": 3.0})),
    (lambda x: x.clamp(max=6), ("clip", {"min": None, "max": 6.0})),
    (lambda x: F.threshold(x, -4.0, -4.0), ("clip", {"min": -4.0, "max": None})),
    (nn.LeakyReLU(0.3), ("leaky_relu", {"slope": 0.3})),
    (F.leaky_relu, ("leaky_relu", {"slope": 0.01})),
    (nn.ELU(), ("elu", {"alpha": 1.0})),
    (nn.CELU(0.5), ("celu", {"alpha": 0.5})),
    (nn.GELU(), ("gelu", {"approximate": False})),
    (lambda x: F.gelu(x, approximate="tanh"), ("gelu", {"approximate": True})),
    (nn.Softplus(), ("softplus", {"threshold": 20.0})),
    (F.softplus, ("softplus", {"threshold": 20.0})),
    (nn.Softplus(2), ("softplus", {"threshold": 20.0, "beta": 2.0})),
    *((f, ("sigmoid", {})) for f in (nn.Sigmoid(), torch.sigmoid, F.sigmoid)),
    (nn.Tanh(), ("tanh", {})),
    (nn.SiLU(), ("silu", {})),
    (nn.Hardswish(), ("hard_silu", {})),
    (nn.Hardsigmoid(), ("hard_sigmoid", {})),
    (nn.LogSigmoid(), ("log_sigmoid", {})),
    (nn.Softsign(), ("softsign", {})),
    (nn.Tanhshrink(), ("tanh_shrink", {})),
    (nn.Softmax(1), ("softmax", {"axis": -3})),
    (lambda x: x.softmax(-1), ("softmax", {"axis": -1})),
    (nn.Softmax2d(), ("softmax", {"axis": -3})),
    (nn.LogSoftmax(-1), ("log_softmax", {"axis": -1})),
    (nn.GLU(), ("glu", {})),
    (nn.Dropout(0.25), ("dropout", {"rate": 0.25, "active": False})),
    (nn.Dropout2d(), ("dropout", {"rate": 0.5, "active": False})),
    (lambda x: F.dropout(x), ("dropout", {"rate": 0.5, "active": True})),
    (
        lambda x: torch.dropout(x, 0.0, True),
        ("dropout", {"rate": 0.0, "active": False}),
    ),
    (torch.randn_like, ("noise", {"active": True})),
    (nn.Flatten(), ("flatten", {"shape": [6, 4, 4]})),
    (lambda x: x.flatten(1), ("flatten", {"shape": [6, 4, 4]})),
    (lambda x: x.view(len(x), -1), ("flatten", {"shape": [6, 4, 4]})),
    (lambda x: x.reshape(-1, 96), ("flatten", {"shape": [6, 4, 4]})),
    (lambda x: x.view(2, 6, 16), ("reshape", {"shape": [6, 16]})),
    (lambda x: x.flatten(2), ("reshape", {"shape": [6, 16]})),
    (nn.Unflatten(1, (2, 3)), ("reshape", {"shape": [2, 3, 4, 4]})),
    (lambda x: x.unsqueeze(1), ("reshape", {"shape": [1, 6, 4, 4]})),
    (lambda x: x.permute(0, 2, 3, 1), ("permute", {"dims": [0, 2, 3, 1]})),
    (lambda x: x.movedim(1, -1), ("permute", {"dims": [0, 2, 3, 1]})),
    (lambda x: x.transpose(1, 2), ("permute", {"dims": [0, 2, 1, 3]})),
    (lambda x: x.mT, ("permute", {"dims": [0, 1, 3, 2]})),
    (lambda x: x.mean((2, 3)), ("global_avg_pool", {})),
    (lambda x: x.mean([-1, -2], keepdim=True), ("global_avg_pool", {})),
    (lambda x: torch.mean(x, axis=(1, 2)), ("global_avg_pool", {})),
    (lambda x: x.amax((2, 3)), ("global_max_pool", {})),
    (nn.AdaptiveAvgPool2d(1), ("global_avg_pool", {})),
    (nn.AdaptiveMaxPool2d((1, 1)), ("global_max_pool", {})),
    (lambda x: x.mean(1), ("mean", {"axis": -3})),
    (lambda x: x.mean(), ("mean", {"axis": None})),
    (lambda x: x.sum((0, 2)), ("sum", {"axis": [-4, -2]})),
    (lambda x: x.max(dim=1).values, ("max", {"axis": -3})),
    (lambda x: torch.maximum(x, x), ("maximum", {})),
    (lambda x: torch.max(x, -x), ("negative", {})),
    (lambda x: x[:, -1], ("slice", {})),
    (lambda x: x.chunk(2, 1), ("split", {})),
    (lambda x: torch.cat((x, x), 1), ("concatenate", {"axis": -3})),
    (lambda x: torch.concat([x, x], dim=-1), ("concatenate", {"axis": -1})),
    (lambda x: torch.stack([x, x]), ("stack", {})),
    *((f, ("add", {})) for f in (lambda x: x + 1, lambda x: 1 + x)),
    (lambda x: x - 1, ("subtract", {})),
    (lambda x: 1 - x, ("subtract", {})),
    (lambda x: x * 2, ("multiply", {})),
    (lambda x: 2 * x, ("multiply", {})),
    (lambda x: x / 2, ("divide", {})),
    (lambda x: 2 / x, ("divide", {})),
    (lambda x: x**2, ("power", {})),
    (lambda x: -x, ("negative", {})),
    (lambda x: x @ x, ("matmul", {})),
    (lambda x: torch.bmm(x[0], x[1]), ("slice", {})),
    (lambda x: x.long(), ("cast", {"dtype": "int64"})),
    (lambda x: x.to(torch.int32), ("cast", {"dtype": "int32"})),
    (
        lambda x: x.type_as(torch.ones(1, dtype=torch.int64)),
        ("cast", {"dtype": "int64"}),
    ),
    (lambda x: F.layer_norm(x, (4,), eps=0.5), ("layer_norm", {"epsilon": 0.5})),
    (lambda x: F.group_norm(x, 3), ("group_norm", {"epsilon": 1e-5, "groups": 3})),
    (lambda x: F.rms_norm(x, (4,)), ("rms_norm", {"epsilon": "finfo"})),
    (lambda x: F.normalize(x), ("normalize", {"axis": -3})),
    (
        lambda x: F.batch_norm(x, None, None, training=True),
        ("batch_norm", {"epsilon": 1e-5}),
    ),
    (lambda x: F.scaled_dot_product_attention(x, x, x), ("attention", {})),
    (nn.PixelShuffle(1), ("pixel_shuffle", {})),
    (torch.square, ("square", {})),
    (lambda x: torch.where(x > 0, x, 0), ("gt", {})),
]


@pytest.mark.parametrize(("function", "expected"), NAMES)
def test_names(function: Any, expected: tuple[str, Any]) -> None:
    assert steps(function, normal(2, 6, 4, 4))[0] == expected


WINDOW = {"size": [2, 2], "stride": [2, 2], "dilation": [1, 1], "ceil": False}
HALF = [[1, 1], [1, 1]]
VALID = WINDOW | {"padding": "valid"}
POOLS: list[tuple[Any, tuple[str, Any]]] = [
    (nn.MaxPool2d(2), ("max_pool", VALID)),
    (lambda x: F.max_pool2d(x, 2), ("max_pool", VALID)),
    (
        lambda x: torch.max_pool2d(x, (2, 2)),
        ("max_pool", VALID),
    ),
    (
        lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
        ("max_pool", VALID),
    ),
    (
        nn.MaxPool2d(2, (1, 2), 1, 2, ceil_mode=True),
        (
            "max_pool",
            {"size": [2, 2], "stride": [1, 2], "dilation": [2, 2], "ceil": True}
            | {"padding": HALF},
        ),
    ),
    (
        nn.AvgPool2d(2),
        ("avg_pool", VALID | {"include_pad": False}),
    ),
    (
        nn.AvgPool2d(2, padding=1),
        ("avg_pool", WINDOW | {"padding": HALF, "include_pad": True}),
    ),
    (
        nn.AvgPool2d(2, padding=1, count_include_pad=False),
        ("avg_pool", WINDOW | {"padding": HALF, "include_pad": False}),
    ),
    (
        nn.AdaptiveAvgPool2d((3, None)),
        (
            "avg_pool",
            {"size": [2, 1], "stride": [2, 1], "dilation": [1, 1], "ceil": False}
            | {"padding": "valid", "include_pad": False},
        ),
    ),
    (nn.AdaptiveMaxPool2d(4), ("adaptive_max_pool", {"size": [4, 4]})),
    (
        nn.ZeroPad2d((1, 2, 0, 0)),
        (
            "pad",
            {"padding": [[0, 0], [0, 0], [0, 0], [1, 2]], "mode": "constant"}
            | {"value": 0.0},
        ),
    ),
    (
        lambda x: F.pad(x, (0, 1, 2, 3), "reflect"),
        (
            "pad",
            {"padding": [[0, 0], [0, 0], [2, 3], [0, 1]], "mode": "reflect"}
            | {"value": 0.0},
        ),
    ),
    (
        nn.Upsample(scale_factor=2),
        ("upsample", {"scale": [2.0, 2.0], "mode": "nearest", "align_corners": False}),
    ),
    (
        lambda x: F.interpolate(x, (9, 3), mode="bilinear", align_corners=True),
        ("upsample", {"size": [9, 3], "mode": "bilinear", "align_corners": True}),
    ),
]


@pytest.mark.parametrize(("function", "expected"), POOLS)
def test_windows(function: Any, expected: tuple[str, Any]) -> None:
    assert steps(function, normal(2, 3, 6, 6)) == [expected]


@pytest.mark.parametrize("rank", [1, 3])
def test_windows_of_other_ranks(rank: int) -> None:
    x = normal(2, 3, *[6] * rank)
    for kind in ("Max", "Avg"):
        ((op, settings),) = steps(getattr(nn, f"{kind}Pool{rank}d")(3), x)
        assert op == f"{kind.lower()}_pool"
        assert settings["size"] == settings["stride"] == [3] * rank
        module = getattr(nn, f"Adaptive{kind}Pool{rank}d")(1)
        assert steps(module, x) == [(f"global_{kind.lower()}_pool", {})]


NOTHING = [
    nn.Identity(),
    lambda x: x.contiguous().detach().clone(),
    lambda x: x.view(x.size(0), 6, *x.shape[2:]),
    lambda x: x.permute(0, 1, 2, 3),
    lambda x: x.to("cpu").to(x.dtype).float(),
    lambda x: (torch.zeros(3), torch.zeros_like(x), x.new_ones(2), x)[-1],
    lambda x: x if x.dim() == 4 and x.is_floating_point() and len(x) else None,
    nn.AdaptiveAvgPool2d(4),
    nn.ZeroPad2d(0),
]


@pytest.mark.parametrize("function", NOTHING)
def test_what_computes_nothing_is_no_step(function: Any) -> None:
    assert steps(function, normal(2, 6, 4, 4)) == []


class Net(nn.Module):
    """Layers, modules without weights, and functions, some twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.block = nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.fc = nn.Linear(4, 4)
        self.scale = nn.Parameter(torch.full((4,), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.block(self.conv(x))
        x = F.relu(x).mean((2, 3))
        x = self.fc(x)
        return self.fc(x) + self.scale * x


def test_order_ids_and_places() -> None:
    probes.hold(Net())
    found = []
    for precision in ("float64", "float32"):
        for training in (False, True):
            _, facts = forward(
                normal(2, 3, 5, 6), precision=precision, training=training
            )
            found.append(facts)
    steps = found[0]["steps"]
    assert all(facts["steps"] == steps for facts in found)
    told = [step.get("id", step.get("order")) for step in steps]
    assert told == [
        *(1, 2, "relu#0", "relu#1", "global_avg_pool#0", 3, "multiply#0", "add#0"),
    ]
    assert found[0]["calls"] == {"1": 1, "2": 1, "3": 2}
    places = {step["id"]: step["place"] for step in steps if step["node"] == "glue"}
    assert places["relu#0"] == "block.1"
    line = Net.forward.__code__.co_firstlineno
    assert places["relu#1"] == f"test_check_torch_steps.py:{line + 2}"
    assert places["add#0"] == f"test_check_torch_steps.py:{line + 4}"


def test_arrays() -> None:
    """Of what is overwritten, as it was when it came by."""
    net = Net()
    probes.hold(net)
    x = normal(2, 3, 5, 6)
    trace, facts = forward(x)
    assert facts["finite"]
    net = net.double().eval()
    with torch.no_grad():
        inner = net.conv(torch.tensor(x))
        normed = net.block[0](inner)
        pooled = F.relu(normed).mean((2, 3))
        first = net.fc(pooled)
        expected = {
            "layer/1/in": torch.tensor(x),
            "layer/1/out": inner,
            "layer/2/in": inner,
            "layer/2/out": normed,
            "glue/relu#0/in": normed,
            "glue/relu#0/out": F.relu(normed),
            "glue/relu#1/out": F.relu(normed),
            "layer/3/in": pooled,
            "layer/3/out": first,
            "glue/multiply#0/in": net.scale,
            "glue/multiply#0/in/1": first,
            "glue/add#0/in": net.fc(first),
            "output/0": net.fc(first) + net.scale * first,
        }
    for name, tensor in expected.items():
        expected_array = tensor.detach().numpy()
        np.testing.assert_array_equal(trace[name], expected_array, err_msg=name)
        assert trace[name].dtype == np.float64
    assert trace["glue/relu#0/out"] is not trace["glue/relu#0/in"]
    layers, _ = forward(x, record="layers")
    assert layers.keys() == {n for n in trace if not n.startswith("glue/")}
    assert forward(x, record="none")[0].keys() == {"output/0"}


def test_a_layer_that_fails_or_is_not_called() -> None:
    class Careful(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                try:
                    self.block(x)
                except RuntimeError:
                    x = torch.relu(self.conv(x))
            return x

    probes.hold(Careful())
    trace, facts = forward(normal(2, 3, 5, 6))
    told = [step.get("id", step.get("order")) for step in facts["steps"]]
    assert told == [2, 1, "relu#0"]
    assert "layer/2/out" not in trace
    assert "layer/1/out" in trace
    assert facts["calls"] == {"1": 1, "2": 1}


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_recurrent_layers(kind: str) -> None:
    """Several parts in one module: the first has the input, the last the output."""
    module = getattr(nn, kind)(5, 3, num_layers=2, bidirectional=True, batch_first=True)
    probes.hold(module)
    trace, facts = forward(normal(2, 6, 5))
    names = {"layer/0/in", "layer/1/out", "layer/1/out/state"}
    assert {name for name in trace if name.startswith("layer")} == names
    assert [step["order"] for step in facts["steps"]] == [0, 1]
    assert trace["layer/1/out"].shape == (2, 6, 6)
    assert trace["layer/1/out/state"].shape == (4, 2, 3)


def test_packed_sequences() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(5, 3, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            packed = pack_padded_sequence(x, torch.tensor([6, 4]), batch_first=True)
            return self.rnn(packed)[1][0]

    probes.hold(Packed())
    trace, _ = forward(normal(2, 6, 5))
    assert trace["layer/0/in"].shape == (2, 6, 5)
    assert trace["layer/0/out"].shape == (2, 6, 3)
    assert not trace["layer/0/out"][1, 4:].any()


def test_attention_and_its_masks() -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            mask = torch.ones(4, 6, dtype=torch.bool).triu(1)
            out, _ = self.inner(x, key=y, value=y, attn_mask=mask, need_weights=False)
            return out

    probes.hold(Own())
    x, y = normal(2, 4, 8), normal(2, 6, 8)
    trace, _ = forward(x, y)
    names = {"layer/0/in", "layer/0/in/1", "layer/0/in/2", "layer/0/out"}
    assert {name for name in trace if name.startswith("layer")} == names
    given = {name: trace[name] for name in names - {"layer/0/out"}}
    for precision in ("float64", "float32"):
        found, facts = probes.replay(given, precision=precision, repairs=[])
        assert facts["failed"] == {}
        np.testing.assert_allclose(
            found["layer/0/out"], trace["layer/0/out"], atol=1e-6
        )
    again, _ = forward(x, y, training=True)
    np.testing.assert_array_equal(again["output/0"], trace["output/0"])


def test_a_whole_transformer() -> None:
    """Its fast way, which knows no hooks, is closed meanwhile."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.5, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    probes.hold(model)
    trace, facts = forward(normal(2, 5, 8))
    told = [step.get("op", "layer") for step in facts["steps"]]
    each = ["layer", "dropout", "add", "layer", "layer", "relu", "dropout", "layer"]
    assert told == 2 * [*each, "dropout", "add", "layer"]
    places = [step["place"] for step in facts["steps"] if step.get("op") == "relu"]
    assert places == ["layers.0", "layers.1"]
    quiet, _ = forward(normal(2, 5, 8), training=True)
    np.testing.assert_array_equal(quiet["output/0"], trace["output/0"])
    with torch.no_grad():
        fast = model.double().eval()(torch.tensor(normal(2, 5, 8)))
    np.testing.assert_allclose(trace["output/0"], fast, atol=1e-12)
    assert torch.backends.mha.get_fastpath_enabled()


def test_replay() -> None:
    """Each layer alone, also where the inputs are other ones."""
    probes.hold(Net())
    trace, _ = forward(normal(2, 3, 5, 6))
    inputs = {n: a for n, a in trace.items() if n.startswith("layer") and "/in" in n}
    found, facts = probes.replay(inputs, precision="float64", repairs=[])
    assert facts["failed"] == {}
    assert found.keys() == {f"layer/{order}/out" for order in (1, 2, 3)}
    for name, array in found.items():
        np.testing.assert_array_equal(array, trace[name], err_msg=name)
    set_eps = {"do": "set", "order": 2, "attribute": "eps", "value": 0.5}
    inputs["layer/3/in"] = normal(2, 7)
    found, facts = probes.replay(inputs, precision="float64", repairs=[set_eps])
    assert facts["failed"].keys() == {"3"}
    assert "shapes cannot be multiplied" in facts["failed"]["3"]
    assert np.abs(found["layer/2/out"] - trace["layer/2/out"]).max() > 1e-3


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
def test_replay_with_a_state(kind: str) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = getattr(nn, kind)(5, 3, batch_first=True)

        def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
            return self.rnn(x, (h, h) if kind == "LSTM" else h)[0]

    probes.hold(Own())
    trace, _ = forward(normal(2, 4, 5), normal(1, 2, 3))
    inputs = {n: a for n, a in trace.items() if "/in" in n and n.startswith("layer")}
    assert len(inputs) == (3 if kind == "LSTM" else 2)
    found, facts = probes.replay(inputs, precision="float64", repairs=[])
    assert facts["failed"] == {}
    np.testing.assert_array_equal(found["layer/0/out"], trace["layer/0/out"])
    alone = {"layer/0/in": inputs["layer/0/in"]}
    found, facts = probes.replay(alone, precision="float64", repairs=[])
    assert facts["failed"] == {}
    assert np.abs(found["layer/0/out"] - trace["layer/0/out"]).max() > 1e-3


def test_replay_before_any_pass() -> None:
    probes.hold(nn.MultiheadAttention(8, 2, batch_first=True))
    x = normal(2, 5, 8)
    once = {"layer/0/in": x}
    thrice = once | {"layer/0/in/1": x, "layer/0/in/2": x}
    found = [
        probes.replay(given, precision="float64", repairs=[])[0]["layer/0/out"]
        for given in (once, thrice)
    ]
    # Three tensors that are one go through one product, which may round otherwise.
    np.testing.assert_allclose(*found, rtol=0, atol=1e-15)


def test_layers_that_take_what_comes() -> None:
    """A subclass with arguments of its own is called as it was."""

    class Own(nn.Linear):
        def forward(self, *args: torch.Tensor, factor: float = 1.0) -> torch.Tensor:
            return factor * super().forward(*args)

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = Own(5, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.own(x, factor=2.0)

    probes.hold(Model())
    trace, _ = forward(normal(2, 5))
    given = {"layer/0/in": trace["layer/0/in"]}
    found, facts = probes.replay(given, precision="float64", repairs=[])
    assert facts["failed"] == {}
    np.testing.assert_array_equal(found["layer/0/out"], trace["layer/0/out"])


def test_dropout_does_nothing_in_training() -> None:
    """Neither as a layer, nor as a function, nor inside of a recurrent layer."""

    class Drops(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(5, 5, 2, batch_first=True, dropout=0.5)
            self.drop = nn.Sequential(nn.Dropout(0.5), nn.AlphaDropout(0.5))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.drop(self.rnn(x)[0])
            x = x + torch.randn_like(x) if self.training else x
            return F.dropout(x, 0.5, self.training, inplace=True)

    probes.hold(Drops())
    x = normal(2, 4, 5)
    evaluated, _ = forward(x)
    trained, facts = forward(x, training=True)
    np.testing.assert_array_equal(trained["output/0"], evaluated["output/0"])
    drops = [step for step in facts["steps"] if step.get("op") == "dropout"]
    active = [step["settings"]["active"] for step in drops]
    assert active == [True, True, True]
    _, about = probes.describe()
    assert about["random"] == ["rnn", "drop.0", "drop.1"]


def test_dropout_that_ignores_the_mode() -> None:
    probes.hold(Calls(lambda x: F.dropout(x, 0.5)))
    x = normal(50, 5)
    first, second = (forward(x)[0]["output/0"] for _ in range(2))
    assert np.abs(first - second).max() > 0
    off = {
        "do": "glue",
        "id": "dropout#0",
        "op": "dropout",
        "settings": {"active": False},
    }
    found, facts = forward(x, repairs=[off])
    np.testing.assert_array_equal(found["output/0"], x)
    assert facts["steps"][0]["settings"]["active"]


@dataclasses.dataclass
class Answer:
    """As models of some libraries give it."""

    logits: torch.Tensor
    loss: None = None


class Pair(NamedTuple):
    """Of two."""

    a: torch.Tensor
    b: int


def test_outputs_of_every_form() -> None:
    module = Calls(
        lambda x: {"one": x, "more": [Answer(2 * x), Pair(3 * x, 4)], "none": None}
    )
    probes.hold(module)
    trace, facts = forward(normal(2, 3))
    assert [one["path"] for one in facts["outputs"]] == [
        *("['one']", "['more'][0].logits", "['more'][1][0]"),
    ]
    np.testing.assert_array_equal(trace["output/2"], 3 * normal(2, 3))


def test_users_of_inference_mode() -> None:
    probes.hold(Calls(torch.inference_mode()(lambda x: torch.relu(x) + 1)))
    trace, facts = forward(normal(2, 3))
    assert [step["op"] for step in facts["steps"]] == ["relu", "add"]
    np.testing.assert_array_equal(trace["glue/add#0/in"], np.maximum(normal(2, 3), 0))
