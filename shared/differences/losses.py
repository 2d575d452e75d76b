"""Losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.differences.difference import Difference, draw

KERAS = "https://keras.io/api/losses/"
TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.nn."


def _scores(slug: str, classes: int = 3) -> dict[str, NDArray]:
    """Logits of 5 samples and their classes."""
    return {
        "z": draw(slug, "z", 5, classes),
        "y": np.arange(5) ** 2 % classes,
    }


def _one_hot(slug: str) -> dict[str, NDArray]:
    found = _scores(slug)
    return {"z": found["z"], "y": np.eye(3)[found["y"]]}


def _distributions(slug: str) -> dict[str, NDArray]:
    odds = np.exp(draw(slug, "odds", 2, 5, 3))
    p, q = odds / odds.sum(axis=-1, keepdims=True)
    return {"p": p, "q": q}


ROWS = (
    Difference(
        slug="bce_probabilities",
        title="Binary cross-entropy of probabilities",
        keras="clips them to 1e-7 from 0 and 1: no loss above 16.1",
        torch="BCELoss clips their logarithm at -100",
        remedy="logits: BinaryCrossentropy(from_logits=True), nn.BCEWithLogitsLoss()",
        inputs=lambda: {"z": np.array([-40.0, 3.0]), "y": np.array([1.0, 0.0])},
        defaults={"tf": {"epsilon": 1e-7, "from_logits": False}},
        least=0.1,
        source=f"{TORCH}BCELoss.html",
    ),
    Difference(
        slug="bce_cached_logits",
        title="Binary cross-entropy of a sigmoid's output",
        keras="finds the logits the activation left on its output, and does not clip",
        torch="BCELoss has the probabilities only, and clips",
        remedy="nn.BCEWithLogitsLoss() on the logits",
        inputs=lambda: {"z": np.array([-200.0, 3.0]), "y": np.array([1.0, 0.0])},
        least=0.1,
        source=f"{KERAS}probabilistic_losses/#binarycrossentropy-class",
    ),
    Difference(
        slug="cce_probabilities",
        title="Cross-entropy of probabilities",
        keras="takes probabilities, clipped to 1e-7 from 0 and 1",
        torch="takes logits: a softmax before it is one too many",
        remedy="logits: from_logits=True, and no softmax before nn.CrossEntropyLoss()",
        inputs=lambda: _one_hot("cce_probabilities"),
        defaults={"tf": {"from_logits": False}},
        least=0.05,
        source=f"{TORCH}CrossEntropyLoss.html",
    ),
    Difference(
        slug="cce_axis",
        title="Cross-entropy: the axis of the classes",
        keras="the last",
        torch="axis 1, and says nothing where the targets are probabilities",
        remedy="nn.CrossEntropyLoss()(z.movedim(-1, 1), y.movedim(-1, 1))",
        inputs=lambda: {
            "z": draw("cce_axis", "z", 4, 5, 3),
            "y": np.eye(3)[np.arange(20).reshape(4, 5) ** 2 % 3],
        },
        defaults={"tf": {"axis": -1}},
        least=0.05,
        source=f"{TORCH}CrossEntropyLoss.html",
    ),
    Difference(
        slug="cce_label_smoothing",
        title="Cross-entropy: label smoothing (equal)",
        keras="a share of the label is spread over all classes",
        torch="likewise",
        remedy="nn.CrossEntropyLoss(label_smoothing=0.1)",
        inputs=lambda: _one_hot("cce_label_smoothing"),
        defaults={"tf": {"label_smoothing": 0.0}, "torch": {"label_smoothing": 0.0}},
        least=0,
        source=f"{TORCH}CrossEntropyLoss.html",
    ),
    Difference(
        slug="bce_label_smoothing",
        title="Binary cross-entropy: label smoothing",
        keras="label_smoothing moves the labels towards 1/2",
        torch="has none",
        remedy="y * (1 - smoothing) + smoothing / 2",
        inputs=lambda: {
            "z": draw("bce_label_smoothing", "z", 5),
            "y": np.array([0.0, 1, 1, 0, 1]),
        },
        least=0.01,
        source=f"{KERAS}probabilistic_losses/#binarycrossentropy-class",
    ),
    Difference(
        slug="class_weight",
        title="Weighted classes",
        keras="class_weight: the weighted losses over the number of samples",
        torch="weight: over the sum of their weights",
        remedy='reduction="mean_with_sample_weight" in Keras, or rescale in PyTorch',
        inputs=lambda: _scores("class_weight") | {"weight": np.array([1.0, 2.0, 5.0])},
        defaults={"tf": {"reduction": "sum_over_batch_size"}},
        least=0.05,
        source="https://github.com/pytorch/pytorch/issues/61309",
    ),
    Difference(
        slug="ignored_class",
        title="Cross-entropy: samples left out (equal)",
        keras="none unless ignore_class is set; the mean is over the others",
        torch="those of class -100; the mean is over the others",
        remedy="SparseCategoricalCrossentropy(ignore_class=-100)",
        inputs=lambda: (
            _scores("ignored_class") | {"y": np.array([0, -100, 2, 1, -100])}
        ),
        defaults={"tf": {"ignore_class": None}, "torch": {"ignore_index": -100}},
        least=0,
        source=f"{TORCH}CrossEntropyLoss.html",
    ),
    Difference(
        slug="kl_divergence",
        title="Kullback-Leibler divergence",
        keras="of (truth, prediction), both probabilities; the mean over samples",
        torch="of (log-prediction, truth); the mean over all numbers",
        remedy='nn.KLDivLoss(reduction="batchmean")(prediction.log(), truth)',
        inputs=lambda: _distributions("kl_divergence"),
        defaults={"torch": {"reduction": "mean", "log_target": False}},
        least=0.1,
        source=f"{TORCH}KLDivLoss.html",
    ),
    Difference(
        slug="poisson",
        title="Poisson loss",
        keras="takes the rate, and adds 1e-7 before the logarithm",
        torch="takes the logarithm of the rate",
        remedy="nn.PoissonNLLLoss(log_input=False, eps=1e-7)",
        inputs=lambda: {
            "rate": np.exp(draw("poisson", "rate", 5)),
            "y": np.array([0.0, 1, 1, 2, 5]),
        },
        defaults={"torch": {"log_input": True, "eps": 1e-8}},
        least=0.05,
        source=f"{TORCH}PoissonNLLLoss.html",
    ),
    Difference(
        slug="mse_shapes",
        title="Squared error of (n, 1) against (n,)",
        keras="lines the two up",
        torch="broadcasts to n times n, with a warning",
        remedy="prediction.squeeze(1)",
        inputs=lambda: {"x": np.arange(5.0)},
        least=0.5,
        source="https://discuss.pytorch.org/t/160720",
    ),
    Difference(
        slug="huber",
        title="Huber's loss (equal)",
        keras="delta is 1",
        torch="delta is 1",
        remedy="nn.HuberLoss()",
        inputs=lambda: {"x": 2 * draw("huber", "x", 5, 3), "y": np.zeros((5, 3))},
        defaults={"tf": {"delta": 1.0}, "torch": {"delta": 1.0}},
        least=0,
        source=f"{TORCH}HuberLoss.html",
    ),
    Difference(
        slug="cosine_similarity",
        title="Cosine similarity as a loss",
        keras="minus the cosine",
        torch="CosineEmbeddingLoss is one minus the cosine",
        remedy="-F.cosine_similarity(prediction, truth).mean()",
        inputs=lambda: _distributions("cosine_similarity"),
        least=0.1,
        source=f"{KERAS}regression_losses/#cosinesimilarity-class",
    ),
    Difference(
        slug="hinge",
        title="Hinge loss",
        keras="max(0, 1 - y * z); labels of 0 and 1 become -1 and 1",
        torch="HingeEmbeddingLoss is another: z where y is 1, max(0, 1 - z) where -1",
        remedy="torch.clamp(1 - (2 * y - 1) * z, min=0).mean()",
        inputs=lambda: {
            "z": draw("hinge", "z", 5),
            "y": np.array([0.0, 1, 1, 0, 1]),
        },
        least=0.05,
        source=f"{TORCH}HingeEmbeddingLoss.html",
    ),
)
