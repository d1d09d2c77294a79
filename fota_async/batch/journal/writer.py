"""Writing a journal; blocking, for a thread beside the event loop."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from fota_async.batch.journal.lock import Lock
from fota_async.batch.journal.rows import Identity, Start
from fota_async.batch.journal.schema import connect, create, prepare, speaking_of

Durability: TypeAlias = Literal["process", "full"]
"""What a journal survives: the death of the process, or (`full`) of the machine too."""


@attrs.define
class Rows:
    """What is written at once: all of it, or nothing."""

    verdicts: list[tuple[Any, ...]] = attrs.field(factory=list)
    entries: list[tuple[Any, ...]] = attrs.field(factory=list)
    malformed: list[tuple[Any, ...]] = attrs.field(factory=list)


# A checkpoint waits for the disk, and all requests wait for it: 16 MB apart, not SQLite's 4.
_CHECKPOINT_PAGES = 4000


class JournalWriter:
    """The one writer of a journal.

    Args:
        path: The file; made if it is not there.
        identity: Which run it is of.
        durability: What it has to survive.
    """

    def __init__(self, path: Path, identity: Identity, durability: Durability) -> None:
        self._path = path
        self._identity = identity
        self._durability = durability
        self._lock = Lock(path)
        self._connection: sqlite3.Connection | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be written."""
        return self._connection is not None

    def open(self) -> sqlite3.Connection:
        """Take the lock, make or check the file, and return a connection to read it with.

        Raises:
            JournalError: It is of another run, in use, damaged, newer, or cannot be made.
        """
        with speaking_of(self._path):
            try:
                self._lock.take()
                create(self._path)
                self._connection = connect(self._path)
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
                full = self._durability == "full"
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
                self._connection.execute(f"PRAGMA fullfsync = {int(full)}")
                prepare(self._connection, self._identity)
            except BaseException:
                self.close()
                raise
        return self._connection

    def write(self, rows: Rows, start: Start) -> None:
        """Write all of it in one transaction.

        Raises:
            JournalError: It cannot be written; nothing of it was.
        """
        with speaking_of(self._path):
            assert self._connection is not None  # noqa: S101 - who writes has opened
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                _insert(self._connection, "verdict", rows.verdicts)
                _insert(self._connection, "entry", rows.entries)
                _insert(self._connection, "malformed", rows.malformed)
                _insert(self._connection, "start", [attrs.astuple(start)])
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file and give the lock up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.give_up()


def _insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        # Only the row of the start that is under way is ever there already.
        connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)  # noqa: S608 - tables of our own
