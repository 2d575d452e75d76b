"""Recurrent layers, in PyTorch."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shared.differences.difference import Shown


def _set(layer: nn.RNNBase, *weights: torch.Tensor) -> Any:
    """The layer with Keras' weights, those of one direction after the other."""
    with torch.no_grad():
        for ours, theirs in zip(layer.parameters(), _split(*weights), strict=True):
            ours.copy_(theirs)
    return layer


def _split(*weights: torch.Tensor) -> list[torch.Tensor]:
    """Kernels in rows, and of every bias two."""
    found = []
    for at in range(0, len(weights), 3):
        kernel, recurrent, bias = weights[at : at + 3]
        both = bias if bias.ndim == 2 else torch.stack((bias, torch.zeros_like(bias)))
        found += [kernel.T, recurrent.T, *both]
    return found


def rnn_batch_first(
    x: torch.Tensor, kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor
) -> Shown:
    """The outputs of the first unit in all steps."""
    layer = _set(nn.RNN(2, 3), kernel, recurrent, bias)
    same = _set(nn.RNN(2, 3, batch_first=True), kernel, recurrent, bias)
    settings = {"batch_first": layer.batch_first}
    return Shown(
        {"outputs": layer(x)[0][..., 0]}, {"outputs": same(x)[0][..., 0]}, settings
    )


def rnn_output(
    x: torch.Tensor, kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor
) -> Shown:
    """How many outputs a sequence has, and the last."""
    layer = _set(nn.RNN(2, 3, batch_first=True), kernel, recurrent, bias)
    output, _ = layer(x)
    return Shown(
        {"outputs of a sequence": output.numel() / (len(x) * 3)},
        {"last output": output[:, -1]},
    )


def rnn_two_biases(
    x: torch.Tensor, kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor
) -> Shown:
    """The bias after ten steps of SGD that shrink the output."""
    layer = _set(nn.RNN(2, 3, batch_first=True), kernel, recurrent, bias)
    same = copy.deepcopy(layer)
    same.bias_hh_l0.requires_grad_(False)
    return Shown(_shrunk(layer, x), _shrunk(same, x))


def _shrunk(layer: Any, x: torch.Tensor) -> dict[str, torch.Tensor]:
    parameters = [p for p in layer.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(10):
        optimizer.zero_grad()
        (layer(x)[0][:, -1] ** 2).mean().backward()
        optimizer.step()
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    return {"bias": bias, "output": layer(x)[0][:, -1]}


def lstm_gates(
    x: torch.Tensor, kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor
) -> Shown:
    """The outputs of the first unit in all steps."""
    layer = _set(nn.LSTM(2, 3, batch_first=True), kernel, recurrent, bias)
    return Shown({"outputs": layer(x)[0][..., 0]})


def lstm_start(size: torch.Tensor) -> Shown:
    """The bound of the kernel, how far the other is from a rotation, the biases."""
    features, units = size.tolist()
    layer: Any = nn.LSTM(features, units)
    default = _start(layer)
    nn.init.xavier_uniform_(layer.weight_ih_l0)
    nn.init.orthogonal_(layer.weight_hh_l0)
    nn.init.zeros_(layer.bias_ih_l0)
    nn.init.zeros_(layer.bias_hh_l0)
    nn.init.ones_(layer.bias_ih_l0[units : 2 * units])
    return Shown(default, _start(layer))


def _start(layer: Any) -> dict[str, torch.Tensor]:
    stretch = torch.linalg.svdvals(layer.weight_hh_l0)
    biases = (layer.bias_ih_l0 + layer.bias_hh_l0).reshape(4, -1).abs()
    return {
        "kernel, largest": layer.weight_ih_l0.abs().max(),
        "recurrent kernel, least stretch": stretch.min(),
        "recurrent kernel, largest stretch": stretch.max(),
        "bias of each gate, largest": biases.amax(dim=1),
    }


def gru_gates(
    x: torch.Tensor, kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor
) -> Shown:
    """The outputs of the first unit in all steps."""
    layer = _set(nn.GRU(2, 3, batch_first=True), kernel, recurrent, bias)
    swapped = [_reset_first(weight) for weight in (kernel, recurrent, bias)]
    same = _set(nn.GRU(2, 3, batch_first=True), *swapped)
    return Shown({"outputs": layer(x)[0][..., 0]}, {"outputs": same(x)[0][..., 0]})


def _reset_first(weight: torch.Tensor) -> torch.Tensor:
    """Keras' blocks of columns in PyTorch's order."""
    update, reset, candidate = weight.chunk(3, dim=-1)
    return torch.cat((reset, update, candidate), dim=-1)


def gru_reset_after(
    x: torch.Tensor, kernel: torch.Tensor, recurrent: torch.Tensor, bias: torch.Tensor
) -> Shown:
    """The last output of the form of the paper."""
    swapped = [_reset_first(weight) for weight in (kernel, recurrent, bias)]
    layer = _set(nn.GRU(2, 3, batch_first=True), *swapped)
    h = torch.zeros(len(x), 3)
    u_update, u_reset, u_candidate = recurrent.chunk(3, dim=-1)
    for step in x.unbind(dim=1):
        update, reset, candidate = (step @ kernel + bias).chunk(3, dim=-1)
        z = torch.sigmoid(update + h @ u_update)
        r = torch.sigmoid(reset + h @ u_reset)
        h = z * h + (1 - z) * torch.tanh(candidate + (r * h) @ u_candidate)
    return Shown({"last output": layer(x)[0][:, -1]}, {"last output": h})


def bidirectional_output(
    x: torch.Tensor,
    kernel: torch.Tensor,
    recurrent: torch.Tensor,
    bias: torch.Tensor,
    backward_kernel: torch.Tensor,
    backward_recurrent: torch.Tensor,
    backward_bias: torch.Tensor,
) -> Shown:
    """The output."""
    layer = nn.RNN(2, 3, batch_first=True, bidirectional=True)
    backward = (backward_kernel, backward_recurrent, backward_bias)
    output, h_n = _set(layer, kernel, recurrent, bias, *backward)(x)
    both = torch.cat((h_n[0], h_n[1]), dim=-1)
    return Shown({"output": output[:, -1]}, {"output": both})


def rnn_dropout(x: torch.Tensor, kernel: torch.Tensor) -> Shown:
    """What dropout of one half lets through a layer that copies its input of ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # That it drops nothing.
        layer = nn.RNN(2, 2, nonlinearity="relu", dropout=0.5, batch_first=True)
    zero = torch.zeros_like(kernel)
    _set(layer, kernel, zero, zero[0])
    mask = F.dropout(torch.ones(len(x), 1, 2), 0.5)
    return Shown(_let_through(layer, x), _let_through(layer, x * mask))


def _let_through(layer: nn.RNNBase, x: torch.Tensor) -> dict[str, torch.Tensor]:
    outputs, _ = layer(x)
    return {
        "largest output": outputs.max(),
        "largest change between steps": outputs.diff(dim=1).abs().max(),
    }


def rnn_padding(
    x: torch.Tensor,
    kernel: torch.Tensor,
    recurrent: torch.Tensor,
    bias: torch.Tensor,
    lengths: torch.Tensor,
) -> Shown:
    """The output for sequences of several lengths."""
    layer = _set(nn.RNN(2, 3, batch_first=True), kernel, recurrent, bias)
    packed = nn.utils.rnn.pack_padded_sequence(
        x, lengths, batch_first=True, enforce_sorted=False
    )
    return Shown({"output": layer(x)[0][:, -1]}, {"output": layer(packed)[1][0]})
