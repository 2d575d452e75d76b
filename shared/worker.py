"""The process of one track: reads jobs, runs them, writes what they found.

    python -m shared.worker tf_track

reads one job a line on standard input, as JSON with the path of an .npz to write, or
the name of a function to call in its stead, and answers with events, one JSON object
a line. Only this track's framework is imported. `perform` does the same for a caller in
the same process.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from shared import memory
from shared.errors import OUT_OF_MEMORY, MissingError, TwotrackError, no_memory
from shared.job import Job, Outcome
from shared.parity.trace import Trace
from shared.run import Progress, Run


def track(package: str) -> ModuleType:
    """The track's package, checked to have its framework.

    Raises:
        MissingError: the framework is not installed.
    """
    found = importlib.import_module(package)
    for name in found.REQUIRES:
        if importlib.util.find_spec(name) is None:
            raise MissingError(
                f"{found.FRAMEWORK} is not installed, so the {found.NAME} track "
                f"cannot run: {found.INSTALL}"
            )
    return found


def perform(package: str, job: Job, progress: Progress | None = None) -> Outcome:
    """Run one job in this process.

    Raises:
        TwotrackError: bad input, or something is missing.
    """
    track(package)
    try:
        return Run(package, job, progress).outcome()
    except Exception as error:
        if no_memory(error):
            raise MissingError(OUT_OF_MEMORY) from None
        raise


def _called(package: str, request: dict[str, Any]) -> tuple[Trace, dict[str, Any]]:
    """What a function of ours finds in this track: arrays, and facts fit for JSON."""
    module, _, name = request["call"].partition(":")
    with np.load(request["arrays"], allow_pickle=False) as arrays:
        given = dict(arrays)
    function = getattr(importlib.import_module(module), name)
    found: tuple[Trace, dict[str, Any]] = function(
        package, given, **request["arguments"]
    )
    return found


def main(package: str) -> None:
    """Serve jobs until standard input ends, as it does when the parent is gone."""
    # Ctrl-C reaches the parent too, and it is the parent that ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever a library prints goes to standard error; the events have their own.
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    def emit(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")

    threading.Thread(target=read, daemon=True).start()
    while True:
        request = json.loads(lines.get())
        _serve(package, request, emit)
        if "call" in request:
            memory.give_back()


def _serve(package: str, request: dict[str, Any], emit: Callable[..., None]) -> None:
    """Answer one request; nothing of it stays in memory."""
    try:
        if "call" in request:
            trace, facts = _called(package, request)
        else:
            job = Job(**request["job"])
            # In a study it is the finished training that tells how it goes.
            tell = None if job.reuse else lambda *p: emit(progress=p)
            outcome = perform(package, job, tell)
            trace, facts = outcome.trace, outcome.facts()
        np.savez(request["out"], **trace)  # type: ignore[arg-type]
        emit(done=facts)
    except TwotrackError as error:
        emit(error=str(error), exit_code=error.exit_code)
    except Exception as error:
        print(traceback.format_exc(), file=sys.stderr)
        emit(error=f"{type(error).__name__}: {error}", exit_code=3, crash=True)


if __name__ == "__main__":
    main(sys.argv[1])
