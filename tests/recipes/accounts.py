"""Several accounts, at once.

Accounts that one user may see share one client: `with_account` is a view on the same connections
and tokens, and each account learns a limit of its own. Accounts with credentials of their own need
a client each, since a session belongs to its user; they may still share the connections.

One account's trouble does not stop another: the overview has each account's report, and what
stopped it. What can never work, such as a malformed id, is raised before anything is sent for
anybody. With `executor=` the workers of one cluster make the requests of all, see
`fota_async.distributed`.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Unpack

from aiohttp import ClientSession

from fota_async import AccountRuns, BatchRun, FotaClient, Overview, RunOptions

Jobs = Mapping[str, tuple[str, Path]]
Settings = Mapping[str, Mapping[str, str]]


def enrol(fota: FotaClient, upgrade_id: str, fleet: Path, **how: Unpack[RunOptions]) -> BatchRun:
    return fota.v1.upgrades.append_devices(upgrade_id, fleet, **how)


async def enrol_accounts(fota: FotaClient, jobs: Jobs, **how: Unpack[RunOptions]) -> Overview:
    clients = {account: fota.with_account(account) for account in jobs}
    return await AccountRuns(
        {account: enrol(clients[account], *job, **how) for account, job in jobs.items()}
    )


async def enrol_customers(settings: Settings, jobs: Jobs, **how: Unpack[RunOptions]) -> Overview:
    """Each customer's settings are what the environment would hold: `THINGSPACE_KEY` and so on."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        clients = {name: FotaClient.from_env(environ=settings[name], http=http) for name in jobs}
        for client in clients.values():
            await stack.enter_async_context(client)
        return await AccountRuns(
            {name: enrol(clients[name], *job, **how) for name, job in jobs.items()}
        )
