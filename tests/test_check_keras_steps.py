"""What the probes record of a Keras model: layers, glue, their order and numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from keras_models import built
from test_check_keras import forward, gradients

# isort: split
import keras
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray

from tf_track import backend
from tf_track.check import probes

RELU = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    backend.configure("cpu", "float32", 0)
    yield
    probes.release()


def told(steps: list[dict[str, Any]]) -> list[Any]:
    """Orders of layers, ids of glue."""
    return [s["order"] if s["node"] == "layer" else s["id"] for s in steps]


def normal(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(3).standard_normal(shape)


def held(model: keras.Model) -> keras.Model:
    """The model with other weights than it was built with, under the probes."""
    generator = np.random.default_rng(4)
    for variable in model.weights:
        positive = variable.name.endswith("variance")
        draw = generator.uniform if positive else generator.standard_normal
        variable.assign(draw(size=variable.shape))
    probes.hold(model)
    return model


# Numbers, by hand


def test_dense_layers_by_hand() -> None:
    """What a layer gives is noted before its activation, which counts for itself."""
    given = keras.Input((5,))
    x = layers.Dense(4, activation="relu", name="one")(given)
    held(keras.Model(given, layers.Dense(3, activation="softmax", name="two")(x)))
    weights, _ = probes.weights()
    w = {key: array.astype(np.float64) for key, array in weights.items()}
    x = normal(6, 5)
    first = x @ w["0/kernel"] + w["0/bias"]
    hidden = np.maximum(first, 0)
    second = hidden @ w["1/kernel"] + w["1/bias"]
    shares = np.exp(second) / np.exp(second).sum(-1, keepdims=True)
    trace, facts = forward([x], record="all")
    expected = {
        "layer/0/in": x,
        "layer/0/out": first,
        "glue/relu#0/in": first,
        "glue/relu#0/out": hidden,
        "layer/1/in": hidden,
        "layer/1/out": second,
        "glue/softmax#0/in": second,
        "glue/softmax#0/out": shares,
        "output/0": shares,
    }
    assert trace.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_allclose(trace[key], array, rtol=1e-13, atol=1e-14)
    assert told(facts["steps"]) == [0, "relu#0", 1, "softmax#0"]
    places = [s.get("place") for s in facts["steps"]]
    assert places == [None, "one/activation", None, "two/activation"]
    assert facts["calls"] == {"0": 1, "1": 1}
    assert facts["finite"]
    assert facts["outputs"] == [{"path": "", "dtype": "float64"}]


def test_batch_norm_by_hand() -> None:
    """In training the batch's own statistics; those that run are left alone."""
    held(keras.Sequential([keras.Input((4,)), layers.BatchNormalization(epsilon=0.1)]))
    weights, _ = probes.weights()
    x = normal(6, 4)
    gamma, beta = weights["0/gamma"], weights["0/beta"]
    for training, mean, variance in (
        (True, x.mean(0), x.var(0)),
        (False, weights["0/moving_mean"], weights["0/moving_variance"]),
    ):
        trace, _ = forward([x], training=training)
        # TensorFlow has the epsilon in float32.
        root = np.sqrt(variance + np.float64(np.float32(0.1)))
        expected = (x - mean) / root * gamma + beta
        np.testing.assert_allclose(trace["layer/0/out"], expected, rtol=1e-6)
    assert probes.weights()[0]["0/moving_mean"].tobytes() == (
        weights["0/moving_mean"].tobytes()
    )


def test_attention_notes_query_key_and_value() -> None:
    query, value = keras.Input((3, 8)), keras.Input((4, 8))
    attend = layers.MultiHeadAttention(2, 4)
    x = attend(query, value)
    held(keras.Model([query, value], x))
    batch = [normal(2, 3, 8), normal(2, 4, 8)]
    trace, facts = forward(batch)
    assert trace["layer/0/in"].tobytes() == batch[0].tobytes()
    assert trace["layer/0/in/1"].tobytes() == batch[1].tobytes()
    assert trace["layer/0/in/2"].tobytes() == batch[1].tobytes()
    assert facts["masked"] == {}
    assert trace["layer/0/out"].tobytes() == trace["output/0"].tobytes()


