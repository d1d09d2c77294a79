"""Several accounts, at once.

Accounts that one user may see share one client: `with_account` is a view on the same connections
and tokens, and each account learns a limit of its own. Accounts with credentials of their own need
a client each, since a session belongs to its user; they may still share the connections.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import ClientSession

from fota_async import BatchReport, FotaClient, RunStopped


async def enrol(fota: FotaClient, upgrade_id: str, fleet: Path) -> BatchReport:
    try:
        return await fota.v1.upgrades.append_devices(upgrade_id, fleet)
    except RunStopped as stopped:  # of one account; the others go on
        return stopped.report


async def enrol_accounts(
    fota: FotaClient, jobs: Mapping[str, tuple[str, Path]]
) -> dict[str, BatchReport]:
    runs = (enrol(fota.with_account(account), *job) for account, job in jobs.items())
    return dict(zip(jobs, await asyncio.gather(*runs), strict=True))


async def enrol_customers(
    settings: Mapping[str, Mapping[str, str]], jobs: Mapping[str, tuple[str, Path]]
) -> dict[str, BatchReport]:
    """Each customer's settings are what the environment would hold: `THINGSPACE_KEY` and so on."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(ClientSession())
        runs = []
        for customer, job in jobs.items():
            fota = FotaClient.from_env(environ=settings[customer], http=http)
            runs.append(enrol(await stack.enter_async_context(fota), *job))
        return dict(zip(jobs, await asyncio.gather(*runs), strict=True))
