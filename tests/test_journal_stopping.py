"""A run that is stopped, cancelled or left at any turn leaves a true journal."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import (
    FakeSession,
    answers,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    let_run,
    run_over,
)
from journal_helpers import assert_stored, assert_true, facts, outcomes, sent_by, stopped_midway

from fota_async import BatchReport, BatchRun, RunStopped, State, StopCause, read_journal
from fota_async.batch.journal import keeper
from fota_async.models.device_answers import DeviceAnswers


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("start", ["first", "second"])
async def test_whichever_turn_a_run_is_stopped_in_its_journal_is_true(
    tmp_path: Path, start: str, twice: bool
) -> None:
    ids = imeis(12)
    for turns in range(0, 240, 6):
        path = tmp_path / f"{turns}.db"
        session, requests = FakeSession(), 0
        if start == "second":
            session = await stopped_midway(path, ids, batch_size=3)
            requests = read_journal(path).requests
        run = run_over(session, ids, journal=path, batch_size=2, concurrency=2)
        task = asyncio.ensure_future(run)
        for _ in range(turns):
            await asyncio.sleep(0)
        run.stop()
        if twice:
            run.stop()
        with suppress(RunStopped):
            await task
        assert_no_task_left()
        assert_true(run.report, session)
        if path.exists() and path.stat().st_size > 4096:
            stored = read_journal(path)
            assert_stored(stored, session)
            assert stored.requests >= requests
            if stored.stopped != "unfinished" and run.report.input_complete:
                assert facts(stored) == facts(run.report), turns

        whole = await run_over(session, ids, journal=path)

        assert (whole.succeeded, whole.stopped) == (12, None), turns
        assert Counter(sent_by(session)).most_common(1)[0][1] == 1
        assert facts(read_journal(path)) == facts(whole)


@pytest.fixture
def opening(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let the next journal take as long to be opened as a large one does."""
    begun, go_on = threading.Event(), threading.Event()
    real = keeper.past_of

    def slowly(reader: Any) -> Any:
        begun.set()
        assert go_on.wait(10)
        return real(reader)

    with contextlib.ExitStack() as stack:
        stack.callback(go_on.set)
        monkeypatch.setattr(keeper, "past_of", slowly)
        yield begun, go_on


@pytest.mark.parametrize("how", ["twice", "without grace", "cancelled twice"])
async def test_a_run_stopped_while_its_journal_is_opened_leaves_the_journal_as_it_was(
    journal: Path, opening: tuple[threading.Event, threading.Event], how: str
) -> None:
    begun, go_on = opening
    go_on.set()
    session = await stopped_midway(journal, imeis(9), batch_size=3)
    before = facts(read_journal(journal))
    go_on.clear()
    begun.clear()
    run = run_over(session, imeis(9), journal=journal, grace=0 if how == "without grace" else 10)
    task = asyncio.ensure_future(run)
    assert await asyncio.to_thread(begun.wait, 10)

    for _ in range(2):
        if how == "cancelled twice":
            task.cancel()
        else:
            run.stop()
        await let_run()
        if how == "without grace":
            break
    go_on.set()
    with pytest.raises((RunStopped, asyncio.CancelledError)):
        await task

    assert session.sent == []
    stored = read_journal(journal)
    assert stored.requests == before[0]["requests"]
    assert outcomes(stored) == before[2]
    report = await run_over(session, imeis(9), journal=journal)
    assert report.succeeded == 9
    assert report.requests > stored.requests
    assert sorted(sent_by(session)) == imeis(9)[6:]


async def test_a_finished_journal_is_still_finished_after_a_start_that_was_stopped_at_once(
    journal: Path, opening: tuple[threading.Event, threading.Event]
) -> None:
    begun, go_on = opening
    go_on.set()
    first = await run_over(FakeSession(), imeis(9), journal=journal, batch_size=3)
    go_on.clear()
    begun.clear()
    run = run_over(FakeSession(), imeis(9), journal=journal)
    task = asyncio.ensure_future(run)
    assert await asyncio.to_thread(begun.wait, 10)
    run.stop()
    run.stop()
    await let_run()
    go_on.set()
    with pytest.raises(RunStopped):
        await task

    again = FakeSession()
    report = await run_over(again, imeis(9), journal=journal)

    assert (again.sent, again.reads) == ([], 0)
    assert facts(report) == facts(first)


