"""A sync brings an upgrade to a wanted list, and does harm to no list that was cut short."""

import asyncio
import itertools
import pickle
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_law, assert_no_task_left, client_of, ids_of, imeis, write
from helpers import ONCE
from simulator_api import imei, until

from fota_async import (
    ConfigurationError,
    FotaClient,
    MisuseError,
    RunStopped,
    ServerError,
    SourceError,
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
from fota_async.clock import ScaledClock
from fota_async.events import BatchEvent, Event
from fota_async.simulator import Faults, Rules, Simulator

MODIFY, GET = frozenset({"v1_modify_upgrade"}), frozenset({"v1_get_upgrade"})
THERE = imeis(100)
WANTED = imeis(100, first=51)
"""The first fifty of those that are there go, fifty others come."""


def puts(sim: Simulator) -> int:
    return sum(record.method == "PUT" for record in sim.requests)


def gets(sim: Simulator) -> int:
    return sum(record.route == "v1_get_upgrade" for record in sim.requests)


@asynccontextmanager
async def serving(
    there: Iterable[str] = THERE,
    *,
    faults: Faults | None = None,
    rules: Rules | None = None,
    **options: Any,
) -> AsyncIterator[tuple[Simulator, FotaClient]]:
    async with Simulator(faults=faults, rules=rules) as sim, client_of(sim, **options) as client:
        sim.seed(there)
        yield sim, client


async def sync(client: FotaClient, wanted: Any, **options: Any) -> SyncReport:
    options = {"max_removals": 50, "settle_delay": 0.02, "grace": 0.1} | options
    return await client.v1.upgrades.sync_devices(Simulator.upgrade_id, wanted, **options)


def assert_laws(report: SyncReport) -> None:
    assert_law(report.append)
    assert_law(report.remove)


def assert_nothing_removed(stopped: SyncStopped, sim: Simulator) -> None:
    """The devices to remove are all there and all reported as unsent."""
    report = stopped.report
    assert_laws(report)
    assert ids_of(report.remove, State.UNSENT) == THERE[:50]
    assert report.remove.inputs == report.remove.unsent
    assert sim.members() >= set(THERE)


# What it does


@pytest.mark.each_python
async def test_it_appends_what_is_missing_makes_sure_and_removes_the_rest() -> None:
    events: list[Event] = []
    async with serving(on_event=events.append) as (sim, client):
        report = await sync(client, WANTED, batch_size=10)

        assert sim.members() == set(WANTED)
        assert_laws(report)
        assert ids_of(report.append, State.SUCCEEDED) == WANTED[50:]
        assert ids_of(report.remove, State.SUCCEEDED) == THERE[:50]
        assert (report.unchanged, report.duplicates, report.ok) == (50, 0, True)
        report.raise_for_failures()
        batches = [event.operation for event in events if isinstance(event, BatchEvent)]
        assert [name for name, _ in groupby(batches)] == ["append", "remove"]
        assert (report.append.requests, report.remove.requests) == (5, 5)
        assert "50 unchanged" in str(report)


async def test_between_appending_and_removing_it_reads_the_upgrade() -> None:
    async with serving() as (sim, client):
        await sync(client, WANTED)

        fota = [record.method for record in sim.requests if record.route.startswith("v1")]
        assert fota == ["GET", "PUT", "GET", "PUT"]


@pytest.mark.parametrize(
    ("wanted", "append", "remove"), [(THERE[:60], 0, 40), ([*THERE, imei(7000)], 1, 0)]
)
async def test_it_leaves_out_what_need_not_be_done(
    wanted: list[str], append: int, remove: int
) -> None:
    async with serving() as (sim, client):
        report = await sync(client, wanted)

        assert sim.members() == set(wanted)
        assert (report.append.succeeded, report.remove.succeeded) == (append, remove)
        assert (puts(sim), gets(sim)) == (1, 1)
        assert_laws(report)


async def test_when_nothing_differs_nothing_is_sent_and_nobody_is_asked() -> None:
    async with serving() as (sim, client):
        report = await sync(client, THERE, approve=lambda _: pytest.fail("asked"))

        assert (puts(sim), gets(sim)) == (0, 1)
        assert (report.ok, report.unchanged) == (True, 100)
        assert report.append.requests == report.remove.requests == 0


async def test_when_nothing_differs_a_closed_upgrade_is_as_wanted() -> None:
    async with serving() as (sim, client):
        sim.set_status(sim.upgrade_id, "Finished")
        assert (await sync(client, THERE)).ok


async def test_duplicates_are_counted_and_sent_once() -> None:
    async with serving() as (sim, client):
        report = await sync(client, [*WANTED, *WANTED[:30], f" {WANTED[99]}\n"])

        assert sim.members() == set(WANTED)
        assert (report.duplicates, report.append.inputs, report.unchanged) == (31, 50, 50)


@pytest.mark.parametrize("kind", ["file", "csv", "generator", "async"])
async def test_any_device_list_will_do(kind: str, tmp_path: Path) -> None:
    async def trickle() -> AsyncIterator[str]:
        for one in WANTED:
            yield one

    wanted: Any = {
        "file": write(tmp_path / "a.txt", "\n".join(WANTED)),
        "csv": write(tmp_path / "a.csv", "serial,name\n" + "".join(f"{i},x\n" for i in WANTED)),
        "generator": (one for one in WANTED),
        "async": trickle(),
    }[kind]
    async with serving() as (sim, client):
        await sync(client, wanted, column="serial" if kind == "csv" else None)
        assert sim.members() == set(WANTED)


async def test_a_rejected_device_is_no_member() -> None:
    async with serving() as (sim, client):
        sim.seed([imei(5000), imei(5001)], "Device Rejected")
        report = await sync(client, [*WANTED, imei(5000)])

        assert sim.members() == {*WANTED, imei(5000)}
        assert imei(5000) in ids_of(report.append, State.SUCCEEDED)
        assert report.remove.inputs == 50


@pytest.mark.parametrize("keep", ["all", "failures", "none"])
async def test_devices_that_the_api_refuses_do_not_hold_up_the_removal(keep: str) -> None:
    rules = Rules(refused={WANTED[60]: "Invalid IMEI", WANTED[70]: "Device not found"})
    async with serving(rules=rules) as (sim, client):
        report = await sync(client, WANTED, keep=keep)

        assert sim.members() == set(WANTED) - {WANTED[60], WANTED[70]}
        assert (report.append.failed, report.remove.succeeded, report.ok) == (2, 50, False)
        assert ids_of(report.append, State.FAILED) == [WANTED[60], WANTED[70]]


async def test_devices_that_are_rejected_after_they_were_taken_do_not_hold_up_the_removal() -> None:
    async with serving(rules=Rules(reject_later_rate=0.3)) as (sim, client):
        report = await sync(client, WANTED)

        assert set(THERE[50:]) < sim.members() < set(WANTED)
        assert (report.append.succeeded, report.remove.succeeded) == (50, 50)


async def test_a_sync_that_is_started_again_does_what_is_left() -> None:
    rules = Rules(refused={WANTED[75]: "Invalid IMEI"})
    async with serving(rules=rules) as (sim, client):
        with pytest.raises(SyncStopped):
            await sync(client, WANTED, batch_size=5, concurrency=1, max_failures=0)
        sim.rules = Rules()
        report = await sync(client, WANTED)

        assert sim.members() == set(WANTED)
        assert 0 < report.append.inputs < 50
        assert_laws(report)


async def test_an_endless_list_can_be_given_up() -> None:
    async with serving() as (sim, client):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sync(client, (imei(i % 10_000) for i in itertools.count())), 0.1)
        assert puts(sim) == 0
        assert_no_task_left()


