"""The bench: its loops compute what the engine does, and its figures are its own."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command

from shared import lesson as lessons
from shared.bench import floor, measure, show
from shared.bench.ways import FREE, FUSED, IDIOM, TRACKS, ways
from shared.errors import UsageError
from shared.job import Job, Outcome
from shared.lessons import CURRICULUM
from shared.runner import TrackProcess

TRAINED = [s for s in CURRICULUM if lessons.find(s).optional("score")]


def job(slug: str, **more: Any) -> Job:
    lesson = lessons.find(slug)
    cfg = next(iter(lesson.configs({}).values()))
    return Job(
        slug,
        dataclasses.asdict(cfg),
        matched=False,
        precision=lesson.published_precision,
        init="matched",
        **more,
    )


@pytest.mark.parametrize("slug", TRAINED)
@pytest.mark.parametrize("track", TRACKS)
def test_the_tutorials_loop_computes_the_same(
    slug: str, track: str, tracks: dict[str, TrackProcess], few_digits: Path
) -> None:
    """PyTorch's bit for bit; `fit` where it sees the samples in the same order.

    The default form of an optimizer that the engine fuses rounds in its own way.
    """
    data = str(few_digits) if slug == "mnist_mlp" else None

    def run(engine: str) -> Outcome:
        return tracks[track].run(job(slug, engine=engine, limit=12, data=data))

    found = run("plain")
    settings, plain = found.settings, found.trace["history/loss"]
    idiom = run("idiom").trace["history/loss"]
    if track == "torch":
        tuned = run("tuned").trace["history/loss"]
        np.testing.assert_array_equal(tuned, plain)
        fused = settings["optimizer"].get("rule") in FUSED
        np.testing.assert_allclose(idiom, plain, rtol=5e-7 if fused else 0)
    elif settings["batch_size"] == settings["samples"]:
        np.testing.assert_allclose(idiom, plain, rtol=2e-6)
    else:
        assert np.isfinite(idiom).all()


def test_a_tuned_fit_trains(tracks: dict[str, TrackProcess], few_digits: Path) -> None:
    found = tracks["tf"].run(job("mnist_mlp", engine="tuned", data=str(few_digits)))
    loss = found.trace["history/loss"]
    assert len(loss) == 5
    assert loss[-1] < loss[0]
    assert 0 < found.seconds["compile"] < found.seconds["train"]


def test_the_engine_is_last() -> None:
    kinds = itertools.product((True, False), ("adam", "sgd"), TRACKS)
    for batched, rule, track in kinds:
        mine = [way for way in ways(batched, rule) if way.track == track]
        assert mine[-1].name == "engine"
        assert len({way.label for way in mine}) == len(mine)


def test_only_a_fused_optimizer_has_another_form() -> None:
    for batched in (True, False):
        tuned = {rule: {w.key for w in ways(batched, rule)} for rule in (*FUSED, "sgd")}
        assert all("torch tuned" in tuned[rule] for rule in FUSED)
        assert "torch tuned" not in tuned["sgd"]


class Fake:
    """A track's process that takes 2 s to compile and 1 s for each step."""

    def __init__(
        self,
        loss: dict[str, float] | None = None,
        slow: dict[tuple[str, int | None], float] | None = None,
    ) -> None:
        self.loss = loss or {}
        self.slow = slow or {}
        self.jobs: list[Job] = []

    def run(self, job: Job) -> Outcome:
        self.jobs.append(job)
        steps = 2000 if job.limit is None else job.limit
        loss = np.full(steps, self.loss.get(job.engine, 0.5), np.float32)
        start = np.ones((2, 3), np.float32)
        pace = self.slow.get((job.engine, job.threads), 1.0)
        return Outcome(
            trace={"history/loss": loss, "weights/hidden/kernel": start},
            settings={"batch_size": 4, "samples": 4, "optimizer": {"rule": "sgd"}},
            parameters=6,
            steps_per_epoch=1,
            environment={"device": "cpu"},
            seconds={"train": steps * pace + 2.0, "compile": 2.0},
            peak_memory=1,
        )


def faked(monkeypatch: pytest.MonkeyPatch, fake: Fake) -> None:
    monkeypatch.setattr(measure, "TrackProcess", lambda _: contextlib.nullcontext(fake))


def run(track: str = "torch", rounds: int = 2) -> measure.Found:
    lesson = lessons.find("xor_mlp")
    return measure.bench(lesson, track, job("xor_mlp"), rounds, lambda _: None)


def test_a_long_training_is_cut_and_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    faked(monkeypatch, fake)
    found = run()
    eager, engine = found.measured[0], found.engine
    assert (found.steps, eager.steps, engine.steps) == (2000, 300, 2000)
    assert eager.seconds == engine.seconds == [2002.0, 2002.0]
    assert eager.compile_seconds == [2.0, 2.0]
    assert found.ratio(eager) == [1.0, 1.0]
    assert "* Scaled up from so many steps: 300 (eager loop)" in show._cut(found)[0]


def test_the_ways_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    faked(monkeypatch, fake)
    run(rounds=3)
    rounds = [(j.engine, j.threads) for j in fake.jobs[4 - 1 :]]
    assert rounds == 3 * [("idiom", None), ("idiom", 1), ("auto", 1)]


