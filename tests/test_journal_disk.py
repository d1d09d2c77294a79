"""The disk is full, or the journal breaks, in the middle of a run."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import FakeSession, assert_law, assert_no_task_left, ids_of, imeis, run_over
from journal_helpers import assert_true, facts, sent_by

from fota_async import (
    BatchRun,
    DeviceOutcome,
    JournalError,
    RunStopped,
    State,
    StopCause,
    read_journal,
)
from fota_async.batch.journal import keeper
from fota_async.models.device_answers import DeviceAnswers


def writer_of(run: BatchRun) -> Any:
    return run._engine._books.journal._writer  # type: ignore[attr-defined]


@pytest.mark.parametrize("after", range(1, 5))
async def test_a_full_disk_stops_the_run_with_a_true_report_and_the_next_start_goes_on(
    journal: Path, after: int
) -> None:
    ids = imeis(6000)

    async def script(sent: list[str]) -> DeviceAnswers:
        said = await session.accept(sent)
        if len(session.sent) == after:
            writer_of(run)._connection.execute("PRAGMA max_page_count = 1")
        assert_law(run.report)
        return said

    session = FakeSession(script)
    run = run_over(session, [*ids, "bad"], journal=journal, batch_size=500, concurrency=2)

    with pytest.raises(RunStopped, match="full") as caught:
        await run

    report = caught.value.report
    assert caught.value.cause is StopCause.JOURNAL
    assert isinstance(caught.value.__cause__, JournalError)
    assert_true(report, session)
    assert (report.stopped, report.inputs, report.unknown) == ("journal", 6001, 0)
    assert set(ids_of(report, State.SUCCEEDED)) == session.members
    assert report.unsent >= 6000 - 500 * (after + 2)
    assert_no_task_left()
    stored = read_journal(journal)
    assert_true(stored, session)
    assert stored.stopped == "unfinished"
    final = set(ids_of(stored, State.SUCCEEDED))
    session.sent.clear()

    session.script = session.accept
    whole = await run_over(session, [*ids, "bad"], journal=journal)

    assert final.isdisjoint(sent_by(session))
    assert (whole.succeeded, whole.stopped) == (6000, None)
    assert facts(read_journal(journal)) == facts(whole)


async def test_a_disk_that_is_full_from_the_start_sends_nothing(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: keeper.JournalWriter, *_: object) -> None:
        del self
        raise JournalError("the journal 'x' cannot be used: database or disk is full")

    monkeypatch.setattr(keeper.JournalWriter, "write", full)
    session = FakeSession()
    run = run_over(session, imeis(30), journal=journal, batch_size=3)

    with pytest.raises((JournalError, RunStopped), match="full"):
        await run

    assert session.sent == []
    assert session.claims == 0
    assert_law(run.report)
    assert_no_task_left()


async def test_a_journal_that_breaks_while_outcomes_are_streamed_loses_none_of_them(
    journal: Path,
) -> None:
    async def script(sent: list[str]) -> DeviceAnswers:
        said = await session.accept(sent)
        if len(session.sent) == 3:
            writer_of(run)._connection.execute("PRAGMA query_only = 1")
        return said

    async def stream() -> None:
        async with run:
            async for outcome in run:
                streamed.append(outcome)  # noqa: PERF401 - what came before the error counts

    session = FakeSession(script)
    streamed: list[DeviceOutcome] = []
    run = run_over(session, imeis(30), journal=journal, batch_size=3, concurrency=2)

    with pytest.raises(RunStopped) as caught:
        await stream()

    assert caught.value.cause is StopCause.JOURNAL
    assert Counter(streamed) == Counter(caught.value.report)
    assert_true(run.report, session)
