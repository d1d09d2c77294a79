"""Where device ids come from: an iterable, an async iterable, or a file; never all in memory."""

import os
from collections.abc import AsyncIterable, Iterable
from pathlib import Path
from typing import Protocol, TypeAlias, runtime_checkable

from fota_async.batch.iterables import AsyncIterableSource, IterableSource
from fota_async.batch.text_source import TextSource, open_file

Devices: TypeAlias = Iterable[str] | AsyncIterable[str] | os.PathLike[str]
"""A device list: ids one by one, or a file with one a line or in a column of a CSV."""


@runtime_checkable
class Source(Protocol):
    """Hands out the input slice by slice."""

    @property
    def total(self) -> int | None:
        """Inputs expected, or None if nobody can know."""
        ...

    @property
    def drains(self) -> bool:
        """Whether a stopped run reads it to the end."""
        ...

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
        column: The header of the device ids in a CSV, if it is none of `text_source.COLUMNS`.

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
        return AsyncIterableSource(devices)
    if isinstance(devices, Iterable):
        return IterableSource(devices)
    raise TypeError(f"a device list is an iterable or a path, not {type(devices).__name__}")
