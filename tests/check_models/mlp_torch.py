"""A multilayer perceptron."""

from __future__ import annotations

import torch
from torch import nn


class Perceptron(nn.Module):
    """Two hidden layers."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(6, 12)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(12, 12)
        self.drop = nn.Dropout(0.25)
        self.fc3 = nn.Linear(12, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.act(self.fc1(x))
        x = torch.tanh(self.fc2(x))
        x = self.drop(x)
        return self.fc3(x)


def build_torch() -> nn.Module:
    return Perceptron()
