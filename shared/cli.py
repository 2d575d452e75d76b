"""The command line: `twotrack --help` lists the commands.

Only click is imported before a command needs more.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import Any

import click

from shared import command_options, options
from shared import lesson as lessons
from shared.ending import finish
from shared.errors import MissingError

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


@cli.command(name="list", short_help="Show all lessons, or one with its mathematics.")
@click.argument("lesson", required=False)
@options.JSON
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


@cli.command()
@click.argument("lesson")
@click.option(
    "--track", required=True, metavar="tf|torch", help="Which framework runs it."
)
@command_options.RUN
def run(lesson: str, track: str, **given: Any) -> None:
    """Train one LESSON in one track, and show what came out."""
    from shared.commands import run_lesson

    run_lesson(lesson, track, here=False, **given)


@cli.command()
@click.argument("names", nargs=-1, metavar="[LESSON]...")
@click.option("--all", "every", is_flag=True, help="Every lesson.")
@click.option(
    "--out",
    type=click.Path(),
    default="twotrack-out",
    show_default=True,
    metavar="DIR",
    help="Where comparison.json goes.",
)
@click.option("--verbose", "-v", is_flag=True, help="Every level of every lesson.")
@command_options.COMPARE
def compare(names: tuple[str, ...], every: bool, **given: Any) -> None:
    """Run each LESSON in both tracks and climb the ladder."""
    from shared.commands import compare_lessons

    if every == bool(names):
        raise click.UsageError("name one or more lessons, or give --all")
    if not compare_lessons(lessons.slugs() if every else names, **given):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Train many seeds in both tracks, and test for equivalence.")
@click.argument("lesson")
@command_options.STUDY
def study(
    lesson: str, set_tf: tuple[str, ...], set_torch: tuple[str, ...], **given: Any
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
    code = study_lesson(lesson, own=own, **given)
    if code:
        raise click.exceptions.Exit(code)


@cli.command(short_help="Write the side-by-side pages of a comparison.")
@click.argument("names", nargs=-1, metavar="[LESSON]...")
@command_options.REPORT
def report(names: tuple[str, ...], **given: Any) -> None:
    """Write an index and a page for each LESSON (default: all), as HTML.

    The pages need no network. They show what `twotrack compare --out DIR` saved in
    --from DIR; without --from the lessons are compared first, with --precision and the
    options after it.

    Exits with 0 if every level of every lesson agrees, with 1 if one does not.
    """
    from shared.report.command import write_report

    if not write_report(names, **given):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Time the engines against the loops that users write.")
@click.argument("names", nargs=-1, metavar="[LESSON]...")
@command_options.BENCH
def bench(names: tuple[str, ...], **given: Any) -> None:
    """Time each LESSON (default: all) in every way that one would run it.

    The tutorial's way, a good loop written by hand and the engine take turns, each in a
    process of its own; what counts are the ratios. The floor is what the arithmetic
    alone takes at the rates that NumPy reaches in the same run.

    Exits with 0 if all loops compute the same losses, 1 if not.
    """
    from shared.bench.command import bench_lessons

    if not bench_lessons(names, **given):
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
@options.JSON
def differences(item: str | None, as_json: bool) -> None:
    """Show where Keras and PyTorch differ: all of it, one group, or one ITEM.

    Each is demonstrated on the installed versions: how far the two are apart as they
    come, the setting or the code that makes them equal, and what it leaves.

    Exits with 0 if all are as they are known to be, 1 if a release has changed one.
    """
    from shared.differences.command import show_differences

    if not show_differences(item, as_json):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Check whether your Keras and PyTorch models agree.")
@click.argument("keras", metavar="KERAS.py:NAME")
@click.argument("torch", metavar="TORCH.py:NAME")
@command_options.CHECK
def check(keras: str, torch: str, **given: Any) -> None:
    """Say whether, where and why a Keras model and a PyTorch model disagree.

    NAME is a model, or a function without arguments that builds one. Level by level:
    the same parameters, outputs, gradients, updates, running statistics and losses, in
    float64 and in float32. Where the two differ, each known cause is repaired in turn,
    and what is left is measured.

    Exits with 0 if they agree on every level, 1 if not.
    """
    from shared.check.command import check_models

    if not check_models(keras, torch, **given):
        raise click.exceptions.Exit(DISAGREE)


@cli.command(short_help="Convert weights between Keras and PyTorch.")
@click.argument("source")
@click.argument("target")
@click.option(
    "--keras",
    required=True,
    metavar="FILE.py:NAME",
    help="The Keras model, or a function that builds it.",
)
@click.option(
    "--torch",
    required=True,
    metavar="FILE.py:NAME",
    help="The PyTorch model, or a function that builds it.",
)
@options.MAP
@click.option("--json", "as_json", is_flag=True, help="One JSON object, nothing else.")
def convert(source: str, target: str, **options: Any) -> None:
    """Write the weights in SOURCE, of one framework, to TARGET, for the other.

    One is a Keras .weights.h5, the other a PyTorch state_dict (.safetensors or .pt).
    The layers of the two models are paired by kind, shape, name and order. The numbers
    are moved, not computed: the way back gives the same bits, but for what is told.
    """
    from shared.check.convert import convert_weights

    convert_weights(source, target, **options)


@cli.command(short_help="Write a lesson as a Jupyter notebook.")
@click.argument("lesson")
@command_options.NOTEBOOK
def notebook(lesson: str, **given: Any) -> None:
    """Write LESSON as a notebook: its sections, its prose, and a cell that runs it.

    It runs top to bottom in Jupyter or on a hosted notebook service, where its first
    cell installs what is missing. With both tracks each section comes once in Keras
    and once in PyTorch.
    """
    from shared.notebook.command import write_notebook

    write_notebook(lesson, **given)


@cli.command(short_help="Show what is installed, what is missing, how to get it.")
@options.JSON
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
    @command_options.RUN
    def command(lesson: str, **given: Any) -> None:
        """Train the LESSON in this track, and show what came out."""
        from shared.commands import run_lesson

        run_lesson(lesson, track, here=True, **given)

    folder, name = os.path.split(sys.argv[0])
    if name == "__main__.py":
        name = f"-m {os.path.basename(folder)}"
    finish(command, given + sys.argv[1:], f"python {name}")


def main() -> None:
    """The entry point."""
    finish(cli, sys.argv[1:] or ["--help"], "twotrack")
