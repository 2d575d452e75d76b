"""`twotrack check` as a user types it: verdicts, options, JSON, and bad input."""

from __future__ import annotations

import contextlib
import textwrap
from pathlib import Path

import numpy as np
import pytest
from conftest import Answer, Command

from shared.check import command as module
from shared.runner import TrackProcess

KERAS = """
import keras
from keras import layers

def build():
    return keras.Sequential([
        keras.Input((6,)),
        layers.Dense(5, activation="relu", name="hidden"),
        layers.Dense(3, name="head"),
    ])

def unknown_shape():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = layers.Dense(3)
        def call(self, x):
            return self.head(x)
    return Model()

def with_arguments(width):
    return build()

number = 3
"""
TORCH = """
import torch
from torch import nn

def build():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))

def tanh():
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))

def lazy():
    return nn.Sequential(nn.LazyLinear(5), nn.ReLU(), nn.Linear(5, 3))

def narrow():
    return nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3))

class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = build()
    def forward(self, x):
        return self.layers(x) / undefined_name

def broken():
    return Broken()

class Nan(Broken):
    def forward(self, x):
        return torch.log(-self.layers(x).abs())

def nan():
    return Nan()

class Noisy(Broken):
    def forward(self, x):
        return self.layers(x) + torch.randn(3)

def noisy():
    return Noisy()

class Half(Broken):
    def forward(self, x):
        return self.layers(x).half()

def half():
    return Half()
"""


