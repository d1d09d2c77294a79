"""The least one could write by hand: no checks, no retries, no report, tokens that never expire."""

# ruff: noqa: PLC0415  # the parent, which imports this too, stays small

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeAlias

from benchmarks import fleet
from benchmarks.server import ACCOUNT, UPGRADE_ID
from benchmarks.turn import Figures
from benchmarks.usage import measured

Answers: TypeAlias = list[list[dict[str, str]]]


@asynccontextmanager
async def loop(
    base_url: str, concurrency: int
) -> AsyncIterator[Callable[[Iterable[list[str]]], Awaitable[Answers]]]:
    """Give what appends batches and returns all answers, as a caller who wants a report keeps them.

    Args:
        base_url: Where the server is.
        concurrency: Requests in flight at most.
    """
    import aiohttp
    import orjson

    url = f"{base_url}/api/fota/v1/upgrades/{ACCOUNT}/upgrade/{UPGRADE_ID}"
    headers = {
        "Authorization": "Bearer bench",
        "VZ-M2M-Token": "bench",
        "Content-Type": "application/json",
    }
    gate = asyncio.Semaphore(concurrency)

    async def append(batch: list[str], answers: Answers) -> None:
        async with gate:
            body = orjson.dumps({"type": "append", "deviceList": batch})
            async with http.put(url, data=body) as answer:
                answers.append(orjson.loads(await answer.read())["deviceList"])

    async def append_all(batches: Iterable[list[str]]) -> Answers:
        answers: Answers = []
        await asyncio.gather(*(append(batch, answers) for batch in batches))
        return answers

    async with aiohttp.ClientSession(headers=headers) as http:
        yield append_all


def append(
    base_url: str,
    /,
    devices: int,
    batch: int,
    concurrency: int,
    *,
    collector: bool = True,
    warm_up: int = 1,
) -> Figures:
    """Append devices and measure that.

    Args:
        base_url: Where the server is.
        devices: How many.
        batch: Devices a request.
        concurrency: Requests in flight at most.
        collector: Whether Python's garbage collector runs: it looks again and again through all
            answers that are kept.
        warm_up: Requests before the measurement, of one device each.
    """

    async def run() -> Figures:
        ids = fleet.in_a_row(devices)
        async with loop(base_url, concurrency) as append_all:
            await append_all(fleet.in_batches(ids[:warm_up], 1))
            with measured() as figures:
                answers = await append_all(fleet.in_batches(ids, batch))
        fleet.check(
            ids, ((item["deviceId"], item["status"]) for items in answers for item in items)
        )
        return {**figures, "sent": warm_up + devices}

    if not collector:
        gc.disable()
    return asyncio.run(run())
