"""The PyTorch engine's recorded loop computes what the plain loop does, bit for bit."""

from __future__ import annotations

import dataclasses
import functools
import gc
import importlib
import random
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from shared import lesson as lessons
from shared.datasets import Dataset
from shared.lessons import CURRICULUM
from shared.session import Session
from torch_track import backend, bernoulli, engine, replay, script, weights

Step = Callable[[torch.Tensor, torch.Tensor], Any]
Optimizer = torch.optim.Optimizer

STEPS = 40
SAMPLES = 330  # whatever the lesson's batches, an epoch's last is a part batch


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Record even short trainings; leave PyTorch as it was found."""
    monkeypatch.setattr(replay, "PAYS", 10)
    yield
    backend.configure("cpu", "float32", 0)


@dataclasses.dataclass
class Trained:
    """The numbers that a training leaves behind, and how it came to them."""

    numbers: list[bytes]
    steps: int
    notes: list[str]
    loops: int


def trained(model: weights.Model, session: Session, *more: torch.Tensor) -> Trained:
    history = session.history
    assert history is not None
    kept = [w for step in history.snapshots.values() for w in step.values()]
    arrays = [history.loss, history.batch, *weights.export(model).values(), *kept]
    generators = [torch.get_rng_state()]
    if torch.cuda.is_initialized():
        generators += torch.cuda.get_rng_state_all()
    arrays += [backend.array(tensor) for tensor in (*more, *generators)]
    numbers = [array.tobytes() for array in arrays]
    steps, loops = len(history.loss), len(session.reuse or {})
    return Trained(numbers, steps, session.notes, loops)


# ---------------------------------------------------------------- the lessons


def module(slug: str) -> ModuleType:
    return importlib.import_module(f"torch_track.lessons.{slug}")


TRAINED = [
    (slug, variant)
    for slug in CURRICULUM
    for variant in lessons.find(slug).variants
    if hasattr(module(slug), "train")
]


@functools.cache
def material(slug: str, variant: str) -> tuple[Any, Dataset]:
    """The lesson's Config, and a little of its data."""
    found = lessons.find(slug)
    fields = dict(found.variants[variant])
    if slug == "optimizers":
        fields["valley_steps"] = 1
    cfg = found.config_type(**fields)
    data = found.data(cfg)
    few = {name: getattr(data, name)[:SAMPLES] for name in ("x_train", "y_train")}
    return cfg, dataclasses.replace(data, **few)


def train(
    slug: str,
    variant: str = "",
    *,
    precision: str = "float32",
    seed: int = 0,
    device: str = "cpu",
    reuse: dict[Any, Any] | None = None,
    **how: Any,
) -> Trained:
    cfg, data = material(slug, variant)
    backend.configure(device, precision, seed)
    session = Session(
        seed=seed,
        limit=STEPS,
        keep_snapshots=True,
        reuse={} if reuse is None else reuse,
        **({"free_core": False} | how),
    )
    model = module(slug).build(cfg)
    with session.active():
        module(slug).train(model, data, cfg)
    return trained(model, session)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("matched", [False, True], ids=["native", "matched"])
