"""The probes of a Keras model: what it says of itself, its weights, its failures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_models import built
from test_check_keras import forward

# isort: split
import keras
import tensorflow as tf
from keras import layers

from shared.errors import MissingError, UsageError
from tf_track import backend, layouts
from tf_track.check import probes


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    backend.configure("cpu", "float32", 0)
    keras.utils.clear_session()
    yield
    probes.release()


def described(model: keras.Model) -> dict[str, Any]:
    probes.hold(model)
    return probes.describe()[1]


# Weights


def test_weights_there_and_back() -> None:
    model, batch = built("image")
    probes.hold(model)
    before, _ = probes.weights()
    plain, _ = forward(batch)
    probes.set_weights({"0/kernel": 2 * before["0/kernel"]})
    after, _ = probes.weights()
    changed = [k for k in before if after[k].tobytes() != before[k].tobytes()]
    assert changed == ["0/kernel"]
    moved, _ = forward(batch)
    bias = before["0/bias"].astype(np.float64)
    expected = 2 * (plain["layer/0/out"] - bias) + bias
    np.testing.assert_allclose(moved["layer/0/out"], expected, rtol=1e-9)
    assert model.get_layer("conv").kernel.numpy().tobytes() == (
        before["0/kernel"].tobytes()
    )


def test_weights_in_float64_are_taken_as_they_are() -> None:
    probes.hold(keras.Sequential([keras.Input((1,)), layers.Dense(1)]))
    value = np.array([[1.0 + 2**-40]])
    probes.set_weights({"0/kernel": value, "0/bias": np.zeros(1)})
    assert forward([np.ones((1, 1))])[0]["output/0"] == value


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_twin_is_one_ulp_away(precision: str) -> None:
    """Every weight, up or down, and every k moves otherwise."""
    given = keras.Input((40,))
    model = keras.Model(given, layers.Dense(30, use_bias=False)(given))
    probes.hold(model)
    batch = [np.eye(40)]
    plain, first, again, second = (
        forward(batch, twin=twin, precision=precision)[0]["output/0"]
        for twin in (0, 1, 1, 2)
    )
    ulps = (first - plain) / np.spacing(np.abs(plain))
    assert set(np.abs(ulps).ravel()) <= {0.5, 1.0}
    assert 0.4 < (ulps > 0).mean() < 0.6
    assert first.tobytes() == again.tobytes() != second.tobytes()


# Raw weights


class Own(layers.Layer):
    """Weights without a neutral layout, two of one name, and a counter."""

    def build(self, shape: Any) -> None:
        self.one = self.add_weight(shape=(4,), name="scale")
        self.two = self.add_weight(shape=(4, 4), name="scale")
        self.count = self.add_weight(shape=(), dtype="int32", name="count")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return (x * self.one) @ self.two


def test_raw_weights_are_parts() -> None:
    model = keras.Sequential(
        [
            keras.Input((5, 4)),
            layers.Dense(4),
            Own(name="own"),
            layers.EinsumDense("abc,cd->abd", (None, 3), name="einsum"),
            layers.BatchNormalization(renorm=True),
        ]
    )
    found = [(part.name, part.kind) for part in layouts.describe(model, raw=True)]
    assert found == [
        ("dense", "dense"),
        ("own/scale", "raw"),
        ("own/scale#2", "raw"),
        ("einsum/kernel", "raw"),
        ("batch_normalization", "batch_norm"),
        ("batch_normalization/moving_stddev", "raw"),
        ("batch_normalization/renorm_mean", "raw"),
        ("batch_normalization/renorm_stddev", "raw"),
    ]
    with pytest.raises(UsageError, match=r"^own: no neutral layout for Own"):
        layouts.describe(model)
    about = described(model)
    assert about["layers"][1]["parameters"] == {"value": [4]}
    assert about["settings"]["1"] == {"type": "Own"}
    _, facts = forward([np.zeros((2, 5, 4))])
    steps = [s.get("id", s.get("order")) for s in facts["steps"]]
    assert steps == [0, "multiply#0", "matmul#0", "einsum_dense#0", 4]


def test_a_cell_of_the_users_is_raw() -> None:
    class Cell(layers.Layer):
        state_size = 3

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(2, 3), name="kernel")

        def call(self, x: tf.Tensor, states: Any) -> Any:
            out = x @ self.kernel + states[0]
            return out, [out]

    rnn = layers.RNN(Cell(name="cell"), name="rnn")
    model = keras.Sequential([keras.Input((4, 2)), rnn])
    found = layouts.describe(model, raw=True)
    assert [(part.name, part.kind) for part in found] == [("rnn/cell/kernel", "raw")]


def test_a_model_without_shapes() -> None:
    with pytest.raises(UsageError, match="Dense has no shapes yet"):
        probes.hold(keras.Sequential([layers.Dense(2)]))


# What it says of itself


def test_inputs_of_a_functional_model() -> None:
    """By name; a float input that is looked up has the table's bound."""
    words = keras.Input((None,), name="words")
    more = keras.Input((3,), dtype="int32", name="more")
    plain = keras.Input((2,), name="plain")
    table = layers.Embedding(7, 2)
    other = layers.Embedding(5, 2)
    x = table(words) + layers.GlobalAveragePooling1D(keepdims=True)(
        other(layers.Flatten()(more))
    )
    outputs = [layers.Dense(1)(x), table(more[:, :1]), layers.Dense(2)(plain)]
    inputs = described(keras.Model([words, more, plain], outputs))["inputs"]
    assert inputs == [
        {"name": "words", "shape": [None], "dtype": "float32", "exact": True}
        | {"below": 7},
        {"name": "more", "shape": [3], "dtype": "int32", "exact": True, "below": 5},
        {"name": "plain", "shape": [2], "dtype": "float32", "exact": True}
        | {"below": None},
    ]


