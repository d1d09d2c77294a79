"""`fota append` is interrupted: it ends in time, with its exit code, and its report is true."""

import asyncio
import csv
import json
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
from batch_helpers import imeis

from fota_async.simulator import Faults, Rules, Simulator

GRACE = 3.0
LATE = 0.3


def trouble(seed: int) -> Faults:
    return Faults(
        seed=seed,
        latency=(0.02, 0.06),
        error_after=0.06,
        error_before=0.06,
        drop_after=0.06,
        drop_before=0.06,
        hang_after=0.03,
        torn_body=0.03,
        throttle=0.03,
        throttle_seconds=0.2,
        missing_items=0.05,
        odd_status=0.05,
        read_lag=0.2,
        late_write=0.5,
        late_write_seconds=LATE,
        only=frozenset({"v1_modify_upgrade"}),
    )


@attrs.define
class Command:
    """A `fota append` in a process of its own.

    Attributes:
        process: The process.
        csv: Its report, a row a device.
        output: What it printed, once it ended.
    """

    process: asyncio.subprocess.Process
    csv: Path
    output: tuple[str, str] = ("", "")

    async def seconds_to_its_end(self) -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        async with asyncio.timeout(90):
            output, errors = await self.process.communicate()
        self.output = output.decode(), errors.decode()
        return loop.time() - begun

    @property
    def report(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.output[0])
        return summary

    def states(self) -> dict[str, str]:
        with self.csv.open(newline="") as file:
            rows = list(csv.DictReader(file))
        states = {row["device_id"]: row["state"] for row in rows}
        assert len(states) == len(rows)
        return states


OPTIONS = {"batch-size": 50, "concurrency": 4, "timeout": 1, "settle-delay": 0.6}


async def append(
    sim: Simulator, folder: Path, devices: int, options: Mapping[str, float] | None = None
) -> Command:
    fleet = folder / "fleet.txt"
    fleet.write_text("\n".join(imeis(devices)))
    names = ("key", "secret", "username", "password", "account", "base_url")
    environment = {f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in names}
    out = folder / "report.csv"
    given = [f"--{name}={value}" for name, value in (OPTIONS | dict(options or {})).items()]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fota_async", "append", "--upgrade", sim.upgrade_id),
        *("--json", "--report", str(out), *given, str(fleet)),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    return Command(process, out)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a simulator's log signals nothing
            await asyncio.sleep(0.002)


def puts(sim: Simulator) -> int:
    return sum(record.method == "PUT" for record in sim.requests)


def assert_true(command: Command, members: set[str], devices: int) -> None:
    report, states = command.report, command.states()
    counted = {
        name: report[name]
        for name in ("succeeded", "failed", "pending", "invalid", "unknown", "unsent")
    }
    assert report["inputs"] == devices == sum(counted.values()) + report["duplicates"]
    assert set(states) == set(imeis(devices))
    for name, count in counted.items():
        assert sum(state == name for state in states.values()) == count
    by = {state: {d for d, s in states.items() if s == state} for state in set(states.values())}
    assert by.get("succeeded", set()) <= members
    assert members.isdisjoint(by.get("failed", set()) | by.get("unsent", set()))


async def interrupted(folder: Path, seed: int) -> None:
    draw = random.Random(seed)
    number = draw.choice((signal.SIGINT, signal.SIGTERM))
    # The first moment is that of the token request; the run would send a hundred and more.
    moment = draw.choice((0, 1, draw.randrange(2, 30), draw.randrange(30, 80)))
    rules = Rules(refuse_rate=0.02, poison=frozenset(imeis(1, first=draw.randrange(1, 5000))))
    async with Simulator(faults=trouble(seed), rules=rules) as sim:
        command = await append(sim, folder, 5000, {"grace": GRACE})
        await until(lambda: bool(sim.requests) and puts(sim) >= moment)
        command.process.send_signal(number)
        seconds = await command.seconds_to_its_end()
        # What was on its way when the process ended lands so late at most.
        await asyncio.sleep(LATE + 0.2)

        assert command.process.returncode == 128 + number, command.output
        assert command.report["stopped"] == "interrupted"
        assert command.report["input_complete"]
        assert seconds <= GRACE + 5.0
        assert_true(command, sim.members(), 5000)


@pytest.mark.parametrize("seed", [2, 9])
async def test_an_interrupted_command_ends_in_time_and_its_report_is_true(
    tmp_path: Path, seed: int
) -> None:
    await interrupted(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
async def test_commands_interrupted_at_random_moments(tmp_path: Path, seed: int) -> None:
    await interrupted(tmp_path, seed)


async def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    faults = Faults(hang_after=1.0, only=frozenset({"v1_modify_upgrade"}))
    async with Simulator(faults=faults) as sim:
        command = await append(sim, tmp_path, 1000, {"grace": 60, "timeout": 60})
        await until(lambda: puts(sim) >= 4)
        command.process.send_signal(signal.SIGINT)
        # Another one than the first: two of a kind could become one on their way.
        command.process.send_signal(signal.SIGTERM)
        seconds = await command.seconds_to_its_end()

        assert command.process.returncode in {130, 143}
        assert seconds < 5.0
        assert (command.report["unknown"], command.report["unsent"]) == (200, 800)
        assert_true(command, sim.members(), 1000)


async def test_a_password_that_stops_working_ends_the_command_with_1_after_one_login(
    tmp_path: Path,
) -> None:
    async with Simulator(faults=Faults(latency=0.05)) as sim:
        command = await append(sim, tmp_path, 5000, {"concurrency": 32})
        await until(lambda: puts(sim) >= 10)
        sim._world.access.password = "another"
        sim.expire_sessions()
        await command.seconds_to_its_end()

        assert command.process.returncode == 1
        assert sim.stats()["refused_logins"] == 1
        assert command.report["stopped"] == "credentials"
        assert command.report["succeeded"] == len(sim.members()) > 0
        assert command.report["unsent"] == 5000 - command.report["succeeded"]
        assert "password" in command.output[1].lower()
        assert_true(command, sim.members(), 5000)
