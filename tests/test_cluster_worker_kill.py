"""Workers are killed without warning while four accounts are enrolled: nothing is lost."""

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from cluster_helpers import (
    Enrolment,
    Shown,
    batch_size_for,
    devices_in_all,
    is_as_expected,
    servers_for,
    show,
    shown,
)
from cluster_processes import kill_workers, local_cluster

from fota_async import SessionManager, Tokens
from fota_async.distributed import DaskExecutor
from fota_async.errors import NotSentError


async def enrolled_among_kills(
    accounts: list[Enrolment], *, kills: int, between: tuple[float, float], **options: Any
) -> tuple[list[Shown], int]:
    """Return what came of the accounts, and how many workers died before their end."""
    draw = random.Random(accounts[0].seed)
    async with (
        servers_for(accounts) as servers,
        local_cluster() as client,
        DaskExecutor(client) as executor,
    ):
        killer = kill_workers(client, kills, draw, lambda: draw.uniform(*between))
        killing = asyncio.create_task(killer)
        try:
            results = await asyncio.gather(
                *(shown(one, servers, executor=executor, **options) for one in accounts)
            )
        finally:
            killed = killing.result() if killing.done() else None
            killing.cancel()
        assert killed is not None, "the runs ended before the last kill"
        return results, killed


def check(result: Shown) -> None:
    show(result)
    assert not is_as_expected(result.enrolment, result.report, result.truth)
    assert result.logins == 2
    assert result.token_requests == len(result.truth.bearers)


class DeafWorkers:
    """A client of a cluster whose one worker never answers, and is soon found to be gone."""

    def __init__(self) -> None:
        self.loop = SimpleNamespace(asyncio_loop=asyncio.get_running_loop())
        self.status = "running"
        self.asked = asyncio.Event()
        self.given_up = 0

    def submit(self, *_: Any, **__: Any) -> None:
        raise AssertionError("nothing is handed to a worker that was told nothing")

    async def run_on_scheduler(self, function: Callable[[], str]) -> str:
        return function()

    async def nthreads(self) -> dict[str, int]:
        return {} if self.asked.is_set() else {"tcp://deaf": 4}

    async def run(self, *_: Any, **__: Any) -> None:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up += 1


async def test_a_worker_that_dies_while_it_is_told_of_tokens_is_not_waited_for() -> None:
    client = DeafWorkers()
    executor = DaskExecutor(client)  # type: ignore[arg-type]  # as much of a client as is used

    async def prepare(home: SessionManager) -> None:
        place = executor.place()
        await place.take()
        try:
            with pytest.raises(NotSentError, match="left the cluster"):
                await place.prepare(Tokens("bearer", "session"), home)
        finally:
            place.give_back()

    async with AsyncExitStack() as stack, asyncio.timeout(10):
        credentials = Enrolment(number=1, devices=0).credentials
        # Accounts tell a worker one after the other.
        homes = [await stack.enter_async_context(SessionManager(credentials)) for _ in range(3)]
        await asyncio.gather(*map(prepare, homes))
        await executor.aclose()

    assert client.given_up == 1


@pytest.mark.slow
async def test_nothing_is_lost_when_workers_are_killed_20_times() -> None:
    each = devices_in_all() // 4
    accounts = [Enrolment(number=n, devices=each, rate=8.0, told=n < 3) for n in (1, 2, 3, 4)]

    results, killed = await enrolled_among_kills(
        accounts, kills=20, between=(0.1, 2.5), batch_size=batch_size_for(4 * each)
    )

    assert killed == 20
    for result in results:
        check(result)
