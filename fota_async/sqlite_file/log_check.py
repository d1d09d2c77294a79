"""Whether SQLite's log lost what it had confirmed.

SQLite takes the first damaged frame of its log (the file "-wal") for the end of the log, and
forgets what follows without a word. That is right for a write that was torn when the process died,
since nothing follows it. After damage in the middle, what was decided would be done again, and what
was promised to be kept would be gone.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fota_async.sqlite_file.file import UnusableFileError

_WORDS = struct.Struct(">8I")
_FRAME = struct.Struct(">4I8x")
_LITTLE_ENDIAN, _BIG_ENDIAN = 0x377F0682, 0x377F0683


def confirmed_frames(file: Path) -> int:
    """Return how many frames the log of a file must have at least.

    To be asked before SQLite opens the file, which may end the log. The format is that of
    "WAL-mode File Format" in SQLite's documentation.

    Raises:
        UnusableFileError: The log is damaged at its head.
    """
    path = file.with_name(f"{file.name}-wal")
    if not path.exists():
        return 0
    with path.open("rb") as log:
        head = log.read(_WORDS.size)
        if len(head) < _WORDS.size:
            return 0
        magic, _, page_size, _, *salts, _, _ = _WORDS.unpack(head)
        if not _is_whole(head, magic):
            raise UnusableFileError("its log is damaged")
        ends = list(_frames(log, page_size, tuple(salts)))
    # The last frame may be torn, and with it the transaction that it ends.
    return max((number for number, end in enumerate(ends[:-1], start=1) if end), default=0)


def _is_whole(head: bytes, magic: int) -> bool:
    """Whether the head of a log has the checksum it claims."""
    if magic not in {_LITTLE_ENDIAN, _BIG_ENDIAN}:
        return False
    first = second = 0
    words = struct.unpack("<6I" if magic == _LITTLE_ENDIAN else ">6I", head[:24])
    for at in range(0, 6, 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack(">2I", head[24:])


def _frames(file: BinaryIO, page_size: int, salts: tuple[int, ...]) -> Iterator[bool]:
    """Yield for each frame of this log whether it ends a transaction."""
    while len(frame := file.read(_FRAME.size)) == _FRAME.size:
        _, end, *salt = _FRAME.unpack(frame)
        if tuple(salt) != salts:
            return  # left over from an earlier log
        yield end > 0
        file.seek(page_size, os.SEEK_CUR)
