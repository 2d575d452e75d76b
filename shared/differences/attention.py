"""Attention."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.differences.difference import Difference, draw

HEADS, SIZE, FEATURES = 2, 4, 8
"""Keras rounds 1 / sqrt(SIZE) to float32, in float64 too: 1 / 2 does not mind."""


def _layer(slug: str, masked: bool = False) -> dict[str, NDArray]:
    """Queries of 6 steps, values of 5, and the projections as Keras keeps them.

    Args:
        slug: the row's.
        masked: with a mask of which query may look where, true for about one half.
    """
    found = {
        "query": draw(slug, "query", 2, 6, FEATURES),
        "value": draw(slug, "value", 2, 5, FEATURES),
        "kernels": 0.5 * draw(slug, "kernels", 3, FEATURES, HEADS, SIZE),
        "biases": 0.5 * draw(slug, "biases", 3, HEADS, SIZE),
        "last_kernel": 0.5 * draw(slug, "last kernel", HEADS, SIZE, FEATURES),
        "last_bias": 0.5 * draw(slug, "last bias", FEATURES),
    }
    if masked:
        found["mask"] = (np.arange(6)[:, None] + np.arange(5)) % 2 == 0
    return found


ROWS = (
    Difference(
        slug="attention_weights",
        title="MultiHeadAttention: the layout of the weights",
        keras="three kernels (features, heads, size) and one (heads, size, features)",
        torch="in_proj_weight of three square blocks, outputs in rows, and out_proj",
        remedy="cat of kernel.reshape(D, D).T: without .T it fits too, and is wrong",
        inputs=lambda: _layer("attention_weights"),
        least=0.05,
        source="https://github.com/keras-team/keras/issues/18373",
    ),
    Difference(
        slug="attention_batch_first",
        title="MultiHeadAttention: the axis of time",
        keras="takes (batch, time, features)",
        torch="takes (time, batch, features), and says nothing if it gets the other",
        remedy="nn.MultiheadAttention(features, heads, batch_first=True)",
        inputs=lambda: {
            name: array
            for name, array in _layer("attention_batch_first").items()
            if name != "value"
        },
        defaults={"torch": {"batch_first": False}},
        least=0.05,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html",
    ),
    Difference(
        slug="attention_mask",
        title="MultiHeadAttention: what True means in a mask",
        keras="attention_mask: True may be looked at",
        torch="attn_mask and key_padding_mask: True may not",
        remedy="attn_mask=~mask",
        inputs=lambda: _layer("attention_mask", masked=True),
        least=0.05,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html",
    ),
    Difference(
        slug="attention_function_mask",
        title="Scaled dot-product attention: True in a mask (equal)",
        keras="ops.dot_product_attention: True may be looked at",
        torch="F.scaled_dot_product_attention: True may too, unlike the layer's",
        remedy="the same mask; heads are axis 2 in Keras, axis 1 in PyTorch",
        inputs=lambda: {
            "query": draw("attention_function_mask", "query", 2, 6, HEADS, SIZE),
            "value": draw("attention_function_mask", "value", 2, 5, HEADS, SIZE),
            "mask": _layer("attention_function_mask", masked=True)["mask"],
        },
        least=0,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html",
    ),
    Difference(
        slug="attention_all_masked",
        title="MultiHeadAttention: a query that may look at nothing",
        keras="gets the mean of all values",
        torch="gets NaN",
        remedy="attn_mask=torch.where(keep, 0.0, torch.finfo(dtype).min)",
        inputs=lambda: (
            _layer("attention_all_masked")
            | {"mask": np.arange(6 * 5).reshape(6, 5) > 6}
        ),
        least=0.1,
        source="https://github.com/pytorch/pytorch/issues/41508",
    ),
    Difference(
        slug="attention_key_dim",
        title="MultiHeadAttention: the size of a head",
        keras="key_dim is the size of one head",
        torch="embed_dim is the size of all heads together",
        remedy="MultiHeadAttention(heads, key_dim=embed_dim // heads) in Keras",
        inputs=lambda: {"query": draw("attention_key_dim", "query", 2, 6, FEATURES)},
        least=0.1,
        source="https://keras.io/api/layers/attention_layers/multi_head_attention/",
    ),
    Difference(
        slug="attention_scores",
        title="MultiHeadAttention: the weights it shows",
        keras="return_attention_scores=True: of every head",
        torch="need_weights=True: their mean over the heads",
        remedy="average_attn_weights=False in the call",
        inputs=lambda: _layer("attention_scores"),
        defaults={
            "tf": {"return_attention_scores": False},
            "torch": {"need_weights": True, "average_attn_weights": True},
        },
        least=0.1,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html",
    ),
)
