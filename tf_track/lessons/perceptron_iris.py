"""Rosenblatt's perceptron on two irises, in TensorFlow.

No GradientTape here: the rule has no gradient. Two plain variables are
updated in place.
"""

# %% Imports
import numpy as np
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.perceptron_iris import Config
from shared.session import History
from tf_track import engine
from tf_track.__main__ import main

Neuron = dict[str, tf.Variable]


# %% Model
def build(cfg: Config) -> Neuron:
    return {
        "kernel": tf.Variable(ops.zeros((2, 1))),
        "bias": tf.Variable(ops.zeros(1)),
    }


# %% Predict
# Zero counts as +1; ops.sign would call it 0.
def predict(neuron: Neuron, x: tf.Tensor) -> tf.Tensor:
    net = ops.matmul(x, neuron["kernel"]) + neuron["bias"]
    one = ops.ones_like(net)
    return ops.where(net >= 0, one, -one)[:, 0]


# %% Train
def train(neuron: Neuron, data: Dataset, cfg: Config) -> History:
    kernel, bias = neuron["kernel"], neuron["bias"]

    def step(x: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        error = target - predict(neuron, x)
        kernel.assign_add(cfg.learning_rate * error * ops.transpose(x))
        bias.assign_add(cfg.learning_rate * error)
        return ops.abs(error[0]) / 2

    x, y = data.x_train, data.y_train
    return engine.loop(
        step, neuron, None, x, y, epochs=cfg.epochs, batch_size=1
    )


# %% Results
def results(neuron: Neuron, history: History, data: Dataset) -> dict:
    wrong = [epoch.sum() for epoch in history.epochs()]
    return {"misclassified": np.array(wrong)}


# %% Run
if __name__ == "__main__":
    main("perceptron_iris")
