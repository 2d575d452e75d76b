"""The command line: `twotrack --help` lists the commands.

Exit codes: 0 fine, 1 the tracks disagree, 2 wrong use or bad input, 3 something is
missing on this machine; a study has 4 for undecided. Only click is imported before a
command needs more.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shutil
import signal
import sys
import textwrap
import traceback
from collections.abc import Callable
from typing import Any

import click

from shared import lesson as lessons
from shared.errors import OUT_OF_MEMORY, MissingError, TwotrackError

DISAGREE = 1


class _Commands(click.Group):
    """A group that offers the nearest command for a mistyped one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            hint = lessons.nearest(args[0], self.commands)
            raise click.UsageError(
                f"there is no command {args[0]!r}{hint}; `twotrack --help` lists them"
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="twotrack", message="twotrack %(version)s")
def cli() -> None:
    """Every deep-learning lesson twice, in Keras on TensorFlow and in PyTorch.

    And the proof, level by level, that the two agree.
    """


class _Seed(click.IntRange):
    name = "whole number"


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that run and compare share."""
    options = [
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "gpu"]),
            default="auto",
            show_default=True,
            envvar="TWOTRACK_DEVICE",
            show_envvar=True,
            help="auto takes a GPU where there is one.",
        ),
        click.option(
            "--seed",
            type=_Seed(0, 2**32 - 1),
            default=0,
            metavar="N",
            show_default=True,
            help="Seed of starts, batch order and dropout masks.",
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="FIELD=VALUE",
            help="A field of the lesson's Config; `twotrack list LESSON` shows them.",
        ),
        click.option(
            "--mode",
            type=click.Choice(["matched", "native"]),
            default="matched",
            show_default=True,
            help="matched: one start, order, masks and rule for both tracks; "
            "native: each framework's own.",
        ),
        click.option(
            "--data",
            type=click.Path(),
            help="Your own images for MNIST's: an .npz in Keras' layout, "
            "or a folder with the four IDX files.",
        ),
        click.option("--smoke", is_flag=True, help="One step of everything."),
        click.option(
            "--json", "as_json", is_flag=True, help="One JSON object, nothing else."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@cli.command(name="list", short_help="Show all lessons, or one with its mathematics.")
@click.argument("lesson", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def list_(lesson: str | None, as_json: bool) -> None:
    """Show all lessons, or one LESSON with its mathematics and settings."""
    if lesson is not None:
        from shared.commands import show_lesson

        show_lesson(lesson, as_json)
        return
    titles = lessons.titles()
    if as_json:
        import json

        click.echo(json.dumps({"lessons": titles}, ensure_ascii=False))
        return
    slugs = max(map(len, titles)) + 2
    # In a pipe each lesson keeps to one line.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    for slug, title in titles.items():
        lines = textwrap.wrap(title, max(width - slugs, 20))
        click.echo(f"{slug:<{slugs}}" + f"\n{'':<{slugs}}".join(lines))


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a run, wherever it is started from."""
    options = [
        click.option(
            "--precision",
            type=click.Choice(["float32", "float64"]),
            help="Of parameters and data.  [default: that of the notes]",
        ),
        click.option(
            "--out",
            type=click.Path(),
            metavar="DIR",
            help="Save run.json, weights.safetensors and the plots here.",
        ),
        click.option(
            "--plots",
            type=click.Choice(["svg", "png", "none"]),
            default="svg",
            show_default=True,
            help="The kind of plots that --out saves.",
        ),
        click.option(
            "--weights",
            type=click.Path(),
            metavar="FILE",
            help="Evaluate these saved weights (either track's) instead of training.",
        ),
        click.option(
            "--engine",
            type=click.Choice(["auto", "plain"]),
            default="auto",
            show_default=True,
            help="plain: the framework's own loop, step by step; the same numbers.",
        ),
        click.option(
            "--init",
            type=click.Choice(["matched", "native"]),
            help="With --mode native: the start is drawn as the lesson says, or as the "
            "framework does by itself.  [default: native]",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return _common(command)


@cli.command()
@click.argument("lesson")
@click.option(
    "--track", required=True, metavar="tf|torch", help="Which framework runs it."
)
@_run_options
def run(lesson: str, track: str, **options: Any) -> None:
    """Train one LESSON in one track, and show what came out."""
    from shared.commands import run_lesson

    run_lesson(lesson, track, here=False, **options)


@cli.command()
@click.argument("names", nargs=-1, metavar="[LESSON]...")
@click.option("--all", "every", is_flag=True, help="Every lesson.")
@click.option(
    "--precision",
    type=click.Choice(["both", "float64", "float32"]),
    default="both",
    show_default=True,
    help="float64 proves the training, float32 shows its horizon.",
)
@click.option(
    "--out",
    type=click.Path(),
    default="twotrack-out",
    show_default=True,
    metavar="DIR",
    help="Where comparison.json goes.",
)
@click.option("--verbose", "-v", is_flag=True, help="Every level of every lesson.")
@_common
def compare(names: tuple[str, ...], every: bool, **options: Any) -> None:
    """Run each LESSON in both tracks and climb the ladder."""
    from shared.commands import compare_lessons

    if every == bool(names):
        raise click.UsageError("name one or more lessons, or give --all")
    if not compare_lessons(lessons.slugs() if every else names, **options):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Train many seeds in both tracks, and test for equivalence.")
@click.argument("lesson")
@click.option(
    "--seeds",
    type=_Seed(2, 100_000),
    default=25,
    metavar="N",
    show_default=True,
    help="Trainings in each track, of the seeds 0 to N - 1.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True),
    metavar="PP",
    help="How far apart still counts as equal, in percentage points (hundredths, where "
    "the metric is not a percentage).  [default: the lesson's]",
)
@click.option(
    "--init",
    type=click.Choice(["matched", "native"]),
    default="matched",
    show_default=True,
    help="matched: both tracks draw their starts from the lesson's distribution, each "
    "for itself; native: each framework's own initialisers.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="J",
    help="Processes at once.  [default: the cores]",
)
@click.option(
    "--scheduler",
    metavar="tcp://HOST:PORT",
    help="Train on the cluster of this Dask scheduler instead.",
)
@click.option(
    "--out",
    "folder",
    type=click.Path(),
    metavar="DIR",
    help="Where study.jsonl (every finished training), study.json and the strip plot "
    "go.  [default: twotrack-out/study/LESSON]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A field of the lesson's Config; `twotrack list LESSON` shows them.",
)
@click.option(
    "--set-tf", multiple=True, metavar="FIELD=VALUE", help="The same, for tf only."
)
@click.option(
    "--set-torch", multiple=True, metavar="FIELD=VALUE", help="And for torch only."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "float64"]),
    help="Of parameters and data.  [default: that of the notes]",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    envvar="TWOTRACK_DEVICE",
    help="auto takes a GPU where there is one.",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "plain"]),
    default="auto",
    show_default=True,
    help="plain: the loop that the framework's users would write.",
)
@click.option("--data", type=click.Path(), help="Your own images for MNIST's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def study(
    lesson: str, set_tf: tuple[str, ...], set_torch: tuple[str, ...], **options: Any
) -> None:
    """Train LESSON with many seeds in each track: do they do equally well?

    Every seed has its own start, batch order and dropout masks, drawn by the framework
    itself. The means are equivalent if two one-sided tests (alpha .05) put their
    difference within the margin. What was trained is kept, and the same command goes on
    from there.

    Exits with 0 if the tracks are equivalent, 1 if they differ, 4 if the seeds show
    neither (too few, or some diverged in one track only), 2 on wrong use or bad input,
    3 if something is missing. Whoever asks for proof of equality takes all but 0 for a
    failure; whoever fears a proven difference only 1.
    """
    from shared.study.command import study_lesson

    own = {"tf": set_tf, "torch": set_torch}
    code = study_lesson(lesson, own=own, **options)
    if code:
        raise click.exceptions.Exit(code)


