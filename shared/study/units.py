"""The trainings that a study consists of, each known by what determines its result."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared import lesson as lessons
from shared.errors import UsageError
from shared.job import Job
from shared.lesson import Lesson
from shared.runner import package

TRACKS = ("tf", "torch")


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user asked for.

    Attributes:
        seeds: trainings in each track, of the seeds 0, 1, ...
        margin: in units of the metric; None for the one in the lesson's spec.
        init: "matched" or "native", as in shared.job.Job.
        precision: None for that of the notes.
        device, data, engine: as in shared.job.Job.
        settings: fields of the lesson's Config.
        own: further fields by track, for a difference made on purpose.
    """

    seeds: int
    margin: float | None = None
    init: str = "matched"
    precision: str | None = None
    device: str = "auto"
    data: str | None = None
    engine: str = "auto"
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Unit:
    """One training.

    Attributes:
        track: "tf" or "torch".
        variant: the lesson's variant; "" where it has none.
        job: the training itself.
        made_with: versions and digests of code and data.
    """

    track: str
    variant: str
    job: Job
    made_with: Mapping[str, str]

    @functools.cached_property
    def identity(self) -> str:
        """A digest of all that determines the result, and of nothing else."""
        job = dataclasses.asdict(self.job)
        # Where the data lies does not matter; made_with tells what it is. Nor does it
        # matter what else runs, or what is kept for the next seed.
        del job["data"], job["reuse"], job["processes"]
        known = json.dumps([self.track, job, dict(self.made_with)], sort_keys=True)
        return hashlib.sha256(known.encode()).hexdigest()[:32]


def plan(lesson: Lesson, options: Options) -> list[Unit]:
    """All trainings of the study: track by track, variant by variant, seed by seed.

    Raises:
        UsageError: the lesson trains nothing, or the data is unusable.
        MissingError: a framework is not installed.
    """
    if lesson.optional("score") is None:
        raise UsageError(
            f"{lesson.slug} trains nothing, so its seeds are all alike: name a lesson "
            "that trains"
        )
    units = []
    settings = {**lesson.study, **options.settings}
    for track in TRACKS:
        for variant, common in lesson.configs(settings).items():
            cfg = dataclasses.replace(common, **options.own.get(track, {}))
            job = Job(
                lesson=lesson.slug,
                fields=dataclasses.asdict(cfg),
                matched=False,
                precision=options.precision or lesson.published_precision,
                device=options.device,
                data=options.data,
                init=options.init,
                engine=options.engine,
                reuse=True,
            )
            known = made_with(track, job)
            for seed in range(options.seeds):
                seeded = dataclasses.replace(job, seed=seed)
                units.append(Unit(track, variant, seeded, known))
    return units


def made_with(track: str, job: Job) -> dict[str, str]:
    """What a result depends on besides its job: versions, code and data.

    Raises:
        MissingError: the framework is not installed.
    """
    name = package(track)
    required = import_module(name).REQUIRES
    versions = {p: _version(p) for p in ("twotrack", "numpy", *required)}
    return versions | {"code": _code(name, job.lesson), "data": loaded(job)[1]}


def loaded(job: Job) -> tuple[Any, str]:
    """The data of the job's lesson, and its digest."""
    return _loaded(job.lesson, json.dumps(job.fields), job.data)


@functools.lru_cache(maxsize=4)
def _loaded(slug: str, fields: str, path: str | None) -> tuple[Any, str]:
    lesson = lessons.find(slug)
    data = lesson.data(lesson.config_type(**json.loads(fields)), path)
    return data, digest([data.x_train, data.y_train, data.x_test, data.y_test])


def digest(arrays: Iterable[NDArray[Any]]) -> str:
    """Of the arrays' contents, shapes and dtypes."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype.str}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:16]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # a build of another name: tensorflow-cpu
        built = metadata.packages_distributions().get(name, [])
        return "+".join(metadata.version(other) for other in built)


def _code(track_package: str, slug: str) -> str:
    """Of the source that a training runs through."""
    shared = Path(__file__).parents[1]
    track = Path(str(import_module(track_package).__file__)).parent
    names = ("lesson", "metrics", "randomness", "session", "weights", "worker")
    files = [shared / f"{name}.py" for name in names]
    files += sorted((shared / "datasets").glob("*.py"))
    files += sorted(track.glob("*.py"))
    files += [folder / "lessons" / f"{slug}.py" for folder in (shared, track)]
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()[:16]
