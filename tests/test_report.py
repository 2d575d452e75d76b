"""twotrack report: the pages as files, whatever may be wrong with what they show."""

from __future__ import annotations

import json
import re
import webbrowser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import reports
from conftest import Command
from justhtml import JustHTML

from shared import results, twins
from shared.errors import UsageError
from shared.lessons import CURRICULUM
from shared.report import (
    check_page,
    pages,
    reading,
)

HOSTILE = reports.HOSTILE
LIMIT = 300_000
FRAMEWORKS = ("Keras", "PyTorch")


class Page(HTMLParser):
    """What a page holds: its identifiers, links, and the text of parts of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.panes: list[str] = []
        self._skipped = self._code = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        self.attributes += [(tag, key, value) for key, value in found.items()]
        self.ids += [found["id"]] if "id" in found else []
        classes = found.get("class", "").split()
        if tag == "code" and "code" in classes:
            self._code = True
            self.panes.append("")
        elif self._code and tag == "span" and "row" in classes:
            self.panes[-1] += "\n"
        self._skipped = self._skipped or "refs" in classes

    def handle_endtag(self, tag: str) -> None:
        self._code = self._code and tag != "code"
        self._skipped = self._skipped and tag != "span"

    def handle_data(self, data: str) -> None:
        if self._code and not self._skipped:
            self.panes[-1] += data

    def values(self, *names: str) -> list[str]:
        return [value for _, key, value in self.attributes if key in names]


def rendered(*comparisons: Any, folder: Path, lang: str = "en") -> dict[str, str]:
    entries = reading.read(reports.write(folder, *comparisons))
    return dict(pages.pages(entries, lang))


def weight(html: str) -> int:
    """The bytes of a page without its pictures."""
    bare = re.sub(r"<svg.*?</svg>|<img[^>]*>", "", html, flags=re.DOTALL)
    return len(bare.encode())


def check(html: str) -> None:
    """Valid, self-contained, and nothing in it refers to what is not there."""
    JustHTML(html, strict=True)
    page = Page(html)
    assert len(page.ids) == len(set(page.ids))
    referred = " ".join(page.values("aria-labelledby", "aria-describedby", "for"))
    inner = [link[1:] for link in page.values("href") if link.startswith("#")]
    clips = re.findall(r"url\(#([^)]*)\)", html)
    assert {*referred.split(), *inner, *clips} <= set(page.ids)
    for address in page.values("src", "href"):
        assert re.match(r"#|data:|[\w-]+\.html$", address), address
    assert not re.search(r"@import|url\((?!#)", html)
    assert re.findall(r"https?://[^\"<]*", html) == [
        found
        for found in re.findall(r"https?://[^\"<]*", html)
        if found in ("http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML")
    ]
    assert html.count("<script") == 1


@pytest.fixture(scope="module")
def written(comparisons: Path) -> dict[str, str]:
    """The pages of real comparisons."""
    return dict(pages.pages(reading.read(comparisons), "en"))


# Pages of real comparisons


def test_there_is_a_page_for_each(written: dict[str, str]) -> None:
    names = [slug for slug in CURRICULUM if slug in reports.REAL]
    assert list(written) == ["index.html", *(f"{slug}.html" for slug in names)]


def test_pages_are_valid_and_complete_in_themselves(written: dict[str, str]) -> None:
    for html in written.values():
        check(html)


@pytest.mark.parametrize("slug", reports.REAL)
def test_both_sources_are_whole(written: dict[str, str], slug: str) -> None:
    panes = Page(written[f"{slug}.html"]).panes
    for track, own in (("tf", panes[::2]), ("torch", panes[1::2])):
        source = twins.source(track, slug).read_text("utf-8")
        lines = [line for line in source.splitlines() if not line.startswith("# %%")]
        shown = "\n".join(own).splitlines()
        assert [line for line in shown if line] == [line for line in lines if line]


def test_the_verdict_comes_first(written: dict[str, str]) -> None:
    html = written["xor_mlp.html"]
    verdict = html.index("The tracks agree on all")
    assert html.index("<h1") < verdict < html.index("<h2")
    assert "in float64 the whole training stays together to" in html


def test_what_a_lesson_page_shows(written: dict[str, str]) -> None:
    html = written["xor_mlp.html"]
    ids = [
        "mathematics",
        "settings",
        "sources",
        "loss",
        "pictures",
        "ladder",
        "time",
        "run",
    ]
    found = re.findall(r'<h2 id="([^"]+)"', html)
    assert found == ids
    assert "<math" in html
    assert len(re.findall('<svg [^>]*role="img"', html)) == 3
    assert "twotrack compare xor_mlp --set=epochs=40" in re.sub("<[^>]+>", "", html)
    assert "hidden/kernel" in html
    assert "dense_layout" in html


def test_what_other_lessons_show(written: dict[str, str]) -> None:
    assert "Wrong answers in each epoch, PyTorch" in written["perceptron_iris.html"]
    assert "Paths downhill, Keras" in written["optimizers.html"]
    digits = written["mnist_mlp.html"]
    assert 'class="confusion"' in digits
    assert "read all 50 test images alike" in digits


def test_every_chart_tells_what_it_shows(written: dict[str, str]) -> None:
    for html in written.values():
        for chart in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
            assert re.search(r"<title[^>]*>[^<]+</title>", chart)
            assert re.search(r"<desc[^>]*>[^<]+</desc>", chart)


def test_the_index(written: dict[str, str]) -> None:
    html = written["index.html"]
    assert html.count("<tr") == 1 + len(reports.REAL)
    assert "Not compared: logic_gates, " in html
    for level in ("forward", "trajectory", "accuracy"):
        assert f'<span class="narrow">{level} </span>' in html
    assert "score<br>Keras" in html
    assert "training<br>PyTorch" in html
    order = [html.index(f"{slug}.html") for slug in CURRICULUM if slug in reports.REAL]
    assert order == sorted(order)


def test_images_on_which_the_tracks_disagree(tmp_path: Path) -> None:
    entries = reading.read(reports.disagreeing(tmp_path))
    html = pages.lesson_page(entries[0], "en")
    check(html)
    assert "read 2 of 3 test images differently" in html
    assert html.count("<img ") == 2
    assert 'alt="Test image 1: 5"' in html
    assert "Keras: 5 (90.0%)" in html
    assert "PyTorch: 7 (90.0%)" in html


# Size


@pytest.mark.parametrize("slug", CURRICULUM)
def test_no_page_is_heavy(slug: str, tmp_path: Path) -> None:
    levels = reports.comparison()["levels"] * 130
    tracks = reports.comparison()["tracks"]
    for track in tracks.values():
        del track["history"]
    one = reports.comparison(slug, levels=levels, tracks=tracks)
    found = rendered(one, folder=tmp_path)
    assert weight(found[f"{slug}.html"]) < LIMIT


def test_no_real_page_is_heavy(written: dict[str, str]) -> None:
    for html in written.values():
        assert weight(html) < LIMIT
        assert len(html.encode()) < LIMIT


def test_the_largest_page_is_not_heavy(tmp_path: Path) -> None:
    (entry,) = reading.read(reports.restless(tmp_path))
    html = pages.lesson_page(entry, "en")
    check(html)
    assert html.count("<svg") == 8 + 2
    assert len(html.encode()) < LIMIT


# What may be wrong with a comparison


def test_text_from_elsewhere_stays_text(tmp_path: Path) -> None:
    level = {
        "level": HOSTILE,
        "precision": HOSTILE,
        "value": "inf",
        "tolerance": 0,
        "verdict": "fail",
        "where": HOSTILE,
        "variant": HOSTILE,
    }
    figure = {"name": HOSTILE, "variant": HOSTILE, "printed": HOSTILE}
    horizon = {"variant": HOSTILE, "steps": 9, "parted": 3, "twins": {HOSTILE: [1]}}
    track = reports.comparison()["tracks"]["tf"] | {"metrics": {HOSTILE: 1.0}}
    hostile = reports.comparison(
        title=HOSTILE,
        mode=HOSTILE,
        precision=HOSTILE,
        settings={HOSTILE: HOSTILE},
        environment={HOSTILE: HOSTILE, "device": {HOSTILE: HOSTILE}},
        tracks={"tf": {"variants": {HOSTILE: track}}, "torch": track},
        levels=[level, level | {"level": "forward"}],
        published=[figure],
        horizons=[horizon],
        date=HOSTILE,
        data=HOSTILE,
    )
    unknown = hostile | {"lesson": HOSTILE}
    found = rendered(hostile, unknown, folder=tmp_path)
    assert len(found) == 3
    for html in found.values():
        check(html)
        assert "<b>" not in re.sub(r'<b aria-hidden="true">', "", html)
        assert "&lt;script&gt;alert(" in html


def test_a_lesson_of_any_name_stays_in_the_folder(tmp_path: Path) -> None:
    names = ["../../outside", "index", "a/b", "", "한글", "..", "CON"]
    found = [reports.comparison(name, title=name) for name in names]
    written = rendered(*found, folder=tmp_path)
    assert len(written) == len(names) + 1
    for file in written:
        assert re.fullmatch(r"[\w-]+\.html", file, re.ASCII)


@pytest.mark.parametrize(("missing", "there"), [("tf", "PyTorch"), ("torch", "Keras")])
@pytest.mark.parametrize("how", ["left out", "empty"])
def test_a_missing_track(missing: str, there: str, how: str, tmp_path: Path) -> None:
    one = reports.comparison(levels=[], published=[])
    if how == "empty":
        one["tracks"][missing] = {}
    else:
        del one["tracks"][missing]
    found = rendered(one, folder=tmp_path)
    for html in found.values():
        check(html)
    assert f"Only {there} was run" in found["xor_mlp.html"]
    assert "Not compared" in found["index.html"]
    assert "Of 1 lesson none was judged." in found["index.html"]


def test_one_of_two_was_judged(tmp_path: Path) -> None:
    lone = reports.comparison("autograd", tracks={}, levels=[])
    found = rendered(reports.comparison(), lone, folder=tmp_path)
    told = "agree on every level of the 1 of 2 lessons that could be judged."
    assert told in found["index.html"]


def test_no_track_at_all(tmp_path: Path) -> None:
    found = rendered(reports.comparison(tracks={}), folder=tmp_path)
    assert "Neither track was run" in found["xor_mlp.html"]
    check(found["xor_mlp.html"])


def test_mixed_versions(tmp_path: Path) -> None:
    old = {"python": "3.10", "torch": "2.5", "keras": "3.9"}
    found = rendered(
        reports.comparison("xor_mlp"),
        reports.comparison("autograd", environment=old),
        folder=tmp_path,
    )
    html = found["index.html"]
    check(html)
    assert "made with different versions" in html
    assert re.findall(r"<h3>(\w)</h3>", html) == ["A", "B"]
    assert html.index("2.5") < html.index("2.13")


def test_several_folders_and_the_latest_of_each(tmp_path: Path) -> None:
    late, early = "2026-11-22T10:00:00+00:00", "2026-11-01T10:00:00+00:00"
    reports.write(tmp_path / "a", reports.comparison(seed=1, date=early))
    reports.write(
        tmp_path / "b",
        reports.comparison(seed=2, date=late),
        reports.comparison("autograd"),
    )
    entries = reading.read(tmp_path)
    assert [e.comparison.lesson for e in entries] == ["autograd", "xor_mlp"]
    assert entries[1].comparison.seed == 2


def test_an_old_comparison(tmp_path: Path) -> None:
    one = reports.comparison(schema=7)
    for key in ("date", "horizons", "environment", "settings", "published"):
        del one[key]
    found = rendered(one, folder=tmp_path)
    html = found["xor_mlp.html"]
    check(html)
    assert "is of schema 7, this version reads 1" in html
    assert "Pictures are left out" in html
    assert "an unknown date" in html
    assert html.count("<svg") == 1


def test_a_lesson_of_another_version(tmp_path: Path) -> None:
    found = rendered(reports.comparison("diffusion"), folder=tmp_path)
    check(found["diffusion.html"])
    assert "This version has no such lesson" in found["diffusion.html"]


def test_how_far_a_chaotic_training_is_judged(tmp_path: Path) -> None:
    level = reports.comparison()["levels"][0] | {"level": "trajectory"}
    level |= {"precision": "float64", "where": "loss at step 2; judged to step 3, as x"}
    html = rendered(reports.comparison(levels=[level]), folder=tmp_path)["xor_mlp.html"]
    assert "<p>float64 is judged to step 3, as x.</p>" in html
    assert "; the training turns chaotic, and is judged up to there." in html
    assert "the whole training" not in html.partition("</h1>")[2].partition("<dl")[0]


def test_a_failure_is_told_first(tmp_path: Path) -> None:
    level = reports.comparison()["levels"][0]
    failed = level | {"verdict": "fail", "value": "inf", "where": "hidden: no such"}
    found = rendered(reports.comparison(levels=[level, failed]), folder=tmp_path)
    told = "The tracks disagree, first at the level forward in float32: hidden: no such"
    assert told in found["xor_mlp.html"]
    assert 'class="verdict fail"' in found["xor_mlp.html"]
    assert "1 of 1 lesson disagree: xor_mlp." in found["index.html"]
    assert ">inf<" in found["xor_mlp.html"]


def test_half_a_character(twotrack: Command, tmp_path: Path) -> None:
    """JSON may hold what no file can."""
    reports.write(tmp_path, reports.comparison(title="half CHARACTER"))
    file = tmp_path / results.COMPARISON
    text = file.read_text("utf-8").replace("CHARACTER", r"\ud800")
    file.write_text(text, "utf-8")
    assert twotrack("report", "--from", ".", "--out", "pages").code == 0
    assert "half ?" in (tmp_path / "pages" / "xor_mlp.html").read_text("utf-8")


def test_a_loss_that_is_no_number(tmp_path: Path) -> None:
    one = reports.comparison()
    one["tracks"]["torch"]["history"]["loss"][5:] = ["nan"] * 15
    html = rendered(one, folder=tmp_path)["xor_mlp.html"]
    check(html)
    assert "differ by up to" in html


def test_smoke_and_native_are_told(tmp_path: Path) -> None:
    smoke = rendered(reports.comparison(limit=1), folder=tmp_path)["xor_mlp.html"]
    assert "Only 1 step was trained (--smoke)" in smoke
    assert "--smoke" in smoke
    native = reports.comparison(mode="native", levels=[])
    html = rendered(native, folder=tmp_path)["xor_mlp.html"]
    assert "One seed judges nothing" in html
    assert "--mode=native" in html


WEIRD = (None, 7, "text", [[]], {"a": {}})


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where there is something in nested lists and dicts."""
    inner: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inner = [p for k, v in value.items() for p in places(v, (*path, k))]
    if isinstance(value, list):
        inner = [p for k, v in enumerate(value[:2]) for p in places(v, (*path, k))]
    return [path, *inner] if path else inner


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = new
    return copy


