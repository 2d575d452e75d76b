"""Mistakes made in both tracks alike: only a third opinion or the notes can tell."""

from __future__ import annotations

from functools import partial

from planted import bug

both = partial(bug, "both")

# fmt: off
BUGS = (
    both("thresholds exchanged", "logic_gates", "reference", "result/or in tf",
         "cfg.weight, cfg.weight, cfg.or_theta",
         "cfg.weight, cfg.weight, cfg.and_theta"),
    both("a constant forgotten", "autograd", "reference", "result/z in tf",
         "2 * w**2 + 5", "2 * w**2"),
    both("no bias in the products", "forward_pass", "reference", "result/output in tf",
         "return h @ kernel + bias", "return h @ kernel"),
    both("the hand derivative lacks 1 - a", "delta_rule", "reference",
         "gradient/kernel in tf",
         "dz = da * a * (1 - a)", "dz = da * a"),
    both("zero counts as -1", "perceptron_iris", "reference", "history/loss in tf",
         "net >= 0", "net > 0"),
    both("a learning rate 1% higher", "linear_regression", "reference",
         "history/loss in tf",
         "cfg.learning_rate * dkernel", "1.01 * cfg.learning_rate * dkernel"),
    both("the hidden slope is missing", "xor_backprop", "reference",
         "gradient/hidden/kernel in tf",
         "dz1 = dh * h * (1 - h)", "dz1 = dh"),
    both("the valley twice as steep", "optimizers", "reference",
         "result/path/sgd in tf",
         "(point - sample) ** 2) / 2", "(point - sample) ** 2)", limit=None, rule="sgd",
         batch_size=0, epochs=2),
    both("features centred", "xor_perceptron", "published", "loss at step 0 in tf",
         "data.x_train, data.y_train", "data.x_train - 0.5, data.y_train", limit=None,
         precisions=("float32",)),
)
