"""A recorded step as a CUDA graph: what a GPU runs in place of a loop over its calls.

To launch the kernels of a small step one by one takes longer than to run them; a graph
of them is launched at once. It is captured by `torch.cuda.graph`, not made by
`torch.cuda.make_graphed_callables`: that wraps the forward and the backward pass of a
module for autograd, while a program is the whole step with its update, and autograd has
no part in it. And a program keeps every tensor where it is, as a graph asks for.

(https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch

from torch_track.program import Program
from torch_track.record import Unrecordable
from torch_track.script import Run

Work: TypeAlias = Callable[[], None]


class Device:
    """All that is asked of CUDA here."""

    kind = "cuda"

    def warm_up(self, work: Work) -> None:
        """Do the work on a stream of its own: libraries set themselves up in it."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            work()
        torch.cuda.current_stream().wait_stream(aside)

    def capture(self, work: Work) -> Work:
        """What repeats the work, which is not done now.

        Raises:
            RuntimeError: CUDA cannot capture it.
        """
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        return graph.replay


DEVICE = Device()


def fits(program: Program, epsilon: Sequence[float]) -> bool:
    """Whether a graph repeats all of the program.

    It repeats what the device does, with the numbers that it was captured with: not
    what happens on the CPU, nor an epsilon that is another one in each step.
    """
    every = [*program.tensors, *(t for some in program.lists for t in some)]
    return not epsilon and {t.device.type for t in every} == {DEVICE.kind}


class Graphed:
    """Runs a program, its first step by `run` and those after it by a graph.

    The first step warms up what must not be used for the first time in a capture. The
    graph reads index and masks from buffers, into which those of each step are copied.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._feed: list[torch.Tensor] = []
        self._replay: Work | None = None

    def __call__(
        self,
        count: int,
        index: torch.Tensor,
        data: list[torch.Tensor],
        masks: list[torch.Tensor],
        epsilon: list[float],
        losses: torch.Tensor,
        *held: Any,
    ) -> None:
        """Run so many steps, given what a program's `run` is given.

        Raises:
            Unrecordable: CUDA cannot capture the step.
        """
        for i in range(count):
            feed = [every[i : i + 1] for every in (index, *masks)]
            if self._replay is None:
                self._prepare(feed, data, epsilon, losses, *held)
            else:
                for buffer, value in zip(self._feed, feed, strict=True):
                    buffer.copy_(value)
                self._replay()
            losses[i : i + 1].copy_(self._loss)

    def _prepare(
        self,
        feed: list[torch.Tensor],
        data: list[torch.Tensor],
        epsilon: list[float],
        losses: torch.Tensor,
        *held: Any,
    ) -> None:
        """Run one step, and capture it."""
        self._feed = [value.clone() for value in feed]
        self._loss = torch.empty_like(losses[:1])
        index, *masks = self._feed

        def step() -> None:
            self._run(1, index, data, masks, epsilon, self._loss, *held)

        DEVICE.warm_up(step)
        try:
            self._replay = DEVICE.capture(step)
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise Unrecordable(f"CUDA cannot capture it ({reason})") from None
