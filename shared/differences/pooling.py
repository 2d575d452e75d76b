"""Pooling, and what comes after it: flat features."""

from __future__ import annotations

from shared.differences.difference import Difference, draw

ROWS = (
    Difference(
        slug="max_pool_same",
        title='MaxPooling2D: padding="same"',
        keras="how much is padded depends on the size, and more is on the right",
        torch="padding=k // 2 pads both sides alike",
        remedy="total = max((ceil(n / s) - 1) * s + k - n, 0) a side; "
        'F.pad(x, (total // 2, total - total // 2, ...), value=float("-inf")), '
        "width first",
        # All below 0, so that padding with 0 would win.
        inputs=lambda: {"x": draw("max_pool_same", "x", 2, 6, 8, 3) - 5},
        least=0.2,
        source="https://github.com/keras-team/keras/issues/16363",
    ),
    Difference(
        slug="max_pool_odd_size",
        title='MaxPooling2D(2, padding="same"): odd sizes',
        keras="the last row and column count",
        torch="MaxPool2d(2) drops them",
        remedy="nn.MaxPool2d(2, ceil_mode=True); other windows as in max_pool_same",
        inputs=lambda: {"x": draw("max_pool_odd_size", "x", 2, 5, 7, 3)},
        defaults={"torch": {"ceil_mode": False}},
        least=0.1,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.MaxPool2d.html",
    ),
    Difference(
        slug="avg_pool_same",
        title='AveragePooling2D: padding="same" without a stride',
        keras="leaves the padding out of the mean",
        torch="counts it as 0",
        remedy="nn.AvgPool2d(k, 1, k // 2, count_include_pad=False), with k odd",
        inputs=lambda: {"x": 5 + draw("avg_pool_same", "x", 2, 6, 8, 3)},
        defaults={"torch": {"count_include_pad": True}},
        least=0.3,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool2d.html",
    ),
    Difference(
        slug="avg_pool_same_strided",
        title='AveragePooling2D: padding="same" with a stride',
        keras="pads more on the right, and leaves the padding out of the mean",
        torch="pads both sides alike; count_include_pad=False alone does not repair it",
        remedy="pad as for max_pool_same, but with 0; pool(padded) / pool(padded ones)",
        inputs=lambda: {"x": 5 + draw("avg_pool_same_strided", "x", 2, 6, 8, 3)},
        least=0.1,
        source="https://keras.io/api/layers/pooling_layers/average_pooling2d/",
    ),
    Difference(
        slug="flatten_order",
        title="Flatten: the order of the features",
        keras="height, width, channels",
        torch="channels, height, width",
        remedy="x.permute(0, 2, 3, 1).flatten(1)",
        inputs=lambda: {"x": draw("flatten_order", "x", 2, 3, 4, 5)},
        least=0.5,
        source="https://github.com/gzuidhof/nn-transfer/issues/16",
    ),
    Difference(
        slug="flatten_dense",
        title="Flatten, then Dense: the kernel of a trained model",
        keras="the kernel's rows are height, width, channels",
        torch="the weight's columns are channels, height, width",
        remedy="kernel.reshape(height, width, channels, out)"
        ".permute(3, 2, 0, 1).reshape(out, -1); x.flatten(1) may stay",
        inputs=lambda: {
            "x": draw("flatten_dense", "x", 2, 3, 4, 5),
            "kernel": draw("flatten_dense", "kernel", 60, 6),
        },
        least=0.5,
        source="https://github.com/gzuidhof/nn-transfer/issues/16",
    ),
)