@pytest.mark.parametrize("turns", [0, 30, 60, 90, 120])
def test_the_law_holds_when_the_event_loop_is_closed_around_a_run(
    journal: Path, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writing = keeper.JournalWriter.write, threading.Event()

    def slowly(self: keeper.JournalWriter, *given: Any) -> None:
        # As long as a disk takes that is asked to confirm.
        writing.wait(0.002)
        real(self, *given)

    monkeypatch.setattr(keeper.JournalWriter, "write", slowly)
    session = FakeSession()
    runs: list[BatchRun] = []

    async def main() -> None:
        runs.append(run_over(session, imeis(40), journal=journal, batch_size=2, concurrency=2))
        running.append(asyncio.ensure_future(runs[0]))
        await session.until_sent(5)
        for _ in range(turns):
            await asyncio.sleep(0)

    running: list[object] = []
    asyncio.run(main())

    report = runs[0].report
    assert report.inputs == 40
    assert_true(report, session)
    assert_true(read_journal(journal), session)
    session.sent.clear()
    final = set(ids_of(read_journal(journal), State.SUCCEEDED))

    async def go_on() -> BatchReport:
        return await run_over(session, imeis(40), journal=journal)

    assert asyncio.run(go_on()).succeeded == 40
    assert final.isdisjoint(sent_by(session))


@pytest.mark.parametrize("undone", [False, True])
async def test_a_run_stopped_while_its_journal_is_closed_says_the_same_as_its_journal(
    journal: Path, monkeypatch: pytest.MonkeyPatch, undone: bool
) -> None:
    real, begun, go_on = keeper.JournalWriter.close, threading.Event(), threading.Event()

    def slowly(self: keeper.JournalWriter) -> None:
        begun.set()
        assert go_on.wait(10)
        real(self)

    monkeypatch.setattr(keeper.JournalWriter, "close", slowly)
    session = FakeSession()
    run = run_over(session, imeis(9), journal=journal, max_failures=0 if undone else None)
    if undone:
        session.script = refuse
    task = asyncio.ensure_future(run)
    try:
        assert await asyncio.to_thread(begun.wait, 10)
        run.stop()
        run.stop()
        await let_run()
    finally:
        go_on.set()
    with suppress(RunStopped):
        await task

    assert_no_task_left()
    assert facts(read_journal(journal)) == facts(run.report)
    assert run.report.stopped == ("max_failures" if undone else None)


async def refuse(ids: list[str]) -> DeviceAnswers:
    return answers(ids, "AddDeviceFailed", "Invalid IMEI")


async def test_leaving_the_block_early_leaves_a_journal_to_go_on_from(journal: Path) -> None:
    ids, session = imeis(60), FakeSession()
    async with run_over(session, iter(ids), journal=journal, batch_size=2) as run:
        async for _ in run:
            break
    left = run.report
    assert_true(left, session)
    assert left.stopped == "interrupted"
    assert read_journal(journal).summary() == left.summary()
    final = set(ids_of(left, State.SUCCEEDED))
    session.sent.clear()

    report = await run_over(session, ids, journal=journal)

    assert report.succeeded == 60
    assert final.isdisjoint(sent_by(session))


async def test_a_generator_that_was_not_read_to_its_end_does_not_change_what_is_counted(
    journal: Path,
) -> None:
    """The devices it did not come to are gone from this reading, whatever became of them before."""
    ids = imeis(12)
    session = await stopped_midway(journal, ids, batch_size=3)

    async def broken() -> Any:
        yield ids[0]
        raise OSError("the tape broke")

    with pytest.raises(RunStopped) as caught:
        await run_over(session, broken(), journal=journal)

    report = caught.value.report
    assert caught.value.cause is StopCause.SOURCE
    assert (report.inputs, report.succeeded, report.input_complete) == (1, 1, False)
    assert_law(report)
    stored = read_journal(journal)
    assert stored.summary() == report.summary()
    assert len(list(stored)) == 12
