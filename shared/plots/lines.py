"""Plots of what a lesson computes: functions with derivatives, paths in a valley."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.plots.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    RED,
    Scene,
    Style,
    figure,
    round_ticks,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SLOPE = "_derivative"
_KINDS = {"-": INK, "--": RED}


def curves(scene: Scene) -> Figure | None:
    """One panel a function: itself solid, its derivative dashed."""
    found = scene.named("result/curve/")
    x = found.pop("x", None)
    if x is None or not found:
        return None
    panels = list(dict.fromkeys(name.removesuffix(_SLOPE) for name in found))
    slopes = any(name.endswith(_SLOPE) for name in found)
    title = "Functions and their derivatives" if slopes else "Functions"
    drawn, grid = _grid(title, scene, len(panels), "x")
    for name, axes in zip(panels, grid, strict=True):
        axes.set_title(name.replace("_", " "))
        axes.axhline(0, color=GREY, linewidth=0.8)
        axes.axvline(0, color=GREY, linewidth=0.8)
        for key, line in ((name, "-"), (name + _SLOPE, "--")):
            if key in found:
                axes.plot(x, found[key], line, color=_KINDS[line])
    if slopes:
        kinds = {"function": "-", "derivative": "--"}
        for label, line in kinds.items():
            grid[0].plot([], [], line, color=_KINDS[line], label=label)
        drawn.legend(loc="outside lower center", ncols=2)
    return drawn


def paths(scene: Scene) -> Figure | None:
    """One panel a path, over the contours of the lesson's valley if it has one."""
    full = scene.named("result/path/")
    found = {name: path for name in full if len(path := _bounded(full[name]))}
    if not found:
        return None
    lost = [n.replace("_", " ") for n in found if len(found[n]) < len(full[n])]
    note = f"Diverged, and cut off there: {', '.join(lost)}" if lost else ""
    valley = scene.lesson.optional("valley")
    drawn, grid = _grid("Paths downhill", scene, len(found), "a", "b", note)
    low, high = _box(np.concatenate(list(found.values())))
    for (name, path), axes in zip(found.items(), grid, strict=True):
        axes.set_title(name.replace("_", " "))
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        if valley is not None:
            _contours(axes, valley, low, high)
        axes.plot(*path.T, ".-", color=BLUE, linewidth=1.2, markersize=4)
        axes.plot(*path[0], "o", color=ORANGE, markeredgecolor=INK, label="start")
        axes.plot(*path[-1], "X", color=RED, markeredgecolor=INK, label="end")
    handles, labels = grid[0].get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=2)
    return drawn


def _grid(
    title: str, scene: Scene, panels: int, xlabel: str, ylabel: str = "", note: str = ""
) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, two a row; all alike if `ylabel` is given."""
    columns = min(panels, 2)
    rows = -(-panels // columns)
    size = 6.0, max(4.0, 1.2 + 1.7 * rows)
    drawn = figure(title, scene, size, note)
    shared: Style = {"sharex": True, "sharey": bool(ylabel)}
    grid = drawn.subplots(rows, columns, squeeze=False, **shared)
    for place, axes in enumerate(grid.flat):
        round_ticks(axes.xaxis, 5)
        round_ticks(axes.yaxis, 5)
        axes.set_visible(place < panels)
        if place % columns == 0:
            axes.set_ylabel(ylabel)
        if place + columns >= panels:
            axes.set_xlabel(xlabel)
            axes.tick_params(labelbottom=True)
    return drawn, list(grid.flat[:panels])


def _bounded(path: NDArray[Any]) -> NDArray[Any]:
    """The path up to where it leaves all bounds: NaN, infinite or past 1e30."""
    bad = np.flatnonzero(~(np.abs(path) < 1e30).all(axis=1))
    return path[: bad[0]] if len(bad) else path


def _box(points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The corners of a box around the points, with a margin."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.1 * (high - low) + 1e-9
    return low - margin, high + margin


def _contours(
    axes: Axes, valley: Callable[..., Any], low: NDArray[Any], high: NDArray[Any]
) -> None:
    a, b = np.meshgrid(*np.linspace(low, high, 101).T)
    height = valley(a, b)
    # Lines with equal areas between them show the bottom as well as the walls.
    levels = np.unique(np.quantile(height, np.linspace(0.02, 0.98, 10)))
    axes.contour(a, b, height, levels, colors="#BBBBBB", linewidths=0.8)
