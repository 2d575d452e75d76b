"""Activations."""

from __future__ import annotations

import numpy as np

from shared.differences.difference import Difference, draw

ROWS = (
    Difference(
        slug="leaky_relu_layer",
        title="LeakyReLU: the slope of the layer",
        keras="negative_slope is .3",
        torch="negative_slope is .01",
        remedy="nn.LeakyReLU(0.3)",
        inputs=lambda: {"x": np.linspace(-3, 2, 7)},
        defaults={"tf": {"negative_slope": 0.3}, "torch": {"negative_slope": 0.01}},
        # TensorFlow keeps the slope in float32.
        tolerance=1e-7,
        least=0.2,
        source="https://keras.io/api/layers/activation_layers/leaky_relu/",
    ),
    Difference(
        slug="leaky_relu_function",
        title='activation="leaky_relu": the slope of the function',
        keras="negative_slope is .2, not the layer's .3",
        torch="negative_slope is .01, as of the layer",
        remedy="F.leaky_relu(x, 0.2)",
        inputs=lambda: {"x": np.linspace(-3, 2, 7)},
        defaults={"tf": {"negative_slope": 0.2}, "torch": {"negative_slope": 0.01}},
        # TensorFlow keeps the slope in float32.
        tolerance=1e-7,
        least=0.1,
        source="https://keras.io/api/layers/activations/#leakyrelu-function",
    ),
    Difference(
        slug="prelu_start",
        title="PReLU: the slope at the start",
        keras="0, a ReLU",
        torch=".25",
        remedy="nn.PReLU(init=0.0)",
        inputs=lambda: {"x": np.linspace(-3, 2, 8).reshape(1, 8)},
        defaults={"tf": {"alpha": "Zeros"}, "torch": {"init": 0.25}},
        least=0.2,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.PReLU.html",
    ),
    Difference(
        slug="prelu_shared",
        title="PReLU: how many slopes",
        keras="one for each pixel and channel",
        torch="one for all",
        remedy="one for each channel: PReLU(shared_axes=[1, 2]) and "
        "nn.PReLU(channels); for each pixel no setting: "
        "torch.where(x > 0, x, slopes * x)",
        inputs=lambda: {"x": draw("prelu_shared", "x", 2, 3, 4, 5)},
        defaults={"tf": {"shared_axes": None}, "torch": {"num_parameters": 1}},
        least=0.5,
        source="https://keras.io/api/layers/activation_layers/prelu/",
    ),
    Difference(
        slug="gelu",
        title="gelu: exact or by tanh",
        keras='keras.ops.gelu approximates by tanh; activation="gelu" does not',
        torch="exact",
        remedy='F.gelu(x, approximate="tanh")',
        inputs=lambda: {"x": np.linspace(-4, 2, 9)},
        defaults={
            "tf": {"ops.gelu": True, "activations.gelu": False},
            "torch": {"approximate": "none"},
        },
        # TensorFlow's .044715 is a float32.
        tolerance=1e-7,
        least=1e-4,
        source="https://keras.io/api/ops/nn/#gelu-function",
    ),
    Difference(
        slug="gelu_exact",
        title='activation="gelu"',
        keras="exact",
        torch="exact",
        remedy="none is needed",
        inputs=lambda: {"x": np.linspace(-4, 2, 9)},
        # TensorFlow's square root of 1/2 is a float32.
        tolerance=1e-8,
        least=0,
        source="https://keras.io/api/layers/activations/#gelu-function",
    ),
    Difference(
        slug="softplus",
        title="softplus: large inputs",
        keras="log(1 + exp(x)) everywhere",
        torch="x itself above the threshold of 20",
        remedy="F.softplus(x, threshold=37)",
        inputs=lambda: {"x": np.array([-5, 0, 10, 19, 20.01, 22, 25, 30])},
        defaults={"torch": {"threshold": 20.0}},
        # Seen in float64 only: exp(-20), just above 20.
        least=3e-11,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Softplus.html",
    ),
    Difference(
        slug="softmax_axis",
        title="Softmax: over which axis",
        keras="the last",
        torch="not the last of three, the first; PyTorch warns",
        remedy="nn.Softmax(dim=-1)",
        inputs=lambda: {"x": draw("softmax_axis", "x", 2, 3, 4)},
        defaults={"tf": {"axis": -1}, "torch": {"dim": None}},
        least=0.3,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html",
    ),
    Difference(
        slug="same_activations",
        title="The activations that are the same",
        keras="silu, elu, selu, mish, hard_sigmoid and others, by their defaults",
        torch="the same functions",
        remedy="none is needed",
        inputs=lambda: {"x": np.linspace(-4, 4, 9)},
        defaults={"tf": {"elu": 1.0}, "torch": {"elu": 1.0}},
        least=0,
        source="https://keras.io/api/layers/activations/",
    ),
)
