"""Attributes that stand in for others for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

Change: TypeAlias = tuple[Any, str, Any]
"""An object, a class or a module, the name of an attribute, and its new value."""

_NONE = object()


@contextlib.contextmanager
def swapped(changes: Iterable[Change]) -> Iterator[None]:
    """Make the changes one after the other, and take them back at the end.

    They go past the objects' own `__setattr__`, with which Keras tracks its layers.
    """
    before: list[Change] = []
    try:
        for owner, name, value in changes:
            before.append((owner, name, vars(owner).get(name, _NONE)))
            _set(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(before):
            _set(owner, name, value)


@contextlib.contextmanager
def kept(owners: Iterable[Any]) -> Iterator[None]:
    """Give objects back their attributes at the end, the same and no others."""
    before = [(owner, dict(vars(owner))) for owner in owners]
    try:
        yield
    finally:
        for owner, attributes in before:
            vars(owner).clear()
            vars(owner).update(attributes)


def _set(owner: Any, name: str, value: Any) -> None:
    if not isinstance(owner, type):
        if value is _NONE:
            del vars(owner)[name]
        else:
            vars(owner)[name] = value
    elif value is _NONE:
        delattr(owner, name)
    else:
        setattr(owner, name, value)