# What it refuses


def cut(text: str) -> str:
    """Return a file without the end of its last line."""
    return text[:-8]


FLEET = "".join(f"{i}\n" for i in THERE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("imei\n", "empty"),
        (cut(FLEET), "1 inputs are no device ids"),
        (FLEET + "356938-03-5643809\n\n12\n", "2 inputs are no device ids"),
        ("imei,name\n" + "".join(f"{i},x\n" for i in THERE) + "3,", "3 digits|1 digits"),
        ("".join(f"{i}\n" for i in THERE[:90]), "10 to remove.*max_removals is 0"),
        ("".join(f"{i}\n" for i in imeis(100, first=9000)), "100 to remove, 0 unchanged"),
    ],
)
async def test_a_list_that_was_cut_or_is_of_another_fleet_is_refused_and_nothing_is_sent(
    content: str, said: str, tmp_path: Path
) -> None:
    async with serving() as (sim, client):
        with pytest.raises(SyncRefused, match=said):
            await sync(client, write(tmp_path / "fleet.csv", content), max_removals=0)

        assert puts(sim) == 0
        assert sim.members() == set(THERE)


async def test_an_unusable_list_costs_no_request_at_all(tmp_path: Path) -> None:
    async with serving() as (sim, client):
        for wanted in ([], ["12"], [imei(1), 7]):
            with pytest.raises(SyncRefused) as caught:
                await sync(client, wanted)
            assert caught.value.plan is None
        with pytest.raises(SourceError):
            await sync(client, tmp_path / "none.csv")
        with pytest.raises(TypeError, match="Path"):
            await sync(client, "fleet.csv")
        assert not sim.requests


