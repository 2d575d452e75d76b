"""Comparisons for the tests of the pages: real ones, and written ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shared import lesson as lessons
from shared import results
from shared.parity import compare
from shared.report import reading, record
from shared.runner import TrackProcess

HOSTILE = '<script>alert("1")</script><b>&amp;'

REAL: dict[str, dict[str, Any]] = {
    "perceptron_iris": {},
    "xor_mlp": {"epochs": 40},
    "mnist_mlp": {"epochs": 2},
    "optimizers": {"rule": "adam", "epochs": 1, "valley_steps": 5},
}
"""Lessons that are really compared, with the settings that keep it short."""


def compared(folder: Path, processes: Mapping[str, TrackProcess], digits: Path) -> Path:
    """Compare the lessons of REAL and save what `twotrack compare --out` saves."""
    found = []
    results.folder(folder / record.FOLDER)
    for slug, settings in REAL.items():
        data = str(digits) if slug == "mnist_mlp" else None
        options = compare.Options(device="cpu", data=data, settings=settings)
        kept = record.Record()
        one = compare.compare(lessons.find(slug), processes, options, None, kept.keep)
        record.path(folder, slug).write_bytes(kept.to_bytes(one))
        found.append(one)
    write(folder, *(one.to_json() for one in found))
    return folder


def write(folder: Path, *comparisons: Any) -> Path:
    """A folder with a comparison.json of these."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = {"schema": 1, "passed": True, "lessons": list(comparisons)}
    text = results.to_text(whole)
    (folder / results.COMPARISON).write_text(text, encoding="utf-8")
    return folder


def comparison(slug: str = "xor_mlp", **changes: Any) -> dict[str, Any]:
    """A small comparison of a lesson, as comparison.json has it, without arrays."""
    loss = np.geomspace(0.7, 0.1, 20)
    track = {
        "parameters": 9,
        "metrics": {"accuracy": 1.0},
        "seconds": {"import": 2.0, "build": 0.01, "train": 0.3, "evaluate": 0.001},
        "peak_memory_bytes": 5e8,
        "history": {"loss": loss.tolist()},
    }
    other = track | {"history": {"loss": (loss * (1 + 1e-7)).tolist()}}
    level = {"level": "forward", "precision": "float32", "value": 1e-7}
    level |= {"tolerance": 5e-6, "verdict": "pass", "where": "output", "variant": ""}
    whole = {
        "schema": 1,
        "lesson": slug,
        "title": lessons.titles().get(slug, slug),
        "mode": "matched",
        "precision": "float32",
        "seed": 0,
        "settings": {},
        "environment": {"python": "3.11", "torch": "2.13", "keras": "3.15"},
        "tracks": {"tf": track, "torch": other},
        "levels": [level],
        "published": [],
        "horizons": [],
        "date": "2026-11-22T10:00:00+00:00",
    }
    found: dict[str, Any] = json.loads(results.to_text(whole | changes))
    return found


def disagreeing(folder: Path) -> Path:
    """A comparison of mnist_mlp whose tracks read two of three images differently."""
    found = comparison("mnist_mlp")
    scores = np.full((3, 10), 0.01, np.float32)
    scores[[0, 1, 2], [3, 5, 7]] = 0.9
    other = scores[[0, 2, 1]]
    images = np.random.default_rng(0).random((2, 28, 28))
    kept = record.Record(
        arrays={
            ":float32:tf:prediction": scores,
            ":float32:torch:prediction": other,
            ":data::y_test": np.array([3, 5, 7]),
            ":data::images_at": np.array([1, 2]),
            ":data::images": images,
        },
        facts={"": {"steps_per_epoch": 1, "class_names": [*"0123456789"]}},
    )
    (entry,) = reading.read(write(folder, found))
    results.folder(folder / record.FOLDER)
    content = kept.to_bytes(entry.comparison)
    record.path(folder, "mnist_mlp").write_bytes(content)
    return folder


def restless(folder: Path) -> Path:
    """A comparison of all optimizers, whose losses jump at every step."""
    rules = lessons.find("optimizers").variants
    steps, numbers = 225, np.random.default_rng(0)
    kept = record.Record(facts={rule: {"steps_per_epoch": 45} for rule in rules})
    for rule in rules:
        loss = np.geomspace(2, 0.1, steps) * numbers.uniform(0.7, 1.4, steps)
        path = np.geomspace(2, 0.1, 60)[:, None] * numbers.uniform(-1, 1, (60, 2))
        for precision, rounding in (("float64", 1e-16), ("float32", 1e-7)):
            off = rounding * numbers.integers(-2, 3, steps)
            for track, trace in (("tf", loss), ("torch", loss * (1 + off))):
                at = f"{rule}:{precision}:{track}:"
                kept.arrays[f"{at}history/loss"] = trace
                kept.arrays[f"{at}result/path/{rule}"] = path
    tracks = comparison()["tracks"]
    variants = {
        name: {"variants": dict.fromkeys(rules, t)} for name, t in tracks.items()
    }
    levels = comparison()["levels"] * 130
    (entry,) = reading.read(
        write(folder, comparison("optimizers", tracks=variants, levels=levels))
    )
    results.folder(folder / record.FOLDER)
    record.path(folder, "optimizers").write_bytes(kept.to_bytes(entry.comparison))
    return folder


def finding(**changes: Any) -> dict[str, Any]:
    """What `twotrack check` finds out about a pair, as plain values."""
    level = {"level": "forward", "precision": "float64", "verdict": "fail"}
    level |= {"value": "inf", "allowed": 1e-12, "where": "output [0]", "reason": ""}
    cause = {"id": "batch_norm_epsilon", "place": "bn", "torch_place": "bn1"}
    cause |= {"keras": "epsilon 0.001", "torch": "eps 1e-05", "levels": ["forward"]}
    cause |= {"share": 0.998, "remedy": "nn.BatchNorm2d(8, eps=1e-3)"}
    pair = {"keras": "bn", "torch": "bn1", "kind": "batch_norm", "by": "shape"}
    whole: dict[str, Any] = {
        "keras": "a.py:build",
        "torch": "b.py:build",
        "passed": False,
        "levels": [level, level | {"precision": "float32", "repaired": 1e-9}],
        "causes": [cause],
        "first": "bn",
        "pairs": [pair | {"parameters": {"gamma": [8]}}],
        "notes": ["channels last"],
    }
    return whole | changes
