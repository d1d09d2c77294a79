"""Readings of the target, one at a time."""

import asyncio
from collections.abc import Callable, Collection

import attrs

from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Members, Reading
from fota_async.events import TargetEvent


class TargetReader:
    """Reads the target of a run, for settling and to see whether it is still open.

    Args:
        session: How the target is read.
        operation: Which target, and how.
    """

    def __init__(self, session: BatchSession, operation: Operation) -> None:
        self._session = session
        self._read = operation.read
        self._has_state = operation.has_state
        self._one_at_a_time = asyncio.Lock()
        self.last: Reading | None = None
        self._news = TargetNews(session, operation)

    @property
    def can_read(self) -> bool:
        """Whether the operation knows how to read its target."""
        return self._read is not None

    @property
    def can_tell_state(self) -> bool:
        """Whether a reading says if the target is still open."""
        return self.can_read and self._has_state

    def is_fresh(self, seconds: float) -> bool:
        """Whether the last reading is no older than so many seconds."""
        return self.last is not None and (
            self._session.clock.monotonic() - self.last.ended <= seconds
        )

    async def read(self, wanted: Callable[[], Collection[str]] = tuple) -> Reading:
        """Read the target now.

        Args:
            wanted: Returns the devices whose rows matter; asked when the reading begins.

        Raises:
            CallError: It cannot be read.
        """
        assert self._read is not None  # noqa: S101 - who asks has seen can_read
        async with self._one_at_a_time:
            started = self._session.clock.monotonic()
            reading = await self._read(self._session, frozenset(wanted()))
            ended = self._session.clock.monotonic()
            self.last = attrs.evolve(reading, started=started, ended=ended)
            if self._has_state:
                self._news.saw(reading)
            return self.last


class TargetNews:
    """Tells the hook what readings of a target say of it, when that changed.

    Args:
        session: Where events go.
        operation: Which target, and what is done with it.
    """

    def __init__(self, session: BatchSession, operation: Operation) -> None:
        self._session = session
        self._operation = operation
        self._told: TargetEvent | None = None

    def saw(self, seen: Reading | Members) -> None:
        """Tell what was read, unless it was told before."""
        event = TargetEvent(
            operation=self._operation.name,
            target=self._operation.target,
            status=seen.status,
            start_date=seen.start_date,
        )
        if event != self._told:
            self._told = event
            self._session.tell(event)
