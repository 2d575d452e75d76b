"""The weights of the convolutional network, in the order of its layers."""

from __future__ import annotations

import keras
import torch
from torch import nn


@torch.no_grad()
def port(model: keras.Model, module: nn.Module) -> None:
    arrays = iter(model.get_weights())
    for layer in (module.conv1, module.conv2, module.fc1, module.fc2):
        kernel = torch.tensor(next(arrays))
        if kernel.ndim == 4:
            layer.weight.copy_(kernel.permute(3, 2, 0, 1))
        else:
            layer.weight.copy_(kernel.T)
        layer.bias.copy_(torch.tensor(next(arrays)))
