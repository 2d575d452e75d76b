"""Whatever goes wrong: one line, the right exit code, and nothing left behind.

test_processes.py has what happens to running processes, test_datasets.py every way in
which a data file can be bad.
"""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Command
from safetensors.numpy import save_file

from shared import lesson as lessons
from shared import results
from shared.errors import MissingError
from shared.job import Job
from shared.runner import TrackProcess

RUN = ["run", "xor_mlp", "--track", "torch"]
SMOKE = [*RUN, "--smoke"]

WRONG_USE = [
    (["lst"], "there is no command 'lst' (did you mean 'list'?)"),
    (["frobnicate"], "there is no command 'frobnicate'; `twotrack --help` lists"),
    (["--frobnicate"], "no such option '--frobnicate'"),
    (["list", "xor_mpl"], "there is no lesson 'xor_mpl' (did you mean 'xor_mlp'?)"),
    (["list", "xor_mlp", "more"], "unexpected extra argument (more)"),
    (["doctor", "more"], "unexpected extra argument (more)"),
    (["run"], "missing argument 'LESSON' - see `twotrack run --help`"),
    (["run", "xor_mlp"], "missing option '--track'"),
    (["run", "nonsense", "--track", "tf"], "there is no lesson 'nonsense'"),
    (["run", "", "--track", "tf"], "there is no lesson ''"),
    (["run", "../xor_mlp", "--track", "tf"], "there is no lesson '../xor_mlp'"),
    (["run", "xor_mlp", "--track", "jax"], "no track 'jax': choose tf or torch"),
    (["run", "xor_mlp", "--track"], "'--track' requires an argument"),
    ([*RUN, "--sed", "1"], "no such option '--sed'"),
    (["compare"], "name one or more lessons, or give --all"),
    (["compare", "--all", "xor_mlp"], "name one or more lessons, or give --all"),
    (["compare", "xor_mlp", "xor_mpl"], "did you mean 'xor_mlp'?"),
    (["compare", "xor_mlp", "--precision", "float16"], "'float16' is not one of"),
    ([*RUN, "--precision", "both"], "'both' is not one of"),
    ([*RUN, "--mode", "both"], "'both' is not one of 'matched', 'native'"),
    ([*RUN, "--device", "tpu"], "'tpu' is not one of 'auto', 'cpu', 'gpu'"),
    ([*RUN, "--plots", "gif"], "'gif' is not one of 'svg', 'png', 'none'"),
    ([*RUN, "--seed", "-1"], "-1 is not in the range"),
    ([*RUN, "--threads", "0"], "0 is not in the range"),
    ([*RUN, "--seed", str(2**32)], "4294967296 is not in the range"),
    ([*RUN, "--seed", "1.5"], "'1.5' is not a valid whole number"),
    ([*RUN, "--seed", ""], "'' is not a valid whole number"),
    ([*RUN, "--out", ""], "--out is empty: name a folder"),
    (["compare", "xor_mlp", "--out", ""], "--out is empty: name a folder"),
]

SETTINGS = [
    ("epochs", "--set epochs: write it as field=value"),
    ("", "--set : write it as field=value"),
    ("=5", "xor_mlp has no setting ''; its settings: hidden, learning_rate, "),
    ("epoch=5", "no setting 'epoch' (did you mean 'epochs'?); its settings: "),
    ("zzz=5", "no setting 'zzz'; its settings: hidden, "),
    ("epochs=", "epochs is a whole number, such as 10001"),
    ("epochs=five", "epochs is a whole number, such as 10001"),
    ("epochs=5.0", "epochs is a whole number, such as 10001"),
    ("epochs=1e3", "epochs is a whole number, such as 10001"),
    ("epochs=" + "9" * 5000, "epochs is a whole number, such as 10001"),
    ("epochs=0", "epochs must be 1 or more"),
    ("epochs=-1", "epochs must be 1 or more"),
    ("hidden=4097", "hidden must be 4096 or less"),
    ("learning_rate=fast", "learning_rate is a number, such as 1.0"),
    ("learning_rate=0", "learning_rate must be greater than 0"),
    ("learning_rate=nan", "learning_rate must be a finite number"),
    ("learning_rate=inf", "learning_rate must be a finite number"),
    ("learning_rate=-inf", "learning_rate must be a finite number"),
    ("learning_rate=1e999", "learning_rate must be a finite number"),
    ("start=rnd", "start must be one of published, random"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG_USE)
def test_wrong_use(twotrack: Command, arguments: list[str], message: str) -> None:
    twotrack(*arguments).complains(2, message)
    assert os.listdir() == []


@pytest.mark.parametrize(("setting", "message"), SETTINGS)
def test_bad_setting(twotrack: Command, setting: str, message: str) -> None:
    for command in (RUN, ["compare", "xor_mlp"]):
        twotrack(*command, "--set", setting, "--json").complains(2, message)
    assert os.listdir() == []


def test_a_bad_share_is_refused(twotrack: Command) -> None:
    run = ["run", "mnist_mlp", "--track", "tf", "--set"]
    twotrack(*run, "dropout=1").complains(2, "dropout must be less than 1")
    twotrack(*run, "dropout=-0.1").complains(2, "dropout must be 0 or more")


# Devices


def test_bad_device_in_the_environment(
    twotrack: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWOTRACK_DEVICE", "nonsense")
    for command in (RUN, ["compare", "xor_mlp"]):
        twotrack(*command).complains(2, "TWOTRACK_DEVICE", "'nonsense' is not one of")
    assert twotrack("list").code == 0


@pytest.mark.parametrize("by", ["option", "environment"])
def test_no_gpu(
    twotrack: Command,
    tracks: dict[str, TrackProcess],
    monkeypatch: pytest.MonkeyPatch,
    by: str,
) -> None:
    if by == "environment":
        monkeypatch.setenv("TWOTRACK_DEVICE", "gpu")
    options = [] if by == "environment" else ["--device", "gpu"]
    for command in (RUN, ["run", "xor_mlp", "--track=tf"], ["compare", "xor_mlp"]):
        twotrack(*command, *options).complains(3, " sees no GPU: use --device cpu, or ")


# Training


@pytest.mark.parametrize("track", ["tf", "torch"])
def test_a_loss_that_diverges(
    twotrack: Command, tracks: dict[str, TrackProcess], track: str
) -> None:
    run = ["run", "linear_regression", "--track", track, "--json", "--out", "out"]
    twotrack(*run, "--set", "learning_rate=0.01").complains(
        2, "the loss left the finite numbers at step 7; learning_rate=0.01 is too large"
    )
    assert not any(Path("out").rglob("*.*"))


def test_both_losses_diverge(
    twotrack: Command, tracks: dict[str, TrackProcess]
) -> None:
    """That is the setting's fault, not a disagreement."""
    compare = ["compare", "linear_regression", "--json", "--precision", "float32"]
    twotrack(*compare, "--set", "learning_rate=0.01").complains(
        2, "at step 7 in tf and 7 in torch; learning_rate=0.01 is too large: lower it"
    )
    assert not any(Path("twotrack-out").iterdir())


def test_no_memory_here(twotrack: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(lessons.Lesson, "data", none_left)
    for command in (RUN, ["compare", "xor_mlp"]):
        twotrack(*command).complains(3, "out of memory: close other programs")


@pytest.mark.parametrize("track", ["tf", "torch"])
def test_no_memory_in_a_track(
    twotrack: Command, tracks: dict[str, TrackProcess], track: str, few_digits: Path
) -> None:
    """A model that no machine holds; each framework has an error of its own."""
    monster = Job("mnist_mlp", {"hidden": 2**40}, matched=False, data=str(few_digits))
    with pytest.raises(MissingError, match="out of memory: close other programs"):
        tracks[track].run(monster)
    run = ["run", "mnist_mlp", "--track", track, "--smoke", "--data", few_digits]
    assert twotrack(*run, "--json").code == 0


# Files


@pytest.mark.parametrize("out", ["file", "file/below", "file/below/that"])
@pytest.mark.parametrize("command", [SMOKE, ["compare", "xor_mlp", "--smoke"]])
def test_out_that_is_no_folder(twotrack: Command, command: list[str], out: str) -> None:
    Path("file").write_text("kept", encoding="utf-8")
    twotrack(*command, "--out", out).complains(2, out, "; name another --out")
    assert Path("file").read_text(encoding="utf-8") == "kept"
    assert os.listdir() == ["file"]


def test_a_folder_in_the_place_of_a_file(
    twotrack: Command, tracks: dict[str, TrackProcess]
) -> None:
    Path("out/run.json").mkdir(parents=True)
    answer = twotrack(*SMOKE, "--out", "out", "--json")
    answer.complains(2, "cannot write out/run.json: Is a directory; name another")
    assert os.listdir("out") == ["run.json"]


@pytest.mark.parametrize("name", ["write_bytes", "replace"])
def test_a_full_disk(
    twotrack: Command,
    tracks: dict[str, TrackProcess],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Nothing half written is left, and what was there before stays whole."""

    def full(part: Path, *_: object) -> None:
        Path(part).touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    Path("out").mkdir()
    Path("out/comparison.json").write_text("old", encoding="utf-8")
    monkeypatch.setattr(Path if name == "write_bytes" else results.os, name, full)
    compare = ["compare", "perceptron_iris", "--smoke", "--json", "--out", "out"]
    twotrack(*compare).complains(3, "No space left on device; make room, or name")
    files = [path.name for path in Path("out").rglob("*") if path.is_file()]
    assert files == ["comparison.json"]
    assert Path("out/comparison.json").read_text(encoding="utf-8") == "old"


def test_files_are_readable_by_all_who_may(
    twotrack: Command, tracks: dict[str, TrackProcess]
) -> None:
    """Not only by their owner, as temporary files are."""
    Path("other").touch()
    assert twotrack("compare", "xor_mlp", "--smoke", "--out", "out").code == 0
    assert os.stat("out/comparison.json").st_mode == os.stat("other").st_mode


def good() -> dict[str, np.ndarray]:
    """Weights that fit xor_mlp."""
    shapes = {"hidden/kernel": (2, 2), "hidden/bias": (2,)}
    shapes |= {"output/kernel": (2, 1), "output/bias": (1,)}
    return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}


def changed(name: str, value: Any) -> dict[str, np.ndarray]:
    return {k: v for k, v in {**good(), name: value}.items() if v is not None}


def safetensors(path: Path) -> bytes:
    save_file(good(), path)
    return path.read_bytes()


BAD_WEIGHTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (lambda path: None, "there is no weights file 'weights'"),
    "folder": (lambda path: path.mkdir(), "there is no weights file 'weights'"),
    "empty": (lambda path: path.touch(), "is not a safetensors file"),
    "text": (lambda path: path.write_text("hello world"), "is not a safetensors file"),
    "pickled": (
        lambda path: path.write_bytes(pickle.dumps(good())),
        "is not a safetensors file",
    ),
    "truncated": (
        lambda path: path.write_bytes(safetensors(path)[:-1]),
        "is not a safetensors file",
    ),
    "whole numbers": (
        lambda path: save_file(changed("hidden/bias", np.zeros(2, np.int64)), path),
        "something else than finite floating-point numbers: look at 'hidden/bias'",
    ),
    "NaN": (
        lambda path: save_file(changed("output/bias", np.float32([np.nan])), path),
        "something else than finite floating-point numbers: look at 'output/bias'",
    ),
    "one missing": (
        lambda path: save_file(changed("output/bias", None), path),
        "the weights lack 'output/bias'",
    ),
    "one too many": (
        lambda path: save_file(changed("third/bias", np.zeros(1)), path),
        "the weights hold 'third/bias', which this model does not have",
    ),
    "another shape": (
        lambda path: save_file(changed("hidden/bias", np.zeros(3)), path),
        "'hidden/bias' has shape (3,), the model's (2,)",
    ),
}


@pytest.mark.parametrize("track", ["tf", "torch"])
@pytest.mark.parametrize("what", BAD_WEIGHTS)
def test_bad_weights(
    twotrack: Command, tracks: dict[str, TrackProcess], what: str, track: str
) -> None:
    make, message = BAD_WEIGHTS[what]
    make(Path("weights"))
    run = ["run", "xor_mlp", "--track", track, "--weights", "weights", "--json"]
    twotrack(*run).complains(2, message)


def test_weights_for_a_lesson_without_any(twotrack: Command) -> None:
    run = ["run", "activations", "--track", "tf", "--weights", "weights"]
    twotrack(*run).complains(2, "activations has no weights: leave out --weights")


def test_data_for_a_lesson_with_its_own(twotrack: Command, few_digits: Path) -> None:
    for command in (RUN, ["compare", "xor_mlp", "--json"]):
        twotrack(*command, "--data", few_digits).complains(2, "xor_mlp has data of its")


BAD_DATA: dict[str, tuple[Callable[[dict[str, np.ndarray]], object], str]] = {
    "absent": (lambda data: None, "data' does not exist"),
    "pickled": (lambda data: pickle.dumps(data), "is not a whole .npz file"),
    "truncated": (lambda data: b"PK\3\4", "is not a whole .npz file"),
    "another shape": (
        lambda data: {**data, "x_train": data["x_train"][:, :20]},
        "x_train has shape (100, 20, 28)",
    ),
    "NaN": (
        lambda data: {**data, "x_test": data["x_test"] / np.float32(0)},
        "x_test holds ",
    ),
}


@pytest.mark.filterwarnings("ignore:.*encountered in divide")
@pytest.mark.parametrize("what", BAD_DATA)
def test_bad_data(twotrack: Command, few_digits: Path, what: str) -> None:
    make, message = BAD_DATA[what]
    with np.load(few_digits) as stored:
        made = make(dict(stored))
    with open("data", "wb") as file:
        if isinstance(made, bytes):
            file.write(made)
        elif isinstance(made, dict):
            np.savez(file, **made)
    if made is None:
        os.remove("data")
    for command in (["run", "mnist_mlp", "--track=tf"], ["compare", "mnist_mlp"]):
        twotrack(*command, "--data", "data", "--json").complains(2, message)
