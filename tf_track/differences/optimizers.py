"""Optimizers, in Keras."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import tensorflow as tf

from shared.differences.difference import Shown
from tf_track.differences.updates import updated

NAMES = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Nadam", "Adamax")
BETAS = {"beta_1": 0.875, "beta_2": 0.984375}


def _defaults(optimizer: Any, *names: str) -> dict[str, Any]:
    parameters = inspect.signature(optimizer).parameters
    return {name: parameters[name].default for name in names}


def learning_rates() -> Shown:
    """The rate of an optimizer as it comes."""
    made = {name: getattr(keras.optimizers, name)() for name in NAMES}
    rates = {name.lower(): found.learning_rate for name, found in made.items()}
    settings = {
        name: _defaults(type(found), "learning_rate")["learning_rate"]
        for name, found in made.items()
    }
    return Shown(rates, settings=settings)


def sgd_momentum(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, with plain and with Nesterov's momentum."""
    found = {}
    for nesterov in (False, True):
        optimizer = keras.optimizers.SGD(0.1, momentum=0.875, nesterov=nesterov)
        name = "Nesterov" if nesterov else "weight"
        found[name] = updated(optimizer, start, gradients)
    return Shown(found)


def sgd_weight_decay(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight."""
    optimizer = keras.optimizers.SGD(0.125, momentum=0.875, weight_decay=0.125)
    settings = _defaults(keras.optimizers.SGD, "weight_decay")
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def adam_epsilon(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, for small gradients, and with the same epsilon on both sides."""
    weight = updated(keras.optimizers.Adam(0.01, **BETAS), start, gradients)
    settings = _defaults(keras.optimizers.Adam, "epsilon")
    return Shown({"weight": weight, "eps=1e-7": weight}, {"weight": weight}, settings)


def adam_weight_decay(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, without epsilon."""
    optimizer = keras.optimizers.Adam(0.125, **BETAS, epsilon=0, weight_decay=0.125)
    settings = _defaults(keras.optimizers.Adam, "weight_decay")
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def adamw_weight_decay(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, without epsilon."""
    optimizer = keras.optimizers.AdamW(0.01, **BETAS, epsilon=0)
    settings = {"weight_decay": optimizer.weight_decay}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def rmsprop_decay(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, without epsilon."""
    optimizer = keras.optimizers.RMSprop(0.01, epsilon=0)
    settings = {"rho": optimizer.rho}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def rmsprop_epsilon(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, for small gradients."""
    optimizer = keras.optimizers.RMSprop(0.01)
    settings = {"epsilon": optimizer.epsilon}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def adagrad(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight."""
    optimizer = keras.optimizers.Adagrad(0.01)
    names = ("initial_accumulator_value", "epsilon")
    settings = {name: getattr(optimizer, name) for name in names}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def adadelta(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight."""
    optimizer = keras.optimizers.Adadelta(1.0)
    settings = {"rho": optimizer.rho, "epsilon": optimizer.epsilon}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def nadam(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight."""
    optimizer = keras.optimizers.Nadam(0.01, **BETAS)
    settings = {"epsilon": optimizer.epsilon}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def adamax(start: tf.Tensor, gradients: tf.Tensor) -> Shown:
    """The weight, for small gradients."""
    optimizer = keras.optimizers.Adamax(0.01, **BETAS)
    settings = {"epsilon": optimizer.epsilon}
    return Shown({"weight": updated(optimizer, start, gradients)}, settings=settings)


def clipnorm(kernel: tf.Tensor, bias: tf.Tensor) -> Shown:
    """The two gradients, clipped to one half."""
    return Shown(_clipped(kernel, bias, clipnorm=0.5))


def global_clipnorm(kernel: tf.Tensor, bias: tf.Tensor) -> Shown:
    """The two gradients, clipped to a thousandth."""
    return Shown(_clipped(kernel, bias, global_clipnorm=2.0**-10))


def _clipped(
    kernel: tf.Tensor, bias: tf.Tensor, **limit: float
) -> dict[str, keras.Variable]:
    """What an update with a learning rate of -1 adds to zero."""
    variables = [keras.Variable(tf.zeros_like(array)) for array in (kernel, bias)]
    keras.optimizers.SGD(-1.0, **limit).apply([kernel, bias], variables)
    return dict(zip(("kernel", "bias"), variables, strict=True))


def l2_regularizer(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) -> Shown:
    """The weights of a layer after a step of SGD that shrinks its output."""
    regularizer = keras.regularizers.L2(0.125)
    layer = keras.layers.Dense(3, kernel_regularizer=regularizer)
    layer.build(x.shape)
    layer.set_weights([kernel.numpy(), bias.numpy()])
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(layer(x) ** 2) + sum(layer.losses)
    variables = layer.trainable_weights
    keras.optimizers.SGD(0.5).apply(tape.gradient(loss, variables), variables)
    found = dict(zip(("kernel", "bias"), variables, strict=True))
    return Shown(found, settings=_defaults(keras.regularizers.L2, "l2"))
