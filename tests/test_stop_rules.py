"""What the caller, the credentials or another run end, against the simulator."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from batch_helpers import (
    FakeSession,
    answers,
    assert_law,
    assert_no_task_left,
    client_of,
    ids_of,
    imeis,
    run_over,
)

from fota_async import DeviceOutcome, MisuseError, RunStopped, State, StopCause
from fota_async.clock import ScaledClock
from fota_async.models.device_answers import DeviceAnswers
from fota_async.simulator import Faults, Rules, Simulator


def puts(sim: Simulator) -> int:
    return sum(record.method == "PUT" for record in sim.requests)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for signals nothing
            await asyncio.sleep(0)


# Credentials


async def test_a_password_that_stops_working_costs_one_login_whatever_is_in_flight() -> None:
    clock = ScaledClock(20.0)
    async with (
        Simulator(faults=Faults(latency=1.0), clock=clock) as sim,
        client_of(sim, clock=clock) as client,
    ):
        run = client.v1.upgrades.append_devices(
            sim.upgrade_id, imeis(20_000), batch_size=100, concurrency=32
        )
        ended = asyncio.ensure_future(run)
        await until(lambda: puts(sim) >= 40)
        sim._world.access.password = "another"
        sim.expire_sessions()
        with pytest.raises(RunStopped) as caught:
            await ended

        report = caught.value.report
        assert caught.value.cause is StopCause.CREDENTIALS
        assert sim.stats()["refused_logins"] == 1
        assert set(ids_of(report, State.SUCCEEDED)) == sim.members()
        assert report.unsent == 20_000 - report.succeeded > 0
        assert_law(report)


# How many failures are too many


@pytest.mark.parametrize(
    ("limit", "fewest", "most"), [(0, 1, 100), (25, 26, 125), (0.05, 100, 200), (0.5, 0, 0)]
)
async def test_a_run_ends_when_more_failed_than_the_caller_accepts(
    limit: float, fewest: int, most: int
) -> None:
    ids = imeis(5000)
    refused = dict.fromkeys(ids[::10], "Invalid IMEI")
    async with Simulator(rules=Rules(refused=refused)) as sim, client_of(sim) as client:
        run = client.v1.upgrades.append_devices(
            sim.upgrade_id, ids, batch_size=100, concurrency=1, max_failures=limit
        )
        if not most:
            assert (await run).failed == 500
            return
        with pytest.raises(RunStopped, match="max_failures") as caught:
            await run

        report = caught.value.report
        assert caught.value.cause is StopCause.MAX_FAILURES
        assert fewest <= report.failed <= most
        assert report.succeeded + report.failed + report.unsent == 5000
        if isinstance(limit, float):
            assert report.succeeded + report.failed >= 1000
        assert set(ids_of(report, State.SUCCEEDED)) == sim.members()
        assert_law(report)


async def test_no_batch_starts_after_the_deadline_and_what_is_in_flight_counts() -> None:
    clock = ScaledClock(20.0)
    async with (
        Simulator(faults=Faults(latency=2.0), clock=clock) as sim,
        client_of(sim, clock=clock) as client,
    ):
        run = client.v1.upgrades.append_devices(
            sim.upgrade_id, imeis(5000), batch_size=10, concurrency=4, deadline=9.0
        )
        with pytest.raises(RunStopped) as caught:
            await run

        report = caught.value.report
        assert caught.value.cause is StopCause.DEADLINE
        assert report.unknown == 0
        assert 0 < report.succeeded <= 4 * 10 * 5
        assert set(ids_of(report, State.SUCCEEDED)) == sim.members()
        # Ten seconds of grace at most, and none of them is needed once all answers are here.
        assert report.seconds < 9.0 + 10.0
        assert_law(report)


# Opposite runs


async def test_two_opposite_runs_on_one_target_are_refused_and_the_first_goes_on() -> None:
    async with Simulator(faults=Faults(latency=0.02)) as sim, client_of(sim) as client:
        upgrades = client.v1.upgrades
        async with upgrades.append_devices(sim.upgrade_id, imeis(50), batch_size=5) as first:
            await until(lambda: puts(sim) >= 1)
            with pytest.raises(MisuseError, match="append"):
                await upgrades.remove_devices(sim.upgrade_id, imeis(5))
            report = [outcome async for outcome in first]

        assert len(report) == 50
        assert sim.members() == set(imeis(50))
        # What the first one gave up can be had.
        assert (await upgrades.remove_devices(sim.upgrade_id, imeis(50))).succeeded == 50


async def test_an_opposite_run_that_is_iterated_over_is_refused_and_does_not_hang() -> None:
    async with Simulator(faults=Faults(latency=0.05)) as sim, client_of(sim) as client:
        upgrades = client.v1.upgrades
        first = asyncio.ensure_future(upgrades.append_devices(sim.upgrade_id, imeis(5)))
        await until(lambda: sim.requests)
        outcomes = []
        with pytest.raises(MisuseError, match="append"):
            async with (
                asyncio.timeout(5),
                upgrades.remove_devices(sim.upgrade_id, imeis(5)) as second,
            ):
                outcomes = [outcome async for outcome in second]

        assert outcomes == []
        assert (await first).succeeded == 5


# Temporary failures


def is_busy(outcome: DeviceOutcome) -> bool:
    return outcome.reason == "busy"


class Busy(FakeSession):
    """Tells devices that they are busy so many times, and when it did."""

    def __init__(self, times: dict[str, int], **options: Any) -> None:
        super().__init__(self._answer, **options)
        self.times = times
        self.asked: Counter[str] = Counter()
        self.moments: dict[str, list[float]] = {}

    async def _answer(self, ids: list[str]) -> DeviceAnswers:
        said = DeviceAnswers([], [], [])
        for device in ids:
            self.asked[device] += 1
            self.moments.setdefault(device, []).append(self.clock.monotonic())
            if self.asked[device] <= self.times.get(device, 0):
                one = answers([device], "AddDeviceFailed", "busy")
            else:
                one = await self.accept([device])
            said.ids.extend(one.ids)
            said.statuses.extend(one.statuses)
            said.reasons.extend(one.reasons)
        return said


async def test_temporary_failures_are_sent_again_so_often_and_not_too_soon() -> None:
    ids = imeis(10)
    session = Busy({ids[0]: 1, ids[1]: 3, ids[2]: 4, ids[3]: 99})

    report = await run_over(
        session, ids, batch_size=5, retry_if=is_busy, max_rounds=3, settle_delay=20.0
    )

    assert ids_of(report, State.FAILED) == [ids[2], ids[3]]
    assert (report.succeeded, {o.reason for o in report if o.state is State.FAILED}) == (
        8,
        {"busy"},
    )
    assert [session.asked[device] for device in ids] == [2, 4, 4, 4, 1, 1, 1, 1, 1, 1]
    for moments in session.moments.values():
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert all(gap >= 20.0 for gap in gaps)
    assert_law(report)
    assert_no_task_left()


async def test_failures_that_are_not_temporary_are_final() -> None:
    ids = imeis(3)
    session = Busy(dict.fromkeys(ids, 1))

    report = await run_over(session, ids, retry_if=lambda outcome: outcome.reason == "other")

    assert (report.failed, len(session.sent)) == (3, 1)


async def test_temporary_failures_beside_lost_devices_are_still_sent_again() -> None:
    ids = imeis(4)

    async def one_missing(sent: list[str]) -> DeviceAnswers:
        if len(session.sent) == 1:
            said = answers(ids[1:], "AddDeviceFailed", "busy")
            session.members.add(ids[0])
            return said
        if len(session.sent) == 2:
            return answers(sent, "AddDeviceFailed", "busy")
        return await session.accept(sent)

    session = FakeSession(one_missing)

    report = await run_over(session, ids, retry_if=is_busy)

    assert report.succeeded == 4
    assert [len(sent) for sent in session.sent] == [4, 3, 3]


async def test_at_a_stop_a_temporary_failure_is_the_failure_it_was() -> None:
    ids = imeis(4)
    session = Busy(dict.fromkeys(ids, 99))
    run = run_over(session, ids, retry_if=is_busy, settle_delay=1e6, grace=0.1)
    ended = asyncio.ensure_future(run)
    await session.until_sent(1)
    await asyncio.sleep(0)
    run.stop()

    with pytest.raises(RunStopped) as caught:
        await ended

    assert caught.value.report.failed == 4
    assert len(session.sent) == 1


async def test_a_rule_that_raises_stops_the_run_and_what_was_taken_keeps_its_state() -> None:
    ids = imeis(10)
    session = Busy({ids[1]: 99})

    def broken(outcome: DeviceOutcome) -> bool:
        raise KeyError(outcome.reason)

    with pytest.raises(RunStopped, match="retry_if raised KeyError") as caught:
        await run_over(session, ids, batch_size=5, concurrency=1, retry_if=broken)

    report = caught.value.report
    assert caught.value.cause is StopCause.ERROR
    assert isinstance(caught.value.__cause__, KeyError)
    assert set(ids_of(report, State.SUCCEEDED)) == session.members == {ids[0], *ids[2:5]}
    assert ids_of(report, State.FAILED) == [ids[1]]
    assert ids_of(report, State.UNSENT) == ids[5:]
    assert_law(report)
