"""Dask clusters of real processes, and how their workers die."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import dask
import distributed

import fota_async

LOOPBACK = "127.0.0.1:0"
_SOURCE = str(Path(fota_async.__file__).parents[1])


@asynccontextmanager
async def _workers_are_kept() -> AsyncIterator[None]:
    """Have a cluster start workers again however often they are killed.

    As it is, it gives up one that is not there 15 s after a death, if only because of the next one.
    """
    with dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"}):
        yield


@asynccontextmanager
async def local_cluster(workers: int = 2, threads: int = 8) -> AsyncIterator[distributed.Client]:
    """Run a cluster of this machine, each worker a process; yield an asynchronous client."""
    async with (
        _workers_are_kept(),
        distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=True,
            dashboard_address=LOOPBACK,
            worker_dashboard_address=LOOPBACK,
            asynchronous=True,
        ) as cluster,
        distributed.Client(cluster, asynchronous=True) as client,
    ):
        yield client


def running_workers(client: distributed.Client) -> list[int]:
    """Return the process ids of the workers that will be replaced when they die.

    A nanny starts no other process for one that dies before the nanny knows that it runs.
    """
    processes = [nanny.process for nanny in client.cluster.workers.values() if nanny.process]
    return [one.pid for one in processes if one.status is distributed.core.Status.running]


async def kill_workers(
    client: distributed.Client, times: int, draw: random.Random, moment: Callable[[], float]
) -> int:
    """Kill a worker at random again and again, without any warning; return how many died."""
    dead: set[int] = set()
    while len(dead) < times:
        await asyncio.sleep(moment())
        if alive := sorted(set(running_workers(client)) - dead):
            victim = draw.choice(alive)
            os.kill(victim, signal.SIGKILL)
            dead.add(victim)
    return len(dead)


@attrs.define
class OwnProcesses:
    """A cluster whose scheduler and workers are commands of their own, as on other machines.

    Attributes:
        folder: Where they keep their files and logs.
        environment: What they get beside the environment of the tests.
        address: Of the scheduler.
        scheduler: Its process.
        workers: Theirs.
    """

    folder: Path
    environment: dict[str, str] = attrs.field(factory=dict)
    address: str = ""
    scheduler: asyncio.subprocess.Process | None = None
    workers: list[asyncio.subprocess.Process] = attrs.field(factory=list)

    async def start_scheduler(self) -> None:
        self.scheduler = await self._start(
            "scheduler",
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", LOOPBACK),
        )
        async with asyncio.timeout(60):
            while not (found := self._found_address()):  # noqa: ASYNC110 - a process signals nothing
                await asyncio.sleep(0.05)
        self.address = found

    def _found_address(self) -> str:
        for line in self.log("scheduler").splitlines():
            _, mark, address = line.partition("Scheduler at:")
            if mark:
                return address.strip()
        return ""

    async def start_worker(self, *options: str, threads: int = 8, host: str = "127.0.0.1") -> None:
        name = f"worker-{len(self.workers)}"
        options = (*(("--host", host) if host else ()), *options)
        self.workers.append(
            await self._start(
                name,
                *("worker", self.address, "--nthreads", str(threads), "--nworkers", "1"),
                *("--dashboard-address", LOOPBACK, "--local-directory", str(self.folder)),
                *options,
            )
        )

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    async def _start(self, name: str, *command: str) -> asyncio.subprocess.Process:
        with (self.folder / f"{name}.log").open("w") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "dask", *command),
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": _SOURCE, **self.environment},
                stdout=log,
                stderr=log,
            )

    async def stop(self) -> None:
        for process in [*self.workers, *filter(None, [self.scheduler])]:
            if process.returncode is None:
                process.terminate()
        for process in [*self.workers, *filter(None, [self.scheduler])]:
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def own_processes(
    folder: Path, workers: int = 2, threads: int = 8, **environment: str
) -> AsyncIterator[OwnProcesses]:
    """Run a cluster of processes that outlive whoever uses it."""
    cluster = OwnProcesses(folder, environment)
    try:
        await cluster.start_scheduler()
        for _ in range(workers):
            await cluster.start_worker(threads=threads)
        yield cluster
    finally:
        await cluster.stop()
