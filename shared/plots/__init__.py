"""Plots of what one track found, for a page, a slide or print.

matplotlib is imported only when something is drawn, and never its global state: no
pyplot, no window, no trace of the user's own settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shared.datasets import Dataset
from shared.errors import UsageError
from shared.job import Outcome
from shared.lesson import Lesson
from shared.plots import images, lines, regions, training
from shared.plots.style import Scene, rendered, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("svg", "png")

PLOTS: dict[str, Callable[[Scene], Figure | None]] = {
    "loss": training.loss,
    "decision_regions": regions.decision_regions,
    "misclassifications": training.misclassifications,
    "curves": lines.curves,
    "paths": lines.paths,
    "errors": images.errors,
}
"""Each plot's name and who draws it; None where the trace holds nothing to draw."""


def save(
    outcome: Outcome,
    lesson: Lesson,
    data: Dataset | None,
    folder: Path,
    kind: str = "svg",
) -> list[Path]:
    """Draw what the outcome's trace allows, one file each, `PLOT.kind` in the folder.

    Args:
        outcome: of either track.
        lesson: whose outcome it is.
        data: the lesson's data; None for a lesson without any.
        folder: where to write; made if it is not there.
        kind: "svg" or "png".

    Returns:
        The files, in the order of PLOTS. The same outcome gives the same bytes.

    Raises:
        UsageError: an unknown kind, or the folder cannot be written to.
    """
    drawn = draw(outcome, lesson, data, kind)
    files = {folder / f"{name}.{kind}": content for name, content in drawn.items()}
    for path, content in files.items():
        _write(path, content)
    return list(files)


def draw(
    outcome: Outcome, lesson: Lesson, data: Dataset | None, kind: str = "svg"
) -> dict[str, bytes]:
    """What `save` writes: the content of each file by the plot's name.

    Raises:
        UsageError: an unknown kind.
    """
    if kind not in KINDS:
        raise UsageError(f"cannot draw a {kind!r} file: choose {' or '.join(KINDS)}")
    scene = Scene(outcome, lesson, data)
    with styled():
        figures = {name: plot(scene) for name, plot in PLOTS.items()}
        return {name: rendered(f, kind) for name, f in figures.items() if f is not None}


def _write(path: Path, content: bytes) -> None:
    """Write the file whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot write {path}: {error.strerror}; name another folder"
        ) from None
