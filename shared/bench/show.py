"""What a person reads of a bench: a table a lesson and track, and one for a README."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.markup import escape
from rich.table import Table

from shared import results
from shared.bench.measure import SAME, Found, Measured
from shared.bench.ways import IDIOM
from shared.errors import UsageError
from shared.terminal import SYMBOL, out

TINY = 100
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def show(slug: str, found: Found) -> None:
    """One lesson in one track."""
    out.print(f"\n[bold]{slug}[/] in the {found.track} track, {found.steps:,} steps")
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("how")
    for column in ("seconds", "spread", "compile", "MB", "engine"):
        table.add_column(column, justify="right", no_wrap=True)
    for measured in found.measured:
        table.add_row(*_row(found, measured))
    least = [sum(kinds.values()) for kinds in found.floors]
    table.add_row("the floor", *_time(least), "", "", "")
    out.print(table)
    for line in [_legend(found), *_cut(found), *_notes(found), *_study(found)]:
        out.print(escape(line))
    out.print(_same(found))


def _row(found: Found, measured: Measured) -> list[str]:
    cut = "" if measured.steps == found.steps else "*"
    faster = ""
    if measured.way not in (found.engine.way, found.free.way):
        faster = _times(statistics.median(found.ratio(measured)))
    memory = measured.peak_memory
    return [
        measured.way.label + cut,
        *_time(measured.seconds),
        _seconds(statistics.median(measured.compile_seconds)),
        "" if memory is None else f"{memory / 1e6:,.0f}",
        faster,
    ]


def _time(values: Sequence[float]) -> tuple[str, str]:
    """The median, and the smallest and largest."""
    ends = f"{_seconds(min(values))} to {_seconds(max(values))}"
    return _seconds(statistics.median(values)), ends


def _seconds(value: float) -> str:
    """Three figures, but no more than a microsecond's."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 1e-6 else "0"


def _times(value: float) -> str:
    return f"{value:,.0f}x" if value >= 19.95 else f"{value:.1f}x"


def _legend(found: Found) -> str:
    threads = (
        "with one thread of PyTorch's, and one of its own if that helps"
        if found.free is found.engine
        else "with as many threads"
    )
    return (
        f"Engine: {threads}, it is so many times as fast as this way; the median of "
        "the rounds. Floor: on one core."
    )


def _cut(found: Found) -> list[str]:
    cut = [m for m in found.measured if m.steps < found.steps]
    told = ", ".join(f"{m.steps:,} ({m.way.label})" for m in cut)
    return [f"* Scaled up from so many steps: {told}."] if cut else []


def _notes(found: Found) -> list[str]:
    return [f"The engine: {note}." for note in found.engine.notes]


def _study(found: Found) -> list[str]:
    study = found.study
    if study is None:
        return []
    told = [
        f"{_times(study.seeds * statistics.median(m.seconds) / study.seconds)} "
        f"{m.way.label}"
        for m in found.measured[:-1]
    ]
    return [
        f"A study of {study.seeds} seeds takes {study.seconds:.3g} s in "
        f"{study.processes} processes, their start of {study.start:.1f} s apart. So "
        "many runs one after the other take so many times as long: "
        f"{', '.join(told)}."
    ]


def _same(found: Found) -> str:
    """Whether the loops compute the same losses."""
    known = {m.way.label: found.apart(m) for m in found.measured[:-1]}
    apart = {label: value for label, value in known.items() if value is not None}
    if not apart:
        return f"{SYMBOL['not applicable']} No loop to compare the losses with."
    worst = max(apart, key=lambda label: apart[label])
    if apart[worst] > SAME:
        return (
            f"{SYMBOL['fail']} The engine's first losses differ from those of "
            f"{escape(worst)} by {apart[worst]:.1e}."
        )
    alike = [
        f"{label} ({f'to {value:.0e}' if value else 'bit for bit'})"
        for label, value in apart.items()
    ]
    told = escape("; ".join(alike))
    return f"{SYMBOL['pass']} The engine's first losses are those of {told}."


def same(found: Found) -> bool:
    """Whether every loop that can be compared computes what the engine does."""
    known = [found.apart(measured) for measured in found.measured[:-1]]
    return all(value is None or value <= SAME for value in known)


def markdown(rows: Sequence[tuple[str, Found]]) -> str:
    """A table of ratios: how many times as long as the engine the others take."""
    lines = [
        "| lesson | track | the tutorial's way | tuned | by hand | seeds | engine "
        "| floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [_markdown_row(slug, found) for slug, found in rows]
    return "\n".join(lines)


def _markdown_row(slug: str, found: Found) -> str:
    by_name = {measured.way.name: measured for measured in found.measured}
    idiom = by_name[IDIOM]
    cells = [
        f"`{slug}`",
        found.track,
        *(_way(found, by_name.get(n)) for n in (idiom.way.name, "tuned", "hand")),
        _seeds(found, idiom),
        _engine(found),
        _over_floor(found),
    ]
    return f"| {' | '.join(cells)} |"


def _engine(found: Found) -> str:
    """Seconds with one thread, and in brackets with those that a tutorial has."""
    both = (statistics.median(m.seconds) for m in (found.engine, found.free))
    alone, free = (f"{_seconds(seconds)} s" for seconds in both)
    return alone if found.free is found.engine else f"{alone} ({free})"


def _over_floor(found: Found) -> str:
    """Nothing for models so small that calls are all that they cost."""
    times = statistics.median(found.over_floor())
    return _times(times) if times < TINY else ""


def _way(found: Found, measured: Measured | None) -> str:
    if measured is None:
        return ""
    return f"{measured.way.label}: {_times(statistics.median(found.ratio(measured)))}"


def _seeds(found: Found, idiom: Measured) -> str:
    if found.study is None:
        return ""
    study = found.study
    alone = study.seeds * statistics.median(idiom.seconds)
    return f"{study.seeds}: {_times(alone / study.seconds)}"


def around(path: Path) -> tuple[str, str]:
    """What stands before and after the table in a Markdown file, marks included.

    Raises:
        UsageError: there is no such file, or it has no such marks.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--into {path}: cannot be read as text ({error})") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"--into {path}: put {BEGIN} and {END} where the table goes")
    return f"{before}{BEGIN}\n", f"\n{END}{after}"


def put_into(path: Path, table: str) -> None:
    """Replace what stands between the two marks in a Markdown file.

    Raises:
        UsageError: as `around`, or the file cannot be written.
    """
    results.write(path, table.join(around(path)).encode())
