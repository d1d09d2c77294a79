"""This library at work, in the process that is measured."""

# ruff: noqa: PLC0415  # the parent, which imports this too, stays small

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks import fleet
from benchmarks.names import SCATTERED, TYPE_CODES
from benchmarks.server import ACCOUNT, UPGRADE_ID
from benchmarks.turn import Figures
from benchmarks.usage import measured

if TYPE_CHECKING:
    from fota_async import FotaClient
    from fota_async.executor import Executor

INPUTS: dict[str, Callable[[int], Iterable[str]]] = {
    "in a row": fleet.in_a_row,
    TYPE_CODES: fleet.of_type_codes,
    SCATTERED: fleet.scattered,
}


@asynccontextmanager
async def client(base_url: str) -> AsyncIterator["FotaClient"]:
    """Give a client of the benchmark's server."""
    from fota_async import Credentials, FotaClient

    credentials = Credentials(key="k", secret="s", username="u", password="p")
    async with FotaClient(credentials, account=ACCOUNT, base_url=base_url) as fota:
        yield fota


def append(
    base_url: str,
    /,
    devices: int,
    batch: int,
    concurrency: int,
    *,
    journal: bool = False,
    warm_up: int = 1,
    ids: str = "in a row",
    **options: Any,
) -> Figures:
    """Append devices and measure that; log in and warm up before.

    Args:
        base_url: Where the server is.
        devices: How many.
        batch: Devices a request.
        concurrency: Requests in flight at most.
        journal: Whether the run is recorded.
        warm_up: Requests before the measurement, of one device each, with the same client.
        ids: One of `INPUTS`.
        options: More options of the run.
    """
    with TemporaryDirectory() as folder:
        if journal:
            options["journal"] = Path(folder) / "journal.db"
        return asyncio.run(
            append_by(
                measured, base_url, devices, batch, concurrency, warm_up=warm_up, ids=ids, **options
            )
        )


async def append_by(
    meter: Callable[[], AbstractContextManager[Figures]],
    base_url: str,
    devices: int,
    batch: int,
    concurrency: int,
    *,
    warm_up: int = 1,
    ids: str = "in a row",
    executor: "Executor | None" = None,
    **options: Any,
) -> Figures:
    """Append devices and have that measured by a meter; the rest is as for `append`."""
    inputs = INPUTS[ids](devices)
    how: Any = {"concurrency": concurrency, "executor": executor}
    async with client(base_url) as fota:
        upgrades = fota.v1.upgrades
        await upgrades.append_devices(UPGRADE_ID, fleet.in_a_row(warm_up), batch_size=1, **how)
        with meter() as figures:
            report = await upgrades.append_devices(
                UPGRADE_ID, inputs, batch_size=batch, **how, **options
            )
    if report.inputs != devices or report.succeeded + report.duplicates != devices:
        raise RuntimeError(str(report))
    return {**figures, "sent": warm_up + report.succeeded}


def can_leave_duplicates() -> Figures:
    """Say whether runs have the option to look for no duplicates."""
    from fota_async import RunOptions

    return {"can": "dedupe" in RunOptions.__annotations__}
