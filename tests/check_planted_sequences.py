"""Planted mistakes in models of sequences, and in one with two inputs."""

from __future__ import annotations

from check_planted import keras, plant, port, torch

_CAT = "torch.cat([h[0], h[1]], dim=-1)"
_BOTH = 'both = layers.Concatenate(name="both")([x, y])'
_JOIN = "both = torch.cat([x, self.norm(y)], dim=1)"

LSTM = (
    plant("lstm", "time first", "forward", "rnn_batch_first@lstm", torch(", batch_first=True", "")),
    plant("lstm", "second bias trained", "step", "rnn_second_bias@lstm", torch(".requires_grad_(False)", "")),
    plant("lstm", "first step in place of the last", "forward", "unexplained@lstm_2", torch("x[:, -1]", "x[:, 0]")),
    plant("lstm", "row of the padding not trained", "gradient", "embedding_padding@embedding", torch("nn.Embedding(20, 6)", "nn.Embedding(20, 6, padding_idx=0)")),
    plant("lstm", "padding masked in Keras", "forward", "rnn_mask@lstm_2", keras("layers.Embedding(20, 6,", "layers.Embedding(20, 6, mask_zero=True,")),
    plant("lstm", "dropout rate", "spec", "dropout_rate@dropout", torch("x[:, -1], 0.5", "x[:, -1], 0.25")),
    plant("lstm", "dropout in inference", "repeat", "dropout_active@dropout", torch(", training=self.training", "")),
    plant("lstm", "softmax over the batch", "forward", "softmax_axis@classes", torch("dim=-1", "dim=0")),
    plant("lstm", "no softmax", "forward", "activation_missing@classes", torch("F.softmax(self.classes(x), dim=-1)", "self.classes(x)")),
    plant("lstm", "logarithm of the softmax", "forward", "activation@classes", torch("F.softmax(self", "F.log_softmax(self")),
    plant("lstm", "softmax twice", "forward", "activation_extra@lstm_torch", torch("return F.softmax(self.classes(x), dim=-1)", "x = F.softmax(self.classes(x), dim=-1)\n        return F.softmax(x, dim=-1)")),
    plant("lstm", "bias not ported", "weights", "weights@lstm_1", port('put(f"lstm.bias_ih_l{level}", bias)', 'put(f"lstm.bias_ih_l{level}", 0 * bias)')),
    plant("lstm", "a layer too few", "spec", "unpaired_layer@lstm", keras('layers.LSTM(8, return_sequences=True, name="lstm_1"),', "")),
    plant("lstm", "backwards in Keras", "forward", "rnn_direction@lstm_1", keras('name="lstm_1"', 'name="lstm_1", go_backwards=True')),
    plant("lstm", "activation within", "forward", "rnn_activation@lstm_1", keras('name="lstm_1"', 'name="lstm_1", activation="sigmoid"')),
    plant("lstm", "dropout between the layers", "spec", "dropout_rate@lstm", torch("num_layers=2", "num_layers=2, dropout=0.25")),
    plant("lstm", "a factor on the embedding", "forward", "unexplained@embedding", torch("self.embedding(tokens)", "self.embedding(tokens) * 1.0001")),
    plant("lstm", "softmax over the batch and no relu", "forward", "softmax_axis@classes, activation_missing@hidden", torch("dim=-1", "dim=0"), torch("F.relu(self.hidden(x))", "self.hidden(x)")),
)

GRU = (
    plant("gru", "gates not swapped", "weights", "weights@gru", port("[r, z, h]", "[z, r, h]")),
    plant("gru", "recurrent bias not ported", "weights", "weights@gru", port("    module.gru.bias_hh_l0.copy_(torch.tensor(swapped(bias[1])))\n", "")),
    plant("gru", "reset before", "forward", "gru_reset_after@gru", keras("layers.GRU(7,", "layers.GRU(7, reset_after=False,")),
    plant("gru", "padded on both sides", "forward", "conv_padding@conv", torch("(4, 0)", "(2, 2)")),
    plant("gru", "not padded", "forward", "conv_padding@conv", torch("F.pad(x, (4, 0))", "x")),
    plant("gru", "dilation", "forward", "conv_dilation@conv", torch("dilation=2", "dilation=1"), torch("(4, 0)", "(2, 0)")),
    plant("gru", "epsilon of the layer norm", "forward", "layer_norm_epsilon@norm", keras("epsilon=1e-5, ", "")),
    plant("gru", "time first", "forward", "rnn_batch_first@gru", torch("nn.GRU(6, 7, batch_first=True)", "nn.GRU(6, 7)"), torch("h[-1]", "x[:, -1]")),
    plant("gru", "reshaped in place of turned", "forward", "flatten_order@conv", torch("self.gru(x.transpose(1, 2))", "self.gru(x.reshape(-1, 7, 6))")),
    plant("gru", "another activation", "forward", "activation@conv", torch("F.relu", "F.gelu")),
    plant("gru", "activation within", "forward", "rnn_activation@gru", keras("layers.GRU(7,", 'layers.GRU(7, activation="relu",')),
    plant("gru", "backwards in Keras", "forward", "rnn_direction@gru", keras("layers.GRU(7,", "layers.GRU(7, go_backwards=True,")),
    plant("gru", "state detached", "gradient", "unexplained@gru", torch("self.norm(h[-1])", "self.norm(h[-1].detach())")),
    plant("gru", "zero by zero", "forward", "unexplained@gru", torch("self.norm(h[-1])", "self.norm(h[-1] * 0 / 0)")),
    plant("gru", "no bias", "spec", "missing_bias@gru", torch("nn.GRU(6, 7,", "nn.GRU(6, 7, bias=False,")),
    plant("gru", "dilation with its padding, and epsilon", "forward", "conv_dilation@conv, layer_norm_epsilon@norm", torch("dilation=2", "dilation=1"), torch("(4, 0)", "(1, 1)"), keras("epsilon=1e-5, ", "")),
)

