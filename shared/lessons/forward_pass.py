"""A forward pass: three inputs through four hidden neurons to two outputs

    h = sigmoid(x W1 + b1)          (1, 3) (3, 4) -> (1, 4)
    y = h W2 + b2                   (1, 4) (4, 2) -> (1, 2)

A layer is a matrix product, a bias and an activation, nothing more: each column of W
holds the weights of one neuron, and one product computes all neurons for all rows of x.
The lesson writes the products out and then builds the same network from layers.

When regression, and when classification? The last layer follows from the question. A
quantity, as here, may take any value: linear output, squared error. Yes or no is one
probability: sigmoid, binary cross-entropy. One class of many is a probability for each,
adding up to 1: softmax, cross-entropy. The layers before it do not change.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.datasets import Dataset
from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("002",)
PUBLISHED_PRECISION = "float64"

WEIGHTS = {
    "hidden/kernel": np.array(
        [[0.1, 0.3, 0.5, 0.7], [0.1, 0.3, 0.3, 0.7], [0.2, 0.1, 0.6, 0.8]]
    ),
    "hidden/bias": np.array([0.11, 0.12, 0.13, 0.14]),
    "output/kernel": np.array([[0.1, 0.5], [0.2, 0.6], [0.3, 0.4], [0.35, 0.35]]),
    "output/bias": np.array([0.1, 0.5]),
}


@dataclass(frozen=True)
class Config:
    """The input of note 002."""

    x1: float = setting(1.0, "first input")
    x2: float = setting(0.5, "second input")
    x3: float = setting(0.7, "third input")


def data(cfg: Config) -> Dataset:
    """One sample: x (1, 3). Nothing is learned, so its y (1, 2) is an idle zero."""
    return Dataset(
        name="forward_pass",
        x_train=np.array([[cfg.x1, cfg.x2, cfg.x3]]),
        y_train=np.zeros((1, 2)),
        licence="facts from the lecture notes; no rights claimed",
        source="example in the lecture notes",
    )


def start(cfg: Config, seed: int) -> Weights:
    """The notes' weights; there is nothing to draw."""
    return dict(WEIGHTS)


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """The same products in plain NumPy, float64."""
    net = data.x_test @ start["hidden/kernel"] + start["hidden/bias"]
    hidden = 0.5 * (1.0 + np.tanh(0.5 * net))  # the sigmoid, without overflow
    output = hidden @ start["output/kernel"] + start["output/bias"]
    return {
        "prediction": output,
        "result/hidden": hidden[0],
        "result/output": output[0],
        "result/output_of_layers": output[0],
    }


PUBLISHED = (
    # Computed from the notes' weights: the notes print none.
    Published("output", "result/output", [0.81956037, 1.7977893], digits=8),
)
