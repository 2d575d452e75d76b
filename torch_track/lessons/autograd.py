"""Automatic differentiation, in PyTorch.

Whatever is computed from a tensor with `requires_grad=True` remembers
how it came about. `backward()` goes through that history and leaves
each gradient in `.grad`.
"""

# %% Imports
import torch

from shared.lessons.autograd import Config
from torch_track.__main__ import main


# %% One variable
# The tensor keeps its gradient; a second backward() would add to it.
def parabola(cfg: Config) -> dict[str, torch.Tensor | None]:
    w = torch.tensor(cfg.parabola_w, requires_grad=True)
    z = 2 * w**2 + 5
    z.backward()
    return {"z": z, "gradient/dz_dw": w.grad}


# %% A graph
# A step on the way, such as g, keeps its gradient only if asked to.
def line(cfg: Config) -> dict[str, torch.Tensor | None]:
    w = torch.tensor(cfg.w, requires_grad=True)
    x = torch.tensor(cfg.x, requires_grad=True)
    b = torch.tensor(cfg.b, requires_grad=True)
    g = w * x
    g.retain_grad()
    f = g + b
    f.backward()
    return {
        "g": g,
        "f": f,
        "gradient/df_dg": g.grad,
        "gradient/df_dw": w.grad,
        "gradient/df_dx": x.grad,
        "gradient/df_db": b.grad,
    }


# %% Results
def results(cfg: Config, data: None) -> dict:
    return parabola(cfg) | line(cfg)


# %% Run
if __name__ == "__main__":
    main("autograd")
