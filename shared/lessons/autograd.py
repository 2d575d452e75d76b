"""Automatic differentiation: run a formula forward, and its gradients backward

    z = 2 w^2 + 5                          dz/dw = 4 w

    g = w x,   f = g + b                   forward
    df/dg = 1                              backward, from the end to the beginning
    df/db = 1
    df/dw = df/dg dg/dw = 1 * x
    df/dx = df/dg dg/dx = 1 * w

Both frameworks write down each operation as it runs forward, and then go through the
list backward, multiplying slopes: the chain rule. It is neither symbolic algebra nor a
difference quotient; it gives the slope at one point, exact up to rounding, and all the
slopes together for a few times the cost of the formula itself.

What is a slope good for? Stepping against it makes z smaller, w <- w - rate * dz/dw.
Here that is w <- (1 - 4 rate) w, and the learning rate decides the rest: below 0.25, w
shrinks towards the minimum at 0, from 0.25 to 0.5 it still does, jumping from side to
side, and above 0.5 each jump is wider than the last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.lesson import Published, setting
from shared.parity.trace import Trace
from shared.weights import Weights

NOTES = ("003", "004")
PUBLISHED_PRECISION = "float64"


@dataclass(frozen=True)
class Config:
    """The settings of note 003 for z, and of note 004 for f."""

    parabola_w: float = setting(2.0, "w in z = 2 w^2 + 5")
    w: float = setting(-2.0, "w in f = w x + b")
    x: float = setting(5.0, "x in f = w x + b")
    b: float = setting(3.0, "b in f = w x + b")


def data(cfg: Config) -> None:
    """None: the settings hold all the numbers."""


def reference(cfg: Config, start: Weights, data: None) -> Trace:
    """The formulas and their derivatives, worked out on paper."""
    found = {
        "z": 2.0 * cfg.parabola_w**2 + 5.0,
        "g": cfg.w * cfg.x,
        "f": cfg.w * cfg.x + cfg.b,
        "gradient/dz_dw": 4.0 * cfg.parabola_w,
        "gradient/df_dg": 1.0,
        "gradient/df_dw": cfg.x,
        "gradient/df_dx": cfg.w,
        "gradient/df_db": 1.0,
    }
    return {f"result/{name}": np.array(value) for name, value in found.items()}


PUBLISHED = (
    Published("dz/dw", "result/gradient/dz_dw", 8, decimals=8),
    Published("g", "result/g", -10, decimals=8),
    Published("f", "result/f", -7, decimals=8),
    Published("df/dw", "result/gradient/df_dw", 5, decimals=8),
    Published("df/dx", "result/gradient/df_dx", -2, decimals=8),
    Published("df/db", "result/gradient/df_db", 1, decimals=8),
)
