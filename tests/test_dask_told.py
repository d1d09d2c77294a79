"""What workers are told before a try is handed to them, and what they forget."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from dask_helpers import IDS, name_of
from distributed import Client

from fota_async import (
    FotaClient,
    RetryPolicy,
    RunStopped,
    SessionEndedError,
    Tokens,
)
from fota_async.distributed import DaskExecutor, outpost
from fota_async.distributed.cluster import Cluster
from fota_async.options import WireOptions
from fota_async.simulator import Simulator

NewSim = Callable[..., Awaitable[Simulator]]
NewClient = Callable[..., FotaClient]


async def test_workers_forget_the_tokens_when_the_executor_is_closed(
    new_sim: NewSim, new_client: NewClient, cluster: Client
) -> None:
    sim = await new_sim()
    client = new_client(sim)
    async with DaskExecutor(cluster) as executor:
        await client.v1.upgrades.append_devices(sim.upgrade_id, IDS, executor=executor)
        assert outpost._outposts
    assert not outpost._outposts


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
