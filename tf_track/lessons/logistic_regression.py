"""Logistic regression, in TensorFlow and Keras.

First two variables, a `GradientTape` and the update written out; then
what a Keras user would write: Dense, compile, fit.
"""

# %% Imports
import keras
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.logistic_regression import Config
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main

Tensors = dict[str, tf.Variable]


# %% Raw tensors
# The tape is asked for gradients; torch tensors ask to be recorded.
def raw_model(cfg: Config) -> Tensors:
    return {
        "kernel": tf.Variable(ops.zeros((2, 1))),
        "bias": tf.Variable(ops.zeros(1)),
    }


def raw_train(tensors: Tensors, data: Dataset, cfg: Config) -> History:
    kernel, bias = tensors["kernel"], tensors["bias"]

    def step(
        x: tf.Tensor,
        y: tf.Tensor,
    ) -> tuple[tf.Tensor, Tensors]:
        with tf.GradientTape() as tape:
            p = raw_predict(tensors, x)
            likelihood = y * ops.log(p) + (1 - y) * ops.log(1 - p)
            loss = -ops.mean(likelihood)
        dkernel, dbias = tape.gradient(loss, (kernel, bias))
        kernel.assign_sub(cfg.learning_rate * dkernel)
        bias.assign_sub(cfg.learning_rate * dbias)
        return loss, {"kernel": dkernel, "bias": dbias}

    x, y = data.x_train, data.y_train
    return engine.loop(step, tensors, None, x, y, epochs=cfg.epochs)


def raw_predict(tensors: Tensors, x: tf.Tensor) -> tf.Tensor:
    net = ops.matmul(x, tensors["kernel"]) + tensors["bias"]
    return ops.sigmoid(net)


# %% As a layer
def layer_model(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((2,)),
        keras.layers.Dense(1, "sigmoid", name="logit"),
    ]
    return keras.Sequential(layers)


def layer_train(
    model: keras.Model, data: Dataset, cfg: Config
) -> History:
    model.compile(
        optimizer=keras.optimizers.SGD(cfg.learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
    )
    # model.fit, run as one graph; the plain call gives the same.
    x, y = data.x_train, data.y_train
    return engine.fit(model, x, y, epochs=cfg.epochs, shuffle=False)


def layer_predict(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    return model(x, training=False)


# %% Model
def build(cfg: Config) -> Tensors | keras.Model:
    if cfg.form == "raw":
        return raw_model(cfg)
    return layer_model(cfg)


# %% Train
def train(
    model: Tensors | keras.Model, data: Dataset, cfg: Config
) -> History:
    if isinstance(model, dict):
        return raw_train(model, data, cfg)
    return layer_train(model, data, cfg)


# %% Predict
def predict(
    model: Tensors | keras.Model,
    x: tf.Tensor,
) -> tf.Tensor:
    if isinstance(model, dict):
        return raw_predict(model, x)
    return layer_predict(model, x)


# %% Results
def results(
    model: Tensors | keras.Model, history: History, data: Dataset
) -> dict:
    x = backend.tensor(data.x_train)
    return {"probability": predict(model, x)}


# %% Run
if __name__ == "__main__":
    main("logistic_regression")
