"""Regression with a hidden layer, in Keras.

The output layer is a Dense without activation, and the loss is the
squared error; nothing else tells regression from classification.
"""

# %% Imports
import keras
import tensorflow as tf

from shared.datasets import Dataset
from shared.lessons.nn_regression import Config
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main


# %% Model
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((2,)),
        keras.layers.Dense(cfg.hidden, "sigmoid", name="hidden"),
        keras.layers.Dense(1, name="output"),
    ]
    return keras.Sequential(layers)


# %% Train
# Targets of shape (N,) would do here; MSELoss would go wrong on them.
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    model.compile(
        optimizer=keras.optimizers.SGD(cfg.learning_rate),
        loss=keras.losses.MeanSquaredError(),
    )
    # model.fit, run as one graph; the plain call gives the same.
    x, y = data.x_train, data.y_train
    return engine.fit(model, x, y, epochs=cfg.epochs, shuffle=False)


# %% Predict
def predict(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    return model(x, training=False)


# %% Results
def results(
    model: keras.Model,
    history: History,
    data: Dataset,
) -> dict:
    x = backend.tensor(data.x_train)
    return {"prediction": predict(model, x)}


# %% Run
if __name__ == "__main__":
    main("nn_regression")
