"""The pages in a real Chromium: what loads, what moves, what can be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import reports
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from shared.report import check_page, pages, reading

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium to test the pages in: apt-get install chromium",
)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NAMES = (
    "index",
    "mnist_mlp",
    "optimizers",
    "perceptron_iris",
    "xor_mlp",
    "disagreeing",
    "hostile",
    "pair",
)
WIDE, TABLET, PHONE = 1300, 800, 390


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield found
        found.close()


@pytest.fixture(scope="module")
def site(comparisons: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of real comparisons, and of some that are written for the purpose."""
    folder = tmp_path_factory.mktemp("site with a space")
    for name, html in pages.pages(reading.read(comparisons), "ko"):
        (folder / name).write_text(html, encoding="utf-8")
    (entry,) = reading.read(reports.disagreeing(folder / "disagreeing"))
    html = pages.lesson_page(entry, "en")
    (folder / "disagreeing.html").write_text(html, encoding="utf-8")
    hostile = reports.comparison(title=reports.HOSTILE, seed=1)
    (entry,) = reading.read(reports.write(folder / "hostile", hostile))
    html = pages.lesson_page(entry, "en")
    (folder / "hostile.html").write_text(html, encoding="utf-8")
    html = check_page(reports.finding(notes=[reports.HOSTILE]))
    (folder / "pair.html").write_text(html, encoding="utf-8")
    return folder


class Visit:
    """A page in a window of its own, and what it asked for and complained of."""

    def __init__(
        self, browser: Browser, file: Path, width: int = WIDE, **more: Any
    ) -> None:
        window = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=window, **more)
        self.page: Page = self.context.new_page()
        self.asked: list[str] = []
        self.told: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.told.append(message.text))
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("dialog", lambda dialog: self.told.append(dialog.message))
        self.page.goto(file.as_uri())

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_page_loads_by_itself_and_fast(
    browser: Browser, site: Path, name: str
) -> None:
    took = []
    for _ in range(3):
        with Visit(browser, site / f"{name}.html") as visit:
            visit.page.wait_for_load_state()
            assert visit.told == []
            outside = [url for url in visit.asked if not url.startswith("data:")]
            assert outside == [(site / f"{name}.html").as_uri()]
            timing = "performance.getEntriesByType('navigation')[0].loadEventEnd"
            took.append(visit.page.evaluate(timing))
    assert min(took) < 1000


EVERY_KIND = ("index", "xor_mlp", "disagreeing", "pair")


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [(name, WIDE, "light") for name in NAMES]
    + [(name, PHONE, "dark") for name in EVERY_KIND],
)
def test_accessible(
    browser: Browser, site: Path, name: str, width: int, scheme: str
) -> None:
    file = site / f"{name}.html"
    with Visit(browser, file, width, color_scheme=scheme) as visit:
        found = Axe().run(visit.page)
        assert found.violations_count == 0, found.generate_report()
        assert len(found.response["passes"]) > 30


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wider_than_the_window(
    browser: Browser, site: Path, name: str
) -> None:
    with Visit(browser, site / f"{name}.html") as visit:
        for width in (WIDE, TABLET, PHONE):
            visit.page.set_viewport_size({"width": width, "height": 900})
            wide = visit.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width


def test_the_filter(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "index.html") as visit:
        box = visit.page.get_by_role("searchbox")
        rows = visit.page.locator(".index tbody tr")
        status = visit.page.get_by_role("status")
        count = len(reports.REAL)
        assert status.inner_text() == f"{count} of {count} lessons"
        for words, found in (("XOR hidden", 1), ("pass", count), ("붓꽃", 1)):
            box.fill(words)
            assert rows.filter(visible=True).count() == found
            assert status.inner_text() == f"{found} of {count} lessons"
        box.fill("no such lesson")
        assert rows.filter(visible=True).count() == 0
        box.press("Enter")
        box.fill("")
        assert rows.filter(visible=True).count() == count


def test_without_scripts(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "index.html", java_script_enabled=False) as visit:
        assert visit.page.locator(".index tbody tr").count() == len(reports.REAL)
        assert not visit.page.locator(".filter").is_visible()


def test_the_panes_scroll_together(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "xor_mlp.html", TABLET) as visit:
        panes = visit.page.locator(".panes").nth(3).locator("pre")
        for moved, other, far in ((0, 1, 60), (1, 0, 25)):
            panes.nth(moved).evaluate(f"pane => {{ pane.scrollLeft = {far} }}")
            follows(visit, panes.nth(other), f"pane.scrollLeft === {far}")
            follows(visit, panes.nth(moved), f"pane.scrollLeft === {far}")


