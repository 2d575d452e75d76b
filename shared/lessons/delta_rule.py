"""The delta rule: one sigmoid neuron learns OR, its gradient worked out by hand

    z = x w + b                            (4, 2) (2, 1) -> (4, 1)
    a = sigmoid(z)
    E = 1/2 sum (a - y)^2                  over the four rows

    da = dE/da = a - y                     backward, one factor at a time
    dz = dE/dz = da a (1 - a)
    dw = dE/dw = x^T dz
    db = dE/db = sum dz
    w -= rate dw,   b -= rate db           against the slope: downhill

What does training look for? The weights and the bias that make E small. For one
neuron the backward lines are short enough to write down; the lesson does, and lays the
framework's automatic derivatives beside its own.

The notes show one step from random weights (NumPy's seed 405, b = 1), and then a run of
1000 from other weights, b = 0. Two things in them are not as above:

  * The first step adds the gradient, w += dw, and so goes uphill: look at `error`. The
    right step from the same place stands beside it. The 1000 steps go downhill, having
    turned the sign of da.
  * The bias adds up da in place of dz. That is not a derivative of E (it is that of the
    cross-entropy), so `note/db` and `autograd/db` differ where the weights agree.

Why does the notes' neuron learn OR all the same? a (1 - a) lies between 0 and 1/4, so
da has the sign of dz: each row pulls the bias the right way, only four times too hard
or more. The variant `note` trains like that and reaches the notes' figures; `right`
follows the gradient and ends with the smaller error. The notes' step and the right one,
both from seed 405, are shown with either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics
from shared.datasets import Dataset, truth_table
from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("002",)
PUBLISHED_PRECISION = "float64"
VARIANTS = {
    "right": {"bias_gradient": "right"},
    "note": {"bias_gradient": "note"},
}


@dataclass(frozen=True)
class Config:
    """The settings of note 002."""

    bias_gradient: str = setting(
        "right", "right: the sum of dz; note: the sum of da", choices=("right", "note")
    )
    learning_rate: float = setting(1.0, "step size of gradient descent", above=0)
    epochs: int = setting(1000, "steps; each sees all four rows", low=1)


def data(cfg: Config) -> Dataset:
    """The truth table of OR: x (4, 2), y (4, 1)."""
    return truth_table("or")


def start(cfg: Config, seed: int) -> Weights:
    """The start of the notes' 1000 steps, drawn there from a normal distribution."""
    return {"kernel": np.array([[-0.79003947], [0.6826574]]), "bias": np.zeros(1)}


def first_start() -> Weights:
    """The start of the notes' one step: uniform on -1..1 after seed 405."""
    uniform = np.random.RandomState(405).rand(2, 1)
    return {"kernel": 2.0 * uniform - 1.0, "bias": np.ones(1)}


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the four rows."""
    return metrics.binary(data.y_test, prediction)


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """The same rule in plain NumPy, float64."""
    x, y, rate = data.x_train, data.y_train, cfg.learning_rate
    kernel, bias = start["kernel"].copy(), start["bias"].copy()
    first = _backward(kernel, bias, x, y)
    losses = []
    for _ in range(cfg.epochs):
        now = _backward(kernel, bias, x, y)
        losses.append(now["error"])
        kernel -= rate * now["dw"]
        bias -= rate * now[f"{cfg.bias_gradient}_db"]
    return {
        "loss": np.array(first["error"]),
        "gradient/kernel": first["dw"],
        "gradient/bias": first[f"{cfg.bias_gradient}_db"],
        "history/loss": np.array(losses),
        "trained/kernel": kernel,
        "trained/bias": bias,
        "prediction": _backward(kernel, bias, x, y)["a"],
        **_first_step(x, y),
    }


def _backward(kernel: NDArray, bias: NDArray, x: NDArray, y: NDArray) -> dict[str, Any]:
    z = x @ kernel + bias
    a = 0.5 * (1.0 + np.tanh(0.5 * z))  # the sigmoid, without overflow
    da = a - y
    dz = da * a * (1.0 - a)
    return {
        "z": z,
        "a": a,
        "dz": dz,
        "dw": x.T @ dz,
        "right_db": dz.sum(axis=0),
        "note_db": da.sum(axis=0),
        "error": 0.5 * (da**2).sum(),
    }


def _first_step(x: NDArray, y: NDArray) -> Trace:
    kernel, bias = first_start().values()
    at = _backward(kernel, bias, x, y)
    note = kernel + at["dw"], bias + at["note_db"]
    right = kernel - at["dw"], bias - at["right_db"]
    errors = [_backward(w, b, x, y)["error"] for w, b in ((kernel, bias), note, right)]
    found = {
        "z": at["z"][:, 0],
        "a": at["a"][:, 0],
        "dz": at["dz"][:, 0],
        "hand/dw": at["dw"][:, 0],
        "hand/db": at["right_db"],
        "autograd/dw": at["dw"][:, 0],
        "autograd/db": at["right_db"],
        "note/db": at["note_db"],
        "note/w": note[0][:, 0],
        "note/b": note[1],
        "right/w": right[0][:, 0],
        "right/b": right[1],
        "error": np.array(errors),
    }
    return {f"result/{name}": value for name, value in found.items()}


def _published(
    name: str, quantity: str, printed: list[Any], decimals: int = 8
) -> Published:
    return Published(name, quantity, printed, decimals=decimals, variant="note")


PUBLISHED = (
    _published("one step: Z", "result/z", [1.0, 0.55654784, 1.40316676, 0.9597146]),
    _published(
        "one step: A",
        "result/a",
        [0.73105858, 0.6356534, 0.80268592, 0.72306466],
    ),
    _published(
        "one step: dz",
        "result/dz",
        [0.14373484, -0.084382, -0.03125085, -0.05545413],
    ),
    _published("one step: dw", "result/hand/dw", [-0.08670498, -0.13983613]),
    _published("one step: db, summing da", "result/note/db", [-0.10753744]),
    _published("one step: W after", "result/note/w", [0.31646178, -0.58328829]),
    _published("one step: b after", "result/note/b", [0.89246256]),
    _published("W after 1000", "trained/kernel", [[5.92060487], [5.92082351]]),
    _published("b after 1000", "trained/bias", [-2.59025899]),
    _published(
        "predictions", "prediction", [[0.07], [0.965], [0.965], [1.0]], decimals=3
    ),
)
