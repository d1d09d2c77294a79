"""A client that is made outside of any event loop, and closed in the one that used it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import TracebackType
from typing import Any

from fota_async import FotaClient
from fota_async.events import Event


class ClientOfATest:
    """Makes a client, and closes it at the end of a `with`, or of its event loop if that is first.

    pytest's plugins for asyncio end a test's loop before a fixture that is not async, and one that
    is async belongs to a single plugin. What every one of them does, as `asyncio.run` does, is to
    close generators that are still open before it closes a loop.

    Args:
        options: Arguments of `FotaClient`.
    """

    def __init__(self, **options: Any) -> None:
        self._hook = options.get("on_event")
        # An event is told of the first try already, in the loop it is made in.
        options["on_event"] = self._hear
        self._client = FotaClient(**options)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open = self._until_closed()

    def _hear(self, event: Event) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            with suppress(StopIteration):
                self._open.asend(None).send(None)
        if self._hook is not None:
            self._hook(event)

    async def _until_closed(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await self._client.aclose()

    def __enter__(self) -> FotaClient:
        return self._client

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if loop.is_running():
            asyncio.run_coroutine_threadsafe(self._close(), loop).result()
        else:
            loop.run_until_complete(self._close())

    async def _close(self) -> None:
        await self._open.aclose()
