"""A pilot with a journal: never a second pilot, never a second campaign for the fleet."""

import asyncio
import os
import random
import shutil
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_law, imeis
from journal_helpers import files_in, forget, image
from pilot_helpers import (
    KINDS,
    PILOTS,
    RULES,
    campaigns,
    keep_open,
    of_image,
    rules_that_fail,
)
from schedule_helpers import asked
from simulator_api import until

from fota_async import (
    FotaClient,
    InvalidRequestError,
    PilotStopped,
    ScheduleUnknown,
    read_journal,
)
from fota_async.clock import ScaledClock
from fota_async.events import PilotEvent
from fota_async.simulator import Faults, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]

ROUTES = {
    "v2": "v2_schedule_software_campaign",
    "v2 file": "v2_schedule_file_campaign",
    "v3": "v3_schedule_campaign",
}


def campaigns_of(client: FotaClient, kind: str) -> Any:
    return getattr(client, kind[:2]).campaigns


def killed_copy(journal: Path, folder: Path) -> Path:
    """Return the journal as it would be if the process died now, with its pilot's beside it."""
    pilot = journal.with_name("enrol-pilot.db")
    copy = image(pilot, folder)
    if journal.exists():
        aside = folder.with_name(f"{folder.name} fleet")
        image(journal, aside)
        for file in aside.iterdir():
            shutil.copy(file, folder)
    return copy.with_name(journal.name)


@KINDS
async def test_killed_while_it_waits_it_goes_on_with_the_same_pilot(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path, tmp_path: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(), clock=clock)
    waits = asyncio.Event()

    def hook(event: Any) -> None:
        if isinstance(event, PilotEvent):
            waits.set()

    client = new_client(sim, clock=clock, on_event=hook)
    running = asyncio.ensure_future(PILOTS[kind](client)(imeis(100), journal=journal))
    await waits.wait()
    killed = killed_copy(journal, tmp_path / "killed")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [name for name in files_in(killed.parent) if name.startswith("enrol.db")]

    # The list may have changed; the pilot stays what it was.
    ids = [*imeis(30, first=500), *imeis(100)]
    result = await PILOTS[kind](client)(ids, journal=killed)
    pilot, fleet = of_image(sim)
    assert (result.pilot.target, result.fleet.id) == (pilot, fleet)
    assert sim.members(pilot) == set(imeis(20))
    assert sim.members(fleet) == set(ids) - set(imeis(20))
    assert result.duplicates == 0
    assert asked(sim, ROUTES[kind]) == 2

    # And once more, when all is done.
    sent = sim.stats()["devices_sent"]
    again = await PILOTS[kind](client)(ids, journal=killed)
    assert (again.pilot.target, again.fleet.id) == (pilot, fleet)
    assert sim.stats()["devices_sent"] == sent
    assert_law(again.fleet.report)
    assert read_journal(killed).target == fleet


@KINDS
async def test_a_fleet_that_was_begun_is_not_judged_again(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=rules_that_fail(imeis(5)), clock=clock)
    client = new_client(sim, clock=clock, on_event=lambda event: keep_open(sim, event))
    pilot = PILOTS[kind](client)
    first = await pilot(imeis(100), pilot=10, journal=journal)
    again = await pilot(imeis(120), pilot=10, journal=journal, success_rate=1.0)

    assert again.fleet.id == first.fleet.id
    assert sim.members(again.fleet.id) == set(imeis(120)[10:])


