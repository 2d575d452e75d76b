"""A layer of every kind in both frameworks, as source; no shape hides a wrong turn."""

from __future__ import annotations

import dataclasses
from typing import Any

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from shared.weights import Weights
from torch_track import backend as torch_backend


@dataclasses.dataclass(frozen=True)
class Case:
    """The same layer twice.

    Attributes:
        name: of the case.
        kinds: the neutral kinds of what it is made of.
        shape: of an input in Keras' layout, without the batch.
        keras, torch: the layers, as source.
        way: how PyTorch takes the input: "first" (channels), "last", "sequence",
            "attention" or "integers" (below 7, and channels last).
    """

    name: str
    kinds: tuple[str, ...]
    shape: tuple[int, ...]
    keras: str
    torch: str
    way: str = "last"

    @property
    def keras_source(self) -> str:
        """A function `build_keras`."""
        dtype = "int32" if self.way == "integers" else None
        call = "layer(x, x)" if self.way == "attention" else "layer(x)"
        return (
            "import keras\nfrom keras import layers\n\n\ndef build_keras():\n"
            f"    x = given = keras.Input({self.shape}, dtype={dtype!r})\n"
            f"    for layer in [{self.keras}]:\n        x = {call}\n"
            "    return keras.Model(given, x)\n"
        )

    @property
    def torch_source(self) -> str:
        """A function `build_torch`."""
        return (
            "from torch import nn\n\n\n"
            f"def build_torch():\n    return nn.Sequential({self.torch})\n"
        )

    def models(self) -> tuple[keras.Model, nn.Module]:
        """Both, in the precision that is set, PyTorch's in inference mode."""
        scope: dict[str, Any] = {}
        exec(self.keras_source + self.torch_source, scope)
        return scope["build_keras"](), scope["build_torch"]().eval()

    def outputs(self, model: keras.Model, module: nn.Module) -> list[NDArray[Any]]:
        """What each makes of the same input, in Keras' layout."""
        generator = np.random.default_rng(5)
        x: NDArray[Any] = generator.standard_normal((3, *self.shape))
        if self.way == "integers":
            x = generator.integers(0, 7, x.shape).astype(np.int32)
        with torch.no_grad():
            theirs = self._call(module, torch_backend.tensor(x))
        ours = model(tf_backend.tensor(x), training=False)
        return [tf_backend.array(ours), torch_backend.array(theirs)]

    def _call(self, module: Any, x: torch.Tensor) -> Any:
        if self.way == "first":
            return module(x.movedim(-1, 1)).movedim(1, -1)
        if self.way == "sequence":
            return module(x)[0]
        if self.way == "attention":
            return module[0](x, x, x, need_weights=False)[0]
        return module(x)


def drawn(weights: Weights, seed: int) -> Weights:
    """Other weights of the same shapes; variances are positive."""
    generator = np.random.default_rng(seed)
    found = {}
    for name, array in weights.items():
        value = generator.standard_normal(array.shape)
        if name.endswith("variance"):
            value = generator.uniform(0.5, 1.5, array.shape)
        found[name] = value.astype(array.dtype)
    return found


def _recurrent(keras_name: str, torch_name: str) -> list[Case]:
    """One direction, both, and without a bias."""
    kind = {"SimpleRNN": "simple_rnn"}.get(keras_name, keras_name.lower())
    layer = f"layers.{keras_name}(3, return_sequences=True"
    module = f"nn.{torch_name}(5, 3, batch_first=True"
    both = f"bidirectional_{kind}"
    return [
        Case(kind, (kind,), (6, 5), f"{layer})", f"{module})", "sequence"),
        Case(
            f"{kind}_no_bias",
            (kind,),
            (6, 5),
            f"{layer}, use_bias=False)",
            f"{module}, bias=False)",
            "sequence",
        ),
        Case(
            both,
            (both,),
            (6, 5),
            f"layers.Bidirectional({layer}))",
            f"{module}, bidirectional=True)",
            "sequence",
        ),
        Case(
            f"{both}_stacked",
            (both, both),
            (6, 5),
            f"layers.Bidirectional({layer})), layers.Bidirectional({layer}))",
            f"{module}, num_layers=2, bidirectional=True)",
            "sequence",
        ),
    ]


