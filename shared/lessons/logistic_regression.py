"""Logistic regression: hours in class and of study predict a pass

    p = sigmoid(x W + b)                              probability, shape (6, 1)
    J = -mean(y log p + (1 - y) log(1 - p))           binary cross-entropy
    dJ/dW = 1/6 x^T (p - y)                           dJ/db = mean(p - y)
    W -= rate * dJ/dW                                 b -= rate * dJ/db

The target is one of two classes, not an amount, so this is classification. Output layer
and loss follow from that: the sigmoid turns the weighted sum into a probability, and
the cross-entropy is the negative logarithm of the probability given to what happened. A
confident mistake costs without bound; squared error would charge at most 1 for it.

Together the two have a simple derivative. The logarithm's divides by p (1 - p), the
sigmoid's is p (1 - p), and the two cancel: what is left is the error p - y, as in
linear regression.

The loss at the start is ln 2 = 0.693 whatever the data, because zero weights give
everyone one half. After 1000 steps it is 0.234 and still falling: a line parts the two
classes, so larger weights are always a little better. The two students nearest to the
line, with probabilities 0.47 and 0.72, are on their sides of it by then.

The same lesson twice: `form=raw` holds two tensors and writes out loss and update;
`form=layer` takes the framework's. The notes train the layer at rate 0.01, a fifth of
the other: after as many steps it has come less far, and the third student is still on
the wrong side. Both start at zero here; run natively, the layer starts as its framework
does. The variant `one_fewer` stops a step before `raw`: there the notes print what was
predicted before the last update.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics
from shared.datasets import Dataset, study_hours
from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("003",)
VARIANTS = {
    "raw": {"form": "raw", "learning_rate": 0.05},
    "layer": {"form": "layer", "learning_rate": 0.01},
    # The notes print what is predicted before the last update.
    "one_fewer": {"form": "raw", "learning_rate": 0.05, "epochs": 999},
}


@dataclass(frozen=True)
class Config:
    """The settings of note 003."""

    form: str = setting(
        "raw", "raw: two tensors; layer: a layer and SGD", choices=("raw", "layer")
    )
    learning_rate: float = setting(0.05, "step size of gradient descent", above=0)
    epochs: int = setting(1000, "steps; each sees all six students", low=1)


def data(cfg: Config) -> Dataset:
    """Six students: x (6, 2), hours; y (6, 1), 1 for a pass."""
    return study_hours()


def start(cfg: Config, seed: int) -> Weights:
    """The notes start the raw tensors at zero."""
    prefix = "" if cfg.form == "raw" else "logit/"
    return {f"{prefix}kernel": np.zeros((2, 1)), f"{prefix}bias": np.zeros(1)}


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the six students."""
    return metrics.binary(data.y_test, prediction)


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """The derivatives above in plain NumPy, float64."""
    kernel_name, bias_name = start
    kernel, bias = start[kernel_name].copy(), start[bias_name].copy()
    rate = cfg.learning_rate
    if cfg.form == "layer":
        rate = float(np.float32(rate))  # as Keras' optimizers have it
    x, y = data.x_train, data.y_train
    trace: Trace = {}
    losses = []
    for _ in range(cfg.epochs):
        p = 1 / (1 + np.exp(-(x @ kernel + bias)))
        gradient = {
            kernel_name: x.T @ (p - y) / len(x),
            bias_name: np.mean(p - y, axis=0),
        }
        losses.append(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
        if not trace:
            trace |= {f"gradient/{name}": g for name, g in gradient.items()}
        kernel -= rate * gradient[kernel_name]
        bias -= rate * gradient[bias_name]
    return trace | {
        "loss": losses[0],
        "history/loss": np.array(losses),
        f"trained/{kernel_name}": kernel,
        f"trained/{bias_name}": bias,
        "prediction": 1 / (1 + np.exp(-(x @ kernel + bias))),
    }


# The notes count epochs from 1. Six figures: their float32 has a unit of 3e-8 here, and
# 400 steps gather two of them.
PUBLISHED = (
    Published("cost at epoch 375", "loss[374]", 0.3568093777, digits=6, variant="raw"),
    Published("cost at epoch 376", "loss[375]", 0.3565260470, digits=6, variant="raw"),
    Published("cost at epoch 377", "loss[376]", 0.3562430441, digits=6, variant="raw"),
    Published("cost at epoch 378", "loss[377]", 0.3559605181, digits=6, variant="raw"),
    Published(
        "probabilities",
        "prediction",
        [[0.0725], [0.1928], [0.4653], [0.7150], [0.8905], [0.9654]],
        decimals=4,
        variant="one_fewer",
    ),
)
