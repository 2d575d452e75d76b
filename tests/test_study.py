"""The study: what it trains, keeps, resumes, concludes and shows."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from shared import lesson as lessons
from shared import randomness
from shared.errors import MissingError, UsageError
from shared.job import Outcome
from shared.runner import TrackProcess
from shared.study import pool
from shared.study.command import study_lesson
from shared.study.result import Journal, Result, measure
from shared.study.units import Options, Unit, plan
from shared.study.verdict import Finding, judge

Values = dict[str, Sequence[float | None]]

DIGITS = ("--set", "hidden=32", "--set", "epochs=10", "--set", "learning_rate=0.003")


def units(slug: str, seeds: int = 3, **options: Any) -> list[Unit]:
    return plan(lessons.find(slug), Options(seeds, **options))


def result(unit: Unit, value: float | None = 1.0, **more: Any) -> Result:
    """A training that never was; a value of None is one that diverged."""
    solved = lessons.find(unit.job.lesson).optional("solved") is not None
    made: dict[str, Any] = {
        "unit": unit.identity,
        "lesson": unit.job.lesson,
        "variant": unit.variant,
        "track": unit.track,
        "seed": unit.job.seed,
        "fields": unit.job.fields,
        "init": unit.job.init,
        "precision": unit.job.precision,
        "engine": unit.job.engine,
        "made_with": dict(unit.made_with),
        "environment": {"device": "cpu"},
        "metrics": {"accuracy": value},
        "solved": bool(value) if solved else None,
        "loss": None if value is None else 0.5,
        "diverged": value is None,
        "trained": "",
        "seconds": {"start": 0.0, "build": 0.1, "train": 1.0, "evaluate": 0.1},
        "notes": [],
    }
    return Result(**{**made, **more})


def results(slug: str, values: Values) -> list[Result]:
    """As if the study had found these values, by track and seed."""
    seeds = len(values["tf"])
    return [result(u, values[u.track][u.job.seed]) for u in units(slug, seeds)]


def judged(slug: str, values: Values, margin: float | None = None) -> Finding:
    return judge(lessons.find(slug), "", results(slug, values), margin)


def normal(n: int, mean: float, sd: float = 0.0022) -> list[float]:
    """Values of exactly that mean and standard deviation."""
    drawn = np.random.default_rng(n).normal(size=n)
    return list(mean + sd * (drawn - drawn.mean()) / drawn.std(ddof=1))


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "shared", *map(str, arguments)]


def twotrack(
    *arguments: str | Path, code: int | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*arguments), check=False, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done


def journal(folder: Path) -> dict[tuple[str, str, int], dict[str, Any]]:
    """What a study has kept, less what depends on the clock."""
    kept = {}
    for line in (folder / "study.jsonl").read_text().splitlines():
        found = json.loads(line)
        del found["seconds"]
        key = (found["variant"], found["track"], found["seed"])
        assert key not in kept
        kept[key] = found
    return kept


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scikit-learn's digits, blown up to the size of MNIST's images."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.kron((found.images * 15.9).astype(np.uint8), np.ones((3, 3), np.uint8))
    images, labels = np.pad(images, ((0, 0), (2, 2), (2, 2))), found.target
    path = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(
        path,
        x_train=images[:300],
        y_train=labels[:300].astype(np.uint8),
        x_test=images[300:1300],
        y_test=labels[300:1300].astype(np.uint8),
    )
    return path


# What a study trains


def test_every_seed_of_every_variant_in_both_tracks() -> None:
    found = units("logistic_gates", 4)
    keys = [(unit.track, unit.variant, unit.job.seed) for unit in found]
    assert len(set(keys)) == len(keys) == 2 * 3 * 4
    assert {unit.job.seed for unit in found} == {0, 1, 2, 3}
    assert not any(unit.job.matched for unit in found)
    assert len({unit.identity for unit in found}) == len(found)


def test_the_spec_gives_each_seed_its_own_start() -> None:
    assert units("xor_mlp")[0].job.fields["start"] == "random"
    asked = units("xor_mlp", settings={"start": "published"})
    assert asked[0].job.fields["start"] == "published"


def test_a_setting_of_one_track_leaves_the_other_alone() -> None:
    found = units("logistic_gates", own={"torch": {"epochs": 7}})
    epochs = {unit.track: unit.job.fields["epochs"] for unit in found}
    assert epochs["torch"] == 7 != epochs["tf"]
    assert len({unit.variant for unit in found}) == 3


def test_a_lesson_that_trains_nothing_has_no_seeds() -> None:
    with pytest.raises(UsageError, match="trains nothing"):
        units("activations")


def test_the_two_tracks_start_from_other_draws_of_one_distribution() -> None:
    seeds = [
        randomness.apart(k, track) for track in ("tf", "torch") for k in range(999)
    ]
    assert len(set(seeds)) == len(seeds)
    draws = [randomness.uniform(seed, "start", (20,)) for seed in seeds]
    assert len(np.unique(draws)) == 20 * len(seeds)
    tf, torch = np.array(draws).reshape(2, -1)
    assert abs(np.corrcoef(tf, torch)[0, 1]) < 0.03  # four standard errors
    for track in (tf, torch):
        assert track.mean() == pytest.approx(1 / 2, abs=0.01)
        assert track.var() == pytest.approx(1 / 12, abs=0.002)


# What makes two trainings the same


def test_an_identity_is_what_determines_the_result(
    digits: Path, tmp_path: Path
) -> None:
    unit = units("mnist_mlp", 2, data=str(digits))[0]
    moved = tmp_path / "moved.npz"
    moved.write_bytes(digits.read_bytes())
    elsewhere = units("mnist_mlp", 2, data=str(moved))[0]
    assert elsewhere.job.data != unit.job.data
    assert elsewhere.identity == unit.identity
    kept = dataclasses.replace(unit, job=dataclasses.replace(unit.job, reuse=False))
    assert kept.identity == unit.identity
    changed = {"fields": {}, "seed": 5, "precision": "float64", "init": "native"}
    others = [
        dataclasses.replace(unit, job=dataclasses.replace(unit.job, **{name: value}))
        for name, value in {**changed, "engine": "plain", "device": "gpu"}.items()
    ]
    for name in unit.made_with:
        made_with = {**unit.made_with, name: "another"}
        others.append(dataclasses.replace(unit, made_with=made_with))
    others.append(dataclasses.replace(unit, track="torch"))
    identities = {unit.identity, *(other.identity for other in others)}
    assert len(identities) == 1 + len(others)


def test_versions_code_and_data_are_known() -> None:
    tf, torch = units("xor_mlp", 1)
    assert {"twotrack", "numpy", "code", "data"} <= set(tf.made_with) & set(
        torch.made_with
    )
    assert {"tensorflow", "keras"} <= set(tf.made_with)
    assert "torch" in torch.made_with
    assert "torch" not in tf.made_with
    assert tf.made_with["code"] != torch.made_with["code"]
    assert tf.made_with["data"] == torch.made_with["data"]
    assert all(tf.made_with.values())


def test_other_data_are_another_training(digits: Path, tmp_path: Path) -> None:
    with np.load(digits) as arrays:
        changed = {name: arrays[name].copy() for name in arrays}
    changed["y_train"][0] += 1
    np.savez(tmp_path / "changed.npz", **changed)
    before = units("mnist_mlp", 1, data=str(digits))[0]
    after = units("mnist_mlp", 1, data=str(tmp_path / "changed.npz"))[0]
    assert before.identity != after.identity


# What is kept


def test_a_journal_gives_back_what_it_was_given(tmp_path: Path) -> None:
    found = [result(unit, 0.25) for unit in units("mnist_mlp", 2)]
    with Journal(tmp_path) as kept:
        for one in found:
            kept.append(one)
    with Journal(tmp_path) as kept:
        assert list(kept.results.values()) == found


@pytest.mark.parametrize("cut", [1, 5, -2])
def test_a_line_that_was_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    first, second = (result(unit) for unit in units("xor_mlp", 1))
    with Journal(tmp_path) as kept:
        kept.append(first)
    whole = kept.path.read_bytes()
    kept.path.write_bytes(whole + whole[:cut])
    with Journal(tmp_path) as kept:
        assert list(kept.results.values()) == [first]
        kept.append(second)
    with Journal(tmp_path) as kept:
        assert list(kept.results.values()) == [first, second]


@pytest.mark.parametrize("line", ["{", "[]", '{"unit": 1}', "text"])
def test_another_broken_line_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "study.jsonl").write_text(f"{line}\n")
    with pytest.raises(UsageError, match="line 1"):
        Journal(tmp_path).__enter__()
    (tmp_path / "study.jsonl").unlink()
    with Journal(tmp_path):  # the failure has freed the folder
        pass


def test_two_studies_do_not_write_to_one_folder(tmp_path: Path) -> None:
    with Journal(tmp_path):
        arguments = ("study", "xor_perceptron", "--seeds", "2", "--out", tmp_path)
        done = twotrack(*arguments, code=2)
        (told,) = done.stderr.splitlines()
        assert "another study is writing" in told
    with Journal(tmp_path):
        pass


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with Journal(tmp_path) as kept, pytest.raises(UsageError, match="No space"):
        kept.append(result(units("xor_mlp", 1)[0]))


# Who trains it


class FakeHand:
    """Trains nothing, and notes who is at work."""

    def __init__(self, fail: Callable[[Unit], bool] = lambda _: False) -> None:
        self.fail = fail
        self.trained: list[Unit] = []
        self.at_once: list[int] = []
        self.busy = 0
        self.lock = threading.Lock()

    def __call__(self) -> FakeHand:
        return self

    def train(self, unit: Unit) -> Result:
        with self.lock:
            self.busy += 1
            self.at_once.append(self.busy)
        time.sleep(0.001)
        with self.lock:
            self.busy -= 1
            if self.fail(unit):
                raise MissingError("out of memory")
            self.trained.append(unit)
        return result(unit)

    def kill(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
def test_each_unit_is_trained_once(monkeypatch: pytest.MonkeyPatch, jobs: int) -> None:
    hand = FakeHand()
    monkeypatch.setattr(pool, "Hand", hand)
    kept: list[Result] = []
    wanted = units("logistic_gates", 3)
    pool.run(wanted, jobs, kept.append)
    assert sorted(r.unit for r in kept) == sorted(u.identity for u in wanted)
    assert max(hand.at_once) <= jobs


def test_a_failure_stops_the_study_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hand = FakeHand(lambda unit: unit.job.seed == 2)
    monkeypatch.setattr(pool, "Hand", hand)
    before = threading.active_count()
    kept: list[Result] = []
    with pytest.raises(MissingError, match="memory"):
        pool.run(units("xor_mlp", 4), 2, kept.append)
    assert {r.unit for r in kept} == {u.identity for u in hand.trained}
    assert threading.active_count() == before


def test_a_hand_changes_track_only_where_it_pays() -> None:
    wanted = units("xor_mlp", 10)
    bench = pool._Bench(wanted)
    assert [bench._choose(), bench._choose()] == ["tf", "torch"]
    while bench._next("tf"):
        pass
    slow = result(wanted[-1], seconds={"start": 5.0, "train": 0.1})
    bench._learn(slow)
    assert bench._choose() is None  # ten times .1 s, and starting takes 5
    bench._learn(result(wanted[-1], seconds={"start": 0.0, "train": 9.0}))
    assert bench._choose() == "torch"
    bench.stop()
    assert bench._choose() is None


def test_a_track_is_never_left_without_a_hand() -> None:
    wanted = units("xor_mlp", 2)
    bench = pool._Bench(wanted)
    assert bench._choose() == "tf"
    bench._learn(result(wanted[-1], seconds={"start": 1e6, "train": 1e-6}))
    assert bench._choose() == "torch"


def test_a_process_that_dies_is_told_and_replaced() -> None:
    unit = units("xor_perceptron", 1, settings={"epochs": 3})[1]
    hand = pool.Hand()
    try:
        hand.train(unit)
        assert hand._process is not None
        hand._process.kill()
        with pytest.raises(MissingError, match="stopped"):
            hand.train(unit)
        assert hand.train(unit).seconds["start"] > 0
        hand.kill()
        with pytest.raises(MissingError):
            hand.train(unit)
    finally:
        hand.close()


# Each seed is its own single run


def single(unit: Unit) -> Outcome:
    """The same training alone in a fresh process."""
    with TrackProcess(unit.track) as process:
        return process.run(dataclasses.replace(unit.job, reuse=False))


@pytest.mark.parametrize(
    ("slug", "init"),
    [("xor_mlp", "matched"), ("mnist_mlp", "matched"), ("mnist_mlp", "native")],
)
def test_a_seed_of_the_study_is_its_single_run(
    slug: str, init: str, digits: Path
) -> None:
    own = {"mnist_mlp": {"epochs": 2, "hidden": 16}}.get(slug, {})
    data = str(digits) if slug == "mnist_mlp" else None
    wanted = units(slug, 3, settings=own, init=init, data=data)
    kept: list[Result] = []
    pool.run(wanted, 2, kept.append)
    found = {r.unit: r for r in kept}
    assert len({r.trained for r in kept}) == len(wanted)
    for unit in wanted:
        if unit.job.seed != 2:  # the last, after whatever the others have left
            continue
        outcome = single(unit)
        alone, studied = measure(unit, outcome), found[unit.identity]
        assert alone.trained == studied.trained
        assert (alone.metrics, alone.loss) == (studied.metrics, studied.loss)
        start = lessons.find(slug).spec.start
        cfg = lessons.find(slug).config_type(**unit.job.fields)
        drawn = start(cfg, randomness.apart(unit.job.seed, unit.track))
        for name, value in drawn.items():
            began = outcome.trace[f"weights/{name}"]
            same = np.array_equal(began, value.astype(np.float32))
            # Keras too starts a bias at zero.
            assert same == (init == "matched") or not value.any()


@pytest.mark.parametrize("track", ["tf", "torch"])
def test_the_command_for_a_seed_gives_its_numbers(
    track: str, whole: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    from shared.study.units import digest

    again = json.loads((whole / "study.json").read_text())["again"]
    again = again.replace("--track tf", f"--track {track}")
    again = again.replace("--seed 0", "--seed 2").removeprefix("twotrack ")
    run = twotrack(*again.split(), "--json", "--out", tmp_path / "run", code=0)
    (alone,) = json.loads(run.stdout)["runs"]
    studied = journal(whole)["", track, 2]
    assert alone["metrics"] == studied["metrics"]
    assert alone["history"]["loss"][-1] == studied["loss"]
    weights = load_file(tmp_path / "run" / "weights.safetensors")
    assert digest(weights[name] for name in sorted(weights)) == studied["trained"]


INTERRUPTED = ("study", "xor_mlp", "--seeds", "6", "--set", "epochs=30", "--jobs", "1")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    twotrack(*INTERRUPTED, "--out", folder)
    return folder


def test_init_is_for_native_mode() -> None:
    arguments = ("run", "xor_mlp", "--track", "torch", "--init", "matched")
    assert "--mode native" in twotrack(*arguments, code=2).stderr


# Interrupted, and gone on with


def begun(folder: Path, arguments: Sequence[str], finished: int) -> subprocess.Popen:
    """A study that runs, with so many trainings finished."""

    def interruptible() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(
        command(*arguments, "--out", folder),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=interruptible if os.name == "posix" else None,
    )
    lines = 0
    while lines < finished:
        assert process.poll() is None, "the study ended by itself"
        time.sleep(0.005)
        if (folder / "study.jsonl").exists():
            lines = (folder / "study.jsonl").read_bytes().count(b"\n")
    return process


def resumed_equals_uninterrupted(folder: Path, whole: Path) -> None:
    before = (folder / "study.jsonl").read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    assert 0 < kept.count(b"\n") < 12
    found = json.loads(twotrack(*INTERRUPTED, "--json", "--out", folder).stdout)
    assert (folder / "study.jsonl").read_bytes().startswith(kept)
    assert journal(folder) == journal(whole)
    assert len(journal(folder)) == 12
    expected = json.loads((whole / "study.json").read_text())
    assert found["variants"] == expected["variants"]
    assert found["seconds"]["trained_now"] == 12 - kept.count(b"\n")


def test_killed_and_resumed(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    process = begun(folder, INTERRUPTED, finished=2)
    process.kill()
    process.communicate()
    with (folder / "study.jsonl").open("ab") as file:
        file.write(b'{"unit": "0123')  # as if in the midst of writing
    resumed_equals_uninterrupted(folder, whole)


@pytest.mark.skipif(os.name != "posix", reason="no such signal")
def test_stopped_by_the_user_and_resumed(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    process = begun(folder, INTERRUPTED, finished=1)
    process.send_signal(signal.SIGINT)
    told = process.communicate()[1]
    assert process.returncode == 130, told
    assert "goes on from there" in told
    assert told.splitlines()[-1] == "twotrack: stopped"
    resumed_equals_uninterrupted(folder, whole)


def test_other_numbers_of_seeds_use_those_there_are(
    whole: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(whole, tmp_path / "copy")
    before = (folder / "study.jsonl").read_bytes()
    for seeds, trained in (("3", 0), ("7", 2)):
        arguments = ("--seeds", seeds, "--json", "--out", folder)
        found = json.loads(twotrack(*INTERRUPTED, *arguments).stdout)
        assert found["seconds"]["trained_now"] == trained
        assert found["variants"][0]["tracks"]["tf"]["n"] == int(seeds)
    assert (folder / "study.jsonl").read_bytes().startswith(before)


# What is concluded


def test_equal_tracks_are_equivalent() -> None:
    found = judged("mnist_mlp", {"tf": normal(25, 0.978), "torch": normal(25, 0.9785)})
    assert found.verdict == "equivalent"
    assert found.sentence == (
        "Equivalent: torch's mean accuracy is 0.05 points above tf's, 90 % interval "
        "-0.05 to +0.15 points, within the margin of 0.3 points."
    )
    assert found.power is not None
    assert found.power > 0.98


def test_a_small_real_difference_is_equivalent_and_said() -> None:
    found = judged("mnist_mlp", {"tf": normal(90, 0.978), "torch": normal(90, 0.9771)})
    assert found.verdict == "equivalent"
    assert "below tf's" in found.sentence
    assert "real, but too small to matter" in found.sentence


def test_a_large_difference_is_different() -> None:
    found = judged("mnist_mlp", {"tf": normal(25, 0.978), "torch": normal(25, 0.972)})
    assert found.verdict == "different"
    assert "beyond the margin of 0.3 points" in found.sentence
    near = judged("mnist_mlp", {"tf": normal(25, 0.978), "torch": normal(25, 0.975)})
    assert near.verdict == "different"
    assert "not shown to be within the margin" in near.sentence


def test_too_few_seeds_say_how_many_would_do() -> None:
    found = judged("mnist_mlp", {"tf": normal(4, 0.978), "torch": normal(4, 0.9781)})
    assert found.verdict == "not enough seeds"
    assert found.enough is not None
    assert 10 <= found.enough <= 12  # sd .22 points, margin .3
    assert f"About {found.enough} would do." in found.sentence


def test_enough_seeds_near_the_margin_need_more() -> None:
    values: Values = {
        "tf": normal(40, 0.978, 0.004),
        "torch": normal(40, 0.9797, 0.004),
    }
    found = judged("mnist_mlp", values)
    assert found.verdict == "not enough seeds"
    assert found.enough is not None
    assert found.enough < 40
    assert "If the tracks are as far apart as they seem, about" in found.sentence
    needed = int(found.sentence.split("about ")[1].split()[0].replace(",", ""))
    assert needed > 40


def test_the_users_margin_overrules_and_is_told() -> None:
    values: Values = {"tf": normal(25, 0.978), "torch": normal(25, 0.972)}
    found = judged("mnist_mlp", values, margin=0.01)
    assert found.verdict == "equivalent"
    assert found.metric.margin_from == "--margin"


def test_constants() -> None:
    same = judged("mnist_mlp", {"tf": [0.9] * 4, "torch": [0.9] * 4})
    assert same.verdict == "equivalent"
    assert "whatever the seed" in same.sentence
    near = judged("mnist_mlp", {"tf": [0.9] * 4, "torch": [0.901] * 4})
    assert near.verdict == "equivalent"
    apart = judged("mnist_mlp", {"tf": [0.9] * 4, "torch": [0.8] * 4})
    assert apart.verdict == "different"


def test_shares() -> None:
    many = judged("xor_mlp", {"tf": [1, 1, 0] * 200, "torch": [1, 0, 1] * 200})
    assert many.verdict == "equivalent"
    assert "share of solved seeds is the same" in many.sentence
    few = judged("xor_mlp", {"tf": [1, 1, 0] * 3, "torch": [1, 0, 1] * 3})
    assert few.verdict == "not enough seeds"
    assert few.enough is not None
    assert few.enough > 9
    apart = judged("xor_mlp", {"tf": [1] * 30, "torch": [1, 0] * 15})
    assert apart.verdict == "different"
    assert "50.0 points below" in apart.sentence


def test_a_seed_that_diverged_in_one_track_only_is_never_equivalent() -> None:
    values: Values = {"tf": normal(25, 0.978), "torch": normal(25, 0.978)}
    assert judged("mnist_mlp", values).verdict == "equivalent"
    values["torch"] = [None, *values["torch"][1:]]
    found = judged("mnist_mlp", values)
    assert found.verdict == "diverged"
    assert found.sentence == "Undecided: no seed of tf and seed 0 of torch diverged."
    solved: Values = {"tf": [0] * 200, "torch": [None] + [0] * 199}
    assert judged("xor_mlp", solved).verdict == "diverged"


def test_many_more_diverged_seeds_are_a_difference() -> None:
    values: Values = {"tf": [0.9] * 25, "torch": [None] * 12 + [0.9] * 13}
    found = judged("mnist_mlp", values)
    assert found.verdict == "different"
    assert "12 of 25 seeds of torch diverged" in found.sentence


def test_diverged_seeds_of_both_tracks_are_named() -> None:
    values: Values = {
        "tf": [None, *normal(25, 0.978)],
        "torch": [*normal(24, 0.978), None, None],
    }
    found = judged("mnist_mlp", values)
    assert found.verdict == "equivalent"
    assert found.sentence.endswith(
        "But seed 0 of tf and seeds 24, 25 of torch diverged."
    )
    assert found.to_json()["tracks"]["tf"]["n"] == 25


def test_nothing_left_to_compare() -> None:
    found = judged("mnist_mlp", {"tf": [None] * 4, "torch": [None] * 3 + [0.9]})
    assert found.verdict == "diverged"
    assert "too few are left" in found.sentence
    assert found.to_json()["tracks"]["torch"]["diverged"] == [0, 1, 2]


def test_a_divergence_is_noticed(tmp_path: Path) -> None:
    arguments = ("study", "linear_regression", "--seeds", "2", "--set", "form=raw")
    planted = ("--set-torch", "learning_rate=1.0")
    done = twotrack(*arguments, *planted, "--json", "--out", tmp_path, code=1)
    (found,) = json.loads(done.stdout)["variants"][:1]
    assert found["tracks"]["torch"]["diverged"] == [0, 1]
    assert found["tracks"]["tf"]["diverged"] == []
    kept = journal(tmp_path)[found["variant"], "torch", 0]
    assert kept["diverged"]
    assert kept["loss"] is None


# What is shown


def shown(
    folder: Path, slug: str, found: Sequence[Result], *, as_json: bool = False
) -> int:
    """The command's own output for trainings that are all there."""
    with Journal(folder) as kept:
        for one in found:
            kept.append(one)
    return study_lesson(
        slug,
        seeds=max(r.seed for r in found) + 1,
        margin=None,
        init="matched",
        jobs=1,
        folder=str(folder),
        scheduler=None,
        settings=(),
        own={"tf": (), "torch": ()},
        precision=None,
        device="auto",
        engine="auto",
        data=None,
        as_json=as_json,
    )


