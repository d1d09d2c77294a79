"""The coordinator of runs on a cluster is killed again and again, and goes on where it was."""

import asyncio
import multiprocessing
import os
import random
import signal
from collections.abc import Sequence
from pathlib import Path

import attrs
import distributed
import pytest
from cluster_helpers import (
    Enrolment,
    Servers,
    Shown,
    batch_size_for,
    devices_in_all,
    enrol,
    is_as_expected,
    servers_for,
    show,
    shown,
)
from cluster_processes import own_processes

from fota_async import State, read_journal
from fota_async.distributed import DaskExecutor

UNDECIDED = {State.UNKNOWN, State.UNSENT}
_SPAWN = multiprocessing.get_context("spawn")


@attrs.frozen(kw_only=True)
class Coordinator:
    """What a process needs to run the enrolments of all accounts on a cluster."""

    scheduler: str
    accounts: Sequence[Enrolment]
    urls: Sequence[str]
    folder: Path
    batch_size: int

    def journal(self, account: Enrolment) -> Path:
        return self.folder / f"account-{account.number}.db"

    def decided(self, account: Enrolment) -> set[str]:
        """Return the devices that the journal calls decided."""
        journal = self.journal(account)
        if not journal.exists():
            return set()
        return {one.device_id for one in read_journal(journal) if one.state not in UNDECIDED}

    async def run(self) -> None:
        async with (
            distributed.Client(self.scheduler, asynchronous=True) as client,
            DaskExecutor(client) as executor,
        ):
            await asyncio.gather(
                *(
                    enrol(
                        account,
                        url,
                        executor=executor,
                        journal=self.journal(account),
                        batch_size=self.batch_size,
                    )
                    for account, url in zip(self.accounts, self.urls, strict=True)
                )
            )

    async def finish(self, servers: Servers) -> list[Shown]:
        async with (
            distributed.Client(self.scheduler, asynchronous=True) as client,
            DaskExecutor(client) as executor,
        ):
            return await asyncio.gather(
                *(
                    shown(
                        account,
                        servers,
                        executor=executor,
                        journal=self.journal(account),
                        batch_size=self.batch_size,
                    )
                    for account in self.accounts
                )
            )


def coordinate(coordinator: Coordinator) -> None:
    asyncio.run(coordinator.run())


async def killed_after(coordinator: Coordinator, servers: Servers, requests: int) -> bool:
    """Start a coordinator, kill it after so many requests; return whether it was at work."""
    process = _SPAWN.Process(target=coordinate, args=(coordinator,), daemon=True)
    goal = await servers.requests() + requests
    process.start()
    try:
        # Nobody tells of another process's requests.
        while process.is_alive() and await servers.requests() < goal:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        was_alive = process.is_alive()
    finally:
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
        await asyncio.to_thread(process.join)
        process.close()
    return was_alive


async def enrolled_among_kills(
    folder: Path, accounts: list[Enrolment], *, kills: int, batch_size: int
) -> list[Shown]:
    draw = random.Random(accounts[0].seed)
    in_all = sum(account.devices for account in accounts) // batch_size
    async with servers_for(accounts) as servers, own_processes(folder) as cluster:
        coordinator = Coordinator(
            scheduler=cluster.address,
            accounts=accounts,
            urls=servers.urls,
            folder=folder,
            batch_size=batch_size,
        )
        for _ in range(kills):
            at_most = in_all // (kills + 1)  # so that there is work left after the last kill
            assert await killed_after(coordinator, servers, draw.randrange(1, at_most))
            decided = [await asyncio.to_thread(coordinator.decided, one) for one in accounts]
            for number, devices in enumerate(decided):
                await servers.watch(number, devices)
        assert all(decided)
        return await coordinator.finish(servers)


def check(result: Shown, kills: int) -> None:
    show(result)
    assert not is_as_expected(result.enrolment, result.report, result.truth)
    assert not result.truth.watched_and_sent
    # One session a coordinator, and one more because the first one ended at the server.
    assert result.logins <= kills + 2
    assert result.token_requests <= kills + len(result.truth.bearers)


@pytest.mark.slow
async def test_nothing_is_lost_when_the_coordinator_is_killed_five_times(
    tmp_path: Path,
) -> None:
    each = devices_in_all() // 4
    accounts = [Enrolment(number=n, devices=each) for n in (1, 2, 3, 4)]

    for result in await enrolled_among_kills(
        tmp_path, accounts, kills=5, batch_size=batch_size_for(4 * each)
    ):
        check(result, kills=5)
