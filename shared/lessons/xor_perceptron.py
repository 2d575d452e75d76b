"""XOR with a single neuron: stuck at ln 2

    p = sigmoid(x W + b)                              shape (4, 1)
    J = -mean(y log p + (1 - y) log(1 - p))
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

NOTES = ("000", "001", "004")


@dataclass(frozen=True)
class Config:
    """The settings of note 004."""

    learning_rate: float = setting(1.0, "step size of gradient descent", above=0)
    epochs: int = setting(10_001, "steps; each sees all four rows", low=1)
    start: str = setting(
        "published",
        "published: the start of the notes; random: by --seed",
        choices=("published", "random"),
    )


def data(cfg: Config) -> Dataset:
    """The truth table of XOR: x (4, 2), y (4, 1)."""
    return truth_table("xor")


def start(cfg: Config, seed: int) -> Weights:
    """The notes' start is what PyTorch draws for one Linear layer after seed 777."""
    if cfg.start == "published":
        return {
            "output/kernel": np.array([[-0.591261], [-0.0125335455]]),
            "output/bias": np.array([-0.13676392]),
        }
    return randomness.dense(seed, "output", 2, 1)


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the four rows."""
    return metrics.binary(data.y_test, prediction)


PUBLISHED = (
    Published("loss at step 0", "loss[0]", 0.7273974418640137, digits=6),
    Published("loss at step 100", "loss[100]", 0.6931475, digits=6),
    Published("loss at step 200", "loss[200]", 0.6931471824645996, digits=6),
    Published("loss at step 10000", "loss[10000]", 0.6931471824645996, digits=6),
    Published("probabilities", "prediction", [[0.5], [0.5], [0.5], [0.5]], digits=6),
)
