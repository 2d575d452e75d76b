"""`twotrack convert`: files of one framework to files of the other, and bad input."""

from __future__ import annotations

import contextlib
import os
import textwrap
from pathlib import Path
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import h5py
import numpy as np
import pytest
import torch
from conftest import Answer, Command
from layer_pairs import CASES, Case
from numpy.typing import NDArray
from safetensors.torch import save_file

from shared.check import convert
from shared.runner import TrackProcess
from torch_track import backend as torch_backend

# Keras' own, when it saves a variable.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

BUILDERS = ("--keras", "k.py:build_keras", "--torch", "t.py:build_torch")

KERAS = """
import keras
from keras import layers

def build_keras():
    return keras.Sequential([
        keras.Input((4,)),
        layers.Dense(3, name="first"),
        layers.Dense(3, name="second"),
        layers.Dense(3, name="third"),
    ])
"""
TORCH = """
from torch import nn

def build_torch():
    return nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3), nn.Linear(3, 3))
"""


@pytest.fixture(autouse=True)
def _float32() -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


@pytest.fixture
def command(
    twotrack: Command, tracks: dict[str, TrackProcess], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`twotrack convert ARGUMENTS` with the shared workers, beside two small models."""

    def shared(name: str) -> contextlib.AbstractContextManager[TrackProcess]:
        return contextlib.nullcontext(tracks[name])

    monkeypatch.setattr(convert, "TrackProcess", shared)
    write(KERAS, TORCH)

    def run(*arguments: object) -> Answer:
        return twotrack("convert", *arguments)

    return run


def write(keras: str, torch: str) -> None:
    Path("k.py").write_text(textwrap.dedent(keras))
    Path("t.py").write_text(textwrap.dedent(torch))


def model(file: str, name: str) -> Any:
    scope: dict[str, Any] = {}
    exec(Path(file).read_text(), scope)
    return scope[name]()


def save_keras(path: str = "a.weights.h5") -> dict[str, NDArray[Any]]:
    model("k.py", "build_keras").save_weights(path)
    return h5(path)


def save_torch(path: str = "a.safetensors") -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = model("t.py", "build_torch").state_dict()
    if path.endswith(".pt"):
        torch.save(state, path)
    else:
        save_file(state, path)
    return state


def h5(path: str) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    arrays = [{k: np.asarray(v) for k, v in x.items()} for x in (found, expected)]
    return arrays[0].keys() == arrays[1].keys() and all(
        arrays[0][k].dtype == v.dtype and arrays[0][k].tobytes() == v.tobytes()
        for k, v in arrays[1].items()
    )


def read_torch(path: str) -> dict[str, torch.Tensor]:
    if path.endswith(".pt"):
        return dict(torch.load(path, weights_only=True))
    from safetensors.torch import load_file

    return dict(load_file(path))


# Round trips


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_there_and_back(command: Command, case: Case) -> None:
    """From Keras: the files are the same, bit for bit; so is PyTorch's second file."""
    write(case.keras_source, case.torch_source)
    first = save_keras()
    for arguments in (
        ("a.weights.h5", "b.safetensors"),
        ("b.safetensors", "c.weights.h5"),
        ("c.weights.h5", "d.pt"),
    ):
        answer = command(*arguments, *BUILDERS)
        assert (answer.code, answer.err) == (0, ""), answer
    assert same(h5("c.weights.h5"), first)
    assert same(read_torch("d.pt"), read_torch("b.safetensors"))
    assert sorted(os.listdir()) == sorted(
        ["k.py", "t.py", "a.weights.h5", "b.safetensors", "c.weights.h5", "d.pt"]
    )


def test_from_pytorch(command: Command) -> None:
    state = save_torch()
    assert command("a.safetensors", "b.weights.h5", *BUILDERS).code == 0
    assert command("b.weights.h5", "c.safetensors", *BUILDERS).code == 0
    assert same(read_torch("c.safetensors"), state)
    kernel = h5("b.weights.h5")["layers/dense/vars/0"]
    np.testing.assert_array_equal(kernel, state["0.weight"].T)


def test_float64_stays(command: Command) -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float64", 0)
    first = save_keras()
    assert {array.dtype for array in first.values()} == {np.dtype("float64")}
    answer = command("a.weights.h5", "b.safetensors", *BUILDERS)
    assert "float64" in answer.out
    assert command("b.safetensors", "c.weights.h5", *BUILDERS).code == 0
    assert same(h5("c.weights.h5"), first)


def test_odd_numbers_stay(command: Command) -> None:
    """NaN, infinity, the smallest numbers and negative zero."""
    state = save_torch()
    odd = torch.tensor([float("nan"), -float("inf"), 1e-40, -0.0])
    state["0.weight"] = odd.repeat(3, 1)
    save_file(state, "a.safetensors")
    assert command("a.safetensors", "b.weights.h5", *BUILDERS).code == 0
    assert command("b.weights.h5", "c.safetensors", *BUILDERS).code == 0
    assert same(read_torch("c.safetensors"), state)


# What is told


def test_the_table(command: Command) -> None:
    save_keras()
    answer = command("a.weights.h5", "b.safetensors", *BUILDERS)
    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= 80
    rows = [line.split() for line in answer.out.splitlines()]
    assert ["first", "0", "dense", "4x3", "shape"] in rows
    assert ["second", "1", "dense", "3x3", "order"] in rows
    assert "order alone" in answer.out
    assert "Square: second, third." in answer.out
    assert answer.out.endswith("Wrote b.safetensors: 39 numbers, float32\n")


def test_json_and_the_users_word(command: Command) -> None:
    first = save_keras()
    mapping = ("--map", "second=2", "--json")
    report = command("a.weights.h5", "b.safetensors", *BUILDERS, *mapping).json
    assert [(p["keras"], p["torch"], p["by"]) for p in report["pairs"]] == [
        ("first", "0", "shape"),
        ("second", "2", "map"),
        ("third", "1", "shape"),
    ]
    assert report["pairs"][0]["parameters"] == {"kernel": [4, 3], "bias": [3]}
    assert report["precision"] == "float32"
    kernel = first["layers/dense_1/vars/0"]
    np.testing.assert_array_equal(read_torch("b.safetensors")["2.weight"].T, kernel)


def test_two_biases_are_told(command: Command) -> None:
    case = next(case for case in CASES if case.name == "lstm")
    write(case.keras_source, case.torch_source)
    save_torch()
    answer = command("a.safetensors", "b.weights.h5", *BUILDERS)
    assert "0: Keras has one bias, which is bias_ih + bias_hh" in answer.out
    answer = command("b.weights.h5", "c.safetensors", *BUILDERS)
    assert "freeze bias_hh" in answer.out


def test_counters_buffers_and_flatten_are_told(command: Command) -> None:
    write(
        """
        import keras
        from keras import layers
        model = keras.Sequential([
            keras.Input((5, 6, 2)),
            layers.Conv2D(3, 2),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(4, use_bias=False),
        ])
        """,
        """
        import torch
        from torch import nn
        model = nn.Sequential(
            nn.Conv2d(2, 3, 2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(60, 4)
        )
        model.register_buffer("mean", torch.ones(3))
        """,
    )
    builders = ("--keras", "k.py:model", "--torch", "t.py:model")
    scope: dict[str, Any] = {}
    exec(Path("k.py").read_text(), scope)
    scope["model"].save_weights("a.weights.h5")
    told = command("a.weights.h5", "b.safetensors", *builders, "--json").json["notes"]
    for word in ("num_batches_tracked", "mean: this buffer", "movedim", "only PyTorch"):
        assert sum(word in note for note in told) == 1, told
    state = read_torch("b.safetensors")
    assert state["3.bias"].tolist() == [0] * 4
    state["3.bias"][1] = 1.0
    save_file(state, "c.safetensors")
    answer = command("c.safetensors", "d.weights.h5", *builders)
    answer.complains(2, "3 has a bias that is not zero", "Keras's dense has none")


# Bad input


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("a.h5", "b.pt"), "'a.h5' is neither"),
        (("a.weights.h5", "b.weights.h5"), "both files are Keras'"),
        (("a.pt", "b.safetensors"), "both files are PyTorch's"),
        (("none.weights.h5", "b.pt"), "there is no file 'none.weights.h5'"),
        (("a.weights.h5", "none/b.pt"), "there is no folder"),
        (("a.weights.h5", "folder.pt"), "is a folder"),
        (("a.weights.h5", "b.pt", "--map", "first"), "is not of the form"),
        (("a.weights.h5", "b.pt", "--map", "first=8"), "no layer '8'"),
        (("text.weights.h5", "b.pt"), "is not a .weights.h5 file"),
        (("empty.weights.h5", "b.pt"), "holds no weights"),
        (("text.safetensors", "b.weights.h5"), "is not a state_dict"),
        (("text.pt", "b.weights.h5"), "is not a state_dict"),
        (("module.pt", "b.weights.h5"), "is not a state_dict"),
        (("checkpoint.pt", "b.weights.h5"), "holds epoch, state, not a state_dict"),
        (("lacks.pt", "b.weights.h5"), "lacks '0.bias'"),
        (("more.pt", "b.weights.h5"), "has 'more', which the model has not"),
        (("shape.pt", "b.weights.h5"), "has '0.bias' of shape (4,), the model (3,)"),
        (("half.pt", "b.weights.h5"), "in float16 and the model in float32"),
    ],
)
def test_bad_files(command: Command, arguments: tuple[str, ...], told: str) -> None:
    save_keras()
    state = save_torch("a.pt")
    Path("folder.pt").mkdir()
    for suffix in (".weights.h5", ".safetensors", ".pt"):
        Path(f"text{suffix}").write_text("no weights")
    h5py.File("empty.weights.h5", "w").close()
    torch.save(model("t.py", "build_torch"), "module.pt")
    torch.save({"epoch": 1, "state": state}, "checkpoint.pt")
    torch.save({k: v for k, v in state.items() if k != "0.bias"}, "lacks.pt")
    torch.save(state | {"more": torch.ones(1)}, "more.pt")
    torch.save(state | {"0.bias": torch.ones(4)}, "shape.pt")
    torch.save(state | {"0.bias": state["0.bias"].half()}, "half.pt")
    before = sorted(os.listdir())
    command(*arguments, *BUILDERS).complains(2, told)
    assert sorted(os.listdir()) == before


