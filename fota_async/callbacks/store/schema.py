"""The table of a store, and how its file is opened."""

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from fota_async.errors import StoreError
from fota_async.sqlite_file import file
from fota_async.sqlite_file.file import (
    UnusableFileError,
    check_application,
    check_pages,
    is_empty,
    transaction,
)

_VERSION: Final = 1
_APPLICATION: Final = 0x464F5445  # "FOTE"
_STATEMENTS = (
    # AUTOINCREMENT: the number of a forgotten message is never given again.
    "CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, received REAL NOT NULL, "
    "version TEXT NOT NULL, text TEXT NOT NULL, digest BLOB NOT NULL, repeat INTEGER NOT NULL, "
    "state TEXT NOT NULL, tries INTEGER NOT NULL, moment REAL NOT NULL, error TEXT)",
    "CREATE INDEX message_digest ON message (digest)",
    "CREATE INDEX message_state ON message (state, moment)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)


def speaking_of(path: Path) -> AbstractContextManager[None]:
    """Let errors of SQLite and of the file system, and ours, name the store.

    Raises:
        StoreError: In place of all of them.
    """
    return file.speaking_of(path, "store", StoreError)


def make_table(connection: sqlite3.Connection) -> None:
    """Make the table of a new store, all at once."""
    with transaction(connection):
        for statement in _STATEMENTS:
            connection.execute(statement)


def check_kind(connection: sqlite3.Connection) -> None:
    """Check that a file is a store, of a version that this code knows.

    Raises:
        UnusableFileError: It is not.
    """
    if is_empty(connection):
        raise UnusableFileError("nothing is in it yet")
    check_application(connection, _APPLICATION, _VERSION)


def check(connection: sqlite3.Connection) -> None:
    """Check that a file is a store, and undamaged.

    Raises:
        UnusableFileError: It is not.
        sqlite3.DatabaseError: It is no database, or badly damaged.
    """
    check_kind(connection)
    check_pages(connection)
