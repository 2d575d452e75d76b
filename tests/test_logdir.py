"""--logdir: TensorBoard reads the same tags and steps from both tracks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command, python

from shared import logs
from shared.runner import TrackProcess

Scalars = dict[str, tuple[list[int], list[float]]]

MODULES = """
import sys
from shared import cli
try:
    cli.main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def scalars(run: Path) -> Scalars:
    """Steps and values of every tag, as TensorBoard's own reader gives them."""
    # The reader would load TensorFlow itself, and not quietly.
    from tf_track import backend  # noqa: F401, I001
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(run), size_guidance={"scalars": 0})
    reader.Reload()
    found: Scalars = {}
    for tag in reader.Tags()["scalars"]:
        events = reader.Scalars(tag)
        found[tag] = [e.step for e in events], [e.value for e in events]
    return found


def losses(report: dict[str, Any]) -> tuple[list[int], list[float]]:
    loss = np.float32(report["history"]["loss"])
    return list(range(len(loss))), loss.tolist()


def test_run_writes_what_it_found(
    twotrack: Command, tracks: dict[str, TrackProcess], tmp_path: Path
) -> None:
    """Every variant in one run, and the same tags and steps from the other track."""
    found = {}
    for track in ("tf", "torch"):
        run = ["run", "logistic_gates", "--track", track, "--set", "epochs=20"]
        reports = twotrack(*run, "--json", "--logdir", "logs").json["runs"]
        found[track] = scalars(tmp_path / "logs" / "logistic_gates" / track)
        expected: Scalars = {}
        for report in reports:
            tags = f"logistic_gates/{report['variant']}"
            expected[f"{tags}/loss"] = losses(report)
            accuracy = float(np.float32(report["metrics"]["accuracy"]))
            expected[f"{tags}/accuracy"] = [19], [accuracy]
        assert found[track] == expected
    steps = [{tag: one for tag, (one, _) in run.items()} for run in found.values()]
    assert steps[0] == steps[1]
    assert len(steps[0]) == 6


def test_compare_writes_both_runs(
    twotrack: Command, tracks: dict[str, TrackProcess], tmp_path: Path
) -> None:
    names = ["xor_perceptron", "perceptron_iris", "logic_gates"]
    few = ["--smoke", "--json", "--logdir", "logs"]
    whole = twotrack("compare", *names, *few).json
    written = sorted(path.parent for path in tmp_path.rglob(f"logs/**/{logs.FILE}"))
    runs = [f"{name}/{track}" for name in sorted(names) for track in ("tf", "torch")]
    assert [path.relative_to(tmp_path / "logs").as_posix() for path in written] == runs
    for lesson in whole["lessons"]:
        slug = lesson["lesson"]
        for track, told in lesson["tracks"].items():
            found = scalars(tmp_path / "logs" / slug / track)
            if slug == "logic_gates":  # nothing is trained, nothing predicted
                assert found == {}
                continue
            assert found.pop(f"{slug}/loss") == losses(told)
            accuracy = float(np.float32(told["metrics"]["accuracy"]))
            assert found == {f"{slug}/accuracy": ([0], [accuracy])}


def test_a_run_takes_the_place_of_the_one_before(
    twotrack: Command, tracks: dict[str, TrackProcess], tmp_path: Path
) -> None:
    run = ["run", "xor_perceptron", "--track", "torch", "--logdir", "logs"]
    for epochs in (7, 3):
        told = twotrack(*run, "--set", f"epochs={epochs}")
        assert told.code == 0
        assert told.out.endswith("Curves: tensorboard --logdir logs\n")
    assert [path.name for path in tmp_path.rglob("logs/**/*.*")] == [logs.FILE]
    steps, _ = scalars(tmp_path / "logs/xor_perceptron/torch")["xor_perceptron/loss"]
    assert steps == [0, 1, 2]


def test_a_run_that_diverges_writes_nothing(
    twotrack: Command, tracks: dict[str, TrackProcess], tmp_path: Path
) -> None:
    rate = ["--set", "learning_rate=0.01", "--set", "form=raw"]
    run = ["run", "linear_regression", "--track", "torch", *rate]
    twotrack(*run, "--json", "--logdir", "logs").complains(2, "left the finite numbers")
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


COMMANDS = [["run", "xor_mlp", "--track", "tf"], ["compare", "xor_mlp"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_bad_folder(twotrack: Command, tmp_path: Path, command: list[str]) -> None:
    tmp_path.joinpath("file").touch()
    for name in ("file", "file/below"):
        answer = twotrack(*command, "--logdir", name)
        answer.complains(2, name, "; name another --logdir")
    twotrack(*command, "--logdir", "").complains(2, "--logdir is empty: name a folder")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_without_tensorboard(
    twotrack: Command, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    there = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> Any:
        return None if name == "tensorboard" else there(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    answer = twotrack(*command, "--logdir", "logs")
    answer.complains(3, "--logdir needs tensorboard: pip install tensorboard")


def test_the_parent_loads_no_framework(tmp_path: Path) -> None:
    run = ["run", "xor_perceptron", "--track", "torch", "--smoke", "--json"]
    answer = python("-c", MODULES, *run, "--logdir", tmp_path / "logs")
    assert answer.code == 0, answer.err
    loaded = set(answer.err.split())
    assert "tensorboard" in loaded
    assert not {"tensorflow", "keras", "torch"} & loaded


def test_tensorboard_is_loaded_only_where_it_is_needed(tmp_path: Path) -> None:
    for arguments in (["run", "--help"], ["run", "autograd", "--track", "torch"]):
        answer = python("-c", MODULES, *arguments, cwd=tmp_path)
        assert answer.code == 0, answer.err
        assert "tensorboard" not in answer.err.split()
