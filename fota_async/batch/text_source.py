"""Device ids out of text: one a line, or a column of a CSV."""

import codecs
import csv
import io
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import anyio.to_thread

from fota_async.batch.iterables import SLICE, Slices, broken_off
from fota_async.batch.text_blocks import TRICKLE, cells_of, lines_of
from fota_async.errors import SourceError

T = TypeVar("T")

COLUMNS = ("imei", "device_id", "deviceid")
"""Headers (any case) under which a CSV holds its device ids."""

_DELIMITERS = ",;\t"


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
        self._slices: Slices | None = None
        self._ahead: list[object] = []

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
        if not self._ahead:
            self._ahead = await _in_thread(self._next)
        slice_, self._ahead = self._ahead[:SLICE], self._ahead[SLICE:]
        return slice_

    def pulled(self) -> list[object]:
        """See `Source`. A pipe that was being read keeps what its thread took."""
        ahead, self._ahead = self._ahead, []
        return ahead

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
        # Changing threads costs as much as reading a slice of a file does.
        size = 4 * SLICE if text.seekable() else TRICKLE
        self._slices = Slices(chain.from_iterable(rows), size)


_EXPECTED = "expected a text file with one device id a line, or a CSV with a header"
_UTF_16 = "utf-16"


def open_file(path: Path) -> io.TextIOBase:
    """Open a device list.

    Raises:
        SourceError: There is no such file, or it is a directory.
    """
    try:
        return text_of(path.open("rb"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot read {path}: {why}; {_EXPECTED}") from None


def text_of(binary: BinaryIO) -> io.TextIOWrapper:
    """Return bytes as text: UTF-16 where a file begins with its mark, else UTF-8.

    PowerShell writes UTF-16. A pipe is UTF-8: to look at its mark would be to wait for it.
    """
    encoding = "utf-8-sig"
    if binary.seekable():
        start = binary.tell()
        if binary.read(2) in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:
            encoding = _UTF_16
        binary.seek(start)
    # Another column may hold any bytes; they must not sink the run.
    return io.TextIOWrapper(binary, encoding=encoding, errors="backslashreplace", newline="")


def _binary(text: io.TextIOBase) -> SourceError:
    return SourceError(
        f"{_name(text)} is a binary file; {_EXPECTED}; a spreadsheet can be saved as CSV"
    )


def _count_lines(text: io.TextIOBase) -> int:
    """Count lines, for the share that progress shows."""
    if text.encoding == _UTF_16:
        return _count_characters(text)
    binary = text.buffer  # type: ignore[attr-defined]  # a file opened as text has one
    lines, last = 0, b"\n"
    while block := binary.read(1 << 20):
        if b"\0" in block:
            raise _binary(text)
        lines += block.count(b"\n")
        last = block[-1:]
    text.seek(0)
    return lines + (last != b"\n")


def _count_characters(text: io.TextIOBase) -> int:
    """Count lines of text whose line ends are more than a byte; it takes longer."""
    lines, last = 0, "\n"
    while block := text.read(1 << 20):
        if "\0" in block:
            raise _binary(text)
        lines += block.count("\n")
        last = block[-1]
    text.seek(0)
    return lines + (last != "\n")


def _rows(
    text: io.TextIOBase, first: str, column: str | None
) -> tuple[Iterable[list[str]], Literal[0, 1]]:
    """Return the device ids in lists, and how many header lines precede them."""
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
        return cells_of(text, delimiter, index, _name(text)), 1
    if column is not None:
        raise SourceError(f"{_name(text)} has no column {column!r}; its header is {header}")
    if len(header) > 1 and not any(map(str.isdigit, first)):
        raise SourceError(
            f"{_name(text)} has no column imei, device_id or deviceid; its header is {header}; "
            "say which one holds the device ids (column=, or --column on the command line)"
        )
    return lines_of(text, first), 0


def _name(text: io.TextIOBase) -> str:
    return str(getattr(text, "name", "the input"))


async def _in_thread(work: Callable[[], T]) -> T:
    # Abandoned on cancellation: a pipe that never speaks must not keep a run from ending.
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
