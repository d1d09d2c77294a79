"""Callback messages that the simulator posts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from aiohttp import web
from simulator_api import Api, until

from fota_async.clock import ManualClock
from fota_async.simulator import Faults, Rules, Simulator

UPGRADE = Simulator.upgrade_id


@attrs.define
class Ear:
    """A listener that keeps what it is told."""

    url: str = ""
    heard: list[Any] = attrs.field(factory=list)
    answers: list[int] = attrs.field(factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append(await request.json())
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    ear = Ear()
    app = web.Application()
    app.router.add_post("/hook", ear.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield ear
    await runner.cleanup()


async def test_a_v1_listener_hears_of_each_state_with_its_name_and_password(
    sim: Simulator, ear: Ear
) -> None:
    sim.set_status(UPGRADE, "RequestPending")
    sim.listen(ear.url, username="listener", password="example-only")
    for status in ("Queued", "InProgress", "Finished"):
        sim.set_status(UPGRADE, status)
        count = len(ear.heard) + 1
        await until(lambda count=count: len(ear.heard) == count)  # type: ignore[misc]

    types = ["upgradeScheduled", "upgradeProgress", "upgradeFinished"]
    assert [message["type"] for message in ear.heard] == types
    for kind, message in zip(types, ear.heard, strict=True):
        assert message[kind]["upgradeId"] == UPGRADE
        assert message["accountName"] == message["participantName"] == sim.account
        assert (message["username"], message["password"]) == ("listener", "example-only")
        assert message["firmwareList"] == []
    assert "example-only" not in repr(sim.callbacks)


async def test_new_firmware_is_announced(sim: Simulator, ear: Ear) -> None:
    sim.listen(ear.url)
    sim.announce_firmware()
    await until(lambda: len(ear.heard) == 1)

    (firmware,) = ear.heard[0]["firmwareList"]
    assert firmware["participantName"] == sim.account
    assert {"firmwareName", "fromVersion", "toVersion", "make", "model"} <= firmware.keys()


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_each_message_about_a_campaign_has_its_id(
    sim: Simulator, ear: Ear, version: Any
) -> None:
    campaign = sim.add_campaign(version)
    sim.listen(ear.url, version)
    sim.set_status(campaign, "CampaignScheduled")
    await until(lambda: len(ear.heard) == 1)

    about = {"campaignId": campaign, "status": "CampaignScheduled"}
    assert ear.heard[0]["campaign"] == about
    assert "password" not in ear.heard[0]


async def test_lives_that_go_on_by_themselves_are_told_of_by_the_clock(
    ear: Ear, clock: ManualClock
) -> None:
    rules = Rules(life_cycle=True, pending_for=60, queued_for=60, runs_for=60)
    async with Simulator(clock=clock, rules=rules) as sim, Api(sim) as api:
        sim.listen(ear.url)
        await api.enter()
        for count in (1, 2):
            await until(clock.asleep.is_set)
            clock.turn(60)
            await until(lambda count=count: len(ear.heard) == count)  # type: ignore[misc]

    assert [message["type"] for message in ear.heard] == ["upgradeProgress", "upgradeFinished"]


async def test_nobody_is_told_who_does_not_listen(sim: Simulator, ear: Ear) -> None:
    sim.listen(ear.url, "v2")
    sim.set_status(UPGRADE, "Finished")
    sim.listen(ear.url, "v1")
    sim.announce_firmware()
    await until(lambda: len(sim.callbacks) == 1)

    assert [message["type"] for message in ear.heard] == ["firmwareList"]


async def test_what_is_not_acknowledged_is_sent_again(
    sim: Simulator, ear: Ear, clock: ManualClock
) -> None:
    sim.listen(ear.url)
    ear.answers = [503, 302, 204]
    sim.announce_firmware()
    for _ in range(2):
        await until(clock.asleep.is_set)
        clock.turn(300)
    await until(lambda: len(ear.heard) == 3)
    await until(lambda: len(sim.callbacks) == 3)

    assert [record.status for record in sim.callbacks] == [503, 302, 204]


async def test_a_listener_that_is_not_there_is_tried_three_times(
    sim: Simulator, clock: ManualClock
) -> None:
    sim.listen("http://127.0.0.1:9/hook")
    sim.announce_firmware()
    for _ in range(2):
        await until(clock.asleep.is_set)
        clock.turn(300)
    await until(lambda: len(sim.callbacks) == 3)
    await asyncio.sleep(0)

    assert {record.status for record in sim.callbacks} == {None}
    assert not clock.asleep.is_set()


@pytest.mark.parametrize("url", ["nonsense", "https://no..name/hook"])
async def test_a_url_that_cannot_be_posted_to_is_as_a_listener_that_is_not_there(
    sim: Simulator, ear: Ear, url: str
) -> None:
    sim.rules = Rules(callback_tries=1)
    sim.listen(url)
    sim.announce_firmware()
    await until(lambda: len(sim.callbacks) == 1)
    sim.listen(ear.url)
    sim.announce_firmware()
    await until(lambda: len(ear.heard) == 1)

    assert sim.callbacks[0].status is None


async def test_messages_are_lost_and_repeated_when_told_so(sim: Simulator, ear: Ear) -> None:
    sim.listen(ear.url)
    sim.faults = Faults(callback_drop=1)
    sim.announce_firmware()
    await until(lambda: len(sim.callbacks) == 1)
    assert (sim.callbacks[0].lost, ear.heard) == (True, [])
    sim.faults = Faults(callback_repeat=1)
    sim.announce_firmware()
    await until(lambda: len(ear.heard) == 2)

    assert ear.heard[0] == ear.heard[1]


async def test_delays_let_messages_overtake_each_other(
    sim: Simulator, ear: Ear, clock: ManualClock
) -> None:
    sim.listen(ear.url)
    sim.faults = Faults(callback_delay=(0, 100))
    for _ in range(20):
        sim.announce_firmware()
        sim.set_status(UPGRADE, "InProgress")
    await until(lambda: len(clock._sleepers) == 40)
    for _ in range(100):
        clock.turn(1)
        await asyncio.sleep(0.001)
    await until(lambda: len(ear.heard) == 40)

    types = [message["type"] for message in ear.heard]
    assert types != ["firmwareList", "upgradeProgress"] * 20


async def test_what_nobody_posted_is_posted_after_the_next_start(
    clock: ManualClock, ear: Ear
) -> None:
    sim = Simulator(clock=clock)
    sim.listen(ear.url)
    sim.announce_firmware()
    async with sim:
        await until(lambda: len(ear.heard) == 1)