CASES = [
    Case("dense", ("dense",), (5,), "layers.Dense(3)", "nn.Linear(5, 3)"),
    Case(
        "dense_no_bias",
        ("dense",),
        (4, 5),
        "layers.Dense(3, use_bias=False)",
        "nn.Linear(5, 3, bias=False)",
    ),
    Case(
        "conv1d",
        ("conv1d",),
        (9, 4),
        "layers.Conv1D(6, 3)",
        "nn.Conv1d(4, 6, 3)",
        "first",
    ),
    Case(
        "conv2d",
        ("conv2d",),
        (7, 8, 4),
        "layers.Conv2D(6, (2, 3))",
        "nn.Conv2d(4, 6, (2, 3))",
        "first",
    ),
    Case(
        "conv2d_grouped",
        ("conv2d",),
        (7, 8, 4),
        "layers.Conv2D(6, (2, 3), groups=2)",
        "nn.Conv2d(4, 6, (2, 3), groups=2)",
        "first",
    ),
    Case(
        "conv3d",
        ("conv3d",),
        (5, 6, 7, 2),
        "layers.Conv3D(3, (2, 3, 4))",
        "nn.Conv3d(2, 3, (2, 3, 4))",
        "first",
    ),
    Case(
        "conv1d_transpose",
        ("conv1d_transpose",),
        (5, 4),
        "layers.Conv1DTranspose(6, 3, 2)",
        "nn.ConvTranspose1d(4, 6, 3, 2)",
        "first",
    ),
    Case(
        "conv2d_transpose",
        ("conv2d_transpose",),
        (4, 5, 4),
        "layers.Conv2DTranspose(6, (2, 3))",
        "nn.ConvTranspose2d(4, 6, (2, 3))",
        "first",
    ),
    Case(
        "conv3d_transpose",
        ("conv3d_transpose",),
        (3, 4, 5, 2),
        "layers.Conv3DTranspose(3, (2, 3, 4))",
        "nn.ConvTranspose3d(2, 3, (2, 3, 4))",
        "first",
    ),
    Case(
        "depthwise_conv1d",
        ("depthwise_conv1d",),
        (7, 3),
        "layers.DepthwiseConv1D(4, depth_multiplier=2)",
        "nn.Conv1d(3, 6, 4, groups=3)",
        "first",
    ),
    Case(
        "depthwise_conv2d",
        ("depthwise_conv2d",),
        (7, 8, 3),
        "layers.DepthwiseConv2D((2, 4), depth_multiplier=2)",
        "nn.Conv2d(3, 6, (2, 4), groups=3)",
        "first",
    ),
    Case(
        "depthwise_by_groups",
        ("depthwise_conv2d",),
        (7, 8, 3),
        "layers.Conv2D(6, (2, 4), groups=3)",
        "nn.Conv2d(3, 6, (2, 4), groups=3)",
        "first",
    ),
    Case(
        "depthwise_of_one_channel",
        ("conv2d",),
        (7, 8, 1),
        "layers.DepthwiseConv2D((2, 4), depth_multiplier=3)",
        "nn.Conv2d(1, 3, (2, 4))",
        "first",
    ),
    Case(
        "separable_conv1d",
        ("depthwise_conv1d", "conv1d"),
        (7, 3),
        "layers.SeparableConv1D(5, 4, depth_multiplier=2)",
        "nn.Conv1d(3, 6, 4, groups=3, bias=False), nn.Conv1d(6, 5, 1)",
        "first",
    ),
    Case(
        "separable_conv2d",
        ("depthwise_conv2d", "conv2d"),
        (7, 8, 3),
        "layers.SeparableConv2D(5, (2, 4), depth_multiplier=2)",
        "nn.Conv2d(3, 6, (2, 4), groups=3, bias=False), nn.Conv2d(6, 5, 1)",
        "first",
    ),
    Case(
        "embedding",
        ("embedding",),
        (6,),
        "layers.Embedding(7, 4)",
        "nn.Embedding(7, 4)",
        "integers",
    ),
    Case(
        "batch_norm",
        ("batch_norm",),
        (5,),
        "layers.BatchNormalization(epsilon=1e-5)",
        "nn.BatchNorm1d(5)",
    ),
    Case(
        "batch_norm_2d",
        ("batch_norm",),
        (3, 4, 5),
        "layers.BatchNormalization(epsilon=1e-5)",
        "nn.BatchNorm2d(5)",
        "first",
    ),
    Case(
        "batch_norm_plain",
        ("batch_norm",),
        (5,),
        "layers.BatchNormalization(epsilon=1e-5, center=False, scale=False)",
        "nn.BatchNorm1d(5, affine=False)",
    ),
    Case(
        "layer_norm",
        ("layer_norm",),
        (4, 5),
        "layers.LayerNormalization(epsilon=1e-5)",
        "nn.LayerNorm(5)",
    ),
    Case(
        "group_norm",
        ("group_norm",),
        (4, 5, 6),
        "layers.GroupNormalization(3, epsilon=1e-5)",
        "nn.GroupNorm(3, 6)",
        "first",
    ),
    Case(
        "rms_norm",
        ("rms_norm",),
        (4, 5),
        "layers.RMSNormalization()",
        "nn.RMSNorm(5, eps=1e-6)",
    ),
    Case(
        "prelu",
        ("prelu",),
        (4, 5),
        "layers.PReLU(shared_axes=[1])",
        "nn.PReLU(5)",
        "first",
    ),
    Case("prelu_of_vectors", ("prelu",), (5,), "layers.PReLU()", "nn.PReLU(5)"),
    Case(
        "prelu_shared",
        ("prelu",),
        (4, 5),
        "layers.PReLU(shared_axes=[1, 2])",
        "nn.PReLU()",
    ),
    Case(
        "multi_head_attention",
        ("multi_head_attention",),
        (7, 8),
        "layers.MultiHeadAttention(2, 4)",
        "nn.MultiheadAttention(8, 2, batch_first=True)",
        "attention",
    ),
    Case(
        "multi_head_attention_no_bias",
        ("multi_head_attention",),
        (7, 8),
        "layers.MultiHeadAttention(2, 4, use_bias=False)",
        "nn.MultiheadAttention(8, 2, bias=False, batch_first=True)",
        "attention",
    ),
    *_recurrent("SimpleRNN", "RNN"),
    *_recurrent("LSTM", "LSTM"),
    *_recurrent("GRU", "GRU"),
    Case(
        "stacked_cells",
        ("gru", "gru"),
        (6, 5),
        "layers.RNN([layers.GRUCell(3), layers.GRUCell(3)], return_sequences=True)",
        "nn.GRU(5, 3, num_layers=2, batch_first=True)",
        "sequence",
    ),
]
