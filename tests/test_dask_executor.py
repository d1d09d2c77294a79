"""Runs whose requests are made by the workers of a cluster, and what must hold nevertheless."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from dask_helpers import IDS, small_cluster
from distributed import Client, LocalCluster
from helpers import (
    Events,
    Seen,
    Stub,
    counts,
    credentials_of,
    reply,
)

from fota_async import (
    BatchReport,
    DeviceBatcher,
    FotaClient,
    RunStopped,
    State,
    StopCause,
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
from fota_async.distributed import DaskExecutor, outpost
from fota_async.events import PauseEvent, RequestEvent
from fota_async.simulator import Faults, Rules, Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewStub = Callable[..., Awaitable[Stub]]
NewClient = Callable[..., FotaClient]


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
