"""Normalizing layers."""

from __future__ import annotations

from shared.differences.difference import Difference, draw

ROWS = (
    Difference(
        slug="batch_norm_epsilon",
        title="BatchNorm: epsilon",
        keras="epsilon is 1e-3",
        torch="eps is 1e-5",
        remedy="nn.BatchNorm2d(features, eps=1e-3)",
        inputs=lambda: {"x": 0.1 * draw("batch_norm_epsilon", "x", 8, 3)},
        defaults={"tf": {"epsilon": 1e-3}, "torch": {"eps": 1e-5}},
        least=1e-3,
        source="https://keras.io/api/layers/normalization_layers/batch_normalization/",
    ),
    Difference(
        slug="batch_norm_momentum",
        title="BatchNorm: momentum",
        keras="momentum .99 is the share of the running mean that is kept",
        torch="momentum .1 is the share of the batch that is added",
        remedy="nn.BatchNorm2d(features, momentum=1 - .99)",
        inputs=lambda: {"x": 2 + draw("batch_norm_momentum", "x", 8, 3)},
        defaults={"tf": {"momentum": 0.99}, "torch": {"momentum": 0.1}},
        # Keras casts its momentum to float32 first.
        tolerance=1e-7,
        least=0.5,
        source="https://github.com/huggingface/transformers/issues/19454",
    ),
    Difference(
        slug="batch_norm_running_variance",
        title="BatchNorm: the running variance",
        keras="keeps the variance of the batch, over n",
        torch="keeps the unbiased one, over n - 1; the batch itself is divided by n",
        remedy="no setting: scale what is added to running_var by (n - 1) / n",
        inputs=lambda: {"x": draw("batch_norm_running_variance", "x", 8, 3)},
        tolerance=1e-7,
        least=1e-3,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html",
    ),
)
