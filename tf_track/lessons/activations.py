"""Activation functions and their slopes, in Keras.

`keras.ops` holds the functions; a tensor that the tape watches is
recorded as it passes through one, and `gradient` hands back the slope.
`jacobian` asks for all slopes of all outputs.
"""

# %% Imports
from collections.abc import Callable

import tensorflow as tf
from keras import ops

from shared.lessons.activations import (
    SCORES,
    SIGMOID_AT,
    SLOPES_AT,
    STEP_AT,
    STEP_ROW,
    Config,
    curve,
)
from tf_track import backend
from tf_track.__main__ import main

Activation = Callable[[tf.Tensor], tf.Tensor]


# %% Activations
# sigmoid, tanh, relu and softmax come with keras.ops.
def step(x: tf.Tensor) -> tf.Tensor:
    return ops.cast(x > 0, x.dtype)


def softmax(x: tf.Tensor) -> tf.Tensor:
    return ops.softmax(x, axis=-1)


# %% Derivatives
# A constant is recorded only if the tape is told to watch it. The
# gradient of many outputs is that of their sum; as each y depends on
# its own x alone, that is the slope at every point.
def derivative(activation: Activation, x: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = activation(x)
    return tape.gradient(y, x)


def jacobian(activation: Activation, x: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = activation(x)
    return tape.jacobian(y, x)


# %% Results
def results(cfg: Config, data: None) -> dict:
    few, x = backend.tensor(SLOPES_AT), backend.tensor(curve(cfg))
    scores = backend.tensor(SCORES)
    return {
        "step": step(backend.tensor(STEP_AT)),
        "step_row": step(backend.tensor(STEP_ROW)),
        "sigmoid": ops.sigmoid(backend.tensor(SIGMOID_AT)),
        "softmax": softmax(scores),
        "gradient/sigmoid": derivative(ops.sigmoid, few),
        "gradient/tanh": derivative(ops.tanh, few),
        "gradient/relu": derivative(ops.relu, few),
        "gradient/softmax": jacobian(softmax, scores[0]),
        "curve/x": x,
        "curve/step": step(x),
        "curve/sigmoid": ops.sigmoid(x),
        "curve/tanh": ops.tanh(x),
        "curve/relu": ops.relu(x),
        "curve/sigmoid_derivative": derivative(ops.sigmoid, x),
        "curve/tanh_derivative": derivative(ops.tanh, x),
        "curve/relu_derivative": derivative(ops.relu, x),
    }


# %% Run
if __name__ == "__main__":
    main("activations")
