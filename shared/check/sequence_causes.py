"""What two recurrent or attention layers may do differently, and the remedies."""

from __future__ import annotations

from collections.abc import Iterator

from shared.check.answers import Array
from shared.check.candidate import INVISIBLE, Candidate, Repair, Settings, number
from shared.check.layer_candidate import as_keras, make
from shared.check.pairing import Pair


def recurrent(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    """Axes, rules, activations, and the second bias that PyTorch trains."""
    if torch.get("batch_first") is False:
        yield make(
            pair,
            "rnn_batch_first",
            "batch first",
            "time first",
            "batch_first=True in PyTorch",
            as_keras(pair, {"batch_first": True}),
        )
    for key, id in _RNN:
        ours, theirs = keras.get(key), torch.get(key)
        if ours is not None and theirs is not None and ours != theirs:
            yield make(
                pair,
                id,
                f"{key} {number(ours)}",
                f"{key} {number(theirs)}",
                _RNN_REMEDIES[id].format(ours=number(ours)),
                as_keras(pair, {key: ours}),
                *([_second_bias(pair)] if id == "gru_reset_after" else []),
            )
    if pair.keras.kind.endswith(("simple_rnn", "lstm")):
        yield make(
            pair,
            "rnn_second_bias",
            "one bias",
            "bias_ih and bias_hh, both trained: the sum moves twice as far",
            "set bias_hh to zero and freeze it: bias_hh_l0.requires_grad_(False)",
            _second_bias(pair),
            stage="step",
        )


def masked(pair: Pair, keras: Settings, mask: Array) -> Iterator[Candidate]:
    """Of a recurrent layer that Keras gives a mask, of shape (batch, time)."""
    if pair.keras.kind.endswith(("simple_rnn", "lstm", "gru", "gru_reset_before")):
        rule = {"mask": mask.tolist(), "zero_output": keras.get("zero_output", False)}
        yield make(
            pair,
            "rnn_mask",
            "masked: padded steps leave the state as it is",
            "every step counts",
            "pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False) "
            "before PyTorch's layer, and h_n for the last step; or no mask in Keras",
            as_keras(pair, rule),
        )


def _second_bias(pair: Pair) -> Repair:
    """Not trained, as Keras has none."""
    return {"do": "freeze", "order": pair.torch.order, "tensors": ["bias_hh"]}


_RNN = (
    ("reset_after", "gru_reset_after"),
    ("activation", "rnn_activation"),
    ("recurrent_activation", "rnn_activation"),
    ("go_backwards", "rnn_direction"),
)
_RNN_REMEDIES = {
    "gru_reset_after": "reset_after=True in Keras; PyTorch's GRU has no other form, so "
    "the way back is a loop of your own over the steps",
    "rnn_activation": "nonlinearity={ours!r} in PyTorch's RNN; an LSTM or GRU with "
    "another activation takes a loop of your own over the steps",
    "rnn_direction": "x.flip(1) before PyTorch's layer",
}


def attention(pair: Pair, keras: Settings, torch: Settings) -> Iterator[Candidate]:
    """Axes, masks, and the constant that Keras rounds."""
    if torch.get("batch_first") is False:
        yield make(
            pair,
            "attention_batch_first",
            "batch first",
            "time first",
            "batch_first=True in PyTorch",
            as_keras(pair, {"batch_first": True}),
        )
    yield make(
        pair,
        "attention_mask",
        "True keeps",
        "True drops",
        "~mask in PyTorch's nn.MultiheadAttention",
        as_keras(pair, {"invert_mask": True}),
    )
    yield make(
        pair,
        "attention_scale",
        "1 / sqrt(key_dim) rounded to float32",
        "in full precision",
        "none needed: it is below what float32 can show; a key_dim that is a power of "
        "4 makes it exact",
        as_keras(pair, {"float32_scale": True}),
        most=INVISIBLE,
    )