@pytest.mark.parametrize(("allowed", "fine"), [(0, False), (49, False), (50, True), (51, True)])
async def test_a_plan_may_remove_no_more_than_it_was_allowed(allowed: int, fine: bool) -> None:
    async with serving() as (sim, client):
        if fine:
            await sync(client, WANTED, max_removals=allowed)
            assert sim.members() == set(WANTED)
            return
        with pytest.raises(SyncRefused, match=f"50 to remove.*{allowed}") as caught:
            await sync(client, WANTED, max_removals=allowed)

        plan = caught.value.plan
        assert plan is not None
        assert (list(plan.remove), list(plan.append)) == (THERE[:50], WANTED[50:])
        assert (plan.unchanged, plan.is_open, plan.status) == (50, True, "Queued")
        assert THERE[0] in plan.remove
        assert THERE[99] not in plan.remove
        assert puts(sim) == 0


async def test_removals_are_refused_unless_they_are_allowed() -> None:
    async with serving() as (sim, client):
        with pytest.raises(SyncRefused):
            await client.v1.upgrades.sync_devices(sim.upgrade_id, THERE[1:])
        assert sim.members() == set(THERE)


@pytest.mark.parametrize("status", ["InProgress", "Finished", "UpgradeFailed"])
async def test_a_closed_upgrade_is_refused(status: Any) -> None:
    async with serving() as (sim, client):
        sim.set_status(sim.upgrade_id, status)
        with pytest.raises(SyncRefused, match=status):
            await sync(client, WANTED, approve=lambda _: pytest.fail("asked"))
        assert puts(sim) == 0


@pytest.mark.parametrize("options", [{}, {"dry_run": True}])
async def test_an_upgrade_that_cannot_be_read_is_not_changed(options: Any) -> None:
    async with serving(faults=Faults(error_before=1.0, only=GET)) as (sim, _):
        async with client_of(sim, retry=ONCE) as client:
            with pytest.raises(ServerError):
                await sync(client, WANTED, **options)
        assert puts(sim) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"journal": "x.db"}, "needs no journal"),
        ({"max_removals": -1}, "max_removals"),
        ({"max_removals": True}, "max_removals"),
        ({"max_removals": 0.5}, "max_removals"),
        ({"batch_size": 0}, "batch_size"),
        ({"dry_run": None}, "dry_run"),
    ],
)
async def test_options_that_cannot_work_are_refused(options: Any, said: str) -> None:
    async with serving() as (sim, client):
        with pytest.raises(ConfigurationError, match=said):
            await sync(client, WANTED, **options)
        assert not sim.requests


# Approval


async def later(answer: object) -> object:
    await asyncio.sleep(0)
    return answer


@pytest.mark.parametrize("approve", [lambda _: True, lambda _: later(True)])
async def test_an_approved_plan_is_carried_out(approve: Any) -> None:
    plans: list[SyncPlan] = []

    def look(plan: SyncPlan) -> Any:
        plans.append(plan)
        return approve(plan)

    async with serving() as (sim, client):
        await sync(client, WANTED, approve=look)

        assert sim.members() == set(WANTED)
        [plan] = plans
        assert str(plan) == "50 devices to append, 50 to remove, 50 unchanged"
        assert list(plan.remove) == THERE[:50]


