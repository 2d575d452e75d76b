"""Planted mistakes in models of tables and images."""

from __future__ import annotations

from check_planted import keras, plant, port, torch

_POOL = "x = self.pool(F.pad(x, (0, 1), value=-torch.inf))"
_BN = "super().__init__(features, eps=1e-3, momentum=0.01)"
_UNBIASED = torch("if not self.training:", "if True:")

MLP = (
    plant("mlp", "another activation", "forward", "activation@hidden", torch("nn.ReLU()", "nn.Tanh()")),
    plant("mlp", "leaky in place of plain", "forward", "activation@hidden", torch("nn.ReLU()", "nn.LeakyReLU()")),
    plant("mlp", "no activation", "forward", "activation_missing@hidden", torch("nn.ReLU()", "nn.Identity()")),
    plant("mlp", "tanh left out", "forward", "activation_missing@square", torch("torch.tanh(self.fc2(x))", "self.fc2(x)")),
    plant("mlp", "no activation in Keras", "forward", "activation_extra@act", keras('activation="relu", ', "")),
    plant("mlp", "activation after the logits", "forward", "activation_extra@torch", torch("return self.fc3(x)", "return torch.relu(self.fc3(x))")),
    plant("mlp", "gelu by tanh", "forward", "activation_setting@hidden", keras('"relu"', '"gelu"'), torch("nn.ReLU()", 'nn.GELU("tanh")')),
    plant("mlp", "gelu in both", "", "gelu_constant@hidden", keras('"relu"', '"gelu"'), torch("nn.ReLU()", "nn.GELU()")),
    plant("mlp", "leaky slopes by default", "forward", "activation_setting@hidden", keras('"relu"', '"leaky_relu"'), torch("nn.ReLU()", "nn.LeakyReLU()")),
    plant("mlp", "alpha of elu", "forward", "activation_setting@hidden", keras('"relu"', '"elu"'), torch("nn.ReLU()", "nn.ELU(0.5)")),
    plant("mlp", "dropout rate", "spec", "dropout_rate@drop", torch("nn.Dropout(0.25)", "nn.Dropout(0.5)")),
    plant("mlp", "no bias", "spec", "missing_bias@logits", torch("nn.Linear(12, 3)", "nn.Linear(12, 3, bias=False)")),
    plant("mlp", "a layer too many", "spec", "unpaired_layer@fc4", torch("self.fc3 =", "self.fc4 = nn.Linear(3, 3)\n        self.fc3 ="), torch("return self.fc3(x)", "return self.fc4(self.fc3(x))")),
    plant("mlp", "a layer too few", "spec", "unpaired_layer@fc2", keras('layers.Dense(12, activation="tanh", name="square"),', "")),
    plant("mlp", "another width", "spec", "unpaired_layer@logits", torch("nn.Linear(12, 3)", "nn.Linear(12, 4)")),
    plant("mlp", "frozen in PyTorch", "spec", "frozen@hidden", torch("return Perceptron()", "model = Perceptron()\n    model.fc1.requires_grad_(False)\n    return model")),
    plant("mlp", "frozen in Keras", "spec", "frozen@square", keras('name="square"', 'name="square", trainable=False')),
    plant("mlp", "detached", "gradient", "unexplained@square", torch("x = self.drop(x)", "x = self.drop(x).detach()")),
    plant("mlp", "log of negative numbers", "forward", "unexplained@logits", torch("return self.fc3(x)", "return torch.log(self.fc3(x))")),
    plant("mlp", "a factor after a layer", "forward", "unexplained@square", torch("torch.tanh(self.fc2(x))", "1.0001 * torch.tanh(self.fc2(x))")),
    plant("mlp", "a factor on the input", "forward", "unexplained@hidden", torch("self.act(self.fc1(x))", "self.act(self.fc1(1.0001 * x))")),
    plant("mlp", "square kernel not transposed", "weights", "weights@square", port("kernel.T", "kernel if len(kernel) == 12 == len(bias) else kernel.T")),
    plant("mlp", "bias not ported", "weights", "weights@hidden", port("linear.bias.copy_(torch.tensor(bias))", "linear.bias.zero_()")),
    plant("mlp", "activation wrong and none", "forward", "activation@hidden, activation_missing@square", torch("nn.ReLU()", "nn.Sigmoid()"), torch("torch.tanh(self.fc2(x))", "self.fc2(x)")),
)

