"""What a training step changes, kept so that it can be compared and put back."""

from __future__ import annotations

import torch

from torch_track.record import bits


class State:
    """What tensors contain and where the random generators stand."""

    def __init__(self, tensors: list[torch.Tensor]) -> None:
        self._copies = [(tensor, tensor.detach().clone()) for tensor in tensors]
        self._random = _generators()

    def holds(self) -> bool:
        """Is everything as it was, bit for bit?"""
        same = all(bits(tensor) == bits(copy) for tensor, copy in self._copies)
        return same and [*map(bits, _generators())] == [*map(bits, self._random)]

    def restore(self) -> None:
        cpu, *gpus = self._random
        torch.set_rng_state(cpu)
        torch.cuda.set_rng_state_all(gpus)
        with torch.no_grad():
            for tensor, copy in self._copies:
                if bits(tensor) != bits(copy):
                    tensor.copy_(copy)


def _generators() -> list[torch.Tensor]:
    """The state of the CPU's generator and, where CUDA is in use, of each GPU's."""
    gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return [torch.get_rng_state(), *gpus]
