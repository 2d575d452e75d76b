"""Two inputs, an image and a row of a table; two outputs by name."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class TwoInputs(nn.Module):
    """Takes images of 6 by 7 pixels, and 4 numbers each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 5, (2, 3))
        self.image_features = nn.Linear(5, 6)
        self.table_features = nn.Linear(4, 6)
        self.norm = nn.RMSNorm(6, eps=1e-6)
        self.shared = nn.Linear(12, 9)
        self.kind = nn.Linear(9, 3)
        self.price = nn.Linear(9, 1)

    def forward(
        self, image: torch.Tensor, table: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        x = F.relu(self.conv(image))
        x = F.adaptive_avg_pool2d(x, 1).flatten(1)
        x = self.image_features(x)
        y = F.softplus(self.table_features(0.5 * table - 1.0))
        both = torch.cat([x, self.norm(y)], dim=1)
        shared = torch.tanh(self.shared(both))
        return {
            "kind": F.softmax(self.kind(shared), dim=1),
            "price": self.price(shared),
        }


def build_torch() -> nn.Module:
    return TwoInputs()
