"""Both tracks in one kernel, each with names of its own."""

from __future__ import annotations

import ast
import sys
from types import ModuleType
from typing import Any

from shared.notebook.kernel import Found, begin
from shared.notebook.prose import escaped, table
from shared.parity.pairs import one
from shared.plots.losses import both_losses
from shared.plots.style import rendered, styled

SHOWN = {
    "history/loss": "loss of every step",
    "trained/": "trained",
    "prediction": "prediction",
    "result/": "result",
}
"""What of a trace is compared, and how it is called."""


def sides(lesson: str, **options: Any) -> tuple[ModuleType, ModuleType]:
    """Begin the lesson in both tracks, for cells that start with %%tf and %%torch.

    Args:
        lesson: its name.
        options: as `begin` takes them.

    Returns:
        What the cells of either side define, as a module; `lesson` is in it already.

    Raises:
        UsageError, MissingError: as `begin` does.
    """
    # A CUDA build of torch imports Triton if it is there, and a process that has loaded
    # TensorFlow then crashes.
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    return _side("tf", lesson, options), _side("torch", lesson, options)


def _side(track: str, lesson: str, options: dict[str, Any]) -> ModuleType:
    from IPython import get_ipython

    names = ModuleType(f"{track}_cells", f"What the %%{track} cells define.")
    vars(names)["lesson"] = begin(lesson, track, **options)
    # Where Python looks for the module of a class that a cell defines.
    sys.modules[names.__name__] = names
    shell = get_ipython()

    def magic(line: str, cell: str) -> Any:
        vars(names).update(_public(shell.user_ns))
        return _execute(shell, cell, vars(names))

    shell.register_magic_function(magic, "cell", track)
    return names


def _public(names: dict[str, Any]) -> dict[str, Any]:
    """What the plain cells define, and not what IPython keeps beside it."""
    own = {"In", "Out", "exit", "quit", "get_ipython"}
    return {k: v for k, v in names.items() if k not in own and not k.startswith("_")}


def _execute(shell: Any, cell: str, names: dict[str, Any]) -> Any:
    """Run a cell among these names; its value is that of a last expression."""
    # The magic's own line counts: a traceback names the lines as one sees them.
    source = "\n" + shell.transform_cell(cell)
    file = shell.compile.cache(source, shell.execution_count)
    tree = ast.parse(source, file)
    ends = tree.body and isinstance(tree.body[-1], ast.Expr)
    last = ast.Expression(tree.body.pop().value) if ends else None
    # Not with this module's own `from __future__`.
    exec(compile(tree, file, "exec", dont_inherit=True), names)
    if last is None:
        return None
    return eval(compile(last, file, "eval", dont_inherit=True), names)


def apart(tf: Found, torch: Found) -> None:
    """Show how far apart lies what both tracks found."""
    from IPython.display import display

    found = {"tf": tf.outcome.trace, "torch": torch.outcome.trace}
    rows = []
    for level, told in SHOWN.items():
        both = dict.fromkeys(k for side in found.values() for k in side)
        for key in (k for k in both if k.startswith(level)):
            name = key.removeprefix(level)
            far = one(name, found["tf"].get(key), found["torch"].get(key), 0.0)
            value = f"{far.value:.1e}" if far.value else "none"
            where = escaped(far.where.removeprefix(name).strip())
            rows.append((f"{told} `{name}`" if name else told, value, where))
    shown = table(("what", "largest difference", "where"), rows)
    display({"text/markdown": shown, "text/plain": shown}, raw=True)
    _show_losses(tf, torch)


def _show_losses(tf: Found, torch: Found) -> None:
    from IPython.display import display

    losses = {"tf": tf.loss, "torch": torch.loss}
    found = {track: loss for track, loss in losses.items() if loss is not None}
    steps = tf.outcome.steps_per_epoch
    with styled():
        figure = both_losses({tf.precision: found}, tf.name, steps)
        if figure is not None:
            svg = rendered(figure, "svg").decode()
            display({"image/svg+xml": svg, "text/plain": "<losses>"}, raw=True)
