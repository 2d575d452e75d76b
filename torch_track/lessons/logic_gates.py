"""Logic gates from threshold neurons, in PyTorch.

A comparison gives booleans, and `.to` makes numbers of them again.
Broadcasting runs one neuron, or thousands at once, through the same
line.
"""

# %% Imports
import torch

from shared.datasets import Dataset
from shared.lessons.logic_gates import Config
from torch_track import backend
from torch_track.__main__ import main


# %% Model
def neuron(
    x: torch.Tensor,
    w1: torch.Tensor | float,
    w2: torch.Tensor | float,
    theta: torch.Tensor | float,
) -> torch.Tensor:
    fires = w1 * x[:, 0] + w2 * x[:, 1] > theta
    return fires.to(x.dtype)


def and_gate(x: torch.Tensor, cfg: Config) -> torch.Tensor:
    return neuron(x, cfg.weight, cfg.weight, cfg.and_theta)


def nand_gate(x: torch.Tensor, cfg: Config) -> torch.Tensor:
    return neuron(x, -cfg.weight, -cfg.weight, -cfg.and_theta)


def or_gate(x: torch.Tensor, cfg: Config) -> torch.Tensor:
    return neuron(x, cfg.weight, cfg.weight, cfg.or_theta)


def xor_gate(x: torch.Tensor, cfg: Config) -> torch.Tensor:
    hidden = torch.stack([nand_gate(x, cfg), or_gate(x, cfg)], dim=1)
    return and_gate(hidden, cfg)


# %% Every single neuron
# The grid has an axis for w1, w2 and theta; the rows of x come last.
def best_rows_right(
    x: torch.Tensor, y: torch.Tensor, cfg: Config
) -> torch.Tensor:
    values = torch.linspace(-1, 1, cfg.grid)
    grid = torch.meshgrid(values, values, values, indexing="ij")
    w1, w2, theta = (axis.unsqueeze(-1) for axis in grid)
    right = neuron(x, w1, w2, theta) == y
    return torch.max(torch.sum(right.to(x.dtype), dim=-1))


# %% Results
def results(cfg: Config, data: Dataset) -> dict:
    x = backend.tensor(data.x_test)
    xor = backend.tensor(data.y_test)[:, 0]
    conjunction = and_gate(x, cfg)
    return {
        "and": conjunction,
        "nand": nand_gate(x, cfg),
        "or": or_gate(x, cfg),
        "xor": xor_gate(x, cfg),
        "best_single_neuron_on_and": best_rows_right(
            x, conjunction, cfg
        ),
        "best_single_neuron_on_xor": best_rows_right(x, xor, cfg),
    }


# %% Run
if __name__ == "__main__":
    main("logic_gates")
