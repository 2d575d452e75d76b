"""The command line: twotrack list, run, compare, doctor.

Exit codes: 0 fine, 1 the tracks disagree, 2 wrong use or bad input, 3 something is
missing on this machine. Only click is imported before a command needs more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from shared import lesson as lessons
from shared.errors import TwotrackError

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


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that run and compare share."""
    options = [
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "gpu"]),
            default=lambda: os.environ.get("TWOTRACK_DEVICE", "auto"),
            help="auto takes a GPU where there is one.  [default: auto]",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, 2**32 - 1),
            default=0,
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


@cli.command(name="list")
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
    width = max(map(len, titles))
    for slug, title in titles.items():
        click.echo(f"{slug:<{width}}  {title}")


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
        raise SystemExit(DISAGREE)


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def doctor(as_json: bool) -> None:
    """Show versions, devices and data, what is missing and how to get it."""
    from shared.commands import examine_machine
    from shared.errors import MissingError

    if not examine_machine(as_json):
        raise SystemExit(MissingError.exit_code)


def run_here(track: str, slug: str | None) -> None:
    """`python -m tf_track LESSON`: the run command, in this very process."""
    arguments = ([] if slug is None else [slug]) + sys.argv[1:]

    @click.command(context_settings={"help_option_names": ["-h", "--help"]})
    @click.argument("lesson")
    @_run_options
    def command(lesson: str, **options: Any) -> None:
        """Train one LESSON in this track, and show what came out."""
        from shared.commands import run_lesson

        run_lesson(lesson, track, here=True, **options)

    _finish(command, arguments)


def main() -> None:
    """The entry point."""
    _finish(cli, sys.argv[1:])


def _finish(command: click.Command, arguments: list[str]) -> None:
    """Run the command; whatever goes wrong is one line and an exit code."""
    try:
        code = command.main(arguments, prog_name="twotrack", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        code = _complain(error.format_message(), 2)
    except TwotrackError as error:
        code = _complain(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        code = _complain("stopped", 130)
    except BrokenPipeError:
        # Whoever read our output has left; writing at exit would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    click.echo(f"twotrack: {' '.join(message.split())}", err=True)
    return code
