"""Who handles an event: a handler by type, or whoever iterates."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeAlias

from fota_async.callbacks.events import CallbackEvent
from fota_async.callbacks.stream import Stream
from fota_async.errors import ConfigurationError, MisuseError

Handler: TypeAlias = Callable[[Any], Awaitable[object] | object]
"""Takes an event; what it returns does not matter, what it raises is a failure. One that is not
async runs in a thread, so that it may block.

>>> async def tell(event: CallbackEvent) -> None:
...     print(event.type, event.target_id)
>>> handler: Handler = tell
>>> CallbackReceiver("events.db").add_handler(handler, "upgradeProgress", "upgradeFinished")
"""


class Handlers:
    """One handler for a type, or else one of the iterators gets an event.

    Args:
        concurrency: How many functions run in threads at once.
        seconds: How long an async handler may take.

    Attributes:
        on_ready: Called when somebody begins to take events.
    """

    def __init__(self, concurrency: int, seconds: float) -> None:
        self._concurrency = concurrency
        self._seconds = seconds
        self._by_type: dict[str | None, Handler] = {}
        self._threads: ThreadPoolExecutor | None = None
        self._stream: Stream | None = None
        self.on_ready: Callable[[], object] = lambda: None

    def add(self, handler: Handler, types: tuple[str, ...]) -> None:
        """Have events of some types, or of all that have no handler of their own, handled.

        Raises:
            ConfigurationError: A type has one already, or it is no function.
            MisuseError: Somebody iterates over the events, or did since it was opened.
        """
        if not callable(handler):
            raise ConfigurationError(f"a handler must be a function, not {handler!r}")
        if self._stream is not None and self._stream.was_read:
            raise MisuseError("events are iterated over; use handlers or iterate, not both")
        keys: list[str | None] = [name.lower() for name in types]
        for key in keys or [None]:
            if key in self._by_type:
                what = "everything else" if key is None else repr(key)
                raise ConfigurationError(
                    f"{what} has a handler already; have one handler do both things, since after "
                    "a failure of either it would handle the event again"
                )
            self._by_type[key] = handler
        self.on_ready()

    @property
    def ready(self) -> bool:
        """Whether anybody takes events."""
        return bool(self._by_type) or (self._stream is not None and self._stream.readers > 0)

    def open(self) -> None:
        """Begin; before there is nothing to iterate over."""
        self._stream = Stream()

    def end(self) -> None:
        """Let all iterators end when they have handled what they have."""
        if self._stream is not None:
            self._stream.end()
            self._stream = None

    def close(self) -> None:
        """Let the threads go; what runs in them runs on."""
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    async def handle(self, event: CallbackEvent) -> None:
        """Return when an event is handled; at once if no handler wants it.

        Raises:
            Exception: What its handler raised.
        """
        if self._by_type:
            handler = self._by_type.get((event.type or "").lower()) or self._by_type.get(None)
            if handler is not None:
                await self._call(handler, event)
        elif self._stream is not None:
            await self._stream.offer(event)

    async def iterate(self) -> AsyncIterator[CallbackEvent]:
        """Yield events; each counts as handled when the next one is asked for.

        Raises:
            MisuseError: There are handlers, or the receiver is not open.
        """
        if self._by_type:
            raise MisuseError("events have handlers; use handlers or iterate, not both")
        stream = self._stream
        if stream is None:
            raise MisuseError("open the receiver before you iterate over its events")
        stream.readers += 1
        stream.was_read = True
        self.on_ready()
        try:
            while (offer := await stream.next()) is not None:
                try:
                    yield offer.event
                except BaseException:
                    stream.give_back(offer)
                    raise
                offer.take()
        finally:
            stream.readers -= 1

    async def _call(self, handler: Handler, event: CallbackEvent) -> None:
        if inspect.iscoroutinefunction(handler):
            result: object = handler(event)
        else:
            result = await self._in_thread(handler, event)
        if inspect.isawaitable(result):
            limit = asyncio.timeout(self._seconds)
            try:
                async with limit:
                    await result
            except TimeoutError as error:
                if limit.expired():
                    raise TimeoutError(f"took longer than {self._seconds:g} s") from error
                raise

    async def _in_thread(self, handler: Handler, event: CallbackEvent) -> object:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._concurrency, "fota-handlers")
        context = copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: context.run(_called, handler, event)
        )


def _called(handler: Handler, event: CallbackEvent) -> object:
    try:
        return handler(event)
    except StopIteration as error:
        # No future can hold that one.
        raise RuntimeError("the handler raised StopIteration") from error
