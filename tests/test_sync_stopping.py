"""A sync that ends early removes nothing it is not sure of, and its report is true."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from batch_helpers import assert_no_task_left, ids_of
from helpers import ONCE
from simulator_api import imei, until
from sync_helpers import (
    GET,
    MODIFY,
    THERE,
    WANTED,
    assert_laws,
    assert_nothing_removed,
    gets,
    puts,
    serving,
    sync,
    when_appended,
)

from fota_async import (
    MisuseError,
    RunStopped,
    ServerError,
    State,
    StopCause,
    SyncPlan,
    SyncRefused,
    SyncReport,
    SyncStopped,
    modify_upgrade,
)
from fota_async.batch.source import open_source
from fota_async.batch.sync import Sync
from fota_async.simulator import Faults, Rules, Simulator


async def test_too_many_failures_of_the_appending_leave_everything_in_place() -> None:
    rules = Rules(refused=dict.fromkeys(WANTED[55:60], "Invalid IMEI"))
    async with serving(rules=rules) as (sim, client):
        with pytest.raises(SyncStopped, match=r"nothing was removed.*max_failures") as caught:
            await sync(client, WANTED, batch_size=10, concurrency=1, max_failures=3)

        cause = caught.value.__cause__
        assert isinstance(cause, RunStopped)
        assert cause.cause is StopCause.MAX_FAILURES
        report = caught.value.report
        assert (report.append.stopped, report.append.failed) == ("max_failures", 5)
        assert set(ids_of(report.append, State.SUCCEEDED)) == sim.members() - set(THERE)
        assert not report.ok
        assert_nothing_removed(caught.value, sim)


@pytest.mark.parametrize("why", ["closed", "credentials"])
async def test_what_stops_the_appending_leaves_everything_in_place(why: str) -> None:
    def act() -> None:
        if why == "closed":
            sim.set_status(sim.upgrade_id, "InProgress")
        else:
            sim._world.access.password = "another"
            sim.expire_sessions()

    async with serving(on_event=when_appended(act)) as (sim, client):
        with pytest.raises(SyncStopped, match="nothing was removed") as caught:
            await sync(client, WANTED, batch_size=10, concurrency=1)

        report = caught.value.report
        assert report.append.stopped == why
        assert (report.append.succeeded, report.append.unsent) == (10, 40)
        assert_nothing_removed(caught.value, sim)


async def test_an_upgrade_that_closes_before_the_removal_leaves_a_true_report() -> None:
    def close() -> None:
        sim.set_status(sim.upgrade_id, "InProgress")

    async with serving(on_event=when_appended(close)) as (sim, client):
        with pytest.raises(SyncStopped, match="closed") as caught:
            await sync(client, WANTED)

        report = caught.value.report
        assert (report.append.succeeded, report.append.stopped) == (50, None)
        assert (report.remove.unsent, report.remove.stopped) == (50, "closed")
        assert sim.members() == {*THERE, *WANTED}
        assert_laws(report)


async def test_appended_devices_that_do_not_show_hold_up_the_removal() -> None:
    async with serving(faults=Faults(read_lag=1000.0)) as (sim, client):
        with pytest.raises(SyncStopped, match="50 devices were appended and do not show") as caught:
            await sync(client, WANTED)

        assert caught.value.report.append.succeeded == 50
        assert gets(sim) == 4
        assert_nothing_removed(caught.value, sim)


async def test_one_that_does_not_show_is_not_made_up_for_by_one_that_failed_and_does() -> None:
    refused = imei(5000)
    rules = Rules(refused={refused: "Invalid IMEI"})
    async with serving(faults=Faults(read_lag=1000.0), rules=rules) as (sim, client):
        sim.seed([refused], "Device Rejected", reason="Invalid IMEI")
        with pytest.raises(SyncStopped, match="1 devices were appended and do not show"):
            await sync(client, [*THERE[50:], refused, imei(5001)])
        assert sim.members() == {*THERE, imei(5001)}


async def test_a_reading_that_lags_less_than_settle_delay_is_waited_for() -> None:
    async with serving(faults=Faults(read_lag=0.1)) as (sim, client):
        report = await sync(client, WANTED, settle_delay=0.15)

        assert report.ok
        assert sim.members() == set(WANTED)


async def test_devices_of_unknown_fate_hold_up_the_removal() -> None:
    async with serving(faults=Faults(drop_before=1.0, only=MODIFY)) as (sim, client):
        with pytest.raises(SyncStopped, match="the fate of 50 devices to append is unknown") as e:
            await sync(client, WANTED, max_rounds=1, settle_delay=0.01)

        assert e.value.report.append.unknown == 50
        assert_nothing_removed(e.value, sim)


async def test_a_reading_that_fails_after_the_appending_holds_up_the_removal() -> None:
    def spoil() -> None:
        sim.faults = Faults(error_before=1.0, only=GET)

    async with serving(on_event=when_appended(spoil), retry=ONCE) as (sim, client):
        with pytest.raises(SyncStopped, match="nothing was removed") as caught:
            await sync(client, WANTED)

        assert isinstance(caught.value.__cause__, ServerError)
        assert_nothing_removed(caught.value, sim)


async def test_while_devices_are_removed_no_sync_begins() -> None:
    async with serving(faults=Faults(hang_before=1.0, only=MODIFY)) as (sim, client):
        removal = client.v1.upgrades.remove_devices(sim.upgrade_id, THERE[:5], grace=0.0)
        removing = asyncio.ensure_future(removal)
        await until(lambda: puts(sim) == 1)
        with pytest.raises(MisuseError, match="remove is under way"):
            await sync(client, WANTED)
        assert puts(sim) == 1
        removal.stop()
        with pytest.raises(RunStopped):
            await removing


async def test_while_a_plan_stands_no_run_removes_devices() -> None:
    async def remove(_: SyncPlan) -> bool:
        with pytest.raises(MisuseError, match="append is under way"):
            await client.v1.upgrades.remove_devices(sim.upgrade_id, THERE[50:])
        return True

    async with serving() as (sim, client):
        await sync(client, WANTED, approve=remove)
        assert sim.members() == set(WANTED)
        await client.v1.upgrades.remove_devices(sim.upgrade_id, WANTED[:1])
        assert sim.members() == set(WANTED[1:])


async def test_while_others_append_nothing_is_removed_and_the_report_is_kept() -> None:
    other = imei(8000)

    async def wait_for_ever() -> AsyncIterator[str]:
        yield other
        await asyncio.Event().wait()

    async with serving() as (sim, client):
        run = client.v1.upgrades.append_devices(sim.upgrade_id, wait_for_ever(), grace=0.0)
        appending = asyncio.ensure_future(run)
        with pytest.raises(SyncStopped, match="append is under way") as caught:
            await sync(client, WANTED)

        assert caught.value.report.append.succeeded == 50
        assert_nothing_removed(caught.value, sim)
        run.stop()
        with pytest.raises(RunStopped):
            await appending


PHASES = ["plan", "approve", "append", "confirm", "remove"]
AGES = 1e4


async def _held(_: SyncPlan) -> bool:
    await asyncio.Event().wait()
    return True


@asynccontextmanager
async def held_in(
    phase: str, grace: float = 0.1
) -> AsyncIterator[tuple[Simulator, Sync, "asyncio.Task[SyncReport]"]]:
    """A sync that gets no further than a phase."""

    def hang() -> None:
        if phase == "remove":
            sim.faults = Faults(hang_after=1.0, only=MODIFY)

    faults = {
        "plan": Faults(hang_before=1.0, only=GET),
        "append": Faults(hang_after=1.0, only=MODIFY),
        "confirm": Faults(read_lag=AGES),
    }.get(phase)
    async with serving(faults=faults, on_event=when_appended(hang)) as (sim, client):
        subject = Sync(
            client.session,
            modify_upgrade("append", client.account, sim.upgrade_id),
            modify_upgrade("remove", client.account, sim.upgrade_id),
            max_removals=50,
            approve=_held if phase == "approve" else None,
            options={"settle_delay": AGES if phase == "confirm" else 0.01, "grace": grace},
        )
        task = asyncio.create_task(subject.run(open_source(WANTED)))
        await until(
            {
                "plan": lambda: gets(sim) == 1,
                "approve": lambda: gets(sim) == 1,
                "append": lambda: puts(sim) == 1,
                "confirm": lambda: gets(sim) == 2,
                "remove": lambda: puts(sim) == 2,
            }[phase]
        )
        for _ in range(100):  # an answer that was logged is on its way
            await asyncio.sleep(0)
        yield sim, subject, task


@pytest.mark.each_python
@pytest.mark.parametrize("phase", PHASES)
async def test_a_stop_ends_a_sync_in_any_phase_and_its_report_is_true(phase: str) -> None:
    async with held_in(phase) as (sim, subject, task):
        subject.stop()
        async with asyncio.timeout(5):
            if phase in {"plan", "approve"}:
                with pytest.raises(SyncRefused, match="interrupted; nothing was sent"):
                    await task
                assert puts(sim) == 0
                assert sim.members() == set(THERE)
                return
            with pytest.raises(SyncStopped, match="interrupted") as caught:
                await task

        report = caught.value.report
        assert_laws(report)
        if phase == "remove":
            assert report.append.succeeded == 50
            assert report.remove.succeeded + report.remove.unknown == 50
            assert sim.members() == set(WANTED)
        else:
            assert report.append.succeeded + report.append.unknown == 50
            assert_nothing_removed(caught.value, sim)
            assert puts(sim) == 1


@pytest.mark.each_python
@pytest.mark.parametrize("phase", PHASES)
async def test_a_cancellation_ends_a_sync_in_any_phase_and_passes(phase: str) -> None:
    async with held_in(phase) as (sim, _, task):
        sent = puts(sim)
        task.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await task

        assert puts(sim) == sent
        if phase != "remove":
            assert sim.members() >= set(THERE)


async def test_a_second_stop_ends_it_at_once() -> None:
    async with held_in("append", grace=AGES) as (sim, subject, task):
        subject.stop()
        subject.stop()
        async with asyncio.timeout(5):
            with pytest.raises(SyncStopped) as caught:
                await task
        assert caught.value.report.append.unknown == 50
        assert_nothing_removed(caught.value, sim)


async def test_a_sync_that_is_stopped_before_it_began_sends_nothing() -> None:
    async with serving() as (sim, client):
        operations = [modify_upgrade("append", client.account, sim.upgrade_id)] * 2
        subject = Sync(client.session, *operations, options={})
        subject.stop()
        with pytest.raises(SyncRefused, match="interrupted"):
            await subject.run(open_source(WANTED))
        assert not sim.requests
        assert_no_task_left()