def test_a_file_of_another_model(command: Command) -> None:
    """Keras would load the first layers of more, and cast what is wider."""
    source = Path("k.py").read_text()
    last = '        layers.Dense(3, name="third"),\n'
    save_keras()
    Path("k.py").write_text(source.replace(last, ""))
    answer = command("a.weights.h5", "b.pt", *BUILDERS)
    answer.complains(2, "holds 6 arrays of weights, the model 4")
    wide = last.replace(")", ', dtype="float64")')
    Path("k.py").write_text(source.replace(last, wide))
    answer = command("a.weights.h5", "b.pt", *BUILDERS)
    answer.complains(2, "holds 6 of float32, the model 4 of float32 and 2 of float64")
    Path("k.py").write_text(source.replace("(4,)", "(5,)"))
    command("a.weights.h5", "b.pt", *BUILDERS).complains(2, "does not fit the model")


def test_layers_without_a_partner(command: Command) -> None:
    save_keras()
    Path("t.py").write_text(TORCH.replace("(4, 3)", "(3, 4)"))
    answer = command("a.weights.h5", "b.pt", *BUILDERS)
    answer.complains(2, "no partner for Keras' first (dense", "(3, 4)", "nothing is")


def test_tied_weights_that_differ(command: Command) -> None:
    save_keras()
    tied = TORCH.replace("    return ", "    model = ")
    tied += "    model[2].weight = model[1].weight\n    return model\n"
    Path("t.py").write_text(tied)
    answer = command("a.weights.h5", "b.pt", *BUILDERS)
    answer.complains(2, "1: kernel is shared with another layer")
    state = save_torch("c.pt")
    once = {name: t for name, t in state.items() if name != "2.weight"}
    save_file(once, "once.safetensors")
    assert command("once.safetensors", "d.weights.h5", *BUILDERS).code == 0
    assert command("d.weights.h5", "e.safetensors", *BUILDERS).code == 0
    assert same(read_torch("e.safetensors"), dict(state))


