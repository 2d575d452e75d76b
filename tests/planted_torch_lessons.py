"""Bugs planted in the PyTorch lessons."""

from __future__ import annotations

from functools import partial

from planted import bug

torch = partial(bug, "torch")

XOR = (
    torch("ReLU for sigmoid", "xor_mlp", "hidden_sigmoid=nn.Sigmoid()", "hidden_relu=nn.ReLU()", "forward", "has hidden:"),
    torch("no activation", "xor_mlp", "        hidden_sigmoid=nn.Sigmoid(),\n", "", "forward", "only tf has hidden:sigmoid"),
    torch("one hidden neuron more", "xor_mlp", "nn.Linear(2, cfg.hidden)", "nn.Linear(2, cfg.hidden + 1)", "refused", "hidden/kernel", more=(("nn.Linear(cfg.hidden, 1)", "nn.Linear(cfg.hidden + 1, 1)"),)),
    torch("no bias", "xor_mlp", "nn.Linear(2, cfg.hidden)", "nn.Linear(2, cfg.hidden, bias=False)", "refused", "hidden/bias"),
    torch("logits predicted", "xor_mlp", "        output_sigmoid=nn.Sigmoid(),\n", "", "forward", "prediction", more=(("nn.BCELoss()", "nn.BCEWithLogitsLoss()"),)),
    torch("sum for mean", "xor_mlp", "nn.BCELoss()", 'nn.BCELoss(reduction="sum")', "forward", "loss"),
    torch("squared error for cross-entropy", "xor_mlp", "nn.BCELoss()", "nn.MSELoss()", "forward", "loss"),
    torch("sigmoid twice", "xor_mlp", "nn.BCELoss()", "nn.BCEWithLogitsLoss()", "forward", "loss"),
    torch("gradients never cleared", "xor_mlp", "        optimizer.zero_grad()\n", "", "trajectory", "loss at step 2"),
    torch("gradients cleared before the step", "xor_mlp", "        optimizer.step()\n", "        optimizer.zero_grad()\n        optimizer.step()\n", "gradient", "only tf has hidden/kernel"),
    torch("no step", "xor_mlp", "        optimizer.step()\n", "", "gradient", "only tf has hidden/kernel"),
    torch("ascent", "xor_mlp", "model.parameters(), lr", "model.parameters(), maximize=True, lr", "step", "hidden/kernel after update 1"),
    torch("half of the parameters", "xor_mlp", "model.parameters(), lr", "model[0].parameters(), lr", "step", "output/kernel after update 1"),
    torch("a frozen layer", "xor_mlp", "    model.train()\n", "    model.train()\n    model[0].requires_grad_(False)\n", "gradient", "only tf has hidden/kernel"),
    torch("gradients clipped", "xor_mlp", "        optimizer.step()\n", "        nn.utils.clip_grad_norm_(model.parameters(), 0.01)\n        optimizer.step()\n", "gradient", "hidden/kernel"),
    torch("loss halved", "xor_mlp", "        loss.backward()\n", "        (loss / 2).backward()\n", "gradient", "hidden/kernel"),
    torch("a learning rate 1% higher", "xor_mlp", "lr=cfg.learning_rate", "lr=cfg.learning_rate * 1.01", "spec", "learning_rate"),
    torch("a rate for one layer", "xor_mlp", "model.parameters(), lr=cfg.learning_rate", '[{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.99}], lr=cfg.learning_rate', "step", "output/kernel after update 1"),
    torch("momentum", "xor_mlp", "lr=cfg.learning_rate", "lr=cfg.learning_rate, momentum=0.1", "spec", "momentum"),
    torch("dampening", "optimizers", "momentum=cfg.momentum,", "momentum=cfg.momentum, dampening=0.1,", "step", "after update 2", rule="momentum"),
    torch("weight decay", "xor_mlp", "lr=cfg.learning_rate", "lr=cfg.learning_rate, weight_decay=1e-4", "spec", "weight_decay"),
    torch("an epoch fewer", "xor_mlp", "epochs=cfg.epochs", "epochs=cfg.epochs - 1", "spec", "epochs"),
    torch("columns exchanged", "xor_mlp", "data.x_train, data.y_train", "data.x_train[:, [1, 0]], data.y_train", "forward", "hidden ["),
    torch("columns exchanged for prediction", "xor_mlp", "return model(x)", "return model(x.flip(1))", "forward", "prediction"),
    torch("a weight off by 1e-10", "xor_mlp", "    model.train()\n", "    model.train()\n    model[0].weight.data[0, 0] *= 1 + 1e-10\n", "forward", "hidden [2, 0]"),
    torch("a bias off by 1e-11", "xor_mlp", "    model.train()\n", "    model.train()\n    model[2].bias.data *= 1 + 1e-11\n", "forward", "output ["),
    torch("a NaN in a weight", "nn_regression", "    model.train()\n", '    model.train()\n    model[0].weight.data[1, 0] = float("nan")\n', "forward", "nan in torch at [0, 1]"),
    torch("a NaN in a late weight", "nn_regression", "        return loss\n", '        if clock.pop():\n            model[0].weight.data[1, 0] = float("nan")\n        return loss\n', "trajectory", "loss: nan in torch at [3]", more=(("    model.train()\n", "    model.train()\n    clock = [False, True, False, False]\n"),), limit=4),
    torch("an infinite prediction", "xor_mlp", "return model(x)", 'return model(x).index_fill(0, torch.tensor(0), float("inf"))', "forward", "prediction: inf in torch at [0, 0]"),
    torch("a prediction in float32", "xor_mlp", "return model(x)", "return model(x).float()", "forward", "prediction: dtype"),
    torch("a prediction through float32", "xor_mlp", "return model(x)", "return model(x).float().double()", "forward", "prediction ["),
    torch("a prediction of one column less", "xor_mlp", "return model(x)", "return model(x)[:, 0]", "forward", "prediction: shape"),
)

