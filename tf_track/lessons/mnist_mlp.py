"""Handwritten digits on MNIST, in Keras.

Compile, fit, predict: Keras switches Dropout on in `fit` and off in
`predict`, so there is no mode to forget.
"""

# %% Imports
import keras
import tensorflow as tf

from shared.datasets import Dataset
from shared.lessons.mnist_mlp import Config
from shared.session import History
from tf_track import engine
from tf_track.__main__ import main


# %% Model
# The model ends in a softmax: the loss finds the logits behind it.
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((28, 28)),
        keras.layers.Flatten(name="flatten"),
        keras.layers.Dense(cfg.hidden, "relu", name="hidden"),
        keras.layers.Dropout(cfg.dropout, name="dropout"),
        keras.layers.Dense(10, "softmax", name="output"),
    ]
    return keras.Sequential(layers)


# %% Train
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    model.compile(
        optimizer=keras.optimizers.Adam(
            cfg.learning_rate, epsilon=cfg.epsilon
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    # model.fit, run as one graph; the plain call gives the same.
    return engine.fit(
        model,
        data.x_train,
        data.y_train,
        epochs=cfg.epochs,
        batch_size=cfg.batch_size,
        shuffle=True,
    )


# %% Predict
def predict(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    return model(x, training=False)


# %% Run
if __name__ == "__main__":
    main("mnist_mlp")
