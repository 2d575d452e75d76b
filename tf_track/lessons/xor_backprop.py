"""Backpropagation by hand, in TensorFlow.

Each derivative is one line of `keras.ops`, from the loss back to the
first layer, and is checked against a `GradientTape`.
"""

# %% Imports
import keras
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.xor_backprop import Config, first_start
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main

Network = dict[str, tf.Variable]
Gradients = dict[str, tf.Tensor]


# %% Model
def build(cfg: Config) -> Network:
    glorot = keras.initializers.GlorotUniform()
    return {
        "hidden/kernel": tf.Variable(glorot((2, 2))),
        "hidden/bias": tf.Variable(ops.zeros(2)),
        "output/kernel": tf.Variable(glorot((2, 1))),
        "output/bias": tf.Variable(ops.zeros(1)),
    }


def forward(
    network: Network, x: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    z1 = x @ network["hidden/kernel"] + network["hidden/bias"]
    h = ops.sigmoid(z1)
    z2 = h @ network["output/kernel"] + network["output/bias"]
    return h, ops.sigmoid(z2)


# %% Loss
def cross_entropy(
    network: Network, x: tf.Tensor, y: tf.Tensor
) -> tf.Tensor:
    _, p = forward(network, x)
    return -ops.mean(y * ops.log(p) + (1 - y) * ops.log(1 - p))


# %% Gradient by hand
def by_hand(
    network: Network,
    x: tf.Tensor,
    y: tf.Tensor,
) -> Gradients:
    h, p = forward(network, x)
    dz2 = (p - y) / x.shape[0]
    dh = dz2 @ ops.transpose(network["output/kernel"])
    dz1 = dh * h * (1 - h)
    return {
        "hidden/kernel": ops.transpose(x) @ dz1,
        "hidden/bias": ops.sum(dz1, axis=0),
        "output/kernel": ops.transpose(h) @ dz2,
        "output/bias": ops.sum(dz2, axis=0),
    }


# %% Gradient as in the notes
# dz1 lacks h * (1 - h); the kernels' are sums, the biases' are means.
def by_note(
    network: Network,
    x: tf.Tensor,
    y: tf.Tensor,
) -> Gradients:
    h, p = forward(network, x)
    dp = (p - y) / (p * (1 - p) + 1e-7)
    dz2 = dp * p * (1 - p)
    dz1 = dz2 @ ops.transpose(network["output/kernel"])
    return {
        "hidden/kernel": ops.transpose(x) @ dz1,
        "hidden/bias": ops.mean(dz1, axis=0),
        "output/kernel": ops.transpose(h) @ dz2,
        "output/bias": ops.mean(dz2, axis=0),
    }


# %% Gradient by autograd
def by_autograd(
    network: Network, x: tf.Tensor, y: tf.Tensor
) -> Gradients:
    with tf.GradientTape() as tape:
        loss = cross_entropy(network, x, y)
    return tape.gradient(loss, network)


# %% Train
def train(network: Network, data: Dataset, cfg: Config) -> History:
    backward = by_note if cfg.derivatives == "note" else by_hand

    def step(
        x: tf.Tensor,
        y: tf.Tensor,
    ) -> tuple[tf.Tensor, Gradients]:
        loss = cross_entropy(network, x, y)
        gradients = backward(network, x, y)
        for name, gradient in gradients.items():
            network[name].assign_sub(cfg.learning_rate * gradient)
        return loss, gradients

    x, y = data.x_train, data.y_train
    return engine.loop(step, network, None, x, y, epochs=cfg.epochs)


# %% Predict
def predict(network: Network, x: tf.Tensor) -> tf.Tensor:
    return forward(network, x)[1]


# %% Results
def flat(gradients: Gradients) -> tf.Tensor:
    return ops.concatenate([ops.ravel(g) for g in gradients.values()])


def results(network: Network, history: History, data: Dataset) -> dict:
    x, y = backend.tensor(data.x_train), backend.tensor(data.y_train)
    first = {
        name: tf.Variable(backend.tensor(value))
        for name, value in first_start().items()
    }
    return {
        "by_hand": flat(by_hand(first, x, y)),
        "by_autograd": flat(by_autograd(first, x, y)),
        "by_note": flat(by_note(first, x, y)),
    }


# %% Run
if __name__ == "__main__":
    main("xor_backprop")
