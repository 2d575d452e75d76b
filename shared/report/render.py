"""From values to HTML: the templates, and what is inlined into every page."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from shared.report import sources
from shared.report.mathematics import prose, unbroken

TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, **values: Any) -> str:
    """A page; whatever is not Markup is escaped."""
    return _environment().get_template(template).render(values)


def breakable(name: str) -> Markup:
    """A name that may go on in the next line behind a slash or an underscore."""
    return Markup(re.sub(r"(?<=[/_])(?=\w)", "<wbr>", str(escape(name))))


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _file("page.js")
    environment.filters |= {"ticks": prose, "unbroken": unbroken}
    environment.filters |= {"breakable": breakable}
    environment.globals |= {
        "css": _css(),
        "script": script,
        "policy": _policy(script),
        "version": metadata.version("twotrack"),
    }
    return environment


def _file(name: str) -> Markup:
    """A file of ours as it is, without the line break at its end."""
    return Markup(TEMPLATES.joinpath(name).read_text(encoding="utf-8").strip())


def _css() -> Markup:
    dark = "@media screen and (prefers-color-scheme: dark) {{\n{}\n}}"
    code = sources.styles("light"), dark.format(sources.styles("dark"))
    return Markup("\n").join([_file("page.css"), *map(Markup, code)])


def _policy(script: str) -> str:
    """Nothing may be loaded, and no script may run but ours."""
    text = f"\n{script}\n"
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    allowed = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"{allowed}; script-src 'sha256-{digest}'"
