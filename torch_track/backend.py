"""Device, precision and determinism; arrays in and out of PyTorch."""

from __future__ import annotations

import os
import warnings

# Asked for by cuBLAS before it will be deterministic (torch's reproducibility note).
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import torch
from numpy.typing import NDArray

from shared.errors import MissingError


def configure(device: str, precision: str, seed: int, threads: int | None = 1) -> None:
    """Set up the process for one run.

    Args:
        device: "auto" (a GPU where there is one), "cpu" or "gpu".
        precision: "float32" or "float64", of parameters and data.
        seed: of PyTorch's own generators.
        threads: that PyTorch may use; None leaves it its own choice. At these sizes
            more than one cost more than they bring.

    Raises:
        MissingError: a GPU is asked for and PyTorch sees none.
    """
    gpu = device != "cpu" and torch.cuda.is_available()
    if device == "gpu" and not gpu:
        raise MissingError(
            "PyTorch sees no GPU: use --device cpu, or install a CUDA build of torch"
        )
    # The CPU is the default without being set, which would slow down every call.
    torch.set_default_device("cuda" if gpu else None)
    torch.set_default_dtype(getattr(torch, precision))
    if threads is not None:
        torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.use_deterministic_algorithms(True)
    # Or every new tensor is filled with NaN first; nothing here reads what is not set.
    deterministic = torch.utils.deterministic
    deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.manual_seed(seed)


def tensor(array: NDArray) -> torch.Tensor:
    """The array on the run's device; floats take the run's precision."""
    array = np.asarray(array)
    dtype = torch.get_default_dtype() if array.dtype.kind == "f" else None
    return torch.tensor(array, dtype=dtype)


def resident(array: NDArray) -> torch.Tensor:
    """As `tensor`, for all samples at once, which must not be written to.

    On a CPU the tensor shares the array's memory if that has the run's precision.
    """
    array = np.asarray(array)
    shared = array.dtype.kind in "iu" or array.dtype == _precision()
    if torch.get_default_device().type != "cpu" or not shared:
        return tensor(array)
    with warnings.catch_warnings():
        # That the array is read-only, and a tensor knows nothing of the kind.
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(np.ascontiguousarray(array))


def _precision() -> np.dtype:
    return np.dtype(str(torch.get_default_dtype()).removeprefix("torch."))


def array(value: torch.Tensor | NDArray | float) -> NDArray:
    """The tensor as a NumPy array of its dtype; bfloat16, which NumPy lacks, wider."""
    if isinstance(value, torch.Tensor):
        value = value.float() if value.dtype == torch.bfloat16 else value
        return value.detach().cpu().numpy().copy()
    return np.asarray(value)


def environment() -> dict[str, str]:
    """Versions and the device of this process."""
    device = torch.get_default_device()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {"torch": torch.__version__, "device": name}
