"""Depthwise and pointwise convolutions, in the manner of MobileNet."""

from __future__ import annotations

import torch
from torch import nn


class BatchNorm(nn.BatchNorm2d):
    """Whose running variance is that of the batch, as in Keras."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class SeparableNet(nn.Module):
    """Takes images of 16 by 18 pixels with 4 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False),
            BatchNorm(4, eps=1e-3, momentum=0.1),
            nn.ReLU6(),
            nn.Conv2d(4, 8, 1),
            nn.GroupNorm(4, 8),
            nn.Hardswish(),
            nn.Conv2d(8, 16, (3, 2), groups=8, bias=False),
            nn.Conv2d(16, 6, 1),
            nn.LeakyReLU(0.25),
            nn.Conv2d(6, 10, 3, dilation=2, groups=2),
            nn.ELU(),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Linear(10, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.features(x)
        x = torch.amax(x, dim=(2, 3))
        return self.classifier(x)


def build_torch() -> nn.Module:
    return SeparableNet()
