"""Activation functions: step, sigmoid, tanh, ReLU and softmax, and their slopes

    step(x)    = 1 if x > 0, else 0          slope 0, and none at 0
    sigmoid(x) = 1 / (1 + exp(-x))           sigmoid (1 - sigmoid), at most 1/4
    tanh(x)                                  1 - tanh^2, at most 1
    relu(x)    = max(0, x)                   1 if x > 0, else 0
    softmax(x) = exp(x) / sum(exp(x))        dp_i / dx_j = p_i ((i == j) - p_j)

What is an activation for? Without one, layers collapse: (x W1) W2 = x (W1 W2) is one
layer again, and can draw straight lines only. And as learning follows slopes, what
counts is the slope. The step's is 0 wherever it has one, and neither framework will
differentiate it. The sigmoid's is a quarter at best and fades on both sides: what
passes many sigmoids fades too. ReLU lets it through whole wherever x > 0; at 0, where
ReLU has a corner, both frameworks take the slope 0.

Below, slopes are taken at -2, -1, 0, 1 and 2; the step at -1, .5 and 500,000 and, as a
row, at -1, 1 and 2; the sigmoid at -5, -1, 0, .1, 5 and 500,000.

Write none of them out yourself. 1 / (1 + exp(-x)) is a fine formula and a poor program:
for x = -1000, exp overflows, and automatic differentiation multiplies 0 by inf: NaN.
The frameworks' functions take x = 500,000 and softmax takes (1001, 1002, 1003) without
a warning; as only differences count, the latter gives what (1, 2, 3) gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("002", "003")
PUBLISHED_PRECISION = "float64"

SIGMOID_AT = np.array([-5.0, -1.0, 0.0, 0.1, 5.0, 500_000.0])
STEP_AT = np.array([-1.0, 0.5, 500_000.0])
STEP_ROW = np.array([-1.0, 1.0, 2.0])
SLOPES_AT = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
SCORES = np.array([[1.0, 2.0, 3.0], [1001.0, 1002.0, 1003.0]])


@dataclass(frozen=True)
class Config:
    """How the curves are drawn."""

    limit: float = setting(10.0, "the curves run from -limit to limit", above=0)
    points: int = setting(201, "points on a curve", low=2, high=100_000)


def data(cfg: Config) -> None:
    """None: the functions are shown at the points above and along the curves."""


def curve(cfg: Config) -> NDArray[np.float64]:
    """The curves' x, shape (points,)."""
    return np.linspace(-cfg.limit, cfg.limit, cfg.points, dtype=np.float64)


def reference(cfg: Config, start: Weights, data: None) -> Trace:
    """The closed forms in NumPy, float64."""
    x = curve(cfg)
    exponentials = np.exp(SCORES - SCORES.max(axis=1, keepdims=True))
    softmax = exponentials / exponentials.sum(axis=1, keepdims=True)
    first = softmax[0]
    found = {
        "step": _step(STEP_AT),
        "step_row": _step(STEP_ROW),
        "sigmoid": _sigmoid(SIGMOID_AT),
        "softmax": softmax,
        "gradient/sigmoid": _sigmoid_slope(SLOPES_AT),
        "gradient/tanh": _tanh_slope(SLOPES_AT),
        "gradient/relu": _step(SLOPES_AT),
        "gradient/softmax": np.diag(first) - np.outer(first, first),
        "curve/x": x,
        "curve/step": _step(x),
        "curve/sigmoid": _sigmoid(x),
        "curve/tanh": np.tanh(x),
        "curve/relu": np.maximum(x, 0.0),
        "curve/sigmoid_derivative": _sigmoid_slope(x),
        "curve/tanh_derivative": _tanh_slope(x),
        "curve/relu_derivative": _step(x),
    }
    return {f"result/{name}": value for name, value in found.items()}


def _step(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x > 0).astype(np.float64)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    # The same function, with nothing in it that overflows.
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _sigmoid_slope(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return _sigmoid(x) * _sigmoid(-x)


def _tanh_slope(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / np.cosh(x) ** 2)


PUBLISHED = (
    Published(
        "sigmoid",
        "result/sigmoid",
        [0.00669285, 0.26894142, 0.5, 0.52497919, 0.99330715, 1.0],
        decimals=8,
    ),
    Published("step at -1, .5, 500000", "result/step", [0, 1, 1], decimals=0),
    Published("step at -1, 1, 2", "result/step_row", [0, 1, 1], decimals=0),
)
