"""Matched mode: dropout masks from shared.randomness, and one optimizer rule.

The rule is Keras' form of each optimizer, because PyTorch's can be made to follow it
exactly and not the other way round. What differs, and the remedy:

    Adam, AdamW   Keras adds epsilon to the uncorrected sqrt(v), PyTorch to the
                  corrected one: eps / sqrt(1 - beta_2^t) before step t
    RMSprop       Keras adds epsilon inside the root, PyTorch outside: carry epsilon
                  inside the running average
    Adagrad       likewise: epsilon in the initial accumulator
    all but AdamW Keras decays the weights themselves, PyTorch adds the decay to the
                  gradient: shrink the weights before the step
    all           Keras on TensorFlow casts Python floats through float32, so both
                  sides take hyperparameters rounded to float32

(keras/src/optimizers, torch/optim.)
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shared import randomness
from torch_track import backend

Optimizer = torch.optim.Optimizer
Group = dict[str, Any]
States = dict[torch.Tensor, dict[str, Any]]


class Mask(NamedTuple):
    """A dropout layer's mask for one step, and how those for other steps are drawn."""

    tensor: torch.Tensor
    draw: Callable[[int], NDArray[np.bool_]]


class Clock:
    """The number of the step (from 0), and the masks that the layers drew for it."""

    def __init__(self) -> None:
        self.step = 0
        self.masks: dict[str, Mask] = {}


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
        layer.forward = _fed(layer, name, seed, clock)  # type: ignore[method-assign, assignment]
    return clock


def _fed(
    layer: nn.Dropout, name: str, seed: int, clock: Clock
) -> Callable[[torch.Tensor], torch.Tensor]:
    def forward(x: torch.Tensor) -> torch.Tensor:
        if not layer.training:
            return x
        shape, rate = tuple(x.shape), layer.p

        def draw(step: int) -> NDArray[np.bool_]:
            return randomness.keep_mask(seed, name, step, shape, rate)

        mask = backend.tensor(draw(clock.step))
        clock.masks[name] = Mask(mask, draw)
        return x * mask / (1.0 - rate)

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
    if optimizer is None or optimizer in _following:
        return
    for group in optimizer.param_groups:
        for key, value in group.items():
            group[key] = rounded(value)
    given = [dict(group) for group in optimizer.param_groups]
    _following[optimizer] = given
    rule = RULES.get(type(optimizer))

    def before_step(optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        for group, own in zip(optimizer.param_groups, given, strict=True):
            decay(group, own.get("weight_decay", 0.0))
            if rule is not None:
                rule(optimizer.state, group, own["eps"])

    optimizer.register_step_pre_hook(before_step)


_following: weakref.WeakKeyDictionary[Optimizer, list[Group]] = (
    weakref.WeakKeyDictionary()
)
"""The optimizers that follow, and the hyperparameters they were given."""


def counters(optimizer: Optimizer | None) -> list[torch.Tensor]:
    """The counts of its steps that an optimizer which follows lets its rule read."""
    if optimizer is None or optimizer not in _following:
        return []
    return [state["step"] for state in optimizer.state.values() if "step" in state]


def epsilons(optimizer: Optimizer | None, count: int) -> list[float]:
    """Epsilon in the next `count` steps of an Adam that follows; else nothing."""
    if optimizer is None or optimizer not in _following:
        return []
    if RULES.get(type(optimizer)) is not _adam:
        return []
    group, given = dict(optimizer.param_groups[0]), _following[optimizer][0]
    done = max(int(step) for step in counters(optimizer))
    found = []
    for step in range(done, done + count):
        _adam({p: {"step": step} for p in group["params"]}, group, given["eps"])
        found.append(group["eps"])
    return found


def rounded(value: Any) -> Any:
    """Python floats as float32 has them; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(rounded(v) for v in value)
    return float(np.float32(value)) if isinstance(value, float) else value


@torch.no_grad()
def decay(group: Group, rate: float) -> None:
    """Shrink the weights themselves, unless the optimizer does."""
    if rate and not group.get("decoupled_weight_decay"):
        group["weight_decay"] = 0.0
        for p in stepping(group):
            p.mul_(1.0 - group["lr"] * rate)


def _adam(states: States, group: Group, epsilon: float) -> None:
    steps = (int(states.get(p, {}).get("step", 0)) for p in group["params"])
    group["eps"] = epsilon / math.sqrt(1.0 - group["betas"][1] ** (max(steps) + 1))


def _rmsprop(states: States, group: Group, epsilon: float) -> None:
    group["eps"] = 0.0
    rho = group["alpha"]
    for p in stepping(group):
        state = states[p]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["square_avg"] = torch.full_like(p, epsilon)
            state["momentum_buffer"] = torch.zeros_like(p)
            state["grad_avg"] = torch.zeros_like(p)
        # Of what the step finds it keeps rho.
        state["square_avg"] += (1.0 - rho) / rho * epsilon


def _adagrad(states: States, group: Group, epsilon: float) -> None:
    group["eps"] = 0.0
    first = group["initial_accumulator_value"] + epsilon
    for p in stepping(group):
        # Filled before the hyperparameters were rounded, so fill it anew.
        if not states[p]["step"]:
            states[p]["sum"].fill_(first)


def stepping(group: Group) -> Iterator[torch.Tensor]:
    """The parameters that have a gradient, and so take part in the step."""
    return (p for p in group["params"] if p.grad is not None)


RULES: dict[type, Callable[[States, Group, float], None]] = {
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
    torch.optim.RMSprop: _rmsprop,
    torch.optim.Adagrad: _adagrad,
}
