"""Waiting for a state, with a clock that is turned."""

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from simulator_api import imei, until

from fota_async import (
    CampaignStatus,
    ConfigurationError,
    FotaClient,
    InvalidRequestError,
    NeverReached,
    TargetChange,
    UpgradeStatus,
    WaitTimeout,
)
from fota_async.api.waiting import intervals
from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Simulator

UPGRADE = Simulator.upgrade_id
SESSION_LIFE = 1200.0


@pytest.fixture
def client(sim: Simulator, clock: ManualClock, new_client: Callable[..., FotaClient]) -> FotaClient:
    return new_client(sim, clock=clock)


async def readings(sim: Simulator, count: int) -> None:
    await until(lambda: sum(r.route == "v1_get_upgrade" for r in sim.requests) >= count)


async def turn_until(clock: ManualClock, condition: Callable[[], bool]) -> None:
    """Turn the clock whenever somebody sleeps, until the condition holds."""
    async with asyncio.timeout(20):
        while not condition():
            if clock.asleep.is_set():
                clock.turn(1)
            await asyncio.sleep(0)


async def turn_until_done(clock: ManualClock, task: asyncio.Task[object]) -> None:
    await turn_until(clock, task.done)


def test_readings_grow_rare_but_keep_the_session_alive() -> None:
    waits = list(islice(intervals(lambda _low, high: high), 50))

    assert waits == sorted(waits)
    assert waits[0] == 5
    assert waits[-1] == 300 < SESSION_LIFE


UPGRADES = [
    ("Queued", "RequestPending", False),
    ("Queued", "Queued", True),
    ("Queued", "InProgress", True),
    ("Queued", "Finished", True),
    ("Queued", "RequestFailed", False),
    ("Finished", "InProgress", False),
    ("Finished", "UpgradeFailed", False),
    ("UpgradeFailed", "UpgradeFailed", True),
    ("Queued", "SomethingNew", False),
    ("SomethingNew", "SomethingNew", True),
]
CAMPAIGNS = [
    ("CampaignRequestQueued", "CampaignRequestPending", False),
    ("CampaignRequestQueued", "CampaignQueued", True),
    ("CampaignRequestQueued", "Queued", True),
    ("CampaignRequestQueued", "CampaignScheduled", True),
    ("CampaignScheduled", "CampaignPreScheduled", False),
    ("CampaignScheduled", "CampaignEnded", True),
    ("CampaignEnded", "CampaignAborted", False),
    ("CampaignCancelled", "CampaignCancelled", True),
    ("CampaignFailed", "CampaignRequestFailed", False),
]


@pytest.mark.parametrize(("wanted", "status", "reached"), UPGRADES)
def test_what_an_upgrade_has_reached(wanted: str, status: str, reached: bool) -> None:
    assert UpgradeStatus(status).has_reached(UpgradeStatus(wanted)) is reached


@pytest.mark.parametrize(("wanted", "status", "reached"), CAMPAIGNS)
def test_what_a_campaign_has_reached(wanted: str, status: str, reached: bool) -> None:
    assert CampaignStatus(status).has_reached(CampaignStatus(wanted)) is reached


async def test_a_state_that_is_reached_needs_one_reading(
    client: FotaClient, sim: Simulator
) -> None:
    status = await client.v1.upgrades.wait_for(UPGRADE, "Queued", timeout=None)

    assert status is UpgradeStatus.QUEUED
    assert [r.route for r in sim.requests if r.route.startswith("v1")] == ["v1_get_upgrade"]


async def test_a_state_that_was_passed_is_reached(client: FotaClient, sim: Simulator) -> None:
    sim.set_status(UPGRADE, "InProgress")

    assert await client.v1.upgrades.wait_for(UPGRADE, "Queued", timeout=None) == "InProgress"


