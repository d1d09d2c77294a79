"""What is asked of a Dask cluster: the one place that knows the face of `distributed.Client`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE = 30.0
"""Seconds that the scheduler, or a worker asked beside its tasks, may take to answer."""


class Cluster:
    """A cluster through its client, whether that is asynchronous or has a thread of its own.

    Args:
        client: A `distributed.Client`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    async def threads(self) -> Mapping[str, int]:
        """Return how many threads each worker has, by its address.

        Raises:
            Exception: The scheduler cannot be reached.
        """
        found: Mapping[str, int] = await self._asked(self._client.nthreads)
        return found

    async def tell(self, address: str, function: Callable[..., Awaitable[T]], *given: object) -> T:
        """Have a function run on a worker's event loop, beside its tasks.

        Raises:
            Exception: It cannot be reached, or not load the function.
        """
        run = self._client.run
        said = await self._asked(lambda: run(function, *given, workers=[address]))
        result: T = said[address]
        return result

    async def task(
        self, address: str, function: Callable[..., Awaitable[T]], given: object, *, key: str
    ) -> T:
        """Have a task run on the event loop of one worker, and on no other; return its result.

        Giving up on it makes the cluster forget it, but does not stop what runs already.

        Raises:
            Exception: There is no result to be had.
        """

        async def run() -> T:
            future = self._client.submit(
                function,
                given,
                key=key,
                workers=[address],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
            try:
                result: T = await future
                return result
            finally:
                future.release()

        return await self._there(run)

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with asyncio.timeout(_PATIENCE):
            return await self._there(ask)

    async def _there(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Run `ask` where the client lives: a client belongs to one event loop."""
        loop: asyncio.AbstractEventLoop = self._client.loop.asyncio_loop
        if loop is asyncio.get_running_loop():
            return await ask()
        if not loop.is_running():
            raise ConnectionError("the client of the cluster is closed")

        async def asked() -> T:
            return await ask()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked(), loop))
