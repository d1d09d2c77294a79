"""Several accounts, at once.

Accounts that one user may see share one client: `with_account` is a view on the same connections
and tokens, and each account learns a limit of its own. Accounts with credentials of their own need
a client each, since a session belongs to its user; they may still share the connections.

One account's trouble does not stop another: each result is a report or an error, and a `RunStopped`
has the report of what was done. What can never work, such as a malformed id, is raised before
anything is sent for anybody.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import ClientSession

from fota_async import BatchReport, BatchRun, FotaClient

Jobs = Mapping[str, tuple[str, Path]]
Results = dict[str, BatchReport | BaseException]


def enrol(fota: FotaClient, upgrade_id: str, fleet: Path) -> BatchRun:
    return fota.v1.upgrades.append_devices(upgrade_id, fleet)


async def enrol_accounts(fota: FotaClient, jobs: Jobs) -> Results:
    runs = [enrol(fota.with_account(account), *job) for account, job in jobs.items()]
    return dict(zip(jobs, await asyncio.gather(*runs, return_exceptions=True), strict=True))


async def enrol_customers(settings: Mapping[str, Mapping[str, str]], jobs: Jobs) -> Results:
    """Each customer's settings are what the environment would hold: `THINGSPACE_KEY` and so on."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        clients = [FotaClient.from_env(environ=settings[name], http=http) for name in jobs]
        for client in clients:
            await stack.enter_async_context(client)
        runs = [enrol(client, *job) for client, job in zip(clients, jobs.values(), strict=True)]
        return dict(zip(jobs, await asyncio.gather(*runs, return_exceptions=True), strict=True))
