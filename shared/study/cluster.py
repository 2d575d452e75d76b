"""The same trainings on an existing cluster, through Dask.

Every thread of a Dask worker keeps one process of its own (`Hand`), so that the two
frameworks never meet in one process and a compiled loop serves seed after seed. The
processes end with the study; without one, after a minute.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Sequence

from shared.errors import MissingError, TwotrackError, UsageError
from shared.study.pool import Hand
from shared.study.result import Result
from shared.study.units import Unit, made_with

IDLE_SECONDS = 60.0
CONNECT_SECONDS = 10


def run(units: Sequence[Unit], address: str, keep: Callable[[Result], None]) -> None:
    """Train the units on the cluster whose scheduler has that address.

    Args:
        units: what to train.
        address: such as "tcp://10.0.0.1:8786".
        keep: called with every result as it comes, in this thread.

    Raises:
        UsageError: that is no address, or as a track says.
        MissingError: Dask or the scheduler is not there, or a worker cannot do it.
    """
    if not re.fullmatch(r"(tcp|tls|ucx|wss?)://\S+:\d{1,5}", address):
        raise UsageError(f"--scheduler {address}: write it as tcp://HOST:PORT")
    try:
        import distributed
    except ModuleNotFoundError:
        raise MissingError(
            "--scheduler needs Dask: pip install 'twotrack[cluster]'"
        ) from None
    try:
        client = distributed.Client(
            address, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except OSError as error:
        raise MissingError(f"no Dask scheduler at {address}: {error}") from None
    with client:
        # In this order, so that a worker seldom changes from one track to the other.
        futures = [
            client.submit(train, unit, pure=False, priority=-place)
            for place, unit in enumerate(units)
        ]
        try:
            for future in distributed.as_completed(futures, loop=client.loop):
                keep(future.result())
        except (TwotrackError, KeyboardInterrupt):
            raise
        except Exception as error:
            raise MissingError(f"the cluster at {address} failed: {error}") from error
        finally:
            client.cancel(futures)
            client.run(close_idle)


def train(unit: Unit) -> Result:
    """Train one unit in this thread of a Dask worker.

    Raises:
        MissingError: this worker has other versions, code or data than who asks.
        UsageError: as the track says.
    """
    check(unit)
    return _kept().train(unit)


def check(unit: Unit) -> None:
    """Refuse a unit that would come out otherwise here.

    Raises:
        MissingError: versions, code or data differ.
    """
    here = made_with(unit.track, unit.job)
    for name, wanted in unit.made_with.items():
        if here.get(name) != wanted:
            raise MissingError(
                f"the cluster's {socket.gethostname()} has {name} {here.get(name)}, "
                f"this machine {wanted}: make them equal"
            )


class _Kept:
    """A hand that ends its process when nobody has needed it for a while."""

    def __init__(self) -> None:
        self._hand = Hand()
        self._busy = threading.Lock()
        self._timer: threading.Timer | None = None

    def train(self, unit: Unit) -> Result:
        if self._timer is not None:
            self._timer.cancel()
        try:
            with self._busy:
                return self._hand.train(unit)
        finally:
            self._timer = threading.Timer(IDLE_SECONDS, self.close_idle)
            self._timer.daemon = True
            self._timer.start()

    def close_idle(self) -> None:
        """End the process, unless it trains: another study may share the cluster."""
        if self._busy.acquire(blocking=False):
            try:
                self._hand.close()
            finally:
                self._busy.release()


_mine = threading.local()
_all: list[_Kept] = []


def _kept() -> _Kept:
    if not hasattr(_mine, "kept"):
        _mine.kept = _Kept()
        _all.append(_mine.kept)
    return _mine.kept


def close_idle() -> None:
    """End the processes of this Dask worker that nobody needs."""
    for kept in _all:
        kept.close_idle()
