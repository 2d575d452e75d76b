"""Mini-batches and shuffling, in TensorFlow.

A `tf.data.Dataset` is a chain of stages; samples stream through it, and
each pass over it is an epoch.
"""

# %% Imports
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.datasets import Dataset
from shared.lessons.data_loader import Config, order
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main


# %% Model
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((64,)),
        keras.layers.Dense(10, "softmax", name="output"),
    ]
    return keras.Sequential(layers)


# %% Loader
# shuffle draws from a buffer: as large as the data, and before batch.
def batches(
    x: NDArray,
    y: NDArray,
    size: int,
    seed: int,
) -> tf.data.Dataset:
    samples = tf.data.Dataset.from_tensor_slices((x, y))
    return samples.shuffle(len(x), seed=seed).batch(size)


def batches_in(
    order: NDArray, x: NDArray, y: NDArray, size: int
) -> tf.data.Dataset:
    numbers = tf.data.Dataset.from_tensor_slices(order).batch(size)
    return numbers.map(lambda i: (tf.gather(x, i), tf.gather(y, i)))


# %% Train
# The same as model.fit(batches(x, y, size, seed), epochs=epochs).
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    model.compile(
        optimizer=keras.optimizers.SGD(cfg.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
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


# %% Results
# Each sample's number takes its label's place, to be told apart.
def results(
    model: keras.Model,
    history: History,
    data: Dataset,
) -> dict:
    x, y, size = data.x_train, data.y_train, int(history.batch[0])
    loader = batches(x, np.arange(len(x)), size, seed=0)
    epochs = [[backend.array(i) for _, i in loader] for _ in range(2)]
    first, second = (np.concatenate(epoch) for epoch in epochs)
    fed = list(batches_in(order(len(x)), x, y, size))
    return {
        "batch_sizes": [len(batch) for batch in epochs[0]],
        "times_seen": np.unique(np.bincount(first)),
        "orders_differ": (first != second).any(),
        "forward/first_labels": fed[0][1],
        "forward/first_brightness": tf.reduce_mean(fed[0][0], axis=1),
        "forward/last_labels": fed[-1][1],
    }


# %% Run
if __name__ == "__main__":
    main("data_loader")
