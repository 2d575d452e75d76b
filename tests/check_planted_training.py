"""Planted mistakes in losses and optimizers."""

from __future__ import annotations

from check_planted import keras, plant, torch

_SCCE = "keras.losses.SparseCategoricalCrossentropy(from_logits=True)"
_PROBABILITIES = "keras.losses.SparseCategoricalCrossentropy()"
_MSE = "keras.losses.MeanSquaredError()"
_BCE = "keras.losses.BinaryCrossentropy(from_logits=True)"


def _sgd(ours: str, theirs: str) -> tuple[str, str]:
    return f"keras.optimizers.SGD({ours})", f"lambda p: torch.optim.SGD(p, {theirs})"


def _rule(name: str, ours: str, theirs: str) -> tuple[str, str]:
    return (
        f"keras.optimizers.{name}({ours})",
        f"lambda p: torch.optim.{name}(p, {theirs})",
    )


LOSSES = (
    plant("mlp", "logits taken for probabilities in Keras", "loss", "loss_logits@loss", loss=(_PROBABILITIES, "nn.CrossEntropyLoss()")),
    plant("mlp", "softmax before CrossEntropyLoss", "loss", "loss_logits@loss", keras('layers.Dense(3, name="logits")', 'layers.Dense(3, activation="softmax", name="logits")'), torch("return self.fc3(x)", "return self.fc3(x).softmax(-1)"), loss=(_PROBABILITIES, "nn.CrossEntropyLoss()")),
    plant("lstm", "probabilities given to CrossEntropyLoss", "loss", "loss_logits@loss", loss=(_PROBABILITIES, "nn.CrossEntropyLoss()")),
    plant("autoencoder", "probabilities given to BCEWithLogitsLoss", "loss", "loss_logits@loss", loss=("keras.losses.BinaryCrossentropy()", "nn.BCEWithLogitsLoss()")),
    plant("cnn", "sum in place of mean", "loss", "loss_reduction@loss", loss=(_SCCE, 'nn.CrossEntropyLoss(reduction="sum")')),
    plant("autoencoder", "sum of squares", "loss", "loss_reduction@loss", loss=(_MSE, 'nn.MSELoss(reduction="sum")')),
    plant("resnet", "labels smoothed in PyTorch", "loss", "loss_smoothing@loss", loss=(_SCCE, "nn.CrossEntropyLoss(label_smoothing=0.125)")),
    plant("bidirectional", "labels smoothed in Keras", "loss", "loss_smoothing@loss", loss=("keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.125)", "nn.BCEWithLogitsLoss()")),
    plant("autoencoder", "absolute in place of squared", "loss", "loss_other@loss", loss=(_MSE, "nn.L1Loss()")),
    plant("two_inputs", "delta of Huber's loss", "loss", "loss_other@loss", loss=("keras.losses.Huber(0.25)", "nn.HuberLoss()")),
    plant("bidirectional", "(N, 1) against (N,)", "loss", "loss_shape@loss", loss=(_MSE, "nn.MSELoss()"), target=(3,)),
)

