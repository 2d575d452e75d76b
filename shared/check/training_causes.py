"""What two losses or two optimizers do differently, and what would make them equal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shared.check.candidate import Candidate, Settings, number


def of_losses(keras: Settings, torch: Settings, softmax: bool) -> Iterator[Candidate]:
    """Differences between the two losses, as each framework saw them.

    Args:
        keras, torch: their settings.
        softmax: whether PyTorch's model ends with one.
    """
    shapes = torch.get("output_shape") or (), torch.get("target_shape") or ()
    if sorted(map(len, shapes)) == [1, 2]:
        yield _loss(
            "loss_shape",
            "brings the two to one shape",
            f"broadcasts {_shape(shapes[0])} against {_shape(shapes[1])}",
            "give the loss two tensors of one shape: target.unsqueeze(1), or "
            "output.squeeze(1)",
            {"do": "loss", "fix": "squeeze"},
        )
    ours, theirs = keras.get("from_logits"), torch.get("from_logits")
    if ours is not None and theirs is not None and ours != theirs:
        yield _loss(
            "loss_logits",
            _given(ours),
            _given(theirs),
            _LOGITS if theirs else _PROBABILITIES,
            {"do": "loss", "fix": "from_logits", "value": ours},
        )
    elif ours and theirs and softmax:
        yield _loss(
            "loss_logits",
            "goes back to the logits behind the softmax",
            "takes the probabilities for logits: softmax twice",
            _LOGITS,
            {"do": "loss", "fix": "from_logits", "value": False},
        )
    for key, id, remedy in _SETTINGS:
        ours, theirs = keras.get(key), torch.get(key)
        if ours is not None and theirs is not None and ours != theirs:
            yield _loss(
                id,
                f"{key} {number(ours)}",
                f"{key} {number(theirs)}",
                remedy.format(number(ours)),
                {"do": "loss", "fix": key, "value": ours},
            )
    yield _loss(
        "loss_class_weights",
        "divides by the number of samples",
        "divides by the sum of their weights",
        'reduction="mean_with_sample_weight" in Keras, or in PyTorch reduction="none" '
        "and .mean()",
        {"do": "loss", "fix": "weights", "value": "samples"},
    )


def _loss(id: str, keras: str, torch: str, remedy: str, repair: Any) -> Candidate:
    return Candidate(
        id, "the loss", "the loss", keras, torch, remedy, (repair,), "loss"
    )


def _given(logits: bool) -> str:
    return "is given logits" if logits else "is given probabilities"


_LOGITS = (
    "PyTorch's loss applies softmax itself: give it logits, or take log and nll_loss"
)
_PROBABILITIES = "from_logits=False in Keras, or logits and their loss in PyTorch"
_SETTINGS = (
    ("reduction", "loss_reduction", "reduction={!r} in PyTorch; see that both average"),
    ("label_smoothing", "loss_smoothing", "label_smoothing={} in PyTorch"),
    ("delta", "loss_other", "delta={} in PyTorch"),
    ("log_input", "loss_other", "log_input={} in PyTorch"),
    ("type", "loss_other", "the same loss in both: {} in Keras"),
)


def _shape(shape: Any) -> str:
    """'(N, 1)', '(N,)'."""
    told = ", ".join(["N", *map(str, shape[1:])])
    return f"({told})" if len(shape) > 1 else f"({told},)"


def of_optimizers(keras: Settings, torch: Settings) -> Iterator[Candidate]:
    """Differences between the rules and hyperparameters of the two optimizers."""
    if keras.get("rule") != torch.get("rule"):
        yield _optimizer(
            "optimizer_rule",
            str(keras.get("rule")),
            str(torch.get("rule")),
            "the same optimizer in both",
            {"do": "optimizer", "fix": "rule", "settings": dict(keras)},
            *([_EPSILON_FIX] if keras.get("rule") in _EPSILON else []),
        )
    for key in _HYPERPARAMETERS:
        ours, theirs = keras.get(key), torch.get(key)
        if ours is None or theirs is None or _close(ours, theirs):
            continue
        id = _IDS.get(key, "optimizer_setting")
        yield _optimizer(
            id,
            f"{key} {number(ours)}",
            f"{key} {number(theirs)}",
            f"{_TORCH_NAMES.get(key, key)}={number(ours)} in PyTorch",
            {"do": "optimizer", "fix": "set", "settings": {key: ours}},
        )
    decays = bool(keras.get("weight_decay")) or bool(torch.get("weight_decay"))
    if decays and keras.get("decoupled") != torch.get("decoupled"):
        yield _optimizer(
            "weight_decay",
            "shrinks the weights themselves",
            "adds the decay to the gradient",
            "AdamW in PyTorch for Adam; else p.mul_(1 - lr * weight_decay) before the "
            "step, and weight_decay=0",
            {"do": "optimizer", "fix": "decoupled"},
        )
    yield from _clipping(keras)
    if torch.get("rule") in _EPSILON:
        yield _optimizer(
            "epsilon_place",
            _EPSILON[torch["rule"]][0],
            _EPSILON[torch["rule"]][1],
            _EPSILON[torch["rule"]][2],
            _EPSILON_FIX,
        )
    if keras.get("schedule") and keras.get("momentum"):
        yield _optimizer(
            "momentum_schedule",
            "velocity holds the learning rate",
            "the buffer does not",
            "at each change of the rate: buffer *= previous rate / rate",
            {"do": "optimizer", "fix": "momentum_schedule"},
        )
    yield Candidate(
        "float32_hyperparameters",
        "the optimizer",
        "the optimizer",
        "casts Python floats through float32",
        "computes with them in full precision",
        "none needed in float32; in float64 give both float(np.float32(value))",
        ({"do": "optimizer", "fix": "float32_hyperparameters"},),
        "step",
        # Of Adam, where 1 - beta_2 loses most of its digits.
        most=1e-4,
    )


def _optimizer(
    id: str, keras: str, torch: str, remedy: str, *repairs: Any
) -> Candidate:
    return Candidate(
        id, "the optimizer", "the optimizer", keras, torch, remedy, repairs, "step"
    )


_EPSILON_FIX = {"do": "optimizer", "fix": "epsilon"}
_IDS = {
    "learning_rate": "learning_rate",
    "weight_decay": "weight_decay",
    "epsilon": "optimizer_epsilon",
}
_TORCH_NAMES = {
    "learning_rate": "lr",
    "epsilon": "eps",
    "rho": "alpha",
    "beta_1": "betas[0]",
    "beta_2": "betas[1]",
}

_HYPERPARAMETERS = (
    "learning_rate",
    "beta_1",
    "beta_2",
    "momentum",
    "nesterov",
    "rho",
    "epsilon",
    "initial_accumulator_value",
    "weight_decay",
    "amsgrad",
    "centered",
)

_EPSILON = {
    "adam": (
        "adds epsilon to the uncorrected root",
        "adds eps to the corrected root",
        'before step t: group["eps"] = eps / sqrt(1 - beta_2 ** t)',
    ),
    "adamw": (
        "adds epsilon to the uncorrected root",
        "adds eps to the corrected root",
        'before step t: group["eps"] = eps / sqrt(1 - beta_2 ** t)',
    ),
    "rmsprop": (
        "epsilon inside the root",
        "eps outside the root",
        "eps=0, square_avg starting at eps, and before each step square_avg += "
        "(1 - alpha) / alpha * eps",
    ),
    "adagrad": (
        "epsilon inside the root",
        "eps outside the root",
        "initial_accumulator_value=a + eps, eps=0",
    ),
    "adamax": (
        "adds epsilon to the maximum",
        "takes the maximum with abs(g) + eps",
        "eps=0, and exp_inf = (exp_inf + eps) / beta_2 before each step",
    ),
    "nadam": (
        "0.96 ** t",
        "0.96 ** (0.004 t)",
        "momentum_decay=1",
    ),
}


def _clipping(keras: Settings) -> Iterator[Candidate]:
    """PyTorch's optimizers never clip: it is the loop that does, or does not."""
    for key, remedy in _CLIPS.items():
        if keras.get(key):
            yield _optimizer(
                "clipping",
                f"{key} {number(keras[key])}",
                "the optimizer does not clip",
                remedy,
                {"do": "optimizer", "fix": "clip", "settings": {key: keras[key]}},
            )


_CLIPS = {
    "clipnorm": "for each parameter by itself: p.grad.mul_((c / p.grad.norm())"
    ".clamp(max=1)); clip_grad_norm_ over all of them is Keras' global_clipnorm",
    "global_clipnorm": "clip_grad_norm_(parameters, c); it adds 1e-6 to the norm",
    "clipvalue": "clip_grad_value_(parameters, c)",
}


def _close(a: Any, b: Any) -> bool:
    """Keras keeps hyperparameters in float32."""
    if isinstance(a, bool) or isinstance(b, bool):
        return bool(a) == bool(b)
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-6 * max(abs(a), abs(b))
    return bool(a == b)
