"""Learning rates that change, in PyTorch."""

from __future__ import annotations

import inspect
import math
from typing import Any

import torch
from torch import nn, optim
from torch.optim import lr_scheduler

from shared.differences.difference import Shown
from torch_track.differences.updates import updated


def _defaults(function: Any, *names: str) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    return {name: parameters[name].default for name in names}


def sgd_momentum_schedule(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, with half the rate at every step."""

    def make(weights: list[nn.Parameter]) -> optim.Optimizer:
        return optim.SGD(weights, lr=0.5, momentum=0.875)

    def halve(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        optimizer.param_groups[0]["lr"] = 0.5 / 2**step

    def rescale(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        group = optimizer.param_groups[0]
        before = group["lr"]
        halve(step, optimizer, weight)
        if step:
            optimizer.state[weight]["momentum_buffer"] *= before / group["lr"]

    return Shown(
        {"weight": updated(make, start, gradients, halve)},
        {"weight": updated(make, start, gradients, rescale)},
    )


def plateau_patience(losses: torch.Tensor) -> Shown:
    """The rate after each epoch of a loss that does not change."""
    settings = _defaults(
        lr_scheduler.ReduceLROnPlateau, "factor", "patience", "cooldown", "eps"
    )
    return Shown(
        {"rate": _watched(losses, patience=3, cooldown=2)},
        {"rate": _watched(losses, patience=3 - 1, cooldown=max(2 - 1, 0), eps=0)},
        settings,
    )


def plateau_threshold(losses: torch.Tensor) -> Shown:
    """The rate after each epoch of a loss that falls slowly."""
    settings = _defaults(lr_scheduler.ReduceLROnPlateau, "threshold", "threshold_mode")
    return Shown(
        {"rate": _watched(losses, patience=3 - 1)},
        {"rate": _watched(losses, patience=3 - 1, threshold_mode="abs")},
        settings,
    )


def _optimizer() -> optim.Optimizer:
    return optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)


def _watched(losses: torch.Tensor, **options: Any) -> list[float]:
    optimizer = _optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, **options)
    found = []
    for loss in losses:
        scheduler.step(loss)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def cosine_decay(steps: torch.Tensor) -> Shown:
    """The rate at each step, of which eight lead down."""

    def share(step: int) -> float:
        return (1 + math.cos(math.pi * min(step, 8) / 8)) / 2

    return Shown(
        {"rate": _every(steps, lr_scheduler.CosineAnnealingLR, T_max=8)},
        {"rate": _every(steps, lr_scheduler.LambdaLR, lr_lambda=share)},
        _defaults(lr_scheduler.CosineAnnealingLR, "eta_min"),
    )


def step_boundaries(steps: torch.Tensor) -> Shown:
    """The rate at each step."""
    found = [
        {
            "rate": _every(
                steps,
                lr_scheduler.MultiStepLR,
                milestones=[boundary + late for boundary in (3, 7)],
                gamma=0.5,
            )
        }
        for late in (0, 1)
    ]
    return Shown(found[0], found[1])


def exponential_decay(steps: torch.Tensor) -> Shown:
    """The rate at each step, a tenth of it after eight."""
    return Shown(
        {"rate": _every(steps, lr_scheduler.ExponentialLR, gamma=0.1)},
        {"rate": _every(steps, lr_scheduler.ExponentialLR, gamma=0.1 ** (1 / 8))},
    )


def _every(steps: torch.Tensor, kind: Any, **options: Any) -> list[float]:
    optimizer = _optimizer()
    scheduler = kind(optimizer, **options)
    found = []
    for _ in steps:
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found
