"""The weights of the multilayer perceptron, layer by layer."""

from __future__ import annotations

import keras
import torch
from torch import nn


@torch.no_grad()
def port(model: keras.Model, module: nn.Module) -> None:
    for name, linear in (
        ("hidden", module.fc1),
        ("square", module.fc2),
        ("logits", module.fc3),
    ):
        kernel, bias = model.get_layer(name).get_weights()
        linear.weight.copy_(torch.tensor(kernel.T))
        linear.bias.copy_(torch.tensor(bias))