def test_whatever_stands_in_the_file(tmp_path: Path) -> None:
    figure = {"name": "Z", "variant": "", "printed": 1.0, "tf": 1.0, "torch": 1.0}
    figure |= {"tolerance": 1.0, "passed": True}
    horizon = {"variant": "", "steps": 9, "parted": 3, "twins": {"tf": [1]}}
    horizon |= {"twin_steps": 4}
    whole = reports.comparison("some", published=[figure], horizons=[horizon])
    for track in whole["tracks"].values():
        del track["history"]
    for path in places(whole):
        for new in WEIRD:
            try:
                found = rendered(replaced(whole, path, new), folder=tmp_path)
            except UsageError as error:
                assert "is not what `twotrack compare` writes" in str(error)
            else:
                assert len(found) == 2


# A study beside it


def study(folder: Path, **changes: Any) -> None:
    seed = {"value": 0.9, "loss": 0.1, "metrics": {"accuracy": 0.9}}
    seeds = [seed | {"seed": number} for number in range(3)]
    track = {"fields": {}, "diverged": [], "seeds": seeds}
    variant = {
        "variant": "",
        "margin": 0.01,
        "margin_from": "the lesson",
        "yes_no": False,
        "tracks": {"tf": track, "torch": track},
    }
    whole = {"lesson": "xor_mlp", "init": "matched", "precision": "float32"}
    path = folder / "study" / "xor_mlp" / "study.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(whole | {"variants": [variant]} | changes), "utf-8")


