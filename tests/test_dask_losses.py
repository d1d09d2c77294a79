"""Workers, schedulers and clients that are lost, late or not there: nothing is guessed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from unittest.mock import patch

import attrs
import pytest
from anyio.from_thread import start_blocking_portal
from dask_helpers import IDS, name_of, small_cluster
from distributed import Client, LocalCluster, Worker
from helpers import (
    UPGRADE,
    UPGRADE_PATH,
    Events,
    Seen,
    Stub,
    counts,
    never,
    reply,
    upgrade,
)
from simulator_api import until

from fota_async import (
    ConnectionLostError,
    FotaClient,
    NotSentError,
    RetryPolicy,
    RunStopped,
    State,
    Tokens,
)
from fota_async.api.upgrades import MODIFY_UPGRADE
from fota_async.distributed import DaskExecutor, handover, outpost
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.parcel import Kit, Parcel, seal
from fota_async.events import RequestEvent, WorkersEvent
from fota_async.executor import Errand, Tally
from fota_async.simulator import Faults, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]


async def test_a_cluster_without_workers_ends_the_run_with_nothing_sent(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim, retry=RetryPolicy(tries=1))
    async with small_cluster(workers=0) as cluster:
        executor = DaskExecutor(cluster, worker_timeout=0.2)
        with pytest.raises(RunStopped, match=r"no worker for 0\.2 s \(worker_timeout\)") as caught:
            await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)

    assert caught.value.report.unsent == len(IDS)
    assert not sim.members()


async def test_a_cluster_without_workers_and_one_that_has_some_again_are_told_once(
    new_sim: NewSim, new_client: NewClient, caplog: pytest.LogCaptureFixture
) -> None:
    sim, events = await new_sim(), Events()
    async with small_cluster(workers=0) as cluster:
        executor = DaskExecutor(cluster, on_event=events)
        run = new_client(sim).v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
        going_on = asyncio.ensure_future(run)
        await until(lambda: bool(events))
        assert events == [WorkersEvent(workers=0)]
        here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        async with Worker(cluster.cluster.scheduler_address, nthreads=1, **here):
            assert (await going_on).succeeded == len(IDS)
            await executor.aclose()

    assert events == [WorkersEvent(workers=0), WorkersEvent(workers=1)]
    assert "workers: workers=0" in caplog.text


async def test_a_run_without_workers_holds_up_nobody_else(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim, max_concurrency=1)
    async with small_cluster(workers=0) as cluster, DaskExecutor(cluster) as executor:
        run = client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
        running = asyncio.ensure_future(run)
        async with asyncio.timeout(5):
            while not run.report.inputs:  # noqa: ASYNC110 - it signals nothing
                await asyncio.sleep(0)
            await client.v1.upgrades.get(sim.upgrade_id)
        run.stop()
        with pytest.raises(RunStopped):
            await running

    assert run.report.unsent == len(IDS)


async def test_a_run_waits_for_the_first_worker(new_sim: NewSim, new_client: NewClient) -> None:
    sim = await new_sim()
    client = new_client(sim)
    async with small_cluster(workers=0) as cluster, DaskExecutor(cluster) as executor:
        run = client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
        running = asyncio.ensure_future(run)
        assert cluster.cluster is not None
        cluster.cluster.scale(1)
        report = await running

    assert report.succeeded == len(IDS)


async def test_what_a_worker_had_that_left_is_settled(
    new_sim: NewSim, new_client: NewClient, cluster: Client, executor: DaskExecutor
) -> None:
    # Half of the requests hang, so that each worker has some when the first one leaves.
    sim = await new_sim(faults=Faults(hang_after=0.5))
    events = Events()
    client = new_client(sim, timeout=5.0, on_event=events)
    run = client.v1.upgrades.append_devices(
        sim.upgrade_id, IDS, batch_size=20, settle_delay=0.1, executor=executor
    )
    running = asyncio.ensure_future(run)
    async with asyncio.timeout(20):
        while counts(sim).get("v1_modify_upgrade", 0) < 6:  # noqa: ASYNC110 - it signals nothing
            await asyncio.sleep(0.01)
        sim.faults = Faults()
        assert isinstance(cluster.cluster, LocalCluster)
        await cluster.cluster.workers[0].close()
        report = await running

    assert report.succeeded == len(IDS)
    assert sim.members() == set(IDS)
    assert report.settled[State.SUCCEEDED] >= 20
    # Each of them was a request, and is told as one.
    tries = [event for event in events.of(RequestEvent) if event.route == MODIFY_UPGRADE.name]
    assert len(tries) == report.requests
    assert {event.error for event in tries} == {None, "ConnectionLostError", "AnswerTimeoutError"}


async def test_a_try_may_be_made_once_and_in_one_process(new_stub: NewStub) -> None:
    stub = await new_stub(lambda _: reply(upgrade()))
    kit = Kit("an-executor", 1, 1, Tokens("b", "s"), {"base_url": stub.base_url})
    told = await outpost.equip(outpost.__version__, seal(kit), None)
    errand = Errand(MODIFY_UPGRADE, "/api/fota/v1/upgrades/a/upgrade/u", b"{}")
    parcel = Parcel("an-executor", told.incarnation, 1, 1, 1, errand, Tally())
    try:
        first = await outpost.make_try(parcel)
        again = await outpost.make_try(attrs.evolve(parcel, tally=Tally()))
        late = await outpost.make_try(
            attrs.evolve(parcel, number=5, until=told.now - 0.001, tally=Tally())
        )
        untold = await outpost.make_try(attrs.evolve(parcel, number=4, generation=2, tally=Tally()))
        elsewhere = await outpost.make_try(
            attrs.evolve(parcel, number=2, incarnation="of a process that died", tally=Tally())
        )
    finally:
        await outpost.dismiss("an-executor")
    nowhere = await outpost.make_try(attrs.evolve(parcel, number=3, tally=Tally()))

    assert first.error is None
    assert not first.tally.in_doubt
    assert len(stub.asked()) == 1
    for unsent in (late, untold):
        assert isinstance(unsent.error, NotSentError)
        assert unsent.tally == Tally()
    assert untold.untold
    for made in (again, elsewhere, nowhere):
        assert isinstance(made.error, ConnectionLostError)
        assert made.error.sent == "maybe"
        assert (made.tally.requests, made.tally.in_doubt) == (1, True)


@pytest.mark.parametrize("gone", ["client", "scheduler"])
async def test_what_the_client_of_the_cluster_did_not_take_is_unsent(
    new_stub: NewStub, new_client: NewClient, gone: str
) -> None:
    arrived, ids = asyncio.Event(), list[str]()

    async def hold(seen: Seen) -> bytes:
        ids.extend(json.loads(seen.body)["deviceList"])
        arrived.set()
        return await never(seen)

    stub = await new_stub()
    stub.at[UPGRADE_PATH] = lambda seen: (
        reply(upgrade(*ids)) if seen.method == "GET" else hold(seen)
    )
    client = new_client(stub, retry=RetryPolicy(tries=1, seconds=0))
    async with small_cluster(workers=1, threads=1) as dask:
        executor = DaskExecutor(dask, worker_timeout=0.5)
        run = client.v1.upgrades.append_devices(
            UPGRADE, IDS, batch_size=10, settle_delay=0.1, executor=executor
        )
        running = asyncio.ensure_future(run)
        async with asyncio.timeout(20):
            await arrived.wait()
            assert dask.cluster is not None
            await (dask.close() if gone == "client" else dask.cluster.close())
            with pytest.raises(RunStopped) as caught:
                await running
    await outpost.dismiss(name_of(executor))  # the executor cannot reach it any more

    report = caught.value.report
    assert (report.succeeded, report.unsent, report.requests) == (10, len(IDS) - 10, 1)


async def test_the_end_of_the_clients_thread_is_no_cancellation_of_the_run() -> None:
    async def ended() -> None:  # as a loop that ends does to what runs on it
        raise asyncio.CancelledError

    with start_blocking_portal("asyncio") as portal:
        loop = SimpleNamespace(asyncio_loop=portal.call(asyncio.get_running_loop))
        cluster = Cluster(
            SimpleNamespace(loop=loop, nthreads=ended, run=ended, status="", submit=ended)
        )
        with pytest.raises(ConnectionError, match="closed meanwhile"):
            await cluster.threads()


async def test_a_request_that_reaches_its_worker_too_late_is_not_sent(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim()
    client = new_client(sim, retry=RetryPolicy(tries=1, seconds=0))
    with (
        patch.object(handover, "_BEGUN_WITHIN", -0.001),  # it is late when it leaves
        pytest.raises(RunStopped, match="too busy") as caught,
    ):
        await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)

    assert (caught.value.report.unsent, caught.value.report.requests) == (len(IDS), 0)
    assert not sim.members()


async def test_a_worker_that_left_during_a_pause_is_not_handed_the_request(
    new_sim: NewSim, new_client: NewClient, cluster: Client, executor: DaskExecutor
) -> None:
    sim = await new_sim()
    session = new_client(sim).session
    tokens, tally, place = await session._provider.get(), Tally(), executor.place()
    await place.take()
    await place.prepare(tokens, session)  # and then there may be a pause
    assert isinstance(cluster.cluster, LocalCluster)
    await asyncio.gather(*(worker.close() for worker in cluster.cluster.workers.values()))
    async with asyncio.timeout(20):
        while not executor._lookout._roster.is_empty:  # noqa: ASYNC110 - it signals nothing
            await asyncio.sleep(0.01)
    errand = Errand(MODIFY_UPGRADE, UPGRADE_PATH, b"{}")
    with pytest.raises(NotSentError, match="left the cluster"):
        await place.make(errand, tokens, tally, session)
    place.give_back()
    await outpost.dismiss(name_of(executor))  # with real workers it went with them

    assert tally == Tally()
