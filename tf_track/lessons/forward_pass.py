"""A forward pass by matrix products and by layers, in Keras.

The products are `@` on tensors. `Dense` does the same with variables of
its own, which `set_weights` fills in the order in which they were made.
"""

# %% Imports
import keras
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.forward_pass import WEIGHTS, Config
from tf_track import backend
from tf_track.__main__ import main


# %% Raw tensors
def hidden_layer(x: tf.Tensor) -> tf.Tensor:
    kernel = backend.tensor(WEIGHTS["hidden/kernel"])
    bias = backend.tensor(WEIGHTS["hidden/bias"])
    return ops.sigmoid(x @ kernel + bias)


def output_layer(h: tf.Tensor) -> tf.Tensor:
    kernel = backend.tensor(WEIGHTS["output/kernel"])
    bias = backend.tensor(WEIGHTS["output/bias"])
    return h @ kernel + bias


# %% As a layer
# Dense keeps its kernel as (in, out), as the product has it.
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(4, "sigmoid", name="hidden"),
        keras.layers.Dense(2, name="output"),
    ]
    model = keras.Sequential(layers)
    weights = [
        WEIGHTS["hidden/kernel"],
        WEIGHTS["hidden/bias"],
        WEIGHTS["output/kernel"],
        WEIGHTS["output/bias"],
    ]
    model.set_weights(weights)
    return model


# %% Predict
def predict(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    return model(x, training=False)


# %% Results
def results(cfg: Config, data: Dataset) -> dict:
    x = backend.tensor(data.x_test)
    hidden = hidden_layer(x)
    return {
        "hidden": hidden[0],
        "output": output_layer(hidden)[0],
        "output_of_layers": predict(build(cfg), x)[0],
    }


# %% Run
if __name__ == "__main__":
    main("forward_pass")
