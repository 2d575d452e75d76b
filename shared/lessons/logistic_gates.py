"""Logic gates by a logistic neuron: AND and OR are learned, XOR is not

    p = sigmoid(x W + b)                              probability of a 1, shape (4, 1)
    J = -mean(y log p + (1 - y) log(1 - p))           binary cross-entropy
    W -= rate * dJ/dW                                 b -= rate * dJ/db

The neuron answers 1 where p > 1/2, which is where x W + b > 0: one side of a straight
line. A line cuts 11 off from the other rows (AND) and 00 off from the others (OR), so
both are learned, and the loss keeps falling as the weights grow. No line has 01 and 10
on one side and 00 and 11 on the other: that is what a single neuron cannot do, and why
layers were needed (`xor_mlp`).

On XOR the loss settles at ln 2 = 0.6931, that of answering one half to everything; the
lesson `xor_perceptron` shows why. The accuracy there tells little. On the way it may
pass 75 %, because a line can get three rows right; at the end p is 1/2 but for the
rounding of the last digit, and p > 1/2 would be a coin tossed four times, by each
framework anew. So a p that is above 1/2 by less than a millionth counts as a tie, and a
tie answers 0: two rows of four are right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from shared import metrics, randomness
from shared.datasets import Dataset, truth_table
from shared.lesson import Published, setting
from shared.weights import Weights

NOTES = ("000",)
TIE = 1e-6
"""A probability this little above one half is one half but for rounding."""
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
    """Accuracy on the four rows; a tie answers 0."""
    return metrics.binary(data.y_test, prediction - TIE)


PUBLISHED = (
    Published("accuracy on AND", "result/accuracy", 1.0, decimals=4, variant="and"),
    Published("accuracy on OR", "result/accuracy", 1.0, decimals=4, variant="or"),
    Published("loss on XOR", "loss[1000]", 0.6931, decimals=4, variant="xor"),
)
