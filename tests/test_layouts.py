"""Weights of every kind of layer, to the neutral layout and back."""

from __future__ import annotations

from collections.abc import Iterator

# First of the frameworks: it loads TensorFlow with the settings that it needs.
from tf_track import backend as tf_backend

# isort: split
import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from keras import layers
from layer_pairs import CASES, Case, drawn
from torch import nn

from shared.errors import UsageError
from shared.weights import Weights
from tf_track import layouts as tf_layouts
from tf_track import weights as tf_weights
from torch_track import backend as torch_backend
from torch_track import layouts as torch_layouts
from torch_track import weights as torch_weights

EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    configure("float32")
    yield
    configure("float32")


@pytest.fixture(params=["float64", "float32"])
def precision(request: pytest.FixtureRequest) -> None:
    configure(request.param)


@pytest.fixture
def float64() -> None:
    configure("float64")


def configure(precision: str) -> None:
    for backend in (tf_backend, torch_backend):
        backend.configure("cpu", precision, 0)


def converted(keras_model: keras.Model, module: nn.Module) -> None:
    """Give the module the weights of the Keras model, part by part."""
    ours, theirs = tf_layouts.parts(keras_model), torch_layouts.parts(module)
    for mine, other in zip(ours, theirs, strict=True):
        other.load(mine.export())


def back(keras_model: keras.Model, module: nn.Module) -> None:
    ours, theirs = tf_layouts.parts(keras_model), torch_layouts.parts(module)
    for mine, other in zip(ours, theirs, strict=True):
        mine.load(other.export())


def state(module: nn.Module) -> Weights:
    return {name: torch_backend.array(t) for name, t in module.state_dict().items()}


def assert_identical(found: Weights, expected: Weights) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


@EVERY
def test_both_describe_the_same(case: Case) -> None:
    model, module = case.models()
    ours, theirs = tf_layouts.describe(model), torch_layouts.describe(module)
    assert tuple(layer.kind for layer in ours) == case.kinds
    assert [(x.kind, x.parameters) for x in ours] == [
        (x.kind, x.parameters) for x in theirs
    ]


@EVERY
def test_same_function(case: Case, float64: None) -> None:
    model, module = case.models()
    tf_weights.load(model, drawn(tf_weights.export(model), 1))
    before = case.outputs(model, module)
    converted(model, module)
    ours, theirs = case.outputs(model, module)
    assert np.abs(before[1] - before[0]).max() > 1e-3
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-12 * np.abs(ours).max())


@EVERY
def test_keras_and_back(case: Case, precision: None) -> None:
    model, module = case.models()
    values = drawn(tf_weights.export(model), 2)
    tf_weights.load(model, values)
    converted(model, module)
    tf_weights.load(model, drawn(values, 3))
    back(model, module)
    assert_identical(tf_weights.export(model), values)


@EVERY
def test_torch_and_back(case: Case, precision: None) -> None:
    model, module = case.models()
    torch_weights.load(module, drawn(torch_weights.export(module), 4))
    before = state(module)
    back(model, module)
    converted(model, module)
    assert_identical(state(module), before)


@EVERY
def test_parts_hold_everything(case: Case) -> None:
    model, module = case.models()
    for part in torch_layouts.parts(module):
        assert {*part.keys} <= part.layout.known
    held = sum(v.size for p in torch_layouts.parts(module) for v in p.arrays().values())
    own = [v for k, v in state(module).items() if "num_batches" not in k]
    assert held == sum(array.size for array in own)
    exported = tf_weights.export(model).values()
    assert sum(v.size for v in exported) == model.count_params()