@cli.command(short_help="Time the engines against the loops that users write.")
@click.argument("names", nargs=-1, metavar="[LESSON]...")
@click.option("--track", metavar="tf|torch", help="Only this one.  [default: both]")
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=5,
    metavar="N",
    show_default=True,
    help="Repetitions of every way; up to twice as many where times are unsteady.",
)
@click.option(
    "--seeds",
    type=_Seed(2, 100_000),
    metavar="N",
    help="Time a study of so many seeds as well.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="J",
    help="Processes of that study.  [default: the cores]",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="A field of the lesson's Config; `twotrack list LESSON` shows them.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    envvar="TWOTRACK_DEVICE",
    help="auto takes a GPU where there is one.",
)
@click.option(
    "--into",
    type=click.Path(),
    metavar="FILE",
    help="Put a table into this Markdown file, between <!-- bench --> and "
    "<!-- /bench -->.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def bench(names: tuple[str, ...], **options: Any) -> None:
    """Time each LESSON (default: all) in every way that one would run it.

    The tutorial's way, a good loop written by hand and the engine take turns, each in a
    process of its own; what counts are the ratios. The floor is what the arithmetic
    alone takes at the rates that NumPy reaches in the same run.

    Exits with 0 if all loops compute the same losses, 1 if not.
    """
    from shared.bench.command import bench_lessons

    if not bench_lessons(names, **options):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Show a lesson's two sources side by side.")
@click.argument("lesson")
def diff(lesson: str) -> None:
    """Show the two sources of a LESSON side by side, section by section.

    What differs is underlined. Below 147 columns a line of both is shown once.
    """
    from shared.commands import show_sources

    show_sources(lesson)


@cli.command(short_help="Show where Keras and PyTorch differ, and what helps.")
@click.argument("item", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def differences(item: str | None, as_json: bool) -> None:
    """Show where Keras and PyTorch differ: all of it, one group, or one ITEM.

    Each is demonstrated on the installed versions: how far the two are apart as they
    come, the setting or the code that makes them equal, and what it leaves.

    Exits with 0 if all are as they are known to be, 1 if a release has changed one.
    """
    from shared.differences.command import show_differences

    if not show_differences(item, as_json):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Show what is installed, what is missing, how to get it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def doctor(as_json: bool) -> None:
    """Show versions, devices and data, what is missing and how to get it."""
    from shared.commands import examine_machine

    if not examine_machine(as_json):
        raise click.exceptions.Exit(MissingError.exit_code)


def run_here(track: str, slug: str | None) -> None:
    """`python -m tf_track LESSON`: the run command, in this very process."""
    given = [] if slug is None else [slug]

    @click.command(context_settings={"help_option_names": ["-h", "--help"]})
    @click.argument("lesson", metavar="LESSON" if slug is None else "")
    @_run_options
    def command(lesson: str, **options: Any) -> None:
        """Train the LESSON in this track, and show what came out."""
        from shared.commands import run_lesson

        run_lesson(lesson, track, here=True, **options)

    folder, name = os.path.split(sys.argv[0])
    if name == "__main__.py":
        name = f"-m {os.path.basename(folder)}"
    _finish(command, given + sys.argv[1:], f"python {name}")


def main() -> None:
    """The entry point."""
    _finish(cli, sys.argv[1:] or ["--help"], "twotrack")


def _finish(command: click.Command, arguments: list[str], name: str) -> None:
    """Run the command; whatever goes wrong is one line and an exit code."""
    _open_streams()
    # A polite kill cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        # click's own `main` would exit with 1, our "disagree", on a broken pipe.
        with command.make_context(name, arguments) as context:
            command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except BrokenPipeError:
        pass  # whoever read our output has left
    except (Exception, KeyboardInterrupt) as error:
        code, message = _verdict(error)
        with contextlib.suppress(OSError):
            click.echo(f"twotrack: {' '.join(message.split())}", err=True)
    _close_streams()
    sys.exit(code)


def _verdict(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what to say."""
    if isinstance(error, TwotrackError):
        return error.exit_code, str(error)
    if isinstance(error, click.ClickException):
        return 2, _told(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return 130, "stopped"
    if isinstance(error, MemoryError):
        return MissingError.exit_code, OUT_OF_MEMORY
    if isinstance(error, OSError):
        told = filter(None, (error.filename, error.strerror or str(error)))
        return MissingError.exit_code, ": ".join(map(str, told))
    # A lesson that its reader has changed, or a bug of ours: where, says the traceback.
    traceback.print_exception(error)
    return MissingError.exit_code, f"{type(error).__name__}: {error}"


def _told(error: click.ClickException) -> str:
    """What click says, and which help tells more."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None or "--help" in message:
        return message
    return f"{message[0].lower()}{message[1:]} - see `{context.command_path} --help`"


def _open_streams() -> None:
    """Let a closed standard stream be the null device, and let no character fail.

    The next file that is opened would get a closed stream's number, and its output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    codecs.register_error("twotrack", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="twotrack")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a character that the output's encoding does not have."""
    assert isinstance(error, UnicodeEncodeError)
    known = {"✓": "+", "✗": "x", "–": "-"}.get(error.object[error.start])
    # Else its number, as JSON has it too.
    return (known, error.start + 1) if known else codecs.backslashreplace_errors(error)


def _close_streams() -> None:
    """What cannot be written is dropped, lest Python try again at exit and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
