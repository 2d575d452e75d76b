"""The weights of the LSTM classifier, by the names of its parameters."""

from __future__ import annotations

import keras
import torch
from torch import nn


@torch.no_grad()
def port(model: keras.Model, module: nn.Module) -> None:
    own = dict(module.named_parameters())

    def put(name: str, array) -> None:
        own[name].copy_(torch.tensor(array))

    put("embedding.weight", model.get_layer("embedding").get_weights()[0])
    for level in range(2):
        lstm = model.get_layer(f"lstm_{level + 1}")
        kernel, recurrent_kernel, bias = lstm.get_weights()
        put(f"lstm.weight_ih_l{level}", kernel.T)
        put(f"lstm.weight_hh_l{level}", recurrent_kernel.T)
        put(f"lstm.bias_ih_l{level}", bias)
    for name in ("hidden", "classes"):
        kernel, bias = model.get_layer(name).get_weights()
        put(f"{name}.weight", kernel.T)
        put(f"{name}.bias", bias)