def test_a_study_is_shown(tmp_path: Path) -> None:
    study(tmp_path)
    html = rendered(reports.comparison(), folder=tmp_path)["xor_mlp.html"]
    check(html)
    assert "3 seeds in each track: equivalent" in html
    assert "Equivalent: the mean accuracy is the same in both tracks" in html


@pytest.mark.parametrize("changes", [{"variants": 3}, {"variants": [{}]}])
def test_a_study_that_is_broken(tmp_path: Path, changes: Any) -> None:
    study(tmp_path, **changes)
    html = rendered(reports.comparison(), folder=tmp_path)["xor_mlp.html"]
    assert "The study is left out" in html
    assert "Many seeds" not in html


# The command


def test_report_compares_first(
    tracks: object, twotrack: Command, tmp_path: Path
) -> None:
    told = twotrack("report", "logic_gates", "--out", "here", "--seed", "7")
    assert told.code == 0
    assert told.out.startswith("✓ The tracks agree on every level of 1 lesson.\n")
    assert f"Written: {Path('here', 'index.html')} and 1 page beside it" in told.out
    names = {path.name for path in (tmp_path / "here").iterdir()}
    assert names == {"arrays", "comparison.json", "index.html", "logic_gates.html"}
    html = (tmp_path / "here" / "logic_gates.html").read_text("utf-8")
    assert "<dt>seed</dt><dd>7</dd>" in html


