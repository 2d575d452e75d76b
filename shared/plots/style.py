"""What all plots have in common: palette, type, the title strip, the file format."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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

_STRIP = 0.36  # inches of the title; each line under it takes a _LINE more
_LINE = 0.2
_FRAMEWORKS = {"keras": "Keras", "torch": "PyTorch"}
_SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 11,
    # The font that matplotlib brings along, as outlines: the same picture anywhere.
    "font.family": "DejaVu Sans",
    "svg.fonttype": "path",
    "font.size": 10,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.dpi": 200,
    # Without it every file would draw its own random identifiers.
    "svg.hashsalt": "twotrack",
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
}


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
        matplotlib.rcParams.update(_SETTINGS)  # type: ignore[arg-type]
        yield


def figure(
    title: str,
    scene: Scene,
    size: tuple[float, float] = (6, 4),
    note: str = "",
) -> Figure:
    """An empty figure with its title, the lesson and track, and a note in red.

    Args:
        title: what is drawn, in plain words.
        scene: names the lesson and the track.
        size: width and height in inches; the axes keep clear of the titles.
        note: what the reader must not miss.
    """
    from matplotlib.figure import Figure

    width, height = size
    lines = [(line, GREY) for line in textwrap.wrap(scene.caption, int(11.5 * width))]
    lines += [(note, RED)] if note else []
    strip = _STRIP + _LINE * len(lines) + 0.1
    drawn = Figure(size, layout="constrained")
    engine = drawn.get_layout_engine()
    assert engine is not None
    engine.set(rect=(0, 0, 1, 1 - strip / height))
    left, top = 0.1 / width, 1 - 0.1 / height
    drawn.text(left, top, title, size=14, weight="bold", va="top")
    for i, (line, colour) in enumerate(lines):
        y = 1 - (_STRIP + _LINE * i) / height
        drawn.text(left, y, line, size=10.5, color=colour, va="top")
    drawn.set_label(title)
    return drawn


def rendered(drawn: Figure, kind: str) -> bytes:
    """The figure as a file's content, with nothing in it of the day or the machine."""
    buffer = io.BytesIO()
    unwanted = ("Date", "Creator") if kind == "svg" else ("Software",)
    metadata = {"Title": str(drawn.get_label()), **dict.fromkeys(unwanted)}
    drawn.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()


def whole_numbers(axis: Axis) -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, nbins=10, min_n_ticks=1))


def tint(colour: str, strength: float) -> tuple[float, float, float]:
    """The colour thinned with white: 0 is white, 1 the colour itself."""
    from matplotlib.colors import to_rgb

    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(colour))
    return red, green, blue
