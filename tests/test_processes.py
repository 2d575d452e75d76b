"""Pipes, terminals, signals and missing parts: what happens around a command."""

from __future__ import annotations

import dataclasses
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Answer, environment, python, start

from shared.errors import MissingError
from shared.job import Job
from shared.runner import TrackProcess

TWOTRACK = ["-m", "shared"]
FOR_LONG = ["xor_mlp", "--set", "epochs=9000000", "--out", "out"]
LONG = [*TWOTRACK, "compare", *FOR_LONG]
LONG_RUN = [*TWOTRACK, "run", "--track", "torch", *FOR_LONG]
RUN = [*TWOTRACK, "run", "perceptron_iris", "--track", "torch"]


def children(parent: int) -> list[int]:
    """The processes that this one has started."""
    listed = subprocess.run(["ps", "-axo", "pid,ppid"], capture_output=True, text=True)
    rows = (line.split() for line in listed.stdout.splitlines()[1:])
    return [int(pid) for pid, ppid in rows if int(ppid) == parent]


def alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has buried yet does not."""
    state = ["ps", "-o", "stat=", "-p", str(pid)]
    found = subprocess.run(state, capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")


def eventually(happens: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    end = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


# Pipes


@pytest.mark.parametrize("arguments", [["list"], ["list", "xor_mlp"], ["--help"]])
def test_a_reader_that_leaves(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    answer = python(*TWOTRACK, *arguments, stdout=write)
    os.close(write)
    assert (answer.code, answer.err) == (0, "")


def test_a_comparison_outlives_its_reader(tmp_path: Path) -> None:
    """`twotrack compare ... | head -1` still writes its file and its exit code."""
    read, write = os.pipe()
    os.close(read)
    compare = [*TWOTRACK, "compare", "perceptron_iris", "--smoke"]
    answer = python(*compare, stdout=write, cwd=tmp_path)
    os.close(write)
    assert answer.code == 0
    assert "Error" not in answer.err
    assert (tmp_path / "twotrack-out" / "comparison.json").is_file()


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, tmp_path: Path) -> None:
    """No file that a run opens may take the number of a closed stream."""
    command = f"{shlex.quote(sys.executable)} -m shared {{}} {closed}"
    run = "run perceptron_iris --track torch --smoke --json --plots none --out o"
    expected = {"list": 0, "lst": 2}
    if closed in ("2>&-", "<&- >&- 2>&-"):
        expected[run] = 0
    for arguments, code in expected.items():
        shell = ["sh", "-c", command.format(arguments)]
        answer = subprocess.run(shell, cwd=tmp_path, env=environment())
        assert answer.returncode == code, arguments
    if run in expected:
        json.loads((tmp_path / "o" / "run.json").read_text(encoding="utf-8"))


def test_a_full_device() -> None:
    with open("/dev/full", "w") as full:
        for command in ([*TWOTRACK, "list"], [*TWOTRACK, "list", "xor_mlp"]):
            python(*command, stdout=full).complains(3, "No space left on device")
        assert python(*TWOTRACK, "lst", stderr=full).code == 2


# Signals


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (LONG, signal.SIGINT),
        (LONG_RUN, signal.SIGTERM),
        (LONG_RUN, signal.SIGKILL),
    ],
)
def test_ending_early(command: list[str], sent: signal.Signals, tmp_path: Path) -> None:
    """The workers end with the command, and nothing is left half written."""
    (tmp_path / "temporary").mkdir()
    env = environment(TMPDIR=str(tmp_path / "temporary"))
    with start(*command, cwd=tmp_path, env=env) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("xor_mlp ")
        workers = children(process.pid)
        assert len(workers) == (2 if command == LONG else 1)
        process.send_signal(sent)
        said = process.stderr.read()
    if sent == signal.SIGKILL:
        assert process.returncode == -sent
    else:
        assert process.returncode == 130
        assert said.endswith("twotrack: stopped\n")
        assert "Traceback" not in said
        assert list((tmp_path / "temporary").iterdir()) == []
    eventually(lambda: not any(map(alive, workers)))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_worker_that_is_killed(tmp_path: Path) -> None:
    with start(*LONG, cwd=tmp_path) as process:
        assert process.stderr is not None
        process.stderr.readline()
        first, second = children(process.pid)
        os.kill(first, signal.SIGKILL)
        said = process.stderr.read()
    assert process.returncode == 3
    assert re.fullmatch(
        r"twotrack: the (tf|torch) track's process stopped \(SIGKILL\): "
        r"did the machine run out of memory\?\n",
        said,
    )
    assert not alive(second)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_worker_outlives_ctrl_c_but_not_its_parent() -> None:
    """Ctrl-C is its parent's to handle; the end of its input is the parent's end."""
    worker = ["-m", "shared.worker", "torch_track"]
    endless = Job("xor_mlp", {"epochs": 10**9})
    request = json.dumps({"job": dataclasses.asdict(endless), "out": "never"})
    with start(*worker, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request + "\n")
        process.stdin.flush()
        assert "progress" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        for _ in range(3):
            assert "progress" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 'no such library' >&2; exit 9", r"\(exit 9\): no such library"),
        ("printf '{\"progress\": [1, '; exit 1", r"\(exit 1\): no message"),
        ("kill -SEGV $$", r"\(SIGSEGV\): no message"),
    ],
)
def test_a_worker_that_stops(
    script: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may not even start, or stop in the middle of a line."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with (
        pytest.raises(MissingError, match=f"the torch track's process stopped {told}"),
        TrackProcess("torch") as process,
    ):
        process.run(Job("xor_mlp"))


# Terminals


def on_a_terminal(
    arguments: list[str], cwd: Path, typed: tuple[str, bytes] = ("", b""), **env: str
) -> tuple[int, str]:
    """The exit code and all that was written to a terminal of 80 columns.

    When the text `typed[0]` has appeared, `typed[1]` is typed.
    """
    main, terminal = pty.openpty()
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**environment(TERM="xterm-256color"), **env},
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
        **streams,
    )
    os.close(terminal)
    written, (awaited, keys) = b"", typed
    while True:
        try:
            read = os.read(main, 65536)
        except OSError:  # how Linux says that the other end is closed
            read = b""
        if not read:
            break
        written += read
        if keys and awaited.encode() in written:
            os.write(main, keys)
            keys = b""
    os.close(main)
    return process.wait(), written.decode().replace("\r\n", "\n")


HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]")


def test_a_bar_comes_and_goes(tmp_path: Path) -> None:
    code, written = on_a_terminal([*RUN, "--set", "epochs=50"], tmp_path)
    bar, _, rest = written.rpartition(SHOW)
    assert code == 0
    assert bar.startswith(HIDE)
    assert "perceptron_iris" in bar
    assert "50/50  loss 0" in bar
    # The bar's line is erased, and colours are what the results have.
    assert rest.startswith(("\n\x1b[1A\x1b[2K", "\x1b[1A\x1b[2K", "\r\x1b[1A\x1b[2K"))
    assert "\x1b[1mperceptron_iris\x1b[0m in the torch track" in rest
    assert COLOUR.search(bar)
    # A full line would fold as soon as the terminal adds its own ^C.
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", bar))
    assert 40 < max(map(len, lines)) <= 77


def test_no_colour(tmp_path: Path) -> None:
    code, written = on_a_terminal([*RUN, "--smoke"], tmp_path, NO_COLOR="1")
    assert code == 0
    assert "perceptron_iris" in written
    assert not COLOUR.search(written)


def test_ctrl_c(tmp_path: Path) -> None:
    """Typed at the terminal, it reaches the workers as well."""
    code, written = on_a_terminal(LONG, tmp_path, ("xor_mlp float64", b"\x03"))
    assert code == 130
    assert written.endswith("twotrack: stopped\n")
    assert written.rindex(SHOW) > written.rindex(HIDE)
    assert "Traceback" not in written
    assert list((tmp_path / "out").iterdir()) == []


def test_list_folds_on_a_terminal(tmp_path: Path) -> None:
    _, written = on_a_terminal([*TWOTRACK, "list"], tmp_path, COLUMNS="60")
    assert max(map(len, written.splitlines())) <= 60
    assert "\n                     threshold neuron each, XOR takes three\n" in written


# A framework that is not installed


HIDING = """
import os
from importlib.machinery import PathFinder

