"""A sheet of the test images that the model takes for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.plots.style import Scene, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROWS, _COLUMNS = 4, 6


def errors(scene: Scene) -> Figure | None:
    """The most confident mistakes first, each with its true and predicted class."""
    data, scores = scene.data, scene.outcome.trace.get("prediction")
    if data is None or scores is None or data.x_test.ndim != 3 or scores.ndim != 2:
        return None
    true = data.y_test.ravel()
    wrong = _most_confident(true, scores)
    if not len(wrong):
        return None
    title = f"{len(wrong):,} of {len(true):,} test images are misread"
    drawn = figure(title, scene, (6, 5.8))
    for place, i in enumerate(wrong[: _ROWS * _COLUMNS]):
        axes = drawn.add_subplot(_ROWS, _COLUMNS, place + 1)
        axes.imshow(data.x_test[i], cmap="gray_r", interpolation="none")
        k = int(scores[i].argmax())
        said = f"{data.class_names[true[i]]} read as {data.class_names[k]}"
        axes.set_title(f"{said}\n{scores[i, k]:.1%} sure", size=9, pad=3)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color="#CCCCCC")
    return drawn


def _most_confident(true: NDArray[Any], scores: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the misclassified samples, the highest score first."""
    wrong = np.flatnonzero((scores.argmax(axis=1) != true) & np.isfinite(scores).all(1))
    return wrong[np.argsort(-scores[wrong].max(axis=1), kind="stable")]
