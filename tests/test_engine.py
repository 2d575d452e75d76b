"""The engines compute what a plain loop does; schedules cover every sample."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from shared import randomness
from shared.session import History, Schedule, Session
from tf_track import backend as tf_backend
from tf_track import engine as tf_engine
from tf_track import weights as tf_weights
from torch_track import backend as torch_backend
from torch_track import engine as torch_engine
from torch_track import weights as torch_weights

SAMPLES, FEATURES, EPOCHS = 50, 6, 15
SIZES = [None, 16, 7]
"""All at once, and with a part batch last.

The last makes more than a hundred steps: from there on an engine records them.
"""

Weights = dict[str, NDArray[Any]]
Engine = Callable[[], History]


@pytest.fixture(params=["float32", "float64"])
def precision(request: pytest.FixtureRequest) -> Iterator[str]:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", request.param, 3)
    yield request.param
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", "float32", 0)


def samples(precision: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs, shape (SAMPLES, FEATURES), and labels of three classes."""
    x = randomness.normal(1, "x", (SAMPLES, FEATURES)).astype(precision)
    return x, np.argmax(x[:, :3], axis=1)


def equal(a: Weights, b: Weights) -> bool:
    """The same names, and the same numbers to the last bit."""
    assert a.keys() == b.keys()
    return all(a[name].tobytes() == b[name].tobytes() for name in a)


# Keras


