"""Weights in the neutral layout: either track's file serves the other."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from shared import lesson as lessons
from shared.errors import UsageError
from shared.job import Job
from shared.lessons import CURRICULUM
from shared.runner import TrackProcess
from shared.weights import check_fit

PACKAGES = {"tf": "tf_track", "torch": "torch_track"}
WAYS = [("tf", "torch"), ("torch", "tf")]

DENSE = {"hidden/kernel": (2, 2), "hidden/bias": (2,)}
DENSE |= {"output/kernel": (2, 1), "output/bias": (1,)}
DIGITS = {"hidden/kernel": (784, 100), "hidden/bias": (100,)}
DIGITS |= {"output/kernel": (100, 10), "output/bias": (10,)}
RAW = {"kernel": (2, 1), "bias": (1,)}
TRAINED = {
    "xor_mlp": (["--set", "epochs=3000"], DENSE),
    "perceptron_iris": (["--set", "epochs=6"], RAW),
    "mnist_mlp": (["--smoke"], DIGITS),
}
"""Lessons with named layers, with raw tensors and with dropout: options, shapes."""

MODELS = [slug for slug in CURRICULUM if lessons.find(slug).optional("start")]


@pytest.mark.parametrize(("giver", "taker"), WAYS)
@pytest.mark.parametrize("slug", TRAINED)
def test_one_track_evaluates_what_the_other_trained(
    twotrack: Command,
    tracks: dict[str, TrackProcess],
    few_digits: Path,
    slug: str,
    giver: str,
    taker: str,
) -> None:
    options, shapes = TRAINED[slug]
    data = ["--data", str(few_digits)] if slug == "mnist_mlp" else []
    run = ["run", slug, "--json", "--precision", "float32", *data, "--track"]
    trained = twotrack(*run, giver, *options, "--out", "out", "--plots", "none")
    saved = Path("out/weights.safetensors")
    arrays = load_file(saved)
    assert {name: array.shape for name, array in arrays.items()} == shapes
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}

    taken = twotrack(*run, taker, "--weights", saved)
    (first,), (second,) = trained.json["runs"], taken.json["runs"]
    assert second["metrics"] == first["metrics"]
    assert second["parameters"] == first["parameters"]
    assert second["history"] == {}
    assert "train" not in second["seconds"]


@pytest.mark.parametrize(("giver", "taker"), WAYS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_predictions_are_the_same(
    twotrack: Command,
    tracks: dict[str, TrackProcess],
    few_digits: Path,
    giver: str,
    taker: str,
    precision: str,
) -> None:
    """Of every lesson with a model, from weights in which no two numbers are alike."""
    for slug in MODELS:
        lesson = lessons.find(slug)
        variant, cfg = next(iter(lesson.configs({}).items()))
        data = str(few_digits) if slug == "mnist_mlp" else None
        begun = Job(
            slug, dataclasses.asdict(cfg), precision=precision, data=data, limit=2
        )
        given = tracks[giver].run(begun)
        if "prediction" not in given.trace:
            continue
        save_file(given.weights(), "weights")
        loaded = dataclasses.replace(begun, weights="weights", limit=None)
        taken = tracks[taker].run(loaded)
        close = {"float64": 1e-12, "float32": 5e-6}[precision]
        np.testing.assert_allclose(
            taken.trace["prediction"],
            given.trace["prediction"],
            rtol=close,
            atol=close * np.abs(given.trace["prediction"]).max(),
            err_msg=f"{slug} {variant}",
        )
        for name, array in given.weights().items():
            assert taken.trace[f"weights/{name}"].tobytes() == array.tobytes()


# Into a model and out again


@pytest.fixture(params=["float64", "float32"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    backends = [importlib.import_module(f"{p}.backend") for p in PACKAGES.values()]
    for backend in backends:
        backend.configure("cpu", request.param, 0)
    yield request.param
    for backend in backends:
        backend.configure("cpu", "float32", 0)


def build(track: str, slug: str, cfg: Any) -> tuple[Any, Any]:
    """A lesson's model, and the track's module for its weights."""
    package = PACKAGES[track]
    model = importlib.import_module(f"{package}.lessons.{slug}").build(cfg)
    return model, importlib.import_module(f"{package}.weights")


def unlike(shape: tuple[int, ...], precision: str) -> NDArray[Any]:
    """Numbers that are all different, the odd ones among them."""
    count = int(np.prod(shape))
    values = (np.arange(count) + 1.0) / 3.0 * np.where(np.arange(count) % 2, -1, 1)
    odd = [-0.0, 1e-40, np.finfo(precision).max, np.finfo(precision).tiny]
    values[: len(odd)] = odd[:count]
    return values.reshape(shape).astype(precision)


@pytest.mark.parametrize("track", PACKAGES)
@pytest.mark.parametrize("slug", MODELS)
def test_round_trip_is_exact(slug: str, track: str, precision: str) -> None:
    lesson = lessons.find(slug)
    for cfg in lesson.configs({}).values():
        start = lesson.spec.start(cfg, 0)
        model, weights = build(track, slug, cfg)
        exported = weights.export(model)
        assert {n: w.shape for n, w in exported.items()} == {
            n: w.shape for n, w in start.items()
        }
        values = {n: unlike(w.shape, precision) for n, w in start.items()}
        weights.load(model, values)
        for name, array in weights.export(model).items():
            assert array.dtype == precision
            assert array.tobytes() == values[name].tobytes(), name


@pytest.mark.parametrize("track", PACKAGES)
@pytest.mark.parametrize("change", ["lack", "hold", "has shape"])
def test_a_misfit_loads_nothing(track: str, change: str, precision: str) -> None:
    cfg = lessons.find("xor_mlp").config_type()
    model, weights = build(track, "xor_mlp", cfg)
    before = weights.export(model)
    misfit = {name: np.ones(shape) for name, shape in DENSE.items()}
    if change == "lack":
        del misfit["output/bias"]
    if change == "hold":
        misfit["third/bias"] = np.ones(1)
    if change == "has shape":
        misfit["output/bias"] = np.ones((1, 1))
    with pytest.raises(UsageError, match=f"the weights.* {change}"):
        weights.load(model, misfit)
    after = weights.export(model)
    assert all((after[name] == before[name]).all() for name in DENSE)


def test_a_kernel_is_not_taken_transposed() -> None:
    own = {"hidden/kernel": (2, 3)}
    with pytest.raises(UsageError, match=r"has shape \(3, 2\), the model's \(2, 3\)"):
        check_fit(own, {"hidden/kernel": np.zeros((3, 2))})
    check_fit(own, {"hidden/kernel": np.zeros((2, 3))})
