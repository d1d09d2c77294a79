"""Keeping the store beside the event loop.

One thread writes, one transaction after another; whatever gathers meanwhile goes into the next, so
that many messages share one wait for the disk.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import attrs

from fota_async.callbacks.store.rows import Arrival, Change
from fota_async.callbacks.store.store import Store
from fota_async.errors import StoreError

T = TypeVar("T")

_MOST_GATHERED = 1000
"""Messages that wait for the disk at once; when there are more, it does not keep up."""

_Added = asyncio.Future[tuple[int, bool]]
_Changed = asyncio.Future[None]


@attrs.define
class _Drafts:
    """What goes into one transaction, and who waits for it."""

    arrivals: list[tuple[Arrival, _Added]] = attrs.field(factory=list)
    changes: list[tuple[Change, _Changed]] = attrs.field(factory=list)

    def __bool__(self) -> bool:
        return bool(self.arrivals or self.changes)

    def fail(self, error: BaseException) -> None:
        """Tell all who wait."""
        for _, added in self.arrivals:
            if not added.done():
                added.set_exception(error)
        for _, changed in self.changes:
            if not changed.done():
                changed.set_exception(error)


class Keeper:
    """Keeps a store from the event loop that it is opened in.

    Args:
        store: What to keep.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fota-callbacks")
        self._next = _Drafts()
        self._writing: _Drafts | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False

    async def open(self, now: float, longest_wait: float) -> None:
        """Open the store; arguments and errors as `Store.open`."""
        try:
            await self.run(lambda: self._store.open(now, longest_wait))
        except BaseException:
            # Its thread may be about to open it still.
            await self.close()
            raise

    async def run(self, work: Callable[[], T]) -> T:
        """Do something with the store in its thread, between two transactions.

        Raises:
            StoreError: It is closed, or what `work` raises.
        """
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def add(self, arrival: Arrival) -> tuple[int, bool]:
        """Return number and repeat of a message when it is on disk.

        Raises:
            StoreError: It cannot be written, or there is no room.
        """
        self._check_open()
        if len(self._next.arrivals) >= _MOST_GATHERED:
            raise StoreError("more messages come than the disk can take")
        added: _Added = asyncio.get_running_loop().create_future()
        self._next.arrivals.append((arrival, added))
        self._write_next()
        return await added

    def change(self, change: Change) -> _Changed:
        """Note what became of a message; the result comes when it is on disk, or a StoreError.

        Raises:
            StoreError: It is closed.
        """
        self._check_open()
        changed: _Changed = asyncio.get_running_loop().create_future()
        self._next.changes.append((change, changed))
        self._write_next()
        return changed

    async def close(self) -> None:
        """Write what there is to write, and close the store."""
        self._closed = True
        try:
            await self._idle.wait()
        finally:
            closing = self._thread.submit(self._store.close)
            self._thread.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closing))

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    def _write_next(self) -> None:
        if self._writing is not None:
            return
        if not self._next:
            self._idle.set()
            return
        self._idle.clear()
        drafts, self._next = self._next, _Drafts()
        self._writing = drafts
        arrivals = [arrival for arrival, _ in drafts.arrivals]
        changes = [change for change, _ in drafts.changes]
        loop = asyncio.get_running_loop()

        def done(future: "Future[list[tuple[int, bool]] | None]") -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(self._wrote, drafts, future)

        self._thread.submit(self._store.write, arrivals, changes).add_done_callback(done)

    def _wrote(self, drafts: _Drafts, future: "Future[list[tuple[int, bool]] | None]") -> None:
        self._writing = None
        error = future.exception()
        if error is not None:
            drafts.fail(error)
        else:
            for _, changed in drafts.changes:
                if not changed.done():
                    changed.set_result(None)
            added = future.result()
            if added is None:
                drafts.fail(StoreError("the store is at its limit; nothing in it can be forgotten"))
            else:
                for (_, waiting), one in zip(drafts.arrivals, added, strict=True):
                    if not waiting.done():
                        waiting.set_result(one)
        self._write_next()