def test_masks_are_told() -> None:
    model, batch = built("recurrent")
    probes.hold(model)
    _, facts = forward(batch)
    assert facts["masked"]["1"] == ["mask"]
    model, batch = built("attention")
    probes.hold(model)
    assert forward(batch)[1]["masked"] == {"0": ["use_causal_mask"]}


def test_float64_where_tensorflow_has_only_float32() -> None:
    """Poolings of volumes and bilinear resizing, by slices of the input."""
    x = normal(2, 4, 6, 2, 4)
    held(keras.Sequential([keras.Input(x.shape[1:]), layers.MaxPooling3D((2, 3, 1))]))
    blocks = x.reshape(2, 2, 2, 2, 3, 2, 1, 4)
    found = forward([x])[0]["output/0"]
    assert found.tobytes() == blocks.max((2, 4, 6)).tobytes()
    pool = layers.AveragePooling3D((2, 3, 1), padding="same")
    held(keras.Sequential([keras.Input(x.shape[1:]), pool]))
    found = forward([x])[0]["output/0"]
    np.testing.assert_allclose(found, blocks.mean((2, 4, 6)), rtol=1e-13)
    x = x[:, :, :, 0]
    resize = layers.UpSampling2D((1, 2), interpolation="bilinear")
    held(keras.Sequential([keras.Input(x.shape[1:]), resize]))
    found = forward([x])[0]["output/0"]
    left = np.concatenate([x[:, :, :1], x[:, :, :-1]], axis=2)
    np.testing.assert_allclose(found[:, :, ::2], 0.75 * x + 0.25 * left, rtol=1e-13)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(9, 4), (3, 17)])
def test_resizing_in_float64(
    method: str, antialias: bool, size: tuple[int, int]
) -> None:
    """The same as TensorFlow's, which is in float32."""
    x = normal(2, 7, 5, 3)
    layer = layers.Resizing(*size, method, antialias=antialias)
    held(keras.Sequential([keras.Input(x.shape[1:]), layer]))
    found = forward([x])[0]["output/0"]
    assert found.dtype == np.float64
    expected = tf.image.resize(x.astype(np.float32), size, method, antialias=antialias)
    np.testing.assert_allclose(found, expected, atol=5e-6)


def test_a_convolution_in_groups_by_hand() -> None:
    held(keras.Sequential([keras.Input((8, 4)), layers.Conv1D(6, 3, groups=2)]))
    w = {key: array.astype(np.float64) for key, array in probes.weights()[0].items()}
    x = normal(2, 8, 4)
    trace, _ = gradients({"input/0": x, "cotangent/0": np.ones((2, 6, 6))})
    windows = np.stack([x[:, k : k + 6] for k in range(3)], axis=2)
    for ins, outs in ((slice(0, 2), slice(0, 3)), (slice(2, 4), slice(3, 6))):
        seen, kernel = windows[..., ins], w["0/kernel"][..., outs]
        expected = np.einsum("btki,kio->bto", seen, kernel) + w["0/bias"][outs]
        found = trace["output/0"][..., outs]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        slope = np.repeat(seen.sum((0, 1))[..., None], 3, axis=-1)
        found = trace["gradient/0/kernel"][..., outs]
        np.testing.assert_allclose(found, slope, rtol=1e-12)


# Order, names, calls


def test_a_layer_that_is_called_twice() -> None:
    """The first call is noted; glue has a number each time."""
    model, batch = built("nested")
    probes.hold(model)
    trace, facts = forward(batch, record="all")
    names = [layer["name"] for layer in probes.describe()[1]["layers"]]
    orders = {name: order for order, name in enumerate(names)}
    tower = [orders["tower/dense"], orders["tower/batch_normalization"]]
    assert [facts["calls"][str(order)] for order in tower] == [2, 2]
    steps = told(facts["steps"])
    assert steps[:4] == [*tower, "relu#0", "relu#1"]
    assert steps.index("subtract#0") < steps.index(orders["head/dense_1"])
    place = next(s["place"] for s in facts["steps"] if s.get("id") == "relu#1")
    assert place == "tower/relu"
    assert not np.array_equal(trace["glue/relu#0/out"], trace["glue/relu#1/out"])
    assert trace[f"layer/{tower[0]}/in"].tobytes() == batch[0].tobytes()
    assert [one["path"] for one in facts["outputs"]] == ["['y']", "['z']"]


