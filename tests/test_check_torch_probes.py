"""The PyTorch half of the check: precision, weights, errors, the model left alone."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from shared.errors import UsageError
from shared.parity.trace import Trace
from torch_track import backend, layouts
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


PLAIN: dict[str, Any] = {"precision": "float64", "plan": {}, "repairs": []}


def forward(*inputs: Array, **options: Any) -> tuple[Trace, dict[str, Any]]:
    arrays = {f"input/{k}": array for k, array in enumerate(inputs)}
    return probes.forward(arrays, **(PLAIN | {"training": False} | options))


class Net(nn.Module):
    """A little of everything that a model may hold."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 2)
        self.token = nn.Parameter(torch.randn(4))
        self.register_buffer("mean", torch.rand(3, 1, 1))
        self.register_buffer("hidden", torch.rand(4), persistent=False)
        self.plain = torch.rand(4)
        self.seen = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += 1
        x = self.norm(self.conv(x - self.mean)).relu_()
        self.last = x.mean((2, 3)) * self.hidden + self.plain
        return self.fc(self.last + self.token)


def state(module: nn.Module) -> dict[str, tuple[Any, ...]]:
    """Everything that could have been changed."""
    found: dict[str, tuple[Any, ...]] = {
        name: (id(t), t.data_ptr(), t.dtype, t._version, t.detach().clone())
        for name, t in [*module.named_parameters(), *module.named_buffers()]
    }
    for name, inner in module.named_modules():
        hooks = len(inner._forward_hooks), len(inner._forward_pre_hooks)
        found[f"{name}."] = (inner.training, hooks, "forward" in vars(inner))
    return found


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def world() -> tuple[Any, ...]:
    return (
        torch.get_default_dtype(),
        torch.backends.mha.get_fastpath_enabled(),
        torch.is_grad_enabled(),
        torch.get_rng_state(),
        "triton" in sys.modules,
    )


X = normal(2, 3, 5, 6)


def asked_everything() -> None:
    given = {"input/0": X, "target/0": normal(2, 2), "cotangent/0": normal(2, 2)}
    probes.describe()
    for training in (False, True):
        trace, _ = forward(X, training=training, record="all", twin=1)
        forward(X, training=training, precision="float32")
        probes.gradients(given, training=training, **PLAIN)
    layers = {n: a for n, a in trace.items() if re.fullmatch(r"layer/\d/in", n)}
    repair = {"do": "set", "order": 2, "attribute": "eps", "value": 0.5}
    probes.replay(layers, precision="float64", repairs=[repair])
    batches = {name: array[None] for name, array in given.items()}
    probes.train(batches, loss="mse", optimizer="adam", steps=3, **PLAIN)
    probes.set_weights({"1/kernel": np.ones((3, 3, 3, 4))})
    with pytest.raises(UsageError):
        forward(normal(2, 7))


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(training: bool) -> None:
    net = Net().train(training)
    net.conv.requires_grad_(False)
    net(torch.tensor(X, dtype=torch.float32)).sum().backward()
    gradient = net.fc.weight.grad
    before, around = state(net), world()
    probes.hold(net)
    asked_everything()
    assert state(net).keys() == before.keys()
    for name, found in state(net).items():
        assert same(found, before[name]), name
    probes.release()
    assert same(world(), around)
    assert net.seen == 1
    assert net.fc.weight.grad is gradient
    assert not net.conv.weight.requires_grad


def test_every_probe_starts_from_the_same() -> None:
    probes.hold(Net())
    first, _ = probes.weights()
    start, _ = forward(X, training=True)
    asked_everything()
    probes.set_weights(first)
    second, _ = probes.weights()
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    again, _ = forward(X, training=True)
    np.testing.assert_array_equal(start["output/0"], again["output/0"])


