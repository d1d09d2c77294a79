"""Where device ids come from: an iterable, an async iterable, or a file; never all in memory."""

import csv
import io
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sized
from itertools import islice
from pathlib import Path
from typing import Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import anyio.to_thread

from fota_async.errors import SourceError
from fota_async.events import logger

T = TypeVar("T")

Devices: TypeAlias = Iterable[str] | AsyncIterable[str] | os.PathLike[str]
"""A device list: ids one by one, or a file with one a line or in a column of a CSV."""

COLUMNS = ("imei", "device_id", "deviceid")
"""Headers (any case) under which a CSV holds its device ids."""

_SLICE = 1024
_DELIMITERS = ",;\t"


@runtime_checkable
class Source(Protocol):
    """Hands out the input slice by slice.

    Attributes:
        total: Inputs expected, or None if nobody can know.
        drains: Whether a stopped run reads it to the end.
    """

    total: int | None
    drains: bool

    async def open(self) -> None:
        """Make sure that there is something to read.

        Raises:
            SourceError: There is not.
        """
        ...

    async def read(self) -> list[object]:
        """Return the next slice, empty at the end.

        Raises:
            SourceError: The input cannot be read further.
        """
        ...

    def pulled(self) -> list[object]:
        """Return what was taken from the input while `read` was cancelled."""
        ...

    async def aclose(self) -> None:
        """Let go of what was opened."""
        ...


def open_source(devices: Devices | Source, column: str | None = None) -> Source:
    """Return a source for any kind of device list.

    Args:
        devices: The list. A bare string is refused, since it may be meant as a path or as an id.
        column: The header of the device ids in a CSV, if it is none of `COLUMNS`.

    Raises:
        TypeError: It is no device list.
    """
    if isinstance(devices, str | bytes | bytearray):
        raise TypeError(
            "a device list is an iterable of strings or a pathlib.Path; "
            f"for a single device write [device_id], for a file Path({devices!r})"
        )
    if isinstance(devices, os.PathLike):
        return TextSource(lambda: open_file(Path(devices)), column, drains=True)
    if isinstance(devices, Source):
        return devices
    if isinstance(devices, AsyncIterable):
        return _AsyncIterables(devices)
    if isinstance(devices, Iterable):
        return _Iterables(devices)
    raise TypeError(f"a device list is an iterable or a path, not {type(devices).__name__}")


class _Iterables:
    def __init__(self, devices: Iterable[object]) -> None:
        self.total = len(devices) if isinstance(devices, Sized) else None
        self.drains = self.total is not None
        self._devices = devices
        self._slices: _Slices | None = None

    async def open(self) -> None: ...

    async def read(self) -> list[object]:
        if self._slices is None:
            self._slices = _Slices(self._devices)
        return self._slices.next()

    def pulled(self) -> list[object]:
        return []

    async def aclose(self) -> None:
        self._slices = None


class _Slices:
    """Slices of an iterable; when it breaks off, first what came before, then the error."""

    def __init__(self, items: Iterable[object]) -> None:
        self._iterator: Iterator[object] | None = None
        self._items = items
        self._broken: SourceError | None = None

    def next(self) -> list[object]:
        items: list[object] = []
        if self._broken is None:
            try:
                if self._iterator is None:
                    self._iterator = iter(self._items)
                items.extend(islice(self._iterator, _SLICE))  # keeps what came before an error
            except Exception as error:  # noqa: BLE001 - the caller's own iterator may raise anything
                self._broken = broken_off(error)
        if self._broken is not None and not items:
            raise self._broken
        return items


class _AsyncIterables:
    def __init__(self, devices: AsyncIterable[object]) -> None:
        self.total: int | None = None
        self.drains = False
        self._devices = devices
        self._iterator: AsyncIterator[object] | None = None
        self._items: list[object] = []
        self._broken: SourceError | None = None

    async def open(self) -> None: ...

    async def read(self) -> list[object]:
        if self._broken is None:
            try:
                if self._iterator is None:
                    self._iterator = aiter(self._devices)
                while len(self._items) < _SLICE:
                    self._items.append(await anext(self._iterator))
            except StopAsyncIteration:
                pass
            except Exception as error:  # noqa: BLE001 - the caller's own iterator may raise anything
                self._broken = broken_off(error)
        if self._broken is not None and not self._items:
            raise self._broken
        return self.pulled()

    def pulled(self) -> list[object]:
        items, self._items = self._items, []
        return items

    async def aclose(self) -> None:
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            try:
                await close()
            except Exception:  # noqa: BLE001 - the caller's own iterator may raise anything
                logger.exception("the device list raised when it was closed")


def broken_off(error: Exception) -> SourceError:
    """Return what an error of the caller's iterator or file means, with that error as its cause."""
    broken = SourceError(f"the device list broke off: {type(error).__name__}: {error}")
    broken.__cause__ = error
    return broken