BIDIRECTIONAL = (
    plant("bidirectional", "last step of both directions", "forward", "rnn_last_step@bidirectional_2", torch("_, (h, _) = self.lstm2(x)", "x, _ = self.lstm2(x)"), torch(_CAT, "x[:, -1]")),
    plant("bidirectional", "directions in the other order", "forward", "concatenate_order@torch", torch("[h[0], h[1]]", "[h[1], h[0]]")),
    plant("bidirectional", "time first", "forward", "rnn_batch_first@bidirectional_1", torch("nn.LSTM(5, 6, bidirectional=True, batch_first=True)", "nn.LSTM(5, 6, bidirectional=True)")),
    plant("bidirectional", "second bias trained", "step", "rnn_second_bias@bidirectional_1", torch(".requires_grad_(False)", "")),
    plant("bidirectional", "no activation", "forward", "activation_missing@hidden", torch("self.hidden(x).relu()", "self.hidden(x)")),
    plant("bidirectional", "relu of a plain recurrent net", "forward", "rnn_activation@bidirectional_1", keras("layers.LSTM(6,", 'layers.SimpleRNN(6, activation="relu",'), torch("nn.LSTM(5, 6,", "nn.RNN(5, 6,")),
    plant("bidirectional", "reset before", "forward", "gru_reset_after@bidirectional_1", keras("layers.LSTM(6,", "layers.GRU(6, reset_after=False,"), torch("nn.LSTM(5, 6,", "nn.GRU(5, 6,")),
    plant("bidirectional", "reversed input", "forward", "unexplained@bidirectional_1", torch("self.lstm1(x)", "self.lstm1(x.flip(1))")),
    plant("bidirectional", "detached between", "gradient", "unexplained@bidirectional_1", torch("self.lstm2(x)", "self.lstm2(x.detach())")),
    plant("bidirectional", "a factor between", "forward", "unexplained@bidirectional_1", torch("self.lstm2(x)", "self.lstm2(x * 1.0001)")),
    plant("bidirectional", "time first and no activation", "forward", "rnn_batch_first@bidirectional_1, activation_missing@hidden", torch("nn.LSTM(5, 6, bidirectional=True, batch_first=True)", "nn.LSTM(5, 6, bidirectional=True)"), torch("self.hidden(x).relu()", "self.hidden(x)")),
)

