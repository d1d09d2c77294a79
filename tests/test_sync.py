"""A sync brings an upgrade to a wanted list."""

import asyncio
import itertools
import pickle
from collections.abc import AsyncIterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_no_task_left, client_of, ids_of, imeis, write
from simulator_api import imei
from sync_helpers import (
    THERE,
    WANTED,
    assert_laws,
    gets,
    puts,
    serving,
    sync,
)

from fota_async import (
    State,
    SyncPlan,
    SyncRefused,
    SyncReport,
    SyncStopped,
)
from fota_async.clock import ScaledClock
from fota_async.events import BatchEvent, Event
from fota_async.simulator import Faults, Rules, Simulator


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
