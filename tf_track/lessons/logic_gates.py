"""Logic gates from threshold neurons, in TensorFlow.

A comparison gives booleans, and `ops.cast` makes numbers of them again.
Broadcasting runs one neuron, or thousands at once, through the same
line.
"""

# %% Imports
import tensorflow as tf
from keras import ops

from shared.datasets import Dataset
from shared.lessons.logic_gates import Config
from tf_track import backend
from tf_track.__main__ import main


# %% Model
def neuron(
    x: tf.Tensor,
    w1: tf.Tensor | float,
    w2: tf.Tensor | float,
    theta: tf.Tensor | float,
) -> tf.Tensor:
    fires = w1 * x[:, 0] + w2 * x[:, 1] > theta
    return ops.cast(fires, x.dtype)


def and_gate(x: tf.Tensor, cfg: Config) -> tf.Tensor:
    return neuron(x, cfg.weight, cfg.weight, cfg.and_theta)


def nand_gate(x: tf.Tensor, cfg: Config) -> tf.Tensor:
    return neuron(x, -cfg.weight, -cfg.weight, -cfg.and_theta)


def or_gate(x: tf.Tensor, cfg: Config) -> tf.Tensor:
    return neuron(x, cfg.weight, cfg.weight, cfg.or_theta)


def xor_gate(x: tf.Tensor, cfg: Config) -> tf.Tensor:
    hidden = ops.stack([nand_gate(x, cfg), or_gate(x, cfg)], axis=1)
    return and_gate(hidden, cfg)


# %% Every single neuron
# The grid has an axis for w1, w2 and theta; the rows of x come last.
def best_rows_right(
    x: tf.Tensor, y: tf.Tensor, cfg: Config
) -> tf.Tensor:
    values = ops.linspace(-1, 1, cfg.grid)
    grid = ops.meshgrid(values, values, values, indexing="ij")
    w1, w2, theta = (ops.expand_dims(axis, -1) for axis in grid)
    right = neuron(x, w1, w2, theta) == y
    return ops.max(ops.sum(ops.cast(right, x.dtype), axis=-1))


# %% Results
def results(cfg: Config, data: Dataset) -> dict:
    x = backend.tensor(data.x_test)
    xor = backend.tensor(data.y_test)[:, 0]
    conjunction = and_gate(x, cfg)
    return {
        "and": conjunction,
        "nand": nand_gate(x, cfg),
        "or": or_gate(x, cfg),
        "xor": xor_gate(x, cfg),
        "best_single_neuron_on_and": best_rows_right(
            x, conjunction, cfg
        ),
        "best_single_neuron_on_xor": best_rows_right(x, xor, cfg),
    }


# %% Run
if __name__ == "__main__":
    main("logic_gates")
