"""Handwritten digits: Flatten, Dense, Dropout, Dense on MNIST

    h = relu(flatten(x) W1 + b1)                 shape (batch, 100)
    h' = h * mask / (1 - rate)                   in training only: dropout
    p = softmax(h' W2 + b2)                      shape (batch, 10)
    J = -mean(log p[label])

Dropout (Srivastava et al., JMLR 2014) silences a fifth of the hidden units at random in
every training step and scales up the rest, so that no unit can lean on another; in
evaluation it does nothing. Forgetting to switch between the two modes raises no error:
the model only trains, or predicts, a little worse.

The last layer and the loss belong together. Keras names the softmax in the model and,
knowing the layer, computes the loss from its logits; PyTorch leaves the softmax to
`CrossEntropyLoss`, so its model ends in logits. Both compute the same loss.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics, randomness
from shared.datasets import Dataset, mnist
from shared.lesson import setting
from shared.weights import Weights

NOTES = ("002", "003")
TAKES_DATA = True
SCORE_TOLERANCE = 0.003
MARGIN = 0.003


@dataclass(frozen=True)
class Config:
    """The settings of note 002; Adam with Keras' defaults."""

    hidden: int = setting(100, "neurons in the hidden layer", low=1, high=65_536)
    dropout: float = setting(0.2, "share of hidden units dropped", low=0, below=1)
    learning_rate: float = setting(0.001, "Adam's step size", above=0)
    epsilon: float = setting(1e-7, "Adam's epsilon (PyTorch's default: 1e-8)", above=0)
    batch_size: int = setting(32, "images a step", low=1)
    epochs: int = setting(5, "how often each image is seen", low=1)


def data(cfg: Config, path: str | None = None) -> Dataset:
    """70,000 images, pixels scaled to 0..1: x (N, 28, 28) float32, y (N,) int64."""
    images = mnist(path)
    scale = np.float32(255)
    return dataclasses.replace(
        images, x_train=images.x_train / scale, x_test=images.x_test / scale
    )


def start(cfg: Config, seed: int) -> Weights:
    """Glorot kernels and zero biases, as Keras starts a Dense layer."""
    hidden = randomness.dense(seed, "hidden", 28 * 28, cfg.hidden)
    return hidden | randomness.dense(seed, "output", cfg.hidden, 10)


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the 10,000 test images."""
    return metrics.multiclass(data.y_test, prediction)
