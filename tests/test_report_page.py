"""The page: what it says, and what it does with texts that mean harm."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_helpers import (
    DONE,
    HOSTILE,
    SETTLED,
    every_kind,
    lively_record,
    progress,
    report_of,
)

from fota_async import BatchReport, RunRecord, State, SyncReport
from fota_async.batch.device_ids import Malformed
from fota_async.batch.run_start import RunStart
from fota_async.batch.states import Verdict
from fota_async.events import JournalEvent
from fota_async.printable import printable
from fota_async.reports.axis import time_axis, value_axis
from fota_async.reports.gather import gather
from fota_async.reports.page import page_pieces, sync_page_pieces
from fota_async.reports.svg import NARROW, WIDE, Chart, Layer, Line, draw
from fota_async.reports.words import duration, share, verdict_of, verdict_of_sync


class Page(HTMLParser):
    """A page as a reader sees it: its text, and which elements it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._text: list[str] = []
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"script", "style"}
        self._text += [" "] if tag in {"td", "th", "dt", "dd"} else []

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._text).split())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(report: BatchReport, record: RunRecord | None = None, **more: Any) -> Page:
    return Page("".join(page_pieces(report, record, gather(report, **more), "beside.csv")))


def test_hostile_texts_stay_texts() -> None:
    page = page_of(every_kind(), lively_record())

    assert len(page.of("script")) == 1
    assert not page.of("i")
    assert not page.of("b")
    assert " ".join(printable(HOSTILE.reason).split()) in page.text
    assert "fleet<b>.csv" in page.text
    assert "<i>ServerError</i>" in page.text


TEXTS = st.text(st.sampled_from("<>&\"'/=- ;:#{}%abscript\n\r\x00\u202e\u2028é"), max_size=40)


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_text_adds_an_element_or_an_attribute(a: str, b: str, c: str, d: str) -> None:
    def page(*texts: str) -> Page:
        one, two, three, four = texts
        report = report_of([([1], Verdict(State.FAILED, one, two))], malformed=[Malformed("x", c)])
        report.target = three
        return page_of(report, RunRecord(asked={"device list": four}))

    def shape(page: Page) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in page.elements]

    # A status without text has no element.
    assert shape(page(a or "x", b, c, d)) == shape(page("x", "x", "x", "x"))


def test_the_page_loads_nothing_and_lets_nothing_in() -> None:
    text = "".join(page_pieces(every_kind(), lively_record(), gather(every_kind())))
    page = Page(text)

    policy = next(one["content"] for one in page.of("meta") if "http-equiv" in one) or ""
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    used = [one for _, attributes in page.elements for one in attributes if one in ("src", "style")]
    assert not used
    assert not page.of("link")
    assert not re.search(r"@import|url\((?!#)|onclick|https?://(?!x\.invalid)", text)
    assert text.startswith("<!DOCTYPE html>")


def test_the_law_stands_in_the_page() -> None:
    text = page_of(every_kind()).text

    assert (
        "19 inputs = 8 succeeded + 3 failed + 1 pending + 2 invalid + 1 unknown + 1 unsent "
        "+ 3 duplicates" in text
    )


@pytest.mark.parametrize(
    ("report", "label", "headline"),
    [
        (report_of([(range(1200), DONE)]), "Complete", "All 1,200 devices succeeded"),
        (report_of([([1], DONE)]), "Complete", "The device succeeded"),
        (report_of([]), "Nothing to do", "The device list was empty"),
        (report_of([([1, 2, 3], DONE), ([4], HOSTILE)]), "Needs attention", "3 of 4 devices"),
        (
            report_of([([1], DONE), ([2], Verdict(State.PENDING, "Queued"))]),
            "Complete",
            "1 of 2 devices succeeded, none failed",
        ),
        (report_of([([1], DONE)], stopped="closed"), "Stopped early", "1 of 1 device"),
        (report_of([([1], DONE)], stopped="unfinished"), "Not finished", "So far 1 of 1 device"),
        (
            report_of([([1], Verdict(State.UNSENT, reason="dry run"))], dry_run=True),
            "Dry run",
            "Nothing was sent",
        ),
    ],
)
def test_the_verdict_comes_first(report: BatchReport, label: str, headline: str) -> None:
    verdict = verdict_of(report)
    assert verdict.label == label
    assert headline in verdict.headline
    text = page_of(report).text
    assert text.index(verdict.headline) < text.index("What was asked")


def test_why_a_run_was_stopped_is_said_in_words() -> None:
    assert "Because its deadline passed." in page_of(every_kind()).text