@pytest.mark.parametrize(
    ("slug", "values", "code", "verdict"),
    [
        (
            "mnist_mlp",
            {"tf": normal(25, 0.978), "torch": normal(25, 0.978)},
            0,
            "✓ Equivalent",
        ),
        (
            "mnist_mlp",
            {"tf": normal(25, 0.978), "torch": normal(25, 0.97)},
            1,
            "✗ Different",
        ),
        (
            "mnist_mlp",
            {"tf": normal(4, 0.978), "torch": normal(4, 0.978)},
            4,
            "? Not enough seeds",
        ),
        (
            "mnist_mlp",
            {"tf": normal(4, 0.978), "torch": [None, *normal(3, 0.978)]},
            4,
            "? Undecided",
        ),
        ("mnist_mlp", {"tf": [None] * 3, "torch": [None] * 3}, 4, "? Undecided"),
        ("xor_mlp", {"tf": [1, 0] * 9, "torch": [0, 1] * 9}, 4, "? Not enough seeds"),
        ("nn_regression", {"tf": [1, 1] * 99, "torch": [1, 1] * 99}, 0, "✓ Equivalent"),
    ],
)
def test_the_verdict_comes_first_and_80_columns_do(
    slug: str,
    values: Values,
    code: int,
    verdict: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert shown(tmp_path, slug, results(slug, values)) == code
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith(f"{slug}, {len(values['tf'])} seeds")
    assert told[2].startswith(verdict)
    for line in told:
        assert len(line) <= 80 or line.startswith(("Saved: ", "One seed alone: "))
    svg = (tmp_path / "study.svg").read_bytes()
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_the_report_holds_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values: Values = {"tf": normal(4, 0.978), "torch": normal(4, 0.978)}
    found = results("mnist_mlp", values)
    found[3] = dataclasses.replace(found[3], notes=["the plain loop was run"])
    assert shown(tmp_path, "mnist_mlp", found, as_json=True) == 4
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((tmp_path / "study.json").read_text())
    assert told["schema"] == 1
    assert told["verdict"] == "not enough seeds"
    assert told["notes"] == ["the plain loop was run"]
    (variant,) = told["variants"]
    assert variant["margin"] == 0.003
    assert variant["margin_from"] == "the lesson"
    for track in ("tf", "torch"):
        seeds = variant["tracks"][track]["seeds"]
        assert [seed["value"] for seed in seeds] == values[track]
        assert variant["tracks"][track]["fields"] == found[0].fields
    low, high = variant["interval_90"]
    assert low < variant["difference"] < high
    assert variant["p_equivalent"] > 0.05
    assert {"tensorflow", "keras", "torch", "twotrack"} <= set(told["environment"])


def test_each_variant_has_its_verdict_and_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [result(u, float(u.variant != "xor")) for u in units("logistic_gates")]
    assert shown(tmp_path, "logistic_gates", found) == 0
    told = capsys.readouterr().out
    assert told.count("✓ Equivalent") == 3
    plots = {path.name for path in tmp_path.glob("*.svg")}
    assert plots == {"study-and.svg", "study-or.svg", "study-xor.svg"}


def test_the_plot_is_the_same_every_time() -> None:
    from shared.plots.study import strip

    values: Values = {"tf": [None, *normal(24, 0.978)], "torch": normal(25, 0.978)}
    found, lesson = judged("mnist_mlp", values), lessons.find("mnist_mlp")
    drawn = strip(found, lesson)
    assert drawn == strip(found, lesson)
    assert b"25 seeds in each track: diverged" in drawn


def test_bad_options_are_told_in_one_line() -> None:
    for arguments, problem in {
        ("study", "xor_mpl"): "did you mean 'xor_mlp'",
        ("study", "xor_mlp", "--seeds", "1"): "--seeds",
        ("study", "xor_mlp", "--margin", "0"): "--margin",
        ("study", "xor_mlp", "--set-tf", "epoch=3"): "did you mean 'epochs'",
        ("study", "forward_pass"): "trains nothing",
        ("study", "xor_mlp", "--data", "x.npz"): "has data of its own",
    }.items():
        (told,) = twotrack(*arguments, code=2).stderr.splitlines()
        assert problem in told


# A difference made on purpose


def planted(
    folder: Path, slug: str, common: Sequence[str | Path], torch: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A study of equal tracks, and one with another setting in torch alone."""
    arguments = ("study", slug, "--seeds", "8", *common, "--out", folder, "--json")
    plain = json.loads(twotrack(*arguments).stdout)
    changed = json.loads(twotrack(*arguments, "--set-torch", torch, code=1).stdout)
    assert changed["verdict"] == "different"
    assert changed["own_settings"]["torch"]
    assert changed["seconds"]["trained_now"] == 8  # tf's are there already
    return plain, changed


def test_a_planted_dropout_rate_is_found(digits: Path, tmp_path: Path) -> None:
    common = ("--data", digits, "--margin", "3", *DIGITS)
    plain, changed = planted(tmp_path, "mnist_mlp", common, "dropout=0.5")
    assert plain["verdict"] == "equivalent"
    assert plain["variants"][0]["margin_from"] == "--margin"
    assert changed["variants"][0]["difference"] < -0.03


def test_a_planted_learning_rate_is_found(tmp_path: Path) -> None:
    settings = ("rule=sgd", "epochs=1", "valley_steps=1")
    common = [part for setting in settings for part in ("--set", setting)]
    plain, changed = planted(tmp_path, "optimizers", common, "learning_rate=0.05")
    assert plain["verdict"] != "different"
    assert changed["variants"][0]["difference"] < -0.1
