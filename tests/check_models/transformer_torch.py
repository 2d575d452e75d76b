"""A small transformer encoder that classifies sentences; token 0 is padding."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """Attention, then two dense layers, each beside a shortcut."""

    def __init__(self, size: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(size, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(size)
        self.linear1 = nn.Linear(size, inner)
        self.linear2 = nn.Linear(inner, size)
        self.norm2 = nn.LayerNorm(size)

    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        attended, _ = self.attention(x, x, x, key_padding_mask=padding)
        x = self.norm1(x + attended)
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


class Encoder(nn.Module):
    """Takes sentences of 9 tokens below 23."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(23, 8)
        self.position = nn.Parameter(torch.zeros(9, 8))
        self.block = Block(8, 2, 20)
        self.head = nn.Linear(8, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens) + self.position
        x = self.block(x, tokens == 0)
        return self.head(x.mean(dim=1))


def build_torch() -> nn.Module:
    return Encoder()