def test_reasons_have_examples() -> None:
    page = page_of(report_of([(range(10, 20), DONE), (range(20, 30), HOSTILE)]))

    for number in (20, 21, 22):
        assert f"{number:015d}" in page.text.split("How it went")[0]
    assert f"{23:015d}" not in page.text.split("How it went")[0]


def test_without_a_record_the_page_says_so_in_place_of_empty_plots() -> None:
    page = page_of(every_kind())

    assert "Times were not recorded for this report" in page.text
    assert not [one for one in page.of("svg") if "chart" in (one.get("class") or "")]


def test_the_page_of_a_dry_run_has_nothing_to_show_over_time() -> None:
    waiting = Verdict(State.UNSENT, reason="dry run: it would be sent")
    page = page_of(report_of([([1], waiting)], dry_run=True), RunRecord())

    assert "Nothing was sent, so there is nothing to show." in page.text
    assert "Times were not recorded" not in page.text
    assert "the run stopped first" not in page.text
    assert "Nothing was sent, so nothing is in doubt." in page.text


def test_with_a_record_the_page_shows_what_happened_when() -> None:
    page = page_of(every_kind(), lively_record())

    titles = [one["id"] for one in page.of("title") if one.get("id")]
    for chart in ("throughput", "failures", "requests", "limit"):
        assert {f"{chart}-wide-title", f"{chart}-narrow-title"} <= set(titles)
    assert len(titles) == len(set(titles))
    assert "6 requests refused for rate made 1 pause, 5 s in all" in page.text
    assert "1 answer was lost or did not decide, about 100 devices" in page.text
    assert "Readings of the target decided 3 of all devices" in page.text
    assert "the rate 12.5 requests a second" in page.text


def test_a_resumed_run_says_what_is_of_this_start_and_what_of_all() -> None:
    record = RunRecord()
    record(
        JournalEvent(
            operation="append", target="x", starts=2, decided=1234, doubtful=5, finished=False
        )
    )
    record(progress(1, succeeded=1300, earlier_succeeded=1234))
    starts = [
        RunStart(requests=7, retries=1, seconds=61.0, ended=False, stopped=None),
        RunStart(requests=8, retries=0, seconds=5.0, ended=True, stopped="interrupted"),
        RunStart(requests=9, retries=0, seconds=1.0, ended=True, stopped=None),
    ]
    page = page_of(report_of([(range(1300), DONE)], starts=starts), record)

    assert "This is start 3 of the run" in page.text
    assert "this start alone; 1,234 devices had been decided before it" in page.text
    assert "started 3 times" in page.text
    assert "Every answer came and decided in this start." in page.text
    table = page.text.split("What each start took")[1]
    for words in ("no end is on record 7 1 1 min 1 s", "stopped: it was interrupted 8"):
        assert words in table


def test_what_the_run_did_not_keep_is_not_said_to_be_listed() -> None:
    page = page_of(report_of([(range(100), DONE), (range(100, 103), HOSTILE)], keep="failures"))

    assert "The run kept 3 of 103 devices." in page.text


def test_a_state_that_is_asked_for_is_named() -> None:
    page = page_of(every_kind(), states=[State.UNKNOWN, State.UNSENT])

    assert "The list has 2 devices that are unknown or unsent." in page.text


def test_every_table_has_a_caption_and_every_header_a_scope() -> None:
    page = page_of(every_kind(), lively_record())

    assert len(page.of("table")) == len(page.of("caption")) > 8
    assert all(one.get("scope") in {"row", "col"} for one in page.of("th"))


def test_every_drawing_is_named_or_silent() -> None:
    page = page_of(every_kind(), lively_record())

    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for svg in page.of("svg"):
        assert svg.get("aria-hidden") == "true" or svg["role"] == "img"
        for name in (svg.get("aria-labelledby") or "").split():
            assert name in ids


def a_sync(append: BatchReport, remove: BatchReport, unchanged: int = 7) -> SyncReport:
    remove.operation = "remove"
    return SyncReport(append=append, remove=remove, unchanged=unchanged, duplicates=2)


def page_of_sync(sync: SyncReport, record: RunRecord | None = None) -> Page:
    listed = [gather(sync.append), gather(sync.remove)]
    return Page("".join(sync_page_pieces(sync, record, listed, "beside.csv")))


def test_the_page_of_a_sync_tells_of_both_runs() -> None:
    page = page_of_sync(a_sync(every_kind(), report_of([([51], SETTLED), ([52, 53], HOSTILE)])),
                        lively_record())  # fmt: skip

    assert "19 inputs = 8 succeeded + 3 failed" in page.text
    assert "3 inputs = 1 succeeded + 2 failed" in page.text
    append, remove = page.text.split("Devices to append")[-1].split("Devices to remove")
    assert f"{1:015d}" in append
    assert f"{52:015d}" in remove
    assert f"{1:015d}" not in remove
    assert "Readings of the target decided 4 of all devices" in page.text
    assert "append: lost" in page.text
    assert "unchanged 7" in page.text
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(page.of("table")) == len(page.of("caption"))


