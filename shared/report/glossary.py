"""Why a line reads differently in the two tracks.

Each note knows the words that it explains, in Keras and in PyTorch. A line that differs
gets every note one of whose words it has among what is marked; the notes of all lessons
together explain every marked line (tests/test_report.py holds them to it).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from shared.twins import Row


@dataclasses.dataclass(frozen=True)
class Note:
    """One difference.

    Attributes:
        title: what it is about.
        text: the difference; code stands in backticks.
        tf, torch: regular expressions of its words; one that matches nothing where
            the track has no such word.
        item: what `twotrack differences` shows it by; "" if there is nothing to show.
    """

    title: str
    text: str
    tf: str = "(?!)"
    torch: str = "(?!)"
    item: str = ""

    def explains(self, row: Row, track: str) -> bool:
        """Whether one of its words is marked in that track's line."""
        line = getattr(row, track) or ""
        found = re.finditer(getattr(self, track), line)
        return any(
            _overlaps(match.span(), row.marked.get(track, ())) for match in found
        )


def _overlaps(one: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(one[0] < end and start < one[1] for start, end in others)


NOTES = (
    Note(
        "Imports",
        "Each track imports its own framework, and its own half of this project, whose "
        "`engine` runs a lesson's step over its batches and whose `backend` turns "
        "arrays into tensors.",
        tf=r"^import \w+|^from (tf_track|keras)|\btf_track\b",
        torch=r"^import \w+|^from (torch_track|torch|collections)|\btorch_track\b",
    ),
    Note(
        "Tensors",
        "An array is a `tf.Tensor` in one, a `torch.Tensor` in the other.",
        tf=r"tf\.Tensor\b",
        torch=r"torch\.Tensor\b",
    ),
    Note(
        "What is trained",
        "What changes in training is a `tf.Variable`; a `tf.Tensor` cannot be "
        "changed. A `torch.Tensor` can, in place, and so needs no wrapping.",
        tf=r"(tf|keras)\.Variable",
        torch=r"torch\.(tensor\((?!WEIGHTS|x|y)|zeros\(|empty\()|backend\.tensor",
    ),
    Note(
        "The number's type",
        "A variable made of a Python number is float32 unless `dtype` says "
        "otherwise. `torch.tensor` follows `torch.get_default_dtype()`.",
        tf=r"dtype = |dtype=|floatx",
    ),
    Note(
        "Random numbers",
        "Each framework has its own generator: the same seed draws other numbers. "
        "Matched comparisons draw in NumPy, and give the numbers to both.",
        tf=r"keras\.random",
        torch=r"torch\.randn|Generator|manual_seed",
    ),
    Note(
        "Initializers",
        "One distribution, two names: Glorot's is called after his last name in "
        "Keras, after his first (Xavier) in PyTorch.",
        tf=r"initializers|glorot\(",
        torch=r"xavier_uniform_|glorot\(",
        item="dense_initializers",
    ),
    Note(
        "The model's class",
        "A `keras.Model` brings `compile`, `fit` and `evaluate` along. An "
        "`nn.Module` holds parameters and runs forward; the loop around it is "
        "yours.",
        tf=r"keras\.Model\b",
        torch=r"nn\.Module\b",
    ),
    Note(
        "A stack of layers",
        "Both run their layers in order. In Keras every layer has a name; "
        "`nn.Sequential` takes names from an `OrderedDict`, and numbers the layers "
        "without one.",
        tf=r"keras\.Sequential|layers = \[",
        torch=r"nn\.Sequential|OrderedDict\(",
    ),
    Note(
        "The input's shape",
        "Keras is told the shape of one sample and works out what each layer takes "
        "in. In PyTorch each layer is told.",
        tf=r"keras\.Input",
    ),
    Note(
        "Dense and Linear",
        "The same product. Dense keeps its kernel as (in, out), `nn.Linear` its "
        "weight as (out, in). Dense starts from Glorot's range with zero biases, "
        "`nn.Linear` from within 1/sqrt(in), biases too.",
        tf=r"layers\.Dense",
        torch=r"nn\.Linear",
        item="dense_layout",
    ),
    Note(
        "Activations",
        "Dense takes its activation as an argument. In PyTorch it is a module of its "
        "own, after the layer.",
        tf=r'Dense\([^)]*"(sigmoid|relu|softmax)"',
        torch=r"nn\.(Sigmoid|ReLU)\(",
    ),
    Note(
        "Flatten",
        "The same here. On colour images it is not: Keras has the channels last, "
        "PyTorch first, and so the numbers come out in another order.",
        tf=r"layers\.Flatten",
        torch=r"nn\.Flatten",
        item="flatten_order",
    ),
    Note(
        "Dropout",
        "The rate means the same, and what is kept is divided by 1 - rate in both. "
        "Which units are dropped is each framework's own draw, so a matched "
        "comparison gives both the same masks.",
        tf=r"layers\.Dropout",
        torch=r"nn\.Dropout",
        item="dropout_mask",
    ),
    Note(
        "Loading weights",
        "Keras takes the arrays in the order of the layers, PyTorch by their names. "
        "The kernels are turned on the way: (in, out) in Keras, (out, in) in PyTorch.",
        tf=r"set_weights|weights = \[|WEIGHTS\[",
        torch=r"load_state_dict|weights = \{|torch\.tensor\(WEIGHTS",
        item="dense_layout",
    ),
    Note(
        "What is recorded",
        "TensorFlow records what runs under a `GradientTape`: operations on "
        "variables, and on tensors it is told to `watch`. PyTorch records "
        "operations on every tensor that has `requires_grad`.",
        tf=r"GradientTape|tape\.watch",
        torch=r"requires_grad_?\b",
    ),
    Note(
        "Under the tape",
        "What is to be differentiated is computed within the tape's `with`.",
        tf=r"^ {8,}(?!.*tape)\w+ = ",
    ),
    Note(
        "Asking for gradients",
        "The tape returns the gradients it is asked for. `backward()` adds them to "
        "each tensor's `.grad`; `torch.autograd.grad` and `torch.func` return them, "
        "as the tape does.",
        tf=r"tape\.(gradient|jacobian)",
        torch=r"\.backward\(|autograd\.grad|torch\.func\.\w+",
    ),
    Note(
        "Where gradients are kept",
        "Only leaves keep a `.grad`; a result on the way does after `retain_grad()`.",
        tf=r"df_d\w",
        torch=r"(?<!autograd)(?<!func)\.grad\b|retain_grad|Tensor \| None",
    ),
    Note(
        "Clearing gradients",
        "`backward()` adds to what `.grad` holds, so it is cleared before every "
        "step. A tape's gradients are new each time.",
        torch=r"zero_grad",
    ),
    Note(
        "Nothing to record",
        "PyTorch would record these operations too. `no_grad` and, stricter, "
        "`inference_mode` switch that off; TensorFlow records nothing outside a "
        "tape.",
        torch=r"inference_mode|no_grad|\.detach\(",
    ),
    Note(
        "Changing in place",
        "A variable is changed by `assign`. In PyTorch a trailing underscore marks "
        "what changes a tensor in place.",
        tf=r"assign_(add|sub)",
        torch=r"\.(add|sub)_\(",
    ),
    Note(
        "The optimizer's parameters",
        "A Keras optimizer is given gradients and variables at every step. "
        "PyTorch's is given the parameters when it is made, and finds the gradients "
        "in their `.grad`. The rate is `learning_rate` in Keras, `lr` in PyTorch.",
        tf=r"optimizers\.SGD\(|optimizer\.apply|trainable_variables|rule\(cfg\)",
        torch=r"optim\.SGD\(|optimizer\.step|parameters\(\)|\blr=|rule\(cfg\)",
    ),
    Note(
        "The optimizer's settings",
        "Several defaults differ, so both name them. Adam, AdamW, Adagrad: epsilon "
        "1e-7 and 1e-8 or 1e-10; RMSprop keeps .9 and .99 of its mean square. Equal "
        "settings are not yet equal rules: PyTorch adds epsilon elsewhere.",
        tf=r"optimizers\.(Optimizer|SGD,|SGD$|Ada\w+|RMSprop)|epsilon=|rho=|beta_[12]=",
        torch=r"optim\.(Optimizer|SGD,|SGD$|Ada\w+|RMSprop)|eps=|alpha=|betas=",
        item="adam_epsilon",
    ),
    Note(
        "Binary cross-entropy",
        "Keras takes the target first, PyTorch last. Where a probability is 0 or 1, "
        "Keras moves it by 1e-7, and `nn.BCELoss` stops its logarithm at -100.",
        tf=r"BinaryCrossentropy",
        torch=r"BCELoss",
        item="bce_probabilities",
    ),
    Note(
        "Logits or probabilities",
        "`nn.CrossEntropyLoss` takes logits and holds the softmax, so the model "
        "ends without one and the prediction adds it. Keras' loss takes "
        "probabilities unless `from_logits=True`; right after a softmax layer it "
        "finds the logits itself.",
        tf=r'"softmax"|from_logits|ops\.softmax\(model|[cC]ategorical_?[cC]rossentropy',
        torch=r"CrossEntropyLoss|torch\.softmax\(model",
        item="cce_probabilities",
    ),
    Note(
        "Mean squared error",
        "The same mean. Beware of targets (N,) for outputs (N, 1): Keras makes "
        "their shapes equal, `nn.MSELoss` broadcasts them to (N, N).",
        tf=r"MeanSquaredError",
        torch=r"MSELoss",
        item="mse_shapes",
    ),
    Note(
        "fit, or a loop",
        "`compile` names optimizer, loss and metrics, and `fit` runs the loop. In "
        "PyTorch the loop is written: clear, forward, backward, step.",
        tf=r"model\.compile|optimizer=|loss=|metrics=|engine\.fit|model\.fit"
        r"|^        \),$",
        torch=r"def step\(x|criterion|return loss|engine\.loop"
        r"|^        (step|optimizer),$",
    ),
    Note(
        "Training or evaluation",
        "Keras is told the mode with each call. An `nn.Module` stays in the mode of "
        "the last `train()` or `eval()`, and a new one is in training mode.",
        tf=r"training=(True|False)",
        torch=r"model\.(train|eval)\(\)|model\(x\)",
        item="evaluation_mode",
    ),
    Note(
        "Feeding batches",
        "`tf.data` is a chain of stages: `shuffle` draws from a buffer, which must "
        "be as large as the data and come before `batch`. A `DataLoader` looks "
        "samples up in the order of a sampler.",
        tf=r"tf\.data|\.shuffle\(|\.batch\(|tf\.gather|\bbatches\($|, seed: int$",
        torch=r"DataLoader|TensorDataset|sampler=|batch_size=size|def batches",
        item="loader_shuffle",
    ),
    Note(
        "Axis and dim",
        "What NumPy and Keras call `axis`, PyTorch calls `dim`.",
        tf=r"axis=",
        torch=r"dim=",
    ),
    Note(
        "Changing the type",
        "`ops.cast(x, dtype)` is a method in PyTorch, `x.to(dtype)`.",
        tf=r"ops\.cast",
        torch=r"\.to\(",
    ),
    Note(
        "Functions of arrays",
        "`keras.ops` has NumPy's functions for any backend. PyTorch has them in "
        "`torch` and, many of them, as methods of a tensor.",
        tf=r"\bops\.(?!cast|softmax\(model)\w+|tf\.reduce_mean",
        torch=r"torch\.(?!Tensor|tensor|func|autograd|optim|utils|Generator|get_default|inference|no_grad|softmax\(model)[a-z]\w+\(?"
        r"|\.(T|ravel|unsqueeze|clone)\b",
    ),
)
"""In the order in which they are tried; a line may have several."""
