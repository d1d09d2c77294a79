"""A Dask cluster within the process: two workers on loopback, everything pickled on its way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from distributed import Client, LocalCluster
from simulator_api import imei

from fota_async.distributed import DaskExecutor

IDS = [imei(number) for number in range(1, 401)]


@asynccontextmanager
async def small_cluster(workers: int = 2, threads: int = 4) -> AsyncIterator[Client]:
    """Yield a client of it."""
    async with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            asynchronous=True,
            dashboard_address="127.0.0.1:0",  # it cannot be left out
        ) as cluster,
        Client(cluster, asynchronous=True) as client,
    ):
        yield client


def name_of(executor: DaskExecutor) -> str:
    """Return what workers call an executor."""
    return executor._teller._executor
