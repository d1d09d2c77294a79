"""Runs whose requests are made by the workers of a cluster, and what must hold nevertheless."""

import asyncio
import inspect
import json
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from anyio.from_thread import start_blocking_portal
from dask_helpers import small_cluster
from distributed import Client, LocalCluster, Scheduler, Worker
from helpers import (
    UPGRADE,
    UPGRADE_PATH,
    Events,
    Seen,
    Stub,
    counts,
    credentials_of,
    never,
    reply,
    upgrade,
)
from simulator_api import imei, until

from fota_async import (
    BatchReport,
    ConfigurationError,
    ConnectionLostError,
    DeviceBatcher,
    FotaClient,
    MisuseError,
    NotSentError,
    RetryPolicy,
    RunStopped,
    SessionEndedError,
    State,
    StopCause,
    Tokens,
    _public,
    change_licenses,
    modify_campaign_v2,
    modify_campaign_v3,
    modify_upgrade,
    read_device_details,
    store_candidates,
    switch_logging,
    sync_firmware,
)
from fota_async.api.upgrades import MODIFY_UPGRADE
from fota_async.batch.operation import Operation
from fota_async.distributed import DaskExecutor, handover, outpost
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.parcel import Kit, Parcel, seal
from fota_async.events import PauseEvent, RequestEvent, WorkersEvent
from fota_async.executor import Errand, Tally
from fota_async.options import WireOptions
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]

IDS = [imei(number) for number in range(1, 401)]


def name_of(executor: DaskExecutor) -> str:
    """Return what workers call an executor."""
    return executor._teller._executor


@pytest.fixture
async def cluster() -> AsyncIterator[Client]:
    async with small_cluster() as client:
        yield client


@pytest.fixture
async def executor(cluster: Client) -> AsyncIterator[DaskExecutor]:
    async with DaskExecutor(cluster) as executor:
        yield executor


def same(report: BatchReport, other: BatchReport) -> bool:
    """Whether both say the same of every device and of the requests that it took."""
    said = [{**one.summary(), "seconds": 0, "target": ""} for one in (report, other)]
    return said[0] == said[1] and list(report) == list(other)


