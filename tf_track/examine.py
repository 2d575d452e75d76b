"""A close look at a lesson's own first step: what the ladder's levels compare.

Nothing is computed anew: the lesson's step runs once, eagerly, and wrappers note
what passes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from shared.parity.trace import GRADIENT_STEPS, probe_gradient
from shared.session import Session
from tf_track import backend, weights

Step = Callable[[tf.Tensor, tf.Tensor], Any]


def examine(
    step: Step,
    model: weights.Model,
    optimizer: keras.optimizers.Optimizer | None,
    x: tf.Tensor,
    y: tf.Tensor,
    session: Session,
) -> None:
    """Run the step once on one batch and note outputs, loss, gradients, update.

    The model and the optimizer are left as they were found.
    """
    seen = session.observed
    start = weights.export(model)
    fresh = [v.numpy() for v in optimizer.variables] if optimizer else []
    with _outputs(model, seen), _gradients(model, optimizer, seen):
        returned = step(x, y)
    loss, by_hand = returned if isinstance(returned, tuple) else (returned, {})
    seen["loss"] = backend.array(loss)
    for name, gradient in by_hand.items():
        seen[f"gradient/{name}"] = weights.neutral(model, name, gradient)
    if optimizer is None:
        _note_weights(model, 1, seen)
        weights.load(model, start)
        return
    weights.load(model, start)
    _restore(optimizer, fresh)
    for count in range(GRADIENT_STEPS):
        _apply_gradients(model, optimizer, session.seed, count)
        _note_weights(model, count + 1, seen)
    weights.load(model, start)
    _restore(optimizer, fresh)


def _restore(optimizer: keras.optimizers.Optimizer, values: list[Any]) -> None:
    for variable, value in zip(optimizer.variables, values, strict=True):
        variable.assign(value)


def _note_weights(model: weights.Model, count: int, seen: dict[str, Any]) -> None:
    for name, value in weights.export(model).items():
        seen[f"step/{count}/{name}"] = value


def _apply_gradients(
    model: weights.Model, optimizer: keras.optimizers.Optimizer, seed: int, count: int
) -> None:
    """Identical gradients on both sides, so that only the rule can differ."""
    gradients = []
    for name, variable in weights.named(model).items():
        gradient = probe_gradient(seed, name, tuple(variable.shape), count)
        gradients.append(weights.native(model, name, gradient))
    optimizer.apply(gradients, list(weights.named(model).values()))


@contextlib.contextmanager
def _gradients(
    model: weights.Model,
    optimizer: keras.optimizers.Optimizer | None,
    seen: dict[str, Any],
) -> Iterator[None]:
    """Note the gradients that the lesson hands to its optimizer."""
    if optimizer is None:
        yield
        return
    names = {id(v): name for name, v in weights.named(model).items()}
    apply = optimizer.apply

    def noting(grads: list[Any], trainable_variables: list[Any] | None = None) -> Any:
        for gradient, variable in zip(grads, trainable_variables or [], strict=True):
            name = names[id(variable)]
            if gradient is not None:
                seen[f"gradient/{name}"] = weights.neutral(model, name, gradient)
        return apply(grads, trainable_variables)

    optimizer.apply = noting
    yield
    optimizer.apply = apply


@contextlib.contextmanager
def _outputs(model: weights.Model, seen: dict[str, Any]) -> Iterator[None]:
    """Note every layer's output, before its activation and after."""
    if isinstance(model, Mapping):
        yield
        return
    originals = [(layer, layer.call, _activation(layer)) for layer in model.layers]
    for layer, call, activation in originals:
        if activation is None:
            layer.call = _noting(f"forward/{layer.name}", call, seen)
        else:
            layer.activation = _noting_both(layer.name, activation, seen)
    yield
    for layer, call, activation in originals:
        if activation is None:
            layer.call = call
        else:
            layer.activation = activation


def _activation(layer: keras.layers.Layer) -> Callable[..., Any] | None:
    """The layer's own activation, unless it has none or a linear one."""
    activation = getattr(layer, "activation", None)
    return None if activation is keras.activations.linear else activation


def _noting(key: str, call: Callable[..., Any], seen: dict[str, Any]) -> Any:
    def noting(*args: Any, **kwargs: Any) -> Any:
        output = call(*args, **kwargs)
        seen[key] = backend.array(output)
        return output

    return noting


def _noting_both(
    name: str, activation: Callable[..., Any], seen: dict[str, Any]
) -> Any:
    def noting(net: tf.Tensor) -> tf.Tensor:
        output = activation(net)
        seen[f"forward/{name}"] = backend.array(net)
        seen[f"forward/{name}:{activation.__name__}"] = backend.array(output)
        return output

    return noting
