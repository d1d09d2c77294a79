"""Four accounts on a cluster of two processes, with everything going wrong: nothing is lost."""

import asyncio
from pathlib import Path
from typing import Any

import distributed
import pytest
from cluster_helpers import (
    Enrolment,
    Shown,
    batch_size_for,
    devices_in_all,
    is_as_expected,
    law_is_kept,
    servers_for,
    show,
    shown,
)
from cluster_processes import local_cluster, own_processes

from fota_async import RetryPolicy, State
from fota_async.distributed import DaskExecutor


def four_accounts(devices: int, *, seed: int = 0, **options: Any) -> list[Enrolment]:
    each = devices // 4
    return [
        Enrolment(number=1, devices=each, rate=20.0, told=True, seed=seed, **options),
        Enrolment(number=2, devices=each, rate=25.0, told=True, seed=seed, **options),
        Enrolment(number=3, devices=each, rate=20.0, seed=seed, **options),
        Enrolment(number=4, devices=each, seed=seed, **options),
    ]


async def enrolled(devices: int, *, seed: int = 0, **options: Any) -> list[Shown]:
    accounts = four_accounts(devices, seed=seed)
    async with (
        servers_for(accounts) as servers,
        local_cluster() as client,
        DaskExecutor(client) as executor,
    ):
        return await asyncio.gather(
            *(shown(one, servers, executor=executor, **options) for one in accounts)
        )


def check(result: Shown) -> None:
    show(result)
    assert not is_as_expected(result.enrolment, result.report, result.truth)
    assert not result.truth.decided_and_sent
    sessions = 2 if len(result.truth.requests) > 45 else 1
    assert result.logins == sessions
    assert result.token_requests == len(result.truth.bearers)
    if result.enrolment.told:
        # The cluster may hold a request up, so that it comes together with the next ones.
        assert result.truth.most_a_second(5) <= result.enrolment.rate * 1.2


@pytest.mark.slow
async def test_nothing_of_a_large_fleet_is_lost() -> None:
    devices = devices_in_all()
    for result in await enrolled(devices, batch_size=batch_size_for(devices)):
        check(result)


@pytest.mark.slow
async def test_a_run_whose_scheduler_dies_ends_with_a_true_report(tmp_path: Path) -> None:
    account = Enrolment(number=1, devices=20_000, rate=8.0, told=True)
    async with (
        servers_for([account]) as servers,
        own_processes(tmp_path) as cluster,
        distributed.Client(cluster.address, asynchronous=True) as client,
        DaskExecutor(client, worker_timeout=5.0) as executor,
        asyncio.timeout(120),
    ):
        running = asyncio.create_task(
            shown(
                account,
                servers,
                executor=executor,
                batch_size=100,
                client={"retry": RetryPolicy(seconds=5.0)},
            )
        )
        # Nobody tells of another process's requests.
        while await servers.requests() < 30:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert cluster.scheduler is not None
        cluster.scheduler.kill()
        result = await running

    show(result)
    report, members = result.report, result.truth.members
    assert report.stopped == "error"
    assert law_is_kept(report)
    assert report.inputs == account.devices
    assert 0 < report.succeeded < account.devices
    by_state: dict[State, set[str]] = {state: set() for state in State}
    for outcome in report:
        by_state[outcome.state].add(outcome.device_id)
    assert by_state[State.SUCCEEDED] <= members
    assert not members & (by_state[State.UNSENT] | by_state[State.FAILED])