@pytest.mark.parametrize(
    "answer",
    [
        *(partial(lambda one: one, one) for one in (False, None, "no", 1)),
        *(partial(later, one) for one in (False, None, "no", 1)),
    ],
)
async def test_anything_but_true_refuses_a_plan(answer: Any) -> None:
    async with serving() as (sim, client):
        with pytest.raises(SyncRefused, match="not approved") as caught:
            await sync(client, WANTED, approve=lambda _: answer())

        assert caught.value.plan is not None
        assert puts(sim) == 0


async def test_an_error_of_who_was_asked_passes_and_nothing_is_sent() -> None:
    def approve(_: SyncPlan) -> bool:
        raise KeyError("mine")

    async with serving() as (sim, client):
        with pytest.raises(KeyError, match="mine"):
            await sync(client, WANTED, approve=approve)
        assert puts(sim) == 0


# When it stops


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


def when_appended(act: Callable[[], object]) -> Callable[[Event], None]:
    """Return a hook that acts when the first batch was appended."""
    acted = False

    def hook(event: Event) -> None:
        nonlocal acted
        if isinstance(event, BatchEvent) and event.operation == "append" and not acted:
            acted = True
            act()

    return hook


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


# Others that change the same upgrade


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


# Interruption

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


# What it raises can travel


async def test_a_refused_sync_survives_pickling_with_its_plan() -> None:
    async with serving() as (_, client):
        with pytest.raises(SyncRefused) as caught:
            await sync(client, WANTED, max_removals=0)

        same = pickle.loads(pickle.dumps(caught.value))
        assert str(same) == str(caught.value)
        assert list(same.plan.remove) == THERE[:50]
        assert str(same.plan) == str(caught.value.plan)


async def test_a_stopped_sync_survives_pickling_with_its_report() -> None:
    async with serving(faults=Faults(read_lag=1000.0)) as (_, client):
        with pytest.raises(SyncStopped) as caught:
            await sync(client, WANTED)

        same = pickle.loads(pickle.dumps(caught.value))
        assert str(same) == str(caught.value)
        assert str(same.report) == str(caught.value.report)
        assert ids_of(same.report.remove, State.UNSENT) == THERE[:50]


# Every fault at once


async def synced_under_trouble(present: int, append: int, remove: int, seed: int) -> SyncReport:
    clock = ScaledClock(10.0)
    faults = Faults(
        seed=seed,
        latency=(0.01, 0.05),
        error_before=0.03,
        error_after=0.05,
        drop_before=0.03,
        drop_after=0.05,
        torn_body=0.03,
        html_body=0.02,
        half_json=0.02,
        empty_body=0.02,
        throttle=0.05,
        throttle_seconds=0.3,
        expire_token=0.02,
        expire_session=0.01,
        late_write=0.5,
        late_write_seconds=0.3,
        read_lag=0.3,
    )
    there = imeis(present)
    wanted = imeis(present + append - remove, first=remove + 1)
    async with (
        Simulator(faults=faults, clock=clock) as sim,
        client_of(sim, clock=clock, deadline=None) as client,
    ):
        sim.seed(there)
        report = await sync(
            client, wanted, max_removals=remove, settle_delay=2.0, max_rounds=1000, batch_size=500
        )

        assert sim.members() == set(wanted)
        assert_laws(report)
        assert (report.append.succeeded, report.remove.succeeded) == (append, remove)
        assert report.unchanged == present - remove
        assert any(record.fault for record in sim.requests)
        return report


async def test_a_sync_under_trouble_leaves_exactly_the_wanted_devices() -> None:
    await synced_under_trouble(present=9000, append=4000, remove=3000, seed=1)


@pytest.mark.slow
async def test_a_sync_of_200_000_under_trouble_leaves_exactly_the_wanted_devices() -> None:
    report = await synced_under_trouble(present=180_000, append=25_000, remove=5000, seed=3)
    assert report.unchanged == 175_000
