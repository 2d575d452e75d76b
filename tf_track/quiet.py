"""TensorFlow's start-up chatter, held back from the learner's terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what is written to standard error; if the block fails, write it.

    The C++ libraries log to the file descriptor before their log level applies, so
    neither sys.stderr nor TF_CPP_MIN_LOG_LEVEL reaches those lines.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
