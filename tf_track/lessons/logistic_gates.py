"""Logic gates by a logistic neuron, in Keras.

Compile and fit: the model is told its loss and its optimizer, and `fit`
runs the loop.
"""

# %% Imports
import keras
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.logistic_gates import TIE, Config
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main


# %% Model
# Dense takes its activation along; after nn.Linear it is a module.
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((2,)),
        keras.layers.Dense(1, "sigmoid", name="output"),
    ]
    return keras.Sequential(layers)


# %% Train
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    model.compile(
        optimizer=keras.optimizers.SGD(cfg.learning_rate),
        loss=keras.losses.BinaryCrossentropy(),
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
    x, y = backend.tensor(data.x_train), backend.tensor(data.y_train)
    answer = ops.cast(predict(model, x) - 0.5 > TIE, y.dtype)
    right = ops.cast(answer == y, y.dtype)
    return {"accuracy": ops.mean(right)}


# %% Run
if __name__ == "__main__":
    main("logistic_gates")
