"""Settling against a server: which readings are made, and what they bring."""

import asyncio

import attrs
from batch_helpers import ACCOUNT, UPGRADE, FakeSession, client_of, imeis, let_run

from fota_async import RetryPolicy, State, modify_upgrade
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reader import TargetReader
from fota_async.batch.reading import Reading
from fota_async.clock import ScaledClock
from fota_async.simulator import Faults, Simulator

READ, MODIFY = "v1_get_upgrade", "v1_modify_upgrade"


def calls(sim: Simulator, route: str) -> int:
    return sum(request.route == route for request in sim.requests)


async def test_an_append_that_was_applied_is_settled_by_one_reading_and_sent_once() -> None:
    clock = ScaledClock(50)
    lost = Faults(drop_after=1.0, only=frozenset({MODIFY}))
    async with Simulator(faults=lost, clock=clock) as sim, client_of(sim, clock=clock) as fota:
        report = await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(20))
        members = sim.members()

    assert members == set(imeis(20))
    assert (report.succeeded, report.requests, report.retries) == (20, 1, 0)
    assert all(outcome.settled for outcome in report)
    assert (calls(sim, MODIFY), calls(sim, READ)) == (1, 1)
    assert report.seconds >= 5.0


async def test_an_append_that_was_not_applied_is_sent_again_after_two_readings() -> None:
    clock = ScaledClock(50)
    async with (
        Simulator(faults=Faults(drop_before=1.0, only=frozenset({MODIFY})), clock=clock) as sim,
        client_of(sim, clock=clock, on_event=lambda _: None) as fota,
    ):
        run = fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(20), max_rounds=1)
        report = await run

    assert (calls(sim, MODIFY), calls(sim, READ)) == (2, 4)
    assert (report.unknown, report.requests, report.retries) == (20, 2, 1)
    assert all("sent 2 times" in outcome.reason for outcome in report)


async def test_three_readings_in_a_row_that_fail_leave_the_devices_unknown_with_why() -> None:
    clock = ScaledClock(50)
    async with (
        Simulator(faults=Faults(drop_after=1.0), clock=clock) as sim,
        client_of(sim, clock=clock, retry=RetryPolicy(tries=2)) as fota,
    ):
        report = await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(20))

    assert (calls(sim, MODIFY), calls(sim, READ)) == (1, 6)
    assert report.unknown == 20
    assert {outcome.state for outcome in report} == {State.UNKNOWN}
    assert all("the target cannot be read" in outcome.reason for outcome in report)


async def test_a_run_of_one_batch_reads_nothing_when_nothing_is_lost() -> None:
    async with Simulator() as sim, client_of(sim) as fota:
        await fota.v1.upgrades.append_devices(sim.upgrade_id, imeis(20))
    assert calls(sim, READ) == 0


async def test_a_doubt_that_arises_during_a_reading_is_part_of_the_next_one() -> None:
    asked: list[frozenset[str]] = []
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def read(_: BatchSession, wanted: frozenset[str]) -> Reading:
        asked.append(wanted)
        reading.set()
        await go_on.wait()
        return Reading({}, "Queued", is_open=True)

    operation = attrs.evolve(modify_upgrade("append", ACCOUNT, UPGRADE), read=read)
    reader = TargetReader(FakeSession(), operation)
    doubts = set(imeis(1))
    first = asyncio.create_task(reader.read())
    await reading.wait()
    second = asyncio.create_task(reader.read(lambda: doubts))
    await let_run()
    doubts |= set(imeis(2))
    go_on.set()
    await asyncio.gather(first, second)

    assert asked == [frozenset(), frozenset(imeis(2))]
