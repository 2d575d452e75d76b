"""Two threads that share the steps of PyTorch's loop change no number."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from test_engine_torch import (
    Lesson,
    Optimizer,
    clip,
    short,
    train,
    train_own,
)
from torch import nn

from shared.job import Job
from shared.run import Run
from shared.runner import side_by_side
from torch_track import ahead, fastest, halves, lockstep, replay, script
from torch_track.fastest import Fastest
from torch_track.lockstep import SLOTS, Lockstep, Plan
from torch_track.second_thread import SecondThread

__all__ = ["short"]


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Wherever a step can be shared it is; the steps of each of its runs."""
    found: list[int] = []
    original = Lockstep.__call__

    def noted(self: Lockstep, count: int, *given: Any) -> None:
        found.append(count)
        original(self, count, *given)

    monkeypatch.setattr(Lockstep, "__call__", noted)
    monkeypatch.setattr(Fastest, "_next", lambda self: len(self.runs) - 1)
    monkeypatch.setattr(lockstep, "stores_in_order", lambda: True)
    monkeypatch.setattr(ahead, "WORTH", 1)
    monkeypatch.setattr(halves, "WIDE", 1)
    return found


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    found: list[Plan] = []

    def noted(*given: Any) -> Plan:
        found.append(Plan(*given))
        return found[-1]

    monkeypatch.setattr(lockstep, "Plan", noted)
    return found


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("matched", [False, True], ids=["native", "matched"])
@pytest.mark.parametrize(
    ("slug", "variant", "is_shared"),
    [("mnist_mlp", "", True), ("optimizers", "adam", True), ("data_loader", "", False)],
)
def test_lessons(
    slug: str,
    variant: str,
    is_shared: bool,
    matched: bool,
    precision: str,
    runs: list[int],
) -> None:
    how = {"matched": matched, "precision": precision}
    plain = train(slug, variant, engine="plain", **how)
    auto = train(slug, variant, free_core=True, **how)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert bool(runs) == is_shared


# ---------------------------------------------------------------- other steps


class Twice(nn.Module):
    """Uses a kernel twice, so that its gradient has two terms."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.hidden = nn.Linear(6, 32), nn.Linear(32, 32)
        self.output = nn.Linear(32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.hidden(self.hidden(self.first(x)).relu()).relu()
        output: torch.Tensor = self.output(x)
        return output


class LateDraws(nn.Module):
    """Draws what its weights decide, in the loop's own thread."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(6, 32), nn.Linear(32, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.sigmoid(self.hidden(x))
        output: torch.Tensor = self.output(hidden * torch.bernoulli(hidden.detach()))
        return output