class Reads(keras.Model):
    """Two inputs by name, one of them looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.table = layers.Embedding(6, 3)
        self.dense = layers.Dense(3)

    def call(self, x: Any) -> tf.Tensor:
        return self.dense(x["values"]) + self.table(x["word"])


def test_inputs_of_a_subclassed_model() -> None:
    model = Reads()
    model({"word": np.zeros(2, np.int32), "values": np.zeros((2, 4))})
    assert described(model)["inputs"] == [
        {"name": "values", "shape": [4], "dtype": "float32", "exact": False}
        | {"below": None},
        {"name": "word", "shape": [], "dtype": "int32", "exact": False, "below": 6},
    ]
    batch = [np.random.default_rng(0).standard_normal((2, 4)), np.array([5, 1])]
    trace, _ = forward(batch, precision="float32")
    expected = model({"values": batch[0], "word": batch[1]})
    assert trace["output/0"].tobytes() == backend.array(expected).tobytes()


def test_inputs_as_arguments() -> None:
    class Two(keras.Model):
        def call(self, one: Any, two: Any, training: bool = False) -> tf.Tensor:
            return one - two

    model = Two()
    model(np.zeros((2, 3)), np.zeros((2, 3)))
    inputs = described(model)["inputs"]
    assert [(one["name"], one["shape"]) for one in inputs] == [
        ("one", [3]),
        ("two", None),
    ]
    batch = [np.ones((2, 3)), np.full((2, 3), 3.0)]
    assert (forward(batch)[0]["output/0"] == -2).all()
    assert (forward(batch[::-1])[0]["output/0"] == 2).all()


def test_a_structure_that_the_caller_knows() -> None:
    class Listed(keras.Model):
        def call(self, given: Any) -> tf.Tensor:
            return given["a"] - given["b"][0]

    model = Listed()
    model.built = True
    probes.hold(model)
    batch = [np.ones((2, 3)), np.full((2, 3), 3.0)]
    plan = {"structure": {"a": 0, "b": [1]}}
    assert (forward(batch, plan=plan)[0]["output/0"] == -2).all()


def test_settings_of_layers() -> None:
    given = keras.Input((8, 6, 4))
    x = layers.Conv2D(
        6, (3, 2), 2, "same", dilation_rate=1, groups=2, activation="relu"
    )(given)
    x = layers.DepthwiseConv2D(3, padding="valid")(x)
    x = layers.Conv2DTranspose(3, 3, 2, "same", output_padding=1)(x)
    x = layers.GroupNormalization(3, epsilon=0.25)(x)
    x = layers.LayerNormalization(axis=[2, 3])(x)
    x = layers.Reshape((-1, 3))(x)
    x = layers.Bidirectional(
        layers.GRU(4, dropout=0.25, return_sequences=True), merge_mode="sum"
    )(x)
    x = layers.MultiHeadAttention(2, 4, dropout=0.5)(x, x)
    about = described(keras.Model(given, layers.Dropout(0.125, name="drop")(x)))
    settings = about["settings"]
    relu = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
    assert settings["0"] == {
        "type": "Conv2D",
        "stride": [2, 2],
        "dilation": [1, 1],
        "groups": 2,
        "padding": "same",
        "padding_mode": "zeros",
        "activation": {"op": "relu", "settings": relu},
    }
    assert (settings["1"]["groups"], settings["1"]["padding"]) == (6, "valid")
    assert settings["2"]["stride"] == [2, 2]
    assert settings["3"] == {
        "type": "GroupNormalization",
        "epsilon": 0.25,
        "groups": 3,
    }
    assert settings["4"]["axis"] == 2
    gru = settings["5"]
    assert (gru["activation"], gru["recurrent_activation"]) == ("tanh", "sigmoid")
    assert (gru["bidirectional"], gru["merge_mode"]) == (True, "sum")
    assert (gru["units"], gru["dropout"], gru["reset_after"]) == (4, 0.25, True)
    assert (settings["6"]["heads"], settings["6"]["dropout"]) == (2, 0.5)
    assert about["random"] == ["bidirectional", "multi_head_attention", "drop"]
    assert about["dtypes"] == ["float32"]


def test_a_frozen_batch_norm_and_mixed_precision() -> None:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.BatchNormalization(trainable=False),
            layers.Dense(2, dtype="mixed_float16"),
        ]
    )
    about = described(model)
    assert about["settings"]["0"]["frozen"]
    assert about["notes"] == ["dense computes in float16"]
    # A frozen one normalizes with its running statistics in training too.
    batch = [np.random.default_rng(1).standard_normal((3, 4))]
    trace, _ = forward(batch, training=True)
    root = np.sqrt(1 + np.float64(np.float32(1e-3)))
    np.testing.assert_allclose(trace["layer/0/out"], batch[0] / root, rtol=1e-7)
    assert trace["layer/1/out"].dtype == np.float64


def test_normalization_is_recast_and_follows_its_weights() -> None:
    normalize = layers.Normalization()
    normalize.adapt(np.random.default_rng(1).standard_normal((9, 4)))
    model = keras.Sequential([keras.Input((4,)), normalize])
    probes.hold(model)
    probes.set_weights({"0/value": np.full(4, 0.1), "1/value": np.full(4, 4.0)})
    x = np.random.default_rng(2).standard_normal((3, 4))
    found = forward([x])[0]["output/0"]
    np.testing.assert_allclose(found, (x - 0.1) / 2, rtol=1e-15)


# Failures


def test_a_model_that_casts_runs_in_float64_all_the_same() -> None:
    class Casts(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            zeros = tf.zeros((3,)) + tf.constant(0.1)
            return tf.cast(x, tf.float32) + zeros + keras.ops.cast(x, "float32")

    model = Casts()
    model(np.zeros((1, 3), np.float32))
    probes.hold(model)
    x = np.random.default_rng(2).standard_normal((2, 3))
    np.testing.assert_allclose(forward([x])[0]["output/0"], 2 * x + 0.1, rtol=1e-15)


def test_a_model_that_does_not_run_in_float64() -> None:
    class Mixes(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return tf.add(x, tf.io.decode_raw(b"\0\0\0\0", tf.float32))

    model = Mixes()
    model(np.zeros((1, 3), np.float32))
    probes.hold(model)
    batch = [np.ones((2, 3))]
    trace, facts = forward(batch)
    assert trace == {}
    assert "line" in facts["failed"] and "\n" not in facts["failed"]
    assert "in call" in facts["failed"]
    trace, facts = forward(batch, precision="float32")
    assert "failed" not in facts and trace["output/0"].dtype == np.float32


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_inputs_that_do_not_fit(precision: str) -> None:
    model, _ = built("image")
    probes.hold(model)
    with pytest.raises(UsageError, match="incompatible"):
        forward([np.zeros((2, 8, 10, 4))], precision=precision)
    with pytest.raises(UsageError):
        forward([np.zeros((2, 3))], precision=precision)


def test_out_of_memory() -> None:
    class Greedy(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    model = Greedy()
    model.built = True
    probes.hold(model)
    with pytest.raises(MissingError, match="out of memory"):
        forward([np.ones((2, 3))])


def test_what_a_model_notes_is_taken_back() -> None:
    """What its code keeps of a call, and what it has drawn."""

    class Notes(keras.Model):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            self.last = x + keras.random.uniform(x.shape, dtype=x.dtype)
            self.add_loss(tf.reduce_sum(self.last))
            return self.last * random.random() * np.random.rand()

    model = Notes()
    model.built = True
    keras.utils.set_random_seed(4)
    expected = keras.random.uniform((2,)), random.random(), np.random.rand()
    keras.utils.set_random_seed(4)
    probes.hold(model)
    first, _ = forward([np.ones((2, 3))])
    again, _ = forward([np.ones((2, 3))])
    assert first["output/0"].tobytes() == again["output/0"].tobytes()
    assert not hasattr(model, "last") and not model.losses
    found = keras.random.uniform((2,)), random.random(), np.random.rand()
    assert backend.array(found[0]).tobytes() == backend.array(expected[0]).tobytes()
    assert found[1:] == expected[1:]


def test_a_stateful_layer() -> None:
    given = keras.Input(batch_shape=(2, 3, 4))
    model = keras.Model(given, layers.LSTM(5, stateful=True)(given))
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    model(x)
    states = [backend.array(state) for state in model.layers[1].states]
    probes.hold(model)
    first, _ = forward([x])
    again, _ = forward([x])
    assert first["output/0"].tobytes() == again["output/0"].tobytes()
    for state, held in zip(model.layers[1].states, states, strict=True):
        assert backend.array(state).tobytes() == held.tobytes()


def test_code_that_the_user_has_compiled() -> None:
    """It runs eagerly here, and what was traced is used again afterwards."""

    class Compiled(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(2)
            self.traced = 0

        @tf.function
        def call(self, x: tf.Tensor) -> tf.Tensor:
            self.traced += 1
            return tf.nn.relu(self.dense(x))

    model = Compiled()
    x = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    expected = backend.array(model(x))
    traced = model.traced
    probes.hold(model)
    probes.set_weights({"0/bias": np.ones(2)})
    found, facts = forward([x], precision="float32")
    assert [s.get("id", s.get("order")) for s in facts["steps"]] == [0, "relu#0"]
    assert np.abs(found["output/0"] - expected).max() > 0.1
    probes.release()
    assert backend.array(model(x)).tobytes() == expected.tobytes()
    assert model.traced == traced


def test_a_file(tmp_path: Path) -> None:
    """Its model, and the place of an error in its code."""
    file = tmp_path / "mine.py"
    file.write_text(
        "import keras\n\n\nclass Net(keras.Model):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.dense = keras.layers.Dense(2)\n\n"
        "    def call(self, x):\n        x = self.dense(x)\n"
        "        assert x.shape[0] < 9, 'too many'\n        return x\n\n\n"
        "def build():\n    net = Net()\n    net(keras.ops.zeros((1, 3)))\n"
        "    return net\n"
    )
    probes.load(f"{file}:build")
    assert probes.describe()[1]["parameters"] == 8
    assert forward([np.zeros((2, 3))])[1]["finite"]
    with pytest.raises(UsageError, match=r"mine\.py, line 11, in call: .*too many"):
        forward([np.zeros((10, 3))])
    with pytest.raises(UsageError, match="has no 'buildd'"):
        probes.load(f"{file}:buildd")