CNN = (
    plant("cnn", "symmetric padding", "forward", "conv_padding@conv_1", torch("nn.Conv2d(3, 6, 3, stride=2)", "nn.Conv2d(3, 6, 3, stride=2, padding=1)"), torch("F.pad(x, (0, 1, 1, 1))", "x")),
    plant("cnn", "padded at the wrong end", "forward", "conv_padding@conv_1", torch("(0, 1, 1, 1)", "(1, 0, 1, 1)")),
    plant("cnn", "padded by reflection", "forward", "conv_padding@conv_2", torch("nn.Conv2d(6, 8, 3, padding=1)", 'nn.Conv2d(6, 8, 3, padding=1, padding_mode="reflect")')),
    plant("cnn", "dilation", "forward", "conv_dilation@conv_2", keras('layers.Conv2D(8, 3, padding="same"', 'layers.Conv2D(8, 3, dilation_rate=2, padding="same"'), torch("nn.Conv2d(6, 8, 3, padding=1)", 'nn.Conv2d(6, 8, 3, padding="same")')),
    plant("cnn", "pool padded at the front", "forward", "pool_padding@max_pool", torch("(0, 1), value", "(1, 0), value")),
    plant("cnn", "average counts the padding", "forward", "pool_average_padding@smooth", torch(", count_include_pad=False", "")),
    plant("cnn", "window of the average", "forward", "pool_window@smooth", torch("nn.AvgPool2d(3, stride=1, padding=1", "nn.AvgPool2d(5, stride=1, padding=2")),
    plant("cnn", "max in place of average", "forward", "pooling@smooth", torch("nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)", "nn.MaxPool2d(3, stride=1, padding=1)")),
    plant("cnn", "a pool left out", "forward", "unexplained@flatten", torch("        x = self.smooth(x)\n", "")),
    plant("cnn", "flattened with channels first", "forward", "flatten_order@flatten", torch("x.permute(0, 2, 3, 1).flatten(1)", "x.flatten(1)")),
    plant("cnn", "flattened by reshape", "forward", "flatten_order@flatten", torch("x.permute(0, 2, 3, 1).flatten(1)", "x.reshape(x.size(0), -1)")),
    plant("cnn", "width before height", "forward", "flatten_order@flatten", torch("permute(0, 2, 3, 1)", "permute(0, 3, 2, 1)")),
    plant("cnn", "no activation", "forward", "activation_missing@conv_2", torch("F.relu(self.conv2(x))", "self.conv2(x)")),
    plant("cnn", "another activation", "forward", "activation@conv_1", torch("F.relu(self.conv1", "torch.sigmoid(self.conv1")),
    plant("cnn", "no bias", "spec", "missing_bias@conv_2", torch("nn.Conv2d(6, 8, 3, padding=1)", "nn.Conv2d(6, 8, 3, padding=1, bias=False)")),
    plant("cnn", "kernels ported upside down", "weights", "weights@conv_1", port("permute(3, 2, 0, 1)", "permute(3, 2, 1, 0)")),
    plant("cnn", "padding and flattening", "forward", "conv_padding@conv_1, flatten_order@flatten", torch("(0, 1, 1, 1)", "(1, 0, 1, 1)"), torch("x.permute(0, 2, 3, 1).flatten(1)", "x.flatten(1)")),
    plant("cnn", "padding, average and flattening", "forward", "conv_padding@conv_1, pool_average_padding@smooth, flatten_order@flatten", torch("(0, 1, 1, 1)", "(1, 0, 1, 1)"), torch(", count_include_pad=False", ""), torch("x.permute(0, 2, 3, 1).flatten(1)", "x.flatten(1)")),
)

