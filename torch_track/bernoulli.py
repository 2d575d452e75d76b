"""Numbers that are 1 with probability p, as PyTorch draws them but faster.

`bernoulli_` draws a uniform double for each and compares it with p (bernoulli_kernel in
aten/src/ATen/native/cpu/DistributionTemplates.h), one number after the other. All of
them at once, first drawn and then compared, take two thirds of that. On processors by
Intel it asks MKL instead, whose numbers are others; so a few are drawn both ways first.
"""

from __future__ import annotations

import functools

import torch

_FEW = 1000


def is_uniform_below(tensor: torch.Tensor, probability: float) -> bool:
    """Whether `bernoulli_` puts a 1 there for every uniform double that is below."""
    plain = tensor.device.type == "cpu" and tensor.is_contiguous()
    return plain and _same(tensor.dtype, probability)


@functools.cache
def _same(dtype: torch.dtype, probability: float) -> bool:
    one, other = (torch.Generator("cpu").manual_seed(1) for _ in range(2))
    drawn = torch.empty(_FEW, dtype=dtype, device="cpu")
    drawn.bernoulli_(probability, generator=one)
    uniform = torch.empty(_FEW, dtype=torch.float64, device="cpu")
    below = uniform.uniform_(generator=other) < probability
    moved_on = torch.equal(one.get_state(), other.get_state())
    return moved_on and torch.equal(below.to(dtype), drawn)
