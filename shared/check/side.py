"""One side of a pair: a framework's model, here or in a process of its own.

Either way it answers the same probes, which `{package}.check.probes` define in both
tracks: plain arguments and NumPy arrays in, NumPy arrays and plain facts out.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from shared.parity.trace import Trace
from shared.runner import TrackProcess, package

Found: TypeAlias = tuple[Trace, dict[str, Any]]

_TAKE_ARRAYS = ("set_weights", "forward", "replay", "gradients", "train")


class Side(Protocol):
    """A model of one framework."""

    def ask(
        self, probe: str, arrays: Trace | None = None, /, **arguments: Any
    ) -> Found: ...


class Here:
    """A model in this process."""

    def __init__(self, track: str) -> None:
        self._package = package(track)

    def ask(
        self, probe: str, arrays: Trace | None = None, /, **arguments: Any
    ) -> Found:
        """Answer a probe.

        Raises:
            UsageError, MissingError: as the probe says.
        """
        return answer(self._package, arrays or {}, probe=probe, arguments=arguments)


class Elsewhere:
    """A model in a track's own process."""

    def __init__(self, process: TrackProcess) -> None:
        self._process = process

    def ask(
        self, probe: str, arrays: Trace | None = None, /, **arguments: Any
    ) -> Found:
        """Answer a probe.

        Raises:
            UsageError, MissingError: as the probe says, or the process stopped.
        """
        request = {"probe": probe, "arguments": arguments}
        return self._process.call("shared.check.side:answer", request, arrays or {})


def answer(
    package: str, arrays: Trace, *, probe: str, arguments: Mapping[str, Any]
) -> Found:
    """What the track's probe of that name finds, in this process."""
    probes = importlib.import_module(f"{package}.check.probes")
    given = (arrays,) if probe in _TAKE_ARRAYS else ()
    found: Found | None = getattr(probes, probe)(*given, **arguments)
    return found or ({}, {})
