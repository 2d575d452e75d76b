"""Each track in a process of its own, side by side."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from shared import memory
from shared.errors import MissingError, TwotrackError, UsageError
from shared.job import Job, Outcome
from shared.parity.trace import Trace
from shared.worker import track

Progress = Callable[[int, int, float], None]


def packages() -> dict[str, str]:
    """The installed tracks: short name to package, found by entry point."""
    found = entry_points(group="twotrack.tracks")
    return {point.name: point.value for point in sorted(found, key=lambda p: p.name)}


def package(name: str) -> str:
    """The package of the track of that name.

    Raises:
        UsageError: there is no such track.
        MissingError: its framework is not installed.
    """
    known = packages()
    if not known:
        raise MissingError("twotrack is not installed: pip install -e . in its folder")
    if name not in known:
        raise UsageError(f"there is no track {name!r}: choose {' or '.join(known)}")
    track(known[name])
    return known[name]


class TrackProcess:
    """One track's worker process; use it in a `with` statement."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._package = package(name)
        self._folder = tempfile.TemporaryDirectory(prefix="twotrack-")
        self._log = Path(self._folder.name) / "stderr.txt"
        self._count = 0

    def __enter__(self) -> TrackProcess:
        self._errors = self._log.open("w", encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "shared.worker", self._package],
            # Not the user's folder: a `shared` there would be imported instead.
            cwd=self._folder.name,
            # What a framework leaves among the temporary files goes with the folder.
            env=_environment() | {"TMPDIR": self._folder.name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        assert self._process.stdin and self._process.stdout
        # A process that is gone already cannot take what was still to be sent.
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()
        self._folder.cleanup()

    def run(self, job: Job, progress: Progress | None = None) -> Outcome:
        """Run one job to its end.

        Raises:
            UsageError, MissingError: as the worker says, or it stopped.
        """
        trace, facts = self._ask({"job": _rooted(job)}, job.lesson, progress)
        return Outcome(trace=trace, **facts)

    def call(
        self, function: str, arguments: Mapping[str, Any], arrays: Trace
    ) -> tuple[Trace, dict[str, Any]]:
        """Call function(package, arrays, **arguments) in the process.

        Args:
            function: "module:name", of ours.
            arguments: plain values, fit for JSON.
            arrays: NumPy arrays by name.

        Returns:
            What it returns: arrays by name, and facts fit for JSON.

        Raises:
            UsageError, MissingError: as the function says, or the process stopped.
        """
        given = Path(self._folder.name) / "given.npz"
        np.savez(given, **arrays)  # type: ignore[arg-type]
        memory.give_back()
        request = {"call": function, "arguments": arguments, "arrays": str(given)}
        return self._ask(request, function)

    def _ask(
        self, request: dict[str, Any], what: str, progress: Progress | None = None
    ) -> tuple[Trace, dict[str, Any]]:
        """Send a request, listen to the events, and read what came out."""
        assert self._process.stdin and self._process.stdout
        self._count += 1
        out = Path(self._folder.name) / f"{self._count}.npz"
        try:
            self._process.stdin.write(json.dumps(request | {"out": str(out)}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._stopped() from None
        for line in self._process.stdout:
            if not line.endswith("\n"):
                break
            event = json.loads(line)
            if "progress" in event and progress:
                progress(*event["progress"])
            if "error" in event:
                raise self._error(event, what)
            if "done" in event:
                with np.load(out, allow_pickle=False) as arrays:
                    trace = dict(arrays)
                out.unlink()
                return trace, event["done"]
        raise self._stopped()

    def kill(self) -> None:
        """End the process at once; a `run` in another thread then raises."""
        self._process.kill()

    def _error(self, event: Mapping[str, Any], what: str) -> TwotrackError:
        if event.get("crash"):
            return MissingError(
                f"the {self.name} track failed: {event['error']} "
                f"(`python -m {self._package} {what}` shows where)"
            )
        kind = UsageError if event["exit_code"] == 2 else MissingError
        return kind(event["error"])

    def _stopped(self) -> MissingError:
        code = self._process.wait()
        last = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        said = next((line for line in reversed(last) if line.strip()), "no message")
        how = f"exit {code}"
        if code < 0:
            how = signal.Signals(-code).name
            if how == "SIGKILL":
                said = "did the machine run out of memory?"
        return MissingError(
            f"the {self.name} track's process stopped ({how}): {said.strip()}"
        )


def _environment() -> dict[str, str]:
    """Ours; a checkout goes before what is installed, in the worker as it did here."""
    root = Path(__file__).parents[1]
    if root.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [str(root), os.environ.get("PYTHONPATH")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _rooted(job: Job) -> dict[str, Any]:
    """The job's fields, its paths made absolute: the worker has another folder."""
    fields = asdict(job)
    for name in ("data", "weights"):
        if fields[name] is not None:
            fields[name] = os.path.abspath(fields[name])
    return fields


def side_by_side(
    processes: Mapping[str, TrackProcess],
    job: Job,
    progress: Callable[[str, int, int, float], None] | None = None,
) -> dict[str, Outcome]:
    """The same job in every track at once."""
    lock = threading.Lock()
    job = replace(job, processes=len(processes))

    def one(name: str) -> Outcome:
        def tell(epoch: int, epochs: int, loss: float) -> None:
            if progress:
                with lock:
                    progress(name, epoch, epochs, loss)

        return processes[name].run(job, tell)

    pool = ThreadPoolExecutor(len(processes))
    try:
        jobs = {name: pool.submit(one, name) for name in processes}
        # On an error the other track is not waited for: our caller ends its process.
        for future in as_completed(jobs.values()):
            future.result()
        return {name: future.result() for name, future in jobs.items()}
    finally:
        pool.shutdown(wait=False)
