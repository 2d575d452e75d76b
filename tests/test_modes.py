"""Training mode and evaluation mode: what dropout does, and when it does nothing.

Inputs of one, a zero kernel and the mean output as the loss: then the gradient is the
dropout mask with its scale, and plain gradient descent at rate 1 adds the masks up. So
the trained kernel tells what really happened in the engine's own steps.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn

from shared import lesson as lessons
from shared import randomness
from shared.datasets import Dataset
from shared.session import Session
from tf_track import backend as tf_backend
from tf_track import engine as tf_engine
from torch_track import backend as torch_backend
from torch_track import engine as torch_engine

UNITS, STEPS, SEED = 3000, 40, 11
RATES = [0.2, 0.5]
UNLIKELY = 1e-6
"""How improbable a draw must be for a test to fail."""

PACKAGES = {"tf": "tf_track", "torch": "torch_track"}


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float64", SEED)
    yield
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


def keras_sum(rate: float) -> NDArray[Any]:
    """The sum of the masks that `fit` has seen, with their scale, shape (UNITS,)."""
    layers = [
        keras.Input((UNITS,)),
        keras.layers.Dropout(rate, name="dropout"),
        keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="sum"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: keras.ops.mean(p))
    ones, zero = np.ones((1, UNITS)), np.zeros((1, 1))
    tf_engine.fit(model, ones, zero, epochs=STEPS)
    return np.array(-model.get_layer("sum").kernel.numpy()[:, 0])


def torch_sum(rate: float) -> NDArray[Any]:
    """The sum of the masks that `loop` has seen, with their scale, shape (UNITS,)."""
    linear = nn.Linear(UNITS, 1, bias=False)
    nn.init.zeros_(linear.weight)
    model = nn.Sequential()
    model.add_module("dropout", nn.Dropout(rate))
    model.add_module("sum", linear)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(x).mean()
        loss.backward()
        optimizer.step()
        return loss

    ones, zero = np.ones((1, UNITS)), np.zeros((1, 1))
    torch_engine.loop(step, model, optimizer, ones, zero, epochs=STEPS)
    return torch_backend.array(-linear.weight[0])


SUMS = {"tf": keras_sum, "torch": torch_sum}
both = pytest.mark.parametrize("track", PACKAGES)


@both
@pytest.mark.parametrize("rate", RATES)
def test_native_dropout_drops_its_share(track: str, rate: float) -> None:
    """A new mask at every step, each unit for itself, and the rest scaled up."""
    kept = SUMS[track](rate) * (1 - rate)
    times = np.rint(kept).astype(int)
    np.testing.assert_allclose(kept, times, atol=1e-9)
    total = int(times.sum())
    assert stats.binomtest(total, UNITS * STEPS, 1 - rate).pvalue > UNLIKELY
    # As often as independent draws would: one frozen mask gives only 0 and STEPS, one
    # draw for all units gives all the same.
    spread = ((times - STEPS * (1 - rate)) ** 2).sum() / (STEPS * rate * (1 - rate))
    below = stats.chi2.cdf(spread, UNITS)
    assert UNLIKELY < below < 1 - UNLIKELY


@both
@pytest.mark.parametrize("rate", RATES)
def test_matched_dropout_takes_the_shared_masks(track: str, rate: float) -> None:
    """Those of this seed, this layer and every step in turn."""
    masks = [
        randomness.keep_mask(SEED, "dropout", step, (1, UNITS), rate)[0]
        for step in range(STEPS)
    ]
    with Session(matched=True, seed=SEED).active():
        found = SUMS[track](rate)
    np.testing.assert_allclose(found, np.sum(masks, axis=0) / (1 - rate), rtol=1e-12)


@both
@pytest.mark.parametrize("matched", [True, False])
def test_no_dropout(track: str, matched: bool) -> None:
    with Session(matched=matched, seed=SEED).active():
        np.testing.assert_allclose(SUMS[track](0.0), STEPS)


# In a lesson


@dataclasses.dataclass
class Trained:
    """The mnist lesson in one track, with what is needed to look at it closely."""

    track: str
    data: Dataset
    cfg: Any

    def __post_init__(self) -> None:
        package = PACKAGES[self.track]
        self.lesson = importlib.import_module(f"{package}.lessons.mnist_mlp")
        self.weights = importlib.import_module(f"{package}.weights")
        self.backend = importlib.import_module(f"{package}.backend")
        self.model = self.lesson.build(self.cfg)
        self.weights.load(self.model, lessons.find("mnist_mlp").spec.start(self.cfg, 0))

    def train(self) -> NDArray[Any]:
        """Train for two epochs with the shared masks; the loss of every step."""
        with Session(matched=True, seed=SEED).active():
            loss: NDArray[Any] = self.lesson.train(self.model, self.data, self.cfg).loss
        return loss

    def predict(self) -> NDArray[Any]:
        x = self.backend.tensor(self.data.x_test)
        found: NDArray[Any] = self.backend.array(self.lesson.predict(self.model, x))
        return found


@pytest.fixture
def trained(few_digits: Path) -> Callable[..., Trained]:
    def make(track: str, dropout: float = 0.5) -> Trained:
        lesson = lessons.find("mnist_mlp")
        cfg = lesson.config_type(hidden=30, dropout=dropout, epochs=2)
        return Trained(track, lesson.data(cfg, str(few_digits)), cfg)

    return make


def by_hand(run: Trained) -> NDArray[Any]:
    """The prediction in evaluation mode, in NumPy."""
    w = run.weights.export(run.model)
    x = run.data.x_test.reshape(len(run.data.x_test), -1).astype(np.float64)
    hidden = np.maximum(x @ w["hidden/kernel"] + w["hidden/bias"], 0)
    z = hidden @ w["output/kernel"] + w["output/bias"]
    shifted = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


@both
def test_prediction_is_in_evaluation_mode(
    trained: Callable[..., Trained], track: str
) -> None:
    """Before training and after it: no dropout, no chance."""
    run = trained(track)
    for _ in range(2):
        first, second = run.predict(), run.predict()
        assert (first == second).all()
        np.testing.assert_allclose(first, by_hand(run), rtol=1e-10)
        run.train()


@both
def test_training_is_in_training_mode(
    trained: Callable[..., Trained], track: str
) -> None:
    """Also when a prediction has come before, which leaves evaluation mode behind."""
    plain, after, without = trained(track), trained(track), trained(track, 0.0)
    after.predict()
    losses = plain.train()
    assert (after.train() == losses).all()
    assert not np.isclose(without.train(), losses, rtol=1e-3).all()
    # And once more, from where the first training has led.
    plain.predict()
    again = plain.train()
    assert (after.train() == again).all()


def test_both_tracks_train_alike(trained: Callable[..., Trained]) -> None:
    run, twin = trained("tf"), trained("torch")
    np.testing.assert_allclose(run.train(), twin.train(), rtol=1e-11)
    np.testing.assert_allclose(run.predict(), twin.predict(), rtol=1e-9)