def test_precision() -> None:
    """Buffers and plain tensors too, and float32 where the user's code asks for it."""

    class Casts(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x.float().to(torch.float32) + torch.zeros(1, dtype=torch.float32)
            return super().forward(x).type(torch.float32) + torch.ones(1)

    probes.hold(Casts())
    for precision in ("float32", "float64"):
        trace, facts = forward(X, precision=precision, record="all")
        assert "failed" not in facts
        assert {array.dtype.name for array in trace.values()} == {precision}
    net = Casts()
    net.load_state_dict(probes._held().start.state_dict())
    assert {a.dtype.name for a in probes.weights()[0].values()} == {"float32"}


def test_weights_in_float64_are_kept() -> None:
    probes.hold(nn.Linear(3, 2))
    kernel = normal(3, 2)
    probes.set_weights({"0/kernel": kernel})
    np.testing.assert_array_equal(probes.weights()[0]["0/kernel"], kernel)
    x = normal(4, 3)
    trace, _ = forward(x)
    bias = probes.weights()[0]["0/bias"]
    np.testing.assert_allclose(trace["output/0"], x @ kernel + bias, rtol=1e-14)


def test_models_in_half_precision() -> None:
    probes.hold(nn.Linear(3, 2).to(torch.bfloat16))
    _, facts = probes.describe()
    assert facts["dtypes"] == ["bfloat16"]
    trace, _ = forward(normal(4, 3))
    assert trace["output/0"].dtype == np.float64


class Halves(nn.Module):
    """Computes in half precision whatever it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x).half() * 2


class Mixes(nn.Module):
    """Takes numbers of a single dtype, and tells so in a way of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype == torch.float64:
            raise TypeError("float32 only")
        return self.fc(x)


def test_what_cannot_run_in_float64_is_told() -> None:
    probes.hold(Halves())
    trace, facts = forward(normal(4, 3))
    assert trace == {}
    assert facts == {"failed": "output is in float16 whatever its input is in"}
    trace, facts = forward(normal(4, 3), precision="float32")
    assert trace["output/0"].dtype == np.float32
    probes.hold(Mixes())
    trace, facts = forward(normal(4, 3))
    assert trace == {}
    assert "in forward: TypeError: float32 only" in facts["failed"]
    assert facts["failed"].startswith(__file__)
    given = {"input/0": normal(4, 3), "cotangent/0": normal(4, 2)}
    _, facts = probes.gradients(given, training=True, **PLAIN)
    assert "float32 only" in facts["failed"]


def test_twins() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.LSTM(4, 5))
    with torch.no_grad():
        net[1].bias_hh_l0.zero_()
    probes.hold(net)
    held = probes._held()
    for precision in ("float32", "float64"):
        plain = dict(held.copy(precision).named_parameters())
        first, second, again = (
            dict(held.copy(precision, twin).named_parameters()) for twin in (1, 2, 1)
        )
        for name, p in plain.items():
            moved = first[name].detach()
            if name == "1.bias_hh_l0":
                assert torch.equal(moved, p)
                continue
            assert torch.equal(moved, again[name])
            assert not torch.equal(moved, second[name])
            up = torch.nextafter(p, torch.tensor(torch.inf, dtype=p.dtype))
            down = torch.nextafter(p, torch.tensor(-torch.inf, dtype=p.dtype))
            assert ((moved == up) | (moved == down)).all()
            assert (moved == up).any() and (moved == down).any()


@pytest.mark.parametrize(
    ("plan", "inputs"),
    [
        ({}, 2),
        ({"passing": {"keywords": ["b", "a"]}}, 2),
        ({"passing": "list"}, 2),
        ({"passing": {"dict": ["a", "b"]}}, 2),
        ({"arrange": ["channels_first", "time_first"]}, 2),
    ],
)
def test_plans(plan: dict[str, Any], inputs: int) -> None:
    class Takes(nn.Module):
        def forward(self, a: Any, b: Any = None) -> Any:
            if isinstance(a, list):
                a, b = a
            if isinstance(a, dict):
                a, b = a["a"], a["b"]
            assert a.is_contiguous()
            return a, b

    a, b = normal(2, 3, 4), normal(2, 3, 5)
    probes.hold(Takes())
    trace, _ = forward(a, b, plan=plan)
    found = trace["output/0"], trace["output/1"]
    if "arrange" in plan:
        np.testing.assert_array_equal(found[0], a.transpose(0, 2, 1))
        np.testing.assert_array_equal(found[1], b.transpose(1, 0, 2))
    elif "keywords" in str(plan):
        np.testing.assert_array_equal(found[0], b)
        np.testing.assert_array_equal(found[1], a)
    else:
        np.testing.assert_array_equal(found[0], a)
        np.testing.assert_array_equal(found[1], b)


def test_integers_index() -> None:
    probes.hold(nn.Embedding(5, 3))
    words = np.array([[0, 3]], np.int32)
    trace, _ = forward(words)
    assert trace["output/0"].shape == (1, 2, 3)
    given = {"input/0": words, "cotangent/0": normal(1, 2, 3)}
    found, _ = probes.gradients(given, training=False, **PLAIN)
    assert "input/0" not in found