def test_an_engine_with_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs the whole training, as its choice of a loop depends on the steps."""
    fake = Fake(slow={("auto", 1): 3.0, ("idiom", None): 4.0})
    faked(monkeypatch, fake)
    found = run("tf")
    by_name = {measured.way.name: measured for measured in found.measured}
    assert by_name[FREE].steps == by_name["engine"].steps == found.steps
    jobs = [(j.engine, j.threads, j.limit) for j in fake.jobs]
    assert jobs.count(("auto", None, found.steps)) == 1 + 2
    assert found.ratio(by_name[IDIOM])[0] == 8002 / 2002
    assert found.ratio(by_name["idiom"])[0] == 2002 / 6002
    assert "| 6,002 s (2,002 s) |" in show.markdown([("xor_mlp", found)])
    assert "with as many threads" in show._legend(found)
    assert "with one thread" in show._legend(run("torch"))
    blank = [show._row(found, m)[-1] == "" for m in found.measured]
    assert blank == [m.way.engine == "auto" for m in found.measured]


def test_unsteady_times_are_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure.Measured, "steady", False)
    faked(monkeypatch, Fake())
    assert len(run(rounds=2).floors) == 4


@pytest.mark.parametrize(
    ("loss", "same"),
    [(0.5, True), (0.5000005, True), (0.500002, False), (float("nan"), False)],
)
def test_other_losses_are_told(
    monkeypatch: pytest.MonkeyPatch, loss: float, same: bool
) -> None:
    faked(monkeypatch, Fake({"auto": loss}))
    found = run()
    assert show.same(found) is same
    assert ("✓" in show._same(found)) is same


def test_other_losses_fail(monkeypatch: pytest.MonkeyPatch, twotrack: Command) -> None:
    faked(monkeypatch, Fake({"idiom": 0.6}))
    answer = twotrack("bench", "xor_mlp", "--track", "torch", "--rounds", 1)
    assert answer.code == 1
    assert "differ from those of eager loop" in answer.out


def test_the_command(
    monkeypatch: pytest.MonkeyPatch,
    twotrack: Command,
    tracks: dict[str, TrackProcess],
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(
        measure, "TrackProcess", lambda name: contextlib.nullcontext(tracks[name])
    )
    readme = tmp_path / "notes.md"
    readme.write_text("# Speed\n<!-- bench -->\nold\n<!-- /bench -->\nend\n")
    arguments = ("xor_perceptron", "--rounds", 1, "--set", "epochs=60")
    answer = twotrack(
        "bench", *arguments, "--seeds", 2, "--jobs", 1, "--into", readme, "--json"
    )
    assert answer.code == 0
    tf, torch = answer.json["lessons"]
    assert (tf["track"], torch["track"]) == TRACKS
    for found in (tf, torch):
        assert found["steps"] == 60
        assert found["floor"]["seconds"]["median"] > 0
        assert found["study"]["seeds"] == 2
        ways = {way["name"]: way for way in found["ways"]}
        for name, way in ways.items():
            engine = ways["engine"]
            if name == IDIOM:
                engine = ways.get(FREE, engine)
            ratio = way["seconds"]["median"] / engine["seconds"]["median"]
            assert way["engine_is_faster"]["median"] == pytest.approx(ratio)
            assert way["peak_memory_bytes"] > 1e7
    table = readme.read_text()
    assert "old" not in table
    assert table.startswith("# Speed\n<!-- bench -->\n| lesson |")
    assert table.endswith("<!-- /bench -->\nend\n")
    shown = twotrack("bench", *arguments, "--track", "torch")
    assert "xor_perceptron in the torch track, 60 steps" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


def test_the_floor_counts_arithmetic_and_traffic() -> None:
    outcome = Fake().run(Job("mnist_mlp"))
    x = np.ones((4000, 784), np.float32)
    outcome.trace["weights/hidden/kernel"] = np.ones((784, 100), np.float32)
    outcome.settings |= {"batch_size": 32, "samples": 4000}
    sgd = floor.seconds(outcome, x, 10)
    assert all(value > 0 for kind, value in sgd.items() if kind != "masks")
    assert sgd["masks"] == 0
    assert floor.seconds(outcome, x, 1000)["products"] > 10 * sgd["products"]
    outcome.settings["optimizer"] = {"rule": "adam"}
    assert floor.seconds(outcome, x, 10)["update"] > 1.5 * sgd["update"]
    outcome.trace["weights/output/kernel"] = np.ones((100, 10), np.float32)
    outcome.settings["dropout"] = {"dropout": 0.2}
    assert floor.seconds(outcome, x, 10)["masks"] > 0
    outcome.settings["batch_size"] = 4000
    assert floor.seconds(outcome, x, 10)["gather"] == 0


def test_the_table_needs_its_place(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        show.put_into(tmp_path / "none.md", "")
    (tmp_path / "a.md").write_text("<!-- /bench --> <!-- bench -->")
    with pytest.raises(UsageError, match="put <!-- bench --> and"):
        show.put_into(tmp_path / "a.md", "table")
    assert (tmp_path / "a.md").read_text() == "<!-- /bench --> <!-- bench -->"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["xor_mpl"], "did you mean 'xor_mlp'?"),
        (["activations"], "trains nothing"),
        (["xor_mlp", "--track", "jax"], "there is no track 'jax'"),
        (["xor_mlp", "--rounds", "0"], "--rounds"),
        (["xor_mlp", "--set", "epochs=x"], "whole number"),
        (["xor_mlp", "--into", "none.md", "--rounds", "1"], "none.md"),
    ],
)
def test_bad_input(
    monkeypatch: pytest.MonkeyPatch,
    twotrack: Command,
    arguments: list[str],
    words: str,
) -> None:
    faked(monkeypatch, Fake())
    twotrack("bench", *arguments).complains(2, words)
