"""Device, precision and determinism; arrays in and out of TensorFlow."""

from __future__ import annotations

from tf_track.optional import without
from tf_track.quiet import quiet

with quiet(), without("sklearn", "matplotlib"):
    import keras
    import tensorflow as tf

import numpy as np
from numpy.typing import NDArray

from shared.errors import MissingError


def configure(device: str, precision: str, seed: int, threads: int | None = 1) -> None:
    """Set up the process for one run.

    Args:
        device: "auto" (a GPU where there is one), "cpu" or "gpu".
        precision: "float32" or "float64", of parameters and data.
        seed: of Keras' and TensorFlow's own generators.
        threads: that TensorFlow may use; None leaves it its own choice. More than one
            gain where XLA runs a model of some size, and then round otherwise.

    Raises:
        MissingError: a GPU is asked for and TensorFlow sees none.
    """
    with quiet():
        gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise MissingError(
            "TensorFlow sees no GPU: use --device cpu, or "
            "pip install 'tensorflow[and-cuda]'"
        )
    global _set_up
    if not _set_up:
        _once(gpus, device, threads)
    _set_up = True
    # The policy too: set_floatx alone leaves layers at the policy already cached.
    keras.config.set_floatx(precision)
    keras.config.set_dtype_policy(precision)
    keras.utils.set_random_seed(seed)


_set_up = False


def _once(
    gpus: list[tf.config.PhysicalDevice], device: str, threads: int | None
) -> None:
    """What TensorFlow takes only before it runs its first operation."""
    if threads is not None:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.experimental.enable_op_determinism()


def tensor(array: NDArray) -> tf.Tensor:
    """The array on the run's device; floats take the run's precision."""
    array = np.asarray(array)
    dtype = keras.config.floatx() if array.dtype.kind == "f" else None
    return tf.constant(array, dtype=dtype)


def resident(array: NDArray) -> tf.Tensor:
    """As `tensor`, for all samples at once: copied once, and beside Python.

    `tf.constant` copies an array twice, as NumPy's memory begins where TensorFlow's may
    not, and the second time no other thread can run.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "fiu" or tf.config.get_visible_devices("GPU"):
        return tensor(array)
    dtype = spec(array, None).dtype.as_numpy_dtype
    size = array.size * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % ALIGNMENT
    own = memory[begin : begin + size].view(dtype).reshape(array.shape)
    np.copyto(own, array)
    return tf.experimental.dlpack.from_dlpack(own.__dlpack__())


ALIGNMENT = 64
"""Bytes (EIGEN_MAX_ALIGN_BYTES with AVX-512)."""


def spec(array: NDArray, samples: int | None) -> tf.TensorSpec:
    """Of so many rows of the array, as `tensor` makes them."""
    dtype = keras.config.floatx() if array.dtype.kind == "f" else array.dtype
    return tf.TensorSpec((samples, *array.shape[1:]), dtype)


def array(value: tf.Tensor | NDArray | float) -> NDArray:
    """The tensor or variable as a NumPy array of the same dtype."""
    # np.array would ask Keras' variables for a copy, which they do not know.
    return np.asarray(value).copy()


def environment() -> dict[str, str]:
    """Versions and the device of this process."""
    gpus = tf.config.get_visible_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    name = details.get("device_name", "gpu") if gpus else "cpu"
    return {
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "device": name,
    }
