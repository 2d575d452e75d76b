"""Mistakes made in both tracks alike: only a third opinion or the notes can tell."""

from __future__ import annotations

from functools import partial

from planted import bug

both = partial(bug, "both")

BUGS = (
    both("thresholds exchanged", "logic_gates", "cfg.weight, cfg.weight, cfg.or_theta", "cfg.weight, cfg.weight, cfg.and_theta", "reference", "result/or in tf"),
    both("a constant forgotten", "autograd", "2 * w**2 + 5", "2 * w**2", "reference", "result/z in tf"),
    both("no bias in the products", "forward_pass", "return h @ kernel + bias", "return h @ kernel", "reference", "result/output in tf"),
    both("the hand derivative lacks 1 - a", "delta_rule", "dz = da * a * (1 - a)", "dz = da * a", "reference", "gradient/kernel in tf"),
    both("zero counts as -1", "perceptron_iris", "net >= 0", "net > 0", "reference", "history/loss in tf"),
    both("a learning rate 1% higher", "linear_regression", "cfg.learning_rate * dkernel", "1.01 * cfg.learning_rate * dkernel", "reference", "history/loss in tf"),
    both("the hidden slope is missing", "xor_backprop", "dz1 = dh * h * (1 - h)", "dz1 = dh", "reference", "gradient/hidden/kernel in tf"),
    both("the valley twice as steep", "optimizers", "(point - sample) ** 2) / 2", "(point - sample) ** 2)", "reference", "result/path/sgd in tf", limit=None, rule="sgd", batch_size=0, epochs=2),
    both("features centred", "xor_perceptron", "data.x_train, data.y_train", "data.x_train - 0.5, data.y_train", "published", "loss at step 0 in tf", limit=None, precisions=("float32",)),
)
