"""Lessons as notebooks: `twotrack notebook LESSON` writes one.

    from shared import notebook

    lesson = notebook.begin("xor_mlp", "torch")
    found = lesson.run(cfg, build=build, train=train, predict=predict)

is what its cells call: they run with the notebook's own functions, in its kernel.
"""

from __future__ import annotations

from shared.notebook.both import apart, sides
from shared.notebook.kernel import Found, LessonHere, begin

__all__ = ["Found", "LessonHere", "apart", "begin", "sides"]
