"""What the PyTorch engine does ahead in a thread changes no number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import torch
from test_engine_torch import (
    RECORDED,
    WRONG,
    X,
    Y,
    lesson,
    of,
    own,
    short,
    train,
    train_own,
)
from torch import nn

from shared.session import Session
from torch_track import ahead, backend, engine, lockstep, replay, script
from torch_track.second_thread import SecondThread

__all__ = ["short"]

STEPS_AT_ONCE = 3


@pytest.fixture(autouse=True)
def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Small parts, even of small work; the sources of what is compiled for them."""
    found: list[str] = []

    def compiled(source: str) -> script.Run:
        found.append(source)
        return script.compiled(source)

    monkeypatch.setattr(ahead, "WORTH", 1)
    monkeypatch.setattr(ahead, "compiled", compiled)
    monkeypatch.setattr(lockstep, "stores_in_order", lambda: False)
    original = ahead.Ahead.__init__

    def in_small_parts(self: ahead.Ahead, parts: ahead.Parts) -> None:
        monkeypatch.setattr(ahead, "BYTES", STEPS_AT_ONCE * ahead._bytes(parts.handed))
        original(self, parts)

    monkeypatch.setattr(ahead.Ahead, "__init__", in_small_parts)
    return found


def calls(source: str) -> list[str]:
    """The names of the operators in a loop, without what binds its slots."""
    lines = [line.strip() for line in source.splitlines()]
    return [line.split(".")[1] for line in lines if line.startswith("aten.")]


class Now(SecondThread):
    """One that does what it is given at once, as the fastest would."""

    def begin(self, do: Callable[[], None]) -> Future[None]:
        done: Future[None] = Future()
        done.set_result(do())
        return done


class Late(SecondThread):
    """One that does it only when it is waited for, as the slowest would."""

    def begin(self, do: Callable[[], None]) -> Any:
        class Waiting:
            def result(self) -> None:
                do()

            def exception(self) -> None:
                pass

        return Waiting()


@pytest.fixture(params=[None, Now, Late], ids=["thread", "fastest", "slowest"])
def pool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setattr(ahead, "SecondThread", request.param)


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("matched", [False, True], ids=["native", "matched"])
@pytest.mark.parametrize(
    ("slug", "variant"),
    [("mnist_mlp", ""), ("data_loader", ""), ("optimizers", "adam")],
)
def test_lessons_with_batches(
    slug: str, variant: str, matched: bool, precision: str, sources: list[str]
) -> None:
    how = {"matched": matched, "precision": precision}
    plain = train(slug, variant, engine="plain", **how)
    auto = train(slug, variant, free_core=True, **how)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert len(sources) in (0, 2)
    assert sources or slug != "mnist_mlp"


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("batch", [8, 1, None])
@pytest.mark.parametrize("name", ["adam", "noisy", "clipped", "averaging", "RNN"])
def test_steps_of_ones_own(name: str, batch: int | None) -> None:
    plain = train_own(RECORDED[name], "plain", batch)
    auto = train_own(RECORDED[name], "auto", batch, free_core=True)
    assert auto.numbers == plain.numbers
    assert auto.notes == []


def test_the_weights_decide_what_is_ahead(sources: list[str]) -> None:
    train("mnist_mlp", free_core=True)
    first, second = map(calls, sources)
    assert first[:2] == ["index_select", "index_select"]
    assert first[-1] == "div_"
    assert {"bernoulli_", "uniform_", "index_select"}.isdisjoint(second)
    assert second[0] == "addmm"
    assert second[-2:] == ["_fused_adam_", "copy_"]


def test_seeds_share_the_loops(sources: list[str]) -> None:
    alone = [train("mnist_mlp", seed=seed).numbers for seed in range(3)]
    assert sources == []
    reuse: dict[Any, Any] = {}
    how: dict[str, Any] = {"reuse": reuse, "free_core": True}
    assert [train("mnist_mlp", seed=seed, **how).numbers for seed in range(3)] == alone
    assert len(sources) == 2


