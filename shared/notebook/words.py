"""What a notebook says and calls besides the lesson's own text and code."""

from __future__ import annotations

INSTALL = """\
# Fetches twotrack where it is not there yet, as on a hosted notebook service, from
# git+https://..., or from file:///... of its wheel or of a checkout on that machine.
from importlib.util import find_spec

SOURCE = "{source}"

if not all(map(find_spec, [{needed}])):
    assert SOURCE, "twotrack is not here, and SOURCE does not say where it is"
    %pip install --quiet "twotrack[{extras}] @ {{SOURCE}}"
"""

BEGIN = """\
from shared import notebook

lesson = notebook.begin(
    "{slug}", "{track}", device="auto", precision="{precision}", seed=0
)
"""

SIDES = """\
from shared import notebook

tf_cells, torch_cells = notebook.sides(
    "{slug}", device="auto", precision="{precision}", seed=0
)
"""

TWO_SIDES = """\
Both frameworks run in this one kernel. A cell that begins with `%%tf` belongs to the \
Keras side and one with `%%torch` to the PyTorch side: each has a `build`, a `train` \
and so on of its own, kept in `tf_cells` and `torch_cells`. What a plain cell defines, \
both sides see."""

ENGINE = {
    "engine.fit(": "`engine.fit(model, x, y, ...)` is `model.fit(x, y, ...)`, run as "
    "one graph: the same numbers in less time.",
    "engine.loop(": "`engine.loop(step, ...)` calls `step(x, y)` on every batch of "
    "every epoch, as a plain loop would, but faster; `help(engine)` shows that loop.",
}

SETTINGS = """\
Change what you like, and run the cells from here on again. What the text above calls \
`--set NAME=VALUE` is `Config(NAME=VALUE)` in a notebook, and `--seed` the `seed` of \
the set-up."""

TRAIN = """\
`lesson.run` builds and trains the model with the functions above, and shows what came \
out. The start, the order of the batches and the dropout masks are those that both \
frameworks get in a comparison. `matched=False` leaves them to the framework; a model \
of another shape needs it."""

SHOW = "`lesson.run` calls the functions above and shows what came out."

APART = """\
The largest difference between the two, as a share of the largest number of its kind. \
In float32 rounding alone makes it some 1e-7, and a long or a wild training amplifies \
that."""

CHANGE = "Every function above may be changed: run its cell again, and then *Run*."

KEPT = {
    "train": "`{found}` keeps what came out: `.model`, `.loss` (of every step), "
    "`.prediction`, `.metrics`, `.results` and the `.data` that it saw. "
    "`lesson.tensor(array)` makes of an array what `predict` takes.",
    "": "`{found}.results` keeps what came out, as arrays.",
}

OTHER = """\
The same lesson in the other framework: `twotrack notebook {slug} --track {other}`; in \
both, side by side: `twotrack notebook {slug}`."""

PROOF = """\
`twotrack compare {slug}` proves, level by level, that the two frameworks agree."""

APART_EACH = """\
for variant in variants:
    notebook.apart(tf_cells.found[variant], torch_cells.found[variant])"""

EACH_VARIANT = """\
found = {{}}
for variant, cfg in variants.items():
    found[variant] = lesson.run(
{arguments}    )"""
