"""The held model: what runs is a copy of it, so that the user's own stays as it is."""

from __future__ import annotations

import contextlib
import copy
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from inspect import BoundArguments
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from shared.check.user_code import load_model
from shared.errors import UsageError
from shared.weights import Weights
from torch_track import backend, layouts, weight_files


class Subject:
    """A user's model.

    Attributes:
        module: their own, which is never run.
        start: a copy with the weights that every probe starts from.
        path: the user's file, or what stands for it in messages.
        parts: of the start.
        calls: how the last forward pass called each layer, without its inputs.
    """

    def __init__(self, module: nn.Module, path: str = "the model") -> None:
        # What torch.compile made holds the module itself.
        self.module = getattr(module, "_orig_mod", module)
        self.path = path
        self._random = torch.get_rng_state()
        if isinstance(self.module, torch.jit.ScriptModule):
            raise UsageError(
                "a scripted module hides its layers: give the module it was made from"
            )
        self.start = _copied(self.module).to("cpu")
        if any(p.dtype.itemsize < 4 for p in self.start.parameters()):
            _recast(self.start, torch.float32)  # NumPy has no bfloat16
        self.parts = layouts.parts(self.start, raw=True)
        self.calls: Mapping[int, BoundArguments] = {}

    @staticmethod
    def load(builder: str) -> Subject:
        """The model that "file.py:name" builds.

        Raises:
            UsageError: as `load_model` and `layouts.parts` do.
        """
        weight_files.forget()
        backend.configure("cpu", "float32", 0)
        model = load_model("torch_track", builder)
        return Subject(model, builder.rpartition(":")[0])

    def copy(self, precision: str, twin: int = 0) -> nn.Module:
        """The start in that precision, its weights moved by one ulp for a twin."""
        made = _copied(self.start)
        _recast(made, getattr(torch, precision))
        if twin:
            _move(layouts.parts(made, raw=True), twin)
        return made

    def set_weights(self, arrays: Weights) -> None:
        """Take arrays under "order/name" for a new start."""
        if any(array.dtype == np.float64 for array in arrays.values()):
            _recast(self.start, torch.float64)
        for order, part in enumerate(self.parts):
            own = _of(arrays, str(order))
            if own and part.layout.packed:
                own = part.export() | own  # several arrays make one tensor
            part.load(own)

    def release(self) -> None:
        """Give the random generator back as it was found."""
        torch.set_rng_state(self._random)


def exported(parts: Sequence[layouts.Part]) -> Weights:
    """Weights and statistics under "order/name" in the neutral layout."""
    return {
        f"{order}/{name}": array
        for order, part in enumerate(parts)
        for name, array in part.export().items()
    }


def _of(arrays: Mapping[str, Any], head: str) -> dict[str, Any]:
    """The arrays under that head, without it."""
    return {
        name.removeprefix(f"{head}/"): array
        for name, array in arrays.items()
        if name.startswith(f"{head}/")
    }


class _DetachedMode(TorchFunctionMode):
    """Lets copy take tensors that a forward pass has left in attributes."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is torch.Tensor.__deepcopy__ and not args[0].is_leaf:
            return args[0].detach().clone()
        return func(*args, **(kwargs or {}))


def _copied(module: nn.Module) -> nn.Module:
    try:
        with _DetachedMode():
            made = copy.deepcopy(module)
    except Exception as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"the PyTorch model cannot be copied ({told}): keep nothing in it but "
            "layers, tensors and plain values"
        ) from None
    for inner in made.modules():
        inner._compiled_call_impl = None  # of torch.compile, which sees no hooks
    return made


def _recast(module: nn.Module, dtype: torch.dtype) -> None:
    """Parameters, buffers, and tensors that are plain attributes."""
    module.double() if dtype == torch.float64 else module.float()
    for inner in module.modules():
        for name, value in vars(inner).items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                vars(inner)[name] = value.to(dtype)


@torch.no_grad()
def _move(parts: Sequence[layouts.Part], twin: int) -> None:
    """Every number up or down by one unit in its last place, at random."""
    seen: set[int] = set()
    for order, part in enumerate(parts):
        random = np.random.default_rng([twin, order])
        for name, tensor in part.tensors().items():
            # Keras has no second bias that could be moved.
            absent = name in part.layout.zero and not tensor.any()
            if absent or id(tensor) in seen or not tensor.is_floating_point():
                continue
            seen.add(id(tensor))
            down = torch.tensor(random.random(tuple(tensor.shape)) < 0.5)
            limit = torch.where(down, -torch.inf, torch.inf).to(tensor.dtype)
            tensor.copy_(torch.nextafter(tensor, limit))


@contextlib.contextmanager
def settled(precision: str) -> Iterator[list[str]]:
    """What a probe needs of the process, put back afterwards.

    Yields:
        The texts of the warnings that are given meanwhile.
    """
    dtype = torch.get_default_dtype()
    fast = torch.backends.mha.get_fastpath_enabled()
    told: list[str] = []
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_default_dtype, dtype)
        stack.callback(torch.backends.mha.set_fastpath_enabled, fast)
        torch.set_default_dtype(getattr(torch, precision))
        # Its kernels know neither hooks nor modes.
        torch.backends.mha.set_fastpath_enabled(False)
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            # Compiled functions of the user's are not seen either.
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(_without_triton())
        caught = stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        try:
            yield told
        finally:
            given = [w for w in caught if w.category not in _OF_PYTORCH]
            told += dict.fromkeys(str(one.message) for one in given)


_OF_PYTORCH = (DeprecationWarning, FutureWarning)
"""Warnings that its own imports give."""


@contextlib.contextmanager
def _without_triton() -> Iterator[None]:
    """Keep torch's optimizers from importing it: beside TensorFlow that crashes."""
    if "tensorflow" not in sys.modules or "triton" in sys.modules:
        yield
        return
    sys.modules["triton"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["triton"]
