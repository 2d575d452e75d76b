"""The weights of a Keras model in a `.weights.h5` file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import h5py
import keras

from shared.errors import UsageError
from tf_track.layouts import parts


def precision(path: str) -> str:
    """The precision that most of the file's numbers have.

    Raises:
        UsageError: it cannot be read.
    """
    sizes: Counter[str] = Counter()
    for _, dtype, size in _arrays(path):
        sizes[dtype] += size
    return "float64" if sizes["float64"] > sizes["float32"] else "float32"


def load(model: keras.Model, path: str) -> None:
    """Load a file into the model it was saved from.

    Raises:
        UsageError: its layers, shapes or dtypes are other than the model's.
    """
    held = Counter(dtype for _, dtype, _ in _arrays(path))
    own = Counter(v.dtype for v in model.weights if "int" not in v.dtype)
    if sum(held.values()) != sum(own.values()):
        raise UsageError(
            f"{path} holds {sum(held.values())} arrays of weights, the model "
            f"{sum(own.values())}: it was saved from another one"
        )
    if held != own:
        raise UsageError(
            f"{path} holds {_told(held)}, the model {_told(own)}: give both the same "
            "dtype, so that nothing is rounded unasked"
        )
    try:
        model.load_weights(path)
    except MemoryError:
        raise
    except Exception as error:
        told = " ".join(str(error).split())
        raise UsageError(f"{path} does not fit the model: {told}") from None


def store(model: keras.Model, path: str) -> None:
    """Save the model's weights."""
    model.save_weights(path)


def _arrays(path: str) -> Iterator[tuple[str, str, int]]:
    """Name, dtype and size of each array of weights.

    Raises:
        UsageError: the file cannot be read, or Keras has not written it.
    """
    found: list[tuple[str, str, int]] = []

    def note(name: str, item: object) -> None:
        # A compiled model saves its optimizer too, and dropout its generator.
        own = not name.startswith("optimizer/") and "vars" in name.split("/")
        if own and isinstance(item, h5py.Dataset) and item.dtype.kind not in "iu":
            found.append((name, item.dtype.name, item.size))

    try:
        with h5py.File(path) as file:
            file.visititems(note)
    except OSError as error:
        told = str(error).strip().splitlines()[0]
        raise UsageError(f"{path} is not a .weights.h5 file ({told})") from None
    if not found:
        raise UsageError(f"{path} holds no weights as model.save_weights() writes them")
    yield from found


def _told(dtypes: Counter[str]) -> str:
    return " and ".join(f"{count} of {dtype}" for dtype, count in dtypes.items())


def notes(model: keras.Model) -> dict[str, list[str]]:
    """What PyTorch does otherwise.

    Returns:
        Under "flatten" the layers that flatten channels last, with what they are given.
    """
    images = any("conv" in part.kind for part in parts(model))
    found = []
    for layer in model._flatten_layers(include_self=False):
        shape = _given(layer) if isinstance(layer, keras.layers.Flatten) else ()
        if images and sum(size != 1 for size in shape[1:-1]) and shape[-1] != 1:
            told = ", ".join(map(str, shape[1:]))
            found.append(f"{layer.name} of ({told})")
    return {"flatten": found}


def _given(layer: keras.layers.Layer) -> tuple[int | None, ...]:
    """The shape of a layer's input; () where the model does not know."""
    try:
        return tuple(layer.input.shape)
    except (AttributeError, ValueError):
        return ()


def forget() -> None:
    """Let Keras count its layers from the start, so that names do not change."""
    keras.utils.clear_session()


def check(model: keras.Model) -> None:
    """Whether NumPy can hold the model's weights.

    Raises:
        UsageError: it cannot.
    """
    for variable in model.weights:
        if variable.dtype == "bfloat16":
            raise UsageError(f"{variable.path} is in bfloat16: build it in float32")
