"""A matplotlib figure as an SVG that is part of a page.

Its colours become the page's own, so that they follow light and dark; its text stays
text, in the page's font; and its outlines lose the points that nobody sees.
"""

from __future__ import annotations

import functools
import io
import re
import xml.etree.ElementTree as ET
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from shared.plots.style import COLOURS, GREY, INK, WHITE
from shared.report.outlines import dots, outline, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"

_NAMED = {INK: "--ink", GREY: "--soft", "#ffffff": "--paper"} | {
    colour: f"--series-{k}" for k, colour in enumerate(COLOURS)
}
_MANY = 9  # marks that are worth a path
_LONG = 200  # letters of an outline that are worth a reference
_NEVER_THINNED = (INK, "#000000", "#ffffff")  # a light grey is a thinned GREY


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
    names = {name: f"{key}-{place}" for place, name in enumerate(dict.fromkeys(used))}
    for element in list(root):
        style = element.find(f"{{{SVG}}}style")
        if element.tag == f"{{{SVG}}}metadata" or style is not None:
            root.remove(element)
    for element in root.iter():
        _clean(element, names)
    _style_symbols(root)
    for element in root.iter(f"{{{SVG}}}g"):
        _prune(element)
        _hoist(element)
    _join_dots(root)
    _unwrap(root)
    _draw_once(root, key)
    _label(root, title, told, key)
    ET.register_namespace("", SVG)
    text = ET.tostring(root, encoding="unicode")
    # Every text in it was escaped by ElementTree.
    return Markup(re.sub(r"\n\s*", "", text).replace(" />", "/>"))


def _clean(element: ET.Element, names: dict[str, str]) -> None:
    """Rewrite an element's attributes; `names` are new ones of what is referred to."""
    attributes = element.attrib
    name = attributes.pop("id", None)
    if name in names:
        attributes["id"] = names[name]
    if XLINK in attributes:
        attributes["href"] = f"#{names[attributes.pop(XLINK)[1:]]}"
    if "clip-path" in attributes:
        attributes["clip-path"] = f"url(#{names[attributes['clip-path'][5:-1]]})"
    if "style" in attributes:
        attributes["style"] = _style(attributes["style"])
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    if "d" in attributes:
        attributes["d"] = outline(attributes["d"])
    for name in ("x", "y"):
        if name in attributes:
            attributes[name] = short(attributes[name])


def _style_symbols(root: ET.Element) -> None:
    """Give a symbol the style of its marks, where they all have the same."""
    marks: dict[str, list[ET.Element]] = {}
    for mark in root.iter(f"{{{SVG}}}use"):
        marks.setdefault(mark.attrib["href"][1:], []).append(mark)
    for symbol in root.iter(f"{{{SVG}}}path"):
        found = marks.get(symbol.get("id", ""), [])
        styles = {mark.get("style") for mark in found}
        style = styles.pop() if len(styles) == 1 else None
        if style is not None:
            symbol.set("style", style)
            for mark in found:
                del mark.attrib["style"]


def _prune(group: ET.Element) -> None:
    """Take out what is not seen: a path of nothing, a mark under its like.

    Such a path is an area that a contour does not have, or a transparent ground.
    """
    seen = set()
    for child in reversed(list(group)):
        drawn = child.get("d") and child.get("style") != "fill:none"
        if child.tag == f"{{{SVG}}}path" and not drawn:
            group.remove(child)
        elif child.tag == f"{{{SVG}}}use":
            mark = tuple(sorted(child.items()))
            if mark in seen:
                group.remove(child)
            seen.add(mark)


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


def _join_dots(root: ET.Element) -> None:
    """Draw the dots of a group as one path, of lines without length and round ends."""
    symbols = {path.get("id"): path for path in root.iter(f"{{{SVG}}}path")}
    for group in list(root.iter(f"{{{SVG}}}g")):
        marks = group.findall(f"{{{SVG}}}use")
        names = {mark.attrib["href"][1:] for mark in marks}
        own = any("style" in mark.attrib for mark in marks)
        if len(marks) < _MANY or len(names) > 1 or own:
            continue
        symbol = symbols[names.pop()]
        style = _dot(symbol.attrib["d"], symbol.get("style", ""))
        if style:
            places = [(float(m.attrib["x"]), float(m.attrib["y"])) for m in marks]
            for mark in marks:
                group.remove(mark)
            ET.SubElement(group, symbol.tag, {"d": dots(places), "style": style})


def _dot(d: str, style: str) -> str:
    """The style of a line whose round end is this symbol; "" if it is no such disc."""
    disc = re.match(r"M 0 ([\d.]+) C", d)
    parts = dict(part.split(":") for part in style.split(";") if part)
    colour = parts.get("fill")
    plain = set(parts) <= {"fill", "stroke", "stroke-width"}
    if not disc or d.count("C") != 8 or not plain or colour != parts.get("stroke"):
        return ""
    width = 2 * float(disc[1]) + float(parts.get("stroke-width", 1))
    return f"stroke:{colour};stroke-width:{width:g};stroke-linecap:round"


def _unwrap(element: ET.Element) -> None:
    """Put what is in groups without attributes in the groups' place."""
    for child in list(element):
        _unwrap(child)
        if child.tag == f"{{{SVG}}}g" and not child.attrib:
            place = list(element).index(child)
            element[place : place + 1] = list(child)


def _draw_once(root: ET.Element, key: str) -> None:
    """Let a long outline that comes again, such as a line on its like, refer back.

    The first is then without a style of its own: it takes that of the group around it,
    and where it is used again, the style of that place.
    """
    again = Counter(path.get("d", "") for path in root.iter(f"{{{SVG}}}path"))
    shared: dict[str, str] = {}
    for parent in list(root.iter()):
        for place, path in enumerate(list(parent)):
            d = path.get("d", "")
            if again[d] < 2 or len(d) < _LONG or "id" in path.attrib:
                continue
            there = d in shared
            name = shared.setdefault(d, f"{key}-again-{len(shared)}")
            del path.attrib["d"]
            if there:
                path.tag = f"{{{SVG}}}use"
                path.set("href", f"#{name}")
            else:
                group = ET.Element(f"{{{SVG}}}g", path.attrib)
                ET.SubElement(group, path.tag, {"id": name, "d": d})
                parent[place] = group


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