def follows(visit: Visit, pane: Locator, condition: str) -> None:
    """Wait until it holds of the pane."""
    visit.page.wait_for_function(
        f"pane => {condition}", arg=pane.element_handle(), timeout=5000
    )


def test_the_panes_scroll_by_keyboard(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "xor_mlp.html", TABLET) as visit:
        pane = visit.page.get_by_role("region", name="Keras: Train")
        before = visit.page.get_by_role("region", name="PyTorch: Model")
        before.focus()
        for _ in range(30):
            visit.page.keyboard.press("Tab")
            if pane.evaluate("pane => pane === document.activeElement"):
                break
        style = pane.evaluate("pane => getComputedStyle(pane).outline")
        assert "solid" in style
        assert "3px" in style
        for _ in range(3):
            visit.page.keyboard.press("ArrowRight")
        for framework in ("Keras", "PyTorch"):
            region = visit.page.get_by_role("region", name=f"{framework}: Train")
            follows(visit, region, "pane.scrollLeft > 0")


def boxes(visit: Visit) -> list[Any]:
    panes = visit.page.locator(".panes").nth(2).locator(".pane")
    return [panes.nth(k).bounding_box() for k in range(2)]


def test_the_panes_stack_on_a_phone(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "xor_mlp.html") as visit:
        left, right = boxes(visit)
        assert left["y"] == right["y"]
        assert left["x"] + left["width"] <= right["x"]
        lines = visit.page.locator(".panes").nth(2).locator(".row")
        tops = [lines.nth(k).bounding_box() for k in range(lines.count())]
        half = len(tops) // 2
        for one, other in zip(tops[:half], tops[half:], strict=True):
            assert one
            assert other
            assert one["y"] == pytest.approx(other["y"], abs=0.5)
        visit.page.set_viewport_size({"width": PHONE, "height": 900})
        above, below = boxes(visit)
        assert above["x"] == below["x"]
        assert above["y"] + above["height"] <= below["y"]


def test_light_dark_and_print(browser: Browser, site: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('.chart text')).fill"
    seen = {}
    for scheme in ("light", "dark"):
        file = site / "xor_mlp.html"
        with Visit(browser, file, color_scheme=scheme) as visit:
            seen[scheme] = (visit.page.evaluate(ground), visit.page.evaluate(line))
            visit.page.emulate_media(media="print")
            assert visit.page.evaluate(ground) == "rgb(255, 255, 255)"
    assert seen["light"][0] == "rgb(255, 255, 255)"
    assert seen["dark"][0] != seen["light"][0]
    assert seen["dark"][1] != seen["light"][1]


def test_a_title_of_script_stays_text(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "hostile.html") as visit:
        assert visit.page.locator("h1").inner_text() == reports.HOSTILE
        assert visit.page.locator("main script, main b").count() == 0
        assert visit.told == []
    with Visit(browser, site / "pair.html") as visit:
        assert reports.HOSTILE in visit.page.locator("main").inner_text()
        assert visit.told == []


def test_pages_lead_to_one_another(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "index.html") as visit:
        visit.page.get_by_role("link", name="은닉층 하나와 XOR").click()
        assert visit.page.url == (site / "xor_mlp.html").as_uri()
        visit.page.locator("a[rel=next]").click()
        assert visit.page.url == (site / "optimizers.html").as_uri()
        visit.page.locator("header a").first.click()
        assert visit.page.url == (site / "index.html").as_uri()


def test_a_note_is_reached_from_its_line(browser: Browser, site: Path) -> None:
    with Visit(browser, site / "xor_mlp.html") as visit:
        link = visit.page.locator(".refs a").nth(2)
        link.click()
        note = visit.page.locator(f"#note-{link.inner_text()}")
        assert note.evaluate("note => note.matches(':target')")


def test_formulas_are_drawn(browser: Browser, site: Path) -> None:
    """As mathematics, not as a line of letters: a fraction is higher than a letter."""
    with Visit(browser, site / "perceptron_iris.html") as visit:
        assert visit.page.locator("math").count() == 3
        namespace = visit.page.locator("math").first.evaluate("m => m.namespaceURI")
        assert namespace == "http://www.w3.org/1998/Math/MathML"
        assert (
            visit.page.locator("math mi").first.evaluate("m => m.constructor.name")
            == "MathMLElement"
        )
