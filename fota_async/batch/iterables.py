"""Device ids out of the caller's own iterables, slice by slice."""

import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sized
from itertools import islice

from fota_async.errors import SourceError
from fota_async.events import logger

SLICE = 2048
"""The most inputs that are handed out together: the event loop has others to serve."""

_STEP = 64
_QUICK = 0.002
_PATIENCE = 0.05


class IterableSource:
    """A source over an iterable; see `fota_async.batch.source.Source`."""

    def __init__(self, devices: Iterable[object]) -> None:
        self.total = _length(devices)
        self.drains = self.total is not None
        self._devices = devices
        self._slices: Slices | None = None

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self) -> list[object]:
        """See `Source`."""
        if self._slices is None:
            self._slices = Slices(self._devices)
        return self._slices.next()

    def pulled(self) -> list[object]:
        """See `Source`."""
        return []

    async def aclose(self) -> None:
        """See `Source`."""
        self._slices = None


class Slices:
    """Slices of an iterable; when it breaks off, first what came before, then the error.

    Args:
        items: The iterable. One that is slow is handed out in shorter slices.
        size: The most items of a slice.
    """

    def __init__(self, items: Iterable[object], size: int = SLICE) -> None:
        self._size = size
        self._iterator: Iterator[object] | None = None
        self._items = items
        self._broken: SourceError | None = None

    def next(self) -> list[object]:
        """Return the next slice, empty at the end."""
        items: list[object] = []
        if self._broken is None:
            try:
                if self._iterator is None:
                    self._iterator = iter(self._items)
                enough = time.monotonic() + _QUICK
                while len(items) < self._size:
                    before = len(items)
                    # extend() keeps what came before an error.
                    items.extend(islice(self._iterator, min(_STEP, self._size - before)))
                    if len(items) == before or time.monotonic() > enough:
                        break
            except Exception as error:  # noqa: BLE001 - the caller's own iterator may raise anything
                self._broken = broken_off(error)
        if self._broken is not None and not items:
            raise self._broken
        return items


class AsyncIterableSource:
    """A source over an async iterable; see `fota_async.batch.source.Source`."""

    def __init__(self, devices: AsyncIterable[object]) -> None:
        self.total: int | None = None
        self.drains = False
        self._devices = devices
        self._iterator: AsyncIterator[object] | None = None
        self._items: list[object] = []
        self._broken: SourceError | None = None

    async def open(self) -> None:
        """There is nothing to open."""

    async def read(self) -> list[object]:
        """See `Source`."""
        if self._broken is None:
            try:
                if self._iterator is None:
                    self._iterator = aiter(self._devices)
                # A source that trickles is handed out as it comes.
                enough = time.monotonic() + _PATIENCE
                while len(self._items) < SLICE and (not self._items or time.monotonic() < enough):
                    self._items.append(await anext(self._iterator))
            except StopAsyncIteration:
                pass
            except Exception as error:  # noqa: BLE001 - the caller's own iterator may raise anything
                self._broken = broken_off(error)
        if self._broken is not None and not self._items:
            raise self._broken
        return self.pulled()

    def pulled(self) -> list[object]:
        """See `Source`."""
        items, self._items = self._items, []
        return items

    async def aclose(self) -> None:
        """See `Source`."""
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            try:
                await close()
            except Exception:  # noqa: BLE001 - the caller's own iterator may raise anything
                logger.exception("the device list raised when it was closed")


def broken_off(error: Exception) -> SourceError:
    """Return what an error of the caller's iterator or file means, with that error as its cause."""
    if isinstance(error, SourceError):
        return error
    broken = SourceError(f"the device list broke off: {type(error).__name__}: {error}")
    broken.__cause__ = error
    return broken


def _length(devices: Iterable[object]) -> int | None:
    try:
        return len(devices) if isinstance(devices, Sized) else None
    except Exception:  # noqa: BLE001 - the caller's own class may not know its length after all
        return None