def test_an_existing_target(command: Command) -> None:
    save_keras()
    Path("b.pt").write_text("old")
    Path("t.py").write_text("x = 1\n")
    command("a.weights.h5", "b.pt", *BUILDERS).complains(2, "has no 'build_torch'")
    assert Path("b.pt").read_text() == "old"
    write(KERAS, TORCH)
    assert command("a.weights.h5", "b.pt", *BUILDERS).code == 0
    assert len(read_torch("b.pt")) == 6


# The user's code

USER = """
import keras
import neighbour_of_u
from torch import nn

def sized(size):
    return nn.Linear(size, 3)

number = 3

def nothing():
    pass

def wrong():
    return keras.Sequential()

def fails():
    return inner(4)

def inner(width):
    raise ValueError(
        "no such width")

def leaves():
    raise SystemExit(3)

def asks():
    return nn.Linear(int(input()), 3)

def lazy():
    return nn.Sequential(nn.LazyLinear(3))

class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(nn.Linear(2, 2).weight)

def own():
    return nn.Sequential(Own())

class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(4, 3), nn.Linear(3, 3), nn.Linear(3, 3))

net = Net()

def chatty():
    raise ValueError("first\\n\\n\\x1b[1msecond\\x1b[0m")
"""


@pytest.fixture
def user(command: Command) -> Command:
    """With builders of every kind in u.py."""
    save_keras()
    Path("u.py").write_text(USER)
    Path("neighbour_of_u.py").write_text("import sys\n")
    Path("syntax.py").write_text("\nx = (\n")
    Path("missing.py").write_text("import no_such_module\n")
    Path("indirect.py").write_text("import syntax\n")
    return command