OPTIMIZERS = (
    plant("mlp", "rates by default", "step", "learning_rate@optimizer", optimizer=("keras.optimizers.SGD()", "lambda p: torch.optim.SGD(p)")),
    plant("transformer", "half the rate", "step", "learning_rate@optimizer", optimizer=_sgd("0.125", "lr=0.0625")),
    plant("gru", "rate and epsilon of Adam", "step", "learning_rate@optimizer, optimizer_epsilon@optimizer, epsilon_place@optimizer", optimizer=_rule("Adam", "0.125", "lr=0.0625")),
    plant("mlp", "Adam's epsilon", "step", "optimizer_epsilon@optimizer, epsilon_place@optimizer", optimizer="adam"),
    plant("cnn", "Adam with one epsilon", "step", "epsilon_place@optimizer", optimizer=_rule("Adam", "0.125, epsilon=2**-20", "lr=0.125, eps=2**-20")),
    plant("lstm", "RMSprop's epsilon, and its sparse gradients", "step", "epsilon_place@optimizer, sparse_gradients@embedding", optimizer=("keras.optimizers.RMSprop(0.0625, rho=0.875, epsilon=2**-10)", "lambda p: torch.optim.RMSprop(p, lr=0.0625, alpha=0.875, eps=2**-10)")),
    plant("separable", "RMSprop's rho", "step", "optimizer_setting@optimizer, epsilon_place@optimizer", optimizer=("keras.optimizers.RMSprop(0.0625, rho=0.875, epsilon=2**-10)", "lambda p: torch.optim.RMSprop(p, lr=0.0625, eps=2**-10)")),
    plant("autoencoder", "Adagrad's epsilon", "step", "epsilon_place@optimizer", optimizer=("keras.optimizers.Adagrad(0.0625, initial_accumulator_value=0.125, epsilon=2**-10)", "lambda p: torch.optim.Adagrad(p, lr=0.0625, initial_accumulator_value=0.125, eps=2**-10)")),
    plant("two_inputs", "Adagrad's accumulator", "step", "optimizer_setting@optimizer, epsilon_place@optimizer", optimizer=("keras.optimizers.Adagrad(0.0625, epsilon=2**-10)", "lambda p: torch.optim.Adagrad(p, lr=0.0625, eps=2**-10)")),
    plant("mlp", "momentum forgotten", "step", "optimizer_setting@optimizer", optimizer=_sgd("0.125, momentum=0.875", "lr=0.125")),
    plant("cnn", "Nesterov forgotten", "step", "optimizer_setting@optimizer", optimizer=_sgd("0.125, momentum=0.875, nesterov=True", "lr=0.125, momentum=0.875")),
    plant("gru", "beta_1", "step", "optimizer_setting@optimizer, optimizer_epsilon@optimizer, epsilon_place@optimizer", optimizer=_rule("Adam", "0.125, beta_1=0.75", "lr=0.125")),
    plant("bidirectional", "Adam in place of SGD", "step", "optimizer_rule@optimizer", optimizer=("keras.optimizers.SGD(0.125)", "lambda p: torch.optim.Adam(p, lr=0.125)")),
    plant("transformer", "decay coupled to the momentum", "step", "weight_decay@optimizer", optimizer=_sgd("0.125, momentum=0.875, weight_decay=2**-6", "lr=0.125, momentum=0.875, weight_decay=2**-6")),
    plant("two_inputs", "decay forgotten", "step", "weight_decay@optimizer", optimizer=_sgd("0.125, weight_decay=2**-6", "lr=0.125")),
    plant("mlp", "Adam's decay coupled", "step", "weight_decay@optimizer, optimizer_epsilon@optimizer, epsilon_place@optimizer", optimizer=_rule("Adam", "0.125, weight_decay=2**-6", "lr=0.125, weight_decay=2**-6")),
    plant("mlp", "AdamW by default", "step", "weight_decay@optimizer, optimizer_epsilon@optimizer, epsilon_place@optimizer", optimizer="adamw:0.125"),
    plant("resnet", "gradients clipped by norm in Keras", "step", "clipping@optimizer", optimizer=_sgd("0.125, clipnorm=0.0625", "lr=0.125")),
    plant("lstm", "gradients clipped together in Keras", "step", "clipping@optimizer", optimizer=_sgd("0.125, global_clipnorm=0.0625", "lr=0.125")),
    plant("autoencoder", "gradients clipped by value in Keras", "step", "clipping@optimizer", optimizer=_sgd("0.125, clipvalue=0.0009765625", "lr=0.125")),
    plant("mlp", "momentum under a schedule", "step", "momentum_schedule@optimizer", optimizer=("keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.125, 1, 0.5), momentum=0.875)", "lambda p: halved(torch.optim.SGD(p, lr=0.125, momentum=0.875))")),
    plant("separable", "a momentum that float32 has not", "", "float32_hyperparameters@optimizer", optimizer="momentum:0.125"),
)

MIXED = (
    plant("resnet", "batch norm by default and Adam", "forward", "batch_norm_epsilon@stem_bn, batch_norm_momentum@stem_bn, batch_norm_variance@stem_bn, optimizer_epsilon@optimizer, epsilon_place@optimizer", torch("super().__init__(features, eps=1e-3, momentum=0.01)", "super().__init__(features)"), torch("if not self.training:", "if True:"), optimizer="adam"),
    plant("gru", "epsilon and label smoothing", "forward", "layer_norm_epsilon@norm, loss_smoothing@loss", keras("epsilon=1e-5, ", ""), loss=(_SCCE, "nn.CrossEntropyLoss(label_smoothing=0.125)")),
    plant("lstm", "second bias and rate", "step", "rnn_second_bias@lstm, learning_rate@optimizer", torch(".requires_grad_(False)", ""), optimizer=_sgd("0.125", "lr=0.0625")),
)

PLANTED = (*LOSSES, *OPTIMIZERS, *MIXED)