def test_attention_to_other_widths(float64: None) -> None:
    """Query, key and value of 8, 5 and 6 features: three tensors in PyTorch."""
    shapes = {"query": (7, 8), "value": (9, 6), "key": (9, 5)}
    given = {name: keras.Input(shape, name=name) for name, shape in shapes.items()}
    # With heads of 4 the scale, 1 / sqrt(4), is exact in the float32 that Keras uses.
    model = keras.Model(given, layers.MultiHeadAttention(2, 4)(**given))
    module = nn.MultiheadAttention(8, 2, kdim=5, vdim=6, batch_first=True)
    values = drawn(tf_weights.export(model), 1)
    tf_weights.load(model, values)
    converted(model, module)
    generator = np.random.default_rng(0)
    x = {name: generator.standard_normal((3, *s)) for name, s in shapes.items()}
    with torch.no_grad():
        theirs, _ = module(**{n: torch_backend.tensor(a) for n, a in x.items()})
    np.testing.assert_allclose(theirs, model(x), rtol=0, atol=1e-11)
    before = state(module)
    back(model, module)
    converted(model, module)
    assert_identical(tf_weights.export(model), values)
    assert_identical(state(module), before)


# One parameter, or its gradient


@EVERY
def test_one_parameter(case: Case) -> None:
    """As `neutral` and `native` turn it, in both tracks."""
    model, module = case.models()
    converted(model, module)
    exported = torch_weights.export(module)
    try:
        parameters = torch_weights.named(module)
    except UsageError as error:
        assert "is not one parameter" in str(error)
        assert "gru" in case.kinds[0] or "attention" in case.kinds[0]
        return
    for name, parameter in parameters.items():
        neutral = torch_weights.neutral(module, name, parameter)
        assert neutral.tobytes() == exported[name].tobytes()
        native = torch_weights.native(module, name, neutral)
        assert native.is_contiguous()
        assert torch.equal(native, parameter)
    for name, variable in tf_weights.named(model).items():
        neutral = tf_weights.neutral(model, name, variable.value)
        native = tf_weights.native(model, name, neutral)
        assert np.array_equal(native, variable)


def test_gradients_of_an_lstm(float64: None) -> None:
    case = next(case for case in CASES if case.name == "lstm")
    model, module = case.models()
    converted(model, module)
    x = np.random.default_rng(0).standard_normal((2, *case.shape))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(x) ** 2)
    variables = tf_weights.named(model)
    found = tape.gradient(loss, [v.value for v in variables.values()])
    (module(torch_backend.tensor(x))[0] ** 2).sum().backward()
    parameters = torch_weights.named(module)
    turns = zip(variables, found, strict=True)
    ours = [tf_weights.neutral(model, name, g) for name, g in turns]
    theirs = [torch_weights.neutral(module, n, p.grad) for n, p in parameters.items()]
    assert len(ours) == len(theirs) == 3
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(other, mine, rtol=0, atol=1e-11)


def test_gradient_of_an_embedding() -> None:
    """Keras tells the rows that were looked up."""
    model = keras.Sequential([keras.Input((2,), dtype="int32"), layers.Embedding(4, 3)])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(np.array([[1, 3]], np.int32)))
    ((name, variable),) = tf_weights.named(model).items()
    gradient = tf_weights.neutral(model, name, tape.gradient(loss, variable.value))
    assert gradient.sum(axis=1).tolist() == [0, 3, 0, 3]


def test_statistics_are_no_parameters() -> None:
    case = next(case for case in CASES if case.name == "batch_norm")
    model, module = case.models()
    for track, built in ((tf_weights, model), (torch_weights, module)):
        assert [n.split("/")[-1] for n in track.named(built)] == ["gamma", "beta"]
        assert len(track.export(built)) == 4
        assert not track.is_parameters_only(built)


# Two biases


def test_two_biases(float64: None) -> None:
    case = next(case for case in CASES if case.name == "lstm")
    model, module = case.models()
    (part,) = torch_layouts.parts(module)
    assert part.merged
    back(model, module)
    ours, theirs = case.outputs(model, module)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-12)
    converted(model, module)
    assert not part.merged
    assert not part.arrays()["bias_hh"].any()
    again, _ = case.outputs(model, module)
    np.testing.assert_array_equal(again, ours)


