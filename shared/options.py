"""The options that several commands have, each written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import click

Option: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


class WholeNumber(click.IntRange):
    """A range of whole numbers that error messages call so."""

    name = "whole number"


def together(*options: Option) -> Option:
    """All of them, in this order in the help."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def settings(flag: str = "--set", name: str = "settings", help: str = "") -> Option:
    """Fields of a lesson's Config, as often as one likes."""
    known = "A field of the lesson's Config; `twotrack list LESSON` shows them."
    return click.option(
        flag, name, multiple=True, metavar="FIELD=VALUE", help=help or known
    )


def seeds(default: int | None, help: str) -> Option:
    """How many seeds."""
    return click.option(
        "--seeds",
        type=WholeNumber(2, 100_000),
        default=default,
        metavar="N",
        show_default=default is not None,
        help=help,
    )


def jobs(help: str) -> Option:
    """How many processes."""
    kind = click.IntRange(1)
    told = f"{help}  [default: the cores]"
    return click.option("--jobs", type=kind, metavar="J", help=told)


JSON = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object, nothing else."
)

DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "gpu"]),
    default="auto",
    show_default=True,
    envvar="TWOTRACK_DEVICE",
    show_envvar=True,
    help="auto takes a GPU where there is one.",
)

DATA = click.option(
    "--data",
    type=click.Path(),
    help="Your own images for MNIST's: an .npz in Keras' layout, or a folder with the "
    "four IDX files.",
)

PRECISION = click.option(
    "--precision",
    type=click.Choice(["float32", "float64"]),
    help="Of parameters and data.  [default: that of the notes]",
)

ENGINE = click.option(
    "--engine",
    type=click.Choice(["auto", "plain"]),
    default="auto",
    show_default=True,
    help="plain: the framework's own loop, step by step; the same numbers.",
)

MAP = click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="KERAS=TORCH",
    help="This Keras layer is that PyTorch module; for pairs that are ambiguous.",
)

COMMON = together(
    DEVICE,
    click.option(
        "--seed",
        type=WholeNumber(0, 2**32 - 1),
        default=0,
        metavar="N",
        show_default=True,
        help="Seed of starts, batch order and dropout masks.",
    ),
    settings(),
    click.option(
        "--mode",
        type=click.Choice(["matched", "native"]),
        default="matched",
        show_default=True,
        help="matched: one start, order, masks and rule for both tracks; "
        "native: each framework's own.",
    ),
    DATA,
    click.option("--smoke", is_flag=True, help="One step of everything."),
    click.option(
        "--logdir",
        type=click.Path(),
        metavar="DIR",
        help="Write TensorBoard's runs DIR/LESSON/tf and DIR/LESSON/torch.",
    ),
    JSON,
)
"""What all that trains a lesson once shares."""