find = PathFinder.find_spec

def without(name, path=None, target=None):
    return None if name in os.environ["HIDDEN"].split() else find(name, path, target)

PathFinder.find_spec = without
"""


@pytest.fixture
def without(tmp_path: Path) -> Callable[..., Answer]:
    """The command on a machine where some packages are not installed."""
    (tmp_path / "sitecustomize.py").write_text(HIDING, encoding="utf-8")

    def run(hidden: str, *arguments: str, **more: str) -> Answer:
        path = os.pathsep.join((str(tmp_path), str(ROOT)))
        env = environment(PYTHONPATH=path, HIDDEN=hidden, **more)
        return python(*TWOTRACK, *arguments, cwd=tmp_path, env=env)

    return run


ABSENT = [
    ("torch", "torch", "tf", "PyTorch is not installed", "pip install torch"),
    ("tf", "tensorflow keras", "torch", "Keras on Tensor", "pip install tensorflow"),
]


@pytest.mark.parametrize(("track", "hidden", "other", "what", "remedy"), ABSENT)
def test_one_framework_is_missing(
    without: Callable[..., Answer],
    track: str,
    hidden: str,
    other: str,
    what: str,
    remedy: str,
) -> None:
    assert without(hidden, "list").code == 0
    assert without(hidden, "list", "xor_mlp").code == 0
    run = ["run", "perceptron_iris", "--smoke", "--json", "--track"]
    without(hidden, *run, track).complains(3, what, remedy)
    without(hidden, "compare", "xor_mlp", "--json").complains(3, what, remedy)
    assert without(hidden, *run, other).json["runs"][0]["track"] == other
    found = without(hidden, "doctor", "--json")
    assert found.code == 3
    assert remedy in found.json["tracks"][track]["problem"]
    assert found.json["tracks"][other]["works"] is True


def test_half_a_framework_is_missing(without: Callable[..., Answer]) -> None:
    run = ["run", "perceptron_iris", "--track", "tf"]
    without("keras", *run).complains(3, "not installed", "pip install tensorflow")


def test_no_framework_at_all(without: Callable[..., Answer]) -> None:
    both = "tensorflow keras torch"
    answer = without(both, "doctor")
    assert (answer.code, answer.err) == (3, "")
    assert "pip install tensorflow" in answer.out
    assert "pip install torch" in answer.out
    assert without(both, "list").code == 0
    without(both, "compare", "--all").complains(3, "is not installed")
    plain = without(both, "doctor", PYTHONIOENCODING="cp1252")
    assert "\nx torch: PyTorch is not installed" in plain.out
    assert "\n+ mnist: 70,000 images\n" in plain.out