def test_report_from_elsewhere(twotrack: Command, tmp_path: Path) -> None:
    reports.write(tmp_path / "saved", reports.comparison())
    told = twotrack("report", "--from", "saved", "--out", "pages", "--json")
    assert told.code == 0
    assert told.json == {
        "schema": results.SCHEMA,
        "passed": True,
        "index": str(Path("pages", "index.html")),
        "pages": {"xor_mlp": str(Path("pages", "xor_mlp.html"))},
        "problems": told.json["problems"],
    }
    assert "Pictures are left out" in told.json["problems"]["xor_mlp"][0]


def test_report_of_a_disagreement(twotrack: Command, tmp_path: Path) -> None:
    failed = reports.comparison()["levels"][0] | {"verdict": "fail"}
    reports.write(tmp_path, reports.comparison(levels=[failed]))
    told = twotrack("report", "--from", ".", "--out", "pages")
    assert told.code == 1
    assert told.out.startswith("✗ 1 of 1 lesson disagree: xor_mlp.\n")
    assert (tmp_path / "pages" / "xor_mlp.html").exists()


def test_report_in_korean(twotrack: Command, tmp_path: Path) -> None:
    reports.write(tmp_path, reports.comparison())
    assert twotrack("report", "--from", ".", "--out", "ko", "--lang", "ko").code == 0
    html = (tmp_path / "ko" / "xor_mlp.html").read_text("utf-8")
    check(html)
    assert '<h1 lang="ko">은닉층 하나와 XOR</h1>' in html
    assert "XOR with one hidden layer" in html
    assert '<span lang="ko">두 소스 코드</span>' in html
    assert "The tracks agree on all 1 checks" in html


