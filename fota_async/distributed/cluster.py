"""What is asked of a Dask cluster: the one place that knows the face of `distributed.Client`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from fota_async.errors import ConfigurationError, NotSentError

T = TypeVar("T")

_PATIENCE = 30.0
"""Seconds that the scheduler, or a worker asked beside its tasks, may take to answer."""


class Cluster:
    """A cluster through its client, whether that is asynchronous or has a thread of its own.

    Args:
        client: A `distributed.Client`.

    Raises:
        ConfigurationError: It is none.
    """

    def __init__(self, client: Any) -> None:
        if not all(
            hasattr(client, name) for name in ("loop", "nthreads", "run", "status", "submit")
        ):
            raise ConfigurationError(
                f"client must be a distributed.Client, not a {type(client).__name__}"
            )
        self._client = client

    async def threads(self) -> Mapping[str, int]:
        """Return how many threads each worker has, by its address.

        Raises:
            NotSentError: The client is closed.
            Exception: The scheduler cannot be reached.
        """
        found: Mapping[str, int] = await self._asked(self._client.nthreads)
        return found

    async def tell(self, address: str, function: Callable[..., Awaitable[T]], *given: object) -> T:
        """Have a function run on a worker's event loop, beside its tasks.

        Raises:
            NotSentError: The client is closed.
            Exception: It cannot be reached, or not load the function.
        """
        run = self._client.run
        said = await self._asked(lambda: run(function, *given, workers=[address]))
        result: T = said[address]
        return result

    async def tell_scheduler(self, function: Callable[[], T]) -> T:
        """Have a function run in the scheduler's process.

        Raises:
            NotSentError: The client is closed.
            Exception: It cannot be reached, or not load the function.
        """
        return await self._asked(lambda: self._client.run_on_scheduler(function))

    async def task(
        self, address: str, function: Callable[..., Awaitable[T]], given: object, *, key: str
    ) -> T:
        """Have a task run on the event loop of one worker, and on no other; return its result.

        Giving up on it makes the cluster forget it, but does not stop what runs already.

        Raises:
            NotSentError: The client did not take it; it surely does not run.
            ConfigurationError: Likewise: it cannot be pickled.
            Exception: There is no result to be had.
        """

        async def run() -> T:
            try:
                future = self._client.submit(
                    function,
                    given,
                    key=key,
                    workers=[address],
                    allow_other_workers=False,
                    pure=False,
                    retries=0,
                )
            except TypeError:
                raise ConfigurationError(
                    "the request cannot be pickled for a worker; an operation must be made of "
                    "functions that workers can import"
                ) from None
            except Exception as error:  # noqa: BLE001 - whatever Dask makes of a closed client
                what = type(error).__name__
                raise NotSentError(f"the cluster did not take the request ({what})") from None
            made = asyncio.ensure_future(_result_of(future))
            try:
                # Cancelled while it fetches a result, it would leave errors that nobody looks at;
                # released, it ends by itself.
                result: T = await asyncio.shield(made)
                return result
            finally:
                future.release()
                made.add_done_callback(_look_away)

        return await self._there(run)

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        async with asyncio.timeout(_PATIENCE):
            return await self._there(ask)

    async def _there(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Run `ask` where the client lives: a client belongs to one event loop."""
        loop: asyncio.AbstractEventLoop = self._client.loop.asyncio_loop
        if self._client.status in {"closing", "closed"} or not loop.is_running():
            raise NotSentError("the client of the cluster is closed")
        if loop is asyncio.get_running_loop():
            return await ask()

        async def asked() -> T:
            return await ask()

        task = asyncio.current_task()
        try:
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asked(), loop))
        except asyncio.CancelledError:
            if task is not None and task.cancelling():
                raise
            # Nobody gave up here: it is the other loop that ended.
            raise ConnectionError("the client of the cluster was closed meanwhile") from None


async def _result_of(future: Any) -> Any:
    return await future


def _look_away(made: asyncio.Future[Any]) -> None:
    if not made.cancelled():
        made.exception()
