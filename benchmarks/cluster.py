"""What it costs to have a cluster make the tries, beside making them in place."""

# ruff: noqa: PLC0415  # the parent, which imports this too, stays small

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from math import ceil
from typing import TYPE_CHECKING

from benchmarks import library
from benchmarks.frame import Scale, Section, medians, table
from benchmarks.names import CLUSTER, IN_PLACE, LOCAL_CLUSTER
from benchmarks.servers import Servers, running
from benchmarks.turn import Figures, Turn
from benchmarks.usage import measured

if TYPE_CHECKING:
    import distributed

CONCURRENCY = 32
WORKERS = 2
REQUESTS = {100: 2000, 1000: 1000, 5000: 500}
"""Requests by devices a request, where CPU is measured."""
LATENCIES = (0.2, 0.05)
BATCH = 1000
"""Devices a request where wall time is measured."""
TEXT = """\
The same append, each of its requests sent in place or by the workers of a Dask cluster on the same
machine: {workers} worker processes with {threads} threads each, so at most {concurrency} requests
in flight, connections without TLS. The coordinator is the process that has the run. The scheduler
is a process of its own, or, as `LocalCluster` has it, in the coordinator. CPU is user and system,
of all threads; all processes are coordinator, scheduler, workers and what watches over them,
without the server. For CPU: {counts}; answers without delay.

Wall time: {devices:,} devices in batches of {batch:,}, as under "Wall time", the clients warm. All
processes share the machine's cores, where a real cluster brings its own.

The cluster is there so that a campaign outlives its workers' machines, not to be faster: the rate
limit of an account is the same from wherever its requests come."""


def measure(scale: Scale) -> Section:
    """Measure what the way through the cluster costs."""
    requests = {batch: count // scale.pick(1, 10) for batch, count in REQUESTS.items()}
    latencies = LATENCIES[:1] if scale.quick else LATENCIES
    waves = scale.pick(32, 10)
    with running([0.0, *latencies]) as servers:
        turns: dict[tuple[float, str], Turn] = {
            (batch, client): turn
            for batch, count in requests.items()
            for client, turn in _clients(servers, 0.0, batch * count, batch, warm_up=1).items()
        }
        rise = sum(range(CONCURRENCY + 1))
        turns |= {
            (latency, client): turn
            for latency in latencies
            for client, turn in _clients(
                servers, latency, waves * CONCURRENCY * BATCH, BATCH, warm_up=rise
            ).items()
        }
        found = medians(turns, scale.rounds)
    clients = [IN_PLACE, CLUSTER, LOCAL_CLUSTER]

    def cpu(figure: str, batch: int, client: str) -> str:
        cost, base = found[batch, client][figure], found[batch, IN_PLACE][figure]
        return f"{1e6 * cost / batch / requests[batch]:.2f} ({cost / base:.1f})"

    def more(figure: str, batch: int, client: str) -> str:
        difference = found[batch, client][figure] - found[batch, IN_PLACE][figure]
        return f"{1000 * difference / requests[batch]:.2f}"

    def wall(latency: float, client: str) -> str:
        seconds = found[latency, client]["wall"]
        return f"{seconds / (waves * latency):.2f} ({seconds:.2f} s)"

    by_batch = [f"{batch:,}" for batch in requests]
    counts = ", ".join(
        f"{batch * count:,} devices in batches of {batch:,}" for batch, count in requests.items()
    )
    return Section(
        "Through a cluster",
        TEXT.format(
            workers=WORKERS,
            threads=ceil(CONCURRENCY / WORKERS),
            concurrency=CONCURRENCY,
            counts=counts,
            devices=waves * CONCURRENCY * BATCH,
            batch=BATCH,
        ),
        [
            *(
                table(
                    [f"CPU of {whose}, microseconds a device (x in place)", *by_batch],
                    [[client, *(cpu(figure, b, client) for b in requests)] for client in clients],
                )
                for figure, whose in (("cpu", "the coordinator"), ("cpu_of_all", "all processes"))
            ),
            table(
                ["more CPU than in place, milliseconds a request", *by_batch],
                [
                    [f"{client}: {whose}", *(more(figure, batch, client) for batch in requests)]
                    for client in clients[1:]
                    for figure, whose in (("cpu", "coordinator"), ("cpu_of_all", "all processes"))
                ],
            ),
            table(
                [
                    "wall time x ideal, answers after",
                    *(f"{1000 * latency:g} ms" for latency in latencies),
                ],
                [[client, *(wall(latency, client) for latency in latencies)] for client in clients],
            ),
        ],
    )


def append(
    base_url: str, /, devices: int, batch: int, *, warm_up: int, client: str = IN_PLACE
) -> Figures:
    """Append devices, in place or through a cluster, and measure that.

    Args:
        base_url: Where the server is.
        devices: How many.
        batch: Devices a request.
        warm_up: Requests before the measurement, of one device each, made the same way.
        client: `IN_PLACE`, `CLUSTER` or `LOCAL_CLUSTER`.
    """
    from fota_async.distributed import DaskExecutor

    job = base_url, devices, batch, CONCURRENCY

    async def run() -> Figures:
        if client == IN_PLACE:
            return await library.append_by(_all_measured, *job, warm_up=warm_up)
        async with (
            _cluster(own_scheduler=client == CLUSTER) as dask,
            DaskExecutor(dask) as executor,
        ):
            return await library.append_by(_all_measured, *job, warm_up=warm_up, executor=executor)

    return asyncio.run(run())


def _clients(
    servers: Servers, latency: float, devices: int, batch: int, *, warm_up: int
) -> dict[str, Turn]:
    """Return the turn of each client."""
    return {
        client: servers.turn(latency, append, devices, batch, warm_up=warm_up, client=client)
        for client in (IN_PLACE, CLUSTER, LOCAL_CLUSTER)
    }


@asynccontextmanager
async def _cluster(*, own_scheduler: bool) -> AsyncIterator["distributed.Client"]:
    """Give a client of a cluster on loopback, with all of its workers there."""
    from distributed import Client, LocalCluster, SubprocessCluster

    make = SubprocessCluster if own_scheduler else LocalCluster
    async with (
        make(
            n_workers=WORKERS,
            threads_per_worker=ceil(CONCURRENCY / WORKERS),
            asynchronous=True,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster, asynchronous=True) as client,  # type: ignore[no-untyped-call]  # as it is
    ):
        await client.wait_for_workers(WORKERS)
        yield client


@contextmanager
def _all_measured() -> Iterator[Figures]:
    """Measure as `measured` does, and the CPU of the processes that this one started, too.

    The figure ``cpu_of_all`` is the CPU seconds of them and of this one.
    """
    import psutil  # type: ignore[import-untyped]  # it comes with distributed, its types do not

    family = psutil.Process().children(recursive=True)

    def used() -> float:
        return sum(sum(one.cpu_times()[:2]) for one in family)

    before = used()
    with measured() as figures:
        yield figures
    figures["cpu_of_all"] = figures["cpu"] + used() - before
