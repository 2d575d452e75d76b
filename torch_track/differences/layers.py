"""Dense, embedding and dropout layers, in PyTorch."""

from __future__ import annotations

import torch
from torch import nn

from shared.differences.difference import Shown
from torch_track.differences.draws import recorded


def dense_layout(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """The output with the given kernel."""
    layer, same = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(kernel)
        same.weight.copy_(kernel.T)
    settings = {"weight of 3 to 5": list(nn.Linear(3, 5).weight.shape)}
    return Shown({"output": layer(x)}, {"output": same(x)}, settings)


def dense_initializers(x: torch.Tensor) -> Shown:
    """The largest that a weight and a bias can be."""
    with recorded() as draws:
        layer = nn.Linear(x.shape[-1], 5)
        nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    weight, bias, same = draws
    return Shown(
        {"largest weight": weight["to"], "largest bias": bias["to"]},
        {"largest weight": same["to"], "largest bias": layer.bias.abs().max()},
        {"weight": weight["distribution"], "bias": bias["distribution"]},
    )


def he_normal(x: torch.Tensor) -> Shown:
    """The standard deviation of the normal that is drawn from."""
    with recorded() as draws:
        nn.init.kaiming_normal_(torch.empty(5, x.shape[-1]), nonlinearity="relu")
    (weight,) = draws
    return Shown(
        {"deviation": weight["std"]},
        settings={"distribution": weight["distribution"]},
    )


def embedding_initializer(words: torch.Tensor) -> Shown:
    """The standard deviation of a weight."""
    with recorded() as draws:
        layer = nn.Embedding(7, 2)
        nn.init.uniform_(layer.weight, -0.05, 0.05)
    table, same = draws
    return Shown(
        {"deviation": table["std"]},
        {"deviation": (same["to"] - same["from"]) / 12**0.5},
        {"distribution": table["distribution"]},
    )


def embedding_mask(words: torch.Tensor, table: torch.Tensor) -> Shown:
    """The mean over each sentence."""
    layer = nn.Embedding(7, 2, padding_idx=0)
    layer.weight = nn.Parameter(table)
    embedded = layer(words)
    kept = (words != 0)[..., None]
    same = (kept * embedded).sum(1) / kept.sum(1)
    settings = {"padding_idx": nn.Embedding(7, 2).padding_idx}
    return Shown({"mean": embedded.mean(1)}, {"mean": same}, settings)


def embedding_padding_row(words: torch.Tensor, table: torch.Tensor) -> Shown:
    """The gradient of the sum of squares."""
    layer, same = nn.Embedding(7, 2, padding_idx=0), nn.Embedding(7, 2)
    settings = {"row 0 at the start": layer.weight[0].tolist()}
    layer.weight, same.weight = nn.Parameter(table), nn.Parameter(table.clone())
    (layer(words) ** 2).sum().backward()
    (same(words) ** 2).sum().backward()
    return Shown(
        {"gradient": layer.weight.grad}, {"gradient": same.weight.grad}, settings
    )


def dropout_scale(x: torch.Tensor) -> Shown:
    """What ones become."""
    layer = nn.Dropout(0.2)
    values = layer.train()(x).unique()
    return Shown({"in training": values, "in evaluation": layer.eval()(x)})


def dropout_mask(x: torch.Tensor, kept: torch.Tensor) -> Shown:
    """The output in training."""
    torch.manual_seed(0)
    layer = nn.Dropout(0.3)
    return Shown({"output": layer(x)}, {"output": x * kept / (1 - 0.3)})