UNSENT = Verdict(State.UNSENT, reason="nothing was removed: a password was refused")


@pytest.mark.parametrize(
    ("append", "remove", "label", "words"),
    [
        (report_of([([1, 2], DONE)]), report_of([([3], DONE)]), "Complete",
         "2 of 2 appended and 1 of 1 removed"),
        (report_of([]), report_of([]), "Complete", "has the 7 devices of the list, and no other"),
        (report_of([([1, 2], DONE), ([3], HOSTILE)]), report_of([]), "Needs attention",
         "2 of 3 appended and 0 of 0 removed"),
        (report_of([([1], DONE)], stopped="closed"), report_of([([3], UNSENT)]), "Stopped early",
         "Because the target has started or is over. The others: 1 unsent. The same command"),
        (report_of([([1], DONE)]), report_of([([3], UNSENT)]), "Stopped early",
         "Nothing was removed."),
        (report_of([([1], UNSENT)], dry_run=True), report_of([([3], UNSENT)], dry_run=True),
         "Dry run", "1 device would be appended, 1 removed, 7 are as they should be"),
    ],
)  # fmt: skip
def test_the_verdict_on_a_sync(
    append: BatchReport, remove: BatchReport, label: str, words: str
) -> None:
    sync = a_sync(append, remove)
    assert verdict_of_sync(sync).label == label
    assert words in page_of_sync(sync).text


def test_a_sync_that_had_nothing_to_remove_says_so() -> None:
    text = page_of_sync(a_sync(report_of([([1], DONE)]), report_of([]))).text

    assert "There was nothing to remove." in text
    assert "Devices to remove" not in text


def test_settled_devices_are_counted_by_what_became_of_them() -> None:
    report = report_of([([1, 2], SETTLED), ([3], DONE)])

    assert report.settled == {State.SUCCEEDED: 2}


@given(st.floats(0.001, 1e12), st.integers(2, 10), st.booleans())
def test_value_axes_have_round_marks_that_reach_the_largest(
    largest: float, marks: int, whole: bool
) -> None:
    axis = value_axis(largest, marks=marks, whole=whole)

    assert axis.end >= largest * (1 - 1e-6)
    assert len(axis.marks) <= marks + 1
    assert axis.marks[0][0] == 0
    assert all(len(text) <= 7 for _, text in axis.marks)
    if whole:
        assert all(value == int(value) for value, _ in axis.marks)


@pytest.mark.parametrize(
    ("seconds", "unit", "texts"),
    [
        (1.0, "seconds", ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (60.0, "seconds", ["0", "10", "20", "30", "40", "50", "60"]),
        (600.0, "minutes", ["0", "2", "4", "6", "8", "10"]),
        (7200.0, "minutes", ["0", "15", "30", "45", "60", "75", "90", "105", "120"]),
        (86_400.0, "hours", ["0", "3", "6", "9", "12", "15", "18", "21", "24"]),
        (1_209_600.0, "days", ["0", "2", "4", "6", "8", "10", "12", "14"]),
    ],
)
def test_time_axes_are_in_the_unit_that_suits(seconds: float, unit: str, texts: list[str]) -> None:
    axis = time_axis(seconds, marks=8)

    assert (axis.unit, [text for _, text in axis.marks]) == (unit, texts)


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=80),
    st.sampled_from([WIDE, NARROW]),
    st.floats(0.125, 86_400),
)
def test_nothing_is_drawn_outside_the_frame(values: list[float], size: Any, width: float) -> None:
    chart = Chart(
        key="a",
        title="<A> & B",
        description="C",
        unit="things",
        width=width,
        layers=[Layer("succeeded", "a", values), Layer("failed", "b", values)],
        line=Line("rate", "c", [None, *values[1:]]),
        paused=[1.0] * len(values),
    )
    drawn = draw(chart, size)

    Page(drawn)
    assert '<title id="a-' in drawn
    assert "&lt;A&gt; &amp; B" in drawn
    for x, y in re.findall(r"M([\d.-]+) ([\d.-]+)", drawn):
        assert 0 <= float(x) <= size.width
        assert -0.1 <= float(y) <= size.height


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.123, "0.12 s"),
        (12.04, "12 s"),
        (59.96, "60 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 9, "0%"),
        (1, 10**6, "< 0.1%"),
        (999_999, 10**6, "> 99.9%"),
        (1, 3, "33.3%"),
        (5, 5, "100%"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(part: int, whole: int, words: str) -> None:
    assert share(part, whole) == words
