"""From the store to the handlers: each message at least once, in no promised order.

A message that waits is taken out to be handled; that is known in memory only. What became of it
goes into the store, and only then may another one take its place: so a disk that is full holds up
the handling, and never makes the store forget what was handled.
"""

import asyncio
import random
import traceback
from collections import deque
from collections.abc import Callable

from fota_async.callbacks.events import CallbackEvent
from fota_async.callbacks.handlers import Handlers
from fota_async.callbacks.options import ReceiverOptions
from fota_async.callbacks.store.keeper import Keeper
from fota_async.callbacks.store.rows import Change, MessageState
from fota_async.callbacks.store.store import Store
from fota_async.clock import Clock
from fota_async.errors import StoreError
from fota_async.events import logger

_AHEAD = 128
"""Messages taken out of the store at once, those included whose end is not in the store yet."""
_LOOK_EVERY = 2.0
"""Seconds until the store is looked into again: somebody may have replayed messages."""
_LONGEST_ERROR = 500


class Delivery:
    """Takes messages out of a store and has them handled.

    Args:
        store: Where they wait; used in the keeper's thread only.
        keeper: Keeps the store.
        handlers: Who handles them.
        options: How many at once, how often, how long.
        clock: Time.
        now: The receiver's time, in seconds since 1970.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        handlers: Handlers,
        options: ReceiverOptions,
        *,
        clock: Clock,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._handlers = handlers
        self._options = options
        self._clock = clock
        self._now = now
        self._busy: set[int] = set()
        self._ready: deque[CallbackEvent] = deque()
        self._running: dict[asyncio.Task[None], CallbackEvent] = {}
        self._unwritten: list[Change] = []
        self._awake = asyncio.Event()
        self._closing = False
        self._pump = asyncio.create_task(self._take_out())

    def wake(self) -> None:
        """Look into the store now."""
        self._awake.set()

    async def close(self) -> None:
        """Let the running handlers end, within the grace; what they did not end waits still."""
        self._closing = True
        self._pump.cancel()
        self._ready.clear()
        self._handlers.end()
        try:
            if self._running:
                await asyncio.wait(self._running, timeout=self._options.grace)
        finally:
            for task in self._running:
                task.cancel()
        if self._running:
            await asyncio.wait(self._running)
        await asyncio.wait([self._pump])

    async def _take_out(self) -> None:
        while True:
            self._awake.clear()
            try:
                wait = await self._look()
            except StoreError as error:
                logger.error("callback messages cannot be handled now: %s", error)
                wait = _LOOK_EVERY
            await self._sleep(wait)

    async def _look(self) -> float:
        """Take out what is due; return the seconds until something else is."""
        unwritten, self._unwritten = self._unwritten, []
        for change in unwritten:
            self._end(change)
        free = _AHEAD - len(self._busy)
        if free <= 0 or not self._handlers.ready:
            return _LOOK_EVERY
        now, busy = self._now(), frozenset(self._busy)
        due, later = await self._keeper.run(lambda: self._store.due(now, free, busy))
        self._busy.update(one.event.id for one in due)
        self._ready += [one.event for one in due]
        self._start()
        return _LOOK_EVERY if later is None else min(_LOOK_EVERY, max(0.0, later - now))

    async def _sleep(self, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(self._clock.sleep(seconds)),
            asyncio.ensure_future(self._awake.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _start(self) -> None:
        while self._ready and len(self._running) < self._options.concurrency and not self._closing:
            event = self._ready.popleft()
            task = asyncio.create_task(self._handlers.handle(event))
            self._running[task] = event
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        event = self._running.pop(task)
        if not (task.cancelled() and self._closing):
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            self._end(self._change(event, error))
        self._start()

    def _change(self, event: CallbackEvent, error: BaseException | None) -> Change:
        now = self._now()
        if error is None:
            return Change(event.id, MessageState.HANDLED, event.tries, now)
        tries = event.tries + 1
        text = _described(error)
        if tries >= self._options.tries:
            logger.error(
                "message %d (%r) is dead: its handler failed %d times, the last time with %s",
                event.id,
                event.type,
                tries,
                type(error).__name__,
            )
            return Change(event.id, MessageState.DEAD, tries, now, text)
        longest = min(self._options.max_backoff, self._options.backoff * 2.0 ** min(tries - 1, 30))
        # Full jitter: what failed together does not come back together.
        wait = random.uniform(0.0, longest)  # noqa: S311 - nothing to guess
        logger.warning(
            "the handler of message %d (%r) failed with %s, try %d of %d; again in %.1f s",
            event.id,
            event.type,
            type(error).__name__,
            tries,
            self._options.tries,
            wait,
        )
        return Change(event.id, MessageState.WAITING, tries, now + wait, text)

    def _end(self, change: Change) -> None:
        """Have the end of a handling written, and then another message taken out."""

        def written(future: "asyncio.Future[None]") -> None:
            if future.cancelled() or future.exception() is not None:
                self._unwritten.append(change)  # tried again at the next look
                return
            self._busy.discard(change.number)
            self._awake.set()

        try:
            self._keeper.change(change).add_done_callback(written)
        except StoreError:
            self._unwritten.append(change)


def _described(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    # Not `str(error)`, which may itself raise.
    text = " ".join("".join(traceback.format_exception_only(error)).split())
    # SQLite takes no lone surrogate.
    text = text.encode(errors="backslashreplace").decode()
    return f"{text[:_LONGEST_ERROR]}{place}"
