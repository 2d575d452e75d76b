"""Eight optimizers on one problem, in Keras.

An optimizer is an object with a rule and the state that the rule keeps
for each variable; `compile` takes it, and `apply` makes a single step.
"""

# %% Imports
from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from shared.datasets import Dataset
from shared.lessons.optimizers import (
    VALLEY_CURVATURE,
    VALLEY_START,
    Config,
    valley_samples,
)
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main


# %% Model
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((64,)),
        keras.layers.Dense(cfg.hidden, "relu", name="hidden"),
        keras.layers.Dense(10, "softmax", name="output"),
    ]
    return keras.Sequential(layers)


# %% Optimizer
# Named in full: several of these defaults are PyTorch's otherwise.
def rule(cfg: Config) -> Callable[..., keras.optimizers.Optimizer]:
    match cfg.rule:
        case "momentum" | "nesterov":
            return partial(
                keras.optimizers.SGD,
                momentum=cfg.momentum,
                nesterov=cfg.rule == "nesterov",
            )
        case "adagrad":
            return partial(
                keras.optimizers.Adagrad,
                initial_accumulator_value=cfg.accumulator,
                epsilon=cfg.epsilon,
            )
        case "rmsprop":
            return partial(
                keras.optimizers.RMSprop,
                rho=cfg.rho,
                epsilon=cfg.epsilon,
            )
        case "adam":
            return partial(
                keras.optimizers.Adam,
                beta_1=cfg.beta_1,
                beta_2=cfg.beta_2,
                epsilon=cfg.epsilon,
            )
        case "adamw":
            return partial(
                keras.optimizers.AdamW,
                beta_1=cfg.beta_1,
                beta_2=cfg.beta_2,
                epsilon=cfg.epsilon,
                weight_decay=cfg.weight_decay,
            )
    return keras.optimizers.SGD


# %% Valley
# A loop without the engine; a comparison asks it for one rule only.
def valley(cfg: Config) -> NDArray:
    point = keras.Variable(backend.tensor(VALLEY_START))
    curvature = backend.tensor(VALLEY_CURVATURE)
    optimizer = rule(cfg)(cfg.valley_rate)
    engine.same_rule(optimizer)
    path = [ops.copy(point)]
    for sample in backend.tensor(valley_samples(cfg)):
        with tf.GradientTape() as tape:
            height = ops.sum(curvature * (point - sample) ** 2) / 2
        gradients = tape.gradient(height, [point])
        optimizer.apply(gradients, [point])
        path.append(ops.copy(point))
    return backend.array(ops.stack(path))


# %% Train
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    model.compile(
        optimizer=rule(cfg)(cfg.learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    # model.fit, run as one graph; the plain call gives the same.
    history = engine.fit(
        model,
        data.x_train,
        data.y_train,
        epochs=cfg.epochs,
        batch_size=cfg.batch_size or None,
        shuffle=True,
    )
    history.paths[cfg.rule] = valley(cfg)
    return history


# %% Predict
def predict(model: keras.Model, x: tf.Tensor) -> tf.Tensor:
    return model(x, training=False)


# %% Results
def results(
    model: keras.Model,
    history: History,
    data: Dataset,
) -> dict:
    return {f"path/{name}": p for name, p in history.paths.items()}


# %% Run
if __name__ == "__main__":
    main("optimizers")
