"""A matplotlib figure as an SVG that is part of a page.

Its colours become the page's own, so that they follow light and dark; its text stays
text, in the page's font; and its outlines lose the points that nobody sees.
"""

from __future__ import annotations

import functools
import io
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from shared.plots.style import COLOURS, GREY, INK, WHITE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"

_NAMED = {INK: "--ink", GREY: "--soft", "#ffffff": "--paper"} | {
    colour: f"--series-{k}" for k, colour in enumerate(COLOURS)
}
_NEVER_THINNED = (INK, "#000000", "#ffffff")  # a light grey is a thinned GREY
_FINE = 0.15  # of a point: how far a simplified outline may lie from the original


def inline(drawn: Figure, title: str, told: str, key: str) -> Markup:
    """The figure as an `svg` element.

    Args:
        drawn: the figure; draw it within `styled`.
        title: its name for who cannot see it.
        told: what it shows, in a sentence or two.
        key: is put before every identifier, of which a page may hold each once.
    """
    import matplotlib

    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": key}):
        drawn.savefig(buffer, format="svg", transparent=True)
    root = ET.fromstring(buffer.getvalue())
    used = re.findall(r"[(\"]#(\w+)", buffer.getvalue().decode())
    short = {name: f"{key}-{place}" for place, name in enumerate(dict.fromkeys(used))}
    for element in list(root):
        style = element.find(f"{{{SVG}}}style")
        if element.tag == f"{{{SVG}}}metadata" or style is not None:
            root.remove(element)
    for element in root.iter():
        _clean(element, short)
    for element in root.iter(f"{{{SVG}}}g"):
        _prune(element)
        _hoist(element)
    _label(root, title, told, key)
    ET.register_namespace("", SVG)
    text = ET.tostring(root, encoding="unicode")
    # Every text in it was escaped by ElementTree.
    return Markup(re.sub(r"<g>\s*</g>|\s*<g />|\n\s*", "", text))


def _clean(element: ET.Element, short: dict[str, str]) -> None:
    """Rewrite an element's attributes; `short` are the names that are referred to."""
    attributes = element.attrib
    name = attributes.pop("id", None)
    if name in short:
        attributes["id"] = short[name]
    if XLINK in attributes:
        attributes["href"] = f"#{short[attributes.pop(XLINK)[1:]]}"
    if "clip-path" in attributes:
        attributes["clip-path"] = f"url(#{short[attributes['clip-path'][5:-1]]})"
    if "style" in attributes:
        attributes["style"] = _style(attributes["style"])
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    if "d" in attributes:
        attributes["d"] = _outline(attributes["d"])
    for name in ("x", "y"):
        if name in attributes:
            attributes[name] = _short(attributes[name])


def _prune(group: ET.Element) -> None:
    """Take out outlines of nothing, such as an area that a contour does not have."""
    for child in list(group):
        if child.tag == f"{{{SVG}}}path" and not child.get("d"):
            group.remove(child)


def _hoist(group: ET.Element) -> None:
    """Give a group the style and the shape that all of its markers have."""
    for name in ("style", "clip-path"):
        values = {child.get(name) for child in group}
        if len(group) > 1 and len(values) == 1 and name not in group.attrib:
            (value,) = values
            if value is not None:
                group.set(name, value)
                for child in group:
                    del child.attrib[name]


def _label(root: ET.Element, title: str, told: str, key: str) -> None:
    for name in ("width", "height", "version"):
        del root.attrib[name]
    labels = {"title": title, "desc": told}
    root.attrib |= {
        "class": "chart",
        "role": "img",
        "aria-labelledby": " ".join(f"{key}-{tag}" for tag in labels),
    }
    for place, (tag, text) in enumerate(labels.items()):
        label = ET.Element(f"{{{SVG}}}{tag}", {"id": f"{key}-{tag}"})
        label.text = text
        root.insert(place, label)


def _style(style: str) -> str:
    parts = style.replace(": ", ":").split("; ")
    kept = ";".join(part for part in parts if not part.startswith("font-family"))
    return re.sub(r"#[0-9a-f]{6}", lambda found: _colour(found[0]), kept)


@functools.cache
def _colour(code: str) -> str:
    """The page's own name for a colour of the plots, or for one thinned with white."""
    known = {colour.lower(): name for colour, name in _NAMED.items()}
    if code == WHITE.lower():
        return "#fff"
    if code in known:
        return f"var({known[code]})"
    for colour, name in known.items():
        share = _share(code, colour)
        if share is not None and colour not in _NEVER_THINNED:
            return f"color-mix(in srgb,var({name}) {100 * share:.0f}%,var(--paper))"
    return code


def _share(code: str, colour: str) -> float | None:
    """How much of the colour there is in a mixture with white; None if it is none."""
    mixed, pure = (
        255 - np.array(list(bytes.fromhex(c[1:])), float) for c in (code, colour)
    )
    share = float(mixed @ pure / max(pure @ pure, 1.0))
    return share if np.abs(share * pure - mixed).max() <= 1.5 else None


def _outline(d: str) -> str:
    """The same path in a tenth of a point, without the points on its straights."""
    if "C" in d or "Q" in d:
        return re.sub(
            r"-?\d+\.\d+", lambda found: _short(found[0]), " ".join(d.split())
        )
    parts = re.findall(r"M([^Mz]*)(z?)", d)
    return "".join(_polygon(points, closed) for points, closed in parts)


def _polygon(text: str, closed: str) -> str:
    numbers = np.array(text.replace("L", " ").split(), float).reshape(-1, 2)
    kept = numbers[_needed(numbers)] if len(numbers) > 8 else numbers
    return "M" + " ".join(map(_short, kept.ravel())) + closed


def _needed(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points an outline needs (Douglas and Peucker, 1973)."""
    needed = np.zeros(len(points), bool)
    needed[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        ends, away = points[last] - points[first], points[first + 1 : last]
        away = away - points[first]
        along = np.clip(away @ ends / max(float(ends @ ends), 1e-12), 0, 1)
        distance = np.hypot(*(away - along[:, None] * ends).T)
        at = int(distance.argmax())
        if distance[at] > _FINE:
            middle = first + 1 + at
            needed[middle] = True
            spans += [(first, middle), (middle, last)]
    return needed


def _short(number: str | float) -> str:
    return f"{float(number):.1f}".removesuffix(".0")
