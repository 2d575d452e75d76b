"""Automatic differentiation, in TensorFlow.

A `GradientTape` records what happens inside its `with` block. Asked for
the gradient of one tensor with respect to others, it plays the block
backward.
"""

# %% Imports
import keras
import tensorflow as tf

from shared.lessons.autograd import Config
from tf_track.__main__ import main


# %% One variable
# The tape returns the gradient; the variable itself does not keep it.
def parabola(cfg: Config) -> dict[str, tf.Tensor]:
    w = tf.Variable(cfg.parabola_w, dtype=keras.config.floatx())
    with tf.GradientTape() as tape:
        z = 2 * w**2 + 5
    return {"z": z, "gradient/dz_dw": tape.gradient(z, w)}


# %% A graph
# The tape may be asked about a step on the way, such as g, too.
def line(cfg: Config) -> dict[str, tf.Tensor]:
    dtype = keras.config.floatx()
    w = tf.Variable(cfg.w, dtype=dtype)
    x = tf.Variable(cfg.x, dtype=dtype)
    b = tf.Variable(cfg.b, dtype=dtype)
    with tf.GradientTape() as tape:
        g = w * x
        f = g + b
    df_dg, df_dw, df_dx, df_db = tape.gradient(f, [g, w, x, b])
    return {
        "g": g,
        "f": f,
        "gradient/df_dg": df_dg,
        "gradient/df_dw": df_dw,
        "gradient/df_dx": df_dx,
        "gradient/df_db": df_db,
    }


# %% Results
def results(cfg: Config, data: None) -> dict:
    return parabola(cfg) | line(cfg)


# %% Run
if __name__ == "__main__":
    main("autograd")
