"""Four accounts on a cluster of two processes, with everything going wrong: nothing is lost."""

import asyncio
from typing import Any

import pytest
from cluster_helpers import (
    FULL_SIZE,
    Enrolment,
    Shown,
    devices_in_all,
    is_as_expected,
    local_cluster,
    servers_for,
    show,
    shown,
)

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


async def test_nothing_is_lost_on_a_cluster() -> None:
    for result in await enrolled(40_000, batch_size=250):
        check(result)


@pytest.mark.slow
async def test_nothing_of_a_million_devices_is_lost() -> None:
    for result in await enrolled(devices_in_all(FULL_SIZE)):
        check(result)
