"""`--workers`: processes on this machine make the requests, know no secret, and end in time."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import psutil
import pytest
from batch_helpers import imeis
from test_signals import GRACE, LATE, Command, assert_true, puts, trouble, until

from fota_async.simulator import Faults, Simulator


@attrs.define
class Crew:
    """A command with worker processes, in a process group of its own."""

    command: Command
    seen: set[psutil.Process] = attrs.field(factory=set)

    @property
    def pid(self) -> int:
        return self.command.process.pid

    def workers(self) -> list[psutil.Process]:
        """Return the processes that it has now and started for work."""
        children = [
            one
            for one in psutil.Process(self.pid).children(recursive=True)
            if one.status() != psutil.STATUS_ZOMBIE
        ]
        self.seen.update(children)
        return [one for one in children if "spawn_main" in " ".join(one.cmdline())]

    def signal_all(self, number: int) -> None:
        os.killpg(self.pid, number)

    async def none_is_left(self) -> None:
        gone = asyncio.to_thread(psutil.wait_procs, list(self.seen), timeout=10)
        assert self.seen
        assert (await gone)[1] == []


@asynccontextmanager
async def append(
    sim: Simulator, folder: Path, devices: int, **options: object
) -> AsyncIterator[Crew]:
    fleet, report = folder / "fleet.txt", folder / "report.csv"
    fleet.write_text("\n".join(imeis(devices)))
    names = ("key", "secret", "username", "password", "account", "base_url")
    given = {"workers": 2, "batch-size": 20, "settle-delay": 0.6, "report": report, **options}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fota_async", "append", "--upgrade", sim.upgrade_id, "--json"),
        *(f"--{name.replace('_', '-')}={value}" for name, value in given.items()),
        str(fleet),
        env={**os.environ, **{f"THINGSPACE_{name.upper()}": getattr(sim, name) for name in names}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    crew = Crew(Command(process, report))
    try:
        yield crew
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def port_of(sim: Simulator) -> int:
    return int(sim.base_url.rpartition(":")[2])


def assert_quiet(errors: str) -> None:
    """Nothing but what commands say themselves is on the terminal."""
    for foreign in ("Traceback", "Warning", "warn(", "distributed", "Task ", "asyncio"):
        assert foreign not in errors


async def test_workers_make_the_requests_and_have_no_secret(tmp_path: Path) -> None:
    async with Simulator(faults=Faults(latency=0.02)) as sim:
        secrets = {sim.key, sim.secret, sim.username, sim.password}
        async with append(sim, tmp_path, 20_000, max_rate=40) as crew:
            await until(lambda: puts(sim) >= 20)
            first = crew.workers()
            assert len(first) == 2
            for worker in first:
                there = worker.net_connections(kind="tcp")
                assert any(one.raddr and one.raddr.port == port_of(sim) for one in there)
            for process in (psutil.Process(crew.pid), *crew.seen):
                listening = [o for o in process.net_connections() if o.status == "LISTEN"]
                assert {one.laddr.ip for one in listening} <= {"127.0.0.1"}
            first[0].kill()
            await until(lambda: len({*crew.workers(), *first}) == 3)
            told = [one.environ() for one in crew.seen if one.is_running() and one != first[0]]
            crew.signal_all(signal.SIGINT)
            await crew.command.seconds_to_its_end()

        assert len(told) == 3  # both workers, and what cleans up after processes
        for environment in told:
            assert not [name for name in environment if name.startswith("THINGSPACE_")]
            assert secrets.isdisjoint(environment.values())
        assert crew.command.process.returncode == 130
        assert crew.command.report["succeeded"] == len(sim.members())
        assert_true(crew.command, sim.members(), 20_000)
        assert_quiet(crew.command.output[1])
        await crew.none_is_left()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_leaves_workers_the_grace_of_the_run(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with Simulator(faults=trouble(5)) as sim:
        async with append(sim, tmp_path, 8000, grace=GRACE, timeout=1) as crew:
            await until(lambda: puts(sim) >= 30)
            crew.workers()
            crew.signal_all(number)
            seconds = await crew.command.seconds_to_its_end()
        await asyncio.sleep(LATE + 0.2)

        assert crew.command.process.returncode == 128 + number, crew.command.output
        assert crew.command.report["stopped"] == "interrupted"
        assert crew.command.report["succeeded"] > 0
        assert seconds <= GRACE + 5.0
        assert_true(crew.command, sim.members(), 8000)
        assert_quiet(crew.command.output[1])
        await crew.none_is_left()


@pytest.mark.slow
async def test_a_second_signal_ends_it_at_once_and_its_workers(tmp_path: Path) -> None:
    faults = Faults(hang_after=1.0, only=frozenset({"v1_modify_upgrade"}))
    async with Simulator(faults=faults) as sim:
        async with append(sim, tmp_path, 1000, grace=60, timeout=60) as crew:
            await until(lambda: puts(sim) >= 4)
            crew.workers()
            crew.signal_all(signal.SIGINT)
            crew.signal_all(signal.SIGTERM)
            seconds = await crew.command.seconds_to_its_end()

        assert crew.command.process.returncode in {130, 143}
        assert seconds < 10.0
        assert crew.command.report["unknown"] >= 20 * puts(sim)
        assert_true(crew.command, sim.members(), 1000)
        assert_quiet(crew.command.output[1])
        await crew.none_is_left()


async def test_interrupted_while_workers_start_it_sends_nothing(tmp_path: Path) -> None:
    async with Simulator() as sim:
        async with append(sim, tmp_path, 1000) as crew:
            await until(lambda: len(crew.workers()) == 2)
            crew.signal_all(signal.SIGINT)
            await crew.command.seconds_to_its_end()

        assert crew.command.process.returncode == 130
        assert crew.command.output == ("", "")
        assert puts(sim) == 0
        await crew.none_is_left()


@pytest.mark.slow
async def test_killed_it_leaves_no_worker_and_the_same_command_goes_on(tmp_path: Path) -> None:
    async with Simulator(faults=Faults(latency=(0.02, 0.06), drop_after=0.05, seed=3)) as sim:
        given = {"journal": tmp_path / "run.db", "timeout": 1}
        async with append(sim, tmp_path, 2000, **given) as killed:
            await until(lambda: puts(sim) >= 30)
            killed.workers()
            killed.command.process.kill()
            await killed.command.seconds_to_its_end()
            await killed.none_is_left()
        assert_quiet(killed.command.output[1])
        before = len(sim.members())
        async with append(sim, tmp_path, 2000, **given) as again:
            await again.command.seconds_to_its_end()

        assert 0 < before < 2000
        assert again.command.report["succeeded"] == 2000 == len(sim.members())
        assert_true(again.command, sim.members(), 2000)
