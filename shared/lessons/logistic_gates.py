"""Logic gates by a logistic neuron: AND and OR are learned, XOR is not

    p = sigmoid(x W + b)                              probability of a 1, shape (4, 1)
    J = -mean(y log p + (1 - y) log(1 - p))           binary cross-entropy
    W -= rate * dJ/dW                                 b -= rate * dJ/db
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics, randomness
from shared.datasets import Dataset, truth_table
from shared.lesson import Published, setting
from shared.weights import Weights

NOTES = ("000",)
VARIANTS = {
    "and": {"gate": "and"},
    "or": {"gate": "or"},
    "xor": {"gate": "xor"},
}


@dataclass(frozen=True)
class Config:
    """The settings of note 000."""

    gate: str = setting("and", "the gate to learn", choices=("and", "or", "xor"))
    learning_rate: float = setting(1.0, "step size of gradient descent", above=0)
    epochs: int = setting(1001, "steps; each sees all four rows", low=1)


def data(cfg: Config) -> Dataset:
    """The gate's truth table: x (4, 2), y (4, 1)."""
    return truth_table(cfg.gate)


def start(cfg: Config, seed: int) -> Weights:
    """A Glorot kernel and a zero bias; the notes' random start is not known."""
    return randomness.dense(seed, "output", 2, 1)


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the four rows."""
    return metrics.binary(data.y_test, prediction)


PUBLISHED = (
    Published("accuracy on AND", "result/accuracy", 1.0, decimals=4, variant="and"),
    Published("accuracy on OR", "result/accuracy", 1.0, decimals=4, variant="or"),
    Published("loss on XOR", "loss[1000]", 0.6931, decimals=4, variant="xor"),
)
