"""A schedule with a journal: started again it never schedules twice, and appends what is left."""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from batch_helpers import assert_law, ids_of, imeis
from journal_helpers import files_in, forget, image, outcomes, read
from schedule_helpers import DAYS, ROUTES, SCHEDULES, asked, made, until_on_its_way
from simulator_api import until

from fota_async import (
    CallError,
    FotaClient,
    InvalidRequestError,
    JournalError,
    RunStopped,
    ScheduleUnknown,
    State,
    StopCause,
    read_journal,
)
from fota_async.batch.journal.writer import JournalWriter, Rows
from fota_async.clock import ScaledClock
from fota_async.events import JournalEvent
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]

KINDS = pytest.mark.parametrize("kind", SCHEDULES)
ALL_SCHEDULES = frozenset(ROUTES.values())


def target_of(client: FotaClient, kind: str) -> Any:
    """Return the resource whose `append_devices` goes on."""
    return getattr(client, kind[:2]).upgrades if kind == "v1" else _campaigns(client, kind)


def _campaigns(client: FotaClient, kind: str) -> Any:
    return getattr(client, kind[:2]).campaigns


@KINDS
async def test_a_finished_schedule_started_again_sends_nothing(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim()
    events: list[Any] = []
    client = new_client(sim, on_event=events.append)
    schedule = SCHEDULES[kind](client)
    first = await schedule([*imeis(35), "x"], batch_size=10, journal=journal)
    assert not [event for event in events if isinstance(event, JournalEvent)]
    before = sim.stats()["devices_sent"]
    again = await schedule([*imeis(35), "x"], batch_size=10, journal=journal)

    assert again.id == first.id == again.target.id
    assert made(sim) == [first.id]
    assert sim.stats()["devices_sent"] == before
    assert_law(first.report)
    assert_law(again.report)
    assert outcomes(again.report) == outcomes(first.report)
    assert again.report.requests == first.report.requests == 4
    assert [one.device_id for one in first.report] == [*imeis(35), "x"]
    assert [event.decided for event in events if isinstance(event, JournalEvent)] == [35]
    stored = read_journal(journal)
    assert (stored.operation, stored.target) == ("append", first.id)
    assert outcomes(stored) == outcomes(first.report)


@KINDS
async def test_a_target_that_cannot_be_read_is_not_taken_for_one_that_was_not_scheduled(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim()
    client = new_client(sim, clock=ScaledClock(500))
    first = await SCHEDULES[kind](client)(imeis(5), journal=journal)
    reads = frozenset({"v1_get_upgrade", "v2_get_campaign", "v3_get_campaign"})
    sim.faults = Faults(error_before=1.0, only=reads)
    with pytest.raises(CallError) as caught:
        await SCHEDULES[kind](client)(imeis(5), journal=journal)

    (note,) = caught.value.__notes__
    assert note == f"{first.id} was scheduled by an earlier start: do not schedule anew"
    assert made(sim) == [first.id]


@KINDS
async def test_killed_between_request_and_answer_it_goes_on_with_the_one_that_is_found(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path, tmp_path: Path
) -> None:
    sim = await new_sim(faults=Faults(hang_after=1.0, only=ALL_SCHEDULES))
    client = new_client(sim, clock=ScaledClock(500))
    running = SCHEDULES[kind](new_client(sim))(imeis(35), batch_size=10, journal=journal, grace=0)
    waiting = asyncio.ensure_future(running)
    await until(lambda: bool(made(sim)))
    killed = image(journal, tmp_path / "killed")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    sim.faults = Faults()

    stored = read_journal(killed)
    assert (stored.operation, stored.unknown) == ("schedule", 10)
    for _ in range(2):
        with pytest.raises(ScheduleUnknown) as caught:
            await SCHEDULES[kind](client)(imeis(35), batch_size=10, journal=killed)
        assert_law(caught.value.report)
        assert (caught.value.report.unknown, caught.value.report.unsent) == (10, 25)
        assert str(killed) in str(caught.value)
    assert caught.value.candidates
    found = caught.value.candidates[0].id
    assert made(sim) == [found]
    report = await target_of(client, kind).append_devices(
        found, imeis(35), batch_size=10, journal=killed
    )

    assert_law(report)
    assert report.succeeded + report.pending == 35
    assert sim.members(found) == set(imeis(35))
    assert sim.stats()["devices_sent"] == 35
    assert asked(sim, ROUTES[kind]) == 1
    # From now on the same call knows what it scheduled.
    again = await SCHEDULES[kind](client)(imeis(40), batch_size=10, journal=killed)
    assert again.id == found
    assert sim.members(found) == set(imeis(40))
    assert sim.stats()["devices_sent"] == 40
    assert asked(sim, ROUTES[kind]) == 1


@KINDS
async def test_killed_after_the_answer_it_appends_the_rest(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path, tmp_path: Path
) -> None:
    modify = {"v1": "v1_modify_upgrade", "v2": "v2_modify_campaign", "v3": "v3_modify_campaign"}
    sim = await new_sim(faults=Faults(hang_before=1.0, only=frozenset(modify.values())))
    running = SCHEDULES[kind](new_client(sim))(imeis(35), batch_size=10, journal=journal, grace=0)
    waiting = asyncio.ensure_future(running)
    await until(lambda: asked(sim, modify[kind[:2]]) > 0 or running.report.unknown == 25)
    killed = image(journal, tmp_path / "killed")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    sim.faults = Faults()
    client = new_client(sim, clock=ScaledClock(500))
    scheduled = await SCHEDULES[kind](client)(imeis(35), batch_size=10, journal=killed)

    assert made(sim) == [scheduled.id]
    assert sim.members(scheduled.id) == set(imeis(35))
    assert_law(scheduled.report)
    assert scheduled.report.succeeded + scheduled.report.pending == 35
    assert asked(sim, ROUTES[kind]) == 1


async def test_a_lost_schedule_is_never_sent_again(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim(faults=Faults(drop_before=1.0, only=ALL_SCHEDULES))
    client = new_client(sim, clock=ScaledClock(500))
    for devices in (imeis(35), imeis(35), [], imeis(3, first=100)):
        with pytest.raises(ScheduleUnknown) as caught:
            await SCHEDULES["v1"](client)(devices, batch_size=10, journal=journal)
        assert_law(caught.value.report)
        assert caught.value.candidates == ()
        sim.faults = Faults()

    assert asked(sim, "v1_schedule_upgrade") == 1
    assert made(sim) == []


@KINDS
async def test_after_a_refusal_the_same_journal_serves_again(
    kind: str, new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim(rules=Rules(poison=frozenset(imeis(1))))
    schedule = SCHEDULES[kind](new_client(sim))
    with pytest.raises(InvalidRequestError):
        await schedule(imeis(35), batch_size=10, journal=journal)
    stored = read_journal(journal)
    assert (stored.operation, stored.unsent) == ("schedule", 10)
    scheduled = await schedule(imeis(35, first=2), batch_size=10, journal=journal)

    assert made(sim) == [scheduled.id]
    assert_law(scheduled.report)
    assert sim.members(scheduled.id) == set(imeis(35, first=2))


async def test_a_size_that_is_refused_is_noted(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim(rules=Rules(max_devices=3))
    schedule = SCHEDULES["v1"](new_client(sim))
    scheduled = await schedule(imeis(10), batch_size=8, journal=journal)

    assert_law(scheduled.report)
    assert scheduled.report.succeeded == 10
    assert outcomes(read_journal(journal)) == outcomes(scheduled.report)


async def test_the_answer_about_each_device_is_kept(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    only = frozenset({"v1_schedule_upgrade"})
    sim = await new_sim(faults=Faults(missing_items=1.0, only=only))
    client = new_client(sim, clock=ScaledClock(500))
    scheduled = await SCHEDULES["v1"](client)(imeis(6), journal=journal)

    listed = {row.device_id for row in scheduled.upgrade.device_list}
    assert len(listed) < 6, "the fault should leave devices out"
    assert {one.device_id for one in scheduled.report if not one.settled} == listed
    assert scheduled.report.succeeded == 6
    assert asked(sim, "v1_modify_upgrade") == 0


async def test_a_journal_belongs_to_what_was_scheduled(
    new_sim: NewSim, new_client: NewClient, journal: Path, tmp_path: Path
) -> None:
    sim = await new_sim(faults=Faults(drop_before=1.0, only=ALL_SCHEDULES))
    client = new_client(sim, clock=ScaledClock(500))
    upgrades = client.v1.upgrades
    with pytest.raises(ScheduleUnknown):
        await upgrades.schedule("F", "2", imeis(3), **DAYS, journal=journal)
    sim.faults = Faults()
    with pytest.raises(JournalError, match=r"another run: schedule on .*firmwareTo"):
        await upgrades.schedule("F", "3", imeis(3), **DAYS, journal=journal)
    with pytest.raises(JournalError, match="another run"):
        await upgrades.remove_devices(sim.upgrade_id, imeis(3), journal=journal)
    sim.add_account("0000123456-000001")
    other = client.with_account("0000123456-000001").v1.upgrades
    with pytest.raises(JournalError, match="another run"):
        await other.append_devices(sim.add_upgrade("0000123456-000001"), [], journal=journal)
    assert made(sim)[1:] == []

    bound = tmp_path / "bound.db"
    scheduled = await upgrades.schedule("F", "2", imeis(3), **DAYS, journal=bound)
    with pytest.raises(JournalError, match=f"append on {scheduled.id}"):
        await upgrades.append_devices(sim.upgrade_id, imeis(3), journal=bound)
    with pytest.raises(JournalError, match=f"append on {scheduled.id}"):
        await upgrades.schedule("F", "3", imeis(3), **DAYS, journal=bound)


async def test_two_runs_cannot_share_a_journal(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim(faults=Faults(hang_before=1.0, only=ALL_SCHEDULES))
    schedule = SCHEDULES["v1"](new_client(sim))
    running = schedule(imeis(3), journal=journal, grace=0)
    waiting = asyncio.ensure_future(running)
    await until_on_its_way(running)
    with pytest.raises(JournalError, match="another run is using it"):
        await schedule(imeis(3), journal=journal)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert len(sim.requests) <= 3


async def test_dry_runs_look_at_the_journal_and_touch_nothing(
    new_sim: NewSim, new_client: NewClient, journal: Path
) -> None:
    sim = await new_sim(faults=Faults(drop_after=1.0, only=ALL_SCHEDULES))
    client = new_client(sim, clock=ScaledClock(500))
    schedule = SCHEDULES["v1"](client)
    preview = await schedule(imeis(25), batch_size=10, journal=journal, dry_run=True)
    assert (preview.report.unsent, preview.report.requests) == (25, 3)
    assert files_in(journal.parent) == {}

    with pytest.raises(ScheduleUnknown) as caught:
        await schedule(imeis(25), batch_size=10, journal=journal)
    before = (read(journal), len(sim.requests))
    preview = await schedule(imeis(25), batch_size=10, journal=journal, dry_run=True)
    assert (preview.report.unknown, preview.report.unsent) == (10, 15)
    assert (read(journal), len(sim.requests)) == before

    assert caught.value.candidates
    found = caught.value.candidates[0].id
    await client.v1.upgrades.append_devices(found, imeis(25), batch_size=10, journal=journal)
    before = (read(journal), len(sim.requests))
    preview = await schedule(imeis(45), batch_size=10, journal=journal, dry_run=True)
    assert (preview.report.succeeded, preview.report.unsent) == (25, 20)
    assert (preview.report.target, preview.report.requests) == (found, 2)
    assert (read(journal), len(sim.requests)) == before


async def test_a_journal_that_fails_after_the_answer_stops_the_run_and_names_the_target(
    new_sim: NewSim, new_client: NewClient, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = JournalWriter.write

    def full(self: JournalWriter, rows: Rows) -> None:
        if made(sim):
            raise JournalError("the disk is full")
        write(self, rows)

    monkeypatch.setattr(JournalWriter, "write", full)
    sim = await new_sim()
    with pytest.raises(RunStopped, match="the disk is full") as stopped:
        await SCHEDULES["v1"](new_client(sim))(imeis(35), batch_size=10, journal=journal)

    assert stopped.value.cause is StopCause.JOURNAL
    report = stopped.value.report
    assert made(sim) == [report.target]
    assert_law(report)
    assert ids_of(report, State.SUCCEEDED) == imeis(10)
    assert report.unsent == 25
    # The next start goes on from what reached the disk.
    monkeypatch.undo()
    client = new_client(sim, clock=ScaledClock(500))
    scheduled = await SCHEDULES["v1"](client)(imeis(35), batch_size=10, journal=journal)
    assert made(sim) == [scheduled.id]
    assert sim.members(scheduled.id) == set(imeis(35))


async def test_a_journal_that_fails_before_the_request_sends_nothing(
    new_sim: NewSim, new_client: NewClient, tmp_path: Path
) -> None:
    sim = await new_sim()
    other = tmp_path / "other.db"
    other.write_text("something else")
    for path in (other, tmp_path / "nowhere" / "x.db"):
        with pytest.raises(JournalError):
            await SCHEDULES["v1"](new_client(sim))(imeis(3), journal=path)

    assert sim.requests == []


CHILD = """
import asyncio, sys
from datetime import date
from fota_async import FotaClient, ScheduleUnknown

async def main(journal, devices):
    ids = [f"{n + 1:015d}" for n in range(int(devices))]
    days = {"start_date": date(2030, 1, 5), "end_date": date(2030, 1, 6)}
    options = {"batch_size": 50, "concurrency": 2, "journal": journal, "settle_delay": 0.1}
    async with FotaClient.from_env() as fota:
        upgrades = fota.v1.upgrades
        try:
            await upgrades.schedule("F", "2", ids, **days, **options)
        except ScheduleUnknown as unknown:
            if not unknown.candidates:
                return 4
            await upgrades.append_devices(unknown.candidates[0].id, ids, **options)
    return 0

sys.exit(asyncio.run(main(*sys.argv[1:])))
"""


async def start_child(sim: Simulator, journal: Path, devices: int) -> asyncio.subprocess.Process:
    names = ("key", "secret", "username", "password", "account", "base_url")
    environment = {f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in names}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", CHILD, str(journal), str(devices)),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))]
)
async def test_killed_again_and_again_it_schedules_once(
    seed: int, new_sim: NewSim, tmp_path: Path
) -> None:
    draw = random.Random(seed)
    sim = await new_sim(faults=Faults(latency=(0.02, 0.06)))
    journal = tmp_path / "enrol.db"
    killed = 0
    # Each one is killed at a moment of its own: before, during and after the request.
    for requests in [draw.choice([2, 3]), *(draw.randrange(2, 9) for _ in range(3))]:
        child = await start_child(sim, journal, 1000)
        goal = len(sim.requests) + requests
        ending = asyncio.ensure_future(child.communicate())
        while len(sim.requests) < goal and not ending.done():
            await asyncio.wait([ending], timeout=0.002)
        await asyncio.wait([ending], timeout=draw.random() * 0.06)
        if child.returncode is None:
            child.kill()
            killed += 1
        await ending
    code: int | None = 4
    errors = b""
    async with asyncio.timeout(60):
        while code == 4:
            child = await start_child(sim, journal, 1000)
            _, errors = await child.communicate()
            code = child.returncode
            # It was killed before the request left, and cannot know; who looks at the API can.
            if code == 4:
                assert made(sim) == []
                forget(journal)

    assert code == 0, errors.decode()
    assert killed >= 2
    assert asked(sim, "v1_schedule_upgrade") == 1
    (only,) = made(sim)
    assert sim.members(only) == {f"{n + 1:015d}" for n in range(1000)}
    stored = read_journal(journal)
    assert (stored.target, stored.succeeded, stored.unknown) == (only, 1000, 0)
