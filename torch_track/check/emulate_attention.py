"""Attention by Keras' rule, with the weights of PyTorch's layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

Settings: TypeAlias = Mapping[str, Any]


def attention(module: Any, settings: Settings) -> Callable[..., Any]:
    """The whole layer; its masks are boolean or added, as PyTorch's are.

    Args:
        module: nn.MultiheadAttention.
        settings: "invert_mask" where True keeps, "batch_first", and "float32_scale"
            for 1 / sqrt(key_dim) as Keras rounds it.
    """
    if module.bias_k is not None or module.add_zero_attn:
        return module.forward
    batch_first = settings.get("batch_first", module.batch_first)
    scale = module.head_dim**-0.5
    if settings.get("float32_scale"):
        scale = float(np.float32(scale))

    def masked(scores: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if mask.dtype != torch.bool:
            return scores + mask
        keeps = mask if settings.get("invert_mask") else ~mask
        # Finite, so that what is masked altogether is a plain mean.
        return torch.where(keeps, scores, -0.7 * torch.finfo(scores.dtype).max)

    def forward(
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: torch.Tensor | None = None,
        need_weights: bool = True,
        attn_mask: torch.Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        given = query, key, value
        if not batch_first:
            given = query.transpose(0, 1), key.transpose(0, 1), value.transpose(0, 1)
        q, k, v = (_heads(module, x, i) for i, x in enumerate(given))
        scores = (q * scale) @ k.transpose(-2, -1)
        if attn_mask is not None:
            each = attn_mask.ndim == 3  # batch and head
            scores = masked(scores, attn_mask.view_as(scores) if each else attn_mask)
        if key_padding_mask is not None:
            scores = masked(scores, key_padding_mask[:, None, None, :])
        weights = scores.softmax(-1)
        joined = (weights @ v).transpose(1, 2).flatten(2)
        output = F.linear(joined, module.out_proj.weight, module.out_proj.bias)
        output = output if batch_first else output.transpose(0, 1)
        if average_attn_weights:
            weights = weights.mean(1)
        return output, weights if need_weights else None

    return forward


def _heads(module: Any, x: torch.Tensor, index: int) -> torch.Tensor:
    """A projection, (batch, heads, time, features of a head)."""
    weight = (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)[index]
    if module.in_proj_weight is not None:
        weight = module.in_proj_weight.chunk(3)[index]
    biases = module.in_proj_bias
    bias = None if biases is None else biases.chunk(3)[index]
    projected = F.linear(x, weight, bias)
    return projected.unflatten(-1, (module.num_heads, -1)).transpose(1, 2)