async def test_a_state_that_comes_later_is_seen_at_a_later_reading(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    waiting = asyncio.create_task(client.v1.upgrades.wait_for(UPGRADE, "Finished", timeout=None))
    await readings(sim, 1)
    sim.set_status(UPGRADE, "Finished")
    await turn_until_done(clock, waiting)

    assert waiting.result() is UpgradeStatus.FINISHED


async def test_waking_reads_before_the_interval_is_over(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    waiting = asyncio.create_task(client.v1.upgrades.wait_for(UPGRADE, "InProgress", timeout=None))
    await readings(sim, 1)
    await clock.asleep.wait()
    sim.set_status(UPGRADE, "InProgress")
    client.with_account(Simulator.account).wake(UPGRADE.upper())
    clock.turn(1)

    assert await asyncio.wait_for(waiting, 5) is UpgradeStatus.IN_PROGRESS
    assert clock.monotonic() == 1


async def test_many_messages_are_not_as_many_readings(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    waiting = asyncio.create_task(client.v1.upgrades.wait_for(UPGRADE, "InProgress", timeout=100))
    await readings(sim, 1)
    for _ in range(10):
        for _ in range(100):
            client.wake(UPGRADE)
        await asyncio.sleep(0.01)
        clock.turn(0.5)
    waiting.cancel()

    assert sum(r.route == "v1_get_upgrade" for r in sim.requests) <= 6


async def test_waking_for_another_target_wakes_nobody(client: FotaClient) -> None:
    client.wake("00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    ("end", "wanted"), [("RequestFailed", "Queued"), ("Finished", "UpgradeFailed")]
)
async def test_a_last_state_ends_the_wait_for_another(
    client: FotaClient, sim: Simulator, end: Any, wanted: str
) -> None:
    sim.set_status(UPGRADE, end)

    with pytest.raises(NeverReached, match=f"is {end} and will never be {wanted}") as raised:
        await client.v1.upgrades.wait_for(UPGRADE, wanted, timeout=None)

    assert (raised.value.target_id, raised.value.status) == (UPGRADE, end)


async def test_a_timeout_says_what_was_read_last(client: FotaClient, clock: ManualClock) -> None:
    waiting = asyncio.create_task(client.v1.upgrades.wait_for(UPGRADE, "Finished", timeout=600))
    await until(lambda: len(clock._sleepers) == 2)  # the timeout, and the pause after a reading
    await turn_until_done(clock, waiting)

    with pytest.raises(WaitTimeout, match="within 600 s; it is Queued") as raised:
        waiting.result()
    assert isinstance(raised.value, TimeoutError)
    assert clock.monotonic() >= 600


async def test_an_outage_is_waited_through(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(drop_before=1)
    waiting = asyncio.create_task(client.v1.upgrades.wait_for(UPGRADE, "Queued", timeout=86_400))
    await turn_until(clock, lambda: clock.monotonic() >= 1800)
    assert not waiting.done()
    sim.faults = Faults()
    await turn_until_done(clock, waiting)

    assert waiting.result() is UpgradeStatus.QUEUED


async def test_a_timeout_in_an_outage_names_the_trouble(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    sim.faults = Faults(error_before=1)
    waiting = asyncio.create_task(client.v1.upgrades.wait_for(UPGRADE, "Queued", timeout=3600))
    await turn_until_done(clock, waiting)

    with pytest.raises(WaitTimeout, match="its state could not be read") as raised:
        waiting.result()
    assert raised.value.__cause__ is not None


async def test_a_target_that_is_gone_ends_the_wait(client: FotaClient) -> None:
    await client.v1.upgrades.cancel(UPGRADE)

    with pytest.raises(InvalidRequestError):
        await client.v1.upgrades.wait_for(UPGRADE, "Finished", timeout=None)


@pytest.mark.parametrize(
    ("wait", "says"),
    [
        (("no uuid", "Queued", 1), "UUID"),
        ((UPGRADE, "queued", 1), "the vendor lists RequestPending"),
        ((UPGRADE, "Queued", -1), "timeout"),
        ((UPGRADE, "Queued", "1 h"), "timeout"),
    ],
)
async def test_what_cannot_be_waited_for_is_refused_before_sending(
    client: FotaClient, sim: Simulator, wait: tuple[str, str, float], says: str
) -> None:
    upgrade_id, status, seconds = wait
    with pytest.raises(ConfigurationError, match=says):
        await client.v1.upgrades.wait_for(upgrade_id, status, timeout=seconds)
    assert sim.requests == []


async def test_days_of_waiting_need_one_login(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    waiting = asyncio.create_task(
        client.v1.upgrades.wait_for(UPGRADE, "Finished", timeout=2 * 86_400)
    )
    async with asyncio.timeout(60):
        while not waiting.done():
            # The timeout, and the pause after a reading: nothing is in flight then.
            if len(clock._sleepers) == 2:
                clock.turn(min(clock._sleepers.values()) - clock.monotonic())
            await asyncio.sleep(0)

    assert isinstance(waiting.exception(), WaitTimeout)
    assert sim.stats()["logins"] == 1
    assert sim.stats()["token_requests"] >= 40  # one an hour: each token lives that long


# Watching


async def test_a_watch_yields_every_change_and_ends_with_the_last_state(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    a, b = imei(1), imei(2)
    sim.seed([a])
    seen = []

    async def watch() -> None:
        async for change in client.v1.upgrades.watch(UPGRADE, interval=60):
            seen.append(change)  # noqa: PERF401 - one by one, for the test to look between

    watching = asyncio.create_task(watch())
    await until(lambda: len(seen) == 2)
    sim.seed([b])
    sim.seed([a], "Device Rejected", reason="Invalid IMEI")
    await turn_until(clock, lambda: len(seen) == 4)
    sim.set_status(UPGRADE, "Finished")
    await turn_until_done(clock, watching)

    first, device = seen[:2]
    assert (first.before, first.now) == (None, "Queued")
    assert (device.device_id, device.before, device.now.status) == (a, None, "Device Accepted")
    by_device = {change.device_id: change for change in seen[2:4]}
    assert by_device[a].before.status == "Device Accepted"
    assert (by_device[a].now.status, by_device[a].now.reason) == ("Device Rejected", "Invalid IMEI")
    assert by_device[b].before is None
    assert TargetChange(UPGRADE, "Queued", "Finished") in seen[4:]


async def test_a_device_that_left_has_no_row_now(
    client: FotaClient, sim: Simulator, clock: ManualClock
) -> None:
    sim.seed([imei(1)])
    changes = client.v1.upgrades.watch(UPGRADE)
    assert [(await anext(changes)).now, (await anext(changes)).now.status] == [
        "Queued",
        "Device Accepted",
    ]
    await client.v1.upgrades.remove_devices(UPGRADE, [imei(1)])
    following = asyncio.create_task(anext(changes))
    await turn_until_done(clock, following)

    assert following.result().now is None
    await changes.aclose()


async def test_a_watch_that_is_closed_leaves_nothing_behind(
    client: FotaClient, sim: Simulator
) -> None:
    sim.seed([imei(1)])
    created: list[Any] = []
    loop = asyncio.get_running_loop()
    changes = client.v1.upgrades.watch(UPGRADE)
    await anext(changes)
    loop.set_task_factory(
        lambda loop, work, **more: created.append(work) or asyncio.Task(work, loop=loop, **more)
    )
    await changes.aclose()
    await asyncio.sleep(0.01)
    loop.set_task_factory(None)

    assert created == []


async def test_an_interval_that_cannot_work_is_refused(client: FotaClient, sim: Simulator) -> None:
    with pytest.raises(ConfigurationError, match="interval"):
        await anext(client.v1.upgrades.watch(UPGRADE, interval=0))
    assert sim.requests == []


# Campaigns


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_campaign_is_waited_for_and_watched(
    client: FotaClient, sim: Simulator, clock: ManualClock, version: str
) -> None:
    campaign = sim.add_campaign(version, status="CampaignRequestQueued")
    sim.seed([imei(1)], target_id=campaign)
    campaigns: Any = getattr(client, version).campaigns
    seen = []

    async def watch() -> None:
        async for change in campaigns.watch(campaign, interval=60):
            seen.append(change)  # noqa: PERF401 - one by one, for the test to look between

    watching = asyncio.create_task(watch())
    await until(lambda: len(seen) == 2)
    waiting = asyncio.create_task(campaigns.wait_for(campaign, "CampaignEnded", timeout=None))
    sim.set_status(campaign, "CampaignScheduled")
    await turn_until(clock, lambda: len(seen) >= 3)
    assert not waiting.done()
    sim.set_status(campaign, "CampaignEnded")
    await turn_until_done(clock, waiting)
    await turn_until_done(clock, watching)

    assert waiting.result() is CampaignStatus.ENDED
    states = [change.now for change in seen if isinstance(change, TargetChange)]
    assert states == ["CampaignRequestQueued", "CampaignScheduled", "CampaignEnded"]
    assert seen[1].device_id == imei(1)
    assert await campaigns.wait_for(campaign, "CampaignRequestQueued", timeout=0.1) == states[-1]
