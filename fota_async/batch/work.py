"""The work of a run: what waits to be sent, and who may take it."""

import asyncio
from array import array
from collections import deque
from collections.abc import Callable

from fota_async.batch.feed import Feed
from fota_async.batch.news import News, cancel_all
from fota_async.batch.pieces import Batch
from fota_async.limiter import Slot


class Work:
    """Hands out batches, one taker at a time.

    Args:
        feed: New devices.
        news: Told of every change.
        size: Devices of a new batch.
        unsettled: Whether doubts may still bring back something to send.

    Attributes:
        opening: Whether the next request opens the run: it is sent alone, when nothing is in doubt.
    """

    def __init__(self, feed: Feed, news: News, size: int, unsettled: Callable[[], bool]) -> None:
        self.feed = feed
        self.news = news
        self.size = size
        self.again: deque[Batch] = deque()
        self.refused: list[Batch] = []
        self.later: set[Batch] = set()
        self.in_flight: set[Batch] = set()
        self.batches = 0
        self.opening = False
        self._unsettled = unsettled
        self._holds = 0
        self._turn = asyncio.Lock()

    def hold(self) -> None:
        """Let no batch start until as many calls of `release`."""
        self._holds += 1

    def release(self) -> None:
        """Let batches start again."""
        self._holds -= 1
        self.news.tell()

    def put_first(self, batches: list[Batch]) -> None:
        """Add batches before everything else that waits: depth first keeps refusals short."""
        self.again.extendleft(reversed(batches))
        self.news.tell()

    def put(self, batch: Batch) -> None:
        """Add a batch behind those that are sent again."""
        self.again.append(batch)
        self.news.tell()

    @property
    def nothing_to_send(self) -> bool:
        """Whether nothing waits and nothing is in flight; doubts may still bring something."""
        return (
            self.feed.ended
            and not self.feed.waiting
            and not self.again
            and not self.refused
            and not self.later
            and not self.in_flight
        )

    @property
    def waits_for_doubts(self) -> bool:
        """Whether nothing more is sent before the doubts that there are have been settled."""
        return self.opening or self.nothing_to_send

    @property
    def _must_wait(self) -> bool:
        busy = self.opening and (bool(self.in_flight) or self._unsettled())
        return bool(self._holds) or busy

    async def next(self, slot: Slot) -> Batch | None:
        """Wait for a batch to send, and for the place in flight; None when all work is done.

        May be cancelled at any moment without losing a device.

        Raises:
            SourceError: The input broke off.
        """
        # One taker at a time, and the place in flight only when there is something to send: a
        # slow source then holds up nobody else's requests.
        async with self._turn:
            while True:
                if self._must_wait or not (self.again or self.feed.waiting):
                    slot.give_back()
                    if self.nothing_to_send and not self._unsettled():
                        return None
                    if self._must_wait or self.feed.ended:
                        await self.news.wait()
                    else:
                        await self._fed(1)
                    continue
                if not self.again and not self.feed.ended and len(self.feed.waiting) < self.size:
                    await self._fed(self.size)
                    if self.again or (not self.feed.ended and len(self.feed.waiting) < self.size):
                        continue
                await slot.take()
                if not self._must_wait and (batch := self._take()) is not None:
                    self.in_flight.add(batch)
                    return batch

    def _take(self) -> Batch | None:
        if self.again:
            batch = self.again.popleft()
            if len(batch.ids) > self.size:  # the size has fallen since it was queued
                batch, *rest = batch.cut(self.size)
                self.again.extendleft(reversed(rest))
            return batch
        ids, numbers = self.feed.take(self.size)
        return self.new_batch(ids, numbers) if ids else None

    def new_batch(self, ids: list[str], numbers: "array[int] | None" = None) -> Batch:
        """Return a batch of devices that come from the input.

        Args:
            ids: The devices.
            numbers: The same, packed, if they are at hand.
        """
        self.batches += 1
        return Batch(self.feed.place - len(ids), ids, numbers=numbers)

    async def _fed(self, devices: int) -> None:
        """Wait until so many new devices wait, the input ends, or there is news."""
        tasks = {asyncio.create_task(self.feed.fill(devices)), self.news.wait()}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_all(tasks)
        for task in done:
            task.result()
        if self.feed.ended:
            self.news.tell()  # doubts need not wait for company any more