@pytest.mark.parametrize("name", ["Net", "net"])
def test_a_class_or_a_model(user: Command, name: str) -> None:
    options = (*BUILDERS[:2], "--torch", f"u.py:{name}")
    assert user("a.weights.h5", "b.pt", *options).code == 0


@pytest.mark.parametrize(
    ("builder", "told"),
    [
        ("t.py", "is not of the form file.py:name"),
        ("t.py:", "is not of the form file.py:name"),
        ("none.py:build", "there is no file 'none.py'"),
        ("a.weights.h5:build", "is not a Python file"),
        ("t.py:build_torhc", "has no 'build_torhc' (did you mean 'build_torch'?)"),
        ("u.py:sized", "needs size: give defaults"),
        ("u.py:number", "is int, not a model of PyTorch"),
        ("u.py:nothing", "gives NoneType, not a model of PyTorch"),
        ("u.py:wrong", "gives keras's Sequential, not a model of PyTorch"),
        ("u.py:fails", "u.py, line 21, in inner: ValueError: no such width"),
        ("u.py:chatty", "in chatty: ValueError: first second"),
        ("u.py:leaves", "u.py, line 25, in leaves: SystemExit: 3"),
        ("u.py:asks", "in asks: EOFError"),
        ("u.py:lazy", "0: LazyLinear has no shapes yet"),
        ("u.py:own", "0: no neutral layout for Own"),
        ("syntax.py:build", "syntax.py, line 2: SyntaxError"),
        ("missing.py:build", "missing.py, line 1: ModuleNotFoundError"),
        ("indirect.py:build", "syntax.py, line 2: SyntaxError"),
    ],
)
def test_bad_builders(user: Command, builder: str, told: str) -> None:
    before = sorted(os.listdir())
    answer = user("a.weights.h5", "b.pt", *BUILDERS[:2], "--torch", builder)
    answer.complains(2, told)
    assert sorted({*os.listdir()} - {"__pycache__"}) == before


def test_an_unbuilt_keras_model(user: Command) -> None:
    save_torch("a.pt")
    Path("k.py").write_text(KERAS.replace("keras.Input((4,)),", ""))
    answer = user("a.pt", "b.weights.h5", *BUILDERS)
    answer.complains(2, "first: Dense has no shapes yet; call the model on a batch")
