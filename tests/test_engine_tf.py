"""The Keras engine's loops compute what the plain loop computes."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import gc
import importlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from shared import lesson as lessons
from shared.datasets import Dataset
from shared.lessons import CURRICULUM
from shared.parity import tolerances
from shared.session import Session
from tf_track import backend, compiled, engine, loops, masks, matched, weights

NEVER = 10**9
SMALL = {
    "mnist_mlp": {"hidden": 20, "epochs": 3},
    "xor_deep": {"hidden_1": 8, "hidden_2": 4},
    "optimizers": {"hidden": 8, "epochs": 1, "valley_steps": 2},
}
"""Fields that make a lesson small."""

STEPS = {"softmax_regression": 20}
"""Where more steps would be chaotic, as the lesson's docstring tells."""


class Run(NamedTuple):
    """What a training leaves."""

    losses: NDArray[Any]
    weights: dict[str, NDArray[Any]]
    notes: list[str]


def module(slug: str) -> Any:
    return importlib.import_module(f"tf_track.lessons.{slug}")


CASES = {
    f"{slug} {variant}".strip(): (slug, {**fields, **SMALL.get(slug, {})})
    for slug in CURRICULUM
    if hasattr(module(slug), "train")
    for variant, fields in lessons.find(slug).variants.items()
}
UNLIKE = {
    "delta_rule right",
    "linear_regression raw",
    "logistic_gates and",
    "logistic_regression raw",
    "optimizers nesterov",
    "optimizers adagrad",
    "optimizers rmsprop",
    "optimizers adamw",
    "xor_backprop right",
} | {name for name, (slug, _) in CASES.items() if name == slug}
"""One case of each kind of step: compiling takes seconds."""


@pytest.fixture(autouse=True)
def float32() -> Iterator[None]:
    yield
    backend.configure("cpu", "float32", 0)


@pytest.fixture
def xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let XLA always pay."""
    monkeypatch.setattr(compiled, "XLA_STEPS", 0)


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[loops.Loop]:
    """The loops that XLA was asked to compile."""
    asked: list[loops.Loop] = []
    compile_ = loops.Loop.compile

    def noting(loop: loops.Loop, *given: Any) -> None:
        asked.append(loop)
        compile_(loop, *given)

    monkeypatch.setattr(loops.Loop, "compile", noting)
    return asked


@functools.cache
def few(slug: str, cfg: Any) -> Dataset:
    """A hundred samples at most: with batches of 32 a part batch comes last."""
    data = lessons.find(slug).data(cfg)
    return dataclasses.replace(
        data, x_train=data.x_train[:100], y_train=data.y_train[:100]
    )


def train(
    case: str,
    precision: str = "float32",
    seed: int = 0,
    limit: int = 60,
    **options: Any,
) -> Run:
    """Train a lesson's case for a few steps."""
    slug, fields = CASES[case]
    spec = lessons.find(slug)
    cfg = spec.config_type(**fields)
    backend.configure("cpu", precision, seed)
    model = module(slug).build(cfg)
    start = spec.optional("start")
    if start is not None:
        weights.load(model, start(cfg, seed))
    session = Session(seed=seed, limit=STEPS.get(slug, limit), **options)
    with session.active():
        history = module(slug).train(model, few(slug, cfg), cfg)
    return Run(history.loss, weights.export(model), session.notes)


def assert_equal(a: Run, b: Run) -> None:
    """Bit for bit."""
    np.testing.assert_array_equal(a.losses, b.losses)
    np.testing.assert_equal(a.weights, b.weights)
    assert a.losses.dtype == b.losses.dtype


def assert_close(a: Run, b: Run) -> None:
    """As close as the ladder asks two frameworks to be, in float64."""
    assert a.losses.dtype == b.losses.dtype == np.float64
    allowed = [tolerances.trajectory(step) for step in range(len(b.losses))]
    apart = np.abs(a.losses - b.losses)
    # Where terms cancel, what remains of them is their rounding.
    assert (apart <= allowed * np.maximum(np.abs(b.losses), 1e-3)).all()
    for name, value in b.weights.items():
        assert np.abs(a.weights[name] - value).max() <= 1e-11


