"""Attention, in PyTorch."""

from __future__ import annotations

import inspect

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from shared.differences.difference import Shown


def _layer(
    kernels: torch.Tensor,
    biases: torch.Tensor,
    last_kernel: torch.Tensor,
    last_bias: torch.Tensor,
    batch_first: bool = True,
) -> nn.MultiheadAttention:
    """The layer with Keras' weights."""
    layer = nn.MultiheadAttention(8, 2, batch_first=batch_first)
    blocks = [kernel.reshape(8, 8).T for kernel in kernels]
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat(blocks))
        layer.in_proj_bias.copy_(biases.flatten())
        layer.out_proj.weight.copy_(last_kernel.reshape(8, 8).T)
        layer.out_proj.bias.copy_(last_bias)
    return layer


def attention_weights(
    query: torch.Tensor,
    value: torch.Tensor,
    kernels: torch.Tensor,
    biases: torch.Tensor,
    last_kernel: torch.Tensor,
    last_bias: torch.Tensor,
) -> Shown:
    """The first feature of the output."""
    same = _layer(kernels, biases, last_kernel, last_bias)
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    layer.load_state_dict(same.state_dict())
    with torch.no_grad():
        layer.in_proj_weight.copy_(kernels.reshape(3 * 8, 8))
        layer.out_proj.weight.copy_(last_kernel.reshape(8, 8))
    return Shown(
        {"output": layer(query, value, value)[0][..., 0]},
        {"output": same(query, value, value)[0][..., 0]},
    )


def attention_batch_first(
    query: torch.Tensor,
    kernels: torch.Tensor,
    biases: torch.Tensor,
    last_kernel: torch.Tensor,
    last_bias: torch.Tensor,
) -> Shown:
    """The first feature of self-attention."""
    weights = (kernels, biases, last_kernel, last_bias)
    option = inspect.signature(nn.MultiheadAttention).parameters["batch_first"]
    layer = _layer(*weights, batch_first=option.default)
    same = _layer(*weights)
    return Shown(
        {"output": layer(query, query, query)[0][..., 0]},
        {"output": same(query, query, query)[0][..., 0]},
        {"batch_first": option.default},
    )


def attention_mask(
    query: torch.Tensor,
    value: torch.Tensor,
    kernels: torch.Tensor,
    biases: torch.Tensor,
    last_kernel: torch.Tensor,
    last_bias: torch.Tensor,
    mask: torch.Tensor,
) -> Shown:
    """The first feature of the output."""
    layer = _layer(kernels, biases, last_kernel, last_bias)
    return Shown(
        {"output": layer(query, value, value, attn_mask=mask)[0][..., 0]},
        {"output": layer(query, value, value, attn_mask=~mask)[0][..., 0]},
    )


def attention_function_mask(
    query: torch.Tensor, value: torch.Tensor, mask: torch.Tensor
) -> Shown:
    """The first feature, by batch, time, head."""
    query, value = query.transpose(1, 2), value.transpose(1, 2)
    output = F.scaled_dot_product_attention(query, value, value, attn_mask=mask)
    return Shown({"output": output.transpose(1, 2)[..., 0]})


def attention_all_masked(
    query: torch.Tensor,
    value: torch.Tensor,
    kernels: torch.Tensor,
    biases: torch.Tensor,
    last_kernel: torch.Tensor,
    last_bias: torch.Tensor,
    mask: torch.Tensor,
) -> Shown:
    """How many outputs are no numbers, and the first feature."""
    layer = _layer(kernels, biases, last_kernel, last_bias)
    output, _ = layer(query, value, value, attn_mask=~mask)
    little = torch.where(mask, 0.0, torch.finfo(query.dtype).min)
    same, _ = layer(query, value, value, attn_mask=little)
    return Shown(
        {"no numbers": output.isnan().sum()},
        {"no numbers": same.isnan().sum(), "output": same[..., 0]},
    )


def attention_key_dim(query: torch.Tensor) -> Shown:
    """The number of parameters."""
    layer = nn.MultiheadAttention(query.shape[-1], 2)
    return Shown({"parameters": sum(p.numel() for p in layer.parameters())})


def attention_scores(
    query: torch.Tensor,
    value: torch.Tensor,
    kernels: torch.Tensor,
    biases: torch.Tensor,
    last_kernel: torch.Tensor,
    last_bias: torch.Tensor,
) -> Shown:
    """How many weights a query has on a value, and those of the first query."""
    layer = _layer(kernels, biases, last_kernel, last_bias)
    _, mean = layer(query, value, value)
    _, scores = layer(query, value, value, average_attn_weights=False)
    options = inspect.signature(layer.forward).parameters
    names = ("need_weights", "average_attn_weights")
    return Shown(
        {"weights a pair": mean.numel() / (2 * 6 * 5)},
        {"weights": scores[:, :, 0]},
        {name: options[name].default for name in names},
    )