RESNET = (
    plant("resnet", "epsilon", "forward", "batch_norm_epsilon@stem_bn", torch("eps=1e-3", "eps=1e-5")),
    plant("resnet", "momentum by default", "statistics", "batch_norm_momentum@stem_bn", torch("momentum=0.01", "momentum=0.1")),
    plant("resnet", "momentum that keeps", "statistics", "batch_norm_momentum@stem_bn", torch("momentum=0.01", "momentum=0.99")),
    plant("resnet", "unbiased running variance", "statistics", "batch_norm_variance@stem_bn", _UNBIASED),
    plant("resnet", "batch norm by default", "forward", "batch_norm_epsilon@stem_bn, batch_norm_momentum@stem_bn, batch_norm_variance@stem_bn", torch(_BN, "super().__init__(features)"), _UNBIASED),
    plant("resnet", "batch statistics in inference", "forward", "unexplained@stem_bn", torch("if not self.training:", "if False:")),
    plant("resnet", "frozen batch norm", "training", "unexplained@stem_bn", keras('name="stem_bn"', 'name="stem_bn", trainable=False'), torch("self.bn = BatchNorm(4)", "self.bn = BatchNorm(4).requires_grad_(False)")),
    plant("resnet", "stride", "forward", "conv_stride@block_2", torch("Block(4, 6, 2)", "Block(4, 6, 3)")),
    plant("resnet", "same in Keras, symmetric in PyTorch", "forward", "conv_padding@block_2_conv_1", keras('    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)\n', ""), keras("filters, 3, strides=stride", 'filters, 3, padding="same", strides=stride')),
    plant("resnet", "no activation after the sum", "forward", "activation_missing@block_1", torch("return F.relu(y + self.shortcut(x))", "return y + self.shortcut(x)")),
    plant("resnet", "a batch norm left out", "spec", "unpaired_layer@shortcut_bn", torch("bias=False), BatchNorm(out)\n", "bias=False)\n")),
    plant("resnet", "no sum", "forward", "unexplained@block_1", torch("F.relu(y + self.shortcut(x))", "F.relu(y + 0 * self.shortcut(x))")),
    plant("resnet", "relu in place, of what the shortcut takes", "forward", "unexplained@block_1", keras('x = layers.ReLU(name="stem_relu")(x)', "pass"), keras("x = layers.ZeroPadding2D(", 'x = layers.ReLU(name=f"{name}_relu_0")(x)\n    x = layers.ZeroPadding2D('), torch("F.relu(self.bn(self.stem(x)))", "self.bn(self.stem(x))"), torch("self.conv1(x)", "self.conv1(F.relu(x, inplace=isinstance(self.shortcut, nn.Identity)))")),
    plant("resnet", "no sum, and max over the image", "forward", "unexplained@block_1, pooling@pool", torch("F.relu(y + self.shortcut(x))", "F.relu(y + 0 * self.shortcut(x))"), torch("x.mean((2, 3))", "x.amax((2, 3))")),
    plant("resnet", "max over the image", "forward", "pooling@pool", torch("x.mean((2, 3))", "x.amax((2, 3))")),
    plant("resnet", "bias before a batch norm", "spec", "missing_bias@stem", keras('padding="same", use_bias=False, name="stem"', 'padding="same", name="stem"')),
    plant("resnet", "epsilon and unbiased", "forward", "batch_norm_epsilon@stem_bn, batch_norm_variance@block_2", torch("eps=1e-3", "eps=1e-5"), _UNBIASED),
)

SEPARABLE = (
    plant("separable", "momentum as in Keras", "statistics", "batch_norm_momentum@bn", torch("momentum=0.1)", "momentum=0.9)")),
    plant("separable", "cap of the relu", "forward", "activation_setting@relu6", keras("max_value=6.0", "max_value=1.0")),
    plant("separable", "slope of the leaky relu", "forward", "activation_setting@leaky", torch("nn.LeakyReLU(0.25)", "nn.LeakyReLU()")),
    plant("separable", "alpha of elu", "forward", "activation_setting@elu", torch("nn.ELU()", "nn.ELU(0.5)")),
    plant("separable", "epsilon of the group norm", "forward", "group_norm_epsilon@group_norm", keras(", epsilon=1e-5", "")),
    plant("separable", "groups of the group norm", "forward", "group_norm_groups@group_norm", torch("nn.GroupNorm(4, 8)", "nn.GroupNorm(2, 8)")),
    plant("separable", "silu in place of hard silu", "forward", "activation@hard_silu", torch("nn.Hardswish()", "nn.SiLU()")),
    plant("separable", "no activation", "forward", "activation_missing@hard_silu", torch("nn.Hardswish()", "nn.Identity()")),
    plant("separable", "dilation", "forward", "conv_dilation@grouped", torch("dilation=2, groups=2", "dilation=1, groups=2")),
    plant("separable", "groups", "spec", "unpaired_layer@grouped", torch("dilation=2, groups=2", "dilation=2")),
    plant("separable", "no padding", "forward", "conv_padding@depthwise", torch("padding=1, groups=4", "groups=4")),
    plant("separable", "stride", "forward", "conv_stride@pointwise", torch("nn.Conv2d(4, 8, 1)", "nn.Conv2d(4, 8, 1, stride=2)")),
    plant("separable", "window of the pool", "forward", "pool_window@pool", torch("nn.AvgPool2d(2)", "nn.AvgPool2d(3)")),
    plant("separable", "stride of the pool", "forward", "pool_window@pool", torch("nn.AvgPool2d(2)", "nn.AvgPool2d(2, stride=1)")),
    plant("separable", "max in place of average", "forward", "pooling@pool", torch("nn.AvgPool2d(2)", "nn.MaxPool2d(2)")),
    plant("separable", "mean in place of max", "forward", "pooling@global_pool", torch("torch.amax(x, dim=(2, 3))", "torch.mean(x, dim=(2, 3))")),
    plant("separable", "bias of the depthwise layer", "spec", "missing_bias@depthwise", torch("groups=4, bias=False", "groups=4")),
    plant("separable", "slope and epsilon", "forward", "activation_setting@leaky, group_norm_epsilon@group_norm", torch("nn.LeakyReLU(0.25)", "nn.LeakyReLU()"), keras(", epsilon=1e-5", "")),
)

