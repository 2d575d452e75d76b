"""Bugs planted in what is trained in batches with Keras, and beneath all lessons."""

from __future__ import annotations

from functools import partial

from planted import bug

tf = partial(bug, "tf")

DIGITS = (
    tf("beta_2 off", "optimizers", "beta_2=cfg.beta_2,\n                epsilon=cfg.epsilon,\n            )", "beta_2=0.99,\n                epsilon=cfg.epsilon,\n            )", "spec", "beta_2: tf 0.99"),
    tf("no Nesterov", "optimizers", 'nesterov=cfg.rule == "nesterov"', "nesterov=False", "spec", "nesterov: tf False, torch True", rule="nesterov"),
    tf("the default rho", "optimizers", "rho=cfg.rho", "rho=0.99", "spec", "rho: tf 0.99", rule="rmsprop"),
    tf("a centered RMSprop", "optimizers", "rho=cfg.rho,", "rho=cfg.rho, centered=True,", "step", "after update 1", rule="rmsprop"),
    tf("an empty accumulator", "optimizers", "initial_accumulator_value=cfg.accumulator", "initial_accumulator_value=0.0", "spec", "initial_accumulator_value: tf 0", rule="adagrad"),
    tf("the default decay", "optimizers", "weight_decay=cfg.weight_decay", "weight_decay=0.01", "spec", "weight_decay: tf 0.01", rule="adamw"),
    tf("the decay of an Adam", "optimizers", "keras.optimizers.AdamW,", "keras.optimizers.Adam,", "spec", "rule: tf adam, torch adamw", rule="adamw"),
    tf("the valley twice as steep", "optimizers", "(point - sample) ** 2) / 2", "(point - sample) ** 2)", "trajectory", "path/sgd", rule="sgd"),
    tf("the valley's start is left out", "optimizers", "path = [ops.copy(point)]", "path = []", "trajectory", "path/adam: shape"),
    tf("the valley's betas not rounded", "optimizers", "    engine.same_rule(optimizer)\n", "", "trajectory", "path/adam"),
    tf("epsilon 1e-8", "mnist_mlp", "epsilon=cfg.epsilon", "epsilon=1e-8", "spec", "epsilon: tf 1e-08"),
    tf("a learning rate 1% higher", "mnist_mlp", "cfg.learning_rate, epsilon", "cfg.learning_rate * 1.01, epsilon", "spec", "learning_rate"),
    tf("another dropout rate", "mnist_mlp", "Dropout(cfg.dropout,", "Dropout(0.25,", "spec", "dropout dropout: tf 0.25, torch 0.2"),
    tf("no dropout", "mnist_mlp", '        keras.layers.Dropout(cfg.dropout, name="dropout"),\n', "", "spec", "dropout dropout: tf None, torch 0.2"),
    tf("images turned", "mnist_mlp", "data.x_train,", "data.x_train.swapaxes(1, 2),", "forward", "flatten ["),
    tf("images turned for prediction", "mnist_mlp", "return model(x, training=False)", "return model(tf.transpose(x, [0, 2, 1]), training=False)", "forward", "prediction"),
    tf("pixels scaled twice", "mnist_mlp", "data.x_train,", "data.x_train / 255,", "forward", "flatten ["),
    tf("a batch of 33", "mnist_mlp", "batch_size=cfg.batch_size", "batch_size=cfg.batch_size + 1", "spec", "batch_size: tf 33"),
    tf("not shuffled", "mnist_mlp", "shuffle=True", "shuffle=False", "spec", "shuffle: tf False, torch True"),
    tf("the last part batch cut off", "mnist_mlp", "        data.x_train,\n        data.y_train,", "        data.x_train[:96],\n        data.y_train[:96],", "spec", "samples: tf 96, torch 100"),
    tf("labels shifted", "mnist_mlp", "data.y_train,", "(data.y_train + 1) % 10,", "forward", "loss"),
    tf("sigmoids for softmax", "mnist_mlp", '"softmax", name="output"', '"sigmoid", name="output"', "forward", "prediction"),
    tf("no softmax", "mnist_mlp", '"softmax", name="output"', 'name="output"', "forward", "loss"),
    tf("trained on the test digits", "mnist_mlp", "data.x_train,", "data.x_test[:100],", "forward", "flatten ["),
    tf("bfloat16 in float32", "mnist_mlp", "keras.config.set_dtype_policy(precision)", 'keras.config.set_dtype_policy(precision.replace("float32", "mixed_bfloat16"))', "forward", "flatten: dtype bfloat16 in tf", file="backend", precisions=("float64", "float32")),
)

