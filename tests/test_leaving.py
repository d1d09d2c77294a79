"""Leaving a run early and cancelling it: nothing is sent afterwards, and the report is true."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from batch_helpers import (
    FakeSession,
    Gate,
    assert_law,
    assert_no_task_left,
    ids_of,
    imeis,
    let_run,
    run_over,
)
from simulator_api import until

from fota_async import (
    RunStopped,
    State,
    StopCause,
)
from fota_async.batch.run import BatchRun
from fota_async.models.device_answers import DeviceAnswers

AGES = 1e7  # seconds of grace that no test lives to see end


def gated(**options: Any) -> tuple[Gate, BatchRun]:
    """Return a run over ten batches, three of which may be in flight and are held back."""
    gate = Gate()
    return gate, run_over(gate.session, imeis(100), batch_size=10, concurrency=3, **options)


def assert_over(run: BatchRun, session: FakeSession, sent: int = 3) -> None:
    """The run is at its end, its report is true, and nothing was sent after it was stopped."""
    assert run.report.stopped == "interrupted"
    assert len(session.sent) == sent
    assert_law(run.report)
    assert run.report.inputs == 100
    assert_no_task_left()


@pytest.mark.each_python
async def test_leaving_early_starts_no_batch_and_counts_the_answers_in_flight() -> None:
    gate, run = gated(grace=AGES)

    async def leave() -> None:
        async with run:
            await gate.session.until_sent(3)

    leaving = asyncio.create_task(leave())
    await until(lambda: run.report.stopped is not None)
    gate.opened.set()
    await leaving

    assert_over(run, gate.session)
    assert ids_of(run.report, State.SUCCEEDED) == imeis(30)
    assert ids_of(run.report, State.UNSENT) == imeis(70, first=31)
    assert run.report.input_complete


async def test_leaving_in_the_middle_of_reading_stops_the_run() -> None:
    session = FakeSession()
    run = run_over(session, imeis(100), batch_size=1, concurrency=2)
    async with run:
        async for _ in run:
            break
    sent = len(session.sent)
    await let_run()

    assert sent < 20
    assert_over(run, session, sent)
    assert set(ids_of(run.report, State.SUCCEEDED)) == session.members


async def test_an_error_in_the_callers_body_stops_the_run_and_passes() -> None:
    gate, run = gated()

    with pytest.raises(KeyError, match="mine"):  # noqa: PT012 - leaving the block is the test
        async with run:
            await gate.session.until_sent(3)
            raise KeyError("mine")

    assert_over(run, gate.session)


async def cut_by_cancel(run: BatchRun, session: FakeSession) -> None:
    task = asyncio.ensure_future(run)
    await session.until_sent(3)
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task


async def cut_by_timeout(run: BatchRun, session: FakeSession) -> None:
    with pytest.raises(TimeoutError):  # noqa: PT012 - the scopes are the test
        async with asyncio.timeout(None) as limit:
            async with asyncio.TaskGroup() as group:
                group.create_task(cut_when_sent(session, lambda: limit.reschedule(0)))
                await run


async def cut_by_scope(run: BatchRun, session: FakeSession) -> None:
    with anyio.CancelScope() as scope:
        async with asyncio.TaskGroup() as group:
            group.create_task(cut_when_sent(session, scope.cancel))
            await run
    assert scope.cancelled_caught


async def cut_by_fail_after(run: BatchRun, session: FakeSession) -> None:
    async def expire() -> None:
        await session.until_sent(3)
        scope.deadline = anyio.current_time()

    with pytest.raises(TimeoutError):  # noqa: PT012 - the scopes are the test
        with anyio.fail_after(60) as scope:
            expiring = asyncio.create_task(expire())
            async with run:
                async for _ in run:
                    pass
    await expiring


async def cut_when_sent(session: FakeSession, cut: Callable[[], object]) -> None:
    await session.until_sent(3)
    cut()


@pytest.mark.each_python
@pytest.mark.parametrize("cut", [cut_by_cancel, cut_by_timeout, cut_by_scope, cut_by_fail_after])
async def test_a_cancelled_run_passes_the_cancellation_on_and_its_report_is_final(
    cut: Callable[[BatchRun, FakeSession], Any],
) -> None:
    gate, run = gated(grace=AGES)

    async def answer_late() -> None:
        await until(lambda: run.report.stopped is not None)
        await let_run()
        gate.opened.set()

    answering = asyncio.create_task(answer_late())
    await cut(run, gate.session)
    await answering

    assert_over(run, gate.session)
    assert ids_of(run.report, State.SUCCEEDED) == imeis(30)
    report = run.report.summary()
    await let_run()
    assert run.report.summary() == report
    assert_over(run, gate.session)
    with pytest.raises(RunStopped) as caught:
        await run
    assert caught.value.cause is StopCause.INTERRUPTED


@pytest.mark.each_python
async def test_a_second_cancellation_ends_the_run_at_once() -> None:
    gate, run = gated(grace=AGES)
    task = asyncio.ensure_future(run)
    await gate.session.until_sent(3)

    task.cancel()
    await until(lambda: run.report.stopped is not None)
    await let_run()
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task

    assert_over(run, gate.session)


async def test_what_was_on_the_wire_when_grace_ended_is_never_called_unsent() -> None:
    async def apply_and_keep_silent(ids: list[str]) -> DeviceAnswers:
        await session.accept(ids)
        return await asyncio.get_running_loop().create_future()

    session = FakeSession(apply_and_keep_silent)
    run = run_over(session, imeis(100), batch_size=10, concurrency=3)
    task = asyncio.ensure_future(run)
    await session.until_sent(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert_over(run, session)
    assert ids_of(run.report, State.UNSENT) == imeis(70, first=31)


async def test_a_signal_handler_may_stop_a_run_that_another_task_awaits() -> None:
    gate, run = gated(grace=AGES)
    task = asyncio.ensure_future(run)
    await gate.session.until_sent(3)

    run.stop()
    gate.opened.set()
    with pytest.raises(RunStopped, match="interrupted") as caught:
        await task

    assert_over(run, gate.session)
    assert caught.value.report.succeeded == 30


async def test_a_cancellation_while_the_run_is_being_left_is_not_swallowed() -> None:
    gate, run = gated(grace=AGES)

    async def leave() -> None:
        async with run:
            await gate.session.until_sent(3)

    task = asyncio.create_task(leave())
    await until(lambda: run.report.stopped is not None)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_run_that_is_left_at_once_lists_its_input_all_the_same() -> None:
    session = FakeSession()

    async with run_over(session, imeis(10)) as run:
        pass

    assert ids_of(run.report, State.UNSENT) == imeis(10)
    assert (run.report.inputs, run.report.stopped) == (10, "interrupted")
    assert run.report.input_complete
    assert session.sent == []
    assert_law(run.report)


@pytest.mark.parametrize("entered", [False, True])
async def test_a_run_that_is_stopped_before_it_began_lists_its_input_all_the_same(
    entered: bool,
) -> None:
    session = FakeSession()
    run = run_over(session, imeis(10))
    if entered:
        await run.__aenter__()
    run.stop()

    with pytest.raises(RunStopped) as caught:
        await run

    report = caught.value.report
    assert caught.value.cause is StopCause.INTERRUPTED
    assert ids_of(report, State.UNSENT) == imeis(10)
    assert report.input_complete
    assert session.sent == []
    assert_no_task_left()


async def test_a_plain_signal_handler_stops_a_run_whose_loop_has_gone_to_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, run = gated()
    selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]  # the test's own way
    select = selector.select

    def interrupted(timeout: float | None) -> Any:
        if timeout != 0 and len(gate.session.sent) == 3 and run.report.stopped is None:
            # The time to sleep is settled by now: only a byte can wake the loop earlier.
            monkeypatch.undo()
            os.kill(os.getpid(), signal.SIGINT)
        return select(timeout)

    earlier = signal.signal(signal.SIGINT, lambda *_: run.stop())
    monkeypatch.setattr(selector, "select", interrupted)
    try:
        with pytest.raises(RunStopped) as caught:
            async with asyncio.timeout(5):
                await run
    finally:
        signal.signal(signal.SIGINT, earlier)

    assert caught.value.cause is StopCause.INTERRUPTED
    assert_over(run, gate.session)
    assert run.report.succeeded == 0
