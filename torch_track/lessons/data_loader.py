"""Mini-batches and shuffling, in PyTorch.

A `Dataset` looks samples up by number, a sampler draws the numbers, and
a `DataLoader` gathers the batches; each pass over it is an epoch.
"""

# %% Imports
from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from shared.datasets import Dataset
from shared.lessons.data_loader import Config, order
from shared.session import History
from torch_track import backend, engine
from torch_track.__main__ import main


# %% Model
def build(cfg: Config) -> nn.Module:
    return nn.Sequential(OrderedDict(output=nn.Linear(64, 10)))


# %% Loader
# shuffle stands for a RandomSampler, which draws from the generator.
def batches(
    x: NDArray,
    y: NDArray,
    size: int,
    seed: int,
) -> DataLoader:
    samples = TensorDataset(torch.tensor(x), torch.tensor(y))
    generator = torch.Generator(torch.get_default_device())
    generator.manual_seed(seed)
    return DataLoader(
        samples, batch_size=size, shuffle=True, generator=generator
    )


def batches_in(
    order: NDArray, x: NDArray, y: NDArray, size: int
) -> DataLoader:
    samples = TensorDataset(torch.tensor(x), torch.tensor(y))
    return DataLoader(samples, batch_size=size, sampler=order.tolist())


# %% Train
# The same as `for x, y in batches(...): step(x, y)`, epoch by epoch.
def train(model: nn.Module, data: Dataset, cfg: Config) -> History:
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        model.parameters(), lr=cfg.learning_rate
    )

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    model.train()
    return engine.loop(
        step,
        model,
        optimizer,
        data.x_train,
        data.y_train,
        epochs=cfg.epochs,
        batch_size=cfg.batch_size,
        shuffle=True,
    )


# %% Predict
@torch.inference_mode()
def predict(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    model.eval()
    return torch.softmax(model(x), dim=1)


# %% Results
# Each sample's number takes its label's place, to be told apart.
def results(
    model: nn.Module,
    history: History,
    data: Dataset,
) -> dict:
    x, y, size = data.x_train, data.y_train, int(history.batch[0])
    loader = batches(x, np.arange(len(x)), size, seed=0)
    epochs = [[backend.array(i) for _, i in loader] for _ in range(2)]
    first, second = (np.concatenate(epoch) for epoch in epochs)
    fed = list(batches_in(order(len(x)), x, y, size))
    return {
        "batch_sizes": [len(batch) for batch in epochs[0]],
        "times_seen": np.unique(np.bincount(first)),
        "orders_differ": (first != second).any(),
        "forward/first_labels": fed[0][1],
        "forward/first_brightness": torch.mean(fed[0][0], dim=1),
        "forward/last_labels": fed[-1][1],
    }


# %% Run
if __name__ == "__main__":
    main("data_loader")