def keras_model(rate: float) -> keras.Model:
    """The same model each time, its own random numbers too."""
    keras.utils.set_random_seed(5)
    layers = [
        keras.Input((FEATURES,)),
        keras.layers.Dense(9, "tanh", name="hidden"),
        keras.layers.Dropout(rate, name="dropout"),
        keras.layers.Dense(3, "softmax", name="output"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("size", SIZES)
def test_fit_is_keras_own(precision: str, size: int | None) -> None:
    x, y = samples(precision)
    ours, theirs = keras_model(0.4), keras_model(0.4)
    history = tf_engine.fit(ours, x, y, epochs=EPOCHS, batch_size=size, shuffle=False)
    kept = theirs.fit(
        *(x, y),
        epochs=EPOCHS,
        batch_size=size or SAMPLES,
        shuffle=False,
        verbose=0,
    )
    assert equal(tf_weights.export(ours), tf_weights.export(theirs))
    assert history.loss.dtype == precision
    # Keras keeps its running mean in the run's precision.
    close = {"float32": 1e-6, "float64": 1e-14}[precision]
    np.testing.assert_allclose(history.epoch_loss, kept.history["loss"], rtol=close)


@pytest.mark.parametrize("size", SIZES)
def test_keras_loop_is_the_plain_loop(precision: str, size: int | None) -> None:
    x, y = samples(precision)

    def prepared() -> tuple[keras.Model, Any, Any]:
        model = keras_model(0.0)
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)

        def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                losses = keras.losses.sparse_categorical_crossentropy(
                    y, model(x, training=True)
                )
                loss = keras.ops.mean(losses)
            variables = model.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        return model, optimizer, step

    model, optimizer, step = prepared()
    history = tf_engine.loop(
        step, model, optimizer, x, y, epochs=EPOCHS, batch_size=size
    )
    plain, _, plain_step = prepared()
    compiled = tf.function(plain_step, autograph=False)
    losses = [
        compiled(*batch).numpy()
        for _ in range(EPOCHS)
        for batch in tf.data.Dataset.from_tensor_slices((x, y)).batch(size or SAMPLES)
    ]
    assert history.loss.tobytes() == np.array(losses).tobytes()
    assert equal(tf_weights.export(model), tf_weights.export(plain))


# PyTorch


def torch_model(rate: float) -> nn.Module:
    torch.manual_seed(5)
    layers = OrderedDict(
        hidden=nn.Linear(FEATURES, 9),
        hidden_tanh=nn.Tanh(),
        dropout=nn.Dropout(rate),
        output=nn.Linear(9, 3),
    )
    return nn.Sequential(layers)


def torch_step(model: nn.Module) -> tuple[Any, Any]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return optimizer, step


@pytest.mark.parametrize("engine", ["auto", "plain"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.4])
@pytest.mark.parametrize("size", [*SIZES, 1])
def test_torch_loop_is_the_plain_loop(
    precision: str, size: int | None, rate: float, shuffle: bool, engine: str
) -> None:
    """The same samples in the same steps, and the same random numbers."""
    x, y = samples(precision)
    ours, theirs = torch_model(rate), torch_model(rate)
    optimizer, step = torch_step(ours)
    options: dict[str, Any] = {"batch_size": size, "shuffle": shuffle}
    torch.manual_seed(7)
    with Session(engine=engine).active():
        history = torch_engine.loop(
            step, ours, optimizer, x, y, epochs=EPOCHS, **options
        )
    _, step = torch_step(theirs)
    whole = torch.tensor(x), torch.tensor(y)
    data = TensorDataset(*whole)
    loader = DataLoader(data, **options) if size else [whole]
    torch.manual_seed(7)
    losses = [step(*b).detach().numpy() for _ in range(EPOCHS) for b in loader]
    assert history.loss.tobytes() == np.array(losses).tobytes()
    assert equal(torch_weights.export(ours), torch_weights.export(theirs))


# Both


def keras_seen(x: NDArray[Any], **options: Any) -> tuple[History, NDArray[Any]]:
    """The history, and the samples in the order in which the steps have seen them."""
    place, seen = tf.Variable(0), tf.Variable(tf.fill([EPOCHS * len(x)], -1.0))

    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        count = tf.shape(x)[0]
        where = tf.range(place, place + count)[:, None]
        seen.scatter_nd_update(where, x)
        place.assign_add(count)
        return tf.reduce_mean(x)

    raw = {"place": place, "seen": seen}
    history = tf_engine.loop(step, raw, None, x, x, epochs=EPOCHS, **options)
    return history, seen.numpy()


def torch_seen(x: NDArray[Any], **options: Any) -> tuple[History, NDArray[Any]]:
    place, seen = (
        torch.zeros(1, dtype=torch.int64),
        torch.full((EPOCHS * len(x),), -1.0),
    )

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        seen.index_copy_(0, place + torch.arange(len(x)), x)
        place.add_(len(x))
        return x.mean()

    raw = {"place": place, "seen": seen}
    history = torch_engine.loop(step, raw, None, x, x, epochs=EPOCHS, **options)
    return history, seen.numpy()


TRACKS = {"tf": keras_seen, "torch": torch_seen}
both = pytest.mark.parametrize("track", TRACKS)
NUMBERS = np.arange(SAMPLES, dtype=np.float32)


@both
@pytest.mark.parametrize("precision", ["float32"], indirect=True)
@pytest.mark.parametrize("size", [16, 7, 1])
def test_native_shuffling(precision: str, track: str, size: int) -> None:
    """Each sample once an epoch, in an order that is new every time."""
    history, seen = TRACKS[track](NUMBERS, batch_size=size, shuffle=True)
    epochs = seen.reshape(EPOCHS, SAMPLES)
    assert (np.sort(epochs, axis=1) == NUMBERS).all()
    orders = {tuple(order) for order in (*epochs, NUMBERS)}
    assert len(orders) == EPOCHS + 1
    assert history.steps_per_epoch == -(-SAMPLES // size)
    np.testing.assert_allclose(history.epoch_loss, NUMBERS.mean(), rtol=1e-6)


@both
@pytest.mark.parametrize("precision", ["float32"], indirect=True)
def test_matched_shuffling(precision: str, track: str) -> None:
    with Session(matched=True, seed=4).active():
        _, seen = TRACKS[track](NUMBERS, batch_size=16, shuffle=True)
    orders = [randomness.batch_order(4, epoch, SAMPLES) for epoch in range(EPOCHS)]
    assert (seen == np.concatenate(orders)).all()


@both
@pytest.mark.parametrize("precision", ["float32"], indirect=True)
@pytest.mark.parametrize("limit", [1, 3, 4, 5, 11, 12, 100])
def test_a_limit_ends_the_training(precision: str, track: str, limit: int) -> None:
    """After so many steps, wherever in an epoch that is: four steps are one."""
    with Session(limit=limit).active():
        history, seen = TRACKS[track](NUMBERS, batch_size=16)
    whole = np.tile(NUMBERS, EPOCHS)
    steps = min(limit, 4 * EPOCHS)
    assert len(history.loss) == len(history.batch) == steps
    count = int(history.batch.sum())
    assert (seen[:count] == whole[:count]).all()
    assert (seen[count:] == -1).all()


# Schedules


SCHEDULES = st.builds(
    Schedule,
    samples=st.integers(1, 60),
    epochs=st.integers(1, 40),
    batch_size=st.none() | st.integers(1, 70),
    limit=st.none() | st.integers(1, 3000),
)


@given(SCHEDULES)
def test_spans_cover_every_step_once(schedule: Schedule) -> None:
    """In order, within an epoch each unless an epoch is a single step."""
    spans = list(schedule.spans())
    covered = [step for _, first, last in spans for step in range(first, last)]
    assert covered == list(range(schedule.steps))
    for epoch, first, last in spans:
        assert epoch == first // schedule.steps_per_epoch
        if schedule.steps_per_epoch > 1:
            assert epoch == (last - 1) // schedule.steps_per_epoch
    ends = {last for _, _, last in spans}
    assert set(schedule.stops()) <= ends


@given(SCHEDULES)
def test_stops(schedule: Schedule) -> None:
    """1 2 5 10 20 50 ... and the last step."""
    stops = schedule.stops()
    assert stops == sorted(set(stops))
    assert stops[-1] == schedule.steps
    assert all(str(stop).rstrip("0") in ("1", "2", "5") for stop in stops[:-1])
    assert stops[0] == 1
    assert all(b <= 2.5 * a for a, b in itertools.pairwise(stops))


@given(SCHEDULES)
def test_every_sample_has_its_step(schedule: Schedule) -> None:
    sizes = schedule.batch_sizes()
    assert len(sizes) == schedule.steps
    assert ((sizes >= 1) & (sizes <= schedule.size)).all()
    for first in range(0, schedule.steps, schedule.steps_per_epoch):
        epoch = sizes[first : first + schedule.steps_per_epoch]
        if len(epoch) == schedule.steps_per_epoch:
            assert epoch.sum() == schedule.samples
            assert (epoch[:-1] == schedule.size).all()


def test_endless_schedules_are_no_burden() -> None:
    """A training that is stopped early may have been asked to go on for ever."""
    spans = Schedule(60_000, 10**9, 32).spans()
    assert [next(spans) for _ in range(4)] == [
        (0, 0, 1),
        (0, 1, 2),
        (0, 2, 5),
        (0, 5, 10),
    ]


@given(SCHEDULES, st.integers(0, 2**32 - 1))
def test_histories(schedule: Schedule, seed: int) -> None:
    """Epochs are cut where they begin, and a mean weighs each batch by its size."""
    loss = randomness.uniform(seed, "loss", (schedule.steps,))
    history = History(loss, schedule.batch_sizes(), schedule.steps_per_epoch)
    epochs = history.epochs()
    assert (np.concatenate(epochs) == loss).all()
    assert {len(epoch) for epoch in epochs[:-1]} <= {schedule.steps_per_epoch}
    assert len(history.epoch_loss) == len(epochs)
    for index, (epoch, mean) in enumerate(zip(epochs, history.epoch_loss, strict=True)):
        first = index * schedule.steps_per_epoch
        weights = history.batch[first : first + len(epoch)]
        np.testing.assert_allclose(mean, np.average(epoch, weights=weights), rtol=1e-12)
    assert history.diverged_at is None


def test_where_a_history_diverges() -> None:
    loss = np.array([1.0, 2.0, np.inf, np.nan])
    assert History(loss, np.ones(4, np.int64), 2).diverged_at == 2
