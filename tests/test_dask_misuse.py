"""What cannot work on a cluster is told before anything is sent."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from dask_helpers import IDS, small_cluster
from distributed import Client, LocalCluster, Scheduler, Worker

from fota_async import (
    ConfigurationError,
    DeviceBatcher,
    FotaClient,
    MisuseError,
    RetryPolicy,
    RunStopped,
    modify_upgrade,
)
from fota_async.distributed import DaskExecutor, outpost
from fota_async.simulator import Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]

BARE_SCHEDULER = """
import asyncio, sys
sys.modules["fota_async"] = None  # as if it were not installed
from distributed import Scheduler

async def main():
    async with Scheduler(host="127.0.0.1", port=0, dashboard_address="127.0.0.1:0") as scheduler:
        print(scheduler.address, flush=True)
        await scheduler.finished()

asyncio.run(main())
"""

BARE_WORKER = """
import asyncio, sys
sys.modules["fota_async"] = None  # as if it were not installed
from distributed import Worker

async def main():
    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    async with Worker(sys.argv[1], nthreads=1, **here) as worker:
        await worker.finished()

asyncio.run(main())
"""


async def test_a_worker_with_another_version_is_told_of(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    executor._teller._scheduler_is_fit = True  # it is the same process here
    with (
        patch.object(outpost, "__version__", "0.0.1"),
        pytest.raises(
            RunStopped, match=r"worker tcp\S+ has fota_async 0\.0\.1.*install the same version"
        ),
    ):
        await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
    assert not sim.members()


async def test_a_request_that_cannot_be_pickled_is_unsent(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim()
    lock = threading.Lock()

    def reader(_: object) -> Any:
        return lambda answer: lock and answer

    operation = attrs.evolve(modify_upgrade("append", sim.account, sim.upgrade_id), reader=reader)
    batcher = DeviceBatcher(new_client(sim).session, operation, executor=executor)
    with pytest.raises(RunStopped, match="cannot be pickled") as caught:
        await batcher.run(IDS)

    assert (caught.value.report.unsent, caught.value.report.requests) == (len(IDS), 0)


@pytest.mark.parametrize("given", ["tcp://127.0.0.1:8786", None, LocalCluster])
def test_what_is_no_client_is_refused_at_once(given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"must be a distributed\.Client"):
        DaskExecutor(given)


@pytest.mark.parametrize("given", [DaskExecutor, "dask", ThreadPoolExecutor(1)])
async def test_what_is_no_executor_is_refused_before_the_run(
    new_sim: NewSim, new_client: NewClient, given: Any
) -> None:
    sim = await new_sim()
    with pytest.raises(ConfigurationError, match=r"DaskExecutor\(client\), not "):
        await new_client(sim).v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=given)


@pytest.mark.parametrize("given", [0, -1.0, float("nan"), "3", True])
async def test_a_timeout_is_a_number_of_seconds(cluster: Client, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="worker_timeout"):
        DaskExecutor(cluster, worker_timeout=given)


async def test_an_executor_belongs_to_one_event_loop(executor: DaskExecutor) -> None:
    executor.place()

    async def elsewhere() -> None:
        executor.place()

    with pytest.raises(MisuseError, match="one executor for each loop"):
        await asyncio.to_thread(asyncio.run, elsewhere())


async def test_a_closed_client_is_not_taken_for_a_worker_without_the_library(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim, retry=RetryPolicy(tries=1, seconds=0))
    async with small_cluster() as dask:
        knows_workers, knows_none = (DaskExecutor(dask, worker_timeout=0.1) for _ in range(2))
        place = knows_workers.place()
        await place.take()
        await dask.close()
        for executor in (knows_workers, knows_none):
            with pytest.raises(RunStopped, match="the client of the cluster is closed") as caught:
                await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
            assert caught.value.report.unsent == len(IDS)
        place.give_back()


async def test_a_scheduler_without_the_library_is_told_of_before_anything_is_sent(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client, pipe = new_client(sim), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BARE_SCHEDULER, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().strip()
        here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        async with (
            Worker(address, nthreads=1, **here),
            Client(address, asynchronous=True) as dask,
            DaskExecutor(dask) as executor,
        ):
            with pytest.raises(RunStopped, match="the scheduler cannot load") as caught:
                await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
    finally:
        process.kill()
        await process.wait()

    assert (caught.value.report.unsent, caught.value.report.requests) == (len(IDS), 0)


async def test_a_worker_without_the_library_is_told_of_before_anything_is_sent(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    async with Scheduler(port=0, **here) as scheduler:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", BARE_WORKER, scheduler.address),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with (
                Client(scheduler.address, asynchronous=True) as dask,
                DaskExecutor(dask) as executor,
            ):
                with pytest.raises(RunStopped, match=r"worker .* cannot load fota_async") as caught:
                    await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
        finally:
            process.kill()
            await process.wait()

    assert "ModuleNotFoundError" in str(caught.value)
    assert (caught.value.report.unsent, caught.value.report.requests) == (len(IDS), 0)
