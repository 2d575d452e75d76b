"""Logic gates: AND, NAND and OR are one threshold neuron each, XOR takes three

    fires = w1 x1 + w2 x2 > theta                 1 if it fires, else 0

    AND    w = ( .5,  .5)   theta =  .7
    NAND   w = (-.5, -.5)   theta = -.7           AND with every sign turned
    OR     w = ( .5,  .5)   theta =  .3
    XOR(x1, x2) = AND(NAND(x1, x2), OR(x1, x2))   two neurons, and a third behind them

Nothing is learned here: the weights are written down (McCulloch and Pitts, 1943). Each
gate's answers come in the order of the rows 00, 01, 10, 11.

What can one neuron not do? Its four answers on XOR ask for four things at once:

    00 silent:  0 <= theta           01 fires:   w2 > theta
    10 fires:   w1 > theta           11 silent:  w1 + w2 <= theta

The second and third give w1 + w2 > 2 theta, and 2 theta >= theta because of the first:
that is against the fourth. So no weights exist; in the plane, no straight line parts
{01, 10} from {00, 11}. The lesson tries a grid of neurons all the same: the best gets
three of the four rows right, while AND is no trouble. A second layer is the remedy: it
sees what the first makes of the inputs, and there a line is enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.datasets import Dataset, truth_table
from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("002",)
PUBLISHED_PRECISION = "float64"
NOT_APPLICABLE = {"gradient": "a threshold is flat: there is no gradient"}


@dataclass(frozen=True)
class Config:
    """The settings of note 002."""

    weight: float = setting(0.5, "weight of either input; NAND has it negative")
    and_theta: float = setting(0.7, "threshold of AND; NAND has it negative")
    or_theta: float = setting(0.3, "threshold of OR")
    grid: int = setting(
        21, "values from -1 to 1 tried for w1, w2 and theta each", low=2, high=101
    )


def data(cfg: Config) -> Dataset:
    """The truth table of XOR: x (4, 2), y (4, 1)."""
    return truth_table("xor")


def reference(cfg: Config, start: Weights, data: Dataset) -> Trace:
    """The gates in plain NumPy, float64; NAND as NOT AND."""

    def gate(first: np.ndarray, second: np.ndarray, theta: float) -> np.ndarray:
        return np.asarray(cfg.weight * first + cfg.weight * second > theta)

    x1, x2 = data.x_test.T
    both, either = gate(x1, x2, cfg.and_theta), gate(x1, x2, cfg.or_theta)
    tables = {
        "and": both,
        "nand": ~both,
        "or": either,
        "xor": gate(~both, either, cfg.and_theta),
    }
    return {f"result/{name}": fires.astype(float) for name, fires in tables.items()}


PUBLISHED = (
    Published("AND", "result/and", [0, 0, 0, 1], decimals=0),
    Published("NAND", "result/nand", [1, 1, 1, 0], decimals=0),
    Published("OR", "result/or", [0, 1, 1, 1], decimals=0),
    Published("XOR", "result/xor", [0, 1, 1, 0], decimals=0),
)
