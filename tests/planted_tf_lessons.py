"""Bugs planted in the Keras lessons."""

from __future__ import annotations

from functools import partial

from planted import bug

tf = partial(bug, "tf")

XOR = (
    tf("tanh for sigmoid", "xor_mlp", '"sigmoid", name="hidden"', '"tanh", name="hidden"', "forward", "has hidden:"),
    tf("no activation", "xor_mlp", '"sigmoid", name="hidden"', 'name="hidden"', "forward", "only torch has hidden:sigmoid"),
    tf("one hidden neuron more", "xor_mlp", "Dense(cfg.hidden,", "Dense(cfg.hidden + 1,", "refused", "hidden/kernel"),
    tf("no bias", "xor_mlp", '"sigmoid", name="hidden"', '"sigmoid", use_bias=False, name="hidden"', "refused", "hidden/bias"),
    tf("a layer in float32", "xor_mlp", '"sigmoid", name="hidden"', '"sigmoid", dtype="float32", name="hidden"', "spec", "hidden/bias: tf float32"),
    tf("sum for mean", "xor_mlp", "BinaryCrossentropy()", 'BinaryCrossentropy(reduction="sum")', "forward", "loss"),
    tf("from_logits of probabilities", "xor_mlp", "BinaryCrossentropy()", "BinaryCrossentropy(from_logits=True)", "forward", "loss"),
    tf("label smoothing", "xor_mlp", "BinaryCrossentropy()", "BinaryCrossentropy(label_smoothing=1e-6)", "forward", "loss"),
    tf("ascent", "xor_mlp", "optimizer.apply(gradients, variables)", "optimizer.apply([-g for g in gradients], variables)", "gradient", "hidden/kernel"),
    tf("half of the variables", "xor_mlp", "optimizer.apply(gradients, variables)", "optimizer.apply(gradients[:2], variables[:2])", "gradient", "only torch has output/kernel"),
    tf("every update twice", "xor_mlp", "optimizer.apply(gradients, variables)", "optimizer.apply(gradients, variables)\n        optimizer.apply(gradients, variables)", "trajectory", "loss at step 1"),
    tf("the loss after the update", "xor_mlp", "        return loss", "        return criterion(y, model(x))", "forward", "loss"),
    tf("a learning rate 1% higher", "xor_mlp", "SGD(cfg.learning_rate)", "SGD(cfg.learning_rate * 1.01)", "spec", "learning_rate"),
    tf("momentum", "xor_mlp", "SGD(cfg.learning_rate)", "SGD(cfg.learning_rate, momentum=0.1)", "spec", "momentum"),
    tf("weight decay", "xor_mlp", "SGD(cfg.learning_rate)", "SGD(cfg.learning_rate, weight_decay=1e-4)", "spec", "weight_decay"),
    tf("another rule", "xor_mlp", "optimizers.SGD(", "optimizers.Lion(", "spec", "rule: tf lion, torch sgd"),
    tf("an epoch more", "xor_mlp", "epochs=cfg.epochs", "epochs=cfg.epochs + 1", "spec", "epochs: tf 10002"),
    tf("labels inverted", "xor_mlp", "data.x_train, data.y_train", "data.x_train, 1 - data.y_train", "forward", "loss"),
    tf("columns exchanged", "xor_mlp", "data.x_train, data.y_train", "data.x_train[:, ::-1], data.y_train", "forward", "hidden ["),
    tf("rows exchanged in x alone", "xor_mlp", "data.x_train, data.y_train", "data.x_train[::-1], data.y_train", "forward", "hidden ["),
    tf("a weight off by 1e-10", "xor_mlp", "variables = model.trainable_variables\n", "variables = model.trainable_variables\n    variables[0].assign(variables[0].numpy() * [[1 + 1e-10, 1], [1, 1]])\n", "forward", "hidden [2, 0]"),
    tf("a NaN in a weight", "xor_mlp", "variables = model.trainable_variables\n", 'variables = model.trainable_variables\n    variables[2].assign(variables[2].numpy() * [[1], [float("nan")]])\n', "forward", "nan in tf"),
    tf("an infinite prediction", "xor_mlp", "return model(x, training=False)", 'return model(x, training=False) + float("inf")', "mode", ""),
    tf("a prediction in float32", "xor_mlp", "return model(x, training=False)", 'return tf.cast(model(x, training=False), "float32")', "forward", "prediction: dtype float32 in tf"),
    tf("through float16 in float32", "xor_mlp", "loss = criterion(y, model(x, training=True))", 'x = tf.cast(x + 0.1, "float16") - 0.1 if x.dtype == "float32" else x\n            loss = criterion(y, model(x, training=True))', "forward", "", precisions=("float64", "float32")),
    tf("the gradient of a constant", "xor_mlp", "loss = criterion(y, model(x, training=True))", "loss = criterion(y, model(x, training=True))\n            loss += 1e-9 * tf.reduce_sum(variables[0] ** 2)", "forward", "loss"),
    tf("one gradient off by 1e-9", "xor_mlp", "gradients = tape.gradient(loss, variables)", "gradients = tape.gradient(loss, variables)\n        gradients[1] *= 1 + 1e-9", "gradient", "hidden/bias"),
)

