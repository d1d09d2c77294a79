"""What happened when in a run, in a record that does not grow."""

import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from batch_helpers import FakeSession, answers, imeis, run_over
from hypothesis import given
from hypothesis import strategies as st
from report_helpers import batch, progress

from fota_async import RunRecord
from fota_async.clock import ManualClock
from fota_async.events import (
    JournalEvent,
    LimitEvent,
    PauseEvent,
    ProgressEvent,
    RequestEvent,
    RetryEvent,
    TokenEvent,
)
from fota_async.reports.bins import Bins, widths
from fota_async.reports.record import OTHERS


@given(st.lists(st.floats(0, 400_000, allow_nan=False), max_size=300))
def test_bins_lose_nothing_however_long_a_run_lasts(moments: list[float]) -> None:
    bins = Bins(most=20)
    for moment in sorted(moments):
        bins.at(moment).requests += 1

    timeline = bins.timeline(7)
    assert sum(one.requests for one in timeline.bins) == len(moments)
    assert len(bins.timeline(1000).bins) <= 20
    assert len(timeline.bins) <= 7
    if moments:
        assert timeline.seconds > max(moments)
        held = [0] * len(timeline.bins)
        for moment in moments:
            held[int(moment / timeline.width)] += 1
        assert held == [one.requests for one in timeline.bins]


def test_each_width_is_made_of_whole_ones_of_the_width_before() -> None:
    found = widths()
    before, _ = next(found)
    for _ in range(25):
        width, each = next(found)
        assert width == before * each
        before = width


def test_progress_becomes_devices_by_time() -> None:
    record = RunRecord()
    record.note(progress(0.2, succeeded=10), 0.2)
    record.note(progress(100, succeeded=15, failed=4, pending=2, unknown=1), 100)

    bins = record.timeline().bins
    assert [one.succeeded for one in bins if one.succeeded] == [10, 5]
    assert (bins[-1].failed, bins[-1].pending, bins[-1].unknown) == (4, 2, 1)
    assert record.seconds == 100


def test_devices_that_an_earlier_start_decided_are_no_throughput() -> None:
    record = RunRecord()
    record.note(JournalEvent(operation="append", target="an-upgrade", starts=2, decided=900,
                             doubtful=3, finished=False), 0)  # fmt: skip
    record.note(progress(1, succeeded=907, earlier_succeeded=900), 1)
    record.note(progress(2, succeeded=950, earlier_succeeded=930, failed=5, earlier_failed=5), 2)

    assert sum(one.succeeded for one in record.timeline().bins) == 20
    assert not any(one.failed for one in record.timeline().bins)
    assert record.earlier is not None
    assert record.earlier.starts == 2


def test_what_was_pending_and_is_decided_counts_once() -> None:
    record = RunRecord()
    record.note(progress(1, pending=60), 1)
    record.note(progress(20, pending=100), 20)
    record.note(progress(60, succeeded=70, failed=5, pending=25), 60)
    record.note(progress(61, succeeded=70, failed=5, pending=25, finished=True), 61)

    bins = record.timeline().bins
    for name, count in (("succeeded", 70), ("failed", 5), ("pending", 25)):
        assert sum(getattr(one, name) for one in bins) == count


def test_two_runs_of_a_command_are_told_apart() -> None:
    record = RunRecord()
    for operation in ("append", "remove"):
        event = progress(1, succeeded=10, finished=True)
        told = {name: getattr(event, name) for name in ProgressEvent.__slots__ if name[0] != "_"}
        record.note(ProgressEvent(**{**told, "operation": operation}), 1)

    assert sum(one.succeeded for one in record.timeline().bins) == 20


def test_only_pauses_that_have_passed_count_and_none_twice() -> None:
    record = RunRecord()
    record.note(PauseEvent(seconds=10, reason="ThrottledError (429)"), 5)
    record.note(PauseEvent(seconds=10, reason="ThrottledError (429)"), 8)
    record.note(progress(30), 30)
    record.note(PauseEvent(seconds=300, reason="ThrottledError (429)"), 31)
    record.note(progress(33), 33)

    assert record.pauses == 3
    assert record.longest_pause == 300
    assert record.paused == pytest.approx(13 + 2)
    assert sum(one.paused for one in record.timeline().bins) == pytest.approx(15)
    assert all(one.paused <= record.timeline().width * 1.001 for one in record.timeline().bins)


