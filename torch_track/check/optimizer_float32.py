"""What Keras' optimizers on TensorFlow round to float32, in float64 too.

`ops.cast` of a Python number makes a float32 of it first: SGD's momentum, the rate of
weight decay, Adagrad's first accumulator, the betas of Nadam but in one product, and
those of Adam and Adamax where they correct for the start, though not where they
average. All else is exact. (keras/src/optimizers.)
"""

from __future__ import annotations

import math
from typing import Any

from torch import optim

from torch_track import matched
from torch_track.check.optimizer_sparse import begin_adam
from torch_track.matched import Group


def round_numbers(optimizer: optim.Optimizer) -> None:
    """Round what is rounded wherever it is used."""
    for group in optimizer.param_groups:
        for key in ("momentum", "weight_decay", "initial_accumulator_value"):
            if key in group and not isinstance(optimizer, optim.RMSprop):
                group[key] = matched.rounded(group[key])
        fill(optimizer, group)


def before_step(optimizer: optim.Optimizer) -> None:
    """Round what is rounded in one place and not in another."""
    if isinstance(optimizer, optim.NAdam):
        _keep_product(optimizer)
    elif isinstance(optimizer, (optim.Adam, optim.Adamax)):
        _correct(optimizer)


def fill(optimizer: optim.Optimizer, group: Group) -> None:
    """Begin with the first accumulator of Adagrad that the group has."""
    for p in group["params"]:
        if "sum" in optimizer.state[p]:
            optimizer.state[p]["sum"].fill_(group["initial_accumulator_value"])


def _keep_product(optimizer: optim.Optimizer) -> None:
    """Nadam's schedule of momentum is rounded, the product of all its values is not."""
    exact = [[group["betas"][0], 1.0] for group in optimizer.param_groups]
    for group in optimizer.param_groups:
        group["betas"] = matched.rounded(group["betas"])
        # Of the 0.96 that is raised to this power.
        group["momentum_decay"] *= math.log(matched.rounded(0.96), 0.96)

    def hook(optimizer: optim.Optimizer, *_: Any) -> None:
        for group, own in zip(optimizer.param_groups, exact, strict=True):
            stepping = [*matched.stepping(group)]
            for p in stepping:
                begin_adam(optimizer.state[p], p)
            states = [optimizer.state[p] for p in stepping]
            step = max((int(state["step"]) for state in states), default=0) + 1
            own[1] *= own[0] * (1.0 - 0.5 * 0.96**step)
            rounded = 0.96 ** (step * group["momentum_decay"])
            for state in states:
                # The step multiplies it by its own value.
                value = group["betas"][0] * (1.0 - 0.5 * rounded)
                state["mu_product"].fill_(own[1] / value)

    optimizer.register_step_pre_hook(hook)


def _correct(optimizer: optim.Optimizer) -> None:
    """The rate makes up for the correction that PyTorch computes."""
    factors: list[float] = []

    def before(optimizer: optim.Optimizer, *_: Any) -> None:
        steps = [state["step"] for state in optimizer.state.values() if state]
        step = int(max(steps, default=0)) + 1
        adam = isinstance(optimizer, optim.Adam)
        for group in optimizer.param_groups:
            factors.append(_factor(group, step, adam))
            group["lr"] *= factors[-1]
            group["weight_decay"] /= factors[-1] if _decoupled(group) else 1.0

    def after(optimizer: optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            factor = factors.pop(0)
            group["lr"] /= factor
            group["weight_decay"] *= factor if _decoupled(group) else 1.0

    optimizer.register_step_pre_hook(before)
    optimizer.register_step_post_hook(after)


def _decoupled(group: Group) -> bool:
    return bool(group.get("decoupled_weight_decay"))


def _factor(group: Group, step: int, adam: bool) -> float:
    first, second = (
        (1.0 - beta**step, 1.0 - matched.rounded(beta) ** step)
        for beta in group["betas"]
    )
    found = first[0] / first[1]
    return float(found * math.sqrt(second[1] / second[0]) if adam else found)
