"""Optimizers, on identical gradients.

Hyperparameters are powers of two or sums of few where Keras would round others to
float32, in float64 too; `float32_hyperparameters` is about that.
"""

from __future__ import annotations

from numpy.typing import NDArray

from shared.differences.difference import Difference, draw

KERAS = "https://keras.io/api/optimizers/"
TORCH = "https://docs.pytorch.org/docs/stable/generated/torch.optim."


def _updates(slug: str, scale: float = 1.0, start: float = 0.0) -> dict[str, NDArray]:
    """A weight of two numbers and the gradients of 4 updates.

    Args:
        slug: the row's.
        scale: of the gradients. An epsilon shows beside small ones.
        start: scale of the weight. From 0 it is the sum of its updates.
    """
    return {
        "start": start * draw(slug, "start", 2),
        "gradients": scale * draw(slug, "gradients", 4, 2),
    }


ROWS = (
    Difference(
        slug="learning_rates",
        title="The learning rate nobody sets",
        keras="0.001, SGD 0.01",
        torch="each its own",
        remedy="name it: lr=0.001, for SGD 0.01",
        inputs=dict,
        defaults={
            "tf": {
                "SGD": 0.01,
                "Adam": 0.001,
                "AdamW": 0.001,
                "RMSprop": 0.001,
                "Adagrad": 0.001,
                "Adadelta": 0.001,
                "Nadam": 0.001,
                "Adamax": 0.001,
            },
            "torch": {
                "SGD": 0.001,
                "Adam": 0.001,
                "AdamW": 0.001,
                "RMSprop": 0.01,
                "Adagrad": 0.01,
                "Adadelta": 1.0,
                "NAdam": 0.002,
                "Adamax": 0.002,
            },
        },
        least=0.5,
        source=KERAS,
    ),
    Difference(
        slug="sgd_momentum",
        title="SGD: momentum at a constant learning rate (equal)",
        keras="v = momentum * v - rate * gradient; weight += v",
        torch="v = momentum * v + gradient; weight -= rate * v",
        remedy="the same momentum, nesterov=True on both sides or on none",
        inputs=lambda: _updates("sgd_momentum"),
        least=0,
        source=f"{TORCH}SGD.html",
    ),
    Difference(
        slug="sgd_weight_decay",
        title="SGD: weight decay",
        keras="shrinks the weight by rate * decay, beside the gradient",
        torch="adds decay * weight to the gradient, and so to the velocity",
        remedy="weight_decay=0, and p.mul_(1 - lr * decay) before each step",
        inputs=lambda: _updates("sgd_weight_decay", start=1.0),
        defaults={"tf": {"weight_decay": None}, "torch": {"weight_decay": 0}},
        least=1e-3,
        source=f"{TORCH}SGD.html",
    ),
    Difference(
        slug="adam_epsilon",
        title="Adam: where epsilon is added, and how large it is",
        keras="1e-7, to the root of the uncorrected second moment",
        torch="1e-8, to the corrected root: with an equal epsilon, too, another step",
        remedy='before step t from 1: group["eps"] = eps / sqrt(1 - beta_2**t)',
        inputs=lambda: _updates("adam_epsilon", 1e-6),
        defaults={"tf": {"epsilon": 1e-7}, "torch": {"eps": 1e-8}},
        least=0.05,
        source="https://github.com/tensorflow/tensorflow/issues/35102",
    ),
    Difference(
        slug="adam_weight_decay",
        title="Adam: weight decay",
        keras="shrinks the weight, like AdamW",
        torch="adds it to the gradient, which Adam then scales away",
        remedy="torch.optim.AdamW(weight_decay=...)",
        inputs=lambda: _updates("adam_weight_decay", start=1.0),
        defaults={"tf": {"weight_decay": None}, "torch": {"weight_decay": 0}},
        least=0.01,
        source=f"{TORCH}AdamW.html",
    ),
    Difference(
        slug="adamw_weight_decay",
        title="AdamW: how large the weight decay is",
        keras="0.004",
        torch="0.01",
        remedy="torch.optim.AdamW(weight_decay=0.004)",
        inputs=lambda: _updates("adamw_weight_decay", start=1.0),
        defaults={"tf": {"weight_decay": 0.004}, "torch": {"weight_decay": 0.01}},
        # Keras rounds 0.004 to float32.
        tolerance=1e-9,
        least=1e-4,
        source=f"{KERAS}adamw/",
    ),
    Difference(
        slug="rmsprop_decay",
        title="RMSprop: how long the average remembers",
        keras="rho is 0.9",
        torch="alpha is 0.99",
        remedy="torch.optim.RMSprop(alpha=0.9)",
        inputs=lambda: _updates("rmsprop_decay"),
        defaults={"tf": {"rho": 0.9}, "torch": {"alpha": 0.99}},
        least=0.1,
        source=f"{TORCH}RMSprop.html",
    ),
    Difference(
        slug="rmsprop_epsilon",
        title="RMSprop: where epsilon is added, and how large it is",
        keras="1e-7, under the root",
        torch="1e-8, to the root",
        remedy="eps=0; square_avg from 1e-7 on, plus (1 / alpha - 1) * 1e-7 a step",
        inputs=lambda: _updates("rmsprop_epsilon", 1e-4),
        defaults={"tf": {"epsilon": 1e-7}, "torch": {"eps": 1e-8}},
        least=0.1,
        source="https://github.com/pytorch/pytorch/issues/23796",
    ),
    Difference(
        slug="adagrad",
        title="Adagrad: the start of the sum, and epsilon",
        keras="0.1, and 1e-7 under the root",
        torch="0, and 1e-10 to the root",
        remedy="initial_accumulator_value=0.1 + 1e-7, eps=0",
        inputs=lambda: _updates("adagrad"),
        defaults={
            "tf": {"initial_accumulator_value": 0.1, "epsilon": 1e-7},
            "torch": {"initial_accumulator_value": 0, "eps": 1e-10},
        },
        # Keras rounds 0.1 to float32.
        tolerance=1e-7,
        least=0.01,
        source=f"{TORCH}Adagrad.html",
    ),
    Difference(
        slug="adadelta",
        title="Adadelta: rho and epsilon",
        keras="0.95 and 1e-7",
        torch="0.9 and 1e-6",
        remedy="torch.optim.Adadelta(rho=0.95, eps=1e-7)",
        inputs=lambda: _updates("adadelta"),
        defaults={
            "tf": {"rho": 0.95, "epsilon": 1e-7},
            "torch": {"rho": 0.9, "eps": 1e-6},
        },
        least=0.1,
        source=f"{TORCH}Adadelta.html",
    ),
    Difference(
        slug="nadam",
        title="Nadam: how the momentum warms up, and epsilon",
        keras="with 0.96**t; epsilon is 1e-7",
        torch="with 0.96**(0.004 * t); eps is 1e-8",
        remedy="torch.optim.NAdam(momentum_decay=1, eps=1e-7)",
        inputs=lambda: _updates("nadam"),
        defaults={
            "tf": {"epsilon": 1e-7},
            "torch": {"momentum_decay": 0.004, "eps": 1e-8},
        },
        # Keras rounds 0.96 to float32.
        tolerance=1e-6,
        least=1e-3,
        source=f"{TORCH}NAdam.html",
    ),
    Difference(
        slug="adamax",
        title="Adamax: where epsilon is added, and how large it is",
        keras="1e-7, to the largest gradient, at each step anew",
        torch="1e-8, to the new gradient, before the largest is kept",
        remedy="eps=0; before each step exp_inf = (u + 1e-7) / beta_2, with u by hand",
        inputs=lambda: _updates("adamax", 1e-5),
        defaults={"tf": {"epsilon": 1e-7}, "torch": {"eps": 1e-8}},
        least=1e-3,
        source=f"{TORCH}Adamax.html",
    ),
    Difference(
        slug="clipnorm",
        title="Gradients clipped by their norm: of one tensor or of all",
        keras="clipnorm is for the norm of each tensor",
        torch="clip_grad_norm_ takes the norm of all",
        remedy="p.grad *= torch.clamp(limit / p.grad.norm(), max=1) for each, or below",
        inputs=lambda: {
            "kernel": draw("clipnorm", "kernel", 2, 3),
            "bias": draw("clipnorm", "bias", 3),
        },
        least=0.05,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",
    ),
    Difference(
        slug="global_clipnorm",
        title="Gradients clipped by the norm of all",
        keras="global_clipnorm scales by limit / norm",
        torch="clip_grad_norm_ by limit / (norm + 1e-6), which shows in small norms",
        remedy="grad *= torch.clamp(limit / norm, max=1)",
        inputs=lambda: {
            "kernel": 1e-3 * draw("global_clipnorm", "kernel", 2, 3),
            "bias": 1e-3 * draw("global_clipnorm", "bias", 3),
        },
        least=1e-4,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html",
    ),
    Difference(
        slug="l2_regularizer",
        title="An L2 regularizer against weight decay",
        keras="adds l2 * sum(kernel**2) to the loss, of the kernel it is given to",
        torch="weight_decay adds decay * weight to the gradient, of biases too",
        remedy="weight_decay=2 * l2 in a group of the kernels only, for SGD and Adam",
        inputs=lambda: {
            "x": draw("l2_regularizer", "x", 4, 2),
            "kernel": draw("l2_regularizer", "kernel", 2, 3),
            "bias": draw("l2_regularizer", "bias", 3),
        },
        defaults={"tf": {"l2": 0.01}, "torch": {"weight_decay": 0}},
        least=0.01,
        source="https://keras.io/api/layers/regularizers/",
    ),
)
