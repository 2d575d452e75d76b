"""Optimizers: eight ways to use the same gradient

    g = dJ/dw on a batch, t counts the steps from 1, and

    full_batch   w -= r g                                the batch is all there is
    sgd          w -= r g                                the batch is 32 samples
    momentum     m = mu m - r g                          w += m
    nesterov     m = mu m - r g                          w += mu m - r g
    adagrad      v += g^2                                w -= r g / sqrt(v + eps)
    rmsprop      v = rho v + (1 - rho) g^2               w -= r g / sqrt(v + eps)
    adam         m = b1 m + (1 - b1) g
                 v = b2 v + (1 - b2) g^2
                 w -= r sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps)
    adamw        w -= r decay w, and then as adam

Two problems. One is a 64-32-10 network on handwritten digits; all rules start from the
same weights and see the same batches. The other is a valley of two numbers,

    J(a, b) = ((a - u)^2 + 20 (b - v)^2) / 2             start at a = -2, b = 1

twenty times steeper across than along, so that a path can be drawn. (u, v) is the
sample that a step sees: scattered around (0, 0) under sgd, and (0, 0) itself under the
others, so that their paths show nothing but their own habits.

What to look for in the paths:

full_batch (Cauchy, 1847) zig-zags. The steep direction forbids a rate of 2/20 or more,
and at .09 each step jumps to the other side of the valley while the flat direction
crawls: the one rate has to serve both. sgd (Robbins and Monro, 1951) adds jitter that
never dies down, because every sample pulls elsewhere and the rate stays. But on the
digits it takes 45 steps in one pass over them, where full_batch takes a single one:
after five epochs it has learned, and full_batch has hardly begun. (`--set
rule=full_batch --set epochs=225` gives it as many steps, for 45 times the work.)

momentum (Polyak, 1964) is a heavy ball: what points the same way adds up, what changes
sign cancels. It rushes along the valley, overshoots the bottom and swings back.
nesterov (Nesterov, 1983; in this form Sutskever et al., ICML 2013) corrects the step by
the gradient that follows it, and the swinging dies sooner.

adagrad (Duchi, Hazan and Singer, JMLR 2011) divides by the root of all squared
gradients so far: both directions now advance alike, so there is no zig-zag, but the sum
only grows and the steps only shrink: it slows down before it arrives. rmsprop
(Hinton's lecture, 2012) forgets old gradients, so it keeps its pace: while gradients
change slowly every step is about r long, however flat the valley. adam (Kingma and Ba,
ICLR 2015) puts momentum in the numerator as well, so it overshoots again; its first
step is r in every direction, whatever the gradient. adamw (Loshchilov and Hutter, ICLR
2019) also shrinks the weights, biases too, not through the gradient, where the quotient
would undo it, but beside it. With .004 that moves this path by a hair; what it does in
a long training is to keep small the weights that no gradient needs.

The frameworks agree on the names and not on the rules. As they come, Keras' RMSprop has
rho .9 and PyTorch's .99; Adagrad's v starts at .1 and at 0; eps is 1e-7, and 1e-8 or
1e-10; AdamW decays by .004 and .01. Here every one is named. What no setting can
name is where eps stands: PyTorch puts it outside the root in RMSprop and Adagrad, and
in Adam beside sqrt(v / (1 - b2^t)). `twotrack compare` makes both compute the lines
above, and then the paths agree to the last digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import metrics, randomness
from shared.datasets import Dataset, digits
from shared.lesson import setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("003",)

VARIANTS = {
    "full_batch": {
        "rule": "full_batch",
        "batch_size": 0,
        "learning_rate": 0.5,
        "valley_rate": 0.09,
    },
    "sgd": {
        "rule": "sgd",
        "learning_rate": 0.1,
        "valley_rate": 0.09,
        "valley_scatter": 0.1,
    },
    "momentum": {"rule": "momentum", "learning_rate": 0.05, "valley_rate": 0.02},
    "nesterov": {"rule": "nesterov", "learning_rate": 0.05, "valley_rate": 0.02},
    "adagrad": {"rule": "adagrad", "learning_rate": 0.05, "valley_rate": 0.2},
    "rmsprop": {"rule": "rmsprop", "learning_rate": 0.005, "valley_rate": 0.05},
    "adam": {"rule": "adam", "learning_rate": 0.005, "valley_rate": 0.1},
    "adamw": {"rule": "adamw", "learning_rate": 0.005, "valley_rate": 0.1},
}

VALLEY_START = np.array([-2.0, 1.0])
VALLEY_CURVATURE = np.array([1.0, 20.0])


@dataclass(frozen=True)
class Config:
    """One rule, with the hyperparameters of all: Keras' defaults but for the rates."""

    rule: str = setting("sgd", "how a gradient becomes a step", choices=tuple(VARIANTS))
    learning_rate: float = setting(0.1, "step size on the digits", above=0)
    batch_size: int = setting(32, "samples a step; 0 takes all of them", low=0)
    epochs: int = setting(5, "how often each digit is seen", low=1)
    hidden: int = setting(32, "neurons in the hidden layer", low=1, high=4096)
    momentum: float = setting(
        0.9, "momentum, nesterov: what a step keeps of the last", low=0, below=1
    )
    rho: float = setting(
        0.9,
        "rmsprop: what the mean square keeps (PyTorch's default: .99)",
        above=0,
        below=1,
    )
    beta_1: float = setting(
        0.9, "adam, adamw: what the mean gradient keeps", low=0, below=1
    )
    beta_2: float = setting(
        0.999, "adam, adamw: what the mean square keeps", low=0, below=1
    )
    epsilon: float = setting(
        1e-7, "keeps a quotient finite (PyTorch's defaults: 1e-8, 1e-10)", above=0
    )
    accumulator: float = setting(
        0.1, "adagrad: what the sum of squares starts at (PyTorch's default: 0)", low=0
    )
    weight_decay: float = setting(
        0.004, "adamw: rate of the decay (PyTorch's default: .01)", low=0
    )
    valley_rate: float = setting(0.09, "step size in the valley", above=0)
    valley_steps: int = setting(60, "steps in the valley", low=1, high=10_000)
    valley_scatter: float = setting(
        0.0, "standard deviation of the valley's samples", low=0
    )


