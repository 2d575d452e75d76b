"""Pairs that people asked about in public: why do the two differ?

Each is what its thread is about, as small as it gets.
"""

from __future__ import annotations

import dataclasses

from check_architectures import Sides, built, objects, run
from check_planted import Expected, drawn, expected

import shared
from shared.check.result import Check

_HEADER = """
import keras
import numpy as np
import torch
from keras import layers
from torch import nn
"""
_SGD = "sgd:0.125"


@dataclasses.dataclass(frozen=True)
class Thread:
    """A pair of models from a thread, and the answer.

    Attributes:
        url: of the thread.
        about: what was asked there.
        text: functions `build_keras`, `build_torch` and, where the weights came over by
            the asker's own code, `port`.
        expected: what the check must say.
        loss, optimizer: for each side.
        shape, target: of a batch and its target, where they matter.
        classes: whether the target is of integers.
    """

    url: str
    about: str
    text: str
    expected: Expected
    loss: Sides = "mse"
    optimizer: Sides = _SGD
    shape: tuple[int, ...] | None = None
    target: tuple[int, ...] | None = None
    classes: bool = False

    @property
    def source(self) -> str:
        """The text with its imports."""
        return _HEADER + self.text

    def check(self) -> Check:
        """What the check says of the pair."""
        return shared.check_pair(
            *built(run(self.source, "thread.py"), seed=0),
            self.shape,
            loss=objects(self.loss),
            optimizer=objects(self.optimizer),
            target=drawn(self.target, "int32" if self.classes else "float32"),
            weights="own" if "def port" in self.text else "auto",
            steps=2,
            precisions=("float64",),
        )


_DENSE = """
def build_keras():
    return keras.Sequential([keras.Input((3,)), layers.Dense(1, name="price")])

def build_torch():
    return nn.Sequential(nn.Linear(3, 1))
"""
_STRIDED = """
def build_keras():
    return keras.Sequential([
        keras.Input((8, 10, 3)),
        layers.Conv2D(4, 3, strides=2, padding="same", name="conv"),
    ])

def build_torch():
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1))
"""

THREADS = (
    Thread(
        "https://discuss.pytorch.org/t/160720",
        "a regression learns in Keras and not in PyTorch: (32, 1) less (32,)",
        _DENSE,
        expected("loss", "loss_shape@loss"),
        loss=("keras.losses.MeanSquaredError()", "nn.MSELoss()"),
        shape=(32, 3),
        target=(32,),
    ),
    Thread(
        "https://github.com/tensorflow/tensorflow/issues/35102",
        "TensorFlow's Adam adds epsilon before the bias is corrected",
        _DENSE,
        expected("step", "epsilon_place@optimizer"),
        optimizer=(
            "keras.optimizers.Adam(0.125, epsilon=0.0009765625)",
            "lambda p: torch.optim.Adam(p, lr=0.125, eps=0.0009765625)",
        ),
    ),
    Thread(
        "https://github.com/pytorch/pytorch/issues/41477",
        "PyTorch's Adam adds eps after the bias is corrected",
        _DENSE,
        expected("step", "optimizer_epsilon@optimizer, epsilon_place@optimizer"),
        optimizer="adam",
    ),
    Thread(
        "https://github.com/pytorch/pytorch/issues/23796",
        "RMSprop: epsilon inside the root or outside, which matters where it is large",
        _DENSE,
        expected("step", "epsilon_place@optimizer"),
        optimizer=(
            "keras.optimizers.RMSprop(0.0625, rho=0.875, epsilon=1.0)",
            "lambda p: torch.optim.RMSprop(p, lr=0.0625, alpha=0.875, eps=1.0)",
        ),
    ),
    Thread(
        "https://github.com/keras-team/keras-core/issues/774",
        "the padding arguments of transposed convolutions cannot be translated",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((7, 3)),
        layers.Conv1DTranspose(4, 5, strides=2, padding="same", name="up"),
    ])

def build_torch():
    return nn.Sequential(
        nn.ConvTranspose1d(3, 4, 5, stride=2, padding=2, output_padding=1)
    )
""",
        expected("forward", "conv_transpose_padding@up"),
    ),
    Thread(
        "https://github.com/keras-team/keras/pull/22876",
        "Conv2DTranspose with padding same and stride 2 is shifted by one pixel",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((4, 5, 3)),
        layers.Conv2DTranspose(2, 3, strides=2, padding="same", name="up"),
    ])

def build_torch():
    return nn.Sequential(
        nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1)
    )
""",
        expected("forward", "conv_transpose_padding@up"),
    ),
    Thread(
        "https://github.com/pytorch/pytorch/issues/3867",
        "padding same with a stride, which PyTorch does not have: k // 2 is not it",
        _STRIDED,
        expected("forward", "conv_padding@conv"),
    ),
    Thread(
        "https://github.com/keras-team/keras/pull/16363",
        "weights of a ResNet ported: equal at stride 1, not at stride 2",
        f"""{_STRIDED}
@torch.no_grad()
def port(model, module):
    kernel, bias = map(torch.tensor, model.get_weights())
    module[0].weight.copy_(kernel.permute(3, 2, 0, 1))
    module[0].bias.copy_(bias)
""",
        expected("forward", "conv_padding@conv"),
    ),
    Thread(
        "https://github.com/huggingface/transformers/pull/19454",
        "BatchNorm's momentum as in PyTorch: inference agrees, training does not",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((6, 5, 3)),
        layers.BatchNormalization(momentum=0.1, epsilon=1e-5, name="norm"),
    ])

