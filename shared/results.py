"""What a comparison found, and its file."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import MissingError, TwotrackError, UsageError

SCHEMA = 1

COMPARISON = "comparison.json"


@dataclasses.dataclass(frozen=True)
class Level:
    """One rung of the ladder for one variant in one precision.

    Attributes:
        level: its name.
        precision: "float64", "float32", or "" where it does not matter.
        value: the worst difference found; None where the level does not apply.
        tolerance: what was allowed.
        verdict: "pass", "fail" or "not applicable".
        where: the worst place; of a failure the first place that differs; of a level
            that does not apply, the reason.
        variant: the lesson's variant; "" where it has none.
    """

    level: str
    precision: str
    value: float | None
    tolerance: float | None
    verdict: str
    where: str
    variant: str = ""


@dataclasses.dataclass(frozen=True)
class Figure:
    """A published figure beside what each track obtained."""

    name: str
    variant: str
    printed: Any
    tf: Any
    torch: Any
    tolerance: float
    passed: bool


@dataclasses.dataclass(frozen=True)
class Horizon:
    """How long the float32 losses of the two tracks stay together.

    Attributes:
        variant: the lesson's variant.
        steps: how many steps were trained.
        parted: the first step whose losses differ by more than 1e-4; None if none.
        twins: for each track, the step at which each of its one-ulp twins parts from
            it; None for a twin that does not within the steps it was run.
        twin_steps: how far the twins were run.
    """

    variant: str
    steps: int
    parted: int | None
    twins: dict[str, list[int | None]]
    twin_steps: int


@dataclasses.dataclass
class Comparison:
    """One lesson in both tracks.

    Attributes:
        lesson, title: whose it is.
        mode, precision, seed, settings: how it was run.
        environment: versions, devices, machine.
        tracks: what the report says of each track.
        levels, published, horizons: what was found.
        date: when, in UTC, as ISO 8601 writes it.
        limit: the steps trained at most; None trained to the end.
        data: the user's own data; None for the lesson's.
    """

    lesson: str
    title: str
    mode: str
    precision: str
    seed: int
    settings: dict[str, Any]
    environment: dict[str, Any]
    tracks: dict[str, dict[str, Any]]
    levels: list[Level]
    published: list[Figure]
    horizons: list[Horizon]
    date: str = ""
    limit: int | None = None
    data: str | None = None

    @property
    def passed(self) -> bool:
        return all(level.verdict != "fail" for level in self.levels)

    def to_json(self) -> dict[str, Any]:
        """Plain values; NaN and infinity become strings, which JSON lacks."""
        plain = {"schema": SCHEMA, "passed": self.passed, **dataclasses.asdict(self)}
        found: dict[str, Any] = _plain(plain)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def to_text(value: Any) -> str:
    """JSON of plain values, arrays and the like."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False)


def folder(path: str | Path, option: str = "--out") -> Path:
    """The folder to write into, made if need be.

    Args:
        path: the folder.
        option: where the user named it.

    Raises:
        UsageError: it cannot be made or written to.
        MissingError: the disk is full.
    """
    if not str(path):
        raise UsageError(f"{option} is empty: name a folder")
    out = Path(path)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except FileExistsError:
        raise UsageError(f"{out} is not a folder; name another {option}") from None
    except OSError as error:
        raise _refused(out, error, option) from None
    return out


def write(path: Path, content: bytes, option: str = "--out") -> None:
    """Write a file whole or not at all.

    Args:
        path: the file.
        content: what it holds then.
        option: where the user named its folder.

    Raises:
        UsageError: the file cannot be written.
        MissingError: the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            part.write_bytes(content)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error, option) from None


def _refused(path: Path, error: OSError, option: str) -> TwotrackError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    kind = MissingError if full else UsageError
    remedy = f"{'make room, or ' if full else ''}name another {option}"
    return kind(f"cannot write {path}: {error.strerror}; {remedy}")
