"""What Keras' optimizers do otherwise, applied to PyTorch's before each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import optim

from shared.weights import Weights
from torch_track import backend, matched
from torch_track.layouts import Part
from torch_track.matched import Group, States

Fix = Mapping[str, Any]


def repair(
    optimizer: optim.Optimizer, parts: Sequence[Part], repairs: Sequence[Fix]
) -> None:
    """Let the optimizer compute what the repairs of optimizers say."""
    fixes = {r["fix"]: r for r in repairs if r["do"] == "optimizer"}
    for r in repairs:
        if r["do"] == "optimizer" and r["fix"] == "set":
            for name, value in r["settings"].items():
                _set(optimizer, name, value)
    if "float32_hyperparameters" in fixes:
        for group in optimizer.param_groups:
            group.update({key: matched.rounded(value) for key, value in group.items()})
    for name, hook in _HOOKS.items():
        if name in fixes:
            hook(optimizer, parts, fixes[name].get("settings", {}))


def _set(optimizer: optim.Optimizer, name: str, value: Any) -> None:
    for group in optimizer.param_groups:
        if name in ("beta_1", "beta_2"):
            first, second = group["betas"]
            group["betas"] = (value, second) if name == "beta_1" else (first, value)
        elif name == "rho":
            group["alpha" if "alpha" in group else "rho"] = value
        else:
            group[_NAMES.get(name, name)] = value
        if name == "initial_accumulator_value":
            for p in group["params"]:
                optimizer.state[p]["sum"].fill_(value)


_NAMES = {"learning_rate": "lr", "epsilon": "eps"}


def _clip(optimizer: optim.Optimizer, parts: Sequence[Part], settings: Fix) -> None:
    """Clip the gradients, each of Keras' variables by itself."""
    ((name, limit),) = settings.items()

    def before_step(*_: Any) -> None:
        found = [(part, _gradients(part)) for part in parts]
        neutral = [part.layout.to_neutral(part.module, own) for part, own in found]
        for (part, own), arrays in zip(
            found, _CLIPS[name](neutral, limit), strict=True
        ):
            native = part.layout.to_native(part.module, arrays)
            for key in own:
                gradient = part.tensors()[key].grad
                if key in native and gradient is not None:
                    gradient.copy_(torch.tensor(np.array(native[key], order="C")))

    optimizer.register_step_pre_hook(before_step)


def _gradients(part: Part) -> Weights:
    own = {name: tensor.grad for name, tensor in part.tensors().items()}
    return {name: backend.array(g) for name, g in own.items() if g is not None}


def _by_value(found: list[Weights], limit: float) -> list[Weights]:
    return [
        {name: np.clip(a, -limit, limit) for name, a in arrays.items()}
        for arrays in found
    ]


def _by_norm(found: list[Weights], limit: float) -> list[Weights]:
    return [
        {name: a * _scale(limit, np.linalg.norm(a)) for name, a in arrays.items()}
        for arrays in found
    ]


def _by_global_norm(found: list[Weights], limit: float) -> list[Weights]:
    every = [a.ravel() for arrays in found for a in arrays.values()]
    scale = _scale(limit, np.linalg.norm(np.concatenate(every)))
    return [{name: a * scale for name, a in arrays.items()} for arrays in found]


def _scale(limit: float, norm: Any) -> Any:
    return type(norm)(limit / max(norm, limit))


_CLIPS: Mapping[str, Callable[[list[Weights], float], list[Weights]]] = {
    "clipvalue": _by_value,
    "clipnorm": _by_norm,
    "global_clipnorm": _by_global_norm,
}


def _before(change: Callable[[optim.Optimizer, Group, Group], None]) -> Any:
    """A repair of each group before each step, given the group as it was at first."""

    def hook(optimizer: optim.Optimizer, parts: Sequence[Part], settings: Fix) -> None:
        given = [dict(group) for group in optimizer.param_groups]

        def before_step(optimizer: optim.Optimizer, *_: Any) -> None:
            for group, own in zip(optimizer.param_groups, given, strict=True):
                change(optimizer, group, own)

        optimizer.register_step_pre_hook(before_step)

    return hook


def _decouple(optimizer: optim.Optimizer, group: Group, given: Group) -> None:
    if not isinstance(optimizer, optim.AdamW):
        matched.decay(group, given["weight_decay"])


def _couple(optimizer: optim.Optimizer, group: Group, given: Group) -> None:
    group["weight_decay"] = 0.0
    for p in matched.stepping(group):
        assert p.grad is not None
        p.grad.add_(p.detach(), alpha=given["weight_decay"])


def _epsilon(optimizer: optim.Optimizer, group: Group, given: Group) -> None:
    for kind, rule in _EPSILONS.items():
        if isinstance(optimizer, kind):
            rule(optimizer.state, group, given["eps"])
            return


def _rescale_momentum(optimizer: optim.Optimizer, group: Group, given: Group) -> None:
    """Keras' velocity holds the rate of the step that it was made in."""
    before = given.get("last", group["lr"])
    for p in matched.stepping(group):
        buffer = optimizer.state[p].get("momentum_buffer")
        if buffer is not None and before != group["lr"]:
            buffer *= before / group["lr"]
    given["last"] = group["lr"]


def _adamax(states: States, group: Group, epsilon: float) -> None:
    """Epsilon is added to the maximum, where PyTorch has it in the maximum."""
    group["eps"] = 0.0
    beta = group["betas"][1]
    for p in matched.stepping(group):
        assert p.grad is not None
        state = states[p]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros_like(p)
            state["largest"] = torch.zeros_like(p)
        torch.maximum(beta * state["largest"], p.grad.abs(), out=state["largest"])
        state["exp_inf"] = (state["largest"] + epsilon) / beta


def _nadam(states: States, group: Group, epsilon: float) -> None:
    """0.96^t in place of 0.96^(0.004 t)."""
    group["momentum_decay"] = 1.0


_EPSILONS = matched.RULES | {optim.Adamax: _adamax, optim.NAdam: _nadam}

_HOOKS: Mapping[str, Callable[[optim.Optimizer, Sequence[Part], Fix], None]] = {
    "clip": _clip,
    "decoupled": _before(_decouple),
    "coupled": _before(_couple),
    "epsilon": _before(_epsilon),
    "momentum_schedule": _before(_rescale_momentum),
}