class Tied(nn.Module):
    """Goes back through the kernel that it came by."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(6, 32), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.hidden(x).relu()
        output: torch.Tensor = self.output(hidden @ self.hidden.weight)
        return output


def layers(*widths: int, bias: bool = True) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        found: list[nn.Module] = []
        for inputs, units in itertools.pairwise([6, *widths]):
            found += [nn.Linear(inputs, units, bias=bias), nn.ReLU(), nn.Dropout(0.3)]
        return nn.Sequential(*found, nn.Linear(widths[-1], 3, bias=bias))

    return make


Besides = Callable[[nn.Module, Optimizer, torch.Tensor], Any]


def steps(
    model: Callable[[], nn.Module],
    rule: Callable[..., Optimizer] = torch.optim.Adam,
    besides: Besides = lambda model, optimizer, loss: None,
    penalty: float = 0.0,
    **settings: Any,
) -> Callable[[], Lesson]:
    def make() -> Lesson:
        net = model()
        optimizer = rule(net.parameters(), lr=0.01, **settings)

        def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(net(x), y)
            if penalty:
                loss = loss + penalty * sum(p.square().sum() for p in net.parameters())
            loss.backward()
            besides(net, optimizer, loss)
            optimizer.step()
            return loss

        return net, optimizer, step

    return make


SHARED = {
    "one layer": steps(layers(32)),
    "units that do not come out even": steps(layers(35)),
    "without bias": steps(layers(32, bias=False)),
    "two layers": steps(layers(32, 48)),
    "three layers": steps(layers(32, 64, 32)),
    "AdamW": steps(layers(32), torch.optim.AdamW, weight_decay=0.1),
    "amsgrad": steps(layers(32), amsgrad=True, weight_decay=0.1),
    "gradients clipped": steps(layers(32), besides=clip),
    "numbers drawn late": steps(LateDraws),
    "a kernel used twice": steps(Twice),
}

ALONE = {
    "too few units": steps(layers(31)),
    "another rule": steps(layers(32), torch.optim.SGD, momentum=0.9),
    "a kernel in a larger product": steps(Tied),
    "a penalty on the kernel": steps(layers(32), penalty=0.1),
}


@pytest.mark.parametrize("batch", [8, 1])
@pytest.mark.parametrize("name", [*SHARED, *ALONE])
def test_steps_of_ones_own(name: str, batch: int, runs: list[int]) -> None:
    make = {**SHARED, **ALONE}[name]
    plain = train_own(make, "plain", batch)
    auto = train_own(make, "auto", batch, free_core=True)
    assert auto.numbers == plain.numbers
    assert auto.notes == []
    assert (sum(runs) > 30) == (name in SHARED)


def test_the_other_thread_has_half_of_the_units(plans: list[Plan]) -> None:
    train("mnist_mlp", free_core=True)
    (plan,) = {id(plan): plan for plan in plans}.values()
    ours, theirs = (
        [plan.tasks[n].text.split("(")[0] for n in order] for order in plan.order
    )
    assert theirs == [
        "aten.addmm.out",
        "aten.copy_.default",
        "if i + 1 < count:\n            next_v0 = aten.as_strided.default",
        "aten.mm.out",
        "aten._fused_adam_.default",
    ]
    assert ours[:2] == ["aten.addmm.out", "aten.copy_.default"]
    # What the other thread waits for comes before what this one has for itself.
    assert ours[-2:] == ["aten.mm.out", "aten._fused_adam_.default"]


@pytest.mark.parametrize("why", ["order of stores", "no TorchScript", "no free core"])
def test_only_where_it_can_be(
    why: str, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "order of stores":
        monkeypatch.setattr(lockstep, "stores_in_order", lambda: False)
    elif why == "no TorchScript":
        monkeypatch.setattr(lockstep, "scripted", lambda source: None)
    plain = train("mnist_mlp", engine="plain")
    auto = train("mnist_mlp", free_core=why != "no free core")
    assert auto.numbers == plain.numbers
    assert (auto.notes, runs) == ([], [])


@pytest.mark.parametrize(
    ("cores", "processes", "free"),
    [(1, 1, False), (2, 1, True), (2, 2, False), (4, 2, True)],
)
def test_a_core_is_free_of_our_other_processes_too(
    cores: int, processes: int, free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Job] = []

    class Process:
        def run(self, job: Job, progress: Any) -> None:
            told.append(job)

    named: Any = {str(n): Process() for n in range(processes)}
    side_by_side(named, Job("mnist_mlp"))
    monkeypatch.setattr("shared.run.cores", lambda: cores)
    for job in told:
        assert Run("torch_track", job, None)._session().free_core == free


@pytest.mark.parametrize(
    ("machine", "is_known"), [("x86_64", True), ("AMD64", True), ("arm64", False)]
)
def test_the_order_of_stores(
    machine: str, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert lockstep.stores_in_order() == is_known


# ---------------------------------------------------------------- waiting


LONG = 7
"""Steps that are gone through."""

Done = dict[tuple[int, int], tuple[int, int]]
"""When each task of each step began and ended."""


def gone_through(plan: Plan, choose: Callable[[list[int]], int]) -> Done:
    """Both threads' way through some steps; at each moment one goes on."""
    asked = [plan.asked(thread) for thread in (0, 1)]
    told, at, begun = [0, 0], [0, 0], [False, False]
    done: Done = {}
    for moment in itertools.count():
        able = []
        for thread in (0, 1):
            step, rank = divmod(at[thread], len(plan.order[thread]))
            wait = plan.waits[thread][rank]
            free = wait is None or told[1 - thread] >= step * plan.length + wait
            if step < LONG and (begun[thread] or free):
                able.append(thread)
        if not able:
            break
        thread = choose(able)
        step, rank = divmod(at[thread], len(plan.order[thread]))
        task = step, plan.order[thread][rank]
        if not begun[thread]:
            done[task] = moment, moment
        else:
            done[task] = done[task][0], moment
            at[thread] += 1
            if rank + 1 in asked[thread]:
                told[thread] = step * plan.length + rank + 1
        begun[thread] = not begun[thread]
    assert at == [LONG * len(order) for order in plan.order], "they wait for each other"
    return done


