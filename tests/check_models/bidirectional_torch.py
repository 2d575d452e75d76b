"""A bidirectional LSTM that answers yes or no."""

from __future__ import annotations

import torch
from torch import nn


class Detector(nn.Module):
    """Takes series of 4 steps of 5 numbers, gives a logit."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm1 = nn.LSTM(5, 6, bidirectional=True, batch_first=True)
        self.lstm2 = nn.LSTM(12, 4, bidirectional=True, batch_first=True)
        for name, parameter in self.named_parameters():
            if "bias_hh" in name:  # Keras has one bias
                nn.init.zeros_(parameter).requires_grad_(False)
        self.hidden = nn.Linear(8, 6)
        self.logit = nn.Linear(6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, _ = self.lstm1(x)
        _, (h, _) = self.lstm2(x)
        x = torch.cat([h[0], h[1]], dim=-1)
        x = self.hidden(x).relu()
        return self.logit(x)


def build_torch() -> nn.Module:
    return Detector()