@pytest.mark.parametrize(("slug", "variant"), TRAINED)
def test_every_lesson(slug: str, variant: str, matched: bool, precision: str) -> None:
    """Losses, weights on the way and at the end, random generator: all the same."""
    plain, auto = (
        train(slug, variant, matched=matched, precision=precision, engine=name)
        for name in ("plain", "auto")
    )
    assert auto.numbers == plain.numbers
    assert (plain.loops, plain.notes, auto.notes) == (0, [], [])
    assert auto.loops == (auto.steps >= STEPS // 2)


@pytest.mark.parametrize("slug", ["xor_mlp", "mnist_mlp"])
def test_reuse(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every seed gives what it gives alone, by a loop compiled once."""
    alone = [train(slug, seed=seed).numbers for seed in range(3)]
    sources = []

    def compiled(source: str) -> script.Run:
        sources.append(source)
        return script.compiled(source)

    monkeypatch.setattr(replay, "compiled", compiled)
    reuse: dict[Any, Any] = {}
    together = [train(slug, seed=seed, reuse=reuse).numbers for seed in range(3)]
    assert together == alone
    assert alone[0] != alone[1] != alone[2]
    assert len(sources) == 1


@pytest.mark.parametrize("slug", ["xor_mlp", "mnist_mlp"])
@pytest.mark.parametrize("matched", [False, True], ids=["native", "matched"])
def test_without_torchscript(
    slug: str, matched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python runs the same loop."""
    plain = train(slug, matched=matched, engine="plain")
    monkeypatch.delattr(torch.jit, "CompilationUnit")
    auto = train(slug, matched=matched)
    assert auto.numbers == plain.numbers
    assert (auto.notes, auto.loops) == ([], 1)


@pytest.mark.parametrize("engine", ["plain", "auto"])
def test_is_the_loop_of_the_notes(engine: str) -> None:
    """XOR: the loss of every step is that of the loop one would write by hand."""
    cfg, data = material("xor_mlp", "")
    backend.configure("cpu", "float32", 5)
    model = module("xor_mlp").build(cfg)
    optimizer = torch.optim.SGD(model.parameters(), lr=cfg.learning_rate)
    x, y = backend.tensor(data.x_train), backend.tensor(data.y_train)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    by_hand = np.array(losses, np.float32).tobytes()
    assert train("xor_mlp", seed=5, engine=engine).numbers[0] == by_hand


@pytest.mark.parametrize("shuffle", [True, False])
def test_is_the_loop_over_a_data_loader(shuffle: bool) -> None:
    """Same batches, same dropout masks, and the generator at the same place."""
    x, y = backend.tensor(X), torch.tensor(Y)
    expected = []
    backend.configure("cpu", "float32", 2)
    model, optimizer, step = lesson(torch.optim.Adam, fused=True)
    for _ in range(10):
        for batch in DataLoader(TensorDataset(x, y), 8, shuffle=shuffle):
            expected.append(step(*batch).item())
    end = torch.get_rng_state()
    backend.configure("cpu", "float32", 2)
    model, optimizer, step = lesson(torch.optim.Adam)
    session = Session()
    with session.active():
        history = engine.loop(
            step, model, optimizer, X, Y, epochs=10, batch_size=8, shuffle=shuffle
        )
    assert session.notes == []
    np.testing.assert_array_equal(history.loss, np.array(expected, np.float32))
    assert torch.equal(torch.get_rng_state(), end)


def test_samples_of_the_run_s_precision_are_not_copied() -> None:
    backend.configure("cpu", "float32", 0)
    X.flags.writeable = False
    assert backend.resident(X).data_ptr() == X.ctypes.data
    assert backend.resident(Y).data_ptr() == Y.ctypes.data
    turned = X[::-1, ::2]
    assert torch.equal(backend.resident(turned), torch.tensor(turned.copy()))
    backend.configure("cpu", "float64", 0)
    wide = backend.resident(X)
    assert wide.dtype == torch.float64
    assert wide.data_ptr() != X.ctypes.data


@pytest.mark.parametrize("engine_name", ["plain", "auto"])
@pytest.mark.parametrize("batch", [8, None])
def test_a_step_that_writes_into_its_batch_leaves_the_samples(
    batch: int | None, engine_name: str
) -> None:
    before = X.copy()
    backend.configure("cpu", "float32", 2)
    model, optimizer, step = lesson(torch.optim.SGD)

    def writing(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = step(x, y)
        x.fill_(0)
        return loss

    session = Session(engine=engine_name)
    with session.active():
        engine.loop(writing, model, optimizer, X, Y, epochs=9, batch_size=batch)
    np.testing.assert_array_equal(X, before)


def test_nothing_is_kept_once_the_loop_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or a study would hold the samples of seeds that are done."""
    seen: list[weakref.ref[torch.Tensor]] = []
    original = backend.resident

    def noted(array: Any) -> torch.Tensor:
        seen.append(weakref.ref(found := original(array)))
        return found

    monkeypatch.setattr(backend, "resident", noted)
    gc.collect()
    gc.disable()
    try:
        assert train("mnist_mlp").loops == 1
        assert len(seen) == 2
        assert [kept() for kept in seen] == [None, None]
    finally:
        gc.enable()


def test_short_trainings_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "PAYS", STEPS)
    assert train("mnist_mlp").loops == 0
    monkeypatch.setattr(replay, "PAYS", STEPS // 2)
    assert train("mnist_mlp").loops == 1


# ---------------------------------------------------------------- other steps

OWN_SAMPLES = 61
X = np.random.default_rng(0).normal(size=(OWN_SAMPLES, 6)).astype(np.float32)
Y = np.random.default_rng(1).integers(0, 3, OWN_SAMPLES)

Besides = Callable[[nn.Module, Optimizer, torch.Tensor], Any]
Lesson = tuple[nn.Module, Optimizer, Step]


def lesson(
    rule: Callable[..., Optimizer] = torch.optim.SGD,
    besides: Besides = lambda model, optimizer, loss: None,
    **settings: Any,
) -> Lesson:
    """A small network; `besides` is what its step does before the update."""
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3))
    optimizer = rule(model.parameters(), **({"lr": 0.01} | settings))

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        besides(model, optimizer, loss)
        optimizer.step()
        return loss

    return model, optimizer, step


def train_own(
    make: Callable[[], Lesson], engine_: str = "auto", batch: int | None = 8, **how: Any
) -> Trained:
    """All that such a lesson changes: its weights, its optimizer's state."""
    backend.configure("cpu", "float32", 1)
    random.seed(1)
    model, optimizer, step = make()
    session = Session(
        engine=engine_, reuse={}, limit=STEPS, **({"free_core": False} | how)
    )
    with session.active():
        engine.loop(
            step, model, optimizer, X, Y, epochs=STEPS, batch_size=batch, shuffle=True
        )
    states = [v for s in optimizer.state.values() for v in s.values()]
    tensors = [v for v in states if isinstance(v, torch.Tensor)]
    return trained(nn.Sequential(), session, *model.state_dict().values(), *tensors)


def own(*args: Any, **settings: Any) -> Callable[[], Lesson]:
    return functools.partial(lesson, *args, **settings)


def clip(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)


def noise(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    for parameter in model.parameters():
        assert parameter.grad is not None
        parameter.grad += 0.1 * torch.randn_like(parameter)


def constant(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    for parameter in model.parameters():
        assert parameter.grad is not None
        parameter.grad *= torch.tensor(0.5)


def average() -> Lesson:
    """An average of the losses, kept in a tensor."""
    mean = torch.zeros(())
    model, optimizer, step = lesson(
        besides=lambda model, optimizer, loss: mean.lerp_(loss.detach(), 0.1)
    )
    model.register_buffer("mean", mean)
    return model, optimizer, step


def accumulating() -> Lesson:
    """The gradients are never cleared."""
    model, optimizer, step = lesson()
    optimizer.zero_grad = lambda set_to_none=True: None  # type: ignore[method-assign]
    return model, optimizer, step


class Recurrent(nn.Module):
    """Three time steps of two features."""

    def __init__(self, kind: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.cells, self.output = kind(2, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        cells: torch.Tensor = self.cells(x.view(-1, 3, 2))[0]
        output: torch.Tensor = self.output(cells[:, -1])
        return output


def of(model: Callable[[], nn.Module]) -> Callable[[], Lesson]:
    def make() -> Lesson:
        net = model()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

        def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            return loss

        return net, optimizer, step

    return make


def convolution() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)),
        nn.Conv1d(1, 4, 3),
        nn.BatchNorm1d(4),
        nn.MaxPool1d(2),
        nn.Flatten(),
        nn.Linear(8, 3),
    )


T = torch.optim
RECORDED = {
    "momentum": own(T.SGD, momentum=0.9, weight_decay=0.1, nesterov=True),
    "momentum, in the form that is a GPU's own choice": own(
        T.SGD, momentum=0.9, weight_decay=0.1, nesterov=True, foreach=True
    ),
    "rmsprop in that form": own(T.RMSprop, momentum=0.9, centered=True, foreach=True),
    "adam": own(T.Adam),
    "adam with amsgrad": own(T.Adam, amsgrad=True, weight_decay=0.1),
    "adam with a rate in a tensor": own(T.Adam, lr=torch.tensor(0.01)),
    "adamw": own(T.AdamW),
    "adagrad": own(T.Adagrad, lr_decay=0.1),
    "rmsprop": own(T.RMSprop, momentum=0.9, centered=True),
    "rprop": own(T.Rprop),
    "clipped": own(besides=clip),
    "noisy": own(besides=noise),
    "with a constant": own(besides=constant),
    "averaging": average,
    "accumulating": accumulating,
    "convolution": of(convolution),
    "RNN": of(lambda: Recurrent(nn.RNN)),
    "GRU": of(lambda: Recurrent(nn.GRU)),
    "diverging": own(T.SGD, lr=1e30),
}


@pytest.mark.parametrize(
    ("name", "batch"),
    # In a batch of one there is no variance.
    [(n, b) for n in RECORDED for b in (8, 1, None) if (n, b) != ("convolution", 1)],
)
def test_recorded(name: str, batch: int | None) -> None:
    plain = train_own(RECORDED[name], "plain", batch)
    auto = train_own(RECORDED[name], "auto", batch)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert auto.loops == 1


# ---------------------------------------------------------------- refused


def branching(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    if loss > 1.0:
        optimizer.param_groups[0]["lr"] = 0.02


def drawing(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    optimizer.param_groups[0]["lr"] = random.random()


def rarely(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    if random.random() < 0.05:
        optimizer.param_groups[0]["lr"] = 1.0


def decaying(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    optimizer.param_groups[0]["lr"] *= 0.99


calls = 0


def counting_here(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    global calls
    calls += 1


def counting() -> Lesson:
    """The rate falls once, long after the recording."""
    steps = 0

    def besides(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
        nonlocal steps
        steps += 1
        if steps == STEPS // 2:
            optimizer.param_groups[0]["lr"] = 0.5

    return lesson(besides=besides)


def scheduled() -> Lesson:
    model, optimizer, step = lesson()
    schedule = T.lr_scheduler.StepLR(optimizer, STEPS // 2)

    def besides(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = step(x, y)
        schedule.step()
        return loss

    return model, optimizer, besides


def keeping() -> Lesson:
    """Keeps a list of losses."""
    kept: list[torch.Tensor] = []
    return lesson(besides=lambda model, optimizer, loss: kept.append(loss.detach()))


def method() -> Lesson:
    """An object that counts its steps."""

    class Trainer:
        def __init__(self) -> None:
            self.steps = 0
            self.inner = lesson()

        def step(self, x: torch.Tensor, y: torch.Tensor) -> Any:
            self.steps += 1
            return self.inner[2](x, y)

    trainer = Trainer()
    model, optimizer, _ = trainer.inner
    return model, optimizer, trainer.step


def rebinding() -> Lesson:
    """An average that is a new tensor in every step."""
    model, optimizer, step = lesson()
    state = {"mean": torch.zeros(())}

    def besides(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = step(x, y)
        state["mean"] = 0.9 * state["mean"] + 0.1 * loss.detach()
        return loss * state["mean"]

    return model, optimizer, besides


def replacing(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
    for parameter in model.parameters():
        parameter.data = parameter.data * 0.99


def partial() -> Lesson:
    """Counts in a list that it is handed."""

    def counted(steps: list[int], x: torch.Tensor, y: torch.Tensor) -> Any:
        steps[0] += 1
        return step(x, y)

    model, optimizer, step = lesson()
    return model, optimizer, functools.partial(counted, [0])


def generator() -> Lesson:
    """Noise from a generator of its own."""
    own_generator = torch.Generator().manual_seed(1)

    def besides(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
        for p in model.parameters():
            assert p.grad is not None
            p.grad += torch.randn(p.shape, generator=own_generator)

    return lesson(besides=besides)


def opaque() -> Lesson:
    """Holds something that nobody can look into."""
    lines = (line for line in ())

    def besides(model: nn.Module, optimizer: Optimizer, loss: torch.Tensor) -> None:
        next(lines, None)

    return lesson(besides=besides)


def sparse() -> nn.Module:
    class Embedded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(4, 3, sparse=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.table((x[:, :3] > 0).sum(1))
            return found

    return Embedded()


def selecting() -> Lesson:
    """Sees only some of its batch, how many depends on the data."""
    model, optimizer, step = lesson()

    def some(x: torch.Tensor, y: torch.Tensor) -> Any:
        return step(x[x[:, 0] > -1], y[x[:, 0] > -1])

    return model, optimizer, some


VALUES = "it depends on values"
ANOTHER = "it is another one each time"
REMEMBERS = "it remembers something in Python"
REFUSED: dict[str, tuple[Callable[[], Lesson], str]] = {
    "branching": (own(besides=branching), VALUES),
    "selecting": (selecting, VALUES),
    "adam by for-loops": (own(T.Adam, fused=False), VALUES),
    "nadam": (own(T.NAdam), VALUES),
    "drawing": (own(besides=drawing), ANOTHER),
    "decaying": (own(besides=decaying), ANOTHER),
    "rebinding": (rebinding, ANOTHER),
    "replacing": (own(besides=replacing), ANOTHER),
    "drawing rarely": (own(besides=rarely), REMEMBERS),
    "counting": (counting, REMEMBERS),
    "counting in the module": (own(besides=counting_here), REMEMBERS),
    "counting in an object": (method, REMEMBERS),
    "counting in a list": (partial, REMEMBERS),
    "scheduled": (scheduled, REMEMBERS),
    "keeping": (keeping, REMEMBERS),
    "generator": (generator, "it uses a Generator"),
    "sparse": (of(sparse), "it uses torch.sparse_coo tensors"),
    "opaque": (opaque, "it holds what cannot be looked into"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    """What no recording can repeat runs as written, and that is said once."""
    make, reason = REFUSED[name]
    plain, auto = train_own(make, "plain"), train_own(make, "auto")
    assert auto.numbers == plain.numbers
    assert plain.notes == []
    (note,) = auto.notes
    assert reason in note


# ---------------------------------------------------------------- wrong recordings

WRONG = "its repetition does not give the same numbers"


def planted(
    mistake: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Plant a mistake in every recorded loop; the list will hold their sources."""
    sources: list[str] = []

    def compiled(source: str) -> script.Run:
        sources.append(source)
        return script.compiled(mistake(source))

    monkeypatch.setattr(replay, "compiled", compiled)
    return sources


@pytest.mark.parametrize("matched", [False, True], ids=["native", "matched"])
@pytest.mark.parametrize("slug", ["xor_mlp", "linear_regression", "mnist_mlp"])
def test_no_call_may_be_missing(
    slug: str, matched: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leave out one call of the recording after the other: each time it is refused."""
    variant = "raw" if slug == "linear_regression" else ""
    plain = train(slug, variant, matched=matched, engine="plain").numbers
    with monkeypatch.context() as context:
        sources = planted(lambda source: source, context)
        assert train(slug, variant, matched=matched).numbers == plain
    lines = [line for line in sources[0].splitlines() if "        aten." in line]
    assert len(lines) > 10
    for line in lines:
        with monkeypatch.context() as context:
            planted(
                lambda source, line=line: source.replace(line, "        1", 1), context
            )
            auto = train(slug, variant, matched=matched)
        assert auto.numbers == plain, line
        (note,) = auto.notes
        assert WRONG in note, line


MISTAKES = {
    "ascent": ("xor_mlp", False, "alpha=-1.0", "alpha=1.0"),
    "half the rate": ("mnist_mlp", False, "lr=0.001", "lr=0.0005"),
    "another epsilon": ("mnist_mlp", False, "eps=1e-07", "eps=1e-08"),
    "more dropout": ("mnist_mlp", False, ", 0.8)", ", 0.5)"),
    "the first batch again": ("mnist_mlp", False, "(index, 0, i)", "(index, 0, 0)"),
    "the next mask": ("mnist_mlp", True, "masks[0], 0, i", "masks[0], 0, 1"),
    "the first epsilon": ("mnist_mlp", True, "epsilon[i]", "epsilon[0]"),
    "a loss at another's place": ("xor_mlp", False, "losses, 0, i", "losses, 0, 0"),
    "one draw too many": (
        "mnist_mlp",
        False,
        "in range(count):",
        "in range(count):\n        aten.bernoulli_.float(v0, 0.5)",
    ),
    "one step too few": ("xor_mlp", False, "range(count)", "range(count - 1)"),
    "a call that fails": ("xor_mlp", False, ", v4, ", ", losses, "),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_wrong_recordings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slug, matched, right, wrong = MISTAKES[name]
    plain = train(slug, matched=matched, engine="plain").numbers
    sources = planted(lambda source: source.replace(right, wrong), monkeypatch)
    auto = train(slug, matched=matched)
    assert right in sources[0]
    assert auto.numbers == plain
    (note,) = auto.notes
    assert WRONG in note


# ---------------------------------------------------------------- dropout


@pytest.mark.parametrize("same", [True, False])
def test_masks_are_those_of_dropout(
    same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn as uniform numbers, or as PyTorch does where that would be others."""
    plain = train("mnist_mlp", engine="plain").numbers
    with monkeypatch.context() as context:
        sources = planted(lambda source: source, context)
        if not same:
            context.setattr(bernoulli, "_same", lambda dtype, probability: False)
        auto = train("mnist_mlp")
    assert auto.numbers == plain
    assert auto.notes == []
    faster = bernoulli._same(torch.float32, 0.8) and same
    assert ("aten.uniform_.default(" in sources[0]) == faster
    assert ("aten.bernoulli_.float(" in sources[0]) != faster


def test_other_numbers_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of another kind, and the same that leave the generator elsewhere."""
    drawing = torch.Tensor.bernoulli_

    def once_more(tensor: torch.Tensor, *given: Any, generator: Any) -> torch.Tensor:
        found = drawing(tensor, *given, generator=generator)
        torch.rand((), generator=generator)
        return found

    def other(tensor: torch.Tensor, *given: Any, generator: Any) -> torch.Tensor:
        return tensor.copy_(1 - drawing(tensor, *given, generator=generator))

    for wrong in (once_more, other):
        monkeypatch.setattr(torch.Tensor, "bernoulli_", wrong)
        assert not bernoulli._same.__wrapped__(torch.float32, 0.8)


# ---------------------------------------------------------------- Adam in one call


@pytest.mark.parametrize("rule", [T.Adam, T.AdamW, T.Adagrad])
def test_fused_rounds_otherwise_and_no_more(rule: type[Optimizer]) -> None:
    """In float64 its weights stay within rounding of those of the default form."""
    ends = []
    for fused in (False, True):
        backend.configure("cpu", "float64", 0)
        model, optimizer, step = lesson(rule)
        if fused:
            replay.fuse(optimizer)
            assert optimizer.param_groups[0]["fused"]
        for _ in range(STEPS):
            step(torch.tensor(X, dtype=torch.float64), torch.tensor(Y))
        ends.append([p.detach().numpy() for p in model.parameters()])
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("chosen", [{"fused": False}, {"foreach": True}])
def test_a_chosen_form_stays(chosen: dict[str, bool]) -> None:
    _, optimizer, _ = lesson(T.Adam, **chosen)
    replay.fuse(optimizer)
    assert optimizer.param_groups[0]["fused"] in (None, False)
