"""Bugs planted in what is trained in batches with PyTorch, and beneath all lessons."""

from __future__ import annotations

from functools import partial

from planted import bug

torch = partial(bug, "torch")

DIGITS = (
    torch("betas exchanged", "optimizers", "torch.optim.Adam,\n                betas=(cfg.beta_1, cfg.beta_2)", "torch.optim.Adam,\n                betas=(cfg.beta_2, cfg.beta_1)", "spec", "beta_1: tf 0.9"),
    torch("the default epsilon", "optimizers", "torch.optim.Adam,\n                betas=(cfg.beta_1, cfg.beta_2),\n                eps=cfg.epsilon,", "torch.optim.Adam,\n                betas=(cfg.beta_1, cfg.beta_2),", "spec", "epsilon"),
    torch("no momentum", "optimizers", "momentum=cfg.momentum,\n                nesterov=cfg.rule == \"nesterov\",", "", "spec", "momentum: tf 0.9, torch 0", rule="momentum"),
    torch("always Nesterov", "optimizers", 'nesterov=cfg.rule == "nesterov"', "nesterov=True", "spec", "nesterov: tf False, torch True", rule="momentum"),
    torch("the default alpha", "optimizers", "                alpha=cfg.rho,\n", "", "spec", "rho: tf 0.9, torch 0.99", rule="rmsprop"),
    torch("RMSprop with momentum", "optimizers", "alpha=cfg.rho,", "alpha=cfg.rho, momentum=0.01,", "spec", "momentum", rule="rmsprop"),
    torch("the default accumulator", "optimizers", "                initial_accumulator_value=cfg.accumulator,\n", "", "spec", "initial_accumulator_value: tf 0.1", rule="adagrad"),
    torch("the rate decays", "optimizers", "initial_accumulator_value=cfg.accumulator,", "initial_accumulator_value=cfg.accumulator, lr_decay=0.01,", "step", "after update 2", rule="adagrad"),
    torch("the default decay", "optimizers", "weight_decay=cfg.weight_decay", "weight_decay=0.01", "spec", "weight_decay: tf 0.004", rule="adamw"),
    torch("the valley's sample left out", "optimizers", "(point - sample) ** 2", "point ** 2", "trajectory", "path/sgd", rule="sgd", valley_scatter=0.1),
    torch("the valley's gradients never cleared", "optimizers", "        optimizer.zero_grad()\n        height", "        height", "trajectory", "path/adam"),
    torch("full batches in batches", "optimizers", "batch_size=cfg.batch_size or None", "batch_size=cfg.batch_size or 32", "spec", "batch_size", rule="full_batch"),
    torch("epsilon 1e-8", "mnist_mlp", "eps=cfg.epsilon", "eps=1e-8", "spec", "epsilon: tf 1e-07"),
    torch("the state forgotten", "mnist_mlp", "        optimizer.step()\n", "        optimizer.state.clear()\n        optimizer.step()\n", "trajectory", "loss at step 2"),
    torch("an optimizer for every step", "mnist_mlp", "        optimizer.step()\n", "        torch.optim.Adam(model.parameters(), lr=cfg.learning_rate, eps=cfg.epsilon).step()\n", "gradient", "only tf has hidden/kernel"),
    torch("AMSGrad", "mnist_mlp", "eps=cfg.epsilon", "eps=cfg.epsilon, amsgrad=True", "step", "after update 2"),
    torch("another dropout rate", "mnist_mlp", "nn.Dropout(cfg.dropout)", "nn.Dropout(0.5)", "spec", "dropout dropout: tf 0.2, torch 0.5"),
    torch("no dropout", "mnist_mlp", "        dropout=nn.Dropout(cfg.dropout),\n", "", "spec", "dropout dropout: tf 0.2, torch None"),
    torch("dropout before the activation", "mnist_mlp", "        hidden_relu=nn.ReLU(),\n        dropout=nn.Dropout(cfg.dropout),\n", "        dropout=nn.Dropout(cfg.dropout),\n        hidden_relu=nn.ReLU(),\n", "forward", "hidden:relu"),
    torch("dropout of the pixels", "mnist_mlp", "        dropout=nn.Dropout(cfg.dropout),\n", "", "forward", "hidden [", more=(("        hidden=nn.Linear(", "        dropout=nn.Dropout(cfg.dropout),\n        hidden=nn.Linear("),)),
    torch("eval() while training", "mnist_mlp", "    model.train()\n", "    model.eval()\n", "mode", "dropout in torch drops 0.000"),
    torch("train() forgotten", "mnist_mlp", "    model.train()\n", "", "mode", "dropout in torch drops 0.000"),
    torch("eval() forgotten", "mnist_mlp", "    model.eval()\n", "", "mode", "evaluation repeated in torch"),
    torch("images turned", "mnist_mlp", "        data.x_train,", "        data.x_train.swapaxes(1, 2),", "forward", "flatten ["),
    torch("images upside down for prediction", "mnist_mlp", "model(x), dim=1", "model(x.flip(1)), dim=1", "forward", "prediction"),
    torch("pixels scaled back", "mnist_mlp", "        data.x_train,", "        data.x_train * 255,", "forward", "flatten ["),
    torch("labels shifted", "mnist_mlp", "        data.y_train,", "        (data.y_train + 1) % 10,", "forward", "loss"),
    torch("labels sorted", "mnist_mlp", "        data.y_train,", "        sorted(data.y_train),", "forward", "loss"),
    torch("softmax twice", "mnist_mlp", "criterion(model(x), y)", "criterion(torch.softmax(model(x), dim=1), y)", "forward", "loss"),
    torch("label smoothing", "mnist_mlp", "nn.CrossEntropyLoss()", "nn.CrossEntropyLoss(label_smoothing=1e-6)", "forward", "loss"),
    torch("logits predicted", "mnist_mlp", "torch.softmax(model(x), dim=1)", "model(x)", "forward", "prediction"),
    torch("softmax over the samples", "mnist_mlp", "torch.softmax(model(x), dim=1)", "torch.softmax(model(x), dim=0)", "forward", "prediction"),
    torch("log-softmax", "mnist_mlp", "torch.softmax(", "torch.log_softmax(", "forward", "prediction"),
    torch("not shuffled", "mnist_mlp", "shuffle=True", "shuffle=False", "spec", "shuffle: tf True, torch False"),
    torch("bfloat16 in float32", "mnist_mlp", "criterion(model(x), y)", "criterion(model(x if x.dtype == torch.float64 else x.bfloat16().float()), y)", "forward", "flatten [", precisions=("float64", "float32")),
)

