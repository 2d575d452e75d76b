"""What Keras' optimizers do otherwise, applied to PyTorch's before each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import optim

from torch_track import matched
from torch_track.check import clip, optimizer_float32, optimizer_sparse
from torch_track.check.optimizer_sparse import Squares
from torch_track.check.optimizers import NAMED
from torch_track.layouts import Part
from torch_track.matched import Group, States

Fix = Mapping[str, Any]


def repair(
    optimizer: optim.Optimizer, parts: Sequence[Part], repairs: Sequence[Fix]
) -> None:
    """Let the optimizer compute what the repairs of optimizers say."""
    own = [r for r in repairs if r["do"] == "optimizer"]
    fixes = {r["fix"]: r.get("settings", {}) for r in own}
    for settings in (r["settings"] for r in own if r["fix"] in ("rule", "set")):
        for name, value in settings.items():
            _set(optimizer, name, value)
    if "float32_hyperparameters" in fixes:
        optimizer_float32.round_numbers(optimizer)
    if "epsilon" in fixes and isinstance(optimizer, optim.NAdam):
        _set(optimizer, "momentum_decay", 1.0)  # 0.96^t in place of 0.96^(0.004 t)
    squares: Squares = {}
    if "clip" in fixes or "sparse_gradients" in fixes:
        optimizer_sparse.collect(optimizer, parts, squares)
    hooks: Mapping[str, Callable[[], None]] = {
        "clip": lambda: clip.before_step(optimizer, parts, squares, fixes["clip"]),
        **{n: partial(_before_step, optimizer, c) for n, c in _CHANGES.items()},
        "sparse_gradients": lambda: optimizer_sparse.before_step(optimizer, squares),
        "float32_hyperparameters": lambda: optimizer_float32.before_step(optimizer),
    }
    for name in (name for name in hooks if name in fixes):
        hooks[name]()


def chosen(given: Any, repairs: Sequence[Fix]) -> Any:
    """The optimizer, or the one of another rule that a repair names."""
    for r in repairs:
        if r["do"] == "optimizer" and r["fix"] == "rule":
            name, rate = r["settings"]["rule"], r["settings"]["learning_rate"]
            return f"{name}:{rate}" if name in NAMED else given
    return given


def _set(optimizer: optim.Optimizer, name: str, value: Any) -> None:
    """Set what the optimizer has of that name; Keras' None is its 0."""
    for group in optimizer.param_groups:
        key = "alpha" if name == "rho" and "alpha" in group else _NAMES.get(name, name)
        if name in ("beta_1", "beta_2") and "betas" in group:
            first, second = group["betas"]
            group["betas"] = (value, second) if name == "beta_1" else (first, value)
        elif key in group:
            group[key] = (value or 0.0) if name == "weight_decay" else value
        if name == "initial_accumulator_value":
            optimizer_float32.fill(optimizer, group)


_NAMES = {"learning_rate": "lr", "epsilon": "eps"}


def _before_step(
    optimizer: optim.Optimizer,
    change: Callable[[optim.Optimizer, Group, Group], None],
) -> None:
    """A change of each group before each step, given the group as it was at first."""
    given = [dict(group) for group in optimizer.param_groups]

    def hook(optimizer: optim.Optimizer, *_: Any) -> None:
        for group, own in zip(optimizer.param_groups, given, strict=True):
            change(optimizer, group, own)

    optimizer.register_step_pre_hook(hook)


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


_EPSILONS = matched.RULES | {optim.Adamax: _adamax}

_CHANGES: Mapping[str, Callable[[optim.Optimizer, Group, Group], None]] = {
    "decoupled": _decouple,
    "coupled": _couple,
    "epsilon": _epsilon,
    "momentum_schedule": _rescale_momentum,
}
