"""Losses: a common name, or the user's own, and what PyTorch is asked for in them."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.overrides import TorchFunctionMode

from shared.check.user_code import guarded, load_object
from shared.errors import UsageError
from shared.lesson import nearest
from shared.parity.trace import Trace
from torch_track.check.arrays import as_tensor
from torch_track.check.loss_rules import LIKE_OUTPUT, Request, told
from torch_track.check.record import widened

Function: TypeAlias = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Outputs: TypeAlias = Sequence[tuple[str, torch.Tensor]]


def _like(target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """The target in the output's shape and dtype."""
    same = target.numel() == output.numel()
    return (target.reshape(output.shape) if same else target).to(output.dtype)


def _classes(
    output: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Classes along the second axis of the output; one integer for each sample."""
    if target.is_floating_point():
        return output, target
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target.squeeze(-1)
    if target.shape != (output.shape[0], *output.shape[2:]):
        output = output.movedim(-1, 1)
    return output, target


def _cross_entropy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(*_classes(output, target))


def _cross_entropy_probs(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    output, target = _classes(output, target)
    return F.nll_loss(output.log(), target)


def _kld(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    samples = output.flatten(0, -2), _like(target, output).flatten(0, -2)
    return F.kl_div(samples[0].log(), samples[1], reduction="batchmean")


def _poisson(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.poisson_nll_loss(output, _like(target, output), log_input=False, eps=1e-7)


def _hinge(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    sign = _like(target, output)
    if not ((sign != 0) & (sign != 1)).any():
        sign = 2 * sign - 1
    return torch.clamp(1 - sign * output, min=0).mean()


def _each(function: Any) -> Function:
    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return function(output, _like(target, output))

    return loss


NAMED: Mapping[str, Function] = {
    "mse": _each(F.mse_loss),
    "mae": _each(F.l1_loss),
    "huber": _each(F.huber_loss),
    "bce": _each(F.binary_cross_entropy),
    "bce_logits": _each(F.binary_cross_entropy_with_logits),
    "cross_entropy": _cross_entropy,
    "cross_entropy_probs": _cross_entropy_probs,
    "kld": _kld,
    "poisson": _poisson,
    "hinge": _hinge,
}
"""What equals Keras' loss of that name, of an output and a target."""


class Scalar:
    """The number that a model's outputs are reduced to: a loss, or else products.

    Attributes:
        settings: what the first call asked of PyTorch, by neutral name.
    """

    def __init__(self, given: Any, repairs: Sequence[Mapping[str, Any]]) -> None:
        """Take a loss.

        Args:
            given: a common name, "file.py:name", a module, a function of output and
                target, or None for the sum of the outputs' products with cotangents.
            repairs: those of losses are applied to every call.

        Raises:
            UsageError: there is no such loss.
        """
        self._path = given.rpartition(":")[0] if isinstance(given, str) else ""
        self._function = None if given is None else _found(given)
        self._fixes = {r["fix"]: r.get("value") for r in repairs if r["do"] == "loss"}
        self.settings: dict[str, Any] = {}

    def __call__(self, outputs: Outputs, arrays: Trace) -> torch.Tensor:
        """The sum over all outputs that have a target, or a cotangent.

        Args:
            outputs: with their places in what the model returns.
            arrays: "target/0", ... or "cotangent/0", ...

        Raises:
            UsageError: the loss does not take them.
        """
        kind = "cotangent" if self._function is None else "target"
        pairs = [
            (output, as_tensor(arrays[f"{kind}/{k}"]))
            for k, (_, output) in enumerate(outputs)
            if f"{kind}/{k}" in arrays
        ]
        return torch.stack([self._one(*pair) for pair in pairs]).sum()

    def _one(self, output: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        if self._function is None:
            return (output * other).sum()
        path = self._path or "the PyTorch loss"
        return guarded(path, lambda: self._loss(self._function, output, other))

    def _loss(
        self, function: Any, output: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        mode = _LossMode(self._fixes)
        if "squeeze" in self._fixes and target.is_floating_point():
            target = _like(target, output)
        with warnings.catch_warnings(record=True) as caught, mode:
            warnings.simplefilter("always")
            value = function(output, target)
        if not isinstance(value, torch.Tensor):
            raise UsageError(f"the loss is {type(value).__name__}, not a tensor")
        self.settings = self.settings or {
            "type": _name(function),
            "from_logits": None,
            "output_shape": list(output.shape),
            "target_shape": list(target.shape),
            **mode.told,
            "warnings": [str(one.message) for one in caught],
        }
        return value.mean() if value.ndim else value


class _LossMode(TorchFunctionMode):
    """Watches for PyTorch's losses, and asks them for something else under repair."""

    def __init__(self, fixes: Mapping[str, Any]) -> None:
        super().__init__()
        self.told: dict[str, Any] = {}
        self._fixes = fixes

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        func, args, kwargs = widened(func, args, kwargs or {})
        request = Request.of(func, args, kwargs)
        if request is None:
            return func(*args, **kwargs)
        if request.name in LIKE_OUTPUT and not request.target.is_floating_point():
            request.target = request.target.to(request.output.dtype)
        self.told = self.told or told(request)
        return request.fixed(self._fixes).value()


def _found(given: Any) -> Function:
    if isinstance(given, str) and given in NAMED:
        return NAMED[given]
    if isinstance(given, str):
        path = given.rpartition(":")[0]
        if not path:
            known = ", ".join(NAMED)
            hint = nearest(given, NAMED)
            raise UsageError(f"there is no loss {given!r}{hint}; known are {known}")
        given = load_object(given)
        if isinstance(given, type) or (callable(given) and not _needed(given)):
            given = guarded(path, given)
    if isinstance(given, nn.Module):
        return copy.deepcopy(given).to(torch.get_default_dtype())
    if callable(given):
        return given
    raise UsageError(
        f"the PyTorch loss is {type(given).__name__}: give a module, a function of "
        "output and target, or a common name"
    )


def _needed(function: Callable[..., Any]) -> int:
    """How many arguments it must be given; a module is no function that builds one."""
    if isinstance(function, nn.Module):
        return 2
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 2  # written in C
    return sum(p.default is p.empty for p in parameters)


def _name(function: Any) -> str:
    named = next((name for name, known in NAMED.items() if known is function), None)
    kind = getattr(function, "__name__", type(function).__name__)
    return named or str(kind)
