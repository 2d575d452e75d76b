"""How far the two tracks may lie apart, level by level, and why no further.

Both tracks do the same arithmetic in another order, so they differ by rounding only.
A bound is some ten times what such a difference was measured to reach, and far below
what the smallest real mistake does (tests/test_planted_bugs.py plants them).
"""

from __future__ import annotations

EPS = {"float64": 2.0**-52, "float32": 2.0**-23}
"""The unit in the last place of 1."""

FORWARD = {"float64": 1e-12, "float32": 5e-6}
"""Largest error of a tensor over its largest magnitude: outputs and loss."""

GRADIENT = {"float64": 1e-11, "float32": 1e-5}
"""The same for each parameter's gradient: one more pass, longer sums."""

STEP = 1e-12
"""float64: error of a weight over max(1, its magnitude), after identical gradients."""

STEP_ULPS = 2
STEP_OF_UPDATE = 3e-5
"""float32: each update may add this many units in the last place of the weight, and
this share of what it changed (Keras computes 1 - beta^t in float32, where it cancels);
the level's value is the error over the sum of both."""

GATE_STEPS = 30
GATE = 2e-6
"""float32: relative difference of the loss over the first steps; beyond them rounding
is amplified by the training itself, and the horizon is reported instead."""

NOISE_ULPS = 4
"""Where the terms of a sum cancel, the result keeps their rounding: a difference below
this many eps of the model's largest tensor of that kind is not counted."""

CHAOS = {"float64": 0.1, "float32": 1.0}
"""A training is chaotic from the step at which a one-ulp twin of a track leaves the
track by this share of the tolerance; no two implementations can agree beyond it."""

CHAOS_RATIO = 100.0
"""The tracks may lie so much further apart than a track from its twins: 3 is measured,
and a bug that sets in while the twins are still close is millions."""

HORIZON = 1e-4
"""The horizon is the first step at which the losses differ by more than this."""


def trajectory(step: int, precision: str = "float64") -> float:
    """Relative difference allowed after `step` steps.

    Rounding accumulates: in float64 each step adds a few units of 1e-16 where the
    training neither amplifies nor forgets them.
    """
    return GATE if precision == "float32" else 1e-12 + 1e-15 * step


def least_scale(precision: str, largest: float, tolerance: float) -> float:
    """The magnitude below which a tensor counts as rounding of the `largest` one."""
    return NOISE_ULPS * EPS[precision] * largest / tolerance
