"""A classifier of sentences: two LSTMs, one on the other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Classifier(nn.Module):
    """Takes sentences of 5 words, gives probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 8, num_layers=2, batch_first=True)
        # Keras has one bias.
        for bias in (self.lstm.bias_hh_l0, self.lstm.bias_hh_l1):
            nn.init.zeros_(bias).requires_grad_(False)
        self.hidden = nn.Linear(8, 5)
        self.classes = nn.Linear(5, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embedding(tokens)
        x, _ = self.lstm(x)
        x = F.dropout(x[:, -1], 0.5, training=self.training)
        x = F.relu(self.hidden(x))
        return F.softmax(self.classes(x), dim=-1)


def build_torch() -> nn.Module:
    return Classifier()
