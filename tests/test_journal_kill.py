"""`fota append --journal` is killed again and again, and goes on as if nothing had happened."""

import asyncio
import csv
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_helpers import imeis
from chaos.tap import Tap

from fota_async import State, read_journal
from fota_async.simulator import Faults, Rules, Simulator

UNDECIDED = {State.UNKNOWN, State.UNSENT}


def rules_for(ids: list[str]) -> Rules:
    return Rules(
        refuse_rate=0.01,
        poison=frozenset(ids[:: len(ids) // 2]),
        # Whatever is sent again although it was taken shows as a failure.
        appended_twice="fail",
    )


def trouble(seed: int) -> Faults:
    # Few in all: a device that is refused, or sent in vain, and gets no answer four times in a row
    # is rightly unknown, and other batches than those of the calm run draw other faults.
    return Faults(
        seed=seed,
        latency=(0.03, 0.06),
        error_after=0.01,
        error_before=0.005,
        drop_after=0.02,
        drop_before=0.005,
        torn_body=0.01,
        missing_items=0.01,
        throttle=0.03,
        throttle_seconds=0.1,
        only=frozenset({"v1_modify_upgrade"}),
    )


@attrs.define
class Enrolment:
    """One fleet, one journal, and everything that was ever sent."""

    sim: Simulator
    folder: Path
    ids: list[str]
    batch_size: int
    tap: Tap = attrs.field(init=False)
    command: list[str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        fleet = self.folder / "fleet.txt"
        fleet.write_text("\n".join(self.ids))
        self.command = [
            *(sys.executable, "-m", "fota_async", "append", "--upgrade", self.sim.upgrade_id),
            *("--journal", str(self.journal), "--batch-size", str(self.batch_size)),
            *("--concurrency", "4", "--timeout", "2", "--settle-delay", "0.2", "--json"),
            *("--report", str(self.folder / "report.csv"), str(fleet)),
        ]
        self.tap = Tap.into(self.sim)

    @property
    def journal(self) -> Path:
        return self.folder / "enrol.db"

    async def start(self) -> asyncio.subprocess.Process:
        names = ("key", "secret", "username", "password", "account", "base_url")
        environment = {f"THINGSPACE_{name.upper()}": getattr(self.sim, name) for name in names}
        return await asyncio.create_subprocess_exec(
            *self.command,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def to_the_end(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Return exit code, report, and the state of each device."""
        process = await self.start()
        async with asyncio.timeout(300):
            output, errors = await process.communicate()
        assert process.returncode in {0, 3}, errors.decode()
        report: dict[str, Any] = json.loads(output)
        with (self.folder / "report.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        states = {row["device_id"]: row["state"] for row in rows}
        assert len(states) == len(rows) == report["inputs"]
        return process.returncode, report, states

    def sent_since(self, before: dict[str, int]) -> set[str]:
        """Return the devices that were sent since `tap.sent` was like that."""
        return {device for device, n in self.tap.sent.items() if n > before.get(device, 0)}

    def decided(self) -> set[str]:
        """Return the devices that the journal calls decided."""
        if not self.journal.exists():
            return set()
        return {one.device_id for one in read_journal(self.journal) if one.state not in UNDECIDED}

    async def kill(self, draw: random.Random) -> bool:
        """Start, and kill at a random moment; return whether it was still running."""
        process = await self.start()
        goal = len(self.sim.requests) + draw.randrange(0, 10)
        ending = asyncio.create_task(process.communicate())
        while len(self.sim.requests) < goal and not ending.done():
            await asyncio.wait([ending], timeout=0.002)
        # Between two requests, too, and while it starts or settles.
        await asyncio.wait([ending], timeout=draw.choice((0.0, draw.random() * 0.5)))
        alive = process.returncode is None
        if alive:
            process.kill()
        await ending
        return alive


async def killed_again_and_again(folder: Path, devices: int, batch_size: int, kills: int) -> None:
    ids = imeis(devices)
    rules = rules_for(ids)
    (folder / "calm").mkdir()
    (folder / "killed").mkdir()
    async with Simulator(rules=rules, faults=trouble(1)) as sim:
        calm = Enrolment(sim, folder / "calm", ids, batch_size)
        expected = await calm.to_the_end()
        members = sim.members()
    draw = random.Random(20)
    killed = 0
    async with Simulator(rules=rules, faults=trouble(1)) as sim:
        again = Enrolment(sim, folder / "killed", ids, batch_size)
        for _ in range(kills):
            decided = again.decided()
            before = dict(again.tap.sent)
            killed += await again.kill(draw)
            assert not decided & again.sent_since(before), "a decided device was sent again"
        decided, before = again.decided(), dict(again.tap.sent)
        code, report, states = await again.to_the_end()

        assert not decided & again.sent_since(before), "a decided device was sent again"
        assert sim.members() == members
    assert killed > kills * 0.9
    assert states == expected[2]
    assert code == expected[0]
    for name in ("inputs", "duplicates", *State):
        assert report[name] == expected[1][name], name
    assert report["unknown"] == report["unsent"] == 0
    stored = read_journal(again.journal)
    assert {one.device_id: one.state for one in stored} == states


async def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    await killed_again_and_again(tmp_path, devices=5000, batch_size=100, kills=4)


@pytest.mark.slow
async def test_a_run_killed_50_times_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    await killed_again_and_again(tmp_path, devices=200_000, batch_size=500, kills=50)
