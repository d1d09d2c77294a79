"""A lock that one run holds on a journal, and that ends with its process however it ends."""

import sqlite3
from pathlib import Path

from fota_async.batch.journal.schema import connect, create
from fota_async.errors import JournalError


class Lock:
    """The lock on one journal: an SQLite lock on an empty file beside it.

    SQLite locks files alike on every platform, and the system gives up what a dead process held.
    The journal itself stays free for readers. The file is left behind: removing it would let two
    processes hold a lock on two files of one name.

    Args:
        path: The journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}-lock")
        self._connection: sqlite3.Connection | None = None

    def take(self) -> None:
        """Take the lock.

        Raises:
            JournalError: Somebody has it.
        """
        create(self._path)
        connection = connect(self._path)
        try:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            connection.close()
            if "locked" in str(error):
                raise JournalError("another run is using it; wait for its end") from error
            raise JournalError(f"{self._path.name} is no lock of it: {error}") from error
        self._connection = connection

    def give_up(self) -> None:
        """Give the lock up, if it is held."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
