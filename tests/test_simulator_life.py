"""Upgrades and campaigns of the simulator that live by themselves, on a clock that is turned."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date
from typing import Any

import pytest
from simulator_api import Api, imei

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator
from fota_async.simulator.days import Calendar, go_text, rfc3339

DAY, HOUR = 86_400, 3_600
TODAY = date(2030, 1, 1)
IDS = [imei(number) for number in range(200)]
LIVING = Rules(life_cycle=True)


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncIterator[Simulator]:
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Simulator(clock=clock, today=TODAY, rules=LIVING))


def status(sim: Simulator, target: str) -> str:
    stats = sim.stats()
    return (stats["upgrades"] | stats["campaigns"])[target]["status"]


def words(sim: Simulator, target: str) -> set[str]:
    return {row.status for row in sim.rows(target).values()}


def dated(sim: Simulator, version: Any, start: str = "2030-01-03") -> str:
    return sim.add_campaign(
        version, status="CampaignRequestPending", start_date=start, end_date="2030-01-04"
    )


def course(sim: Simulator, clock: ManualClock, target: str, *turns: float) -> list[str]:
    seen = []
    for seconds in turns:
        clock.turn(seconds)
        seen.append(status(sim, target))
    return seen


async def test_nothing_moves_by_itself_unless_told(clock: ManualClock) -> None:
    sim = Simulator(clock=clock, today=TODAY)
    target = dated(sim, "v2")
    clock.turn(100 * DAY)

    assert (status(sim, target), status(sim, sim.upgrade_id)) == (
        "CampaignRequestPending",
        "Queued",
    )


async def test_a_dated_v2_campaign(sim: Simulator, clock: ManualClock) -> None:
    target = dated(sim, "v2")
    sim.seed(IDS, "RequestPending", target)
    assert words(sim, target) == {"RequestPending"}
    assert course(sim, clock, target, 59, 1) == ["CampaignRequestPending", "CampaignRequestQueued"]
    assert words(sim, target) == {"Accepted"}
    # Until 00:00 of the first day.
    assert course(sim, clock, target, 2 * DAY - 61, 1) == [
        "CampaignRequestQueued",
        "CampaignScheduled",
    ]
    assert words(sim, target) == {"UpgradePending"}
    # Each device has its moment before the last day is over.
    assert course(sim, clock, target, DAY) == ["CampaignScheduled"]
    assert words(sim, target) == {"UpgradePending", "UpgradeSuccess"}
    assert course(sim, clock, target, DAY - 1, 1) == ["CampaignScheduled", "CampaignEnded"]
    assert words(sim, target) == {"UpgradeSuccess"}


async def test_a_v2_campaign_on_demand_skips_the_queue(sim: Simulator, clock: ManualClock) -> None:
    target = dated(sim, "v2", "2030-01-01")
    sim.seed(IDS, "RequestPending", target)

    assert course(sim, clock, target, 59, 1) == ["CampaignRequestPending", "CampaignScheduled"]
    assert words(sim, target) == {"UpgradePending"}
    assert course(sim, clock, target, 7 * DAY - 1, 1) == ["CampaignScheduled", "CampaignEnded"]


async def test_a_v3_campaign_is_prescheduled(sim: Simulator, clock: ManualClock) -> None:
    target = dated(sim, "v3")
    sim.seed(IDS, None, target)

    assert course(sim, clock, target, 60, 2 * DAY - 60, 599, 1) == [
        "CampaignRequestQueued",
        "CampaignPreScheduled",
        "CampaignPreScheduled",
        "CampaignScheduled",
    ]
    assert words(sim, target) == {"UpgradeScheduled"}
    assert course(sim, clock, target, 2 * DAY) == ["CampaignEnded"]
    assert words(sim, target) == {"UpgradeSuccess"}


async def test_a_v3_campaign_on_demand_waits_in_the_queue(
    sim: Simulator, clock: ManualClock
) -> None:
    target = dated(sim, "v3", "2030-01-01")

    assert course(sim, clock, target, 60, 1.5 * HOUR - 1, 1) == [
        "CampaignRequestQueued",
        "CampaignRequestQueued",
        "CampaignPreScheduled",
    ]


async def test_a_v1_upgrade(sim: Simulator, clock: ManualClock) -> None:
    # The first upgrade is on demand: its first day is long over.
    sim.seed(IDS)
    target = sim.upgrade_id

    assert course(sim, clock, target, 1.5 * HOUR - 1, 1, DAY - 1, 1) == [
        "Queued",
        "InProgress",
        "InProgress",
        "Finished",
    ]
    assert words(sim, target) == {"UpgradeSuccess"}
    pending = sim.add_upgrade(status="RequestPending")
    assert course(sim, clock, pending, 60) == ["Queued"]


async def test_every_time_can_be_chosen(sim: Simulator, clock: ManualClock) -> None:
    sim.rules = Rules(life_cycle=True, pending_for=1, queued_for=2, prescheduled_for=3, runs_for=4)
    target = dated(sim, "v3")

    assert course(sim, clock, target, 1, 2, 3, 3, 1) == [
        "CampaignRequestQueued",
        "CampaignPreScheduled",
        "CampaignScheduled",
        "CampaignScheduled",
        "CampaignEnded",
    ]


async def test_a_look_after_a_long_time_finds_all_that_happened(
    sim: Simulator, clock: ManualClock
) -> None:
    target = dated(sim, "v3")
    sim.seed(IDS, None, target)

    assert course(sim, clock, target, 30 * DAY) == ["CampaignEnded"]
    assert words(sim, target) == {"UpgradeSuccess"}


@pytest.mark.parametrize("which", ["v1", "v2", "v3"])
async def test_a_share_of_upgrades_fails_always_the_same_ones(
    sim: Simulator, clock: ManualClock, which: Any
) -> None:
    sim.rules = Rules(life_cycle=True, upgrade_fail_rate=0.3, seed=5)
    target = sim.upgrade_id if which == "v1" else dated(sim, which)
    sim.seed(IDS, None, target)
    clock.turn(30 * DAY)
    rows = sim.rows(target)
    failed = {i: row.reason for i, row in rows.items() if row.status != "UpgradeSuccess"}

    assert 30 < len(failed) < 90
    assert len(Counter(failed.values())) > 1
    other = sim.add_campaign("v3")
    sim.seed(IDS, None, other)
    clock.turn(30 * DAY)
    again = {i for i, row in sim.rows(other).items() if row.status != "UpgradeSuccess"}
    assert again == set(failed)


async def test_devices_come_and_go_until_the_start(sim: Simulator, clock: ManualClock) -> None:
    target = dated(sim, "v3")
    async with Api(sim) as api:
        path = f"/api/fota/v3/campaigns/firmware/{sim.account}/{target}"
        statuses = []
        for seconds in (0, 60, DAY, DAY):
            clock.turn(seconds)
            await api.enter()
            answer = await api.call(
                "PUT", path, json={"Type": "append", "deviceList": [imei(len(statuses))]}
            )
            statuses.append(answer.status)

    assert statuses == [200, 200, 200, 400]
    clock.turn(3 * DAY)
    assert sim.rows(target).keys() == {imei(0), imei(1), imei(2)}
    assert words(sim, target) == {"UpgradeSuccess"}


async def test_moved_dates_move_the_start(sim: Simulator, clock: ManualClock) -> None:
    later, sooner = dated(sim, "v2"), dated(sim, "v2")
    clock.turn(60)
    async with Api(sim) as api:
        await api.enter()
        for target, day in ((later, "2030-01-10"), (sooner, "2030-01-02")):
            path = f"/api/fota/v2/campaigns/{sim.account}/{target}/dates"
            body = {"startDate": day, "endDate": "2030-01-11"}
            assert (await api.call("PUT", path, json=body)).status == 200

    assert course(sim, clock, sooner, DAY - 61, 1) == [
        "CampaignRequestQueued",
        "CampaignScheduled",
    ]
    assert course(sim, clock, later, 8 * DAY - 1, 1) == [
        "CampaignRequestQueued",
        "CampaignScheduled",
    ]


async def test_a_state_set_by_hand_goes_on_from_there(sim: Simulator, clock: ManualClock) -> None:
    target, cancelled = dated(sim, "v2"), dated(sim, "v2")
    sim.set_status(target, "CampaignScheduled")
    sim.set_status(cancelled, "CampaignCancelled")

    assert course(sim, clock, target, 4 * DAY) == ["CampaignEnded"]
    assert status(sim, cancelled) == "CampaignCancelled"


async def test_life_can_begin_and_end_at_any_time(sim: Simulator, clock: ManualClock) -> None:
    sim.rules = Rules()
    target = dated(sim, "v2")
    assert course(sim, clock, target, DAY) == ["CampaignRequestPending"]
    sim.rules = LIVING
    assert status(sim, target) == "CampaignRequestQueued"
    sim.rules = Rules()
    assert course(sim, clock, target, 10 * DAY) == ["CampaignRequestQueued"]


async def test_an_aborted_campaign_keeps_what_was_upgraded(
    sim: Simulator, clock: ManualClock
) -> None:
    target = dated(sim, "v2")
    sim.seed(IDS, None, target)
    clock.turn(3 * DAY)
    before = sim.rows(target)
    sim.set_status(target, "CampaignAborted")
    clock.turn(DAY)

    for device_id, row in sim.rows(target).items():
        upgraded = before[device_id].status == "UpgradeSuccess"
        assert row.status == ("UpgradeSuccess" if upgraded else "CampaignAborted")
    assert words(sim, target) == {"UpgradeSuccess", "CampaignAborted"}


async def test_a_lagging_report_shows_the_words_of_then(sim: Simulator, clock: ManualClock) -> None:
    target = dated(sim, "v2")
    sim.seed([imei(1)], "RequestPending", target)
    sim.faults = Faults(read_lag=30)
    path = f"/api/fota/v2/reports/{sim.account}/campaigns/{target}/devices"
    async with Api(sim) as api:
        await api.enter()
        clock.turn(61)
        assert (await api.call("GET", path)).items == {imei(1): "RequestPending"}
        clock.turn(30)
        assert (await api.call("GET", path)).items == {imei(1): "Accepted"}


def test_the_calendar_follows_the_clock() -> None:
    calendar = Calendar(TODAY, 100.0)

    assert calendar.day_at(100 + DAY) == date(2030, 1, 2)
    assert calendar.day_at(99 + DAY) == TODAY
    assert calendar.start_of(date(2029, 12, 31)) == 100 - DAY
    assert calendar.end_of(TODAY) == 100 + DAY
    time = calendar.time_at(100.079)
    assert rfc3339(time) == "2030-01-01T00:00:00.079Z"
    assert go_text(time) == "2030-01-01 00:00:00.079 +0000 UTC"
