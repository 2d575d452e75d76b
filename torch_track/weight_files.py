"""A state_dict in a file: `.safetensors`, or `.pt` read with weights_only."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from shared.errors import UsageError
from shared.lesson import nearest
from torch_track.layouts import parts

State = dict[str, torch.Tensor]


def read(path: str) -> State:
    """The state_dict in a file.

    Raises:
        UsageError: it cannot be read, or is something else.
    """
    try:
        if path.endswith(".safetensors"):
            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:80]
        raise UsageError(
            f"{path} is not a state_dict that is safe to read ({first}): save "
            "model.state_dict(), not the model"
        ) from None
    tensors = isinstance(found, dict) and all(
        isinstance(value, torch.Tensor) for value in found.values()
    )
    if not tensors:
        keys = ", ".join(map(str, found))[:60] if isinstance(found, dict) else ""
        holds = f"holds {keys}" if keys else f"holds {type(found).__name__}"
        raise UsageError(f"{path} {holds}, not a state_dict: save the one in it alone")
    return dict(found)


def precision(path: str) -> str:
    """The precision that most of the file's numbers have.

    Raises:
        UsageError: it cannot be read.
    """
    floats = [t for t in read(path).values() if t.is_floating_point()]
    sizes = {
        dtype: sum(t.numel() for t in floats if t.dtype == dtype)
        for dtype in (torch.float32, torch.float64)
    }
    return "float64" if sizes[torch.float64] > sizes[torch.float32] else "float32"


def load(model: nn.Module, path: str) -> None:
    """Load a file into the model it was saved from.

    Raises:
        UsageError: names, shapes or dtypes are other than the model's.
    """
    state, own = read(path), model.state_dict()
    held = {own[name].data_ptr() for name in state if name in own}
    for name, tensor in own.items():
        if name not in state:
            # Older files do not count the batches, and some hold tied weights once.
            if name.endswith("num_batches_tracked") or tensor.data_ptr() in held:
                continue
            raise UsageError(f"{path} lacks {name!r}{nearest(name, state)}")
        given = state[name]
        if given.shape != tensor.shape:
            raise UsageError(
                f"{path} has {name!r} of shape {tuple(given.shape)}, the model "
                f"{tuple(tensor.shape)}"
            )
        if given.dtype != tensor.dtype:
            kinds = (str(t.dtype).removeprefix("torch.") for t in (given, tensor))
            raise UsageError(
                f"{path} has {name!r} in {' and the model in '.join(kinds)}: give "
                "both the same dtype, so that nothing is rounded unasked"
            )
    for name in state:
        if name not in own:
            raise UsageError(f"{path} has {name!r}, which the model has not")
    model.load_state_dict(state, strict=False)


def store(model: nn.Module, path: str) -> None:
    """Save the model's state_dict, each tensor by itself."""
    state = {name: t.detach().cpu() for name, t in model.state_dict().items()}
    # Parameters may share their memory, which a safetensors file does not allow.
    state = {name: t.clone().contiguous() for name, t in state.items()}
    if path.endswith(".safetensors"):
        # save_file would let nobody else read it.
        Path(path).write_bytes(save(state, metadata={"format": "pt"}))
    else:
        torch.save(state, Path(path))


def notes(model: nn.Module) -> dict[str, list[str]]:
    """What Keras keeps otherwise or not at all.

    Returns:
        Under "merged" the layers whose two biases would be added up, under "one_bias"
        all that have one in Keras, under "counts" BatchNorm's counters, under "buffers"
        what else is in the state_dict.
    """
    found = parts(model)
    held = {id(t) for part in found for t in part.tensors().values()}
    names = [
        n for n, t in model.state_dict(keep_vars=True).items() if id(t) not in held
    ]
    counts = [name for name in names if name.endswith("num_batches_tracked")]
    return {
        "merged": [part.name for part in found if part.merged],
        "one_bias": [part.name for part in found if part.layout.zero],
        "counts": counts,
        "buffers": [name for name in names if name not in counts],
    }


def forget() -> None:
    """Nothing: modules are named by their places."""


def check(model: nn.Module) -> None:
    """Whether NumPy can hold the model's weights.

    Raises:
        UsageError: it cannot.
    """
    for name, tensor in model.state_dict().items():
        if tensor.dtype == torch.bfloat16:
            raise UsageError(f"{name} is in bfloat16: convert it to float32")