@KINDS
async def test_a_lost_pilot_is_adopted_and_the_fleet_follows(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    faults = Faults(drop_after=1.0, only=frozenset({ROUTES[kind]}))
    # It waits to be found, however busy the machine is.
    sim = await new_sim(rules=RULES(life_cycle=False), faults=faults, clock=clock)
    client = new_client(sim, clock=clock, on_event=lambda event: keep_open(sim, event))
    for _ in range(2):
        with pytest.raises(ScheduleUnknown) as caught:
            await PILOTS[kind](client)(imeis(100), journal=journal)
        sim.faults = Faults()
    beside = journal.with_name("enrol-pilot.db")
    assert str(beside) in str(caught.value)
    assert "about the pilot" in "".join(caught.value.__notes__)
    assert caught.value.candidates
    (found,) = (one.id for one in caught.value.candidates)
    pilot = [one.device_id for one in caught.value.report]
    assert pilot == imeis(20)
    await campaigns_of(client, kind).append_devices(found, pilot, journal=beside)
    sim.rules = RULES()
    result = await PILOTS[kind](client)(imeis(100), journal=journal)

    assert of_image(sim) == (found, result.fleet.id)
    assert sim.members(result.fleet.id) == set(imeis(100)[20:])


@KINDS
async def test_a_lost_fleet_is_adopted(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(), clock=clock)

    def lose_the_next(event: Any) -> None:
        keep_open(sim, event)
        if isinstance(event, PilotEvent):
            sim.faults = Faults(drop_after=1.0, only=frozenset({ROUTES[kind]}))

    client = new_client(sim, clock=clock, on_event=lose_the_next)
    with pytest.raises(ScheduleUnknown) as caught:
        await PILOTS[kind](client)(imeis(100), journal=journal, batch_size=30)
    assert caught.value.candidates
    found = caught.value.candidates[0].id
    pilot, fleet = of_image(sim)
    assert found == fleet
    assert pilot in "".join(caught.value.__notes__)
    assert str(journal) in str(caught.value)
    rest = imeis(100)[20:]
    await campaigns_of(client, kind).append_devices(found, rest, journal=journal, batch_size=30)
    result = await PILOTS[kind](client)(imeis(100), journal=journal, batch_size=30)

    assert result.fleet.id == found
    assert of_image(sim) == (pilot, fleet)
    assert sim.members(fleet) == set(rest)


@KINDS
async def test_a_refused_pilot_may_have_other_devices_the_next_time(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(poison=frozenset(imeis(1))), clock=clock)
    pilot = PILOTS[kind](new_client(sim, clock=clock))
    with pytest.raises(InvalidRequestError):
        await pilot(imeis(100), journal=journal)
    assert campaigns(sim) == []
    result = await pilot(imeis(99, first=2), journal=journal)

    assert sim.members(result.pilot.target) == set(imeis(20, first=2))


@KINDS
async def test_a_pilot_that_timed_out_is_looked_at_again(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    clock = ScaledClock(2000)
    sim = await new_sim(rules=RULES(), clock=clock)
    pilot = PILOTS[kind](new_client(sim, clock=clock))
    with pytest.raises(PilotStopped) as caught:
        await pilot(imeis(100), journal=journal, timeout=20)
    assert caught.value.timed_out
    result = await pilot(imeis(100), journal=journal)

    assert result.pilot.target == caught.value.pilot.target
    assert len(campaigns(sim)) == 2


CHILD = """
import asyncio, sys
from datetime import date
from fota_async import FotaClient, ScheduleUnknown
from fota_async.clock import ScaledClock

DAYS = {"start_date": date(2030, 2, 5), "end_date": date(2030, 2, 6)}
PILOT = {"pilot_start_date": date(2030, 1, 5), "pilot_end_date": date(2030, 1, 6), "timeout": None}

async def main(journal):
    ids = [f"{n + 1:015d}" for n in range(300)]
    options = {"batch_size": 50, "concurrency": 2, "settle_delay": 5}
    names = {"firmware_from": "1", "firmware_to": "2"}
    async with FotaClient.from_env(clock=ScaledClock(20)) as fota:
        campaigns = fota.v3.campaigns
        try:
            await campaigns.pilot_then_fleet(
                "F", ids, **names, **DAYS, **PILOT, journal=journal, **options
            )
        except ScheduleUnknown as unknown:
            of_pilot = "about the pilot" in "".join(unknown.__notes__)
            if not unknown.candidates:
                return 6 if of_pilot else 7
            found = unknown.candidates[0].id
            if of_pilot:
                journal, some = journal.replace(".db", "-pilot.db"), ids[:20]
            else:
                some = ids[20:]
            await campaigns.append_devices(found, some, journal=journal, **options)
            return 5
    return 0

sys.exit(asyncio.run(main(*sys.argv[1:])))
"""


async def start_child(sim: Simulator, journal: Path) -> asyncio.subprocess.Process:
    names = ("key", "secret", "username", "password", "account", "base_url")
    environment = {f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in names}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", CHILD, str(journal)),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_killed_again_and_again_it_has_one_pilot_and_one_fleet(
    seed: int, new_sim: NewSim, tmp_path: Path
) -> None:
    draw = random.Random(seed)
    # The pilot's first day has begun, so it starts 90 minutes from now; the fleet's is a month off.
    clock = ScaledClock(20_000)
    rules = RULES(queued_for=None, token_lifetime=1e9, session_idle=1e9)
    faults = Faults(latency=(200.0, 800.0))  # 10 to 40 ms
    sim = await new_sim(rules=rules, faults=faults, clock=clock, today=date(2030, 1, 5))
    journal = tmp_path / "fleet.db"
    killed = 0
    # Each one is killed at a moment of its own: as it schedules, waits, or appends.
    for requests in (3, *(draw.randrange(2, 12) for _ in range(3))):
        child = await start_child(sim, journal)
        goal = len(sim.requests) + requests
        ending = asyncio.ensure_future(child.communicate())
        while len(sim.requests) < goal and not ending.done():
            await asyncio.wait([ending], timeout=0.002)
        await asyncio.wait([ending], timeout=draw.random() * 0.05)
        if child.returncode is None:
            child.kill()
            killed += 1
        await ending
    code: int | None = 5
    errors = b""
    async with asyncio.timeout(90):
        while code in {5, 6, 7}:
            child = await start_child(sim, journal)
            _, errors = await child.communicate()
            code = child.returncode
            # 5: it adopted what it had made. 6, 7: killed before the request left, it cannot
            # know; whoever looks at the API can.
            if code in {6, 7}:
                assert len(campaigns(sim)) == code - 6
                forget(journal if code == 7 else tmp_path / "fleet-pilot.db")

    assert code == 0, errors.decode()
    assert killed >= 2
    pilot, fleet = of_image(sim)
    await until(lambda: asked(sim, "v3_schedule_campaign") == 2)
    assert sim.members(pilot) == {f"{n + 1:015d}" for n in range(20)}
    assert sim.members(fleet) == {f"{n + 1:015d}" for n in range(20, 300)}
    assert read_journal(journal).target == fleet
    assert read_journal(tmp_path / "fleet-pilot.db").target == pilot
