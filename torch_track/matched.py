"""Matched mode: dropout masks from shared.randomness, and one optimizer rule.

The rule is Keras' form of each optimizer, because PyTorch's can be made to follow it
exactly and not the other way round. What differs, and the remedy:

    Adam, AdamW   Keras adds epsilon to the uncorrected sqrt(v), PyTorch to the
                  corrected one: eps / sqrt(1 - beta_2^t) before step t
    RMSprop       Keras adds epsilon inside the root, PyTorch outside: carry epsilon
                  inside the running average
    Adagrad       likewise: epsilon in the initial accumulator
    all           Keras on TensorFlow casts Python floats through float32, so both
                  sides take hyperparameters rounded to float32

(keras/src/optimizers, torch/optim.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from shared import randomness
from torch_track import backend

Optimizer = torch.optim.Optimizer


class Clock:
    """The number of the step (from 0) that the masks are drawn for."""

    step = 0


def dropouts(model: object) -> dict[str, nn.Dropout]:
    """The dropout layers of a model by name."""
    if not isinstance(model, nn.Module):
        return {}
    layers = model.named_modules()
    return {n: layer for n, layer in layers if isinstance(layer, nn.Dropout)}


def feed_masks(model: object, seed: int) -> Clock:
    """Let the model's dropout layers take their masks from shared.randomness."""
    clock = Clock()
    for name, layer in dropouts(model).items():
        layer.forward = _fed(layer, name, seed, clock)  # type: ignore[method-assign]
    return clock


def _fed(
    layer: nn.Dropout, name: str, seed: int, clock: Clock
) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        if not layer.training:
            return x
        shape = tuple(x.shape)
        keep = randomness.keep_mask(seed, name, clock.step, shape, layer.p)
        return x * backend.tensor(keep) / (1.0 - layer.p)

    return forward


def settings(optimizer: Optimizer | None) -> dict[str, Any]:
    """The optimizer's rule and hyperparameters under neutral names."""
    if optimizer is None:
        return {}
    group = optimizer.param_groups[0]
    named = {"rule": type(optimizer).__name__.lower(), "learning_rate": group["lr"]}
    for ours, theirs in _NEUTRAL.items():
        if theirs in group:
            named[ours] = group[theirs]
    if "betas" in group:
        named["beta_1"], named["beta_2"] = group["betas"]
    return named


_NEUTRAL = {
    "momentum": "momentum",
    "nesterov": "nesterov",
    "rho": "alpha",
    "epsilon": "eps",
    "weight_decay": "weight_decay",
    "initial_accumulator_value": "initial_accumulator_value",
}


def follow_keras(optimizer: Optimizer | None) -> None:
    """Make the optimizer compute what Keras' optimizer of that name computes."""
    if optimizer is None:
        return
    for group in optimizer.param_groups:
        for key, value in group.items():
            group[key] = _rounded(value)
    rule = _RULES.get(type(optimizer))
    if rule is not None:
        optimizer.register_step_pre_hook(rule())


def _rounded(value: Any) -> Any:
    """Python floats as float32 has them; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(_rounded(v) for v in value)
    return float(np.float32(value)) if isinstance(value, float) else value


def _adam() -> Callable[..., None]:
    epsilons: dict[int, float] = {}

    def before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for index, group in enumerate(optimizer.param_groups):
            epsilon = epsilons.setdefault(index, group["eps"])
            state = optimizer.state[group["params"][0]]
            t = int(state["step"]) + 1 if state else 1
            group["eps"] = epsilon / math.sqrt(1.0 - group["betas"][1] ** t)

    return before_step


def _rmsprop() -> Callable[..., None]:
    epsilons: dict[int, float] = {}

    def before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for index, group in enumerate(optimizer.param_groups):
            epsilon = epsilons.setdefault(index, group["eps"])
            group["eps"] = 0.0
            rho = group["alpha"]
            for p in group["params"]:
                state = optimizer.state[p]
                if not state:
                    state["step"] = torch.tensor(0.0)
                    state["square_avg"] = torch.full_like(p, epsilon)
                    state["momentum_buffer"] = torch.zeros_like(p)
                state["square_avg"] += (1.0 - rho) / rho * epsilon

    return before_step


def _adagrad() -> Callable[..., None]:
    def before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for group in optimizer.param_groups:
            if group["eps"]:
                for p in group["params"]:
                    optimizer.state[p]["sum"] += group["eps"]
                group["eps"] = 0.0

    return before_step


_RULES: dict[type, Callable[[], Callable[..., None]]] = {
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
}
