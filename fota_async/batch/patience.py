"""Patience: waits of a run that end when the run is to stop."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from fota_async.batch.news import cancel_all
from fota_async.clock import Clock
from fota_async.errors import CallError
from fota_async.executor import Tally

T = TypeVar("T")


class Interrupted(Exception):  # noqa: N818 - never leaves this package
    """The run is to stop, and what was waited for was not sent."""


class Lost(Exception):  # noqa: N818 - never leaves this package
    """A request was sent, and nobody knows what it did.

    Attributes:
        error: Why, if it was not the run that waited no longer.
    """

    def __init__(self, error: CallError | None) -> None:
        super().__init__()
        self.error = error


class Patience:
    """Waits until somebody asks to stop.

    Args:
        clock: Whose seconds count.
        grace: Seconds that the answer to a request on the wire is waited for after that.
    """

    def __init__(self, clock: Clock, grace: float) -> None:
        self._clock = clock
        self._grace = grace
        self._stopping = asyncio.Event()
        self._aborting = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether the run is to stop."""
        return self._stopping.is_set()

    @property
    def aborting(self) -> bool:
        """Whether it is to end at once."""
        return self._aborting.is_set()

    def stop(self) -> None:
        """Begin nothing any more."""
        self._stopping.set()

    def abort(self) -> None:
        """Wait for nothing any more."""
        self._stopping.set()
        self._aborting.set()

    async def work(self, work: Awaitable[T]) -> T:
        """Return what `work` returns, unless the run is to stop first.

        Raises:
            Interrupted: The run is to stop; the work was cancelled.
        """
        task = asyncio.ensure_future(work)
        try:
            await self._first_of(task, asyncio.create_task(self._stopping.wait()))
        finally:
            await cancel_all({task})
        if task.cancelled():
            raise Interrupted
        return task.result()

    async def answer(self, call: Awaitable[T], tally: Tally) -> T:
        """Return the answer to a request; on the wire it has `grace` to come after a stop.

        Args:
            call: Sends the request once.
            tally: Tells what it did on the wire.

        Raises:
            Lost: The request was sent, and there is no answer.
            Interrupted: The run is to stop; the request was not sent.
            CallError: It was surely not carried out.
        """
        task = asyncio.ensure_future(call)
        try:
            await self._first_of(task, asyncio.create_task(self._ends(tally)))
        finally:
            await cancel_all({task})
        if task.cancelled():
            raise Lost(None) if tally.in_doubt else Interrupted
        error = task.exception()
        if isinstance(error, CallError) and tally.in_doubt:
            raise Lost(error)
        return task.result()

    async def _ends(self, tally: Tally) -> None:
        await self._stopping.wait()
        if tally.on_wire:
            grace = asyncio.create_task(self._clock.sleep(self._grace))
            await self._first_of(grace, asyncio.create_task(self._aborting.wait()))
            await cancel_all({grace})

    @staticmethod
    async def _first_of(task: "asyncio.Future[Any]", other: "asyncio.Task[Any]") -> None:
        try:
            await asyncio.wait({task, other}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_all({other})
