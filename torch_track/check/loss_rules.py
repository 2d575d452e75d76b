"""What a call of one of PyTorch's losses asks for, and the same under a repair."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812

LIKE_OUTPUT = {
    "mse_loss": "mse",
    "l1_loss": "mae",
    "smooth_l1_loss": "huber",
    "huber_loss": "huber",
    "binary_cross_entropy": "bce",
    "binary_cross_entropy_with_logits": "bce",
    "poisson_nll_loss": "poisson",
    "kl_div": "kld",
    "hinge_embedding_loss": "hinge",
    "soft_margin_loss": "soft_margin",
}
"""Losses of two tensors of one shape, with their neutral names."""

_OF_CLASSES = {"cross_entropy": "cross_entropy", "nll_loss": "cross_entropy"}
_LOGITS = {
    "binary_cross_entropy": False,
    "binary_cross_entropy_with_logits": True,
    "cross_entropy": True,
    "nll_loss": False,
}
_FUNCTIONS = {name: getattr(F, name) for name in (*LIKE_OUTPUT, *_OF_CLASSES)}
_BY_KERAS = {
    "mse": "mse_loss",
    "mae": "l1_loss",
    "huber": "huber_loss",
    "poisson": "poisson_nll_loss",
    "MeanSquaredError": "mse_loss",
    "MeanAbsoluteError": "l1_loss",
    "Huber": "huber_loss",
    "Poisson": "poisson_nll_loss",
}
"""Losses that may stand in for each other, by neutral and by Keras' names."""


@dataclasses.dataclass
class Request:
    """A call of a loss.

    Attributes:
        name: the function's.
        output, target: its two tensors.
        options: the other arguments by name.
        divisor: of what comes out.
    """

    name: str
    output: torch.Tensor
    target: torch.Tensor
    options: dict[str, Any]
    divisor: int = 1

    @staticmethod
    def of(function: Any, args: Any, kwargs: Any) -> Request | None:
        """The request that a call makes; None if it is no loss."""
        name = getattr(function, "__name__", "")
        if name not in _FUNCTIONS or function is not _FUNCTIONS[name]:
            return None
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        options = dict(bound.arguments)
        output, target = options.pop("input"), options.pop("target")
        for key, value in options.items():
            if isinstance(value, torch.Tensor):
                options[key] = value.to(output.dtype)
        # Old names of the reduction.
        options = {k: v for k, v in options.items() if k not in _OLD}
        return Request(name, output, target, options)

    def value(self) -> torch.Tensor:
        """Call the loss."""
        function: Callable[..., torch.Tensor] = _FUNCTIONS[self.name]
        return function(self.output, self.target, **self.options) / self.divisor

    def fixed(self, fixes: Mapping[str, Any]) -> Request:
        """The request as Keras makes it."""
        found = dataclasses.replace(self, options=dict(self.options))
        for fix, value in fixes.items():
            _FIXES[fix](found, value)
        return found


def told(request: Request) -> dict[str, Any]:
    """The settings of a loss, as it is called."""
    options = request.options
    found = {
        "type": (LIKE_OUTPUT | _OF_CLASSES)[request.name],
        "from_logits": _LOGITS.get(request.name),
        "reduction": options["reduction"],
        "output_shape": list(request.output.shape),
        "target_shape": list(request.target.shape),
    }
    if request.name == "kl_div" and options["reduction"] in _DIVERGENCE:
        found["reduction"] = _DIVERGENCE[options["reduction"]]
    if request.name in _LOGITS:
        found["label_smoothing"] = float(options.get("label_smoothing", 0.0))
        found["weight"] = options.get("weight") is not None
    if "ignore_index" in options:
        found["ignore"] = options["ignore_index"]
    for key in ("delta", "beta"):
        if key in options:
            found["delta"] = float(options[key])
    if "log_input" in options:
        found["log_input"] = bool(options["log_input"])
    return found


_OLD = ("size_average", "reduce")
_DIVERGENCE = {"batchmean": "mean", "mean": "mean_of_elements"}
"""Keras' mean over the samples is not PyTorch's."""


def _squeeze(request: Request, value: Any) -> None:
    same = request.target.numel() == request.output.numel()
    if request.name in LIKE_OUTPUT and same:
        request.target = request.target.reshape(request.output.shape)


def _from_logits(request: Request, value: bool) -> None:
    if request.name.startswith("binary"):
        ending = "_with_logits" if value else ""
        request.output = request.output if value else _clipped(request.output)
        request.name = f"binary_cross_entropy{ending}"
        request.options.pop("pos_weight", None)
    elif request.name == "nll_loss" and value:
        request.name = "cross_entropy"
    elif request.name == "cross_entropy" and not value:
        # Softmax of logarithms divides by their sum, as Keras does.
        request.output = _clipped(request.output).log()


def _clipped(probabilities: torch.Tensor) -> torch.Tensor:
    """Keras' epsilon; what stands for it in PyTorch, log >= -100, is no matter then."""
    return probabilities.clamp(1e-7, 1 - 1e-7)


def _reduction(request: Request, value: str) -> None:
    value = {"sum_over_batch_size": "mean"}.get(value, value)
    if request.name == "kl_div":
        request.options["reduction"] = {"mean": "batchmean"}.get(value, value)
        return
    request.options["reduction"] = value
    shape = request.output.shape
    if value == "sum" and request.name in LIKE_OUTPUT and len(shape) > 1:
        # Keras sums over the samples, and averages over the features of each.
        request.divisor = shape[1 if len(shape) > 3 else -1]


def _label_smoothing(request: Request, value: float) -> None:
    if request.name == "cross_entropy":
        request.options["label_smoothing"] = value
    elif request.name.startswith("binary"):
        request.target = request.target * (1 - value) + value / 2


def _delta(request: Request, value: float) -> None:
    request.name = "huber_loss"
    request.options = {"reduction": request.options["reduction"], "delta": value}


def _log_input(request: Request, value: bool) -> None:
    request.options |= {"log_input": value, "eps": 1e-7}


def _weights(request: Request, value: str) -> None:
    """Class weights whose sum is divided by the number of samples."""
    if request.options.get("weight") is None or request.name not in _OF_CLASSES:
        return
    request.options["reduction"] = "sum"
    request.divisor = request.target.numel()


def _ignore(request: Request, value: int | None) -> None:
    request.options["ignore_index"] = -100 if value is None else value


def _type(request: Request, value: str) -> None:
    name = _BY_KERAS.get(value, "")
    if (
        name
        and request.name in LIKE_OUTPUT
        and LIKE_OUTPUT[name] != LIKE_OUTPUT[request.name]
    ):
        request.name = name
        request.options = {"reduction": request.options["reduction"]}


_FIXES: Mapping[str, Callable[[Request, Any], None]] = {
    "type": _type,
    "squeeze": _squeeze,
    "from_logits": _from_logits,
    "label_smoothing": _label_smoothing,
    "delta": _delta,
    "log_input": _log_input,
    "ignore": _ignore,
    "weights": _weights,
    "reduction": _reduction,
}
