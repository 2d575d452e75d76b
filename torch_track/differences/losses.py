"""Losses, in PyTorch."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shared.differences.difference import Shown


def bce_probabilities(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss of each sample."""
    loss = nn.BCELoss(reduction="none")
    same = nn.BCEWithLogitsLoss(reduction="none")
    return Shown({"loss": loss(torch.sigmoid(z), y)}, {"loss": same(z, y)})


def bce_cached_logits(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss of each sample."""
    loss = nn.BCELoss(reduction="none")
    same = nn.BCEWithLogitsLoss(reduction="none")
    return Shown({"loss": loss(torch.sigmoid(z), y)}, {"loss": same(z, y)})


def cce_probabilities(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.CrossEntropyLoss()
    return Shown({"loss": loss(z.softmax(dim=1), y)}, {"loss": loss(z, y)})


def cce_axis(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss of sequences."""
    loss = nn.CrossEntropyLoss()
    same = loss(z.movedim(-1, 1), y.movedim(-1, 1))
    return Shown({"loss": loss(z, y)}, {"loss": same})


def cce_label_smoothing(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    settings = {"label_smoothing": nn.CrossEntropyLoss().label_smoothing}
    return Shown({"loss": loss(z, y)}, settings=settings)


def bce_label_smoothing(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.BCEWithLogitsLoss()
    smoothed = y * (1 - 0.1) + 0.1 / 2
    return Shown({"loss": loss(z, y)}, {"loss": loss(z, smoothed)})


def class_weight(z: torch.Tensor, y: torch.Tensor, weight: torch.Tensor) -> Shown:
    """The loss."""
    return Shown({"loss": nn.CrossEntropyLoss(weight=weight)(z, y)})


def ignored_class(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.CrossEntropyLoss()
    settings = {"ignore_index": loss.ignore_index}
    return Shown({"loss": loss(z, y)}, settings=settings)


def kl_divergence(p: torch.Tensor, q: torch.Tensor) -> Shown:
    """Of p from q."""
    loss = nn.KLDivLoss()
    same = nn.KLDivLoss(reduction="batchmean")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That it is not the divergence.
        found = loss(p, q)
    settings = {"reduction": loss.reduction, "log_target": loss.log_target}
    return Shown({"loss": found}, {"loss": same(q.log(), p)}, settings)


def poisson(rate: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.PoissonNLLLoss()
    same = nn.PoissonNLLLoss(log_input=False, eps=1e-7)
    settings = {"log_input": loss.log_input, "eps": loss.eps}
    return Shown({"loss": loss(rate, y)}, {"loss": same(rate, y)}, settings)


def mse_shapes(x: torch.Tensor) -> Shown:
    """The loss of a perfect prediction."""
    loss, prediction = nn.MSELoss(), x[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of what is shown.
        found = loss(prediction, x)
    return Shown({"loss": found}, {"loss": loss(prediction.squeeze(1), x)})


def huber(x: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.HuberLoss()
    return Shown({"loss": loss(x, y)}, settings={"delta": loss.delta})


def cosine_similarity(p: torch.Tensor, q: torch.Tensor) -> Shown:
    """The loss."""
    loss = nn.CosineEmbeddingLoss()(p, q, torch.ones(len(p)))
    return Shown({"loss": loss}, {"loss": -F.cosine_similarity(p, q).mean()})


def hinge(z: torch.Tensor, y: torch.Tensor) -> Shown:
    """The loss."""
    sign = 2 * y - 1
    loss = nn.HingeEmbeddingLoss()(z, sign)
    return Shown({"loss": loss}, {"loss": torch.clamp(1 - sign * z, min=0).mean()})
