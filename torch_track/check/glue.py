"""What a call of PyTorch's between the layers is, by its neutral name and settings."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from torch_track.check.rules import RANDOM, RULES, Found, Settings


@dataclasses.dataclass(frozen=True)
class Call:
    """A call that has not been made yet.

    Attributes:
        op: what it computes.
        settings: of that, by neutral name.
        name: PyTorch's name of the function.
        function, args, kwargs: the call itself.
    """

    op: str
    settings: Settings
    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The tensors that it is given, in order."""
        return list(tensors((self.args, self.kwargs)))

    @property
    def in_place(self) -> bool:
        """Whether it overwrites its first input."""
        ends = self.name.endswith("_") and not self.name.endswith("__")
        return ends or bool(self.kwargs.get("inplace"))

    def fed(self, first: torch.Tensor) -> Call:
        """The same call of another first input."""
        if self.args:
            return dataclasses.replace(self, args=(first, *self.args[1:]))
        return dataclasses.replace(self, kwargs={**self.kwargs, "input": first})

    def run(self, first: torch.Tensor | None = None) -> Any:
        """Make the call, with another first input if one is given."""
        call = self if first is None else self.fed(first)
        return call.function(*call.args, **call.kwargs)


def recognise(function: Any, args: tuple[Any, ...], kwargs: Any) -> Call | None:
    """What a call is; None for one that computes nothing of interest."""
    name = _name(function)
    plain = name.strip("_")
    given = RANDOM if plain in RANDOM else tensors((args, kwargs))
    if plain in _TRIVIAL or not any(True for _ in given):
        return None
    found: Found = _ALIASES.get(plain, plain), {}
    if plain in _RESHAPES:
        found = _reshaped(function, args, kwargs)
    elif plain in _PERMUTES:
        found = _permuted(function, args, kwargs)
    elif plain in RULES:
        named = {_DIM.get(key, key): value for key, value in kwargs.items()}
        with contextlib.suppress(TypeError):  # of a form that the rule does not know
            found = RULES[plain](*args, **named)
    return Call(*found, name, function, tuple(args), kwargs) if found else None


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in nested sequences, mappings and dataclasses, in order."""
    for _, tensor in named_tensors(value):
        yield tensor


def named_tensors(value: Any, path: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """The same, each with how it is reached: "[0]", "['logits']", ".loss"."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from named_tensors(inner, f"{path}[{key!r}]")
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from named_tensors(inner, f"{path}[{index}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            inner = getattr(value, field.name)
            yield from named_tensors(inner, f"{path}.{field.name}")


def _name(function: Any) -> str:
    name = str(getattr(function, "__name__", ""))
    if name != "__get__":
        return name
    attribute = str(getattr(function.__self__, "__name__", ""))
    return attribute if attribute in _PERMUTES else "__get__"


def _reshaped(function: Any, args: Any, kwargs: Any) -> Found:
    """A view or a copy in another shape, told by the shapes alone."""
    x = next(tensors((args, kwargs)))
    after = _shape_of(function, args, kwargs, tuple(x.shape))
    before = list(x.shape)
    if after is None or after == before:
        return None
    if len(after) == 2 < len(before) and after[0] == before[0]:
        return "flatten", {"shape": before[1:]}
    return "reshape", {"shape": after[1:]}


def _permuted(function: Any, args: Any, kwargs: Any) -> Found:
    """The axes in their new order, found on a tensor whose sizes all differ."""
    x = next(tensors((args, kwargs)))
    sizes = tuple(range(2, 2 + x.ndim))
    after = _shape_of(function, args, kwargs, sizes)
    if after is None or after == list(sizes):
        return None
    return "permute", {"dims": [sizes.index(size) for size in after]}


def _shape_of(
    function: Any, args: Any, kwargs: Any, shape: tuple[int, ...]
) -> list[int] | None:
    """What the call makes of a tensor of that shape; None if it will not take it."""
    twin = torch.empty(shape, device="meta")
    try:
        if args:
            found = function(twin, *args[1:], **kwargs)
        else:
            found = function(**{**kwargs, "input": twin})
    except Exception:  # the call itself will tell
        return None
    return list(found.shape) if isinstance(found, torch.Tensor) else None


_DIM = {"axis": "dim", "keepdims": "keepdim"}
"""NumPy's names, which PyTorch takes too."""

_RESHAPES = {
    *("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze"),
    *("view_as", "reshape_as"),
}

_PERMUTES = {
    *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"),
    *("t", "adjoint", "T", "mT", "H", "mH"),
}

_ALIASES = {
    "bmm": "matmul",
    "mm": "matmul",
    "rmatmul": "matmul",
    "radd": "add",
    "mul": "multiply",
    "rmul": "multiply",
    "sub": "subtract",
    "rsub": "subtract",
    "div": "divide",
    "rdiv": "divide",
    "true_divide": "divide",
    "pow": "power",
    "rpow": "power",
    "neg": "negative",
    "scaled_dot_product_attention": "attention",
    "hardsigmoid": "hard_sigmoid",
    "hardswish": "hard_silu",
    "logsigmoid": "log_sigmoid",
    "hardshrink": "hard_shrink",
    "softshrink": "soft_shrink",
    "tanhshrink": "tanh_shrink",
    "getitem": "slice",
    "narrow": "slice",
    "select": "slice",
    "index_select": "slice",
    "chunk": "split",
    "tensor_split": "split",
    "unbind": "split",
}

_TRIVIAL = {
    *("get", "set", "getattr", "setattr", "setitem", "size", "dim", "numel", "len"),
    *("item", "tolist", "numpy", "iter", "repr", "format", "hash", "bool", "deepcopy"),
    *("contiguous", "detach", "clone", "requires_grad", "cpu", "cuda", "backward"),
    *("is_floating_point", "is_contiguous", "stride", "ndimension", "nelement"),
    *("zeros_like", "ones_like", "full_like", "empty_like", "new_zeros", "new_ones"),
    *("new_tensor", "new_full", "new_empty", "retain_grad", "data_ptr", "fill"),
}