TRANSFORMER = (
    plant("transformer", "the mask drops what it should keep", "forward", "attention_mask@mha", torch("tokens == 0", "tokens != 0")),
    plant("transformer", "the mask in Keras", "forward", "attention_mask@mha", keras("not_equal", "equal")),
    plant("transformer", "time first", "forward", "attention_batch_first@mha", torch(", batch_first=True", ""), torch(", key_padding_mask=padding", ""), keras(", attention_mask=keep", "")),
    plant("transformer", "epsilon of one norm", "forward", "layer_norm_epsilon@norm_1", keras('epsilon=1e-5, name="norm_1"', 'name="norm_1"')),
    plant("transformer", "gelu by tanh", "forward", "activation_setting@dense_1", keras('"relu"', '"gelu"'), torch("F.relu(self.linear1(x))", 'F.gelu(self.linear1(x), approximate="tanh")')),
    plant("transformer", "gelu in place of relu", "forward", "activation@dense_1", torch("F.relu", "F.gelu")),
    plant("transformer", "norm before the sum", "forward", "unexplained@transformer_keras.py", torch("self.norm1(x + attended)", "x + self.norm1(attended)")),
    plant("transformer", "first token in place of the mean", "forward", "unexplained@head", torch("x.mean(dim=1)", "x[:, 0]")),
    plant("transformer", "one head of 8", "", "attention_scale@mha", keras("Block(8, 2, 20", "Block(8, 1, 20"), torch("Block(8, 2, 20)", "Block(8, 1, 20)")),
    plant("transformer", "embedding scaled", "forward", "unexplained@transformer_keras.py", torch("self.embedding(tokens)", "self.embedding(tokens) * 8**0.5")),
    plant("transformer", "no sum", "forward", "unexplained@dense_2", torch("x + self.linear2(", "self.linear2(")),
    plant("transformer", "dropout of the attention", "spec", "dropout_rate@mha", torch("nn.MultiheadAttention(size, heads,", "nn.MultiheadAttention(size, heads, dropout=0.25,")),
    plant("transformer", "key_dim of all heads", "spec", "unpaired_layer@mha", keras("size // heads", "size")),
    plant("transformer", "kernels ported without transposing", "weights", "weights@mha", port("k.reshape(8, 8).T", "k.reshape(8, 8)")),
    plant("transformer", "output kernel ported without transposing", "weights", "weights@mha", port("kernel.reshape(8, 8).T", "kernel.reshape(8, 8)")),
    plant("transformer", "positions not ported", "weights", "weights@position", port("    put(module.position, model.position)\n", "")),
    plant("transformer", "row of the padding not trained", "gradient", "embedding_padding@embedding", torch("nn.Embedding(23, 8)", "nn.Embedding(23, 8, padding_idx=0)")),
    plant("transformer", "a norm left out", "spec", "unpaired_layer@norm_2", torch("        self.norm2 = nn.LayerNorm(size)\n", ""), torch("return self.norm2(x + self.linear2(F.relu(self.linear1(x))))", "return x + self.linear2(F.relu(self.linear1(x)))")),
    plant("transformer", "no bias in the attention", "spec", "missing_bias@mha", torch("nn.MultiheadAttention(size, heads,", "nn.MultiheadAttention(size, heads, bias=False,")),
    plant("transformer", "mask, epsilon and activation", "forward", "attention_mask@mha, layer_norm_epsilon@norm_1, activation@dense_1", torch("tokens == 0", "tokens != 0"), keras('epsilon=1e-5, name="norm_1"', 'name="norm_1"'), torch("F.relu", "F.gelu")),
)

TWO_INPUTS = (
    plant("two_inputs", "the other order", "forward", "concatenate_order@both", torch("[x, self.norm(y)]", "[self.norm(y), x]")),
    plant("two_inputs", "another axis", "forward", "concatenate_axis@both", keras(_BOTH, 'x, y = layers.Reshape((2, 3))(x), layers.Reshape((2, 3))(y)\n    both = layers.Concatenate(axis=1, name="both")([x, y])\n    both = layers.Flatten()(both)'), torch(_JOIN, "x, y = x.view(-1, 2, 3), self.norm(y).view(-1, 2, 3)\n        both = torch.cat([x, y], dim=2).flatten(1)")),
    plant("two_inputs", "epsilon of the norm", "forward", "rms_norm_epsilon@rms_norm", torch(", eps=1e-6", "")),
    plant("two_inputs", "beta of softplus", "forward", "activation_setting@table_features", torch("(0.5 * table - 1.0))", "(0.5 * table - 1.0), beta=2)")),
    plant("two_inputs", "input not shifted", "forward", "unexplained@table_features", torch("0.5 * table - 1.0", "0.5 * table")),
    plant("two_inputs", "softmax over the batch", "forward", "softmax_axis@kind", torch("F.softmax(self.kind(shared), dim=1)", "F.softmax(self.kind(shared), dim=0)")),
    plant("two_inputs", "another activation", "forward", "activation@shared", torch("torch.tanh", "torch.sigmoid")),
    plant("two_inputs", "no activation", "forward", "activation_missing@conv", torch("F.relu(self.conv(image))", "self.conv(image)")),
    plant("two_inputs", "max in place of average", "forward", "pooling@pool", torch("adaptive_avg_pool2d", "adaptive_max_pool2d")),
    plant("two_inputs", "no bias", "spec", "missing_bias@price", torch("nn.Linear(9, 1)", "nn.Linear(9, 1, bias=False)")),
    plant("two_inputs", "kernel turned", "spec", "unpaired_layer@conv", torch("(2, 3)", "(3, 2)")),
    plant("two_inputs", "frozen", "spec", "frozen@price", torch("self.price = nn.Linear(9, 1)", "self.price = nn.Linear(9, 1).requires_grad_(False)")),
    plant("two_inputs", "one branch detached", "gradient", "unexplained@image_features", torch("x = self.image_features(x)", "x = self.image_features(x).detach()")),
    plant("two_inputs", "order, activation and softmax", "forward", "concatenate_order@both, activation@shared, softmax_axis@kind", torch("[x, self.norm(y)]", "[self.norm(y), x]"), torch("torch.tanh", "torch.sigmoid"), torch("F.softmax(self.kind(shared), dim=1)", "F.softmax(self.kind(shared), dim=0)")),
)

PLANTED = (*LSTM, *GRU, *BIDIRECTIONAL, *TRANSFORMER, *TWO_INPUTS)
