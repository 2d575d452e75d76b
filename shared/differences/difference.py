"""What a difference is, and what each track shows of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Inputs: TypeAlias = Mapping[str, NDArray[Any]]

EXACT = 1e-12
"""In float64, what is the same but for rounding."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """One row of the table.

    Attributes:
        slug: its name, and that of the function in both tracks.
        title: what differs, in a few words.
        keras, torch: what each does by itself, one sentence.
        remedy: the exact setting or the compensating code that makes them equal.
        inputs: what both are given; drawn with `draw`, so that it never changes.
        defaults: the settings that matter, by track, as they are known to be; the track
            tells what they are in the installed version.
        tolerance: of the residual after the remedy, relative to the largest number.
        least: the defaults are at least so far apart; 0 where they are equal.
        precision: "float64" or "float32".
        source: where it is documented: a page, a thread, a file of the framework.
    """

    slug: str
    title: str
    keras: str
    torch: str
    remedy: str
    inputs: Callable[[], dict[str, NDArray[Any]]]
    defaults: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    tolerance: float = EXACT
    least: float = 1e-6
    precision: str = "float64"
    source: str = ""


@dataclasses.dataclass(frozen=True)
class Shown:
    """What a track shows of a difference.

    Attributes:
        default: the outputs of the framework as it comes, by name.
        remedied: the outputs with the remedy; None where the other track applies it.
        settings: the defaults that matter, read off the installed version.
    """

    default: Mapping[str, Any]
    remedied: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def draw(slug: str, name: str, *shape: int) -> NDArray[np.float64]:
    """Standard normal numbers that depend on nothing but the names."""
    key = [sum(word.encode()) for word in (slug, name)]
    generator = np.random.Generator(np.random.Philox(key=key))
    return generator.standard_normal(shape)
