"""What two layers of a pair may be set to differently, and what makes them equal.

The rows are those of `twotrack differences`; here they are found in a user's models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from shared.check.candidate import Candidate, Settings, number
from shared.check.convolution_causes import convolution, transposed
from shared.check.layer_candidate import as_keras, make, setting
from shared.check.pairing import Pair
from shared.check.sequence_causes import attention, recurrent

Find: TypeAlias = Callable[[Pair, Settings, Settings], Iterator[Candidate]]


def candidates(
    pair: Pair,
    keras: Settings,
    torch: Settings,
    given: Sequence[int] = (),
    lone: Sequence[str] = (),
) -> Iterator[Candidate]:
    """Every difference between the settings of a pair of layers.

    Args:
        pair: the layers.
        keras, torch: their settings.
        given: the shape of the Keras layer's input, if it is known.
        lone: the ids of calls that only PyTorch makes: paddings right before a
            convolution, crops right after a transposed one.
    """
    kind = pair.keras.kind
    base = kind.removeprefix("bidirectional_").removeprefix("depthwise_")
    if "conv" in base:
        find = transposed if "transpose" in base else convolution
        yield from find(pair, keras, torch, given, lone)
    elif base in _FINDS:
        yield from _FINDS[base](pair, keras, torch)


def _epsilon(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    """The norms: LayerNorm, GroupNorm, RMSNorm and BatchNorm alike."""
    ours, theirs = keras.get("epsilon"), torch.get("epsilon")
    if ours is None or ours == theirs:
        return
    told = "the finest step of the dtype" if theirs == "finfo" else theirs
    yield make(
        pair,
        f"{pair.keras.kind}_epsilon",
        f"epsilon {number(ours)}",
        f"eps {number(told)}",
        f"eps={number(ours)} in PyTorch"
        + ("" if theirs == "finfo" else f", or epsilon={number(theirs)} in Keras"),
        setting(pair, "eps", ours),
    )


def _group_norm(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    yield from _epsilon(pair, keras, torch)
    ours, theirs = keras.get("groups"), torch.get("groups")
    if ours is not None and ours != theirs:
        remedy = f"num_groups={ours} in PyTorch"
        repair = setting(pair, "num_groups", ours)
        yield make(pair, "group_norm_groups", ours, theirs, remedy, repair)


def _batch_norm(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    yield from _epsilon(pair, keras, torch)
    ours, theirs = keras.get("momentum"), torch.get("momentum")
    if ours is not None and ours != theirs:
        yield make(
            pair,
            "batch_norm_momentum",
            f"momentum {number(ours)} keeps that much",
            "cumulative average" if theirs is None else f"keeps {number(theirs)}",
            f"momentum={number(round(1 - ours, 12))} in PyTorch, which counts what is "
            "new",
            setting(pair, "momentum", 1.0 - ours),
            stage="statistics",
        )
    yield make(
        pair,
        "batch_norm_variance",
        "running variance of the batch itself, n below",
        "unbiased, n - 1 below",
        "no setting; in training mode let a subclass of PyTorch's layer update "
        "running_var with x.var(dims, unbiased=False)",
        as_keras(pair, {"biased": True}),
        stage="statistics",
    )


def _embedding(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    index = torch.get("padding_idx")
    if index is not None:
        yield make(
            pair,
            "embedding_padding",
            "every row is trained",
            f"padding_idx {index}: that row is not",
            "padding_idx=None in PyTorch; Keras' mask_zero masks and trains all rows",
            as_keras(pair, keras),
            stage="gradient",
        )
    yield make(
        pair,
        "sparse_gradients",
        "the gradients of a row that a batch looks up twice are squared one by one",
        "they are added up first",
        "tf.convert_to_tensor(gradient) for the embeddings before Keras' "
        "optimizer.apply; or an optimizer without squares, such as SGD",
        {"do": "optimizer", "fix": "sparse_gradients"},
        stage="step",
    )


_FINDS: Mapping[str, Find] = {
    "batch_norm": _batch_norm,
    "layer_norm": _epsilon,
    "rms_norm": _epsilon,
    "group_norm": _group_norm,
    "embedding": _embedding,
    "simple_rnn": recurrent,
    "lstm": recurrent,
    "gru": recurrent,
    "gru_reset_before": recurrent,
    "multi_head_attention": attention,
}
"""By neutral kind, without `depthwise_` or `bidirectional_` before it."""
