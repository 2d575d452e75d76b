"""Training and what is told of it."""

from __future__ import annotations

import numpy as np

from shared.differences.difference import Difference, draw

KERAS = "https://keras.io/api/"
TORCH = "https://docs.pytorch.org/docs/stable/"


def _order(count: int) -> list[int]:
    """A fixed permutation."""
    return np.argsort(draw("loader_shuffle", "order", count)).tolist()


ROWS = (
    Difference(
        slug="loader_batch_size",
        title="The batch size nobody sets",
        keras="fit takes 32 samples at a time; the last partial batch counts",
        torch="DataLoader takes 1; the last partial batch counts too",
        remedy="DataLoader(data, batch_size=32)",
        inputs=lambda: {"x": np.arange(100.0)[:, None]},
        # None is 32.
        defaults={
            "tf": {"batch_size": None},
            "torch": {"batch_size": 1, "drop_last": False},
        },
        least=0.5,
        source=f"{KERAS}models/model_training_apis/#fit-method",
    ),
    Difference(
        slug="loader_shuffle",
        title="The order of the samples",
        keras="fit shuffles in every epoch",
        torch="DataLoader does not; with shuffle=True it draws otherwise than Keras",
        remedy="one order for both: x[order], shuffle=False",
        inputs=lambda: {"x": np.arange(10.0)[:, None], "order": np.array(_order(10))},
        defaults={"tf": {"shuffle": True}, "torch": {"shuffle": None}},
        least=0.1,
        source=f"{TORCH}data.html#torch.utils.data.DataLoader",
    ),
    Difference(
        slug="epoch_loss",
        title="The loss of an epoch with a last partial batch",
        keras="every sample weighs the same",
        torch="the mean of the batches' losses: a sample of a small batch weighs more",
        remedy="total += loss.item() * len(x); total / samples",
        inputs=lambda: {
            "x": draw("epoch_loss", "x", 10, 2),
            "y": np.array([0.0] * 8 + [4.0] * 2)[:, None],
            "kernel": draw("epoch_loss", "kernel", 2, 1),
        },
        least=0.05,
        source=f"{KERAS}models/model_training_apis/#fit-method",
    ),
    Difference(
        slug="evaluation_mode",
        title="BatchNorm and Dropout: the mode of a new layer",
        keras="evaluates, unless fit or training=True says otherwise",
        torch="trains, until eval() is called",
        remedy="layer.eval()",
        inputs=lambda: {"x": 2 + draw("evaluation_mode", "x", 5, 3)},
        defaults={"torch": {"training": True}},
        least=0.1,
        source=f"{TORCH}generated/torch.nn.Module.html#torch.nn.Module.eval",
    ),
    Difference(
        slug="gradient_accumulation",
        title="Gradients of several batches for one update",
        keras="gradient_accumulation_steps takes their mean",
        torch="calls of backward() add them up",
        remedy="(loss / steps).backward()",
        inputs=lambda: {"gradients": draw("gradient_accumulation", "gradients", 2, 3)},
        least=0.3,
        source=f"{KERAS}optimizers/",
    ),
    Difference(
        slug="binary_accuracy_threshold",
        title="Binary accuracy: a probability of one half",
        keras="is class 0",
        torch="is what your code makes of it; with >=, class 1",
        remedy="prediction > 0.5",
        inputs=lambda: {
            "p": np.array([0.5, 0.5, 0.5, 0.2, 0.9]),
            "y": np.array([0.0, 0, 1, 0, 1]),
        },
        defaults={"tf": {"threshold": 0.5}},
        least=0.1,
        source=f"{KERAS}metrics/accuracy_metrics/#binaryaccuracy-class",
    ),
    Difference(
        slug="accuracy_of_logits",
        title="Binary accuracy of logits",
        keras='metrics=["accuracy"] compares them with 0.5, as if probabilities',
        torch="your code compares them with 0",
        remedy="metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)]",
        inputs=lambda: {
            "z": np.array([[0.3], [0.4], [0.2], [-2.0], [1.5]]),
            "y": np.array([[1.0], [1], [0], [0], [1]]),
        },
        least=0.1,
        source=f"{KERAS}metrics/accuracy_metrics/#binaryaccuracy-class",
    ),
    Difference(
        slug="accuracy_of_ties",
        title="Accuracy of equal scores (equal)",
        keras="the first of the largest",
        torch="the first of the largest",
        remedy="scores.argmax(dim=-1)",
        inputs=lambda: {
            "scores": np.array([[1.0, 1, 0], [0, 2, 2], [3, 0, 3], [0, 0, 0]]),
            "y": np.array([0, 2, 0, 1]),
        },
        least=0,
        source=f"{KERAS}metrics/accuracy_metrics/",
    ),
    Difference(
        slug="float32_hyperparameters",
        title="Hyperparameters in float64",
        keras="rounds betas, momentum and decay to float32 on the way",
        torch="takes them as they are",
        remedy="float(np.float32(value)) on both sides",
        inputs=lambda: {
            "start": np.zeros(2),
            "gradients": draw("float32_hyperparameters", "gradients", 4, 2),
        },
        defaults={
            "tf": {"beta_1": 0.9, "beta_2": 0.999},
            "torch": {"betas": [0.9, 0.999]},
        },
        least=1e-6,
        source=f"{KERAS}ops/core/#cast-function",
    ),
    Difference(
        slug="set_floatx",
        title="Asking for float64",
        keras="set_floatx does nothing for layers once there has been one",
        torch="set_default_dtype is for all that is made from then on",
        remedy='keras.config.set_dtype_policy("float64") too',
        inputs=dict,
        least=0.3,
        source=f"{KERAS}mixed_precision/policy/",
    ),
)
