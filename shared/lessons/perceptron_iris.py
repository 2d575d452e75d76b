"""Rosenblatt's perceptron tells two irises apart

    net = w . x + b                          predicts +1 where net >= 0, else -1
    w += rate * (target - predicted) * x     only where the prediction was wrong
    b += rate * (target - predicted)

The oldest rule that learns from its mistakes (Rosenblatt, Psychological Review 1958).
It is not gradient descent: the step function is flat, and has no gradient to follow.
Each wrong sample simply pulls the line towards itself. Where a line separates the
classes, the rule finds one after finitely many corrections (Novikoff, 1962), and then
stands still: watch the misclassifications per epoch fall to zero. Where none does, it
never rests.

Samples are seen one at a time, in the order of the table, from a zero start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics
from shared.datasets import Dataset, iris_two_species
from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("002",)
PUBLISHED_PRECISION = "float64"
NOT_APPLICABLE = {
    "gradient": "the step function is flat: the rule follows no gradient",
}


@dataclass(frozen=True)
class Config:
    """The settings of note 002."""

    learning_rate: float = setting(0.1, "size of a correction", above=0)
    epochs: int = setting(10, "passes over the hundred flowers", low=1)


def data(cfg: Config) -> Dataset:
    """Setosa (-1) and versicolor (+1): x (100, 2) in cm, y (100,)."""
    return iris_two_species()


def start(cfg: Config, seed: int) -> Weights:
    """The notes start at zero."""
    return {"kernel": np.zeros((2, 1)), "bias": np.zeros(1)}


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the hundred flowers it was trained on."""
    return metrics.signs(data.y_test, prediction)


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """The same rule in plain NumPy, float64."""
    kernel, bias = start["kernel"][:, 0].copy(), float(start["bias"][0])
    wrong = []
    for x, target in list(zip(data.x_train, data.y_train, strict=True)) * cfg.epochs:
        predicted = 1.0 if x @ kernel + bias >= 0 else -1.0
        kernel += cfg.learning_rate * (target - predicted) * x
        bias += cfg.learning_rate * (target - predicted)
        wrong.append(float(predicted != target))
    return {
        "history/loss": np.array(wrong),
        "trained/kernel": kernel[:, None],
        "trained/bias": np.array([bias]),
    }


PUBLISHED = (
    Published(
        "misclassifications per epoch",
        "result/misclassified",
        [2, 2, 3, 2, 1, 0, 0, 0, 0, 0],
        decimals=0,
    ),
    Published("bias", "trained/bias", [-0.4], decimals=8),
    Published("weights", "trained/kernel", [[-0.68], [1.82]], decimals=8),
)
