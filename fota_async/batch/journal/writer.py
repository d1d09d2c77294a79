"""Writing a journal; blocking, for a thread beside the event loop."""

import sqlite3
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from fota_async.batch.journal.rows import Identity
from fota_async.batch.journal.schema import (
    check,
    check_identity,
    identities_of,
    make_tables,
    speaking_of,
)
from fota_async.errors import JournalError
from fota_async.sqlite_file.file import (
    check_kind_of_file,
    connect,
    create,
    is_empty,
    keep_log,
    transaction,
)
from fota_async.sqlite_file.lock import Lock
from fota_async.sqlite_file.log_check import confirmed_frames

Durability: TypeAlias = Literal["process", "full"]
"""What a journal survives: the death of the process, or (`full`) of the machine too."""


@attrs.define
class Rows:
    """What is written at once: all of it, or nothing."""

    start: tuple[Any, ...]
    run: list[tuple[Any, ...]] = attrs.field(factory=list)
    verdicts: list[tuple[Any, ...]] = attrs.field(factory=list)
    entries: list[tuple[Any, ...]] = attrs.field(factory=list)
    malformed: list[tuple[Any, ...]] = attrs.field(factory=list)


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
        self._lock = Lock(path, holder="another run")
        self._connection: sqlite3.Connection | None = None
        self._file = 0

    def open(self) -> sqlite3.Connection:
        """Take the lock, make or check the file, and return a connection to read it with.

        Raises:
            JournalError: It is of another run, in use, damaged, newer, or cannot be made.
        """
        with speaking_of(self._path):
            try:
                # First of all: to open and close a file ends all locks that this process has on it.
                self._lock.take()
                check_kind_of_file(self._path)
                frames = confirmed_frames(self._path)
                create(self._path)
                self._connection = connect(self._path)
                self._prepare(self._connection, frames)
                self._file = self._path.stat().st_ino
            except BaseException:
                self.close()
                raise
        return self._connection

    def _prepare(self, connection: sqlite3.Connection, frames: int) -> None:
        new = is_empty(connection)
        if not new:
            check_identity(connection, self._identity)  # before anything in the file is changed
        keep_log(connection, frames, full=self._durability == "full")
        if new:
            self._path.chmod(0o600)  # it may have been there, empty
            make_tables(connection, self._identity)
        check(connection)
        if self._identity not in identities_of(connection):
            # Whoever knows the target says so by naming it.
            row = self._identity.to_row()
            connection.execute(f"INSERT {_into('run', row)}", row)

    def write(self, rows: Rows) -> None:
        """Write all of it in one transaction.

        Raises:
            JournalError: It cannot be written; nothing of it was.
        """
        with speaking_of(self._path):
            connection = self._connection
            if connection is None or self._path.stat().st_ino != self._file:
                raise JournalError("the file was taken away under the run")
            with transaction(connection):
                for table, some in (
                    ("run", rows.run),
                    ("verdict", rows.verdicts),
                    ("entry", rows.entries),
                    ("malformed", rows.malformed),
                ):
                    if some:
                        connection.executemany(f"INSERT {_into(table, some[0])}", some)
                connection.execute(f"REPLACE {_into('start', rows.start)}", rows.start)

    def close(self) -> None:
        """Close the file and give the lock up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.give_up()


def _into(table: str, row: tuple[Any, ...]) -> str:
    return f"INTO {table} VALUES ({', '.join('?' * len(row))})"
