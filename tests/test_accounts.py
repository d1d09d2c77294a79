"""Runs of many accounts at once: none stops another, and what was said of all of them is true."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from batch_helpers import (
    FakeSession,
    Gate,
    assert_law,
    assert_no_task_left,
    imeis,
    let_run,
    run_over,
    write,
)
from simulator_api import until

from fota_async import (
    AccountRuns,
    BatchRun,
    ConfigurationError,
    JournalError,
    LoginRefusedError,
    Overview,
    RunStopped,
    SourceError,
    StopCause,
    Totals,
)
from fota_async.models.device_answers import DeviceAnswers

AGES = 1e7  # seconds of grace that no test lives to see end


async def refuse(_: list[str]) -> DeviceAnswers:
    raise LoginRefusedError("the password")


class Gated:
    """Three runs over ten batches each, three of which may be in flight and are held back."""

    def __init__(self, *, at_once: int = 50, **options: Any) -> None:
        self.gates = [Gate() for _ in range(3)]
        self.sessions = [gate.session for gate in self.gates]
        self.all = {
            f"account {number}": run_over(
                session, imeis(100), batch_size=10, concurrency=3, **options
            )
            for number, session in enumerate(self.sessions)
        }
        self.runs = AccountRuns(self.all, at_once=at_once)

    async def until_sent(self) -> None:
        for session in self.sessions:
            await session.until_sent(3)

    def open(self) -> None:
        for gate in self.gates:
            gate.opened.set()

    @property
    def totals(self) -> Totals:
        return self.runs.overview.totals


def assert_true(overview: Overview) -> None:
    for report in overview.reports.values():
        assert_law(report)


def assert_interrupted(overview: Overview, *, inputs: int = 300) -> None:
    """All runs are over, each with a true report, and nothing of them goes on."""
    assert overview.causes == {"interrupted": 3}
    assert not overview.unfinished
    assert overview.totals.inputs == inputs
    assert_true(overview)
    assert_no_task_left()


# The others go on


@pytest.mark.each_python
async def test_each_account_gets_its_report() -> None:
    runs = AccountRuns(
        {"a": run_over(FakeSession(), imeis(10)), "b": run_over(FakeSession(), [*imeis(5), "12"])}
    )

    overview = await runs

    assert {name: report.inputs for name, report in overview.reports.items()} == {"a": 10, "b": 6}
    assert (overview.not_ok, overview.errors, overview.unfinished) == (["b"], {}, frozenset())
    assert overview.totals.succeeded == 15
    assert_no_task_left()


@pytest.mark.each_python
async def test_what_stops_one_run_or_keeps_it_from_its_beginning_does_not_stop_the_others(
    tmp_path: Path,
) -> None:
    damaged = write(tmp_path / "damaged.db", "no journal at all")
    sessions = {"refused": FakeSession(refuse)}
    runs = {
        "refused": run_over(sessions["refused"], imeis(100), batch_size=10),
        "source": run_over(FakeSession(), tmp_path / "none.csv"),
        "journal": run_over(FakeSession(), imeis(10), journal=damaged),
        "fine": run_over(FakeSession(), imeis(100), batch_size=10),
    }

    overview = await AccountRuns(runs)

    kinds = {name: type(error) for name, error in overview.errors.items()}
    assert kinds == {"refused": RunStopped, "source": SourceError, "journal": JournalError}
    stopped = overview.errors["refused"]
    assert isinstance(stopped, RunStopped)
    assert stopped.cause is StopCause.CREDENTIALS
    assert overview.causes == {"credentials": 1, "SourceError": 1, "JournalError": 1}
    assert overview.not_ok == ["refused", "source", "journal"]
    assert overview.reports["fine"].succeeded == 100
    assert overview.totals.unsent == overview.reports["refused"].unsent == 100
    assert_true(overview)
    assert_no_task_left()


class Broken:
    """A source with a defect in it."""

    total, drains = None, False

    async def open(self) -> None:
        raise ZeroDivisionError("a defect")

    async def read(self) -> list[object]:
        return []

    def pulled(self) -> list[object]:
        return []

    async def aclose(self) -> None:
        pass


async def test_a_defect_is_raised_as_it_is_when_the_others_have_ended() -> None:
    gate = Gate()
    runs = AccountRuns(
        {
            "broken": run_over(FakeSession(), Broken()),
            "broken, too": run_over(FakeSession(), Broken()),
            "fine": run_over(gate.session, imeis(100), batch_size=10),
        }
    )
    task = asyncio.ensure_future(runs)
    await gate.session.until_sent(3)
    await let_run()
    assert not task.done()
    gate.opened.set()

    with pytest.raises(ZeroDivisionError) as caught:
        await task

    assert caught.value.__notes__ == ["in the run of broken"]
    assert runs.overview.reports["fine"].succeeded == 100
    assert runs.overview.causes == {"ZeroDivisionError": 2}
    with pytest.raises(ZeroDivisionError):
        await runs
    assert caught.value.__notes__ == ["in the run of broken"]
    assert_no_task_left()


# Awaiting


async def test_awaiting_again_gives_the_same_overview_and_sends_nothing() -> None:
    session = FakeSession()
    runs = AccountRuns({"a": run_over(session, imeis(10))})

    first, second = await asyncio.gather(runs, runs)

    assert first is second is await runs is runs.overview
    assert len(session.sent) == 1


async def test_runs_that_were_started_or_have_ended_are_awaited_with_the_others() -> None:
    gate = Gate()
    started, ended = run_over(gate.session, imeis(10)), run_over(FakeSession(), imeis(5))
    await ended
    async with started:
        await gate.session.until_sent(1)
        task = asyncio.ensure_future(
            AccountRuns({"a": started, "b": ended, "c": run_over(FakeSession(), imeis(1))})
        )
        await let_run()
        assert not task.done()
        gate.opened.set()
        overview = await task

    assert overview.ok
    assert overview.totals.succeeded == 16
    assert_no_task_left()


async def test_no_runs_are_a_job_too() -> None:
    overview = await AccountRuns({})

    assert overview.ok
    assert overview.totals == Totals()


async def test_only_so_many_runs_go_on_at_once() -> None:
    gated = Gated(at_once=2)
    task = asyncio.ensure_future(gated.runs)
    await gated.sessions[0].until_sent(3)
    await gated.sessions[1].until_sent(3)
    await let_run()

    assert gated.sessions[2].sent == []
    assert gated.runs.overview.reports["account 2"].inputs == 0
    assert gated.runs.overview.unfinished == {*gated.all}
    gated.gates[0].opened.set()
    await gated.sessions[2].until_sent(3)
    assert gated.runs.overview.unfinished == {"account 1", "account 2"}
    gated.open()
    overview = await task
    assert overview.ok
    assert overview.totals.succeeded == 300


@pytest.mark.parametrize("at_once", [0, -1, 2.5, True, None])
async def test_how_many_must_be_a_number(at_once: Any) -> None:
    with pytest.raises(ConfigurationError, match="at_once"):
        AccountRuns({}, at_once=at_once)


async def test_what_is_no_run_and_one_run_with_two_names_are_refused() -> None:
    run = run_over(FakeSession(), imeis(1))
    not_a_run: Mapping[str, Any] = {"a": imeis(1)}
    with pytest.raises(ConfigurationError, match=r"'a' is to be a run, .* not list"):
        AccountRuns(not_a_run)
    with pytest.raises(ConfigurationError, match="two names"):
        AccountRuns({"a": run, "b": run})
    await run


# Stopping


async def test_the_overview_is_true_while_the_runs_go_on() -> None:
    gated = Gated()
    assert gated.totals.inputs == 0
    assert gated.runs.overview.not_ok == [*gated.all]
    task = asyncio.ensure_future(gated.runs)
    await gated.until_sent()

    assert_true(gated.runs.overview)
    assert gated.totals.unknown == 90
    assert not gated.runs.overview.ok
    gated.open()
    assert (await task).ok


Stopper = Callable[[Gated, "asyncio.Task[Overview]"], object]
cancel: Stopper = lambda _, task: task.cancel()  # noqa: E731 - of two, side by side
stop: Stopper = lambda gated, _: gated.runs.stop()  # noqa: E731 - likewise


async def ended(task: "asyncio.Task[Overview]", gated: Gated) -> Overview:
    """Return the overview of a job that was cancelled or stopped."""
    try:
        return await task
    except asyncio.CancelledError:
        assert task.cancelled()
        return gated.runs.overview


@pytest.mark.each_python
@pytest.mark.parametrize("leave", [cancel, stop])
async def test_stopping_starts_no_batch_and_counts_the_answers_in_flight(leave: Stopper) -> None:
    gated = Gated(grace=AGES)
    task = asyncio.ensure_future(gated.runs)
    await gated.until_sent()
    leave(gated, task)
    await let_run()
    assert not task.done()
    gated.open()

    overview = await ended(task, gated)

    assert task.cancelled() == (leave is cancel)
    assert_interrupted(overview)
    assert (overview.totals.succeeded, overview.totals.unsent) == (90, 210)
    assert [len(session.sent) for session in gated.sessions] == [3, 3, 3]


@pytest.mark.each_python
@pytest.mark.parametrize("leave", [cancel, stop])
async def test_stopping_a_second_time_ends_at_once(leave: Stopper) -> None:
    gated = Gated(grace=AGES)
    task = asyncio.ensure_future(gated.runs)
    await gated.until_sent()
    leave(gated, task)
    await let_run()
    leave(gated, task)

    overview = await ended(task, gated)

    assert_interrupted(overview)
    assert (overview.totals.unknown, overview.totals.succeeded) == (90, 0)


async def test_being_cancelled_after_a_stop_still_waits_for_answers() -> None:
    gated = Gated(grace=AGES)
    task = asyncio.ensure_future(gated.runs)
    await gated.until_sent()
    gated.runs.stop()
    await let_run()
    task.cancel()
    await let_run()
    assert not task.done()
    gated.open()

    assert_interrupted(await ended(task, gated))
    assert gated.totals.succeeded == 90


async def test_the_overview_is_true_while_the_cancellation_passes() -> None:
    gated = Gated(grace=0.0)
    seen: list[Overview] = []

    async def job() -> None:
        try:
            await gated.runs
        except asyncio.CancelledError:
            seen.append(gated.runs.overview)
            raise

    task = asyncio.create_task(job())
    await gated.until_sent()
    task.cancel()
    await asyncio.wait([task])

    assert_interrupted(seen[0])


async def test_a_cancelled_scope_of_anyio_is_one_cancellation() -> None:
    gated = Gated(grace=AGES)
    with anyio.CancelScope() as scope:

        async def leave() -> None:
            await gated.until_sent()
            scope.cancel()
            await let_run()
            gated.open()

        leaving = asyncio.create_task(leave())
        await gated.runs

    await leaving
    assert scope.cancelled_caught
    assert_interrupted(gated.runs.overview)
    assert gated.totals.succeeded == 90


@pytest.mark.each_python
async def test_a_thread_may_stop_them() -> None:
    gated = Gated(grace=0.0)
    task = asyncio.ensure_future(gated.runs)
    await gated.until_sent()
    thread = threading.Thread(target=gated.runs.stop)
    thread.start()

    assert_interrupted(await task)
    thread.join()


async def test_runs_stopped_before_they_are_awaited_send_nothing_and_count_their_input() -> None:
    gated = Gated()
    gated.runs.stop()

    overview = await gated.runs

    assert_interrupted(overview)
    assert overview.totals.unsent == 300
    assert [session.sent for session in gated.sessions] == [[], [], []]


async def test_runs_that_wait_for_their_turn_send_nothing_and_count_their_input() -> None:
    gated = Gated(at_once=1, grace=AGES)
    task = asyncio.ensure_future(gated.runs)
    await gated.sessions[0].until_sent(3)
    task.cancel()
    await let_run()
    assert not task.done()
    gated.open()

    overview = await ended(task, gated)

    assert_interrupted(overview)
    assert (overview.totals.succeeded, overview.totals.unsent) == (30, 270)
    assert [len(session.sent) for session in gated.sessions] == [3, 0, 0]


async def test_runs_that_wait_for_their_turn_read_nothing_any_more_when_all_is_to_end_at_once() -> (
    None
):
    gated = Gated(at_once=1, grace=AGES)
    task = asyncio.ensure_future(gated.runs)
    await gated.sessions[0].until_sent(3)
    gated.runs.stop()
    gated.runs.stop()

    overview = await ended(task, gated)

    assert_interrupted(overview, inputs=overview.reports["account 0"].inputs)
    assert [len(session.sent) for session in gated.sessions] == [3, 0, 0]


async def test_one_run_may_be_stopped_by_itself() -> None:
    gated = Gated()
    task = asyncio.ensure_future(gated.runs)
    await gated.until_sent()
    gated.all["account 1"].stop()
    await until(lambda: gated.all["account 1"].report.stopped is not None)
    gated.open()

    overview = await task

    assert overview.not_ok == ["account 1"]
    assert overview.totals.succeeded == 230


@pytest.mark.parametrize("turns", range(0, 60, 3))
@pytest.mark.parametrize("at_once", [1, 50])
async def test_nothing_is_lost_whichever_turn_of_the_event_loop_it_is_cancelled_in(
    turns: int, at_once: int
) -> None:
    sessions = [FakeSession() for _ in range(3)]
    every: dict[str, BatchRun] = {
        f"{number}": run_over(session, imeis(40), batch_size=4, concurrency=2, grace=1.0)
        for number, session in enumerate(sessions)
    }
    runs = AccountRuns(every, at_once=at_once)
    task = asyncio.ensure_future(runs)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    if turns == 0:  # it had not begun, so there was nothing to stop
        await runs
    overview = runs.overview

    assert_true(overview)
    assert not overview.unfinished
    assert overview.totals.inputs == 120
    assert overview.totals.succeeded == sum(len(session.members) for session in sessions)
    assert_no_task_left()