LESSONS = (
    torch("a weight's sign", "logic_gates", "-cfg.weight, -cfg.weight,", "-cfg.weight, cfg.weight,", "forward", "nand ["),
    torch("answers left as booleans", "logic_gates", "return fires.to(x.dtype)", "return fires", "forward", "and: dtype"),
    torch("XOR of OR and OR", "logic_gates", "[nand_gate(x, cfg), or_gate(x, cfg)]", "[or_gate(x, cfg), or_gate(x, cfg)]", "forward", "xor ["),
    torch("step fires at zero", "activations", "(x > 0)", "(x >= 0)", "forward", "curve/step"),
    torch("softmax over the samples", "activations", "dim=-1", "dim=0", "forward", "softmax ["),
    torch("a slope of another function", "activations", '"curve/tanh_derivative": derivative(torch.tanh, x)', '"curve/tanh_derivative": derivative(torch.sigmoid, x)', "forward", "curve/tanh_derivative"),
    torch("backward twice", "autograd", "    z.backward()\n", "    z.backward(retain_graph=True)\n    z.backward()\n", "gradient", "dz_dw"),
    torch("settings exchanged", "autograd", "torch.tensor(cfg.x, requires", "torch.tensor(cfg.b, requires", "forward", "g"),
    torch("tanh in the layers", "forward_pass", "hidden_sigmoid=nn.Sigmoid()", "hidden_tanh=nn.Tanh()", "forward", "prediction"),
    torch("a bias of zeros", "forward_pass", '"output.bias": torch.tensor(WEIGHTS["output/bias"])', '"output.bias": torch.zeros(2)', "forward", "output_of_layers"),
    torch("the derivative lacks a", "delta_rule", "dz = da * a * (1 - a)", "dz = da * (1 - a)", "gradient", "kernel ["),
    torch("the update with the wrong sign", "delta_rule", "neuron[name].sub_(", "neuron[name].add_(", "step", "kernel after update 1"),
    torch("the shown error not halved", "delta_rule", "torch.sum(torch.square(a - y)) / 2", "torch.sum(torch.square(a - y)) / 2 + 1e-9", "forward", "loss"),
    torch("zero counts as -1", "perceptron_iris", "net >= 0", "net > 0", "forward", "loss"),
    torch("the sign of the prediction", "perceptron_iris", "torch.where(net >= 0, one, -one)", "torch.sign(net)", "forward", "loss"),
    torch("the error with the wrong sign", "perceptron_iris", "error = target - predict(neuron, x)", "error = predict(neuron, x) - target", "step", "kernel after update 1"),
    torch("the bias learns at another rate", "perceptron_iris", "bias.add_(cfg.learning_rate * error)", "bias.add_(0.11 * error)", "step", "bias after update 1"),
    torch("targets broadcast", "linear_regression", "data.x_train, data.y_train\n    return engine.loop(step, model", "data.x_train, data.y_train[:, 0]\n    return engine.loop(step, model", "gradient", "linear/kernel", form="layer"),
    torch("a learning rate 1% higher", "linear_regression", "kernel.sub_(cfg.learning_rate *", "kernel.sub_(1.01 * cfg.learning_rate *", "step", "kernel after update 1"),
    torch("an update with the old gradient", "linear_regression", '"bias": dbias}', '"bias": dbias * 2}', "gradient", "bias ["),
    torch("a small epsilon in a logarithm", "logistic_regression", "torch.log(p)", "torch.log(p + 1e-9)", "forward", "loss"),
    torch("the bias added twice", "logistic_regression", '+ tensors["bias"]', '+ 2 * tensors["bias"]', "trajectory", "loss at step 2"),
    torch("tanh for sigmoid", "logistic_regression", "return torch.sigmoid(net)", "return torch.tanh(net) / 2 + 0.5", "gradient", "kernel ["),
    torch("the sum of right answers", "logistic_gates", "torch.mean(right)", "torch.sum(right)", "trajectory", "accuracy"),
    torch("a label left out", "softmax_regression", "nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(ignore_index=0)", "forward", "loss"),
    torch("softmax over the samples", "softmax_regression", "torch.softmax(model(x), dim=1)", "torch.softmax(model(x), dim=0)", "forward", "prediction"),
    torch("sums of columns", "softmax_regression", "torch.sum(p, dim=1)", "torch.sum(p, dim=0)", "trajectory", "row_sums: shape"),
    torch("the least for the largest", "softmax_regression", "torch.argmax(p, dim=1)", "torch.argmin(p, dim=1)", "trajectory", "grades"),
    torch("a class has its own weight", "softmax_regression", "nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, 1.001]))", "forward", "loss"),
    torch("targets sorted", "xor_perceptron", "data.x_train, data.y_train", "data.x_train, sorted(data.y_train)", "forward", "loss"),
    torch("layers exchanged", "xor_deep", "hidden_2_sigmoid=nn.Sigmoid()", "hidden_2_softmax=nn.Softmax(dim=1)", "forward", "has hidden_2:"),
    torch("the loss of a shown answer", "xor_deep", "torch.all(answer == y)", "torch.any(answer == y)", "trajectory", "solved"),
    torch("averaged over rows", "xor_backprop", '"output/bias": torch.sum(dz2, dim=0)', '"output/bias": torch.mean(dz2, dim=0)', "gradient", "output/bias"),
    torch("operands exchanged", "xor_backprop", "    dz1 = dh * h * (1 - h)\n    return {\n        \"hidden/kernel\": x.T @ dz1", "    dz1 = dh * h * (1 - h)\n    return {\n        \"hidden/kernel\": dz1.T @ x", "gradient", "hidden/kernel"),
    torch("the mean of four rows forgotten", "xor_backprop", "dz2 = (p - y) / x.shape[0]", "dz2 = p - y", "gradient", "hidden/kernel"),
    torch("targets broadcast", "nn_regression", "data.x_train, data.y_train", "data.x_train, data.y_train[:, 0]", "forward", "loss"),
    torch("Huber for squared error", "nn_regression", "nn.MSELoss()", "nn.HuberLoss()", "forward", "loss"),
    torch("the last part batch dropped", "data_loader", "shuffle=True, generator", "shuffle=True, drop_last=True, generator", "trajectory", "batch_sizes: shape (45,) in tf, (44,) in torch"),
    torch("drawn with replacement", "data_loader", "size, shuffle=True, generator=generator", "size, sampler=torch.utils.data.RandomSampler(samples, True, generator=generator)", "trajectory", "times_seen"),
    torch("the order backwards", "data_loader", "sampler=order.tolist()", "sampler=order[::-1].tolist()", "forward", "first_labels"),
)

BUGS = XOR + LESSONS
