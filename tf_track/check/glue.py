"""What stands between the layers that hold weights, by neutral name and settings.

Activations, poolings, reshapings: as a layer of Keras' own, as an operation of a
functional model, or as a function that the user's code calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_track.check import rules
from tf_track.check.calls import Call


def tell(
    called: Any,
    args: Sequence[Any],
    named: Mapping[str, Any],
    out: Any,
    name: str = "",
) -> rules.Told:
    """The neutral name of what was called, and its settings.

    Args:
        called: a layer, an operation of a functional model, or a function.
        args: what it was given.
        named: what it was given by name.
        out: what came out.
        name: of the function, where it is known by another than its own.
    """
    if isinstance(called, keras.layers.Activation):
        return tell(called.activation, args[:1], {}, out)
    call = Call(called, args, named, out, name)
    op = rules.ALIASES.get(call.name, call.name)
    settings = rules.SETTINGS[op](call) if op in rules.SETTINGS else {}
    return rules.merged(op, settings, call)


def tell_activation(function: Any) -> rules.Told:
    """The name and the settings of an activation that is not called yet."""
    x = tf.zeros((1, 2))
    return tell(function, (x,), {}, x)
