"""The page in a browser: offline, with and without script, on a phone, for every reader."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from report_helpers import DONE, HOSTILE, every_kind, lively_record, report_of

from fota_async import write_report

if TYPE_CHECKING:
    from playwright import sync_api

pytestmark = pytest.mark.browser

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = {"desk": 1280, "tablet": 768, "phone": 360, "small phone": 320}


@pytest.fixture(scope="module")
def browser() -> "Iterator[sync_api.Browser]":
    from playwright import sync_api  # noqa: PLC0415 - the ordinary tests do without it

    found = next(filter(None, map(shutil.which, NAMES)), None)
    assert found is not None, f"none of {', '.join(NAMES)} is on the path"
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


Open: TypeAlias = "Callable[..., sync_api.Page]"


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    write_report(every_kind(), file, lively_record())
    return file


@pytest.fixture
def show(browser: "sync_api.Browser", page_file: Path) -> Iterator[Open]:
    """`page = show(width=…)`: the page, without a network; complaints of the browser fail."""
    contexts: list[sync_api.BrowserContext] = []
    complaints: list[str] = []

    def open_page(file: Path = page_file, width: int = 1280, **options: object) -> "sync_api.Page":
        size = {"width": width, "height": 800}
        context = browser.new_context(viewport=size, offline=True, **options)  # type: ignore[arg-type]  # names of its own
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url == file.as_uri() else complaints.append(request.url)
            ),
        )
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def ids(page: "sync_api.Page") -> list[str]:
    return page.locator("#list tbody tr:visible th").all_inner_texts()


def test_hostile_texts_do_nothing(show: Open) -> None:
    page = show()

    assert "pwned" not in page.title()
    assert page.locator("#list td", has_text="<script>").count() == 2


def test_devices_are_sorted_by_any_column_and_back(show: Open) -> None:
    page = show()
    as_written = ids(page)
    column = page.locator("#list thead th").first

    page.get_by_role("button", name="device").click()
    assert ids(page) == sorted(as_written)
    assert column.get_attribute("aria-sort") == "ascending"

    page.get_by_role("button", name="device").click()
    assert ids(page) == sorted(as_written, reverse=True)
    assert column.get_attribute("aria-sort") == "descending"

    page.get_by_role("button", name="state").click()
    states = page.locator("#list tbody tr td:nth-child(2)").all_inner_texts()
    assert states == sorted(states)
    assert column.get_attribute("aria-sort") is None


def test_devices_are_sorted_by_keyboard(show: Open) -> None:
    page = show()

    page.get_by_role("button", name="device").focus()
    page.keyboard.press("Enter")

    assert ids(page) == sorted(ids(page))


def test_devices_are_filtered_by_text_and_by_state(show: Open) -> None:
    page = show()
    everything = ids(page)
    assert len(everything) == 16

    page.get_by_role("searchbox", name="Find", exact=True).fill("N/A")
    assert ids(page) == ["000000000000011"]
    assert page.get_by_role("status").inner_text() == "1 of 16 shown"

    page.get_by_role("searchbox", name="Find", exact=True).fill("")
    page.get_by_role("combobox", name="State", exact=True).select_option("failed")
    assert ids(page) == [f"{number:015d}" for number in (9, 10, 11)]

    page.get_by_role("searchbox", name="Find", exact=True).fill("nothing is like this")
    assert ids(page) == []

    page.get_by_role("searchbox", name="Find", exact=True).fill("")
    page.get_by_role("combobox", name="State", exact=True).select_option("all")
    assert ids(page) == everything


def test_without_script_everything_is_there_but_the_tools(show: Open) -> None:
    page = show(java_script_enabled=False)

    assert len(ids(page)) == 16
    assert not page.locator(".tools").is_visible()
    assert page.locator("svg.chart:visible").count() == 4
    page.locator("summary").first.click()
    assert page.locator("details table").first.is_visible()


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_nothing_hangs_over_the_edge(show: Open, width: int) -> None:
    page = show(width=width)

    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    kind = "narrow" if width < 640 else "wide"
    assert page.locator(f"svg.chart.{kind}:visible").count() == 4
    assert page.locator("svg.chart:visible").count() == 4


def test_every_picture_has_a_text_in_its_place(show: Open) -> None:
    page = show()

    for picture in page.get_by_role("img").all():
        assert picture.get_attribute("aria-labelledby")
    snapshot = page.locator("body").aria_snapshot()
    assert 'img "Devices decided a second' in snapshot
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("svg")].filter((svg) =>
            svg.getAttribute("aria-hidden") !== "true" &&
            !(svg.querySelector("title")?.textContent && svg.querySelector("desc")?.textContent)
        ).length + document.querySelectorAll("img:not([alt])").length"""
    )
    assert unnamed == 0


def test_headings_go_down_one_step_at_a_time(show: Open) -> None:
    levels = show().evaluate(
        """() => [...document.querySelectorAll("h1,h2,h3,h4")].map((one) => +one.tagName[1])"""
    )

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels))


CONTRASTS = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = numbers(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || ["SCRIPT", "STYLE", "title", "desc", "OPTION"].includes(one.tagName)) continue;
    const style = getComputedStyle(one);
    const colour = one instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(numbers(colour)), light(ground(one))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), one.tagName + "." + one.className]);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(show: Open, scheme: str) -> None:
    found = show(color_scheme=scheme).evaluate(CONTRASTS)

    assert len(found) > 100
    assert [one for one in found if one[0] < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_drawn_stands_out_from_its_ground(show: Open, scheme: str) -> None:
    found = show(color_scheme=scheme).evaluate(
        CONTRASTS.split("const found", maxsplit=1)[0]
        + """
          const page = light(ground(document.body));
          const drawn = document.querySelectorAll("rect[class^=fill-], path[class^=fill-]");
          return [...drawn].map((one) => {
            const [a, b] = [light(numbers(getComputedStyle(one).fill)), page].sort((x, y) => y - x);
            return [(a + 0.05) / (b + 0.05), one.getAttribute("class")];
          });
        }"""
    )

    assert len(found) > 10
    assert [one for one in found if one[0] < 3] == []


def test_it_prints_without_its_tools_on_white(show: Open) -> None:
    page = show(color_scheme="dark")
    page.emulate_media(media="print")

    assert not page.locator(".tools").is_visible()
    assert not page.locator("details").first.is_visible()
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 36, 48)"
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_5000_devices_are_quick_to_filter(show: Open, tmp_path: Path) -> None:
    file = tmp_path / "many.html"
    write_report(report_of([(range(4990), DONE), (range(4990, 5000), HOSTILE)]), file)
    page = show(file)

    page.get_by_role("combobox", name="State", exact=True).select_option("failed")

    assert len(ids(page)) == 10
    assert page.get_by_role("status").inner_text() == "10 of 5,000 shown"


def test_the_file_beside_is_what_the_page_links_to(show: Open, tmp_path: Path) -> None:
    file = tmp_path / "a fleet & more.html"
    write_report(report_of([(range(6000), DONE)]), file)
    page = show(file)

    link = page.get_by_role("link", name="a fleet & more.devices.csv")
    target = link.evaluate("(link) => link.href")
    assert target == (tmp_path / "a fleet & more.devices.csv").as_uri()