def test_the_users_own_code_is_seen_through() -> None:
    """Its functions and operators are steps; what Keras' layers call is not."""
    model, batch = built("subclassed")
    probes.hold(model)
    _, facts = forward(batch)
    names = [layer["name"] for layer in probes.describe()[1]["layers"]]
    assert names == [
        "token",
        "residual/scale",
        "residual/inner",
        "residual/norm",
        "dense",
    ]
    assert told(facts["steps"]) == [
        *("repeat#0", "concatenate#0"),
        *(2, "elu#0", 3, "elu#1", "multiply#0", "add#0", "dropout#0", 4),
        *("add#1", "silu#0", "cast#0", "add#2", "slice#0", "relu#0"),
        *("global_avg_pool#0", "subtract#0"),
    ]
    assert facts["calls"] == {"2": 2, "3": 1, "4": 1}
    places = {s["id"]: s["place"] for s in facts["steps"] if "id" in s}
    assert places["elu#1"] == "residual/inner/activation"
    assert places["dropout#0"].startswith("residual/dropout")
    assert places["concatenate#0"].startswith("keras_models.py:")


def test_recurrent_layers_and_separable_convolutions() -> None:
    """Of several parts of one layer the first has its input, the last its output."""
    model, batch = built("recurrent")
    probes.hold(model)
    trace, facts = forward(batch)
    about = probes.describe()[1]
    kinds = [layer["kind"] for layer in about["layers"]]
    assert kinds[2:5] == ["bidirectional_gru", "lstm", "gru_reset_before"]
    assert told(facts["steps"]) == [0, 1, 2, 3, 4, 5, "sigmoid#0"]
    assert trace["layer/3/in"].shape == (3, 6, 6)
    assert trace["layer/4/out"].shape == (3, 3)
    assert "layer/3/out" not in trace
    assert "layer/4/in" not in trace


def test_states_that_a_recurrent_layer_returns() -> None:
    given = keras.Input((4, 3))
    outputs = layers.LSTM(5, return_sequences=True, return_state=True)(given)
    held(keras.Model(given, outputs))
    trace, facts = forward([normal(2, 4, 3)])
    shapes = [trace[f"layer/0/out{k}"].shape for k in ("", "/1", "/2")]
    assert shapes == [(2, 4, 5), (2, 5), (2, 5)]
    assert [one["path"] for one in facts["outputs"]] == ["[0]", "[1]", "[2]"]


def test_a_lambda_and_a_users_layer() -> None:
    """The steps in them, or one for the whole where none is seen."""

    class Odd(layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return tf.math.cumsum(x, axis=-1)

    class Even(layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return ops.tanh(x)

    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Lambda(lambda x: x / 255.0),
            Odd(name="odd"),
            Even(name="even"),
            layers.Dense(2, activation=lambda x: ops.relu(x) * 2.0),
            layers.Activation("linear"),
        ]
    )
    held(model)
    _, facts = forward([normal(3, 4)])
    found = ["divide#0", "odd#0", "tanh#0", 0, "relu#0", "multiply#0"]
    assert told(facts["steps"]) == found
    places = [s.get("place", "").partition(":")[0] for s in facts["steps"]]
    mine = "test_check_keras_steps.py"
    assert places == [mine, "odd", mine, "", mine, mine]


