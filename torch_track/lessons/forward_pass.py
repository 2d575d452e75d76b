"""A forward pass by matrix products and by layers, in PyTorch.

The products are `@` on tensors. `nn.Linear` does the same with
parameters of its own, which `load_state_dict` fills by name.
"""

# %% Imports
from collections import OrderedDict

import torch
from torch import nn

from shared.datasets import Dataset
from shared.lessons.forward_pass import WEIGHTS, Config
from torch_track import backend
from torch_track.__main__ import main


# %% Raw tensors
def hidden_layer(x: torch.Tensor) -> torch.Tensor:
    kernel = backend.tensor(WEIGHTS["hidden/kernel"])
    bias = backend.tensor(WEIGHTS["hidden/bias"])
    return torch.sigmoid(x @ kernel + bias)


def output_layer(h: torch.Tensor) -> torch.Tensor:
    kernel = backend.tensor(WEIGHTS["output/kernel"])
    bias = backend.tensor(WEIGHTS["output/bias"])
    return h @ kernel + bias


# %% As a layer
# nn.Linear keeps its weight as (out, in): the kernel goes in turned.
def build(cfg: Config) -> nn.Module:
    layers = OrderedDict(
        hidden=nn.Linear(3, 4),
        hidden_sigmoid=nn.Sigmoid(),
        output=nn.Linear(4, 2),
    )
    model = nn.Sequential(layers)
    weights = {
        "hidden.weight": torch.tensor(WEIGHTS["hidden/kernel"].T),
        "hidden.bias": torch.tensor(WEIGHTS["hidden/bias"]),
        "output.weight": torch.tensor(WEIGHTS["output/kernel"].T),
        "output.bias": torch.tensor(WEIGHTS["output/bias"]),
    }
    model.load_state_dict(weights)
    return model


# %% Predict
@torch.inference_mode()
def predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    model.eval()
    return model(x)


# %% Results
def results(cfg: Config, data: Dataset) -> dict:
    x = backend.tensor(data.x_test)
    hidden = hidden_layer(x)
    return {
        "hidden": hidden[0],
        "output": output_layer(hidden)[0],
        "output_of_layers": predict(build(cfg), x)[0],
    }


# %% Run
if __name__ == "__main__":
    main("forward_pass")
