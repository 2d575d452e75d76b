"""XOR with a single neuron: stuck at ln 2

    p = sigmoid(x W + b)                              shape (4, 1)
    J = -mean(y log p + (1 - y) log(1 - p))
    dJ/dW = 1/4 x^T (p - y)                           dJ/db = mean(p - y)

One neuron draws one straight line, and no line has 01 and 10 on one side and 00 and 11
on the other. What does training find instead? Put W = 0 and b = 0: every p is 1/2, and
each input is on once where y is 1 and once where y is 0, and y is 1 in two rows of
four, so the differences p - y cancel in dJ/dW and in dJ/db. The slope is zero, and as J
is convex there is no better place: the loss is ln 2 = 0.693147, that of a coin. More
steps, a smaller rate or another start (`--set start=random --seed 3`) end there too;
only another layer helps (`xor_mlp`).

Watch the loss arrive within 200 steps and stay for the other 9800. The weights shrink
until only rounding is left, so p > 1/2 would be decided by the last digit, differently
in each framework. A p that is above 1/2 by less than a millionth therefore counts as a
tie, and a tie answers 0: two rows of four are right, as in the notes.
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
MARGIN = 0.1
STUDY = {"start": "random"}
TIE = 1e-6
"""A probability this little above one half is one half but for rounding."""


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
    """Accuracy on the four rows; a tie answers 0."""
    return metrics.binary(data.y_test, prediction - TIE)


def solved(data: Dataset, prediction: NDArray[Any]) -> bool:
    """Whether all four rows are right."""
    return score(data, prediction)["accuracy"] == 1.0


# Six figures on the way: float32 has a unit of 6e-8 here. At rest it is exact.
PUBLISHED = (
    Published("loss at step 0", "loss[0]", 0.7273974418640137, digits=6),
    Published("loss at step 100", "loss[100]", 0.6931475, digits=6),
    Published("loss at step 200", "loss[200]", 0.6931471824645996, digits=7),
    Published("loss at step 1000", "loss[1000]", 0.6931471824645996, digits=7),
    Published("loss at step 10000", "loss[10000]", 0.6931471824645996, digits=7),
    Published("probabilities", "prediction", [[0.5], [0.5], [0.5], [0.5]], digits=6),
    Published("accuracy", "result/accuracy", 0.5, decimals=4),
)