def test_activations_of_every_make() -> None:
    """A layer, a function with an argument, a function of TensorFlow."""
    slope = functools.partial(keras.activations.leaky_relu, negative_slope=0.05)
    activations = [layers.LeakyReLU(0.5), slope, tf.nn.relu6, layers.ReLU(3)]
    inner = [layers.Dense(4, activation=activation) for activation in activations]
    held(keras.Sequential([keras.Input((4,)), *inner]))
    _, facts = forward([normal(3, 4)])
    found = [(s["op"], s["settings"]) for s in facts["steps"] if "op" in s]
    assert found == [
        ("leaky_relu", {"slope": 0.5}),
        ("leaky_relu", {"slope": 0.05}),
        ("relu", RELU | {"max_value": 6.0}),
        ("relu", RELU | {"max_value": 3.0}),
    ]
    told = probes.describe()[1]["settings"]
    assert [
        (s["activation"]["op"], s["activation"]["settings"]) for s in told.values()
    ] == found


def test_an_activation_of_the_users_is_seen_through() -> None:
    own = layers.Activation(lambda x: keras.activations.gelu(x, approximate=True))
    held(keras.Sequential([keras.Input((4,)), own]))
    _, facts = forward([normal(3, 4)])
    found = [(s["op"], s["settings"]) for s in facts["steps"]]
    assert found == [("gelu", {"approximate": True})]


