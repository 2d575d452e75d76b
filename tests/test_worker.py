"""What a track's process keeps from one seed to the next changes no number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import keras
import numpy as np
import pytest

from shared import run, worker
from shared.job import Job, Outcome

XOR = Job("xor_mlp", {"start": "random"}, matched=False, init="matched", limit=200)
PACKAGES = ["tf_track", "torch_track"]


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    run._kept = None
    yield
    run._kept = None
    for package in PACKAGES:
        worker.perform(package, dataclasses.replace(XOR, limit=1))


def trained(package: str, seed: int, **how: object) -> Outcome:
    job = dataclasses.replace(XOR, seed=seed, **how)  # type: ignore[arg-type]
    return worker.perform(package, job)


def assert_equal(a: Outcome, b: Outcome) -> None:
    assert a.trace.keys() == b.trace.keys()
    for name, value in a.trace.items():
        np.testing.assert_array_equal(value, b.trace[name], strict=True)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_seed_is_its_single_run(package: str) -> None:
    alone = [trained(package, seed) for seed in range(3)]
    assert len({run.trace["history/loss"].tobytes() for run in alone}) == 3
    for seed in (2, 0, 1):
        assert_equal(trained(package, seed, reuse=True), alone[seed])


@pytest.mark.parametrize("package", PACKAGES)
def test_other_jobs_in_between(package: str) -> None:
    """They leave the process in another precision, which the next seed must not see."""
    other = trained(package, 0, precision="float64")
    alone = trained(package, 1)
    for _ in range(2):
        assert_equal(trained(package, 1, reuse=True), alone)
        assert_equal(trained(package, 0, precision="float64"), other)
    assert_equal(trained(package, 1, reuse=True), alone)
    assert alone.trace["history/loss"].dtype == np.float32


def test_the_tracks_keep_apart() -> None:
    for _ in range(2):
        for package in PACKAGES:
            found = trained(package, 1, reuse=True)
            assert ("keras" in found.environment) == (package == "tf_track")


def test_a_kept_model_is_seeded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow forgets its kernels with every seed."""
    seeds = []
    monkeypatch.setattr(keras.utils, "set_random_seed", seeds.append)
    for seed in range(3):
        trained("tf_track", seed, reuse=True)
    assert seeds == [0]
