"""Optimizers, in PyTorch."""

from __future__ import annotations

import inspect
import math
from functools import partial
from typing import Any

import torch
from torch import nn, optim

from shared.differences.difference import Shown
from torch_track.differences.updates import updated

NAMES = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "Adamax")
BETAS = (0.875, 0.984375)


def _defaults(optimizer: Any, *names: str) -> dict[str, Any]:
    parameters = inspect.signature(optimizer).parameters
    return {name: parameters[name].default for name in names}


def learning_rates() -> Shown:
    """The rate of an optimizer as it comes."""
    default, same, settings = {}, {}, {}
    for name in NAMES:
        kind = getattr(optim, name)
        rate = 0.01 if name == "SGD" else 0.001
        default[name.lower()] = _rate(kind([nn.Parameter(torch.zeros(1))]))
        same[name.lower()] = _rate(kind([nn.Parameter(torch.zeros(1))], lr=rate))
        settings[name] = _defaults(kind, "lr")["lr"]
    return Shown(default, same, settings)


def _rate(optimizer: optim.Optimizer) -> float:
    return optimizer.param_groups[0]["lr"]


def sgd_momentum(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, with plain and with Nesterov's momentum."""
    found = {}
    for nesterov in (False, True):
        make = partial(optim.SGD, lr=0.1, momentum=0.875, nesterov=nesterov)
        name = "Nesterov" if nesterov else "weight"
        found[name] = updated(make, start, gradients)
    return Shown(found)


def sgd_weight_decay(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight."""
    make = partial(optim.SGD, lr=0.125, momentum=0.875)

    def shrink(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        with torch.no_grad():
            weight.mul_(1 - _rate(optimizer) * 0.125)

    return Shown(
        {"weight": updated(partial(make, weight_decay=0.125), start, gradients)},
        {"weight": updated(make, start, gradients, shrink)},
        _defaults(optim.SGD, "weight_decay"),
    )


def adam_epsilon(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, for small gradients, and with the same epsilon on both sides."""
    make = partial(optim.Adam, lr=0.01, betas=BETAS)

    def correct(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        group = optimizer.param_groups[0]
        group["eps"] = 1e-7 / math.sqrt(1 - group["betas"][1] ** (step + 1))

    same = partial(make, eps=1e-7)
    return Shown(
        {
            "weight": updated(make, start, gradients),
            "eps=1e-7": updated(same, start, gradients),
        },
        {"weight": updated(make, start, gradients, correct)},
        _defaults(optim.Adam, "eps"),
    )


def adam_weight_decay(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, without epsilon."""
    options: dict[str, Any] = {
        "lr": 0.125,
        "betas": BETAS,
        "eps": 0,
        "weight_decay": 0.125,
    }
    return Shown(
        {"weight": updated(partial(optim.Adam, **options), start, gradients)},
        {"weight": updated(partial(optim.AdamW, **options), start, gradients)},
        _defaults(optim.Adam, "weight_decay"),
    )


def adamw_weight_decay(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, without epsilon."""
    make = partial(optim.AdamW, lr=0.01, betas=BETAS, eps=0)
    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(partial(make, weight_decay=0.004), start, gradients)},
        _defaults(optim.AdamW, "weight_decay"),
    )


def rmsprop_decay(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, without epsilon."""
    make = partial(optim.RMSprop, lr=0.01, eps=0)
    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(partial(make, alpha=0.9), start, gradients)},
        _defaults(optim.RMSprop, "alpha"),
    )


def rmsprop_epsilon(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, for small gradients."""
    make = partial(optim.RMSprop, lr=0.01, alpha=0.9)

    def carry(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        """Epsilon in the average: it has to survive the decay of each step."""
        if step == 0:
            average = torch.full_like(weight, 1e-7)
            optimizer.state[weight] |= {
                "step": torch.tensor(0.0),
                "square_avg": average,
            }
        optimizer.state[weight]["square_avg"] += (1 / 0.9 - 1) * 1e-7

    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(partial(make, eps=0), start, gradients, carry)},
        _defaults(optim.RMSprop, "eps"),
    )


def adagrad(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight."""
    make = partial(optim.Adagrad, lr=0.01)
    same = partial(make, initial_accumulator_value=0.1 + 1e-7, eps=0)
    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(same, start, gradients)},
        _defaults(optim.Adagrad, "initial_accumulator_value", "eps"),
    )


def adadelta(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight."""
    make = partial(optim.Adadelta, lr=1.0)
    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(partial(make, rho=0.95, eps=1e-7), start, gradients)},
        _defaults(optim.Adadelta, "rho", "eps"),
    )


def nadam(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight."""
    make = partial(optim.NAdam, lr=0.01, betas=BETAS)
    same = partial(make, momentum_decay=1, eps=1e-7)
    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(same, start, gradients)},
        _defaults(optim.NAdam, "momentum_decay", "eps"),
    )


def adamax(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """The weight, for small gradients."""
    make = partial(optim.Adamax, lr=0.01, betas=BETAS)
    largest = torch.zeros_like(start)

    def carry(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        """What the step's own decay and maximum turn into the largest and epsilon."""
        assert weight.grad is not None
        torch.maximum(BETAS[1] * largest, weight.grad.abs(), out=largest)
        state = optimizer.state[weight]
        if step == 0:
            state |= {"step": torch.tensor(0.0), "exp_avg": torch.zeros_like(start)}
        state["exp_inf"] = (largest + 1e-7) / BETAS[1]

    return Shown(
        {"weight": updated(make, start, gradients)},
        {"weight": updated(partial(make, eps=0), start, gradients, carry)},
        _defaults(optim.Adamax, "eps"),
    )


def clipnorm(kernel: torch.Tensor, bias: torch.Tensor) -> Shown:
    """The two gradients, clipped to one half."""
    own = [gradient * _scale(0.5, gradient.norm()) for gradient in (kernel, bias)]
    return Shown(
        _clipped(kernel, bias, 0.5),
        {"kernel": own[0], "bias": own[1]},
    )


def global_clipnorm(kernel: torch.Tensor, bias: torch.Tensor) -> Shown:
    """The two gradients, clipped to a thousandth."""
    limit = 2.0**-10
    scale = _scale(limit, torch.cat((kernel.flatten(), bias)).norm())
    return Shown(
        _clipped(kernel, bias, limit),
        {"kernel": kernel * scale, "bias": bias * scale},
    )


def _scale(limit: float, norm: torch.Tensor) -> torch.Tensor:
    return torch.clamp(limit / norm, max=1)


def _clipped(
    kernel: torch.Tensor, bias: torch.Tensor, limit: float
) -> dict[str, torch.Tensor | None]:
    parameters = [nn.Parameter(torch.zeros_like(array)) for array in (kernel, bias)]
    for parameter, gradient in zip(parameters, (kernel, bias), strict=True):
        parameter.grad = gradient.clone()
    nn.utils.clip_grad_norm_(parameters, limit)
    return {"kernel": parameters[0].grad, "bias": parameters[1].grad}


def l2_regularizer(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor) -> Shown:
    """The weights of a layer after a step of SGD that shrinks its output."""
    found = []
    for decays in ((0.125, 0.125), (2 * 0.125, 0.0)):
        weights = nn.Parameter(kernel.T.clone()), nn.Parameter(bias.clone())
        groups = [
            {"params": [weight], "weight_decay": decay}
            for weight, decay in zip(weights, decays, strict=True)
        ]
        nn.functional.linear(x, *weights).square().mean().backward()
        optim.SGD(groups, lr=0.5).step()
        found.append({"kernel": weights[0].T, "bias": weights[1]})
    return Shown(found[0], found[1], _defaults(optim.SGD, "weight_decay"))