ENGINE = (
    tf("batches begin a sample late", "mnist_mlp", "* schedule.size\n        index", "* schedule.size + 1\n        index", "trajectory", "loss at step 0", file="engine"),
    tf("the part batch never comes", "mnist_mlp", "start = i % schedule.steps_per_epoch", "start = i % (schedule.steps_per_epoch - 1)", "trajectory", "loss at step 3", file="engine"),
    tf("the order of the next epoch", "mnist_mlp", "order, ordered = _order(session, schedule, epoch), epoch", "order, ordered = _order(session, schedule, epoch + 1), epoch", "trajectory", "loss at step 0", file="engine"),
    tf("every epoch in one order", "mnist_mlp", "backend.tensor(session.order(schedule, epoch))", "backend.tensor(session.order(schedule, 0))", "trajectory", "loss at step 4", file="engine"),
    tf("the order ignored", "mnist_mlp", "backend.tensor(session.order(schedule, epoch))", "tf.range(schedule.samples, dtype=tf.int64)", "forward", "flatten [", file="engine"),
    tf("labels in another order", "mnist_mlp", "tf.gather(x, index), tf.gather(y, index)", "tf.gather(x, index), tf.gather(y, index[::-1])", "trajectory", "loss at step 0", file="engine"),
    tf("masks of the next step", "mnist_mlp", "clock.step = i", "clock.step = i + 1", "trajectory", "loss at step 0", file="engine"),
    tf("masks drawn once", "mnist_mlp", "clock.step = i", "clock.step = tf.constant(0)", "trajectory", "loss at step 1", file="engine"),
    tf("masks of another seed", "mnist_mlp", "feed_masks(model, session.seed)", "feed_masks(model, session.seed + 1)", "forward", "dropout [", file="engine"),
    tf("fit without dropout", "mnist_mlp", "prediction = model(x, training=True)", "prediction = model(x, training=False)", "mode", "dropout in tf drops 0.000", file="engine"),
    tf("hyperparameters not rounded", "mnist_mlp", "    same_rule(optimizer)\n    if", "    if", "step", "after update 1", file="engine"),
    tf("the mask inverted", "mnist_mlp", "inputs * keep /", "inputs * (1 - keep) /", "mode", "dropout in tf drops", file="matched"),
    tf("what is kept is not scaled", "mnist_mlp", "inputs * keep / (1.0 - layer.rate)", "inputs * keep", "forward", "dropout [", file="matched"),
    tf("what is kept is scaled by the rate", "mnist_mlp", "inputs * keep / (1.0 - layer.rate)", "inputs * keep / layer.rate", "forward", "dropout [", file="matched"),
    tf("masks of another layer", "mnist_mlp", "keep_mask(seed, name,", 'keep_mask(seed, "hidden",', "forward", "dropout [", file="matched"),
    tf("a kernel transposed on load", "xor_mlp", "return backend.tensor(value)", "return backend.tensor(value.T if value.shape == (2, 2) else value)", "weights", "hidden/kernel in tf", file="weights"),
    tf("a kernel transposed on load and back", "xor_mlp", "return backend.tensor(value)", "return backend.tensor(value.T if value.shape == (2, 2) else value)", "forward", "hidden [", file="weights", more=(("    return backend.array(value)", "    found = backend.array(value)\n    return found.T if found.shape == (2, 2) else found"),)),
    tf("a bit lost on load", "xor_mlp", "return backend.tensor(value)", "return backend.tensor(value * (1 + 2**-52))", "weights", "hidden/kernel in tf", file="weights"),
    tf("a NaN on load", "xor_mlp", "return backend.tensor(value)", 'return backend.tensor(value * float("nan"))', "weights", "in tf", file="weights"),
    tf("data rounded to float32", "perceptron_iris", "dtype = keras.config.floatx()", 'array = array.astype("float32" if array.dtype.kind == "f" else array.dtype)\n    dtype = keras.config.floatx()', "step", "kernel after update 1", file="backend"),
)

BUGS = DIGITS + ENGINE
