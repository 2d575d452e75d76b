"""An autoencoder of images, with transposed convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Autoencoder(nn.Module):
    """Takes images of 16 by 24 pixels with 2 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.encode1 = nn.Conv2d(2, 4, 4, stride=2, padding=1)
        self.encode2 = nn.Conv2d(4, 6, 3, stride=2)
        self.pool = nn.MaxPool2d(2)
        self.upsample = nn.Upsample(scale_factor=2, mode="nearest")
        self.decode1 = nn.ConvTranspose2d(6, 5, 4, stride=2, padding=1)
        self.prelu = nn.PReLU(5)
        self.decode2 = nn.ConvTranspose2d(5, 4, 3, stride=2)
        self.pixels = nn.Conv2d(4, 2, 3, padding="same")

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.encode1(x))
        x = F.silu(self.encode2(F.pad(x, (0, 1, 0, 1))))
        return self.pool(x)

    def decode(self, x: torch.Tensor) -> torch.Tensor:
        x = self.prelu(self.decode1(self.upsample(x)))
        # Without padding one row and one column are too many.
        x = F.elu(self.decode2(x)[:, :, :16, :24])
        return torch.sigmoid(self.pixels(x))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decode(self.encode(x))


def build_torch() -> nn.Module:
    return Autoencoder()
