"""What the model answers over the plane of its two features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.datasets import Dataset
from shared.plane import plane
from shared.plots.style import (
    COLOURS,
    INK,
    MARKERS,
    WHITE,
    Scene,
    Style,
    figure,
    round_ticks,
    tint,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure

_SIZE = (6, 4.8)
_TINT = 0.35
_RIM = 5  # cells along the edge, which blurring bends
_PROBABILITIES = np.linspace(0, 1, 11)

# x, y and one or more values at the points of the grid
Plane = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def decision_regions(scene: Scene) -> Figure | None:
    """The prediction on the grid, with the training samples over it."""
    data, grid = scene.data, scene.outcome.trace.get("grid")
    points = None if data is None else plane(data.x_train)
    if data is None or grid is None or points is None or not np.isfinite(grid).all():
        return None
    side = round(len(points) ** 0.5)
    x, y = points.reshape(side, side, 2).transpose(2, 0, 1)
    over = x, y, grid.astype(np.float64).reshape(side, side, -1)
    draw = _classes if data.class_names else _surface
    return draw(scene, data, over)


def _classes(scene: Scene, data: Dataset, over: Plane) -> Figure:
    drawn = figure("Decision regions", scene, _SIZE)
    axes = _axes(drawn, data)
    x, y, values = over
    if values.shape[2] > 1:
        _winners(axes, over)
    elif _are_probabilities(values):
        name = data.class_names[-1]
        told = f"class {name}" if name.isdigit() else name
        _probabilities(axes, over, f"predicted probability of {told}")
    else:
        margin = _margin(values, data.y_train)
        axes.set(xlim=x[0, [_RIM, -_RIM]], ylim=y[[_RIM, -_RIM], 0])
        _winners(axes, (x, y, np.concatenate([-margin, margin], axis=2)))
    _samples(axes, data)
    names = len(data.class_names)
    drawn.legend(loc="outside lower center", ncols=names, title="true class")
    return drawn


def _axes(drawn: Figure, data: Dataset) -> Axes:
    xlabel, ylabel = data.feature_names or ("feature 1", "feature 2")
    axes = drawn.add_subplot(xlabel=xlabel, ylabel=ylabel)
    axes.spines[:].set_visible(False)
    round_ticks(axes.xaxis, 8)
    round_ticks(axes.yaxis, 8)
    return axes


def _are_probabilities(values: NDArray[Any]) -> bool:
    between = values.min() >= 0 and values.max() <= 1
    return bool(between and not np.isin(values, (0, 1)).all())


def _margin(values: NDArray[Any], target: NDArray[Any]) -> NDArray[Any]:
    """How far a value lies above the middle between the two targets."""
    margin = values - (target.min() + target.max()) / 2
    # A step is only known to one cell of the grid: blurred by two cells, a straight
    # boundary is drawn straight and not as a staircase.
    return margin if np.unique(margin).size > 2 else _blurred(np.sign(margin))


def _blurred(values: NDArray[Any]) -> NDArray[Any]:
    for axis in (0, 1) * 8:
        values = np.moveaxis(values, axis, 0)
        wide = np.concatenate([values[:1], values, values[-1:]])
        values = (wide[:-2] + 2 * wide[1:-1] + wide[2:]) / 4
        values = np.moveaxis(values, 0, axis)
    return values


def _winners(axes: Axes, over: Plane) -> None:
    """Tint every point with the colour of the class that scores highest there."""
    x, y, scores = over
    for k in range(scores.shape[2]):
        lead = scores[:, :, k] - np.delete(scores, k, axis=2).max(axis=2)
        if lead.max() > 0:
            area = [0, lead.max() + 1]
            axes.contourf(x, y, lead, area, colors=[tint(COLOURS[k], _TINT)])
        _boundary(axes, x, y, lead, 0)


def _probabilities(axes: Axes, over: Plane, label: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    x, y, values = over
    flat = np.ptp(values) <= 1e-3
    if flat:  # else shades and line would follow rounding errors
        values = np.full_like(values, values.mean() - 1e-6)
        label += f"\n({values.mean():.2g} everywhere, but for rounding)"
    elif values.min() < 0.5 < values.max():
        label += "\n(line: 0.5)"
    ends = [tint(COLOURS[0], 0.6), (1, 1, 1), tint(COLOURS[1], 0.6)]
    shades = LinearSegmentedColormap.from_list("classes", ends)
    filled = axes.contourf(x, y, values[:, :, 0], _PROBABILITIES, cmap=shades)
    filled.set_edgecolor("face")
    assert axes.figure is not None
    bar = axes.figure.colorbar(filled, ax=axes, label=label, ticks=_PROBABILITIES[::2])
    _without_frame(bar)
    _boundary(axes, x, y, values[:, :, 0], 0.5)


def _boundary(
    axes: Axes, x: NDArray[Any], y: NDArray[Any], values: NDArray[Any], at: float
) -> None:
    if values.min() < at < values.max():
        axes.contour(x, y, values, [at], colors=[INK], linewidths=1.5)


def _samples(axes: Axes, data: Dataset) -> None:
    target = data.y_train.ravel()
    index = (target > 0) if target.min() < 0 else target
    for k, name in enumerate(data.class_names):
        x, y = data.x_train[index == k].T
        edge: Style = {"edgecolors": INK, "linewidths": 0.8, "zorder": 3}
        look: Style = {"color": COLOURS[k], "marker": MARKERS[k], **edge}
        axes.scatter(x, y, s=45 if len(target) > 20 else 110, label=name, **look)


def _surface(scene: Scene, data: Dataset, over: Plane) -> Figure:
    """Regression: filled contours; each sample is filled with its target's colour."""
    drawn = figure("What the model predicts", scene, _SIZE)
    axes = _axes(drawn, data)
    x, y, values = over
    levels = _levels(np.concatenate([values.ravel(), data.y_train.ravel()]))
    shade: Style = {"cmap": "viridis", "vmin": levels[0], "vmax": levels[-1]}
    filled = axes.contourf(x, y, values[:, :, 0], levels, **shade)
    filled.set_edgecolor("face")
    axes.contour(x, y, values[:, :, 0], levels, colors=WHITE, linewidths=0.6)
    a, b = data.x_train.T
    axes.scatter(a, b, s=190, color=INK, zorder=3)
    dots: Style = {"s": 130, "edgecolors": WHITE, "linewidths": 2, "zorder": 3}
    axes.scatter(a, b, c=data.y_train.ravel(), **dots, **shade)
    _without_frame(
        drawn.colorbar(filled, ax=axes, label="prediction (circles: target)")
    )
    return drawn


def _without_frame(bar: Colorbar) -> None:
    outline: Any = bar.outline  # which older stubs of matplotlib mistake for a method
    outline.set_visible(False)


def _levels(values: NDArray[Any]) -> NDArray[Any]:
    """Round numbers that enclose the values."""
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(12, steps=[1, 2, 2.5, 5, 10])
    return np.asarray(locator.tick_values(values.min(), values.max()))
