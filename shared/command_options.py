"""The options of each command that has more than a few."""

from __future__ import annotations

import click

from shared.options import (
    COMMON,
    DATA,
    DEVICE,
    ENGINE,
    JSON,
    MAP,
    PRECISION,
    WholeNumber,
    jobs,
    seeds,
    settings,
    together,
)

COMPARE = together(
    click.option(
        "--precision",
        type=click.Choice(["both", "float64", "float32"]),
        default="both",
        show_default=True,
        help="float64 proves the training, float32 shows its horizon.",
    ),
    COMMON,
)
"""How two tracks are compared: by compare, and by a report that compares first."""

RUN = together(
    PRECISION,
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
    ENGINE,
    click.option(
        "--threads",
        type=WholeNumber(1, 1024),
        default=1,
        metavar="N",
        show_default=True,
        help="That the framework may use. What several share may round otherwise in "
        "the last place.",
    ),
    click.option(
        "--init",
        type=click.Choice(["matched", "native"]),
        help="With --mode native: the start is drawn as the lesson says, or as the "
        "framework does by itself.  [default: native]",
    ),
    COMMON,
)
"""The options of a run, wherever it is started from."""

STUDY = together(
    seeds(25, "Trainings in each track, of the seeds 0 to N - 1."),
    click.option(
        "--margin",
        type=click.FloatRange(min=0, min_open=True),
        metavar="PP",
        help="How far apart still counts as equal, in percentage points (hundredths, "
        "where the metric is not a percentage).  [default: the lesson's]",
    ),
    click.option(
        "--init",
        type=click.Choice(["matched", "native"]),
        default="matched",
        show_default=True,
        help="matched: both tracks draw their starts from the lesson's distribution, "
        "each for itself; native: each framework's own initialisers.",
    ),
    jobs("Processes at once."),
    click.option(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="Train on the cluster of this Dask scheduler instead.",
    ),
    click.option(
        "--out",
        "folder",
        type=click.Path(),
        metavar="DIR",
        help="Where study.jsonl (every finished training), study.json and the strip "
        "plot go.  [default: twotrack-out/study/LESSON]",
    ),
    settings(),
    settings("--set-tf", "set_tf", "The same, for tf only."),
    settings("--set-torch", "set_torch", "And for torch only."),
    PRECISION,
    DEVICE,
    ENGINE,
    DATA,
    JSON,
)

REPORT = together(
    click.option(
        "--from",
        "source",
        type=click.Path(),
        metavar="DIR",
        help="Show the comparisons saved here.  [default: compare first]",
    ),
    click.option(
        "--out",
        type=click.Path(),
        default="twotrack-out/report",
        show_default=True,
        metavar="DIR",
        help="Where index.html and the lessons' pages go.",
    ),
    click.option("--open", "opened", is_flag=True, help="Open the index in a browser."),
    click.option(
        "--lang",
        type=click.Choice(["en", "ko"]),
        default="en",
        show_default=True,
        help="Of titles and headings.",
    ),
    COMPARE,
)

BENCH = together(
    click.option("--track", metavar="tf|torch", help="Only this one.  [default: both]"),
    click.option(
        "--rounds",
        type=click.IntRange(1, 1000),
        default=5,
        metavar="N",
        show_default=True,
        help="Repetitions of every way; up to twice as many where times are unsteady.",
    ),
    seeds(None, "Time a study of so many seeds as well."),
    jobs("Processes of that study."),
    settings(),
    DEVICE,
    click.option(
        "--into",
        type=click.Path(),
        metavar="FILE",
        help="Put a table into this Markdown file, between <!-- bench --> and "
        "<!-- /bench -->.",
    ),
    JSON,
)

CHECK = together(
    click.option(
        "--input",
        "shapes",
        multiple=True,
        metavar="N,H,W,C",
        help="The shape of an input in Keras' layout; N,T:K for integers below K. Once "
        "for each input.  [default: the Keras model's own]",
    ),
    click.option(
        "--data",
        type=click.Path(),
        metavar="FILE.npz",
        help="The inputs, in Keras' layout, under the names of the Keras model's; the "
        "target under y.",
    ),
    click.option(
        "--loss",
        metavar="LOSS",
        help="mse, mae, huber, bce, bce_logits, cross_entropy, ..., or your own two: "
        "K.py:NAME,T.py:NAME.",
    ),
    click.option(
        "--optimizer",
        metavar="OPTIMIZER",
        help="sgd, momentum, adam, adamw, rmsprop, ..., with a rate such as adam:0.01, "
        "or your own two.",
    ),
    click.option(
        "--steps",
        type=WholeNumber(0, 100_000),
        metavar="N",
        help="Steps of training.  [default: 3; 0 of a large model]",
    ),
    MAP,
    click.option(
        "--weights",
        type=click.Choice(["auto", "own", "keras", "torch"]),
        default="auto",
        show_default=True,
        help="own: as the models come; keras, torch: that model's in both; auto: own "
        "where the two have a kernel in common, else Keras'.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "float64"]),
        help="The only one to compare in.  [default: both]",
    ),
    click.option(
        "--seed",
        type=WholeNumber(0, 2**32 - 1),
        default=0,
        metavar="N",
        show_default=True,
        help="Of the numbers that are drawn.",
    ),
    click.option(
        "--html",
        type=click.Path(),
        metavar="FILE.html",
        help="Write the same as a page that works by itself.",
    ),
    JSON,
)

NOTEBOOK = together(
    click.option(
        "--track",
        type=click.Choice(["tf", "torch", "both"]),
        default="both",
        show_default=True,
        help="Which framework's side of the lesson.",
    ),
    click.option(
        "--out",
        type=click.Path(),
        metavar="FILE",
        help="The file.  [default: LESSON.ipynb, or LESSON_tf.ipynb, here]",
    ),
    click.option(
        "--source",
        metavar="URL",
        help="Where a machine without twotrack gets it: git+https://... or a wheel's "
        "address.  [default: the repository that this one came from]",
    ),
    click.option("--force", is_flag=True, help="Replace the file if it is there."),
)
