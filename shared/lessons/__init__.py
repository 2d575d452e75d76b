"""The lessons' specs, one module each, and the order in which they are taught."""

CURRICULUM = (
    "logic_gates",
    "activations",
    "autograd",
    "forward_pass",
    "delta_rule",
    "perceptron_iris",
    "linear_regression",
    "logistic_gates",
    "logistic_regression",
    "softmax_regression",
    "xor_perceptron",
    "xor_mlp",
    "xor_deep",
    "xor_backprop",
    "nn_regression",
    "data_loader",
    "optimizers",
    "mnist_mlp",
)