def test_dropout_tells_whether_it_is_active() -> None:
    """Also where the user has left it on in inference mode; it never drops here."""

    class Drops(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = layers.Dropout(0.5), layers.Dropout(0.25)

        def call(self, x: tf.Tensor) -> tf.Tensor:
            return self.two(self.one(x), training=True)

    model = Drops()
    model(np.zeros((1, 5)))
    probes.hold(model)
    batch = [normal(4, 5)]
    for training in (False, True):
        trace, facts = forward(batch, training=training)
        found = [step["settings"] for step in facts["steps"]]
        assert found == [
            {"rate": 0.5, "active": training},
            {"rate": 0.25, "active": True},
        ]
        assert trace["output/0"].tobytes() == batch[0].tobytes()


def test_dropout_as_a_function() -> None:
    class Drops(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            noise = keras.random.normal(tf.shape(x)) + tf.random.normal(tf.shape(x))
            return keras.random.dropout(x, 0.5) + tf.nn.dropout(x, 0.25) + noise

    model = Drops()
    model(np.zeros((1, 5)))
    probes.hold(model)
    batch = [normal(4, 5)]
    trace, facts = forward(batch)
    rates = [s["settings"]["rate"] for s in facts["steps"] if s["op"] == "dropout"]
    assert rates == [0.5, 0.25]
    noises = [s["settings"] for s in facts["steps"] if s["op"] == "noise"]
    assert noises == [{"size": 1.0, "active": True}] * 2
    np.testing.assert_allclose(trace["output/0"], 2 * batch[0], rtol=1e-15)


def test_layers_that_are_made_on_the_spot() -> None:
    class Makes(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return layers.concatenate([layers.ReLU()(x), ops.zeros((4, 2))])

    model = Makes()
    model.built = True
    probes.hold(model)
    _, facts = forward([normal(4, 5)])
    assert told(facts["steps"]) == ["relu#0", "concatenate#0"]


def test_no_record() -> None:
    model, batch = built("image")
    probes.hold(model)
    trace, facts = forward(batch, record="none")
    assert list(trace) == ["output/0"]
    assert facts["steps"] == []


def test_nothing_is_copied() -> None:
    """What goes out of one layer and into the next is one array."""
    model, batch = built("sequential")
    probes.hold(model)
    trace, _ = forward(batch, record="all")
    assert np.shares_memory(trace["glue/tanh#0/out"], trace["layer/1/in"])


def test_no_number_goes_through_unharmed() -> None:
    held(keras.Sequential([keras.Input((3,)), layers.Dense(2, activation="relu")]))
    x = normal(4, 3)
    x[1, 2], x[2, 0] = np.nan, np.inf
    trace, facts = forward([x], record="all")
    assert not facts["finite"]
    assert np.isnan(trace["layer/0/in"][1, 2]) and np.isinf(trace["layer/0/in"][2, 0])
    assert np.isnan(trace["output/0"][1]).all()
    assert np.isfinite(trace["output/0"][[0, 3]]).all()


# What the glue is called


def glue(op: str, **settings: Any) -> tuple[str, dict[str, Any]]:
    return op, settings


POOL = {"size": [2, 2], "stride": [2, 2], "padding": "same", "dilation": [1, 1]}
POOL |= {"ceil": False}
Made = Callable[[Any], Any]
GLUE: list[tuple[Made, tuple[str, dict[str, Any]]]] = [
    (layers.ReLU(), glue("relu", **RELU)),
    (layers.ReLU(6), glue("relu", **RELU | {"max_value": 6.0})),
    (layers.ReLU(negative_slope=0.2), glue("leaky_relu", slope=0.2)),
    (layers.LeakyReLU(), glue("leaky_relu", slope=0.3)),
    (layers.ELU(0.5), glue("elu", alpha=0.5)),
    (layers.Softmax(1), glue("softmax", axis=-3)),
    (layers.Activation("gelu"), glue("gelu", approximate=False)),
    (layers.Activation("hard_silu"), glue("hard_silu")),
    (layers.Activation("leaky_relu"), glue("leaky_relu", slope=0.2)),
    (layers.MaxPooling2D(padding="same"), glue("max_pool", **POOL)),
    (
        layers.AveragePooling2D((2, 3), (1, 2)),
        glue(
            "avg_pool",
            **POOL
            | {"size": [2, 3], "stride": [1, 2], "padding": "valid"}
            | {"include_pad": False},
        ),
    ),
    (layers.GlobalAveragePooling2D(), glue("global_avg_pool")),
    (layers.GlobalMaxPooling2D(), glue("global_max_pool")),
    (layers.Flatten(), glue("flatten", shape=[4, 6, 3])),
    (layers.Reshape((8, 9)), glue("reshape", shape=[8, 9])),
    (layers.Reshape((72,)), glue("flatten", shape=[4, 6, 3])),
    (layers.Permute((2, 1, 3)), glue("permute", dims=[0, 2, 1, 3])),
    (
        layers.ZeroPadding2D(((1, 2), (0, 3))),
        glue(
            "pad", padding=[[0, 0], [1, 2], [0, 3], [0, 0]], mode="constant", value=0.0
        ),
    ),
    (layers.Cropping2D(1), glue("slice")),
    (
        layers.UpSampling2D((2, 3), interpolation="bilinear"),
        glue("upsample", scale=[2.0, 3.0], mode="bilinear", align_corners=False),
    ),
    (layers.Rescaling(0.5, 1.0), glue("rescale", scale=0.5, offset=1.0)),
    (
        layers.LayerNormalization(center=False, scale=False),
        glue("layer_norm", epsilon=0.001),
    ),
    (layers.UnitNormalization(), glue("normalize", axis=-1)),
    (
        lambda x: layers.SpatialDropout2D(0.25)(x),
        glue("dropout", rate=0.25, active=False),
    ),
    (lambda x: layers.GaussianNoise(0.25)(x), glue("noise", size=0.25, active=False)),
    (lambda x: layers.Concatenate(1)([x, x]), glue("concatenate", axis=-3)),
    (lambda x: layers.Add()([x, x]), glue("add")),
    (lambda x: layers.Average()([x, x]), glue("average")),
    (lambda x: x + 1.0, glue("add")),
    (lambda x: 2.0 * x, glue("multiply")),
    (lambda x: x[:, 1:], glue("slice")),
    (lambda x: -x, glue("negative")),
    (ops.relu6, glue("relu", **RELU | {"max_value": 6.0})),
    (lambda x: ops.clip(x, -1, 1), glue("hard_tanh")),
    (lambda x: ops.minimum(x, 6.0), glue("clip", min=None, max=6.0)),
    (lambda x: ops.clip(x, 0.0, 3.0), glue("relu", **RELU | {"max_value": 3.0})),
    (ops.gelu, glue("gelu", approximate=True)),
    (keras.activations.gelu, glue("gelu", approximate=False)),
    (ops.swish, glue("silu")),
    (ops.softplus, glue("softplus", threshold=None)),
    (lambda x: ops.log_softmax(x, 2), glue("log_softmax", axis=-2)),
    (lambda x: ops.mean(x, (1, 2)), glue("global_avg_pool")),
    (lambda x: ops.max(x, (1, 2)), glue("global_max_pool")),
    (lambda x: ops.mean(x, 2), glue("mean", axis=-2)),
    (lambda x: ops.sum(x, (1, 3)), glue("sum", axis=[-3, -1])),
    (lambda x: ops.reshape(x, (-1, 72)), glue("flatten", shape=[4, 6, 3])),
    (lambda x: ops.expand_dims(x, 1), glue("reshape", shape=[1, 4, 6, 3])),
    (lambda x: ops.transpose(x, (0, 3, 1, 2)), glue("permute", dims=[0, 3, 1, 2])),
    (lambda x: ops.max_pool(x, 2, padding="same"), glue("max_pool", **POOL)),
    (
        lambda x: ops.image.resize(x, (8, 9)),
        glue("upsample", size=[8, 9], mode="bilinear", align_corners=False),
    ),
]
FUNCTIONS: list[tuple[Made, tuple[str, dict[str, Any]]]] = [
    (tf.nn.relu, glue("relu", **RELU)),
    (tf.nn.relu6, glue("relu", **RELU | {"max_value": 6.0})),
    (lambda x: tf.nn.leaky_relu(x, 0.1), glue("leaky_relu", slope=0.1)),
    (tf.nn.silu, glue("silu")),
    (tf.nn.softmax, glue("softmax", axis=-1)),
    (lambda x: tf.nn.gelu(x, approximate=True), glue("gelu", approximate=True)),
    (lambda x: tf.nn.max_pool2d(x, 2, 2, "SAME"), glue("max_pool", **POOL)),
    (lambda x: tf.reduce_mean(x, [1, 2]), glue("global_avg_pool")),
    (lambda x: tf.concat([x, x], -1), glue("concatenate", axis=-1)),
    (lambda x: tf.transpose(x, [0, 2, 1, 3]), glue("permute", dims=[0, 2, 1, 3])),
    (lambda x: tf.reshape(x, [-1, 72]), glue("flatten", shape=[4, 6, 3])),
    (
        lambda x: tf.clip_by_value(x, 0.0, 6.0),
        glue("relu", **RELU | {"max_value": 6.0}),
    ),
    (lambda x: tf.math.l2_normalize(x, 1), glue("normalize", axis=-3)),
    (
        lambda x: tf.pad(x, [[0, 0], [1, 0], [0, 1], [0, 0]], "REFLECT"),
        glue(
            "pad", padding=[[0, 0], [1, 0], [0, 1], [0, 0]], mode="reflect", value=0.0
        ),
    ),
    (lambda x: x @ tf.transpose(x, [0, 1, 3, 2]), glue("matmul")),
]


@pytest.mark.parametrize(("made", "expected"), GLUE)
def test_glue_of_functional_models(made: Made, expected: Any) -> None:
    given = keras.Input((4, 6, 3))
    held(keras.Model(given, made(given)))
    _, facts = forward([normal(2, 4, 6, 3)])
    (step,) = facts["steps"]
    assert (step["op"], step["settings"]) == expected


@pytest.mark.parametrize(("made", "expected"), GLUE + FUNCTIONS)
def test_glue_of_subclassed_models(made: Made, expected: Any) -> None:
    class Model(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.made = made

        def call(self, x: tf.Tensor) -> tf.Tensor:
            return self.made(x)

    model = Model()
    model(np.zeros((2, 4, 6, 3)))
    held(model)
    trace, facts = forward([normal(2, 4, 6, 3)], record="all")
    step = facts["steps"][-1]
    assert (step["op"], step["settings"]) == expected
    assert trace[f"glue/{step['id']}/out"].tobytes() == trace["output/0"].tobytes()
