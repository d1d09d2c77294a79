"""A run that nothing stops: awaited, streamed, watched."""

import asyncio

import pytest
from batch_helpers import (
    ACCOUNT,
    UPGRADE,
    FakeSession,
    Gate,
    answers,
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    let_run,
    run_over,
)

from fota_async import (
    MisuseError,
    State,
)
from fota_async.events import Event, ProgressEvent
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Simulator


@pytest.mark.each_python
async def test_awaiting_again_gives_the_same_report_and_sends_nothing() -> None:
    session = FakeSession()
    run = run_over(session, imeis(10), batch_size=4)

    first = await run
    second = await run

    assert second.summary() == first.summary() == run.report.summary()
    assert list(second) == list(first)
    assert len(session.sent) == 3
    assert_no_task_left()


async def test_awaiting_again_gives_the_very_same_report() -> None:
    run = run_over(FakeSession(), imeis(3))

    assert await run is await run


async def test_two_tasks_may_await_one_run() -> None:
    session = FakeSession()
    run = run_over(session, imeis(10))

    reports = await asyncio.gather(run, asyncio.wait_for(run, 5))

    assert [report.succeeded for report in reports] == [10, 10]
    assert len(session.sent) == 1


@pytest.mark.each_python
async def test_streaming_yields_each_distinct_input_once_malformed_ones_too() -> None:
    session = FakeSession()
    inputs = [*imeis(3000), "bad", *imeis(50), " bad", "worse"]

    async with run_over(session, inputs, batch_size=7) as run:
        outcomes = [outcome async for outcome in run]
        report = await run

    assert len(outcomes) == 3002
    assert set(outcomes) == set(report)
    assert_law(report)
    assert_no_task_left()


async def test_outcomes_come_while_later_batches_are_still_under_way() -> None:
    later = asyncio.Event()

    async def slow_end(ids: list[str]) -> DeviceAnswers:
        if ids[0] != imeis(1)[0]:
            await later.wait()
        return answers(ids)

    async with run_over(FakeSession(slow_end), imeis(4), batch_size=2) as run:
        stream = aiter(run)
        first = [await anext(stream), await anext(stream)]
        assert run.report.unknown == 2
        later.set()
        rest = [outcome async for outcome in stream]

    assert [outcome.device_id for outcome in first + rest] == imeis(4)


@pytest.mark.each_python
async def test_a_slow_reader_bounds_how_far_the_run_goes_ahead() -> None:
    session = FakeSession()

    async with run_over(session, imeis(100), batch_size=1, concurrency=2) as run:
        await let_run()
        unread = len(session.sent)
        stream = aiter(run)
        for _ in range(20):
            await anext(stream)
        await let_run()
        read = len(session.sent)
        rest = [outcome async for outcome in stream]

    assert unread < 15
    assert 20 <= read < 20 + 15
    assert len(rest) == 80


async def test_awaiting_an_entered_run_reads_for_the_one_who_does_not() -> None:
    async with run_over(FakeSession(), imeis(100), batch_size=1) as run:
        report = await run

    assert report.succeeded == 100


async def test_a_run_is_entered_once_and_read_inside_only() -> None:
    run = run_over(FakeSession(), imeis(3))
    with pytest.raises(MisuseError, match="async with"):
        _ = [outcome async for outcome in run]
    async with run:
        pass
    with pytest.raises(MisuseError, match="started already"):
        async with run:
            pass


@pytest.mark.each_python
def test_a_run_that_nobody_started_warns() -> None:
    runs = [run_over(FakeSession(), imeis(3))]

    with pytest.warns(RuntimeWarning, match="append was never started; await it"):
        runs.clear()


async def test_in_the_middle_what_is_in_flight_is_unknown_and_what_waits_is_unsent() -> None:
    gate = Gate()
    run = run_over(gate.session, [*imeis(10), "bad", *imeis(2)], batch_size=3, concurrency=2)
    before = run.report
    task = asyncio.ensure_future(run)
    await gate.session.until_sent(2)

    middle = run.report
    gate.opened.set()
    await task

    assert_law(before)
    assert_law(middle)
    assert before.inputs == 0
    assert (middle.unknown, middle.unsent, middle.invalid, middle.duplicates) == (6, 4, 1, 2)
    assert {outcome.reason for outcome in middle if outcome.state is State.UNSENT} == {
        "not sent yet"
    }
    assert (run.report.succeeded, run.report.unknown) == (10, 0)


async def test_the_report_is_true_also_when_an_event_hook_looks_at_it() -> None:
    seen: list[Event] = []

    def look(event: Event) -> None:
        seen.append(event)
        assert_law(run.report)

    run = run_over(FakeSession(hook=look), imeis(10), batch_size=5)
    await run

    assert seen


async def test_what_a_report_says_is_what_the_api_holds() -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        report = await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(25), batch_size=10)

        assert report.succeeded == 25
        assert sim.members() == set(imeis(25))
        removed = await fota.v1.upgrades.remove_devices(sim.upgrade_id, imeis(5), batch_size=2)

    assert (removed.succeeded, removed.requests) == (5, 3)
    assert sim.members() == set(imeis(20, first=6))


async def test_progress_is_told_to_the_end() -> None:
    session = FakeSession()

    report = await run_over(session, [*imeis(10), "bad", "bad"], batch_size=5)

    progress = [event for event in session.events if isinstance(event, ProgressEvent)]
    assert [event.finished for event in progress] == [False] * (len(progress) - 1) + [True]
    last = progress[-1]
    assert (last.inputs, last.succeeded, last.invalid, last.duplicates) == (12, 10, 1, 1)
    assert last.requests == report.requests == 2
    assert ids_of(report, State.SUCCEEDED) == imeis(10)
    assert (last.operation, last.target, report.account) == ("append", UPGRADE, ACCOUNT)
