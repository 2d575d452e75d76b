"""Convolutions: layouts, padding, and what they start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.differences.difference import Difference, draw


def _images(slug: str, kernel: tuple[int, ...]) -> dict[str, NDArray[np.float64]]:
    """Two images of 6 x 8 pixels with 2 channels, and a kernel."""
    return {
        "x": draw(slug, "x", 2, 6, 8, 2),
        "kernel": draw(slug, "kernel", *kernel),
    }


ROWS = (
    Difference(
        slug="image_layout",
        title="Images: where the channels are",
        keras="(batch, height, width, channels)",
        torch="(batch, channels, height, width)",
        remedy="x.permute(0, 3, 1, 2); reshape gives the same shape, and mixes pixels "
        "and channels without a word",
        inputs=lambda: _images("image_layout", (3, 2, 2, 5)),
        defaults={"tf": {"data_format": "channels_last"}},
        least=0.5,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html",
    ),
    Difference(
        slug="conv_layout",
        title="Conv2D: the axes of the kernel",
        keras="the kernel is (height, width, in / groups, out)",
        torch="the weight is (out, in / groups, height, width); .T swaps height and "
        "width too, and a square kernel shows nothing of it",
        remedy="conv.weight.copy_(kernel.permute(3, 2, 0, 1))",
        inputs=lambda: _images("conv_layout", (3, 3, 2, 5)),
        defaults={
            "tf": {"3 x 2 kernel of 4 to 5": [3, 2, 4, 5]},
            "torch": {"3 x 2 weight of 4 to 5": [5, 4, 3, 2]},
        },
        least=0.5,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html",
    ),
    Difference(
        slug="conv_initializers",
        title="Conv2D: what it starts from",
        keras="the kernel is glorot_uniform, the bias 0",
        torch="both are uniform within 1/sqrt(in * height * width)",
        remedy="nn.init.xavier_uniform_(conv.weight), nn.init.zeros_(conv.bias)",
        inputs=lambda: {"x": draw("conv_initializers", "x", 2, 6, 8, 2)},
        defaults={"tf": {"kernel": "GlorotUniform", "bias": "Zeros"}},
        # Keras casts the bound to float32 first.
        tolerance=1e-7,
        least=0.5,
        source="https://keras.io/api/layers/convolution_layers/convolution2d/",
    ),
    Difference(
        slug="depthwise_layout",
        title="DepthwiseConv2D: the axes of the kernel",
        keras="the kernel is (height, width, in, multiplier)",
        torch="the weight is (in * multiplier, 1, height, width), with groups=in",
        remedy="kernel.permute(2, 3, 0, 1).reshape(-1, 1, height, width)",
        inputs=lambda: _images("depthwise_layout", (3, 2, 2, 3)),
        defaults={
            "tf": {"3 x 2 kernel of 4 to 20": [3, 2, 4, 5]},
            "torch": {"3 x 2 weight of 4 to 20": [20, 1, 3, 2]},
        },
        least=0.5,
        source="https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/",
    ),
    Difference(
        slug="depthwise_initializer",
        title="DepthwiseConv2D: what glorot_uniform counts",
        keras="counts all of in and the multiplier",
        torch="xavier_uniform_ counts 1 for in, and in * multiplier for out",
        remedy="nn.init.uniform_(conv.weight, -b, b) with "
        "b = sqrt(6 / (height * width * (in + multiplier)))",
        inputs=lambda: {"x": draw("depthwise_initializer", "x", 2, 6, 8, 4)},
        # Keras casts the bound to float32 first.
        tolerance=1e-7,
        least=0.2,
        source="https://keras.io/api/layers/initializers/#glorotuniform-class",
    ),
    Difference(
        slug="conv_same",
        title='Conv2D: padding="same" without a stride',
        keras="a pixel more on the right and below, where the padding is odd",
        torch="does the same",
        remedy="none is needed",
        inputs=lambda: _images("conv_same", (4, 3, 2, 5)),
        least=0,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html",
    ),
    Difference(
        slug="conv_same_strided",
        title='Conv2D: padding="same" with a stride',
        keras="how much is padded depends on the size, and more is on the right",
        torch="raises; padding=k // 2 pads both sides alike",
        remedy="total = max((ceil(n / s) - 1) * s + k - n, 0) a side; "
        "F.pad(x, (total // 2, total - total // 2, ...)), width first",
        inputs=lambda: _images("conv_same_strided", (3, 5, 2, 5)),
        least=0.5,
        source="https://github.com/pytorch/pytorch/issues/3867",
    ),
    Difference(
        slug="conv_causal",
        title='Conv1D: padding="causal"',
        keras="pads on the left only: no step sees a later one",
        torch='knows no "causal"; "same" pads both sides',
        remedy="F.pad(x, ((k - 1) * dilation, 0)) before nn.Conv1d",
        inputs=lambda: {
            "x": draw("conv_causal", "x", 2, 9, 3),
            "kernel": draw("conv_causal", "kernel", 3, 3, 5),
        },
        least=0.5,
        source="https://keras.io/api/layers/convolution_layers/convolution1d/",
    ),
    Difference(
        slug="conv_transpose_layout",
        title="Conv2DTranspose: the axes of the kernel",
        keras="the kernel is (height, width, out, in)",
        torch="the weight is (in, out, height, width); .T swaps height and width too",
        remedy="conv.weight.copy_(kernel.permute(3, 2, 0, 1))",
        inputs=lambda: _images("conv_transpose_layout", (3, 3, 5, 2)),
        defaults={
            "tf": {"3 x 2 kernel of 4 to 5": [3, 2, 5, 4]},
            "torch": {"3 x 2 weight of 4 to 5": [4, 5, 3, 2]},
        },
        least=0.5,
        source="https://docs.pytorch.org/docs/stable/generated/"
        "torch.nn.ConvTranspose2d.html",
    ),
    Difference(
        slug="conv_transpose_valid",
        title='Conv2DTranspose: padding="valid", the stride above the kernel',
        keras="(n - 1) * s + max(k, s) pixels",
        torch="(n - 1) * s + k pixels",
        remedy="output_padding=max(s - k, 0)",
        inputs=lambda: _images("conv_transpose_valid", (2, 1, 5, 2)),
        least=0.04,
        source="https://github.com/keras-team/keras-core/issues/774",
    ),
    Difference(
        slug="conv_transpose_same",
        title='Conv2DTranspose: padding="same"',
        keras="n * s pixels; the odd pixel is cut off below and on the right",
        torch="padding=k // 2, output_padding=1 cuts it off above and on the left",
        remedy="padding=(k - s) // 2 where that is a whole number, 0 or more; else no "
        "setting: padding=0, output_padding=max(s - k, 0), then crop n * s pixels "
        "from max(k - s, 0) // 2 on",
        inputs=lambda: _images("conv_transpose_same", (5, 1, 5, 2)),
        least=0.5,
        source="https://github.com/keras-team/keras/issues/22876",
    ),
)
