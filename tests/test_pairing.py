"""Which layer is which: by shape, by name, by order, by the user's word."""

from __future__ import annotations

import pytest

from shared.check.pairing import Layer, Pairing, Shape, pair
from shared.errors import UsageError


def dense(*shapes: tuple[str, int, int], bias: bool = True) -> list[Layer]:
    return [
        Layer(name, "dense", parameters((a, b), bias), order)
        for order, (name, a, b) in enumerate(shapes)
    ]


def parameters(kernel: Shape, bias: bool) -> dict[str, Shape]:
    return {"kernel": kernel} | ({"bias": kernel[-1:]} if bias else {})


def found(pairing: Pairing) -> dict[str, tuple[str, str]]:
    return {p.keras.name: (p.torch.name, p.by) for p in pairing.pairs}


def test_by_shape() -> None:
    """Whatever their order and names."""
    keras = dense(("a", 2, 3), ("b", 3, 4))
    torch = dense(("b", 2, 3), ("a", 3, 4))[::-1]
    pairing = pair(keras, torch, {})
    assert found(pairing) == {"a": ("b", "shape"), "b": ("a", "shape")}
    assert pairing.complete
    assert not any(p.ambiguous or p.square for p in pairing.pairs)


def test_equal_neighbours_by_order() -> None:
    keras = dense(("dense", 4, 4), ("dense_1", 4, 4), ("out", 4, 1))
    torch = dense(("net.0", 4, 4), ("net.2", 4, 4), ("net.4", 4, 1))
    pairing = pair(keras, torch, {})
    assert found(pairing) == {
        "dense": ("net.0", "order"),
        "dense_1": ("net.2", "order"),
        "out": ("net.4", "shape"),
    }
    assert [p.ambiguous for p in pairing.pairs] == [True, True, False]
    assert [p.square for p in pairing.pairs] == [True, True, False]


@pytest.mark.parametrize("prefix", ["", "net."])
def test_by_name_against_the_order(prefix: str) -> None:
    keras = dense(("Fc_1", 4, 4), ("fc_2", 4, 4))
    torch = dense((f"{prefix}fc2", 4, 4), (f"{prefix}fc1", 4, 4))
    assert found(pair(keras, torch, {})) == {
        "Fc_1": (f"{prefix}fc1", "name"),
        "fc_2": (f"{prefix}fc2", "name"),
    }


def test_names_that_agree_by_accident() -> None:
    """Keras counts from none, a person from 1."""
    keras = dense(("dense", 4, 4), ("dense_1", 4, 4))
    torch = dense(("dense1", 4, 4), ("dense2", 4, 4))
    assert found(pair(keras, torch, {})) == {
        "dense": ("dense1", "order"),
        "dense_1": ("dense2", "order"),
    }


def test_a_bias_on_one_side() -> None:
    keras, torch = dense(("a", 2, 3), bias=False), dense(("b", 2, 3))
    (one,) = pair(keras, torch, {}).pairs
    assert one.lone == {"tf": [], "torch": ["bias"]}


def test_biases_tell_equal_kernels_apart() -> None:
    keras = [*dense(("a", 2, 3), bias=False), *dense(("b", 2, 3))]
    torch = [*dense(("c", 2, 3)), *dense(("d", 2, 3), bias=False)]
    assert found(pair(keras, torch, {})) == {"a": ("d", "shape"), "b": ("c", "shape")}


def test_no_partner() -> None:
    keras = dense(("a", 2, 3), ("b", 3, 4))
    torch = [
        *dense(("c", 2, 3), ("d", 3, 5)),
        Layer("e", "lstm", {"kernel": (2, 8)}, 2),
    ]
    pairing = pair(keras, torch, {})
    assert not pairing.complete
    assert found(pairing) == {"a": ("c", "shape")}
    assert "PyTorch's d has dense with kernel (3, 5)" in pairing.keras["b"]
    assert "Keras has no lstm left" in pairing.torch["e"]


def test_one_too_many() -> None:
    keras = dense(("a", 2, 2), ("b", 2, 2))
    pairing = pair(keras, dense(("c", 2, 2)), {})
    assert found(pairing) == {"a": ("c", "order")}
    assert "no dense left" in pairing.keras["b"]


def test_transposed_kernels_are_no_pair() -> None:
    assert not pair(dense(("a", 2, 3)), dense(("a", 3, 2)), {}).complete


@pytest.mark.parametrize(("sizes", "akin"), [((1, 1), True), ((1, 3), False)])
def test_a_convolution_of_one_pixel_is_a_dense_layer(sizes: Shape, akin: bool) -> None:
    conv = Layer("b", "conv2d", parameters((*sizes, 2, 3), True), 0)
    assert pair(dense(("a", 2, 3)), [conv], {}, akin=True).complete == akin
    assert not pair(dense(("a", 2, 3)), [conv], {}).complete


def test_the_users_word() -> None:
    keras = dense(("a", 4, 4), ("b", 4, 4))
    torch = dense(("c", 4, 4), ("d", 4, 4))
    assert found(pair(keras, torch, {"a": "d"})) == {
        "a": ("d", "map"),
        "b": ("c", "shape"),
    }


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"first": "c"}, "Keras model has no layer 'first'.*it has a, b"),
        ({"a": "cc"}, "PyTorch model has no layer 'cc'"),
        ({"a": "d"}, r"a is dense with kernel \(4, 4\).*d dense with kernel \(4, 5\)"),
        ({"a": "c", "b": "c"}, "'c' is named twice"),
    ],
)
def test_a_bad_word(mapping: dict[str, str], told: str) -> None:
    keras = dense(("a", 4, 4), ("b", 4, 4))
    torch = dense(("c", 4, 4), ("d", 4, 5))
    with pytest.raises(UsageError, match=f"--map: .*{told}"):
        pair(keras, torch, mapping)


def test_json() -> None:
    (layer,) = dense(("a", 2, 3))
    assert Layer.from_json(layer.to_json()) == layer
