"""Outcomes on their way to whoever iterates over a run, never many at once."""

import asyncio
from collections import deque
from collections.abc import Iterable

from fota_async.batch.states import DeviceOutcome

_MOST_WAITING = 4


class Stream:
    """A bounded queue of batches of outcomes; without a reader it holds nothing.

    Appending never waits, so that nothing is lost when a task is cancelled; `room` waits, and
    whoever appends calls it afterwards.
    """

    def __init__(self) -> None:
        self._queue: deque[Iterable[DeviceOutcome]] = deque()
        self._changed = asyncio.Event()
        self._open = False
        self._ended = False

    def open(self) -> None:
        """Keep what is appended for a reader."""
        self._open = True

    def close(self) -> None:
        """The reader is gone: drop everything and hold nobody up."""
        self._open = False
        self._queue.clear()
        self._changed.set()

    def append(self, outcomes: Iterable[DeviceOutcome]) -> None:
        """Add a batch of outcomes."""
        if self._open:
            self._queue.append(outcomes)
            self._changed.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._changed.set()

    async def room(self) -> None:
        """Wait until the reader has caught up."""
        while self._open and len(self._queue) > _MOST_WAITING:
            await self._change()

    async def next(self) -> Iterable[DeviceOutcome] | None:
        """Return the next batch of outcomes, or None at the end."""
        while not self._queue:
            if self._ended:
                return None
            await self._change()
        self._changed.set()
        return self._queue.popleft()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
