"""The commands as their users know them: what they print, write and return."""

from __future__ import annotations

import json
import re
import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Answer, Command, python

from shared.lessons import CURRICULUM
from shared.results import Comparison, Level
from shared.runner import TrackProcess
from shared.wording import LEVELS

LISTED = r"\w+ {2,}\S.*"

MODULES = """
import sys
from shared import cli
sys.argv = ["twotrack", *sys.argv[1:]]
try:
    cli.main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


# Help, list


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]], ids=str)
def test_help_fits_80_columns(twotrack: Command, arguments: list[str]) -> None:
    answer = twotrack(*arguments)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Usage: twotrack ")
    assert "..." not in answer.out.partition("Commands:")[2]
    assert max(map(len, answer.out.splitlines())) <= 80


@pytest.mark.parametrize(
    "command", ["list", "run", "compare", "study", "convert", "doctor"]
)
def test_every_command_has_help(twotrack: Command, command: str) -> None:
    answer = twotrack(command, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: twotrack {command} ")
    assert command in twotrack("--help").out


def test_version(twotrack: Command) -> None:
    assert re.fullmatch(r"twotrack \d+\.\d+\.\d+\n", twotrack("--version").out)


def test_list_has_a_line_for_each_lesson(twotrack: Command) -> None:
    answer = twotrack("list")
    lines = answer.out.splitlines()
    assert (answer.code, answer.err) == (0, "")
    assert [line.split()[0] for line in lines] == list(CURRICULUM)
    assert all(re.fullmatch(LISTED, line) for line in lines)
    assert list(twotrack("list", "--json").json["lessons"]) == list(CURRICULUM)


def test_list_shows_one_lesson(twotrack: Command) -> None:
    answer = twotrack("list", "xor_mlp")
    assert answer.code == 0
    assert "    h = sigmoid(x W1 + b1) " in answer.out
    assert "learning_rate" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80
    described = twotrack("list", "xor_mlp", "--json").json
    assert described["lesson"] == "xor_mlp"
    defaults = {field["name"]: field["default"] for field in described["settings"]}
    assert defaults["hidden"] == 2


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["run", "--help"]])
def test_quick_answers_import_little(arguments: list[str]) -> None:
    """Neither NumPy nor rich, let alone a framework: that is what keeps them quick."""
    answer = python("-c", MODULES, *arguments)
    assert answer.code == 0
    heavy = {"numpy", "rich", "sklearn", "scipy", "tensorflow", "keras", "torch"}
    assert "click" in answer.err.split()
    assert not heavy & set(answer.err.split())


# Run


RUN = ["perceptron_iris", "--set", "epochs=2", "--json"]
WAYS = {
    "shared": ["-m", "shared", "run", *RUN, "--track"],
    "package": ["-m", "{}_track", *RUN],
    "module": ["-m", "{}_track.lessons.perceptron_iris", *RUN[1:]],
    "script": [str(ROOT / "{}_track/lessons/perceptron_iris.py"), *RUN[1:]],
}


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Answer]:
    """The same run started in each way, from a folder that is none of ours."""
    folder = tmp_path_factory.mktemp("elsewhere")

    def run(way: tuple[str, str]) -> Answer:
        name, track = way
        arguments = [part.format(track) for part in WAYS[name]]
        arguments += [track] if name == "shared" else []
        return python(*arguments, cwd=folder)

    chosen = [(name, track) for track in ("torch", "tf") for name in WAYS]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(chosen, pool.map(run, chosen), strict=True))


@pytest.mark.parametrize("track", ["tf", "torch"])
@pytest.mark.parametrize("name", WAYS)
def test_every_way_to_run(
    ways: dict[tuple[str, str], Answer], name: str, track: str
) -> None:
    answer = ways[name, track]
    assert answer.code == 0, answer.err
    (run,) = answer.json["runs"]
    (expected,) = ways["shared", track].json["runs"]
    assert (run["track"], run["threads"]) == (track, 1)
    assert run["history"]["loss"] == expected["history"]["loss"]
    assert run["metrics"] == expected["metrics"]


@pytest.mark.parametrize(
    ("track", "threads", "others"),
    [
        (
            "tf",
            "tensorflow.config.threading.get_intra_op_parallelism_threads()",
            {"torch", "torch_track"},
        ),
        ("torch", "torch.get_num_threads()", {"tensorflow", "keras", "tf_track"}),
    ],
)
def test_a_run_loads_one_framework_and_sets_it_up(
    track: str, threads: str, others: set[str]
) -> None:
    code = MODULES.replace("cli.main()", f"cli.run_here({track!r}, None)")
    code = code.replace("print(", f"import {threads.split('.')[0]}; print({threads}, ")
    given = ("--smoke", "--json", "--threads", "2")
    answer = python("-c", code, "perceptron_iris", *given)
    (run,) = answer.json["runs"]
    used, *names = answer.err.split()
    assert (run["threads"], used) == (2, "2")
    assert f"{track}_track" in names
    assert not others & set(names)


def test_a_folder_with_our_names_in_it(tmp_path: Path) -> None:
    """What lies where a user happens to be is not what the command or a worker runs."""
    for name in ("shared", "torch_track", "random", "numpy", "json", "torch"):
        trap = f"raise SystemExit('imported {name} from here')\n"
        (tmp_path / f"{name}.py").write_text(trap, encoding="utf-8")
    script = Path(sysconfig.get_path("scripts"), "twotrack")
    run = ["run", "perceptron_iris", "--track", "torch", "--smoke", "--json"]
    answer = python(script, *run, cwd=tmp_path)
    assert (answer.code, answer.err) == (0, "")
    assert len(answer.json["runs"]) == 1


def test_run_tells_and_saves(
    twotrack: Command, tracks: dict[str, TrackProcess], tmp_path: Path
) -> None:
    out = "한글 폴더/a b"
    answer = twotrack("run", "xor_mlp", "--track", "torch", "--out", out)
    assert answer.code == 0
    title, *told = answer.out.splitlines()
    assert title == "xor_mlp in the torch track, float32 on cpu"
    assert any(line.startswith("9 parameters, 10,001 steps in ") for line in told)
    assert "accuracy 1" in told
    assert answer.out.count("✓") == 9
    assert "epoch 2/10,001  loss 0.71116\n" in answer.err
    files = {file.name for file in (tmp_path / out).iterdir()}
    assert {"run.json", "weights.safetensors", "loss.svg"} <= files
    assert f"Saved in {out}: run.json, weights.safetensors, " in answer.out
    saved = json.loads((tmp_path / out / "run.json").read_text(encoding="utf-8"))
    assert saved["metrics"] == {"accuracy": 1.0}


def test_run_shows_the_title_once(
    twotrack: Command, tracks: dict[str, TrackProcess]
) -> None:
    """Of a lesson with variants each has its own block, under one title."""
    answer = twotrack("run", "linear_regression", "--track", "torch", "--smoke")
    assert answer.out.count("Linear regression: ") == 1
    for variant in ("raw", "layer", "one_update"):
        assert f"\n{variant}: 4 parameters, 1 step in " in answer.out


def test_published_figures_are_shown_in_the_precision_of_the_notes(
    twotrack: Command, tracks: dict[str, TrackProcess]
) -> None:
    run = ["run", "perceptron_iris", "--track", "torch", "--json"]
    assert twotrack(*run).json["runs"][0]["precision"] == "float64"
    assert len(twotrack(*run).json["runs"][0]["published"]) == 3
    other = twotrack(*run, "--precision", "float32").json["runs"][0]
    assert other["published"] == []


# Compare


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> tuple[Answer, Path]:
    """A whole comparison of two lessons in processes of its own."""
    folder = tmp_path_factory.mktemp("compare")
    names = ["xor_mlp", "perceptron_iris"]
    options = ["--set", "epochs=5", "--seed", "3", "--out", "a b"]
    answer = python("-m", "shared", "compare", *names, *options, cwd=folder)
    return answer, folder / "a b" / "comparison.json"


def test_compare_tells(comparison: tuple[Answer, Path]) -> None:
    answer, _ = comparison
    assert answer.code == 0, answer.err
    assert answer.out.count("✓ The tracks agree on all ") == 2
    assert "✓ 2 of 2 lessons agree. Written: a b/comparison.json\n" in answer.out
    assert "xor_mlp float32 ...\n" in answer.err
    assert max(map(len, answer.out.splitlines())) <= 80


def check(value: Any, shape: Any) -> None:
    """That a value has this shape: a type, a list of one, or a dict of some keys."""
    if isinstance(shape, dict):
        assert shape.keys() <= value.keys()
        for key, part in shape.items():
            check(value[key], part)
    elif isinstance(shape, list):
        assert value
        for item in value:
            check(item, shape[0])
    else:
        assert isinstance(value, shape), (value, shape)


TRACK = {
    "parameters": int,
    "metrics": {"accuracy": float},
    "history": {"loss": [float]},
    "seconds": {"import": float, "build": float, "train": float, "evaluate": float},
    "peak_memory_bytes": int,
}
LESSON = {
    "schema": int,
    "lesson": str,
    "passed": bool,
    "precision": str,
    "seed": int,
    "environment": {
        "python": str,
        "tensorflow": str,
        "keras": str,
        "torch": str,
        "numpy": str,
        "device": {"tf": str, "torch": str},
        "machine": str,
    },
    "tracks": {"tf": TRACK, "torch": TRACK},
    "levels": [{"level": str, "precision": str, "verdict": str, "where": str}],
}


def test_comparison_file(comparison: tuple[Answer, Path]) -> None:
    written = json.loads(comparison[1].read_text(encoding="utf-8"))
    check(written, {"schema": int, "passed": bool, "lessons": [LESSON]})
    assert [lesson["lesson"] for lesson in written["lessons"]] == [
        "xor_mlp",
        "perceptron_iris",
    ]
    for lesson in written["lessons"]:
        assert lesson["seed"] == 3
        assert lesson["passed"] is True
        for track in lesson["tracks"].values():
            # The framework is loaded once, and its time belongs to every lesson.
            assert track["seconds"]["import"] > 0.01
            assert len(track["history"]["loss"]) in (5, 500)
        for level in lesson["levels"]:
            assert level["level"] in LEVELS
            if level["verdict"] == "pass":
                assert level["value"] <= level["tolerance"]
            else:
                assert level["verdict"] == "not applicable"
                assert level["value"] is None


def test_json_is_all_there_is(
    twotrack: Command, tracks: dict[str, TrackProcess]
) -> None:
    answer = twotrack("compare", "perceptron_iris", "--smoke", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.json == json.loads(Path("twotrack-out/comparison.json").read_text())
    answer = twotrack("run", "perceptron_iris", "--track=tf", "--smoke", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert len(answer.json["runs"]) == 1


def test_a_changed_lesson_disagrees(tmp_path: Path) -> None:
    """A learner's own copy, run from its folder, with one sign turned."""
    for package in ("shared", "tf_track", "torch_track"):
        ignored = shutil.ignore_patterns("*.npz", "__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    lesson = tmp_path / "torch_track" / "lessons" / "perceptron_iris.py"
    source = lesson.read_text(encoding="utf-8")
    assert source.count("bias.add_(") == 1
    lesson.write_text(source.replace("bias.add_(", "bias.sub_("), encoding="utf-8")
    answer = python("-m", "shared", "compare", "perceptron_iris", cwd=tmp_path)
    assert answer.code == 1, answer
    assert "✗ The tracks disagree, first at the level step in float64: " in answer.out
    written = json.loads((tmp_path / "twotrack-out/comparison.json").read_text())
    assert written["passed"] is False
    assert written["lessons"][0]["passed"] is False


def test_a_single_failed_level_fails_the_comparison() -> None:
    levels = [Level(name, "float64", 0.0, 0.0, "pass", "") for name in LEVELS]
    empty: dict[str, Any] = {}
    whole = Comparison("x", "", "matched", "", 0, empty, empty, empty, levels, [], [])
    assert whole.passed
    levels.append(Level("step", "float32", 2.0, 1.0, "fail", "bias"))
    assert not whole.passed


# Doctor


def test_doctor(twotrack: Command, tracks: dict[str, TrackProcess]) -> None:
    answer = twotrack("doctor")
    assert (answer.code, answer.err) == (0, "")
    for part in ("tf track trains on", "torch track trains on", "mnist: 70,000 images"):
        assert f"✓ {part}" in answer.out
    found = twotrack("doctor", "--json").json
    assert found["python"] == sys.version.split()[0]
    assert {name: track["works"] for name, track in found["tracks"].items()} == {
        "tf": True,
        "torch": True,
    }