@pytest.mark.parametrize("there", [True, False])
def test_report_opens_a_browser(
    there: bool, twotrack: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) or there)
    reports.write(tmp_path, reports.comparison())
    told = twotrack("report", "--from", ".", "--out", "pages", "--open")
    assert told.code == 0
    assert asked == [(tmp_path / "pages" / "index.html").as_uri()]
    assert ("No browser could be started" in told.err) is not there


def test_report_complains(twotrack: Command, tmp_path: Path) -> None:
    saved = reports.write(tmp_path / "saved", reports.comparison())
    twotrack("report", "--from", "nowhere").complains(2, "no folder nowhere")
    (tmp_path / "empty").mkdir()
    twotrack("report", "--from", "empty").complains(2, "no comparison.json in empty")
    told = twotrack("report", "xor_deep", "--from", saved)
    told.complains(2, "no comparison of xor_deep", "twotrack compare xor_deep")
    told = twotrack("report", "xor_mpl", "--from", saved)
    told.complains(2, "no lesson 'xor_mpl'", "xor_mlp")
    (tmp_path / "file").write_text("")
    told = twotrack("report", "--from", saved, "--out", "file")
    told.complains(2, "file is not a folder")
    twotrack("report", "--from", saved, "--lang", "de").complains(2, "--lang")
    told = twotrack("report", "--from", saved, "--seed", "0")
    told.complains(2, "--seed is for a new comparison")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"lessons": 3}', '{"lessons": [3]}', "\x00"]
)
def test_a_file_that_is_no_comparison(
    content: str, twotrack: Command, tmp_path: Path
) -> None:
    (tmp_path / "comparison.json").write_text(content)
    told = twotrack("report", "--from", ".", "--out", "pages")
    told.complains(2, "comparison.json is not what `twotrack compare` writes")
    assert not (tmp_path / "pages").exists()


