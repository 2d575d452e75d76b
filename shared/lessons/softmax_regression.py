"""Softmax regression: four scores, three grades

    z = x W + b                                       logits, shape (8, 3)
    p = exp(z) / sum(exp(z))                          softmax: each row sums to 1
    J = -mean(log p[grade])                           cross-entropy
    dJ/dz = (p - one_hot(grade)) / 8

More than two classes: one logit for each, and softmax makes of them positive numbers
that sum to 1. With two classes it is the sigmoid of the difference of the logits, so
this is logistic regression, continued. The cross-entropy needs only the probability
given to the right class.

Both frameworks compute softmax and logarithm in one, from the logits:

    log p = z - max(z) - log(sum(exp(z - max(z))))

which neither overflows nor takes the logarithm of 0. Probabilities are made where they
are wanted, in the prediction.

The notes' rate, 1, is a rough ride. The weights are thrown from side to side, the loss
leaps as high as 30 for 750 steps or more, and then it is calm: the grades can be parted
by planes, and one of the leaps has landed where all eight are right with room to spare.
`--set learning_rate=0.08` falls at every step, yet is at 0.28 when the wild ride is at
0.002; at 0.2 the loss swings to and fro, and at 0.3 it begins to leap.

While it leaps the training is chaotic: an error in the last digit grows tenfold every
eight steps. In float64 the two frameworks part after about fifty steps and have nothing
in common after two hundred, and so has either framework with itself if the start is
moved by one unit in the last place. Still both arrive: from each of the seeds 0 to 9
all eight are right.
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


PUBLISHED = (Published("sums of the rows", "result/row_sums", [1.0] * 8, decimals=4),)