class TextSource:
    """Reads ids from lines of text, or from a column of a CSV, in a thread.

    Args:
        open_text: Opens the text; called once, in the thread.
        column: The header of the device ids, if it is none of `COLUMNS`.
        drains: Whether the text is ours: a stopped run reads it to the end, unless it proves to
            be a pipe, and it is closed.
    """

    def __init__(
        self, open_text: Callable[[], io.TextIOBase], column: str | None, *, drains: bool
    ) -> None:
        self.total: int | None = None
        self.drains = drains
        self._closes = drains
        self._busy = False
        self._open_text = open_text
        self._column = column
        self._text: io.TextIOBase | None = None
        self._slices: _Slices | None = None

    async def open(self) -> None:
        """Open the text and find the device ids in it.

        Raises:
            SourceError: There is no such file or column, or it is no text.
        """
        if self._slices is None:
            await _in_thread(self._start)

    async def read(self) -> list[object]:
        """See `Source`."""
        await self.open()
        return await _in_thread(self._next)

    def pulled(self) -> list[object]:
        """See `Source`. A pipe that was being read keeps what its thread took."""
        return []

    async def aclose(self) -> None:
        """Close the text."""
        # A pipe that is still being read cannot be closed before it speaks again.
        if self._text is not None and self._closes and (self.drains or not self._busy):
            await _in_thread(self._text.close)

    def _next(self) -> list[object]:
        assert self._slices is not None  # noqa: S101 - open() saw to it
        self._busy = True
        try:
            return self._slices.next()
        finally:
            self._busy = False

    def _start(self) -> None:
        self._text = self._open_text()
        try:
            self._find_ids(self._text)
        except (OSError, SourceError) as error:
            if self._closes:
                self._text.close()
            if isinstance(error, SourceError):
                raise
            raise broken_off(error) from error

    def _find_ids(self, text: io.TextIOBase) -> None:
        self.drains = self.drains and text.seekable()
        lines = _count_lines(text) if self.drains else None
        first = text.readline()
        while first.isspace():
            first = text.readline()
        if "\0" in first:
            raise _binary(text)
        rows, headers = _rows(text, first, self._column)
        self.total = None if lines is None else max(0, lines - headers)
        self._slices = _Slices(rows)


_EXPECTED = "expected a text file with one device id a line, or a CSV with a header"


def open_file(path: Path) -> io.TextIOBase:
    """Open a device list.

    Raises:
        SourceError: There is no such file, or it is a directory.
    """
    try:
        # Another column may hold any bytes; they must not sink the run.
        return path.open(encoding="utf-8-sig", errors="backslashreplace", newline="")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot read {path}: {why}; {_EXPECTED}") from None


def _binary(text: io.TextIOBase) -> SourceError:
    return SourceError(f"{_name(text)} is a binary file; {_EXPECTED}")


def _count_lines(text: io.TextIOBase) -> int:
    """Count lines, for the share that progress shows."""
    binary = text.buffer  # type: ignore[attr-defined]  # a file opened as text has one
    lines, last = 0, b"\n"
    while block := binary.read(1 << 20):
        if b"\0" in block:
            raise _binary(text)
        lines += block.count(b"\n")
        last = block[-1:]
    text.seek(0)
    return lines + (last != b"\n")


def _rows(
    text: io.TextIOBase, first: str, column: str | None
) -> tuple[Iterable[object], Literal[0, 1]]:
    """Return the device ids, and how many header lines precede them."""
    if not first:
        return (), 0
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:  # a line too long for a header
        header = []
    names = [name.strip().lower() for name in header]
    wanted = COLUMNS if column is None else (column.strip().lower(),)
    index = next((names.index(name) for name in wanted if name in names), None)
    if index is not None:
        return _cells(csv.reader(text, delimiter=delimiter), index), 1
    if column is not None:
        raise SourceError(f"{_name(text)} has no column {column!r}; its header is {header}")
    if len(header) > 1 and not any(map(str.isdigit, first)):
        raise SourceError(
            f"{_name(text)} has no column imei, device_id or deviceid; name the one that holds the "
            f"device ids; its header is {header}"
        )
    return _lines(first, text), 0


def _cells(rows: Iterator[list[str]], index: int) -> Iterator[object]:
    for row in rows:
        if row:
            yield row[index] if index < len(row) else ""


def _lines(first: str, text: io.TextIOBase) -> Iterator[object]:
    yield first
    for line in text:
        if not line.isspace():
            yield line


def _name(text: io.TextIOBase) -> str:
    return str(getattr(text, "name", "the input"))


async def _in_thread(work: Callable[[], T]) -> T:
    # Abandoned on cancellation: a pipe that never speaks must not keep a run from ending.
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
