"""Every planted bug is found, by the level and at the place that it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext

import planted_both
import planted_tf_lessons
import planted_tf_training
import planted_torch_lessons
import planted_torch_training
import pytest
from planted import ROOT, RUNS, Tracks

from shared.lessons import CURRICULUM
from shared.results import Level

CATALOGUE = (
    *planted_tf_lessons.BUGS,
    *planted_tf_training.BUGS,
    *planted_torch_lessons.BUGS,
    *planted_torch_training.BUGS,
    *planted_both.BUGS,
)
BUGS = {bug.name: bug for bug in CATALOGUE}
CLEAN = {bug.run: bug for bug in CATALOGUE}

Failures = Callable[[str], list[Level]]


@pytest.fixture(scope="module")
def failures(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Failures]:
    """The levels that fail under a bug, or in the clean run of that name.

    Whatever is selected runs from the start on, so that both processes are kept busy.
    """
    selected = [
        str(item.callspec.params["subject"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        if "subject" in item.callspec.params
    ]
    found: dict[str, Future[list[Level]]] = {}
    folder = tmp_path_factory.mktemp("data")
    with Tracks(folder) as tracks, ThreadPoolExecutor(4) as pool:
        for subject in selected:
            bug = BUGS.get(subject) or CLEAN[subject]
            found[subject] = pool.submit(tracks.failures, bug, subject in CLEAN)
        yield lambda subject: found[subject].result()


@pytest.fixture(scope="module")
def caught(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The level that caught each bug; counted for the reader at the end."""
    found: list[str] = []
    yield found
    counts = ", ".join(f"{n} by {level}" for level, n in Counter(found).most_common())
    plugins = request.config.pluginmanager
    terminal, capture = map(plugins.get_plugin, ("terminalreporter", "capturemanager"))
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        terminal.write_line(f"\n{len(found)} planted bugs caught: {counts}")


@pytest.mark.parametrize("subject", CLEAN)
def test_no_false_alarm(subject: str, failures: Failures) -> None:
    assert failures(subject) == []


@pytest.mark.parametrize("subject", BUGS)
def test_planted(subject: str, failures: Failures, caught: list[str]) -> None:
    bug, found = BUGS[subject], failures(subject)
    assert found, "no level fails"
    first = found[0]
    assert (first.level, first.precision) == (bug.level, bug.precisions[-1]), first
    assert bug.where in first.where
    caught.append(first.level)


def test_every_place_is_found_once() -> None:
    for bug in CATALOGUE:
        for edit in bug.edits:
            edit.apply((ROOT / edit.file).read_text(encoding="utf-8"))


def test_every_lesson_has_bugs_in_both_tracks() -> None:
    for track in ("tf", "torch"):
        assert {bug.lesson for bug in CATALOGUE if bug.of(track)} == set(CURRICULUM)
    assert RUNS.keys() == set(CURRICULUM)
    assert len(BUGS) == len(CATALOGUE), "two bugs have one name"
