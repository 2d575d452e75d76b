"""From the source of a program to something that runs it.

TorchScript runs the loop without Python. It is deprecated, and this module is all that
knows of it: where it is missing, or does not know an operator, Python runs the loop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch

Run: TypeAlias = Callable[..., None]


_OPERATOR = re.compile(r"\b(\w+)\.(\w+)\.\w+(?=\()")


def of_steps(given: Sequence[Any], begin: int, end: int) -> list[Any]:
    """What a program's `run` is given, the count aside, for some of the steps."""
    index, data, masks, epsilon, losses, *others = given
    steps = slice(begin, end)
    fed = index[steps], data, [mask[steps] for mask in masks], epsilon[steps]
    return [*fed, losses[steps], *others]


def compiled(source: str) -> Run:
    """The function `run` of the source."""
    return scripted(source) or interpreted(source)


def scripted(source: str) -> Run | None:
    """The same by TorchScript, if that knows all that is in the source.

    It finds the overload of an operator by its arguments. Its optimizer stays off: it
    would fuse and reorder what must stay as it was recorded.
    """
    script = _OPERATOR.sub(r"torch.ops.\1.\2", source)
    try:
        run = torch.jit.CompilationUnit(script).run
        unoptimized = torch.jit.optimized_execution  # type: ignore[attr-defined]
    except (AttributeError, RuntimeError):
        return None

    def do(*given: Any) -> None:
        with unoptimized(False):
            run(*given)

    return do


def interpreted(source: str) -> Run:
    """The same by Python itself."""
    names: dict[str, Any] = {"torch": torch, "Tensor": torch.Tensor, "List": list}
    for namespace, _ in _OPERATOR.findall(source):
        names[namespace] = getattr(torch.ops, namespace)
    exec(compile(source, "<recorded step>", "exec"), names)
    run: Run = names["run"]
    return run
