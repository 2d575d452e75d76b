"""One call of a layer, an operation or a function, however its arguments were given."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_track.check.functions import keras_kind


class Call:
    """One call, whose arguments are found by name however they were given.

    Attributes:
        name: of the layer's class, the operation or the function, in snake case.
        inputs: the tensors that went in.
        output: the first tensor that came out.
    """

    def __init__(
        self,
        called: Any,
        args: Sequence[Any],
        named: Mapping[str, Any],
        output: Any,
        name: str = "",
    ) -> None:
        if isinstance(called, functools.partial):
            args, named = (*called.args, *args), {**called.keywords, **named}
            called = called.func
        self.name = snake(name or name_of(called))
        self.inputs = tensors((args, named))
        self.output = tensors(output)[0]
        own = isinstance(called, keras.Operation)
        self._values = {**(vars(called) if own else {}), **_bound(called, args, named)}

    def get(self, *names: str, default: Any = None) -> Any:
        """The value of the first argument or attribute of these names."""
        return next((self._values[n] for n in names if n in self._values), default)

    @property
    def rank(self) -> int:
        """Of the first input."""
        return len(self.inputs[0].shape)

    def axes(self, *names: str) -> Any:
        """An axis counted from the end; a list where there are several."""
        axis = self.get(*names)
        if axis is None:
            return None
        several = axis if isinstance(axis, (list, tuple)) else [axis]
        found = sorted(int(a) % self.rank - self.rank for a in several)
        return found if len(found) > 1 else found[0]


def name_of(called: Any) -> str:
    """The name of a function, or of a class of Keras' that it is a kind of."""
    if isinstance(called, keras.layers.Layer):
        return (keras_kind(called) or type(called)).__name__
    return str(getattr(called, "__name__", type(called).__name__)).strip("_<>")


def snake(name: str) -> str:
    """In snake case, without the dimension at its end."""
    name = re.sub("(?<=[a-z])[123][dD]$", "", name)
    return re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def tensors(nested: Any) -> list[tf.Tensor]:
    """The tensors in it, in order."""
    return [x for x in keras.tree.flatten(nested) if isinstance(x, tf.Tensor)]


def _bound(
    called: Any, args: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    function = called.call if isinstance(called, keras.Operation) else called
    try:
        bound = inspect.signature(function).bind(*args, **named)
    except (TypeError, ValueError):
        return dict(named)
    bound.apply_defaults()
    return dict(bound.arguments)