def test_negative_zero_is_kept() -> None:
    (part,) = torch_layouts.parts(nn.LSTM(2, 3))
    part.load({"bias": np.full(12, -0.0)})
    assert np.signbit(part.export()["bias"]).all()


def test_a_gru_keeps_both() -> None:
    (part,) = torch_layouts.parts(nn.GRU(2, 3))
    assert not part.merged
    assert part.shapes()["bias"] == (2, 9)


# What has no neutral layout


class Own(nn.Module):
    """A layer with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))


@pytest.mark.parametrize(
    ("module", "told"),
    [
        (lambda: Own(), "no neutral layout for Own"),
        (lambda: nn.Bilinear(2, 3, 4), "no neutral layout for Bilinear"),
        (lambda: nn.LazyLinear(3), "has no shapes yet"),
        (lambda: nn.LSTM(2, 3, proj_size=2), "proj_size"),
        (lambda: nn.ConvTranspose2d(4, 4, 3, groups=2), "with groups"),
        (lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True), "'bias_k'"),
        (
            lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)),
            "remove_parametrizations",
        ),
    ],
)
def test_torch_layers_without_one(module: object, told: str) -> None:
    assert callable(module)
    with pytest.raises(UsageError, match=told) as error:
        torch_layouts.parts(nn.Sequential(nn.Linear(2, 2), module()))
    assert str(error.value).startswith("1: ")


class Scale(layers.Layer):
    """A layer with a weight of its own."""

    def build(self, shape: object) -> None:
        self.scale = self.add_weight(shape=(1,), name="scale")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * self.scale


class Subclassed(keras.Model):
    """Built when it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = layers.Dense(3, name="fc")
        self.outer = layers.Dense(2, name="fc")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.outer(self.inner(x))


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (lambda: Scale(name="own"), "no neutral layout for Scale"),
        (lambda: layers.ConvLSTM1D(2, 1, name="own"), "no neutral layout for ConvLSTM"),
        (
            lambda: layers.BatchNormalization(renorm=True, name="own"),
            "no neutral layout for 'moving_stddev'",
        ),
    ],
)
def test_keras_layers_without_one(layer: object, told: str) -> None:
    assert callable(layer)
    model = keras.Sequential([keras.Input((4, 2, 2)), layer()])
    with pytest.raises(UsageError, match=f"^own: {told}"):
        tf_layouts.parts(model)


def test_a_gru_that_torch_has_not() -> None:
    layer = layers.GRU(3, reset_after=False)
    model = keras.Sequential([keras.Input((4, 2)), layer])
    assert tf_layouts.describe(model)[0].kind == "gru_reset_before"


def test_unbuilt_keras_models() -> None:
    model = Subclassed()
    with pytest.raises(UsageError, match=r"^fc: Dense has no shapes yet"):
        tf_layouts.parts(model)
    with pytest.raises(UsageError, match="has no shapes yet"):
        tf_layouts.parts(keras.Sequential([layers.ReLU()]))
    model(np.zeros((1, 4)))
    assert [part.name for part in tf_layouts.parts(model)] == ["fc", "fc#2"]


def test_names_of_nested_layers() -> None:
    """A shared layer counts once."""
    shared = layers.Dense(4, name="shared")
    inner = keras.Sequential([keras.Input((4,)), shared], name="inner")
    x = keras.Input((4,))
    model = keras.Model(x, shared(inner(shared(x))))
    assert [part.name for part in tf_layouts.parts(model)] == ["shared"]
    module = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 2)))
    module.append(module[0])
    assert [part.name for part in torch_layouts.parts(module)] == ["0", "1.1"]
    assert [part.name for part in torch_layouts.parts(nn.LSTM(2, 3, 2))] == [
        "LSTM.l0",
        "LSTM.l1",
    ]