AUTOENCODER = (
    plant("autoencoder", "symmetric padding", "forward", "conv_padding@encode_2", torch("nn.Conv2d(4, 6, 3, stride=2)", "nn.Conv2d(4, 6, 3, stride=2, padding=1)"), torch("F.pad(x, (0, 1, 0, 1))", "x")),
    plant("autoencoder", "output_padding in place of a crop", "forward", "conv_transpose_padding@decode_2", torch("nn.ConvTranspose2d(5, 4, 3, stride=2)", "nn.ConvTranspose2d(5, 4, 3, stride=2, padding=1, output_padding=1)"), torch("[:, :, :16, :24]", "")),
    plant("autoencoder", "cropped at the wrong end", "forward", "conv_transpose_padding@decode_2", torch("[:, :, :16, :24]", "[:, :, 1:, 1:]")),
    plant("autoencoder", "another activation", "forward", "activation@encode_2", torch("F.silu", "F.relu")),
    plant("autoencoder", "no sigmoid", "forward", "activation_missing@pixels", torch("torch.sigmoid(self.pixels(x))", "self.pixels(x)")),
    plant("autoencoder", "bilinear upsampling", "forward", "upsample@upsample", torch('mode="nearest"', 'mode="bilinear"')),
    plant("autoencoder", "another cubic", "forward", "resize_bicubic@upsample", keras("layers.UpSampling2D(2,", 'layers.UpSampling2D(2, interpolation="bicubic",'), torch('mode="nearest"', 'mode="bicubic"')),
    plant("autoencoder", "corners aligned", "forward", "upsample@upsample", keras("layers.UpSampling2D(2,", 'layers.UpSampling2D(2, interpolation="bilinear",'), torch('mode="nearest"', 'mode="bilinear", align_corners=True')),
    plant("autoencoder", "one slope for all channels", "spec", "unpaired_layer@prelu", torch("nn.PReLU(5)", "nn.PReLU()")),
    plant("autoencoder", "average in place of max", "forward", "pooling@pool", torch("nn.MaxPool2d(2)", "nn.AvgPool2d(2)")),
    plant("autoencoder", "padded by repetition", "forward", "conv_padding@pixels", torch('padding="same")', 'padding="same", padding_mode="replicate")')),
    plant("autoencoder", "a factor after the encoder", "forward", "unexplained@pool", torch("return self.pool(x)", "return self.pool(x) * 1.0001")),
    plant("autoencoder", "a factor, and a crop behind it", "forward", "unexplained@pool, conv_transpose_padding@decode_2", torch("return self.pool(x)", "return self.pool(x) * 1.5"), torch("[:, :, :16, :24]", "[:, :, 1:, 1:]")),
    plant("autoencoder", "padding and crop", "forward", "conv_padding@encode_2, conv_transpose_padding@decode_2", torch("(0, 1, 0, 1)", "(1, 0, 1, 0)"), torch("[:, :, :16, :24]", "[:, :, 1:, 1:]")),
)

PLANTED = (*MLP, *CNN, *RESNET, *SEPARABLE, *AUTOENCODER)
