"""How far the two tracks may lie apart, level by level, and why no further.

Both tracks do the same arithmetic in another order, so they differ by rounding only.
A bound is some ten times what such a difference was measured to reach, and far below
what the smallest real mistake does (tests/test_planted_bugs.py plants them).
"""

from __future__ import annotations

FORWARD = {"float64": 1e-12, "float32": 5e-6}
"""Largest error of a tensor over its largest magnitude: outputs and loss."""

GRADIENT = {"float64": 1e-11, "float32": 1e-5}
"""The same for each parameter's gradient: one more pass, longer sums."""

STEP = 1e-12
"""float64: error of a weight over max(1, its magnitude), after identical gradients."""

STEP_ULPS = 2
STEP_OF_UPDATE = 3e-5
"""float32: this many units in the last place of the weight, and this share of what the
update changed; the level's value is the error over that allowance."""

GATE_STEPS = 30
GATE = 2e-6
"""float32: relative difference of the loss over the first steps; beyond them rounding
is amplified by the training itself, and the horizon is reported instead."""

HORIZON = 1e-4
"""The horizon is the first step at which the losses differ by more than this."""


def trajectory(step: int) -> float:
    """float64: relative difference allowed after `step` steps.

    Rounding accumulates: each step adds a few units of 1e-16 where the training
    neither amplifies nor forgets them.
    """
    return 1e-12 + 1e-15 * step
