"""The check answers what people asked in public."""

from __future__ import annotations

import pytest
from check_threads import THREADS, Thread


@pytest.mark.parametrize("thread", THREADS, ids=lambda thread: thread.url)
def test_thread(thread: Thread) -> None:
    check = thread.check()
    assert not list(thread.expected.complaints(check)), str(check)