LESSONS = (
    tf("thresholds exchanged", "logic_gates", "cfg.weight, cfg.weight, cfg.or_theta", "cfg.weight, cfg.weight, cfg.and_theta", "forward", "or ["),
    tf("NAND with a positive threshold", "logic_gates", "-cfg.weight, -cfg.weight, -cfg.and_theta", "-cfg.weight, -cfg.weight, cfg.and_theta", "forward", "nand ["),
    tf("a mean of rows for their sum", "logic_gates", "ops.max(ops.sum(", "ops.max(ops.mean(", "forward", "best_single_neuron_on_and"),
    tf("step fires at zero", "activations", "ops.cast(x > 0, x.dtype)", "ops.cast(x >= 0, x.dtype)", "forward", "curve/step"),
    tf("softmax over the samples", "activations", "ops.softmax(x, axis=-1)", "ops.softmax(x, axis=0)", "forward", "softmax ["),
    tf("the slope of another function", "activations", '"gradient/tanh": derivative(ops.tanh, few)', '"gradient/tanh": derivative(ops.sigmoid, few)', "gradient", "tanh"),
    tf("gradients exchanged", "autograd", "[g, w, x, b]", "[g, x, w, b]", "gradient", "df_dw"),
    tf("a constant forgotten", "autograd", "2 * w**2 + 5", "2 * w**2", "forward", "z"),
    tf("a result missing", "autograd", '"f": f,', "", "forward", "only torch has f"),
    tf("no activation in the products", "forward_pass", "ops.sigmoid(x @ kernel + bias)", "x @ kernel + bias", "forward", "hidden ["),
    tf("no bias in the products", "forward_pass", "return h @ kernel + bias", "return h @ kernel", "forward", "output ["),
    tf("the hand derivative lacks 1 - a", "delta_rule", "dz = da * a * (1 - a)", "dz = da * a", "gradient", "kernel ["),
    tf("the bias sums da", "delta_rule", 'bias_gradient == "note" else dz', 'bias_gradient == "note" else da', "gradient", "bias ["),
    tf("the shown step goes down", "delta_rule", "first[name] + note[name]", "first[name] - note[name]", "trajectory", "note/w"),
    tf("a shown derivative of a sum", "delta_rule", "ops.sum(ops.square(a - y)) / 2", "ops.sum(ops.square(a - y))", "forward", "loss"),
    tf("the update with the wrong sign", "perceptron_iris", "kernel.assign_add(", "kernel.assign_sub(", "step", "kernel after update 1"),
    tf("the bias stays", "perceptron_iris", "bias.assign_add(cfg.learning_rate * error)", "bias.assign_add(0 * error)", "step", "bias after update 1"),
    tf("zero counts as -1", "perceptron_iris", "net >= 0", "net > 0", "forward", "loss"),
    tf("results an epoch late", "perceptron_iris", "np.array(wrong)", "np.array(wrong[-1:] + wrong[:-1])", "trajectory", "misclassified"),
    tf("results in whole numbers", "perceptron_iris", "np.array(wrong)", 'np.array(wrong, "int64")', "trajectory", "misclassified: dtype int64 in tf"),
    tf("the first result is missing", "perceptron_iris", "np.array(wrong)", "np.array(wrong[1:])", "trajectory", "misclassified: shape (9,) in tf"),
    tf("targets broadcast", "linear_regression", "raw_predict(tensors, x) - y", "raw_predict(tensors, x) - y[:, 0]", "forward", "loss"),
    tf("sum for mean", "linear_regression", "ops.mean((raw", "ops.sum((raw", "forward", "loss"),
    tf("ascent", "linear_regression", "kernel.assign_sub(", "kernel.assign_add(", "step", "kernel after update 1"),
    tf("gradients exchanged in the update", "linear_regression", "bias.assign_sub(cfg.learning_rate * dbias)", "bias.assign_sub(cfg.learning_rate * dkernel[0])", "step", "bias after update 1"),
    tf("absolute for squared error", "linear_regression", "losses.MeanSquaredError()", "losses.MeanAbsoluteError()", "forward", "loss", form="layer"),
    tf("half of the likelihood", "logistic_regression", "y * ops.log(p) + (1 - y) * ops.log(1 - p)", "y * ops.log(p)", "forward", "loss"),
    tf("the gradient of one more", "logistic_regression", 'return loss, {"kernel": dkernel,', 'return loss, {"kernel": 2 * dkernel,', "gradient", "kernel ["),
    tf("batches of five", "logistic_regression", "epochs=cfg.epochs, shuffle=False", "epochs=cfg.epochs, batch_size=5, shuffle=False", "spec", "batch_size: tf 5, torch 6", form="layer"),
    tf("the gate's answers inverted", "logistic_gates", "predict(model, x) > 0.5", "predict(model, x) < 0.5", "trajectory", "accuracy"),
    tf("no from_logits", "softmax_regression", "from_logits=True\n        )", "from_logits=False\n        )", "forward", "loss"),
    tf("softmax over the samples", "softmax_regression", "ops.softmax(model(x, training=False), axis=1)", "ops.softmax(model(x, training=False), axis=0)", "forward", "prediction"),
    tf("no softmax", "softmax_regression", "ops.softmax(model(x, training=False), axis=1)", "model(x, training=False)", "forward", "prediction"),
    tf("int32 for int64", "softmax_regression", '"int64"', '"int32"', "trajectory", "grades: dtype int32 in tf"),
    tf("the loss averaged over classes", "softmax_regression", "from_logits=True\n        )", 'from_logits=True, reduction="sum"\n        )', "forward", "loss"),
    tf("the bias never learns", "xor_perceptron", "gradients = tape.gradient(loss, variables)", "gradients = tape.gradient(loss, variables)\n        gradients[1] *= 0", "gradient", "output/bias"),
    tf("one layer fewer", "xor_deep", '        keras.layers.Dense(cfg.hidden_3, "sigmoid", name="hidden_3"),\n', "", "refused", "output/kernel"),
    tf("a layer goes by another name", "xor_deep", 'name="hidden_3"', 'name="hidden_4"', "refused", "hidden_4/kernel"),
    tf("an inner activation is softmax", "xor_deep", '"sigmoid", name="hidden_2"', '"softmax", name="hidden_2"', "forward", "has hidden_2:"),
    tf("the hidden slope is missing", "xor_backprop", "dz1 = dh * h * (1 - h)", "dz1 = dh", "gradient", "hidden/kernel"),
    tf("operands exchanged", "xor_backprop", '    dz1 = dh * h * (1 - h)\n    return {\n        "hidden/kernel": ops.transpose(x) @ dz1', '    dz1 = dh * h * (1 - h)\n    return {\n        "hidden/kernel": ops.transpose(dz1) @ x', "gradient", "hidden/kernel"),
    tf("1e-8 for the note's 1e-7", "xor_backprop", "1e-7", "1e-8", "gradient", "hidden/kernel", derivatives="note"),
    tf("shuffled", "nn_regression", ", shuffle=False", "", "spec", "shuffle: tf True, torch False"),
    tf("the output through a sigmoid", "nn_regression", 'Dense(1, name="output")', 'Dense(1, "sigmoid", name="output")', "forward", "loss"),
)

BUGS = XOR + LESSONS