# The page of a user's own pair


def test_page_of_a_pair() -> None:
    html = check_page(reports.finding())
    check(html)
    assert "The models disagree, first at bn, for one cause:" in html
    assert html.index("<li>batch norm epsilon at bn</li>") < html.index("Why")
    assert "nn.BatchNorm2d(8, eps=1e-3)" in html
    assert "99\N{NO-BREAK SPACE}% of the error in forward" in html
    assert "gamma 8" in html
    passed = reports.finding()["levels"][0] | {"verdict": "pass"}
    assert "agree on all 1 checks" in check_page(reports.finding(levels=[passed]))
    unexplained = check_page(reports.finding(causes=[], unexplained="conv"))
    assert "nothing known explains conv" in unexplained
    (cause,) = reports.finding()["causes"]
    alike = check_page(reports.finding(causes=[cause, cause | {"place": "bn2"}]))
    assert alike.count("<h3>batch norm epsilon at bn and bn2</h3>") == 1
    assert "<code>bn, bn2</code>" in alike


def test_a_harmless_cause_and_a_departing_layer_are_marked() -> None:
    (cause,) = reports.finding()["causes"]
    html = check_page(reports.finding(causes=[cause | {"harmless": True}]))
    check(html)
    assert "<li>batch norm epsilon at bn (harmless)</li>" in html
    assert "harmless: float32 cannot show it" in html
    spec = check_page(reports.finding(causes=[cause | {"levels": ["spec"]}]))
    assert "fails spec, whatever the numbers" in spec
    layer = {"keras": "bn", "torch": "bn", "kind": "batch_norm"}
    for local, marked in ((1e-3, 1), (float("nan"), 1), (1e-16, 0), (None, 0)):
        errors = {"local": local, "inherited": 0.0, "propagated": local}
        told = check_page(reports.finding(layers=[layer | errors]))
        assert told.count('<td class="figure"><span class="word fail">') == marked


