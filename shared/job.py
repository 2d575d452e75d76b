"""One piece of work for one track, and what comes back."""

from __future__ import annotations

import dataclasses
from typing import Any

from shared.parity.trace import Trace
from shared.weights import Weights


@dataclasses.dataclass(frozen=True)
class Job:
    """What to run, in plain values that travel between processes as JSON.

    Attributes:
        lesson: the lesson's slug.
        fields: the fields of its Config.
        matched: start, order, masks and optimizer rule shared by both tracks; else
            the framework's own (native mode).
        precision: "float32" or "float64".
        seed: of every draw.
        device: "auto", "cpu" or "gpu".
        data: the user's data file or folder; None for the lesson's own.
        limit: train so many steps at most; None trains to the end.
        ladder: also examine the first step and keep weights on the way.
        twin: 0, or the number of a one-ulp twin: the same run from a start whose
            every parameter is moved to a neighbouring floating-point number.
        weights: a weights file to evaluate instead of training.
        grid: also predict on the plane of the two features.
        init: in native mode, where the start comes from: "native" is the framework's
            own initialisers; "matched" draws from the distribution of the spec's
            `start`, in each track a draw of its own.
        engine: as in shared.session.Session.
        threads: that the framework may use; None leaves it its own choice.
        processes: how many work at the same time, this one's among them.
        reuse: keep what is loaded, compiled or recorded for the next seed in the
            same process.
    """

    lesson: str
    fields: dict[str, Any] = dataclasses.field(default_factory=dict)
    matched: bool = True
    precision: str = "float32"
    seed: int = 0
    device: str = "auto"
    data: str | None = None
    limit: int | None = None
    ladder: bool = False
    twin: int = 0
    weights: str | None = None
    grid: bool = False
    init: str = "native"
    engine: str = "auto"
    threads: int | None = 1
    processes: int = 1
    reuse: bool = False


@dataclasses.dataclass
class Outcome:
    """What one track found.

    Attributes:
        trace: arrays, under the keys of shared/parity/trace.py.
        settings: the optimizer, batches and dropout that the lesson really used.
        parameters: how many trainable numbers the model has.
        steps_per_epoch: cuts trace["history/loss"] into epochs; 0 without training.
        environment: versions and device.
        notes: what the engine has to tell, one line each.
        seconds: import, build, train and evaluate; "compile" is a part of train.
        peak_memory: bytes, the process's high-water mark; None where unknown.
    """

    trace: Trace
    settings: dict[str, Any]
    parameters: int
    steps_per_epoch: int
    environment: dict[str, str]
    seconds: dict[str, float]
    peak_memory: int | None
    notes: list[str] = dataclasses.field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Everything but the arrays, fit for JSON."""
        found = dataclasses.asdict(dataclasses.replace(self, trace={}))
        del found["trace"]
        return found

    def weights(self) -> Weights:
        """The trained parameters, or the start where nothing was trained."""
        for level in ("trained/", "weights/"):
            found = {
                key.removeprefix(level): value
                for key, value in self.trace.items()
                if key.startswith(level)
            }
            if found:
                return found
        return {}