def test_a_limit_holds_until_the_next_one_is_told() -> None:
    record = RunRecord()
    record.note(LimitEvent(account="an-account", limit=8, rate=None), 0)
    record.note(LimitEvent(account="an-account", limit=4, rate=7.5), 10)
    record.note(progress(20), 20)

    limits = [(one.limit, one.rate) for one in record.timeline().bins]
    assert limits[0] == limits[len(limits) // 4] == (8, None)
    assert limits[-1] == (4, 7.5)


def test_requests_tokens_retries_and_doubts_are_counted() -> None:
    record = RunRecord()
    for status, error in ((200, None), (429, "ThrottledError"), (None, "AnswerTimeoutError")):
        record.note(RequestEvent(route="a", attempt=1, seconds=1, status=status, error=error), 1)
    record.note(TokenEvent(kind="session", action="fetched"), 1)
    record.note(RetryEvent(route="a", attempt=1, wait=1, reason="ServerError (503)"), 1)
    record.note(batch("lost", 7, reason="ServerError (500)"), 2)
    record.note(batch("settled", 6), 9)

    assert record.answers == {"200": 1, "ThrottledError": 1, "AnswerTimeoutError": 1}
    assert record.refused_for_rate == 1
    assert record.tokens == {"session fetched": 1}
    assert record.retries == {"ServerError (503)": 1}
    assert (record.lost, record.lost_batches, record.settled) == ({"ServerError (500)": 7}, 1, 6)


def test_the_slowest_batches_are_kept_each_once() -> None:
    record = RunRecord()
    for number in range(100):
        record.note(batch("answered", place=number, seconds=float(number % 50)), number)
    record.note(batch("lost", 3, place=5000, seconds=60.0), 100)
    record.note(batch("answered", 100, place=5000, seconds=60.0), 100)
    record.note(batch("requeued", place=7000, seconds=90.0), 101)

    slowest = record.slowest
    assert len(slowest) == 10
    assert (slowest[0].place, slowest[0].devices, slowest[0].outcome) == (5000, 100, "answered")
    assert [one.seconds for one in slowest] == sorted(
        (one.seconds for one in slowest), reverse=True
    )


def test_a_record_begins_with_its_first_event(clock: ManualClock) -> None:
    noon = datetime(2027, 4, 1, 12, tzinfo=UTC)
    clock.turn(1000)
    record = RunRecord(clock=clock, now=lambda: noon)
    assert record.began is None

    clock.turn(500)
    record(progress(0))
    clock.turn(3)
    record(progress(3))

    assert record.began == noon
    assert record.seconds == 3


def test_a_run_of_days_takes_no_more_memory_than_one_of_minutes() -> None:
    def told(record: RunRecord, seconds: int) -> RunRecord:
        for second in range(0, seconds, max(1, seconds // 20_000)):
            record.note(progress(second, succeeded=second), second)
            record.note(
                batch("lost", reason=f"ServerError ({second})", seconds=second % 7.3), second
            )
            record.note(RetryEvent(route="a", attempt=1, wait=0, reason=f"{second}"), second)
        return record

    def size(seconds: int) -> int:
        tracemalloc.start()
        kept = told(RunRecord(), seconds)
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert kept.lost[OTHERS]
        return now

    size(300)
    assert size(14 * 86_400) < size(300) * 1.5 + 20_000


async def test_a_run_tells_how_long_its_batches_took(clock: ManualClock) -> None:
    record = RunRecord(clock=clock)

    async def script(ids: list[str]) -> Any:
        clock.turn(3 if len(session.sent) == 2 else 1)
        session.members.update(ids)
        return answers(ids)

    session = FakeSession(script, clock=clock, hook=record)
    report = await run_over(session, imeis(50), batch_size=10, concurrency=1)

    assert report.succeeded == 50
    slowest = record.slowest
    assert [one.seconds for one in slowest] == [3, 1, 1, 1, 1]
    assert (slowest[0].place, slowest[0].devices, slowest[0].at) == (10, 10, 4)
    assert sum(one.succeeded for one in record.timeline().bins) == 50


async def test_what_an_earlier_start_decided_is_told_apart(journal: Any) -> None:
    first = FakeSession()
    await run_over(first, imeis(30), journal=journal)
    record = RunRecord()
    session = FakeSession(hook=record)
    session.members = first.members

    report = await run_over(session, imeis(50), journal=journal)

    assert report.succeeded == 50
    assert sum(one.succeeded for one in record.timeline().bins) == 20
    assert [start.ended for start in report.starts] == [True, True]
    assert sum(start.requests for start in report.starts) == report.requests
