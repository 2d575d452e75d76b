"""The errors that a user sees as one line, and the exit code each stands for."""

from __future__ import annotations


class TwotrackError(Exception):
    """A problem that is told in one line: what, where, what to do."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: one line there, too."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(TwotrackError):
    """Wrong use or bad input: an unknown name, a value out of range, a bad file."""


class MissingError(TwotrackError):
    """Something is missing on this machine: a framework, a GPU, memory."""

    exit_code = 3


OUT_OF_MEMORY = "out of memory: close other programs, or make the model smaller"


class Diverged(UsageError):
    """The loss left the finite numbers.

    Attributes:
        step: the first step (counted from 0) whose loss is NaN or infinite.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step


def no_memory(error: BaseException) -> bool:
    """Python and NumPy have an error for it, the frameworks others."""
    named = type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError")
    told = "DefaultCPUAllocator" in str(error)  # PyTorch's RuntimeError
    return isinstance(error, MemoryError) or named or told