def test_without_torchscript(
    sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = train("mnist_mlp", engine="plain").numbers
    monkeypatch.delattr(torch.jit, "CompilationUnit")
    auto = train("mnist_mlp", free_core=True)
    assert auto.numbers == plain
    assert (auto.notes, len(sources)) == ([], 2)


@pytest.mark.parametrize(
    ("free", "cores", "threads"), [(False, 2, 1), (True, 1, 1), (True, 2, 2)]
)
def test_only_where_a_core_is_free(
    sources: list[str],
    monkeypatch: pytest.MonkeyPatch,
    free: bool,
    cores: int,
    threads: int,
) -> None:
    monkeypatch.setattr(ahead, "cores", lambda: cores)
    monkeypatch.setattr("torch.get_num_threads", lambda: threads)
    train("mnist_mlp", free_core=free)
    assert sources == []


def test_little_work_stays_in_the_loop(
    sources: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "WORTH", 2**14)
    train_own(own(), free_core=True)
    assert sources == []


# ---------------------------------------------------------------- splitting


class Dropping(nn.Module):
    """Drops units with a probability that its weights decide, after a plain dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.dropout(x, 0.2)
        hidden = torch.sigmoid(self.hidden(x))
        kept = hidden * torch.bernoulli(hidden.detach())
        output: torch.Tensor = self.output(kept)
        return output


@pytest.mark.usefixtures("pool")
def test_all_numbers_are_drawn_in_one_order(sources: list[str]) -> None:
    """If one must wait for the weights, those drawn before it wait as well."""
    make = of(Dropping)
    plain, auto = train_own(make, "plain"), train_own(make, free_core=True)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert set(calls(sources[0])) == {"index_select"}


@pytest.mark.usefixtures("pool")
def test_what_has_been_read_is_not_overwritten_ahead() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return x * mask

        @staticmethod
        def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
            return gradients[0], None

    class Reusing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.output = nn.Linear(6, 6), nn.Linear(6, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            mask = torch.empty(x.shape)
            hidden = Twice.apply(self.hidden(x), mask.bernoulli_(0.8))
            hidden = Twice.apply(hidden + 1, mask.bernoulli_(0.5))
            output: torch.Tensor = self.output(hidden)
            return output

    make = of(Reusing)
    plain, auto = train_own(make, "plain"), train_own(make, free_core=True)
    assert auto.numbers == plain.numbers
    assert auto.notes == []


class Prepared(nn.Module):
    """A small network on inputs that are prepared first."""

    def __init__(self, width: int, prepare: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(width, 8), nn.Linear(8, 3)
        self.prepare = prepare

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.output(self.hidden(self.prepare(x)).relu())
        return output


def halves(x: torch.Tensor) -> torch.Tensor:
    """By a call on a list that the loop is given whole."""
    half, other = x.clone(), x.clone()
    torch._foreach_mul_([half, other], 0.5)
    return half


def even(x: torch.Tensor) -> torch.Tensor:
    """Without the last bit, in memory that is read as other numbers too."""
    whole = x.view(torch.int32).bitwise_and(-2)
    return whole.view(torch.float32)


PREPARED: dict[str, tuple[int, Callable[[torch.Tensor], Any], int]] = {
    "a part of each sample": (5, lambda x: x[:, 1:], 2),
    "turned": (6, lambda x: x.flip(0), 2),
    "scaled": (6, lambda x: (x - 0.5) / 2, 2),
    "in a list": (6, halves, 0),
    "in two types": (6, even, 0),
}


@pytest.mark.usefixtures("pool")
@pytest.mark.parametrize("name", PREPARED)
def test_prepared_inputs(name: str, sources: list[str]) -> None:
    width, prepare, loops = PREPARED[name]
    make = of(functools.partial(Prepared, width, prepare))
    plain, auto = train_own(make, "plain"), train_own(make, free_core=True)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert len(sources) == loops


@pytest.mark.parametrize("flush", [True, False])
def test_the_thread_treats_denormals_as_the_loop_does(
    flush: bool, sources: list[str]
) -> None:
    """The inputs become denormal before they reach the model, and normal in it."""
    losses = []
    for name in ("plain", "auto"):
        backend.configure("cpu", "float32", 1)
        torch.set_flush_denormal(flush)
        model, optimizer, inner = lesson()

        def step(x: torch.Tensor, y: torch.Tensor, inner: Any = inner) -> Any:
            return inner((x * 1e-39) * 1e20 * 1e19, y)

        session = Session(engine=name, limit=40)
        with session.active():
            history = engine.loop(step, model, optimizer, X, Y, epochs=40, batch_size=8)
        losses.append(history.loss.tobytes())
    assert session.notes == []
    assert calls(sources[0]).count("mul") == 3
    assert losses[0] == losses[1]


# ---------------------------------------------------------------- planted mistakes


MISTAKES = {
    "the first batch again": ("(index, 0, i)", "(index, 0, 0)"),
    "the first slot again": ("i * 25088", "i * 0"),
    "more dropout": (", 0.8)", ", 0.5)"),
    "one draw too many": (
        "in range(count):",
        "in range(count):\n        aten.uniform_.default(v0, 0.0, 1.0)",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_wrong_part_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, and the plain loop does the training."""
    right, wrong = MISTAKES[name]
    plain = train("mnist_mlp", engine="plain").numbers
    sources: list[str] = []

    def compiled(source: str) -> script.Run:
        first = not sources
        sources.append(source)
        return script.compiled(source.replace(right, wrong, 1) if first else source)

    monkeypatch.setattr(ahead, "compiled", compiled)
    auto = train("mnist_mlp", free_core=True)
    assert right in sources[0]
    assert auto.numbers == plain
    (note,) = auto.notes
    assert WRONG in note


def test_one_set_of_slots_would_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fastest thread would overwrite what the loop still reads."""
    plain = train("mnist_mlp", engine="plain").numbers
    monkeypatch.setattr(ahead, "SecondThread", Now)
    original = ahead.Ahead.__init__

    def with_one(self: ahead.Ahead, parts: ahead.Parts) -> None:
        original(self, parts)
        self._slots[1] = self._slots[0]

    monkeypatch.setattr(ahead.Ahead, "__init__", with_one)
    assert train("mnist_mlp", free_core=True).numbers != plain


def test_an_error_in_the_thread_reaches_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the loop's own errors do; while recording it means the plain loop."""
    plain = train("mnist_mlp", engine="plain").numbers

    def failing(*given: Any) -> None:
        raise RuntimeError("planted")

    original = ahead.Ahead.__init__

    def planted(self: ahead.Ahead, parts: ahead.Parts) -> None:
        original(self, parts)
        self._first = failing

    with monkeypatch.context() as context:
        context.setattr(ahead.Ahead, "__init__", planted)
        auto = train("mnist_mlp", free_core=True)
    assert auto.numbers == plain
    assert WRONG in auto.notes[0]

    repeat = replay.Loop._repeat

    def later(self: replay.Loop, program: Any, first: int, *given: Any) -> Any:
        if self._program is not None and isinstance(self._run, ahead.Ahead):
            self._run._first = failing
        return repeat(self, program, first, *given)

    monkeypatch.setattr(replay.Loop, "_repeat", later)
    with pytest.raises(RuntimeError, match="planted"):
        train("mnist_mlp", free_core=True)
