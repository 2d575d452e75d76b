"""Learning rates that change."""

from __future__ import annotations

import numpy as np

from shared.differences.difference import Difference, draw

KERAS = "https://keras.io/api/optimizers/learning_rate_schedules/"
TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.optim."

ROWS = (
    Difference(
        slug="sgd_momentum_schedule",
        title="SGD: momentum while the learning rate changes",
        keras="the velocity has the rates of the steps it comes from in it",
        torch="multiplies all of it with the rate of now",
        remedy='when lr changes, state["momentum_buffer"] *= lr_before / lr_now',
        inputs=lambda: {
            "start": np.zeros(2),
            "gradients": draw("sgd_momentum_schedule", "gradients", 4, 2),
        },
        least=0.1,
        source=f"{TORCH}SGD.html",
    ),
    Difference(
        slug="plateau_patience",
        title="ReduceLROnPlateau: patience and cooldown",
        keras="reduces after patience epochs; the last epoch of cooldown counts again",
        torch="one epoch later; no epoch of cooldown counts; skips changes below eps",
        remedy="patience=patience - 1, cooldown=max(cooldown - 1, 0), eps=0",
        inputs=lambda: {"losses": np.ones(16)},
        defaults={
            "tf": {"factor": 0.1, "patience": 10, "cooldown": 0},
            "torch": {"factor": 0.1, "patience": 10, "cooldown": 0, "eps": 1e-8},
        },
        least=0.3,
        source=f"{TORCH}lr_scheduler.ReduceLROnPlateau.html",
    ),
    Difference(
        slug="plateau_threshold",
        title="ReduceLROnPlateau: what counts as better",
        keras="less by min_delta",
        torch="less by a share of the best",
        remedy='ReduceLROnPlateau(threshold_mode="abs", threshold=min_delta)',
        inputs=lambda: {"losses": 4 - 0.00012 * np.arange(8.0)},
        defaults={
            "tf": {"min_delta": 1e-4},
            "torch": {"threshold": 1e-4, "threshold_mode": "rel"},
        },
        least=0.3,
        source=f"{TORCH}lr_scheduler.ReduceLROnPlateau.html",
    ),
    Difference(
        slug="cosine_decay",
        title="Cosine decay: after its last step",
        keras="stays at the floor",
        torch="CosineAnnealingLR rises again",
        remedy="LambdaLR(optimizer, lambda t: (1 + cos(pi * min(t, T) / T)) / 2)",
        inputs=lambda: {"steps": np.arange(12)},
        defaults={"tf": {"alpha": 0.0}, "torch": {"eta_min": 0.0}},
        # Keras computes the rate in float32, in float64 too.
        tolerance=1e-6,
        least=0.1,
        source=f"{TORCH}lr_scheduler.CosineAnnealingLR.html",
    ),
    Difference(
        slug="step_boundaries",
        title="Steps: at which one the rate changes",
        keras="PiecewiseConstantDecay: after the step of the boundary",
        torch="MultiStepLR: at the step of the milestone",
        remedy="MultiStepLR(optimizer, milestones=[boundary + 1 for ...])",
        inputs=lambda: {"steps": np.arange(12)},
        least=0.3,
        source=f"{KERAS}piecewise_constant_decay/",
    ),
    Difference(
        slug="exponential_decay",
        title="Exponential decay: the rate of what",
        keras="decay_rate is for decay_steps batches together, smoothly",
        torch="ExponentialLR's gamma is for every call of step()",
        remedy="ExponentialLR(optimizer, gamma=decay_rate ** (1 / decay_steps))",
        inputs=lambda: {"steps": np.arange(12)},
        defaults={"tf": {"staircase": False}},
        # Keras computes the rate in float32, in float64 too.
        tolerance=1e-6,
        least=0.3,
        source=f"{KERAS}exponential_decay/",
    ),
)