def disorder(plan: Plan, done: Done) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Tasks that did not wait for one that they must not overtake."""
    last = len(plan.tasks) - 1

    def before(one: tuple[int, int], two: tuple[int, int]) -> bool:
        """Whether the first must be done when the second begins."""
        if one[1] == last:  # it makes a batch for the step after
            return one[0] == two[0] - 1
        if two[1] == last:  # it overwrites a batch
            return one[0] + SLOTS == two[0] + 1
        return one < two

    return [
        (one, two)
        for one, two in itertools.permutations(done, 2)
        if plan.tasks[one[1]].thread != plan.tasks[two[1]].thread
        and plan.tasks[one[1]].conflicts(plan.tasks[two[1]])
        and before(one, two)
        and done[one][1] >= done[two][0]
    ]


def ways(count: int) -> Iterator[Callable[[list[int]], int]]:
    """One thread as fast as can be, then the other, then neither."""
    yield min
    yield max
    for seed in range(count):
        numbers = random.Random(seed)
        share = numbers.random()
        yield lambda able, n=numbers, s=share: (  # type: ignore[misc]
            able[0] if n.random() < s else able[-1]
        )


PLANNED = ["one layer", "two layers", "gradients clipped", "a kernel used twice"]


@pytest.mark.parametrize("name", PLANNED)
def test_whoever_is_faster_waits(name: str, plans: list[Plan]) -> None:
    train_own(SHARED[name], free_core=True)
    for choose in ways(40):
        assert disorder(plans[0], gone_through(plans[0], choose)) == []


@pytest.mark.parametrize("name", PLANNED)
def test_no_wait_could_be_left_out(name: str, plans: list[Plan]) -> None:
    train_own(SHARED[name], free_core=True)
    plan = plans[0]
    waits = [
        (thread, rank)
        for thread in (0, 1)
        for rank, wait in enumerate(plan.waits[thread])
        if wait is not None
    ]
    assert len(waits) >= 4
    for thread, rank in waits:
        kept, plan.waits[thread][rank] = plan.waits[thread][rank], None
        found = (disorder(plan, gone_through(plan, choose)) for choose in ways(40))
        assert any(found), (thread, rank, kept)
        plan.waits[thread][rank] = kept


# ---------------------------------------------------------------- planted mistakes


MISTAKES = {
    "other rows of the gradient": (
        ".default(v27, 0, 0, 48)",
        ".default(v27, 0, 1, 48)",
    ),
    "the same units again": (".default(v4, 1, 0, 48)", ".default(v4, 1, 48, 48)"),
    "the last batch again": ("(i + 1) % 3 * 25088", "i % 3 * 25088"),
    "more dropout": (", 0.8, out=next_v8)", ", 0.5, out=next_v8)"),
    "another rate": ("lr=0.001", "lr=0.002"),
    "an unknown operator": ("aten.mm.out", "aten.mmm.out"),
    "an error": (".default(v27, 0, 0, 48)", ".default(v27, 0, 0, 480)"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_wrong_halves_are_refused(
    name: str, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another way to run the recording, or else the plain loop, does the training."""
    right, wrong = MISTAKES[name]
    plain = train("mnist_mlp", engine="plain").numbers
    sources: list[str] = []

    def scripted(source: str) -> script.Run | None:
        sources.append(source)
        theirs = len(sources) == 3
        return script.scripted(source.replace(right, wrong) if theirs else source)

    monkeypatch.setattr(lockstep, "scripted", scripted)
    auto = train("mnist_mlp", free_core=True)
    assert right in sources[2]
    assert auto.numbers == plain
    assert auto.notes == []
    assert sum(runs) <= 2


@pytest.mark.parametrize("thread", ["_prepare", "_ours", "_theirs"])
def test_an_error_in_a_thread_reaches_the_caller(
    thread: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the other thread does not wait for ever."""
    repeat = replay.Loop._repeat

    def failing(*given: Any) -> None:
        raise RuntimeError("planted")

    def later(self: replay.Loop, program: Any, first: int, *given: Any) -> Any:
        if self._program is not None:
            assert isinstance(self._run, Fastest)
            setattr(self._run.runs[-1], thread, failing)
        return repeat(self, program, first, *given)

    monkeypatch.setattr(replay.Loop, "_repeat", later)
    with pytest.raises(RuntimeError, match="planted"):
        train("mnist_mlp", free_core=True)


@pytest.mark.parametrize("flush", [True, False])
def test_denormals_in_the_second_thread(flush: bool) -> None:
    thread, found = SecondThread(), []
    for treated in (flush, not flush):
        torch.set_flush_denormal(treated)
        thread.begin(lambda: found.append(torch.tensor(1e-40).mul(1).item())).result()
    assert [not number for number in found] == [flush, not flush]


# ---------------------------------------------------------------- the fastest


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.undo()
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def test_the_fastest_goes_on(clock: list[float]) -> None:
    """Of three, one becomes slow and another fast while they run."""
    took = {"a": 3.0, "b": 2.0, "c": 1.0}
    done: list[str] = []

    def way(name: str) -> script.Run:
        def run(count: int, *given: Any) -> None:
            clock[0] += took[name] * count
            done.extend(name * count)

        return run

    ways = Fastest([way(name) for name in took])

    def go_on(count: int) -> str:
        done.clear()
        nothing = torch.empty(count)
        ways(count, nothing, [], [], [], nothing)
        return "".join(done)

    tried, long = fastest.TRIED, fastest.AT_ONCE
    first = "a" * long + "b" * tried + "c" * tried
    assert go_on(1000) == first.ljust(1000, "c")
    assert 0 < go_on(50_000).count("a") <= 6 * tried
    took["c"] = 4.0
    assert go_on(3 * long).strip("c") == "b" * (3 * long - long)
    took["a"] = 0.5
    assert go_on(50_000)[-30_000:].count("a") > 29_000


def test_every_step_is_done_once() -> None:
    seen: list[torch.Tensor] = []

    def way(
        count: int, index: Any, data: Any, masks: Any, epsilon: Any, losses: Any
    ) -> None:
        assert count == len(index) == len(masks[0]) == len(epsilon) == len(losses)
        assert torch.equal(index, masks[0])
        assert index.tolist() == epsilon
        seen.append(losses)

    for count in (1, fastest.AT_ONCE, 5 * fastest.AT_ONCE + 3):
        seen.clear()
        numbers = torch.arange(count)
        Fastest([way, way])(count, numbers, [], [numbers], numbers.tolist(), numbers)
        assert torch.equal(torch.cat(seen), numbers)
