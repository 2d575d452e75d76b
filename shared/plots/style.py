"""What all plots have in common: palette, type, the title strip, the file format."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from shared.datasets import Dataset
from shared.job import Outcome
from shared.lesson import Lesson

if TYPE_CHECKING:
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with any colour vision. The order keeps
# neighbours apart in grey as well.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK, GREY = "#222222", "#555555"
# On colours that are the same on a light and a dark page; there "white" is the paper.
WHITE = "#FDFDFD"

_STRIP = 0.36  # inches for the title; each line under it takes a _LINE more
_LINE = 0.2
_FRAMEWORKS = {"keras": "Keras", "torch": "PyTorch"}
_SETTINGS: Any = {  # matplotlib types its keys in some versions and not in others
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    "axes.xmargin": 0.02,
    # The font that matplotlib brings along, as outlines: the same picture anywhere.
    "font.family": "DejaVu Sans",
    "svg.fonttype": "path",
    "font.size": 10,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "lines.linewidth": 2,
    # Without it the identifiers in a file would be random.
    "svg.hashsalt": "twotrack",
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
}

Style = dict[str, Any]
"""Keyword arguments for matplotlib."""


class Captioned(Protocol):
    """What a figure is about, in a line."""

    @property
    def caption(self) -> str: ...


@dataclasses.dataclass(frozen=True)
class Scene:
    """What there is to draw."""

    outcome: Outcome
    lesson: Lesson
    data: Dataset | None

    @property
    def caption(self) -> str:
        """The lesson's subject and the track's framework."""
        subject = self.lesson.title.partition(":")[0]
        for package, name in _FRAMEWORKS.items():
            if package in self.outcome.environment:
                return f"{subject}, in {name}"
        return subject

    def named(self, prefix: str) -> dict[str, Any]:
        """The arrays of the trace under that prefix, by the rest of their key."""
        trace = self.outcome.trace
        return {k.removeprefix(prefix): trace[k] for k in trace if k.startswith(prefix)}


@contextlib.contextmanager
def styled() -> Iterator[None]:
    """Within it matplotlib follows these settings, whatever the user's are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def figure(
    title: str,
    scene: Captioned,
    size: tuple[float, float] = (6, 4),
    note: str = "",
) -> Figure:
    """An empty figure with its title, the lesson and track, and a note in red.

    Args:
        title: what is drawn, in plain words.
        scene: says what it is about.
        size: width and height in inches; the axes keep clear of the titles.
        note: what the reader must not miss.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width, height = size
    lines = [(line, GREY) for line in textwrap.wrap(scene.caption, int(13 * width))]
    lines += [(note, RED)] if note else []
    strip = _STRIP + _LINE * len(lines) + 0.05
    below = ConstrainedLayoutEngine(rect=(0, 0, 0.99, 1 - strip / height))
    drawn = Figure(size, layout=below)
    left, top = 0.1 / width, 1 - 0.1 / height
    drawn.text(left, top, title, size=14, weight="bold", va="top")
    for i, (line, colour) in enumerate(lines):
        y = 1 - (_STRIP + _LINE * i) / height
        drawn.text(left, y, line, size=10.5, color=colour, va="top")
    drawn.set_label(f"{title}: {scene.caption}")
    return drawn


def rendered(drawn: Figure, kind: str) -> bytes:
    """The figure as a file's content, with nothing in it of the day or the machine."""
    buffer = io.BytesIO()
    unwanted = ("Date", "Creator") if kind == "svg" else ("Software",)
    metadata = {"Title": str(drawn.get_label()), **dict.fromkeys(unwanted)}
    # In an SVG only faint dots are pixels, where there are thousands of them.
    dpi = 100 if kind == "svg" else 200
    drawn.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    content = buffer.getvalue()
    return _shortened(content) if kind == "svg" else content


def _shortened(svg: bytes) -> bytes:
    """The same with outlines to a hundredth of a point: up to a quarter fewer bytes."""

    def cut(outline: re.Match[bytes]) -> bytes:
        return re.sub(rb"(\.\d\d)\d+", rb"\1", outline[0])

    return re.sub(rb'\bd="[^"]*"', cut, svg)


def round_ticks(axis: Axis, count: int, whole: bool = False) -> None:
    """At most so many ticks, at round numbers; or only at whole ones."""
    from matplotlib.ticker import MaxNLocator

    steps = [1, 2, 5, 10]
    axis.set_major_locator(MaxNLocator(count, steps=steps, integer=whole))


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """The colour thinned with white: 0 is white, 1 the colour itself."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue
