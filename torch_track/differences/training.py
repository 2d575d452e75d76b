"""Training and what is told of it, in PyTorch."""

from __future__ import annotations

import inspect
import math
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from shared.differences.difference import Shown
from torch_track.differences.updates import updated


def _defaults(function: Any, *names: str) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters
    return {name: parameters[name].default for name in names}


def loader_batch_size(x: torch.Tensor) -> Shown:
    """How many updates an epoch has, and the size of the last batch."""
    loader = DataLoader(TensorDataset(x))
    same = DataLoader(TensorDataset(x), batch_size=32)
    settings = {"batch_size": loader.batch_size, "drop_last": loader.drop_last}
    return Shown(_batches(loader), _batches(same), settings)


def _batches(loader: DataLoader) -> dict[str, int]:
    sizes = [len(x) for (x,) in loader]
    return {"updates": len(sizes), "last batch": sizes[-1]}


def loader_shuffle(x: torch.Tensor, order: torch.Tensor) -> Shown:
    """The samples as they come."""
    loader = DataLoader(TensorDataset(x), batch_size=4)
    same = DataLoader(TensorDataset(x[order]), batch_size=4)
    return Shown(
        {"samples": torch.cat([batch[:, 0] for (batch,) in loader])},
        {"samples": torch.cat([batch[:, 0] for (batch,) in same])},
        _defaults(DataLoader, "shuffle"),
    )


def epoch_loss(x: torch.Tensor, y: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The loss of an epoch that learns nothing."""
    running, total = 0.0, 0.0
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    for x_batch, y_batch in loader:
        loss = nn.functional.mse_loss(x_batch @ kernel, y_batch)
        running += loss.item()
        total += loss.item() * len(x_batch)
    return Shown({"loss": running / len(loader)}, {"loss": total / len(x)})


def evaluation_mode(x: torch.Tensor) -> Shown:
    """The output of a layer just made."""
    layer = nn.BatchNorm1d(3, eps=1e-3)
    same = nn.BatchNorm1d(3, eps=1e-3).eval()
    settings = {"training": layer.training}
    return Shown({"output": layer(x)}, {"output": same(x)}, settings)


def gradient_accumulation(gradients: torch.Tensor) -> Shown:
    """The weight after one update with both gradients, from zero."""
    found = []
    for share in (1, 1 / len(gradients)):
        weight = nn.Parameter(torch.zeros(3))
        for gradient in gradients:
            (share * (weight @ gradient)).backward()
        optim.SGD([weight], lr=1.0).step()
        found.append({"weight": weight})
    return Shown(found[0], found[1])


def binary_accuracy_threshold(p: torch.Tensor, y: torch.Tensor) -> Shown:
    """The accuracy."""
    return Shown(
        {"accuracy": _share((p >= 0.5) == y)}, {"accuracy": _share((p > 0.5) == y)}
    )


def accuracy_of_logits(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The accuracy."""
    return Shown({"accuracy": _share((z > 0) == y)})


def accuracy_of_ties(scores: torch.Tensor, y: torch.Tensor) -> Shown:
    """The accuracy."""
    return Shown({"accuracy": _share(scores.argmax(dim=-1) == y)})


def _share(right: torch.Tensor) -> float:
    return right.double().mean().item()


def float32_hyperparameters(start: torch.Tensor, gradients: torch.Tensor) -> Shown:
    """A weight that Adam moves."""
    settings = _defaults(optim.Adam, "betas")
    beta_1, beta_2 = (float(np.float32(beta)) for beta in settings["betas"])

    def correct(step: int, optimizer: Any, weight: nn.Parameter) -> None:
        """Epsilon where Keras adds it, which `adam_epsilon` is about."""
        group = optimizer.param_groups[0]
        group["eps"] = 1e-7 / math.sqrt(1 - group["betas"][1] ** (step + 1))

    same = partial(optim.Adam, betas=(beta_1, beta_2))
    return Shown(
        {"weight": updated(optim.Adam, start, gradients, correct)},
        {"weight": updated(same, start, gradients, correct)},
        settings,
    )


def set_floatx() -> Shown:
    """The size of a weight."""
    torch.set_default_dtype(torch.float64)
    return Shown({"bits": torch.finfo(nn.Linear(1, 1).weight.dtype).bits})
