"""Optimizers: a common name, or the user's own, made anew for a copy of the model."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import nn, optim
from torch.optim.lr_scheduler import LRScheduler

from shared.check.user_code import guarded, load_object
from shared.errors import UsageError
from shared.lesson import nearest
from torch_track import matched

Make: TypeAlias = Callable[[list[nn.Parameter]], Any]

NAMED: Mapping[str, Callable[..., optim.Optimizer]] = {
    "sgd": optim.SGD,
    "momentum": functools.partial(optim.SGD, momentum=0.9),
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "rmsprop": optim.RMSprop,
    "adagrad": optim.Adagrad,
    "adadelta": optim.Adadelta,
    "adamax": optim.Adamax,
    "nadam": optim.NAdam,
}
"""PyTorch's own defaults, but for the learning rate."""


class Stepper:
    """An optimizer of a copy's parameters, and the scheduler that it came with.

    Attributes:
        optimizer: made for the copy.
    """

    def __init__(self, given: Any, own: nn.Module, copy: nn.Module) -> None:
        """Make it.

        Args:
            given: "name" or "name:learning_rate", "file.py:name", a function of the
                parameters, a class, or an optimizer of the user's model.
            own: the user's model.
            copy: what is to be trained.

        Raises:
            UsageError: there is no such optimizer, or it is of another model.
        """
        path = given.rpartition(":")[0] if isinstance(given, str) else ""
        make = _found(given, own)
        parameters = list(copy.parameters())
        found = guarded(path or "the PyTorch optimizer", lambda: make(parameters))
        self._scheduler = found if isinstance(found, LRScheduler) else None
        self.optimizer = found.optimizer if self._scheduler else found
        if not isinstance(self.optimizer, optim.Optimizer):
            raise UsageError(
                f"the PyTorch optimizer is {type(found).__name__}: give a function of "
                "the parameters that returns a torch.optim.Optimizer"
            )

    def step(self) -> None:
        """One update."""
        guarded("the PyTorch optimizer", self.optimizer.step)
        if self._scheduler is not None:
            self._scheduler.step()

    def settings(self) -> dict[str, Any]:
        """Its rule and hyperparameters by neutral name."""
        group = self.optimizer.param_groups[0]
        adamw = isinstance(self.optimizer, optim.AdamW)
        found = matched.settings(self.optimizer) | {
            "decoupled": adamw or bool(group.get("decoupled_weight_decay")),
            "schedule": self._scheduler is not None,
        }
        kept = {
            key: group[key] for key in ("rho", "amsgrad", "centered") if key in group
        }
        return {key: _plain(value) for key, value in (found | kept).items()}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, torch.Tensor) else value


def _found(given: Any, own: nn.Module) -> Make:
    if isinstance(given, str):
        name, _, rate = given.partition(":")
        if name in NAMED:
            return functools.partial(NAMED[name], lr=_rate(given, rate))
        if ".py:" not in given:
            raise UsageError(
                f"there is no optimizer {name!r}{nearest(name, NAMED)}; known are "
                f"{', '.join(NAMED)}"
            )
        given = load_object(given)
    if isinstance(given, LRScheduler):
        given = given.optimizer
    if isinstance(given, optim.Optimizer):
        return functools.partial(_again, given, list(own.parameters()))
    if callable(given):
        return given
    raise UsageError(
        f"the PyTorch optimizer is {type(given).__name__}: give a function of the "
        "parameters, an optimizer, or a common name"
    )


def _rate(given: str, rate: str) -> float:
    try:
        return float(rate or 0.001)
    except ValueError:
        raise UsageError(f"{given!r}: {rate!r} is no learning rate") from None


def _again(
    optimizer: optim.Optimizer,
    own: Sequence[nn.Parameter],
    parameters: Sequence[nn.Parameter],
) -> optim.Optimizer:
    """An optimizer of the same hyperparameters, of the copy's parameters."""
    groups = optimizer.param_groups
    listed = [p for group in groups for p in group["params"]]
    if all(any(p is q for q in own) for p in listed):
        places = {id(p): index for index, p in enumerate(own)}
    elif [p.shape for p in listed] == [p.shape for p in own]:
        places = {id(p): index for index, p in enumerate(listed)}  # built once more
    else:
        raise UsageError(
            "the PyTorch optimizer is not of this model's parameters: give a function "
            "of the parameters that makes it"
        )
    made = [
        {**group, "params": [parameters[places[id(p)]] for p in group["params"]]}
        for group in groups
    ]
    taken = inspect.signature(type(optimizer)).parameters
    options = {k: v for k, v in optimizer.defaults.items() if k in taken}
    return type(optimizer)(made, **options)
