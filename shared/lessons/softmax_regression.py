"""Softmax regression: four scores, three grades

    z = x W + b                                       logits, shape (8, 3)
    p = exp(z) / sum(exp(z))                          softmax: each row sums to 1
    J = -mean(log p[grade])                           cross-entropy
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from shared import metrics, randomness
from shared.datasets import Dataset, grades
from shared.lesson import Published, setting
from shared.weights import Weights

NOTES = ("003",)


@dataclass(frozen=True)
class Config:
    """The settings of note 003."""

    learning_rate: float = setting(1.0, "step size of gradient descent", above=0)
    epochs: int = setting(1000, "steps; each sees all eight students", low=1)


def data(cfg: Config) -> Dataset:
    """Eight students: x (8, 4), scores; y (8,), the index of the grade."""
    return grades()


def start(cfg: Config, seed: int) -> Weights:
    """A Glorot kernel and zero biases; the notes' random start is not known."""
    return randomness.dense(seed, "logits", 4, 3)


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the eight students."""
    return metrics.multiclass(data.y_test, prediction)


PUBLISHED = (
    Published("sums of the rows", "result/row_sums", [1.0] * 8, decimals=4),
)
