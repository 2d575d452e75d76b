"""One definition of each metric, for both tracks (on scikit-learn)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def binary(y: NDArray, probability: NDArray) -> dict[str, float]:
    """Accuracy of probabilities, any shape of N elements: positive when above 0.5."""
    return _accuracy(y.ravel() > 0.5, probability.ravel() > 0.5)


def multiclass(y: NDArray, score: NDArray) -> dict[str, float]:
    """Accuracy of class scores, shape (N, classes), against labels, shape (N,).

    The largest score wins; the first of equals, as argmax has it in both frameworks.
    """
    return _accuracy(y, score.argmax(axis=1))


def signs(y: NDArray, predicted: NDArray) -> dict[str, float]:
    """Accuracy of predictions in {-1, +1}, shape (N,)."""
    return _accuracy(y.ravel(), predicted.ravel())


def regression(y: NDArray, predicted: NDArray) -> dict[str, float]:
    """Coefficient of determination and mean squared error of N predictions."""
    from sklearn.metrics import mean_squared_error, r2_score

    y, predicted = y.ravel(), predicted.ravel().astype(np.float64)
    return {
        "r2": float(r2_score(y, predicted)),
        "mse": float(mean_squared_error(y, predicted)),
    }


def _accuracy(y: NDArray, predicted: NDArray) -> dict[str, float]:
    from sklearn.metrics import accuracy_score

    return {"accuracy": float(accuracy_score(y, predicted))}
