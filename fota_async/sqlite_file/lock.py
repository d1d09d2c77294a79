"""A lock that one holds on a file, and that ends with its process however it ends."""

import sqlite3
from pathlib import Path

from fota_async.sqlite_file.file import UnusableFileError, connect, create


class HeldError(UnusableFileError):
    """Somebody else has the lock."""


class Lock:
    """The lock on one file: an SQLite lock on an empty file beside it.

    SQLite locks files alike on every platform, and the system gives up what a dead process held.
    The file itself stays free for readers. The empty one is left behind: removing it would let two
    processes hold a lock on two files of one name.

    Args:
        path: The file.
        holder: Who else may hold the lock, for the error.

    Attributes:
        path: The empty file.
    """

    def __init__(self, path: Path, holder: str) -> None:
        self._holder = holder
        self.path = path.with_name(f"{path.name}-lock")
        self._connection: sqlite3.Connection | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            HeldError: Somebody has it.
            UnusableFileError: The empty file is something else, or cannot be locked.
            OSError: It cannot be made.
            sqlite3.Error: It cannot be opened.
        """
        create(self.path)
        connection = connect(self.path)
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            connection.close()
            if "locked" in str(error):
                raise HeldError(f"{self._holder} is using it; wait for its end") from error
            raise UnusableFileError(f"{self.path.name} is no lock of it: {error}") from error
        self._connection = connection

    def give_up(self) -> None:
        """Give the lock up, if it is held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