def test_describe() -> None:
    net = Net()
    net.conv.requires_grad_(False)
    probes.hold(net)
    arrays, facts = probes.describe()
    assert arrays == {}
    assert [(one["name"], one["kind"]) for one in facts["layers"]] == [
        ("token", "raw"),
        ("conv", "conv2d"),
        ("norm", "batch_norm"),
        ("fc", "dense"),
    ]
    assert facts["settings"]["2"] == {
        "type": "BatchNorm2d",
        "epsilon": 1e-5,
        "momentum": 0.9,
        "axis": "channels",
    }
    assert facts["trainable"]["1"] == {"kernel": False, "bias": False}
    assert facts["trainable"]["2"] == {
        "gamma": True,
        "beta": True,
        "moving_mean": False,
        "moving_variance": False,
    }
    assert facts["inputs"] == [
        {"name": "x", "shape": None, "dtype": "float32", "below": None}
    ]
    assert facts["keywords"] == ["x"]
    assert facts["dtypes"] == ["float32"]
    assert facts["training"] is True
    assert facts["random"] == []
    assert facts["buffers"] == ["mean", "hidden"]
    assert facts["parameters"] == 4 + (3 * 3 * 3 + 1) * 4 + 4 * 4 + 5 * 2
    assert facts["notes"] == []


RELU = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}

SETTINGS: list[tuple[nn.Module, dict[str, Any]]] = [
    (nn.Linear(2, 3), {}),
    (nn.PReLU(), {}),
    (nn.BatchNorm1d(3, momentum=None), {"momentum": None}),
    (nn.LayerNorm((2, 3), 0.5), {"epsilon": 0.5, "axis": 2}),
    (nn.GroupNorm(2, 4), {"epsilon": 1e-5, "groups": 2}),
    (nn.RMSNorm(4), {"epsilon": "finfo", "axis": 1}),
    (
        nn.Conv1d(4, 4, 3, 2, 1, 2, 2, padding_mode="reflect"),
        {"stride": [2], "dilation": [2], "groups": 2, "padding": [[1, 1]]}
        | {"padding_mode": "reflect"},
    ),
    (
        nn.Conv2d(1, 1, 3, padding="same"),
        {"stride": [1, 1], "dilation": [1, 1], "groups": 1, "padding": "same"}
        | {"padding_mode": "zeros"},
    ),
    (nn.Conv2d(1, 1, 3), {"padding": "valid"}),
    (
        nn.ConvTranspose2d(1, 1, 3, 2, (0, 1), 1),
        {"stride": [2, 2], "padding": [0, 1], "output_padding": [1, 1]}
        | {"dilation": [1, 1], "groups": 1},
    ),
    (nn.Embedding(3, 2, 0, 1.5), {"padding_idx": 0, "max_norm": 1.5}),
    (
        nn.GRU(2, 3, 2, dropout=0.25, bidirectional=True),
        {
            "units": 3,
            "batch_first": False,
            "return_sequences": True,
            "return_state": True,
            "go_backwards": False,
            "dropout": 0.25,
            "recurrent_dropout": 0.0,
            "layers": 2,
            "bidirectional": True,
            "merge_mode": "concat",
            "activation": {"op": "tanh", "settings": {}},
            "recurrent_activation": {"op": "sigmoid", "settings": {}},
            "reset_after": True,
        },
    ),
    (
        nn.RNNCell(2, 3, nonlinearity="relu"),
        {
            "units": 3,
            "activation": {
                "op": "relu",
                "settings": {
                    "max_value": None,
                    "negative_slope": 0.0,
                    "threshold": 0.0,
                },
            },
        },
    ),
    (
        nn.MultiheadAttention(8, 2, 0.5),
        {"heads": 2, "key_dim": 4, "dropout": 0.5, "batch_first": False, "scale": 0.5},
    ),
]


@pytest.mark.parametrize(("module", "expected"), SETTINGS)
def test_settings(module: nn.Module, expected: dict[str, Any]) -> None:
    probes.hold(module)
    _, facts = probes.describe()
    found = facts["settings"]["0"]
    assert found["type"] == type(module).__name__
    assert found.items() >= expected.items()
    if len(expected) != 1:
        assert found.keys() == {"type", *expected}


def test_inputs_of_words() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(7, 3)

        def forward(self, words: torch.Tensor, mask: Any = None) -> torch.Tensor:
            return self.table(words)

    probes.hold(Model())
    _, facts = probes.describe()
    about = {"shape": None, "dtype": "int64", "below": 7}
    assert facts["inputs"] == [{"name": "words"} | about]
    assert facts["keywords"] == ["words", "mask"]


def test_two_biases_are_noted() -> None:
    probes.hold(nn.LSTM(2, 3))
    _, facts = probes.describe()
    assert facts["notes"] == [
        "LSTM: bias_ih and bias_hh are both in use; Keras has one bias"
    ]


# Raw parameters


