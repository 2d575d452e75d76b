"""Softmax regression, in Keras.

Labels are whole numbers and the model ends in logits, so the loss is
the sparse one and is told `from_logits=True`.
"""

# %% Imports
import keras
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.softmax_regression import Config
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main


# %% Model
def build(cfg: Config) -> keras.Model:
    layers = [keras.Input((4,)), keras.layers.Dense(3, name="logits")]
    return keras.Sequential(layers)


# %% Train
# Without from_logits=True the loss takes its input for probabilities.
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    model.compile(
        optimizer=keras.optimizers.SGD(cfg.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True
        ),
    )
    # model.fit, run as one graph; the plain call gives the same.
    x, y = data.x_train, data.y_train
    return engine.fit(model, x, y, epochs=cfg.epochs, shuffle=False)


# %% Predict
def predict(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    return ops.softmax(model(x, training=False), axis=1)


# %% Results
def results(
    model: keras.Model,
    history: History,
    data: Dataset,
) -> dict:
    p = predict(model, backend.tensor(data.x_train))
    return {
        "row_sums": ops.sum(p, axis=1),
        "grades": ops.cast(ops.argmax(p, axis=1), "int64"),
    }


# %% Run
if __name__ == "__main__":
    main("softmax_regression")
