"""Dense, embedding and dropout layers, and what they start from."""

from __future__ import annotations

import numpy as np

from shared.differences.difference import Difference, draw

# Three short sentences of word numbers; 0 is the filling.
SENTENCES = np.array([[3, 1, 4, 1], [2, 6, 0, 0], [5, 0, 0, 0]])

ROWS = (
    Difference(
        slug="dense_layout",
        title="Dense and Linear: which way round the kernel is",
        keras="the kernel is (in, out)",
        torch="the weight is (out, in); a square kernel that is not turned goes "
        "unnoticed",
        remedy="linear.weight.copy_(kernel.T)",
        inputs=lambda: {
            "x": draw("dense_layout", "x", 2, 3),
            "kernel": draw("dense_layout", "kernel", 3, 3),
        },
        defaults={
            "tf": {"kernel of 3 to 5": [3, 5]},
            "torch": {"weight of 3 to 5": [5, 3]},
        },
        least=0.2,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html",
    ),
    Difference(
        slug="dense_initializers",
        title="Dense and Linear: what they start from",
        keras="the kernel is glorot_uniform, the bias 0",
        torch="both are uniform within 1/sqrt(in)",
        remedy="nn.init.xavier_uniform_(linear.weight), nn.init.zeros_(linear.bias)",
        inputs=lambda: {"x": draw("dense_initializers", "x", 2, 3)},
        defaults={
            "tf": {"kernel": "GlorotUniform", "bias": "Zeros"},
            "torch": {"weight": "uniform", "bias": "uniform"},
        },
        # Keras casts the bound to float32 first.
        tolerance=1e-7,
        least=0.5,
        source="https://keras.io/api/layers/core_layers/dense/",
    ),
    Difference(
        slug="he_normal",
        title="he_normal and kaiming_normal_: cut off or not",
        keras="draws from a wider normal, and again what is beyond two deviations",
        torch="draws from the normal itself",
        remedy='keras.initializers.VarianceScaling(2, "fan_in", "untruncated_normal"); '
        "or nn.init.trunc_normal_(weight, std=s, a=-2 * s, b=2 * s) with "
        "s = sqrt(2 / fan_in) / .87962566",
        inputs=lambda: {"x": draw("he_normal", "x", 2, 8)},
        defaults={
            "tf": {"distribution": "truncated_normal"},
            "torch": {"distribution": "normal"},
        },
        least=0.05,
        source="https://keras.io/api/layers/initializers/#henormal-class",
    ),
    Difference(
        slug="embedding_initializer",
        title="Embedding: what it starts from",
        keras="uniform within .05",
        torch="standard normal",
        remedy="nn.init.uniform_(embedding.weight, -0.05, 0.05)",
        inputs=lambda: {"words": SENTENCES},
        defaults={
            "tf": {"distribution": "uniform"},
            "torch": {"distribution": "normal"},
        },
        # Keras casts the bound to float32 first.
        tolerance=1e-7,
        least=0.5,
        source="https://keras.io/api/layers/core_layers/embedding/",
    ),
    Difference(
        slug="embedding_mask",
        title="Embedding: what mask_zero tells the next layer",
        keras="mask_zero leaves the filling out of the next layer's mean",
        torch="padding_idx tells the next layer nothing",
        remedy="no setting: kept = (words != 0)[..., None]; "
        "(kept * embedded).sum(1) / kept.sum(1)",
        inputs=lambda: {
            "words": SENTENCES,
            "table": draw("embedding_mask", "table", 7, 2),
        },
        defaults={"tf": {"mask_zero": False}, "torch": {"padding_idx": None}},
        least=0.2,
        source="https://keras.io/guides/understanding_masking_and_padding/",
    ),
    Difference(
        slug="embedding_padding_row",
        title="Embedding: whether the row of the filling learns",
        keras="mask_zero keeps the row and its gradient, if the next layer has no mask",
        torch="padding_idx starts the row at 0, and its gradient is 0",
        remedy="nn.Embedding(words, features), without padding_idx",
        inputs=lambda: {
            "words": SENTENCES,
            "table": draw("embedding_padding_row", "table", 7, 2),
        },
        defaults={"torch": {"row 0 at the start": [0.0, 0.0]}},
        least=0.5,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html",
    ),
    Difference(
        slug="dropout_scale",
        title="Dropout: the scale of what is kept",
        keras="divides by 1 - rate in training, and does nothing in evaluation",
        torch="does the same",
        remedy="none is needed",
        inputs=lambda: {"x": np.ones((20, 30))},
        least=0,
        source="https://keras.io/api/layers/regularization_layers/dropout/",
    ),
    Difference(
        slug="dropout_mask",
        title="Dropout: which units are dropped",
        keras="draws the mask with a generator of its own",
        torch="draws another mask from the same seed",
        remedy="no setting: draw the masks with NumPy; x * kept / (1 - rate) in both",
        inputs=lambda: {
            "x": draw("dropout_mask", "x", 4, 6),
            "kept": draw("dropout_mask", "kept", 4, 6) > -0.5,
        },
        least=0.5,
        source="https://docs.pytorch.org/docs/stable/notes/randomness.html",
    ),
)
