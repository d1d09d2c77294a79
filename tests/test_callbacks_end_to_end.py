"""From a state that changes to whoever waits for it: simulator, receiver and client, over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import trustme
from callback_helpers import receiver_at
from simulator_api import imei, until

from fota_async import FotaClient, UpgradeStatus
from fota_async.callbacks import CallbackCredentials, CallbackEvent, serve
from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator

SECRET = "opens-nothing-else"


@pytest.fixture
async def world(
    tmp_path: Path, clock: ManualClock, new_client: Callable[..., FotaClient], stack: Any
) -> AsyncIterator[tuple[Simulator, FotaClient, list[CallbackEvent], str]]:
    """A simulator whose lives go on by the clock, a client, and a receiver that wakes it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    files = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(files[0])
    certificate.private_key_pem.write_to_path(files[1])
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    rules = Rules(life_cycle=True, pending_for=60, queued_for=10_000, runs_for=10_000)
    sim = await stack.enter_async_context(Simulator(clock=clock, rules=rules, trust=trust))
    client = new_client(sim, clock=clock)
    receiver = receiver_at(
        tmp_path / "events.db", credentials=CallbackCredentials("listener", SECRET)
    )
    events: list[CallbackEvent] = []

    @receiver.on()
    async def wake(event: CallbackEvent) -> None:
        events.append(event)
        client.wake(event.target_id)

    server = serve(receiver, port=0, certificate=files[0], key=files[1])
    async with server:
        yield sim, client, events, f"https://localhost:{server.port}/v1"


async def scheduled(client: FotaClient) -> str:
    upgrade = await client.v1.upgrades.schedule(
        "FOTA_Verizon_Model-A_01To02_HF",
        "VerizonFirmwareVersion-02",
        [imei(1)],
        start_date=date(2027, 4, 1),
    )
    await client.v1.upgrades.append_devices(upgrade.id, [imei(2), imei(3)])
    return upgrade.id


async def turn_until_done(clock: ManualClock, task: asyncio.Task[Any]) -> None:
    async with asyncio.timeout(30):
        while not task.done():
            # The timeout, and the pause after a reading; the simulator has its own.
            if len(clock._sleepers) >= 2:
                clock.turn(1)
            await asyncio.sleep(0.0005)


async def test_a_callback_wakes_who_waits(world: Any, clock: ManualClock) -> None:
    sim, client, events, url = world
    await client.v1.callbacks.ensure(url, username="listener", password=SECRET)
    upgrade = await scheduled(client)
    waiting = asyncio.create_task(
        client.v1.upgrades.wait_for(upgrade, "InProgress", timeout=86_400)
    )
    await turn_until_queued_and_read_rarely(sim, clock, upgrade)
    turned = clock.monotonic()
    sim.set_status(upgrade, "InProgress")
    await until(lambda: any(event.type == "upgradeProgress" for event in events))
    await turn_until_done(clock, waiting)

    assert waiting.result() is UpgradeStatus.IN_PROGRESS
    assert clock.monotonic() - turned < 30  # readings were five minutes apart
    assert [event.type for event in events] == ["upgradeScheduled", "upgradeProgress"]
    assert {event.target_id for event in events} == {upgrade}
    assert SECRET not in repr(events)
    assert sim.members(upgrade) == {imei(1), imei(2), imei(3)}


async def test_without_callbacks_it_is_found_by_reading(world: Any, clock: ManualClock) -> None:
    sim, client, events, url = world
    await client.v1.callbacks.ensure(url, username="listener", password=SECRET)
    sim.faults = Faults(callback_drop=1)
    upgrade = await scheduled(client)
    waiting = asyncio.create_task(
        client.v1.upgrades.wait_for(upgrade, "InProgress", timeout=86_400)
    )
    await turn_until_queued_and_read_rarely(sim, clock, upgrade)
    sim.set_status(upgrade, "InProgress")
    await turn_until_done(clock, waiting)

    assert waiting.result() is UpgradeStatus.IN_PROGRESS
    assert events == []
    assert [record.lost for record in sim.callbacks] == [True, True]
    assert sim.stats()["logins"] == 1


async def turn_until_queued_and_read_rarely(
    sim: Simulator, clock: ManualClock, upgrade: str
) -> None:
    """Let an hour pass, until a reading was just made and the next one is five minutes away."""

    def readings() -> int:
        return sum(record.route == "v1_get_upgrade" for record in sim.requests)

    async with asyncio.timeout(30):
        while clock.monotonic() < 3600:
            if len(clock._sleepers) >= 3:
                clock.turn(10)
            await asyncio.sleep(0.0005)
        seen = readings()
        while readings() == seen or len(clock._sleepers) < 3:
            if len(clock._sleepers) >= 3:
                clock.turn(1)
            await asyncio.sleep(0.0005)
    assert sim.stats()["upgrades"][upgrade]["status"] == "Queued"