@pytest.mark.parametrize("case", CASES)
def test_every_lesson(case: str) -> None:
    """A graph of many steps is the plain loop, bit for bit."""
    assert_equal(train(case), train(case, engine="plain"))


@pytest.mark.parametrize("case", ["mnist_mlp", "data_loader", "xor_mlp"])
def test_matched_mode(case: str) -> None:
    """Masks drawn ahead are those that the plain loop draws step by step."""
    plain = train(case, matched=True, engine="plain", keep_snapshots=True)
    assert_equal(train(case, matched=True, keep_snapshots=True), plain)


@pytest.mark.parametrize("case", sorted(UNLIKE))
@pytest.mark.usefixtures("xla")
def test_xla(case: str, compilations: list[loops.Loop]) -> None:
    """XLA rounds otherwise, and no more; the masks and the order are the same."""
    found = train(case, "float64")
    assert len(compilations) == 1
    assert_close(found, train(case, "float64", engine="plain"))
    assert found.notes == []


# What fit does


def network(rate: float = 0.4, **how: Any) -> keras.Model:
    layers = [
        keras.Input((5,)),
        keras.layers.Dropout(rate, name="first"),
        keras.layers.Dense(4, "relu", name="hidden"),
        keras.layers.Dropout(rate, name="second"),
        keras.layers.Dense(3, "softmax", name="output"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy", **how)
    return model


def samples(count: int = 21) -> tuple[NDArray[Any], NDArray[Any]]:
    random = np.random.default_rng(0)
    return random.normal(size=(count, 5)), random.integers(0, 3, count)


@pytest.mark.parametrize("how", ["graph", "xla", "plain"])
def test_fit_is_keras_fit(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two dropout layers, a part batch last, several epochs."""
    monkeypatch.setattr(compiled, "XLA_STEPS", 0 if how == "xla" else NEVER)
    x, y = samples()
    backend.configure("cpu", "float64", 3)
    ours = network()
    with Session(engine="plain" if how == "plain" else "auto").active():
        engine.fit(ours, x, y, epochs=3, batch_size=8, shuffle=False)
    backend.configure("cpu", "float64", 3)
    keras_own = network()
    keras_own.fit(x, y, epochs=3, batch_size=8, shuffle=False, verbose=0)
    for a, b in zip(ours.variables, keras_own.variables, strict=True):
        np.testing.assert_allclose(
            a.numpy(), b.numpy(), rtol=0, atol=1e-13 if how == "xla" else 0
        )


# Data


NUMBERS = np.arange(24).reshape(4, 3, 2)
ARRAYS = {
    "float64": np.sqrt(NUMBERS),
    "float32": np.sqrt(NUMBERS).astype(np.float32),
    "not contiguous": np.sqrt(NUMBERS).T[:, ::-1],
    "the other byte order": np.sqrt(NUMBERS).astype(">f4"),
    "labels": NUMBERS[:, 0, 0],
    "bytes": NUMBERS.astype(np.uint8),
    "true or false": NUMBERS % 5 == 0,
    "none": np.zeros((0, 3)),
}


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("name", ARRAYS)
def test_data_are_copied_whole(name: str, precision: str) -> None:
    """By whatever way, they are what `tensor` makes of them, and nobody else's."""
    backend.configure("cpu", precision, 0)
    given = ARRAYS[name].copy()
    wanted = backend.tensor(given)
    found = backend.resident(given)
    assert backend.spec(given, len(given)) == tf.TensorSpec.from_tensor(found)
    given[...] = 0
    gc.collect()
    np.testing.assert_array_equal(found.numpy(), wanted.numpy(), strict=True)


# Order, spans and masks


def order_seen(epochs: int = 3, batch_size: int = 8, **options: Any) -> NDArray[Any]:
    """The samples as a step saw them: the loss is a code for its batch."""
    backend.configure("cpu", "float64", 5)
    count = tf.Variable(0.0, dtype="float64")
    x = np.arange(21.0)[:, None]

    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        count.assign_add(1.0)
        places = tf.range(1, tf.shape(x)[0] + 1)
        code = tf.reduce_sum(tf.cast(places, x.dtype) * (x[:, 0] + y))
        return code + 1e4 * count.read_value()

    session = Session(**options)
    with session.active():
        history = engine.loop(
            step,
            {"count": count},
            None,
            x,
            x[:, 0] ** 2,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=True,
        )
    assert [*history.batch[:3]] == [8, 8, 5]
    return history.loss


@pytest.mark.usefixtures("xla")
def test_every_sample_at_its_step(compilations: list[loops.Loop]) -> None:
    """Full batches under XLA, the part batch in a loop of its own, in their order."""
    np.testing.assert_array_equal(order_seen(), order_seen(engine="plain"))
    assert len(compilations) == 1


@pytest.mark.parametrize("how", ["graph", "xla", "matched"])
def test_little_memory_for_masks(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where masks fill it, a span is run in pieces, and nothing else changes."""
    monkeypatch.setattr(compiled, "XLA_STEPS", 0 if how == "xla" else NEVER)
    found = train("mnist_mlp", matched=how == "matched")
    monkeypatch.setattr(masks, "BYTES", 2 * 32 * 20)
    assert_equal(train("mnist_mlp", matched=how == "matched"), found)


@pytest.mark.parametrize("room", [1, 5, 8, 9, 100, 1000])
def test_parts_of_a_span(room: int) -> None:
    """In order and without a gap, each as long as there is room, a small one first."""
    spec = {"dropout": tf.TensorSpec((room, 4), tf.bool)}
    ahead = masks.Ahead(
        room, spec, lambda *part: {"dropout": part}, contextlib.nullcontext
    )
    parts = [*ahead.parts(3, 703)]
    steps = [step for first, last, _ in parts for step in range(first, last)]
    assert steps == list(range(3, 703))
    assert all(drawn == {"dropout": (first, last)} for first, last, drawn in parts)
    lengths = [last - first for first, last, _ in parts]
    assert lengths[0] == min(room, masks.FIRST_STEPS) and max(lengths) <= room
    assert lengths[:-1] == sorted(lengths[:-1])
    assert [*masks.none(700).parts(3, 703)] == [(3, 703, {})]


def test_masks_are_keras_own() -> None:
    """Drawn ahead, they and the generators are what the layers would leave."""
    x = tf.ones((4, 5))
    backend.configure("cpu", "float32", 1)
    model = network()
    ahead = masks.from_generators(model, matched.Clock(), x, 6)
    drawn = [ahead.draw(0, 2), ahead.draw(2, 3)]
    backend.configure("cpu", "float32", 1)
    twin = network()
    layers = matched.dropouts(twin)
    for masks_, row in ((drawn[0], 0), (drawn[0], 1), (drawn[1], 0)):
        for name, width in (("first", 5), ("second", 4)):
            kept = layers[name](tf.ones((4, width)), training=True) != 0
            np.testing.assert_array_equal(masks_[name][row], kept)
    for a, b in zip(model.variables, twin.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_a_generator_for_two_layers() -> None:
    """Layers that share one draw from it in turn."""
    x, y = samples(16)
    ends = []
    for how in (0, NEVER):
        backend.configure("cpu", "float64", 2)
        model = network()
        first, second = matched.dropouts(model).values()
        # Past Keras' __setattr__, which refuses once a layer is built.
        object.__setattr__(second, "seed_generator", first.seed_generator)
        with pytest.MonkeyPatch.context() as patch, Session().active():
            patch.setattr(compiled, "XLA_STEPS", how)
            ends.append(engine.fit(model, x, y, epochs=4, batch_size=8).loss)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-13)


# Tracing and compiling


@pytest.mark.parametrize(("steps", "traces"), [(NEVER, 1), (0, 2)])
def test_traced_once(steps: int, traces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans of any length use one trace; under XLA the part batch has its own."""
    monkeypatch.setattr(compiled, "XLA_STEPS", steps)
    called = []
    loss = loops.Training.loss

    def counting(self: loops.Training, *args: Any) -> tf.Tensor:
        called.append(1)
        return loss(self, *args)

    monkeypatch.setattr(loops.Training, "loss", counting)
    train("mnist_mlp", keep_snapshots=True)
    assert len(called) == traces


@pytest.mark.parametrize("case", ["mnist_mlp", "xor_mlp"])
@pytest.mark.usefixtures("xla")
def test_compiled_once(case: str, compilations: list[loops.Loop]) -> None:
    """The first and the last step are arguments of the program, no part of it."""
    train(case)
    (loop,) = compilations
    specs = loop._ahead.specs.items()
    drawn = {name: tf.zeros(spec.shape, spec.dtype) for name, spec in specs}
    data = loop._training.data
    order = tf.range(len(data[0]), dtype=tf.int64)
    steps = tf.function(lambda *args: loop._steps(*args), jit_compile=True)
    programs = set()
    for first, last in ((0, 1), (3, 7)):
        span = tf.constant(first), tf.constant(last)
        read = steps.experimental_get_compiler_ir(*span, order, data, drawn)
        programs.add(read(stage="hlo"))
    assert len(programs) == 1


def test_xla_where_it_pays(
    monkeypatch: pytest.MonkeyPatch, compilations: list[loops.Loop]
) -> None:
    monkeypatch.setattr(compiled, "XLA_STEPS", 50)
    train("xor_mlp", limit=49)
    train("xor_mlp", limit=50, matched=True)
    train("xor_mlp", limit=50, engine="plain")
    assert not compilations
    train("xor_mlp", limit=50)
    assert len(compilations) == 1


def one_step(step: loops.Step, epochs: int = 6, **options: Any) -> Run:
    """A training of one raw variable."""
    backend.configure("cpu", "float64", 4)
    w = tf.Variable([2.0, 3.0], dtype="float64")
    x, y = np.arange(8.0)[:, None], np.arange(8.0)
    session = Session(**options)

    def update(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        factor = step(x, w)
        w.assign_sub(0.01 * factor * w)
        return tf.reduce_sum(factor * w)

    with session.active():
        history = engine.loop(update, {"w": w}, None, x, y, epochs=epochs)
    return Run(history.loss, {"w": w.numpy()}, session.notes)


def drawing(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    return tf.random.normal((), dtype=w.dtype)


def convolving(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
    kernel = tf.reshape(w, (2, 1, 1))
    return tf.reduce_mean(tf.nn.conv1d(x[None], kernel, 1, "SAME"))


@pytest.mark.parametrize("step", [drawing, convolving])
@pytest.mark.usefixtures("xla")
def test_no_xla_where_it_harms(
    step: loops.Step, compilations: list[loops.Loop]
) -> None:
    """It would draw other numbers, or take many times as long."""
    found = one_step(step)
    assert not compilations and found.notes == []
    if step is convolving:
        assert_equal(found, one_step(step, engine="plain"))


@pytest.mark.usefixtures("xla")
def test_what_xla_cannot_compile() -> None:
    """It is said once, and runs as TensorFlow's own graph."""

    def step(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
        return tf.numpy_function(lambda w: w.max(), [w], tf.float64)

    found = one_step(step)
    assert len(found.notes) == 1 and "XLA cannot compile" in found.notes[0]
    assert_equal(found, one_step(step, engine="plain"))


@pytest.mark.parametrize("kind", ["auto", "plain"])
def test_what_is_no_graph(kind: str) -> None:
    """It is said once, and runs eagerly."""

    def step(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
        return 1.0 * w if float(w[0]) > 1.9 else -w  # Python reads a tensor

    found = one_step(step, engine=kind)
    assert len(found.notes) == 1 and "runs eagerly" in found.notes[0]
    w, losses = np.array([2.0, 3.0]), []
    for _ in range(6):
        factor = w if w[0] > 1.9 else -w
        w = w - 0.01 * factor * w
        losses.append((factor * w).sum())
    assert len({loss > 0 for loss in losses}) == 2
    np.testing.assert_allclose(found.losses, losses, rtol=1e-15)


def test_an_error_in_the_step_is_told() -> None:
    def step(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
        return w @ x

    with pytest.raises(tf.errors.InvalidArgumentError, match="MatMul"):
        one_step(step)


@pytest.mark.parametrize("steps", [NEVER, 0], ids=["graph", "xla"])
def test_overflow_ends_the_training(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "XLA_STEPS", steps)

    def step(x: tf.Tensor, w: tf.Tensor) -> tf.Tensor:
        return 1e4 * tf.ones_like(w)

    found, plain = (
        one_step(step, epochs=600, engine=engine, progress=lambda *told: None)
        for engine in ("auto", "plain")
    )
    assert 100 < len(found.losses) < 600
    np.testing.assert_allclose(found.losses, plain.losses, rtol=1e-12)


# Again, for other seeds

MAKES: dict[str, dict[str, Any]] = {
    "xor_mlp": {"start": "random"},
    "mnist_mlp": {},
    "perceptron_iris": {},
}


@pytest.mark.parametrize("steps", [NEVER, 0], ids=["graph", "xla"])
@pytest.mark.parametrize("case", MAKES)
def test_reused(
    case: str,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
    compilations: list[loops.Loop],
) -> None:
    """Each seed is that seed's own single run, bit for bit."""
    monkeypatch.setattr(compiled, "XLA_STEPS", steps)
    slug, fields = CASES[case]
    monkeypatch.setitem(CASES, case, (slug, fields | MAKES[case]))
    single = {seed: train(case, seed=seed) for seed in (0, 1)}
    compilations.clear()
    kept: dict[Any, Any] = {}
    for seed in (1, 0, 1):
        again = train(case, seed=seed, reuse=kept, reuse_key=case)
        assert_equal(again, single[seed])
    assert len(kept) == 1 and len(compilations) == (steps == 0)
    alike = np.array_equal(single[0].losses, single[1].losses)
    assert alike == (case == "perceptron_iris")  # which starts at zero


def test_reused_in_matched_mode() -> None:
    kept: dict[Any, Any] = {}
    for seed in (0, 1):
        again = train("mnist_mlp", seed=seed, matched=True, reuse=kept)
        assert_equal(again, train("mnist_mlp", seed=seed, matched=True))
    assert len(kept) == 1


def test_two_trainings_in_a_lesson() -> None:
    """Each keeps a loop of its own."""
    kept: dict[Any, Any] = {}
    ends = []
    for _ in range(2):
        backend.configure("cpu", "float64", 4)
        with Session(reuse=kept).active():
            for rate in (0.1, 0.2):
                w = tf.Variable([2.0], dtype="float64")
                ends.append(descent(w, rate))
    assert len(kept) == 2
    assert ends[0] != ends[1] and ends[:2] == ends[2:]


def descent(w: tf.Variable, rate: float) -> list[float]:
    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        w.assign_sub(rate * w)
        return tf.reduce_sum(w * x)

    x = np.ones((4, 1))
    return list(engine.loop(step, {"w": w}, None, x, x, epochs=3).loss)


def hidden_constant() -> Callable[..., tf.Tensor]:
    drawn = keras.random.normal((), seed=len(_drawn))
    _drawn.append(1)
    return lambda x, w: tf.cast(drawn, w.dtype)


_drawn: list[int] = []


@pytest.mark.parametrize("make", [lambda: drawing, hidden_constant])
def test_not_reused_where_more_decides(make: Callable[[], Any]) -> None:
    """A hidden generator, or a tensor from outside, is not the next seed's."""
    kept: dict[Any, Any] = {}
    one_step(make(), reuse=kept)
    assert kept == {}