async def test_the_report_is_the_one_of_a_run_in_place(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim(rules=Rules(refuse_rate=0.1))
    client = new_client(sim)
    devices = [*IDS, IDS[0], "12345"]
    here, there = sim.add_upgrade(), sim.add_upgrade()

    in_place = await client.v1.upgrades.append_devices(here, devices, batch_size=20)
    report = await client.v1.upgrades.append_devices(
        there, devices, batch_size=20, executor=executor
    )

    assert same(report, in_place)
    assert report.failed
    assert sim.members(here) == sim.members(there)
    assert counts(sim)["session_login"] == counts(sim)["oauth_create_token"] == 1


def operations(sim: Simulator) -> list[tuple[Operation, dict[str, Any]]]:
    """Return one of each kind, with the options of its run; those that undo others come later."""
    account, quick = sim.account, {"settle_delay": 0.0}
    v2, v3 = sim.add_campaign("v2"), sim.add_campaign("v3")
    return [
        (modify_upgrade("append", account, sim.upgrade_id), quick),
        (modify_upgrade("remove", account, sim.upgrade_id), quick),
        (modify_campaign_v2("append", account, v2, settle=True), quick),
        (modify_campaign_v2("remove", account, v2), quick),
        (modify_campaign_v3("append", account, v3), quick),
        (modify_campaign_v3("remove", account, v3), quick),
        (change_licenses("assign", account), quick),
        (change_licenses("remove", account), quick),
        (change_licenses("assign", account, "v1"), quick),
        (store_candidates("replace", account, "v1"), quick),
        (store_candidates("append", account, "v1"), quick),
        (switch_logging("enable", account), quick),
        (switch_logging("disable", account), quick),
        (read_device_details(account), quick),
        (sync_firmware(account), quick),
    ]


async def test_every_operation_goes_through_the_cluster(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    reports: list[list[BatchReport]] = [[], []]
    for where, said in zip((None, executor), reports, strict=True):
        sim = await new_sim()
        session = new_client(sim).session
        for operation, options in operations(sim):
            batcher = DeviceBatcher(session, operation, batch_size=5, executor=where, **options)
            said.append(await batcher.run(IDS[:20]))

    assert all(same(*pair) for pair in zip(*reports, strict=True))
    assert {report.inputs for report in reports[0]} == {20}


def test_no_operation_is_missing_above() -> None:
    makers = {
        name
        for name, made in vars(_public).items()
        if inspect.isfunction(made) and inspect.signature(made).return_annotation is Operation
    }

    assert makers == {
        "change_licenses",
        "modify_campaign_v2",
        "modify_campaign_v3",
        "modify_upgrade",
        "read_device_details",
        "store_candidates",
        "switch_logging",
        "sync_firmware",
    }


async def test_what_follows_a_schedule_request_goes_through_the_cluster(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim, events = await new_sim(), Events()
    client = new_client(sim, on_event=events)
    scheduled = await client.v1.upgrades.schedule(
        "F",
        "2",
        IDS,
        start_date=date(2027, 1, 4),
        end_date=date(2027, 1, 8),
        batch_size=100,
        executor=executor,
    )

    assert sim.members(scheduled.id) == set(IDS)
    assert scheduled.report.succeeded == len(IDS)
    runs = {event.run for event in events.of(RequestEvent) if event.route == MODIFY_UPGRADE.name}
    assert len(runs) == 1
    assert None not in runs


async def test_a_dry_run_needs_no_worker(new_sim: NewSim, new_client: NewClient) -> None:
    client = new_client(await new_sim())
    async with small_cluster(workers=0) as cluster, asyncio.timeout(5):
        report = await client.v1.upgrades.append_devices(
            Simulator.upgrade_id, IDS, dry_run=True, executor=DaskExecutor(cluster)
        )

    assert report.unsent == len(IDS)


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


async def test_a_worker_makes_as_many_tries_at_once_as_it_has_threads(
    new_stub: NewStub, new_client: NewClient, executor: DaskExecutor
) -> None:
    at_once, most, go_on = 0, 0, asyncio.Event()

    async def hold(seen: Seen) -> bytes:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        if most == 8:
            asyncio.get_running_loop().call_later(0.1, go_on.set)
        await go_on.wait()
        at_once -= 1
        rows = [
            {"deviceId": device, "status": "AddDeviceSucceed", "Reason": "success"}
            for device in json.loads(seen.body)["deviceList"]
        ]
        return reply({"deviceList": rows})

    client = new_client(await new_stub(hold))
    async with asyncio.timeout(20):
        report = await client.v1.upgrades.append_devices(
            Simulator.upgrade_id, IDS, batch_size=10, concurrency=20, executor=executor
        )

    assert report.succeeded == len(IDS)
    assert most == 8


async def test_one_rate_holds_for_all_workers(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim()
    client = new_client(sim, max_rate=50)
    await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, batch_size=10, executor=executor)

    at = sorted(one.at for one in sim.requests if one.route == "v1_modify_upgrade")
    assert len(at) == 40
    # No second saw more than it may; a moment is let for requests that were under way.
    assert at[-1] - at[0] >= 39 / 50 - 0.1


async def test_a_pause_holds_back_all_workers(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim(rules=Rules(rate=1e-9, burst=4, retry_after=2))
    told: list[float] = []

    def hear(event: Any) -> None:
        if isinstance(event, PauseEvent):
            told.append(sim.requests[-1].at)
            sim.rules = Rules()

    report = await new_client(sim, on_event=hear).v1.upgrades.append_devices(
        sim.upgrade_id, IDS, batch_size=10, executor=executor
    )

    changes = [one for one in sim.requests if one.route == "v1_modify_upgrade"]
    first = next(one.at for one in changes if one.status == 429)
    meanwhile = [one.at for one in changes if first < one.at < first + 2]
    assert report.succeeded == len(IDS)
    # What was on its way when the answer came arrives; the first limit is eight in flight.
    assert len(meanwhile) < 8
    assert not [at for at in meanwhile if at > told[0] + 1]


async def test_a_refused_login_is_the_only_one_of_the_cluster(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim()
    client = new_client(sim, credentials=credentials_of(sim, password="another one"))
    runs = [
        client.v1.upgrades.append_devices(sim.add_upgrade(), IDS, batch_size=10, executor=executor)
        for _ in range(4)
    ]
    ended = await asyncio.gather(*runs, return_exceptions=True)

    assert {one.cause for one in ended if isinstance(one, RunStopped)} == {StopCause.CREDENTIALS}
    assert len(ended) == 4
    assert (sim.stats()["logins"], sim.stats()["refused_logins"]) == (0, 1)


async def test_tokens_that_end_are_renewed_once_whatever_the_workers_have_in_flight(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim, made = await new_sim(), 0

    def hear(event: Any) -> None:
        nonlocal made
        if isinstance(event, RequestEvent) and event.status == 200:
            made += 1
            {10: sim.expire_sessions, 20: sim.expire_tokens}.get(made, int)()

    report = await new_client(sim, on_event=hear).v1.upgrades.append_devices(
        sim.upgrade_id, IDS, batch_size=10, executor=executor
    )

    assert report.succeeded == len(IDS)
    assert counts(sim)["session_login"] == 2
    assert counts(sim)["oauth_create_token"] == 2


async def test_a_run_that_is_cancelled_leaves_a_true_report(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor
) -> None:
    sim = await new_sim(faults=Faults(latency=0.05))
    client = new_client(sim)
    run = client.v1.upgrades.append_devices(
        sim.upgrade_id, IDS, batch_size=10, concurrency=4, settle_delay=0.1, executor=executor
    )
    running = asyncio.ensure_future(run)
    while not run.report.succeeded:  # noqa: ASYNC110 - what is waited for signals nothing
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    report = run.report
    taken = {one.device_id for one in report if one.state is State.SUCCEEDED}
    assert report.inputs == len(IDS) == report.succeeded + report.unsent
    assert taken == sim.members()
    assert report.unsent


async def test_a_client_with_a_thread_of_its_own_serves_as_well(
    new_sim: NewSim, new_client: NewClient
) -> None:
    sim = await new_sim()
    client = new_client(sim)

    def start() -> tuple[LocalCluster, Client]:
        cluster = LocalCluster(
            n_workers=1,
            threads_per_worker=4,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        )
        return cluster, Client(cluster)

    cluster, dask = await asyncio.to_thread(start)
    try:
        async with DaskExecutor(dask) as executor:
            report = await client.v1.upgrades.append_devices(
                sim.upgrade_id, IDS, batch_size=10, executor=executor
            )
    finally:
        await asyncio.to_thread(dask.close)
        await asyncio.to_thread(cluster.close)

    assert report.succeeded == len(IDS)
    assert sim.members() == set(IDS)


async def test_workers_forget_the_tokens_when_the_executor_is_closed(
    new_sim: NewSim, new_client: NewClient, cluster: Client
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    async with DaskExecutor(cluster) as executor:
        await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
        assert outpost._outposts
    assert not outpost._outposts


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


def patiently() -> WireOptions:
    return {"timeout": 200.0, "connect_timeout": 20.0}


async def test_a_worker_that_waits_longer_is_waited_for_longer(
    new_sim: NewSim, new_client: NewClient, cluster: Client
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    async with DaskExecutor(cluster, on_worker=patiently) as executor:
        await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)

    # Else its request would be settled while it may still arrive.
    assert executor._homes.of(client.session).longest_try == 20 + 11 * 200


@attrs.frozen
class OfAVault:
    """A provider of tokens that were had by somebody else."""

    tokens: Tokens

    async def get(self) -> Tokens:
        return self.tokens

    async def bearer_refused(self, _: Tokens) -> bool:
        return False

    async def session_ended(self, _: Tokens) -> None:
        raise SessionEndedError("the vault has no other session")

    async def logout(self) -> None:
        pass


def directly() -> WireOptions:
    return {"proxy": None, "ssl": True}


@pytest.mark.parametrize("option", ["proxy", "ssl"])
async def test_what_a_worker_must_not_be_sent_is_asked_for(
    new_sim: NewSim, new_client: NewClient, cluster: Client, option: str
) -> None:
    sim = await new_sim()
    given = {"proxy": "http://name:word@127.0.0.1:9", "ssl": ssl.create_default_context()}
    vault = OfAVault(await new_client(sim).session._provider.get())
    client = new_client(sim, credentials=None, tokens=vault, **{option: given[option]})

    async with DaskExecutor(cluster) as executor:
        with pytest.raises(RunStopped, match=r"on_worker") as caught:
            await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
    assert caught.value.report.unsent == len(IDS)
    assert "word" not in str(caught.value)

    async with DaskExecutor(cluster, on_worker=directly) as executor:
        report = await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
    assert report.succeeded == len(IDS)


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


async def test_no_log_of_the_cluster_shows_a_token_or_a_device(
    new_sim: NewSim, new_client: NewClient, cluster: Client, caplog: pytest.LogCaptureFixture
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    with caplog.at_level("DEBUG", "distributed"):
        async with DaskExecutor(cluster) as executor:
            await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)

    tokens = await client.session._provider.get()
    from_dask = [one for one in caplog.records if one.name.startswith("distributed")]
    said = "\n".join(one.getMessage() for one in from_dask)
    assert outpost.equip.__name__ in said  # it was heard at all
    for secret in (tokens.bearer, tokens.session, sim.secret, sim.password):
        assert secret not in said
    assert IDS[0] not in said


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


async def test_an_executor_that_was_closed_begins_anew(
    new_sim: NewSim, new_client: NewClient, cluster: Client
) -> None:
    sim = await new_sim()
    client, executor = new_client(sim), DaskExecutor(cluster)
    for _ in range(2):
        async with executor, asyncio.timeout(20):
            report = await client.v1.upgrades.append_devices(
                sim.add_upgrade(), IDS, executor=executor
            )
        assert (report.succeeded, report.requests) == (len(IDS), 1)
        assert not report.settled


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


async def test_a_worker_forgets_tokens_although_its_answer_was_not_waited_for(
    new_sim: NewSim, new_client: NewClient, cluster: Client
) -> None:
    session, tell = new_client(await new_sim()).session, Cluster.tell
    tokens = await session._provider.get()

    async def cut(*given: Any) -> None:
        await tell(*given)
        raise asyncio.CancelledError

    async with DaskExecutor(cluster) as executor:
        place = executor.place()
        await place.take()
        with patch.object(Cluster, "tell", cut), pytest.raises(asyncio.CancelledError):
            await place.prepare(tokens, session)
        place.give_back()
        assert name_of(executor) in outpost._outposts
    assert name_of(executor) not in outpost._outposts


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


@pytest.mark.parametrize("ahead", [-1e6, 1e6])
async def test_the_clocks_of_workers_may_say_what_they_like(
    new_sim: NewSim, new_client: NewClient, executor: DaskExecutor, ahead: float
) -> None:
    sim = await new_sim()
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + ahead)
    with patch.object(outpost, "time", clock):
        client = new_client(sim, retry=RetryPolicy(tries=1, seconds=0))
        report = await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
    assert (report.succeeded, report.requests) == (len(IDS), 1)


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