@pytest.fixture
def check(
    twotrack: Command, tracks: dict[str, TrackProcess], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """`twotrack check ARGUMENTS` with the shared workers, beside two small files."""

    def shared(name: str) -> contextlib.AbstractContextManager[TrackProcess]:
        return contextlib.nullcontext(tracks[name])

    monkeypatch.setattr(module, "TrackProcess", shared)
    Path("k.py").write_text(textwrap.dedent(KERAS))
    Path("t.py").write_text(textwrap.dedent(TORCH))

    def run(keras: str, torch: str, *arguments: object) -> Answer:
        return twotrack("check", f"k.py:{keras}", f"t.py:{torch}", *arguments)

    return run


def test_a_pair_that_agrees(check: Command) -> None:
    answer = check("build", "build")
    assert (answer.code, answer.err) == (0, "")
    first = answer.out.splitlines()[0]
    assert first == "✓ The two models agree on every level."
    assert "✗" not in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


def test_a_pair_that_does_not(check: Command) -> None:
    answer = check("build", "tanh")
    assert (answer.code, answer.err) == (1, "")
    assert "✗ The two models differ, for one cause: activation at hidden" in answer.out
    assert "remedy  relu in PyTorch too" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80


def test_json(check: Command) -> None:
    found = check("build", "tanh", "--json").json
    assert not found["passed"]
    assert found["keras"] == "k.py:build"
    (cause,) = found["causes"]
    assert cause["id"] == "activation"
    assert cause["share"] > 0.999999
    levels = {(one["level"], one["precision"]): one for one in found["levels"]}
    assert levels["forward", "float64"]["verdict"] == "fail"
    assert levels["forward", "float64"]["repaired"] < 1e-12
    assert levels["weights", ""]["verdict"] == "pass"
    assert {one["keras"] for one in found["pairs"]} == {"hidden", "head"}
    by_name = {one["keras"]: one for one in found["layers"]}
    assert by_name["head"]["local"] < 1e-12 < by_name["head"]["propagated"]


def test_options(check: Command) -> None:
    np.savez("d.npz", x=np.ones((4, 6), np.float32), y=np.array([0, 1, 2, 1]))
    answer = check(
        "build",
        "build",
        *("--data", "d.npz", "--loss", "cross_entropy", "--optimizer", "sgd:0.1"),
        *("--steps", "2", "--precision", "float64", "--json"),
    )
    assert answer.code == 0
    levels = {one["level"] for one in answer.json["levels"]}
    assert {"loss", "step", "trajectory"} <= levels
    assert {one["precision"] for one in answer.json["levels"]} == {
        "",
        "float32",
        "float64",
    } - ({"float32"} if "repeat" not in levels else set())


def test_a_page(check: Command) -> None:
    Path("t.py").write_text(TORCH.replace("def tanh", "def _script_"))
    answer = check("build", "_script_", "--html", "pair.html")
    assert (answer.code, answer.err) == (1, "")
    assert answer.out.endswith("Written: pair.html\n")
    page = Path("pair.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert '<h2 id="sources">' in page
    told_of = ("activation", "hidden", "k.py:build", "t.py:_script_", "<dt>keras</dt>")
    for told in told_of:
        assert told in page


def test_a_page_that_cannot_be_written(check: Command) -> None:
    answer = check("build", "build", "--html", "nowhere/pair.html")
    answer.complains(2, "cannot write nowhere/pair.html", "--html")


def test_a_number_that_is_not_finite_is_no_agreement(check: Command) -> None:
    found = check("build", "nan", "--json")
    assert found.code == 1
    levels = {(x["level"], x["precision"]): x for x in found.json["levels"]}
    assert levels["forward", "float64"]["verdict"] == "fail"
    assert "nan in PyTorch" in levels["forward", "float64"]["where"]


def test_a_model_that_answers_twice_differently_is_told_apart(check: Command) -> None:
    found = check("build", "noisy", "--json")
    assert found.code == 1
    (repeat,) = [one for one in found.json["levels"] if one["level"] == "repeat"]
    assert repeat["verdict"] == "fail"
    assert repeat["where"] == "PyTorch's model is not deterministic in inference mode"


def test_half_precision_is_told_apart(check: Command) -> None:
    found = check("build", "half", "--json")
    assert found.code == 1
    levels = {(x["level"], x["precision"]): x for x in found.json["levels"]}
    told = levels["forward", "float32"]["where"]
    assert "float32 in Keras, float16 in PyTorch" in told


def test_a_layer_without_a_partner_is_a_finding(check: Command) -> None:
    answer = check("build", "narrow")
    assert answer.code in (1, 2)


def test_a_shape_that_is_not_known_is_asked_for(check: Command) -> None:
    Path("k.py").write_text(
        KERAS.replace("return Model()", "m = Model(); m.build((None, 6)); return m")
    )
    check("build", "build", "--input", "2,7").complains(2, "does not fit", "(batch, 6)")


# Bad input


@pytest.mark.parametrize(
    ("keras", "torch", "code", "fragments"),
    [
        ("bild", "build", 2, ("k.py has no 'bild'", "build")),
        ("number", "build", 2, ("number in ", "is int, not a model of Keras")),
        ("with_arguments", "build", 2, ("needs width",)),
        ("unknown_shape", "build", 2, ("has no shapes yet",)),
        ("build", "lazy", 2, ("has no shapes yet",)),
        ("build", "broken", 2, ("t.py, line", "in forward", "undefined_name")),
    ],
)
def test_bad_models(
    check: Command, keras: str, torch: str, code: int, fragments: tuple[str, ...]
) -> None:
    check(keras, torch).complains(code, *fragments)


@pytest.mark.parametrize(
    ("source", "fragment"),
    [
        ("import nothing_here", "No module named 'nothing_here'"),
        ("def build(:", "line 1"),
        ("raise ValueError('mine')", "line 1: ValueError: mine"),
        ("import sys; sys.exit(5)", "SystemExit"),
        ("def build():\n    raise MemoryError", "out of memory"),
    ],
)
def test_files_that_fail(check: Command, source: str, fragment: str) -> None:
    Path("t.py").write_text(source)
    code = 3 if "memory" in fragment else 2
    check("build", "build").complains(code, fragment)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (("--input", "2,x"), "not of the form N,H,W,C"),
        (("--input", "2,9"), "does not fit the Keras model"),
        (("--input", "2,6", "--input", "2,6"), "takes one input, and 2 are given"),
        (("--data", "none.npz"), "there is no file 'none.npz'"),
        (("--data", "k.py"), "is not an .npz"),
        (("--input", "2,6", "--data", "d.npz"), "exclude each other"),
        (("--loss", "msee"), "mse"),
        (("--optimizer", "addam"), "adam"),
        (("--optimizer", "adam:fast"), "adam:fast"),
        (("--loss", "k.py:loss"), "is one of two"),
        (("--map", "hidden"), "not of the form"),
        (("--map", "hiden=0"), "hidden"),
    ],
)
def test_bad_options(check: Command, arguments: tuple[str, ...], fragment: str) -> None:
    check("build", "build", *arguments).complains(2, fragment)


def test_help_tells_the_exit_codes(twotrack: Command) -> None:
    answer = twotrack("check", "--help")
    assert answer.code == 0
    assert "Exits with 0 if they agree on every level, 1 if not." in answer.out