def data(cfg: Config) -> Dataset:
    """Handwritten digits, 8 x 8: x (1438, 64), brightness 0 to 1; y (1438,)."""
    return digits()


def start(cfg: Config, seed: int) -> Weights:
    """Glorot kernels and zero biases, as Keras starts a Dense layer."""
    hidden = randomness.dense(seed, "hidden", 64, cfg.hidden)
    return hidden | randomness.dense(seed, "output", cfg.hidden, 10)


def valley(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The height over (a, b) with its bottom at (0, 0), as the contours show it."""
    along, across = VALLEY_CURVATURE
    return np.asarray((along * a**2 + across * b**2) / 2)


def valley_samples(cfg: Config) -> NDArray[np.float64]:
    """The (u, v) of every step, shape (steps, 2)."""
    return cfg.valley_scatter * randomness.normal(0, "valley", (cfg.valley_steps, 2))


def score(data: Dataset, prediction: NDArray[Any]) -> dict[str, float]:
    """Accuracy on the 359 test digits."""
    return metrics.multiclass(data.y_test, prediction)


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """The valley's path by the formulas above, in plain NumPy, float64."""
    # Keras on TensorFlow rounds hyperparameters so, and both tracks with it.
    rate, mu, rho, b1, b2, eps, decay = (
        float(np.float32(value))
        for value in (
            cfg.valley_rate,
            cfg.momentum,
            cfg.rho,
            cfg.beta_1,
            cfg.beta_2,
            cfg.epsilon,
            cfg.weight_decay,
        )
    )
    w = VALLEY_START
    m = np.zeros(2)
    v = np.zeros(2)
    if cfg.rule == "adagrad":
        v += float(np.float32(cfg.accumulator))
    path = [w]
    for t, sample in enumerate(valley_samples(cfg), start=1):
        g = VALLEY_CURVATURE * (w - sample)
        if cfg.rule in ("full_batch", "sgd"):
            w = w - rate * g
        elif cfg.rule in ("momentum", "nesterov"):
            m = mu * m - rate * g
            w = w + (mu * m - rate * g if cfg.rule == "nesterov" else m)
        elif cfg.rule in ("adagrad", "rmsprop"):
            v = v + g**2 if cfg.rule == "adagrad" else rho * v + (1 - rho) * g**2
            w = w - rate * g / np.sqrt(v + eps)
        else:
            if cfg.rule == "adamw":
                w = w - rate * decay * w
            m = b1 * m + (1 - b1) * g
            v = b2 * v + (1 - b2) * g**2
            corrected = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
            w = w - corrected * m / (np.sqrt(v) + eps)
        path.append(w)
    return {f"result/path/{cfg.rule}": np.array(path)}
