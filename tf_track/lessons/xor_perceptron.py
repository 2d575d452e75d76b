"""XOR with a single neuron, in Keras.

The training loop is written out: a `GradientTape` records the forward
pass, and the optimizer applies the gradients that the tape hands back.
"""

# %% Imports
import keras
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.xor_perceptron import TIE, Config
from shared.session import History
from tf_track import backend, engine
from tf_track.__main__ import main


# %% Model
# Dense keeps its kernel as (in, out); nn.Linear keeps (out, in).
def build(cfg: Config) -> keras.Model:
    layers = [
        keras.Input((2,)),
        keras.layers.Dense(1, "sigmoid", name="output"),
    ]
    return keras.Sequential(layers)


# %% Train
def train(model: keras.Model, data: Dataset, cfg: Config) -> History:
    criterion = keras.losses.BinaryCrossentropy()
    optimizer = keras.optimizers.SGD(cfg.learning_rate)
    variables = model.trainable_variables

    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = criterion(y, model(x, training=True))
        gradients = tape.gradient(loss, variables)
        optimizer.apply(gradients, variables)
        return loss

    x, y = data.x_train, data.y_train
    return engine.loop(step, model, optimizer, x, y, epochs=cfg.epochs)


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
    main("xor_perceptron")