class Odd(nn.Module):
    """Parameters without a neutral layout, of every sort."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(3))
        self.fc = nn.Linear(3, 3)
        self.attention = nn.MultiheadAttention(4, 2, add_bias_kv=True)
        self.projected = nn.LSTM(2, 3, proj_size=2)
        self.grouped = nn.ConvTranspose2d(4, 4, 3, groups=2)
        self.several = nn.ParameterList([torch.zeros(2), torch.ones(2)])


SIDES = ("ih", "hh")


def test_raw_parts() -> None:
    parts = layouts.parts(Odd(), raw=True)
    raw = [part.name for part in parts if part.layout.kind == "raw"]
    assert raw == [
        "scale",
        "attention.bias_k",
        "attention.bias_v",
        *(
            f"projected.{n}_l0"
            for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ),
        "projected.weight_hr_l0",
        "grouped.weight",
        "grouped.bias",
        "several.0",
        "several.1",
    ]
    assert [p.name for p in parts if p.name not in raw] == ["fc", "attention"]
    described = layouts.describe(Odd(), raw=True)
    assert described[0].parameters == {"value": (3,)}
    with pytest.raises(UsageError, match="no neutral layout for Odd"):
        layouts.parts(Odd())
    held = sum(a.size for part in parts for a in part.export().values())
    assert held == sum(p.numel() for p in Odd().parameters())


def test_raw_parameters_move() -> None:
    class Scales(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.randn(3))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.scale * x

    probes.hold(Scales())
    probes.set_weights({"0/value": np.array([1.0, 2.0, 3.0])})
    x = normal(2, 3)
    trace, facts = forward(x, record="all")
    np.testing.assert_array_equal(trace["output/0"], x * [1, 2, 3])
    assert [step["op"] for step in facts["steps"]] == ["multiply"]
    given = {"input/0": x, "cotangent/0": np.ones((2, 3))}
    found, _ = probes.gradients(given, training=True, **PLAIN)
    np.testing.assert_allclose(found["gradient/0/value"], x.sum(0), rtol=1e-14)


# Gradients


def test_gradients() -> None:
    net = Net()
    probes.hold(net)
    x, cotangent = X, normal(2, 2)
    trace, facts = probes.gradients(
        {"input/0": x, "cotangent/0": cotangent}, training=True, **PLAIN
    )
    own = Net()
    own.load_state_dict(net.state_dict())
    own.hidden, own.plain = net.hidden.double(), net.plain.double()
    own.double().train()
    given = torch.tensor(x, requires_grad=True)
    loss = (own(given * 1.0) * torch.tensor(cotangent)).sum()
    loss.backward()
    np.testing.assert_allclose(trace["loss"], loss.detach(), rtol=1e-12)
    assert trace["loss"].shape == ()
    np.testing.assert_allclose(trace["input/0"], given.grad, rtol=1e-9, atol=1e-13)
    kernel = own.conv.weight.grad.permute(2, 3, 1, 0)
    np.testing.assert_allclose(trace["gradient/1/kernel"], kernel, atol=1e-12)
    np.testing.assert_allclose(trace["gradient/0/value"], own.token.grad, atol=1e-12)
    assert facts["none"] == []
    assert "gradient/2/moving_mean" not in trace


def test_gradients_that_are_missing() -> None:
    class Detaches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x).detach())

    probes.hold(Detaches())
    given = {"input/0": normal(2, 3), "cotangent/0": normal(2, 2)}
    trace, facts = probes.gradients(given, training=True, **PLAIN)
    assert facts["none"] == ["0/kernel", "0/bias"]
    assert trace["gradient/0/kernel"].shape == (3, 3)
    assert not trace["gradient/0/kernel"].any()
    assert not trace["input/0"].any()
    assert trace["gradient/1/kernel"].any()


def test_gradients_of_one_bias() -> None:
    probes.hold(nn.LSTM(5, 3))
    given = {"input/0": normal(4, 2, 5), "cotangent/0": normal(4, 2, 3)}
    trace, _ = probes.gradients(given, training=True, **PLAIN)
    module = probes._held().copy("float64")
    out, _ = module(torch.tensor(given["input/0"]))
    (out * torch.tensor(given["cotangent/0"])).sum().backward()
    np.testing.assert_allclose(trace["gradient/0/bias"], module.bias_ih_l0.grad)


def test_shared_weights() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 3)
            self.last = nn.Linear(3, 5, bias=False)
            self.last.weight = self.table.weight

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return self.last(self.table(words))

    probes.hold(Tied())
    probes.set_weights({"0/embeddings": normal(5, 3), "1/kernel": normal(5, 3).T})
    copied = probes._held().copy("float64", twin=1)
    assert copied.last.weight is copied.table.weight
    moved = (copied.last.weight.detach() - torch.tensor(normal(5, 3))).abs().max()
    assert 0 < moved < 1e-15


# Models that are hard to hold


def test_tensors_left_behind_by_a_pass() -> None:
    net = Net()
    net(torch.tensor(X, dtype=torch.float32))
    assert net.last.grad_fn is not None
    probes.hold(net)
    forward(X)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_models() -> None:
    """What torch.compile has made is run as it was written."""
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU())
    probes.hold(torch.compile(net))
    _, facts = forward(normal(2, 3))
    assert [step["node"] for step in facts["steps"]] == ["layer", "glue"]
    net.compile()
    probes.hold(net)
    _, facts = forward(normal(2, 3))
    assert [step["node"] for step in facts["steps"]] == ["layer", "glue"]


def unpicklable() -> nn.Module:
    module = nn.Linear(2, 2)
    module.generator = (i for i in range(3))
    return module


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: nn.LazyLinear(3), "LazyLinear has no shapes yet"),
        (
            lambda: torch.jit.script(nn.Linear(2, 2)),
            "a scripted module hides its layers",
        ),
        (unpicklable, "cannot be copied (cannot pickle 'generator' object)"),
        (
            lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)),
            "remove_parametrizations",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_models_that_are_not_held(make: Any, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        probes.hold(make())


def test_errors_of_the_users_code() -> None:
    probes.hold(nn.Linear(3, 2))
    with pytest.raises(UsageError, match="the model: RuntimeError: mat1 and mat2"):
        forward(normal(2, 4))

    class Wrong(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise ValueError("two\nlines")

    probes.hold(Wrong())
    line = Wrong.forward.__code__.co_firstlineno + 1
    with pytest.raises(UsageError, match=f"line {line}, in forward: ValueError: two"):
        forward(normal(2, 4))

    class Nothing(nn.Module):
        def forward(self, x: torch.Tensor) -> None:
            return None

    probes.hold(Nothing())
    with pytest.raises(UsageError, match="returns no tensor"):
        forward(normal(2, 4))
    assert torch.get_default_dtype() == torch.float32
    assert torch.overrides._len_torch_function_stack() == 0


def test_warnings_of_the_users_code() -> None:
    class Warns(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.softmax(x, dim=-1) + nn.functional.softmax(x)

    probes.hold(Warns())
    _, facts = forward(normal(2, 4))
    assert ["Implicit dimension choice" in text for text in facts["warnings"]] == [True]


def test_numbers_that_are_none() -> None:
    probes.hold(nn.Linear(3, 2))
    probes.set_weights({"0/bias": np.array([np.nan, 0.0])})
    _, facts = forward(normal(2, 3))
    assert facts["finite"] is False


def test_load(tmp_path: Path) -> None:
    file = tmp_path / "user.py"
    file.write_text(
        textwrap.dedent(
            """
            import torch
            from torch import nn


            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    self.fc = nn.Linear(3, 2)

                def forward(self, x):
                    return self.fc(x) @ x


            def build():
                return Net()


            lazy = nn.LazyLinear(2)
            """
        )
    )
    probes.load(f"{file}:build")
    _, facts = probes.describe()
    assert facts["layers"][0]["name"] == "fc"
    with pytest.raises(UsageError, match=f"{file}, line 12, in forward: RuntimeError"):
        forward(normal(4, 3))
    with pytest.raises(UsageError, match="has no shapes yet"):
        probes.load(f"{file}:lazy")
    with pytest.raises(UsageError, match="has no 'absent'"):
        probes.load(f"{file}:absent")


TRITON = """
import importlib.machinery, sys, types
import torch
fake = sys.modules["tensorflow"] = types.ModuleType("tensorflow")
fake.__spec__ = importlib.machinery.ModuleSpec("tensorflow", None)
asked = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "triton":
            asked.append(name)
sys.meta_path.insert(0, Finder())
import numpy as np
from torch_track.check import probes
probes.hold(torch.nn.Linear(3, 2))
batches = {"input/0": np.ones((1, 4, 3)), "target/0": np.ones((1, 4, 2))}
probes.train(batches, precision="float32", plan={}, repairs=[], loss="mse",
             optimizer="adam", steps=2)
assert "torch._dynamo" in sys.modules
assert asked == [], asked
assert "triton" not in sys.modules
"""


def test_triton_is_not_imported_beside_tensorflow() -> None:
    """In a process of its own: what is imported stays."""
    subprocess.run([sys.executable, "-c", TRITON], check=True)
