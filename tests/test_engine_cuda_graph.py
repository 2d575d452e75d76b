"""A CUDA graph of the recorded step: all but CUDA's own part runs on the CPU here.

Where there is a GPU, the same is run with it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from test_engine_torch import (
    RECORDED,
    STEPS,
    WRONG,
    T,
    lesson,
    short,
    train,
    train_own,
)

from torch_track import cuda_graph, replay
from torch_track.cuda_graph import Work

__all__ = ["short"]


class OnTheCpu(cuda_graph.Device):
    """Captures nothing, and repeats the work itself."""

    kind = "cpu"

    def __init__(self, replayed: Callable[[Work], None] = lambda work: work()) -> None:
        self.done: list[str] = []
        self.replayed = replayed

    def warm_up(self, work: Work) -> None:
        self.done.append("warm-up")
        work()

    def capture(self, work: Work) -> Work:
        self.done.append("capture")

        def replay() -> None:
            self.done.append("replay")
            self.replayed(work)

        return replay


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> OnTheCpu:
    device = OnTheCpu()
    monkeypatch.setattr(cuda_graph, "DEVICE", device)
    return device


LESSONS = [
    ("xor_mlp", "", False),
    ("xor_mlp", "", True),
    ("linear_regression", "raw", False),
    ("mnist_mlp", "", False),
]


@pytest.mark.parametrize(("slug", "variant", "matched"), LESSONS)
def test_the_graph_is_the_plain_loop(
    slug: str, variant: str, matched: bool, device: OnTheCpu
) -> None:
    """One step warms up, and one capture serves all others but the part batches."""
    plain = train(slug, variant, matched=matched, engine="plain")
    assert device.done == []
    auto = train(slug, variant, matched=matched)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert device.done[:3] == ["warm-up", "capture", "replay"]
    assert set(device.done[2:]) == {"replay"}
    assert len(device.done) > STEPS // 2


@pytest.mark.parametrize("name", ["momentum", "adam", "noisy", "convolution", "RNN"])
@pytest.mark.parametrize("batch", [8, None])
def test_steps_of_ones_own(name: str, batch: int | None, device: OnTheCpu) -> None:
    plain = train_own(RECORDED[name], "plain", batch)
    auto = train_own(RECORDED[name], "auto", batch)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert "replay" in device.done


def test_each_seed_captures_its_own(device: OnTheCpu) -> None:
    """A graph knows where the tensors of one model lie."""
    alone = [train("xor_mlp", seed=seed).numbers for seed in range(2)]
    device.done.clear()
    reuse: dict[Any, Any] = {}
    together = [train("xor_mlp", seed=seed, reuse=reuse).numbers for seed in range(2)]
    assert together == alone
    assert device.done.count("capture") == 2
    assert len(reuse) == 1


def test_no_graph_where_epsilon_moves(device: OnTheCpu) -> None:
    """In matched mode Adam's is another one in each step: the loop takes its place."""
    plain = train("mnist_mlp", matched=True, engine="plain")
    auto = train("mnist_mlp", matched=True)
    assert auto.numbers == plain.numbers
    assert (auto.notes, auto.loops, device.done) == ([], 1, [])


def test_all_must_be_on_the_device(device: OnTheCpu) -> None:
    here, elsewhere = torch.empty(1), torch.empty(1, device="meta")

    def program(tensors: list[torch.Tensor], lists: list[list[torch.Tensor]]) -> Any:
        return SimpleNamespace(tensors=tensors, lists=lists)

    assert cuda_graph.fits(program([here], [[here]]), [])
    assert not cuda_graph.fits(program([here], [[here]]), [1e-7])
    assert not cuda_graph.fits(program([here, elsewhere], [[here]]), [])
    assert not cuda_graph.fits(program([here], [[here, elsewhere]]), [])


MISTAKES: dict[str, Callable[[Work], object]] = {
    "nothing": lambda work: None,
    "twice": lambda work: (work(), work()),
    "a number drawn": lambda work: (work(), torch.rand(1)),
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("slug", ["xor_mlp", "mnist_mlp"])
def test_a_wrong_graph_is_refused(slug: str, name: str, device: OnTheCpu) -> None:
    """It is said once, and the plain loop does the training."""
    plain = train(slug, engine="plain").numbers
    device.replayed = MISTAKES[name]
    auto = train(slug)
    assert auto.numbers == plain
    (note,) = auto.notes
    assert WRONG in note
    assert device.done == ["warm-up", "capture", "replay"]


def test_a_stale_batch_is_refused(
    device: OnTheCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph that does not read the buffers sees the batch of its capture again."""
    plain = train("mnist_mlp", engine="plain").numbers
    prepare = cuda_graph.Graphed._prepare

    def apart(graph: cuda_graph.Graphed, *given: Any) -> None:
        prepare(graph, *given)
        graph._feed = [buffer.clone() for buffer in graph._feed]

    monkeypatch.setattr(cuda_graph.Graphed, "_prepare", apart)
    auto = train("mnist_mlp")
    assert auto.numbers == plain
    (note,) = auto.notes
    assert WRONG in note


@pytest.mark.parametrize("slug", ["xor_mlp", "mnist_mlp"])
def test_what_cannot_be_captured(
    slug: str, device: OnTheCpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, with CUDA's reason, and the plain loop does the training."""
    plain = train(slug, engine="plain").numbers

    def refuse(work: Work) -> Work:
        raise RuntimeError("operation not permitted when stream is capturing\nAt: ...")

    monkeypatch.setattr(device, "capture", refuse)
    auto = train(slug)
    assert auto.numbers == plain
    (note,) = auto.notes
    assert note.endswith(
        "CUDA cannot capture it (operation not permitted when stream is capturing)"
    )


def test_other_devices_run_the_plain_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = SimpleNamespace(device=torch.device("mps"))
    loop = replay.Loop.__new__(replay.Loop)
    loop._data = elsewhere, elsewhere  # type: ignore[assignment]
    with pytest.raises(replay.Unrecordable, match="CPU or with CUDA only"):
        loop._learn(0, torch.empty(0), [])


@pytest.mark.parametrize("rule", [T.Adam, T.AdamW, T.Adagrad])
def test_one_call_where_pytorch_has_one(
    rule: type[torch.optim.Optimizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a GPU of Adam and AdamW only."""
    _, optimizer, _ = lesson(rule)
    gpu = SimpleNamespace(device=torch.device("cuda"))
    optimizer.param_groups[0]["params"] = [gpu]
    replay.fuse(optimizer)
    assert bool(optimizer.param_groups[0]["fused"]) == (rule is not T.Adagrad)


if torch.cuda.is_available():

    @pytest.mark.parametrize(("slug", "variant", "matched"), LESSONS)
    def test_on_a_gpu(slug: str, variant: str, matched: bool) -> None:
        plain, auto = (
            train(slug, variant, matched=matched, engine=engine, device="gpu")
            for engine in ("plain", "auto")
        )
        assert auto.numbers == plain.numbers
        assert auto.notes == []
