"""The weights of the GRU classifier; PyTorch has the gates in another order."""

from __future__ import annotations

import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


def swapped(array: NDArray) -> NDArray:
    """Gates z, r, h along the last axis as r, z, n along the first."""
    z, r, h = np.split(array.T, 3)
    return np.concatenate([r, z, h])


@torch.no_grad()
def port(model: keras.Model, module: nn.Module) -> None:
    kernel, bias = model.conv.get_weights()
    module.conv.weight.copy_(torch.tensor(kernel.transpose(2, 1, 0)))
    module.conv.bias.copy_(torch.tensor(bias))
    kernel, recurrent_kernel, bias = model.gru.get_weights()
    module.gru.weight_ih_l0.copy_(torch.tensor(swapped(kernel)))
    module.gru.weight_hh_l0.copy_(torch.tensor(swapped(recurrent_kernel)))
    module.gru.bias_ih_l0.copy_(torch.tensor(swapped(bias[0])))
    module.gru.bias_hh_l0.copy_(torch.tensor(swapped(bias[1])))
    gamma, beta = model.norm.get_weights()
    module.norm.weight.copy_(torch.tensor(gamma))
    module.norm.bias.copy_(torch.tensor(beta))
    kernel, bias = model.logits.get_weights()
    module.logits.weight.copy_(torch.tensor(kernel.T))
    module.logits.bias.copy_(torch.tensor(bias))
