"""The tables of a journal, and how it is checked."""

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from fota_async.batch.journal.rows import Identity
from fota_async.errors import JournalError
from fota_async.sqlite_file import file
from fota_async.sqlite_file.file import check_application, check_pages, is_empty, transaction

VERSION: Final = 1
_APPLICATION: Final = 0x464F5441  # "FOTA"
_TABLES = (
    "run (operation TEXT NOT NULL, account TEXT NOT NULL, target TEXT NOT NULL, "
    "checksum INTEGER NOT NULL)",
    "start (number INTEGER PRIMARY KEY, entries INTEGER NOT NULL, requests INTEGER NOT NULL, "
    "retries INTEGER NOT NULL, unasked INTEGER NOT NULL, seconds REAL NOT NULL, "
    "duplicates INTEGER NOT NULL, input_complete INTEGER NOT NULL, ended INTEGER NOT NULL, "
    "stopped TEXT, gone BLOB NOT NULL, checksum INTEGER NOT NULL)",
    "verdict (code INTEGER PRIMARY KEY, text TEXT NOT NULL, checksum INTEGER NOT NULL)",
    "entry (number INTEGER PRIMARY KEY, place INTEGER NOT NULL, ids_in INTEGER NOT NULL, "
    "code INTEGER, ids BLOB, codes BLOB, checksum INTEGER NOT NULL)",
    "malformed (start INTEGER NOT NULL, texts TEXT NOT NULL, checksum INTEGER NOT NULL)",
)


def speaking_of(path: Path) -> AbstractContextManager[None]:
    """Let errors of SQLite and of the file system, and ours, name the journal.

    Raises:
        JournalError: In place of all of them.
    """
    return file.speaking_of(path, "journal", JournalError)


def make_tables(connection: sqlite3.Connection, identity: Identity) -> None:
    """Make the tables of a new journal, all at once."""
    with transaction(connection):
        for table in _TABLES:
            connection.execute(f"CREATE TABLE {table}")
        connection.execute("INSERT INTO run VALUES (?, ?, ?, ?)", identity.to_row())
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def check_identity(connection: sqlite3.Connection, expected: Identity) -> None:
    """Check that a file is a journal of this run.

    Raises:
        JournalError: It is not, or not ours to read.
    """
    check_application(connection, _APPLICATION, VERSION)
    check_same_run(identities_of(connection), expected)


def check_same_run(identities: Sequence[Identity], expected: Identity) -> None:
    """Check that a journal is of this run, or of the request that made its target.

    Raises:
        JournalError: It is of another.
    """
    found = identities[-1]
    if expected not in identities and not found.may_become(expected):
        raise JournalError(
            f"it is of another run: {found.operation} on {found.target} of account "
            f"{found.account}; give each run a journal of its own"
        )


def check(connection: sqlite3.Connection) -> None:
    """Check that the file is a journal, of a version that this code knows, and undamaged.

    Raises:
        JournalError: It is not.
        sqlite3.DatabaseError: It is no database, or badly damaged.
    """
    if is_empty(connection):
        raise JournalError("nothing is in it yet")
    check_application(connection, _APPLICATION, VERSION)
    check_pages(connection)
    for table, key in (("entry", "number"), ("verdict", "code"), ("malformed", "rowid")):
        rows, last = connection.execute(f"SELECT count(*), max({key}) FROM {table}").fetchone()  # noqa: S608 - names from the line above
        if rows != (last or 0):
            raise JournalError(f"it is damaged (rows of {table} are missing)")


def identities_of(connection: sqlite3.Connection) -> list[Identity]:
    """Return which run a journal is of: at first of one that makes a target, then of its run.

    Raises:
        JournalError: It does not say.
    """
    rows = connection.execute("SELECT * FROM run ORDER BY rowid").fetchall()
    if not rows:
        raise JournalError("it is damaged (it does not say of which run it is)")
    return [Identity.from_row(row) for row in rows]
