"""TensorBoard's event files: the loss of every step, and the metrics at the end.

Both tracks write the same tags, each as a run of its own, DIR/LESSON/tf and
DIR/LESSON/torch: TensorBoard then draws both curves in one chart. Its package is
needed, but no framework.
"""

from __future__ import annotations

import importlib.util
import io
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared import results
from shared.errors import MissingError
from shared.results import Comparison

OPTION = "--logdir"
FILE = "events.out.tfevents.twotrack"
"""Always the same, so that a run takes the place of the one before."""


def folder(path: str) -> Path:
    """The folder for the runs, made if need be.

    Raises:
        UsageError: it cannot be made or written to.
        MissingError: tensorboard is not installed.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingError("--logdir needs tensorboard: pip install tensorboard")
    return results.folder(path, OPTION)


def write(
    into: Path, lesson: str, track: str, found: Mapping[str, Mapping[str, Any]]
) -> Path:
    """Write what one track found in a lesson.

    Args:
        into: the folder that TensorBoard is given.
        lesson: its name, which begins every tag.
        track: "tf" or "torch".
        found: by variant ("" if there is none) the "history" with its "loss", if it was
            trained, and the "metrics".

    Returns:
        The file.

    Raises:
        UsageError, MissingError: it cannot be written.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = io.BytesIO()
    records = RecordWriter(buffer)
    # The engine runs many steps at once: what there is, is the time when all were done.
    now = time.time()
    events = [Event(wall_time=now, file_version="brain.Event:2")]
    for tag, step, value in _scalars(lesson, found):
        one = Summary.Value(tag=tag, simple_value=value)
        events.append(Event(wall_time=now, step=step, summary=Summary(value=[one])))
    for event in events:
        records.write(event.SerializeToString())
    file = results.folder(into / lesson / track, OPTION) / FILE
    results.write(file, buffer.getvalue(), OPTION)
    return file


def write_comparison(into: Path, comparison: Comparison) -> None:
    """Write both runs of a comparison: those of the last precision.

    Raises:
        UsageError, MissingError: they cannot be written.
    """
    for track, told in comparison.tracks.items():
        write(into, comparison.lesson, track, told.get("variants", {"": told}))


def _scalars(
    lesson: str, found: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, int, float]]:
    """(tag, step, value), of every tag in the order of the steps."""
    for variant, report in found.items():
        tags = f"{lesson}/{variant}" if variant else lesson
        losses = report.get("history", {}).get("loss", ())
        for step, loss in enumerate(losses):
            yield f"{tags}/loss", step, float(loss)
        for metric, value in report["metrics"].items():
            yield f"{tags}/{metric}", max(len(losses) - 1, 0), value
