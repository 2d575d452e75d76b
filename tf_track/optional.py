"""Keras without the packages that it loads for its corners, if they are there.

Scikit-learn stands behind `keras.wrappers`, Matplotlib behind the image gallery. No
lesson uses either, and both together take a quarter of the time that Keras takes to
load (keras/src/wrappers/sklearn_wrapper.py, keras/src/visualization).
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without(*packages: str) -> Iterator[None]:
    """Within it what is imported does not find these packages; after it all do.

    A package that is loaded already is found as ever.
    """
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
