"""The command as a user types it, and worker processes that tests share."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Before rich, which asks once.
os.environ["COLUMNS"] = "80"

from shared import cli, commands
from shared.runner import TrackProcess

# A CUDA build of torch imports Triton if it is there, and a process that has loaded
# TensorFlow then crashes. Only tests have both frameworks in one process.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]

# Started by `nohup` or with `&`, we are told to ignore it, and so would our processes.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]

LONGEST = [
    "test_check_clean",
    "test_study",
    "test_planted_bugs",
    "test_lessons",
    "test_cli",
    "test_check_sequences",
    "test_processes",
    "test_engine_tf",
    "test_notebook",
    "test_check_images",
    "test_bench",
    "test_report_browser",
    "test_study_dask",
]
"""The files that take longest: begun first, none of them is left alone at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object on standard output; anything beside it is an error."""
        return json.loads(self.out)

    def complains(self, code: int, *fragments: str) -> None:
        """Assert that one line, and nothing else, says what is wrong."""
        assert self.code == code, self
        assert self.out == "", self
        assert self.err.startswith("twotrack: "), self
        assert self.err.endswith("\n"), self
        assert self.err.count("\n") == 1, self
        for fragment in fragments:
            assert fragment in self.err, self


Command = Callable[..., Answer]


def environment(**changes: str) -> dict[str, str]:
    """Ours, with this checkout, 80 columns and nothing that a user may have set."""
    colours = "NO_COLOR", "FORCE_COLOR"
    dropped = "TWOTRACK_DEVICE", "PYTHONUNBUFFERED", "PYTEST_ADDOPTS", *colours
    kept = {k: v for k, v in os.environ.items() if k not in dropped}
    return {**kept, "COLUMNS": "80", "PYTHONPATH": str(ROOT), **changes}


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Python with these arguments, in a process of its own, its output in pipes."""
    settings: dict[str, Any] = {
        "env": environment(),
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "encoding": "utf-8",
    }
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)], **settings | options
    )


def python(*arguments: str | Path, **options: Any) -> Answer:
    """What Python answers to these arguments."""
    with start(*arguments, **options) as process:
        out, err = process.communicate()
    return Answer(process.returncode, out or "", err or "")


@pytest.fixture(scope="session")
def _processes() -> Iterator[dict[str, TrackProcess]]:
    """One worker a track for the whole session: starting one takes seconds."""
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CUDA_VISIBLE_DEVICES", "-1")
            names = ("tf", "torch")
            found = {name: stack.enter_context(TrackProcess(name)) for name in names}
        yield found


@pytest.fixture
def tracks(
    _processes: dict[str, TrackProcess], monkeypatch: pytest.MonkeyPatch
) -> dict[str, TrackProcess]:
    """The workers; commands given in this process use them too."""

    def shared(name: str) -> contextlib.AbstractContextManager[TrackProcess]:
        return contextlib.nullcontext(_processes[name])

    monkeypatch.setattr(commands, "TrackProcess", shared)
    return _processes


@pytest.fixture
def twotrack(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Command:
    """`twotrack ARGUMENTS` in this process, from an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TWOTRACK_DEVICE", raising=False)

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["twotrack", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Answer(ended.value.code, written.out, written.err)

    return run


@pytest.fixture(autouse=True)
def _denormals() -> Iterator[None]:
    """Give the processor its smallest numbers back: the torch track flushes them."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_flush_denormal(False)


@pytest.fixture(scope="session")
def few_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 training images, which leave a part batch last, and 50 test images."""
    from shared.datasets import mnist

    images, path = mnist(), tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(
        path,
        x_train=images.x_train[:100],
        y_train=images.y_train[:100],
        x_test=images.x_test[:50],
        y_test=images.y_test[:50],
    )
    return path


@pytest.fixture(scope="session")
def comparisons(
    tmp_path_factory: pytest.TempPathFactory,
    _processes: dict[str, TrackProcess],
    few_digits: Path,
) -> Path:
    """A folder with what `twotrack compare --out` saves of a few lessons."""
    import reports

    return reports.compared(tmp_path_factory.mktemp("saved"), _processes, few_digits)
