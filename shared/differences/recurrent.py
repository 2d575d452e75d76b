"""Recurrent layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.differences.difference import Difference, draw

UNITS = 3


def _layer(slug: str, gates: int, biases: int = 1) -> dict[str, NDArray]:
    """A batch of 4 sequences, 5 steps of 2 features, and weights as Keras keeps them.

    Args:
        slug: the row's.
        gates: how many blocks of `UNITS` columns the kernels have.
        biases: rows of the bias, which is a vector if there is one.
    """
    bias = 0.5 * draw(slug, "bias", biases, gates * UNITS)
    return {
        "x": draw(slug, "x", 4, 5, 2),
        "kernel": 0.7 * draw(slug, "kernel", 2, gates * UNITS),
        "recurrent": 0.7 * draw(slug, "recurrent", UNITS, gates * UNITS),
        "bias": bias if biases > 1 else bias[0],
    }


def _both_ways() -> dict[str, NDArray]:
    forward = _layer("bidirectional_output", 1)
    backward = _layer("bidirectional_output, backward", 1)
    own = {f"backward_{name}": backward[name] for name in backward if name != "x"}
    return forward | own


ROWS = (
    Difference(
        slug="rnn_batch_first",
        title="Recurrent layers: the axis of time",
        keras="takes (batch, time, features)",
        torch="takes (time, batch, features), and says nothing if it gets the other",
        remedy="nn.RNN(features, units, batch_first=True), also LSTM and GRU",
        inputs=lambda: _layer("rnn_batch_first", 1),
        defaults={"torch": {"batch_first": False}},
        least=0.1,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html",
    ),
    Difference(
        slug="rnn_output",
        title="Recurrent layers: what is returned",
        keras="the output of the last step",
        torch="the outputs of all steps, and the last state",
        remedy="output[:, -1], or return_sequences=True in Keras",
        inputs=lambda: _layer("rnn_output", 1),
        defaults={"tf": {"return_sequences": False}},
        least=0.1,
        source="https://keras.io/api/layers/recurrent_layers/simple_rnn/",
    ),
    Difference(
        slug="rnn_two_biases",
        title="SimpleRNN and LSTM: one bias or two",
        keras="has one bias",
        torch="adds bias_ih and bias_hh; both learn, so their sum learns twice as fast",
        remedy="zero bias_hh and freeze it: layer.bias_hh_l0.requires_grad_(False)",
        inputs=lambda: _layer("rnn_two_biases", 1),
        least=0.05,
        source="https://stackoverflow.com/questions/48361376",
    ),
    Difference(
        slug="lstm_gates",
        title="LSTM: the order of the gates (equal)",
        keras="input, forget, candidate, output, in columns",
        torch="input, forget, candidate, output, in rows",
        remedy="transpose both kernels, zero and freeze bias_hh",
        inputs=lambda: _layer("lstm_gates", 4),
        least=0,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html",
    ),
    Difference(
        slug="lstm_start",
        title="LSTM: the initial weights",
        keras="Glorot uniform, orthogonal recurrent kernel, biases 0, forget gate's 1",
        torch="all uniform in +-1 / sqrt(units), the biases too",
        remedy="xavier_uniform_, orthogonal_, zeros_; bias_ih[units : 2 * units] is 1",
        inputs=lambda: {"size": np.array([60, 40])},
        defaults={
            "tf": {
                "kernel_initializer": "GlorotUniform",
                "recurrent_initializer": "Orthogonal",
                "bias_initializer": "Zeros",
                "unit_forget_bias": True,
            }
        },
        # The largest of 9600 draws is not quite the bound.
        tolerance=1e-3,
        least=0.1,
        source="https://keras.io/api/layers/recurrent_layers/lstm/",
    ),
    Difference(
        slug="gru_gates",
        title="GRU: the order of the gates",
        keras="update, reset, candidate, in columns",
        torch="reset, update, candidate, in rows",
        remedy="swap the first two blocks of all four, transpose; bias[0] is bias_ih",
        inputs=lambda: _layer("gru_gates", 3, 2),
        least=0.05,
        source="https://github.com/keras-team/keras/issues/15915",
    ),
    Difference(
        slug="gru_reset_after",
        title="GRU: reset before or after the product",
        keras="reset_after=True resets the product; False, the paper's form, the state",
        torch="always resets the product",
        remedy="none for reset_after=False but a loop over the steps; keep it True",
        inputs=lambda: _layer("gru_reset_after", 3),
        defaults={"tf": {"reset_after": True}},
        least=0.01,
        source="https://keras.io/api/layers/recurrent_layers/gru/",
    ),
    Difference(
        slug="bidirectional_output",
        title="Bidirectional layers: the last output",
        keras="joins the two outputs that have read the whole sequence",
        torch="output[:, -1] holds the backward layer's first step, after one input",
        remedy="torch.cat((h_n[0], h_n[1]), dim=-1)",
        inputs=_both_ways,
        defaults={"tf": {"merge_mode": "concat"}},
        least=0.1,
        source="https://keras.io/api/layers/recurrent_layers/bidirectional/",
    ),
    Difference(
        slug="rnn_dropout",
        title="Recurrent layers: dropout",
        keras="drops inputs, one mask for all steps of a sequence",
        torch="drops only between stacked layers: in a single layer, nothing",
        remedy="x * F.dropout(torch.ones(n, 1, features), p); recurrent_dropout: none",
        inputs=lambda: {"x": np.ones((4, 5, 2)), "kernel": np.eye(2)},
        least=0.1,
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.RNN.html",
    ),
    Difference(
        slug="rnn_padding",
        title="Recurrent layers: padded sequences",
        keras="Masking and Embedding(mask_zero=True) hold the state over padded steps",
        torch="runs on over the padding",
        remedy="h_n, given pack_padded_sequence(x, lengths, enforce_sorted=False, ...)",
        inputs=lambda: _layer("rnn_padding", 1) | {"lengths": np.array([2, 5, 3, 4])},
        least=0.1,
        source="https://keras.io/guides/understanding_masking_and_padding/",
    ),
)