KERAS = """\
import keras

def build():
    return keras.Sequential([
        keras.layers.BatchNormalization(name="bn"),
        keras.layers.Dense(3, name="twice"),
        keras.layers.Dense(3, name="twice"),
    ])
"""
TORCH = """\
class Net(nn.Module):
    def __init__(self):
        self.bn = nn.BatchNorm2d(8)
        self.bn_2: nn.Module = nn.Identity()

    def forward(self, x):
        return F.gelu(self.bn(x))
"""


def test_the_files_of_a_pair_stand_side_by_side() -> None:
    (cause,) = reports.finding()["causes"]
    causes = [
        cause | {"place": "bn", "torch_place": "features.bn"},
        cause | {"id": "gelu", "place": "twice", "torch_place": "t.py:7"},
        cause | {"id": "far", "place": "", "torch_place": "t.py:70"},
        cause | {"id": "other", "place": "7", "torch_place": "other.py:1"},
    ]
    report = reports.finding(causes=causes, keras="a/k.py:build", torch="a/t.py:Net")
    html = check_page(report | {"sources": {"keras": KERAS, "torch": TORCH}})
    check(html)
    found = re.findall(
        r'<span class="row remark"><span class="refs">(.*?)</span>'
        r'<span class="number" aria-hidden="true">(\d+)</span>',
        html,
    )
    marked = [(re.findall(r">(\d+)<", refs), int(line)) for refs, line in found]
    assert marked == [(["1"], 5), (["1"], 3), (["2"], 7)]
    assert "<h4>Keras: k.py</h4>" in html and "<h4>PyTorch: t.py</h4>" in html
    assert html.count('<span class="number"') == 8 + 7
    lacking = check_page(report | {"sources": {"keras": KERAS}})
    assert "The two sources" not in lacking


def test_of_a_long_file_the_causes_surroundings_are_shown() -> None:
    (cause,) = reports.finding()["causes"]
    long = "x = 1\n" * 400 + "y = Dense(1, name='bn')\r\n" + "z = 2\n" * 99
    report = reports.finding(causes=[cause], keras="k.py:build", torch="t.py:Net")
    html = check_page(report | {"sources": {"keras": long, "torch": TORCH}})
    check(html)
    numbers = re.findall(r'<span class="number" aria-hidden="true">(\d+)</span>', html)
    assert [*map(int, numbers)] == [*range(393, 410), *range(1, 8)]
    assert html.count('<span class="row gap">') == 2


def test_the_files_of_a_pair_are_escaped() -> None:
    hostile = f"x = 1\n# {HOSTILE}\ny = '{HOSTILE}'\n"
    report = reports.finding(keras=f"{HOSTILE}.py:a", torch="t.py:b")
    html = check_page(report | {"sources": {"keras": hostile, "torch": TORCH}})
    check(html)
    assert "<b>" not in html


@pytest.mark.parametrize("key", reports.finding())
def test_page_of_a_pair_with_something_missing(key: str) -> None:
    found = reports.finding()
    del found[key]
    check(check_page(found))


def test_page_of_a_pair_with_nothing() -> None:
    check(check_page({}))


def test_page_of_a_pair_escapes() -> None:
    def hostile(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: hostile(one) for key, one in value.items()}
        if isinstance(value, list):
            return [hostile(one) for one in value]
        return HOSTILE if isinstance(value, str) and value not in KEPT else value

    html = check_page(hostile(reports.finding()) | {"title": HOSTILE, "first": HOSTILE})
    check(html)
    assert "<b>" not in html


KEPT = ("fail", "pass", "inf")