def build_torch():
    return nn.Sequential(nn.BatchNorm2d(3))
""",
        expected("statistics", "batch_norm_momentum@norm, batch_norm_variance@norm"),
    ),
    Thread(
        "https://github.com/gzuidhof/nn-transfer/pull/3",
        "BatchNorm's epsilon by default is 1e-3 in Keras and 1e-5 in PyTorch",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((6, 7, 1)),
        layers.Conv2D(4, 3, name="conv"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="relu"),
    ])

def build_torch():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
""",
        expected(
            "forward",
            "batch_norm_epsilon@norm, batch_norm_momentum@norm, "
            "batch_norm_variance@norm",
        ),
    ),
    Thread(
        "https://github.com/gzuidhof/nn-transfer/issues/16",
        "view in PyTorch and Flatten in Keras do not have the same order",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((6, 7, 1)),
        layers.Conv2D(4, 3, activation="relu", name="conv"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flatten"),
        layers.Dense(5, name="fc"),
    ])

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.pool = nn.MaxPool2d(2)
        self.fc = nn.Linear(4 * 2 * 2, 5)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv(x)))
        return self.fc(x.view(x.size(0), -1))

def build_torch():
    return Net()
""",
        expected("forward", "flatten_order@flatten"),
    ),
    Thread(
        "https://stackoverflow.com/questions/48361376",
        "a bidirectional LSTM has three arrays in Keras and four in PyTorch",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((6, 4)),
        layers.Bidirectional(layers.LSTM(3, return_sequences=True), name="lstm"),
        layers.Dense(2, name="embedding"),
    ])

class BLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(4, 3, bidirectional=True, batch_first=True)
        self.embedding = nn.Linear(6, 2)

    def forward(self, x):
        return self.embedding(self.rnn(x)[0])

def build_torch():
    return BLSTM()
""",
        expected("step", "rnn_second_bias@lstm"),
    ),
    Thread(
        "https://github.com/pytorch/pytorch/issues/61309",
        "class weights: the mean is over the weights, not over the samples",
        """
def build_keras():
    return keras.Sequential([keras.Input((4,)), layers.Dense(3, name="logits")])

def build_torch():
    return nn.Sequential(nn.Linear(4, 3))
""",
        expected("loss", "loss_class_weights@loss"),
        loss=(
            "lambda y, p: keras.ops.take(keras.ops.cast([1, 2, 4], p.dtype), "
            'keras.ops.cast(y, "int32")) * '
            "keras.losses.sparse_categorical_crossentropy(y, p, from_logits=True)",
            "nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 4.0]))",
        ),
        shape=(32, 4),
        target=(32,),
        classes=True,
    ),
    Thread(
        "https://github.com/keras-team/keras/issues/15915",
        "the same code that converts an LSTM exactly does not convert a GRU",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((6, 5)),
        layers.GRU(4, return_sequences=True, name="gru_1"),
        layers.GRU(4, return_sequences=True, name="gru_2"),
    ])

class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(5, 4, num_layers=2, batch_first=True)

    def forward(self, x):
        return self.rnn(x)[0]

def build_torch():
    return Stack()

@torch.no_grad()
def port(model, module):
    for level, gru in enumerate(model.layers):
        kernel, recurrent_kernel, bias = map(torch.tensor, gru.get_weights())
        getattr(module.rnn, f"weight_ih_l{level}").copy_(kernel.T)
        getattr(module.rnn, f"weight_hh_l{level}").copy_(recurrent_kernel.T)
        getattr(module.rnn, f"bias_ih_l{level}").copy_(bias[0])
        getattr(module.rnn, f"bias_hh_l{level}").copy_(bias[1])
""",
        expected("weights", "weights@gru_1"),
    ),
    Thread(
        "https://github.com/keras-team/keras/issues/18373",
        "MultiHeadAttention has num_heads times more parameters: key_dim is one head's",
        """
def build_keras():
    x = keras.Input((5, 8))
    attention = layers.MultiHeadAttention(4, 8, name="attention")
    return keras.Model(x, attention(x, x))

class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 4, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x)[0]

def build_torch():
    return Attention()
""",
        expected("spec", "unpaired_layer@attention"),
    ),
    Thread(
        "https://github.com/qubvel-org/segmentation_models.pytorch/issues/665",
        "equivalence tests? the layers are as large, but normalise elsewhere",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((8, 9, 3)),
        layers.BatchNormalization(epsilon=1e-5, name="bn_data"),
        layers.Conv2D(4, 3, name="conv0"),
        layers.ReLU(name="relu0"),
    ])

def build_torch():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
""",
        expected("spec", "unpaired_layer@bn_data"),
    ),
    Thread(
        "https://github.com/onnx/onnx/pull/2057",
        "TensorFlow's cubic has a = -1/2 and no pixels outside, PyTorch's a = -3/4",
        """
def build_keras():
    return keras.Sequential([
        keras.Input((8, 10, 3)),
        layers.Conv2D(4, 1),
        layers.Resizing(13, 7, interpolation="bicubic", name="resize"),
    ])

def build_torch():
    return nn.Sequential(nn.Conv2d(3, 4, 1), nn.Upsample((13, 7), mode="bicubic"))
""",
        expected("forward", "resize_bicubic@resize"),
    ),
)