ENGINE = (
    torch("batches begin a sample late", "mnist_mlp", "* schedule.size\n                index", "* schedule.size + 1\n                index", "trajectory", "loss at step 0", file="engine"),
    torch("the part batch filled up", "mnist_mlp", "order[start : start + schedule.size]", "order.roll(-start)[: schedule.size]", "trajectory", "loss at step 3", file="engine"),
    torch("the order of the last epoch", "mnist_mlp", "and epoch != ordered", "and ordered < 0", "trajectory", "loss at step 4", file="engine"),
    torch("a random order", "mnist_mlp", "if session.matched or not schedule.shuffle", "if not schedule.shuffle", "forward", "flatten [", file="engine"),
    torch("labels in another order", "mnist_mlp", "batch = x[index], y[index]", "batch = x[index], y[index.flip(0)]", "trajectory", "loss at step 0", file="engine"),
    torch("the masks' clock stands", "mnist_mlp", "clock = matched.feed_masks", "matched.feed_masks", "trajectory", "loss at step 1", file="engine"),
    torch("masks of another seed", "mnist_mlp", "feed_masks(model, session.seed)", "feed_masks(model, session.seed + 1)", "forward", "dropout [", file="engine"),
    torch("the framework's own masks", "mnist_mlp", "if session.matched:\n        clock", "if False:\n        clock", "forward", "dropout [", file="engine"),
    torch("the framework's own rule", "mnist_mlp", "    same_rule(optimizer)\n    clock", "    clock", "step", "after update 1", file="engine"),
    torch("the mask inverted", "mnist_mlp", "x * backend.tensor(keep) /", "x * backend.tensor(~keep) /", "mode", "dropout in torch drops", file="matched"),
    torch("what is kept is not scaled", "mnist_mlp", "backend.tensor(keep) / (1.0 - layer.p)", "backend.tensor(keep)", "forward", "dropout [", file="matched"),
    torch("masks when predicting", "mnist_mlp", "if not layer.training:", "if layer.training is None:", "trajectory", "prediction", file="matched"),
    torch("masks when predicting in float32", "mnist_mlp", "if not layer.training:", "if not layer.training and x.dtype == torch.float64:", "accuracy", "accuracy", file="matched", precisions=("float32",)),
    torch("epsilon at PyTorch's place in Adam", "mnist_mlp", "    torch.optim.Adam: _adam,\n", "", "step", "after update 1", file="matched"),
    torch("epsilon at PyTorch's place in RMSprop", "optimizers", "    torch.optim.RMSprop: _rmsprop,\n", "", "step", "after update 1", file="matched", rule="rmsprop"),
    torch("epsilon at PyTorch's place in Adagrad", "optimizers", "    torch.optim.Adagrad: _adagrad,\n", "", "step", "after update 1", file="matched", rule="adagrad"),
    torch("the correction a step late", "mnist_mlp", "(max(steps) + 1)", "(max(steps) + 2)", "step", "after update 1", file="matched"),
    torch("the correction of the first step", "mnist_mlp", "(max(steps) + 1)", "1", "step", "after update 2", file="matched"),
    torch("epsilon enters once", "optimizers", "(1.0 - rho) / rho * epsilon", "0.0", "step", "after update 1", file="matched", rule="rmsprop"),
    torch("hyperparameters not rounded", "mnist_mlp", "float(np.float32(value)) if isinstance(value, float) else value", "value", "step", "after update 1", file="matched"),
    torch("square kernels not turned", "xor_mlp", 'return isinstance(model, nn.Module) and name.endswith("/kernel")', "return len(named(model)[name]) == 1", "forward", "hidden [", file="weights"),
    torch("kernels flattened in another order", "xor_mlp", "return array.T.copy() if", "return array.reshape(array.shape[::-1]) if", "weights", "hidden/kernel in torch", file="weights"),
    torch("a bit lost on load", "xor_mlp", "parameter.copy_(native(model, name, values[name]))", "parameter.copy_(native(model, name, values[name]) * (1 + 2**-52))", "weights", "hidden/kernel in torch", file="weights"),
    torch("one weight off by 1e-10", "xor_mlp", "parameter.copy_(native(model, name, values[name]))", "parameter.copy_(native(model, name, values[name]))\n            parameter.view(-1)[:1] *= 1 + 1e-10", "weights", "hidden/kernel in torch", file="weights"),
    torch("arrays through float32", "xor_mlp", "return torch.tensor(array, dtype=dtype)", "return torch.tensor(array, dtype=dtype and torch.float32).to(dtype)", "weights", "hidden/kernel in torch", file="backend"),
    torch("exported in float32", "xor_mlp", "value.detach().cpu()", "value.detach().cpu().float()", "spec", "hidden/bias: torch float32", file="backend"),
)

BUGS = DIGITS + ENGINE
