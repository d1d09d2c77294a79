"""The tables of a journal, and how its file is opened and checked."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from fota_async.batch.journal.rows import Identity
from fota_async.errors import JournalError

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
_SQLITE = b"SQLite format 3\0"
_BUSY_SECONDS = 10.0


@contextmanager
def speaking_of(path: Path) -> Iterator[None]:
    """Let errors of SQLite and of the file system, and ours, name the journal.

    Raises:
        JournalError: In place of all of them.
    """
    try:
        yield
    except JournalError as error:
        raise JournalError(f"the journal {str(path)!r} cannot be used: {error}") from error
    except Exception as error:  # a damaged file may bring about anything
        raise JournalError(f"the journal {str(path)!r} cannot be used: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if not isinstance(error, sqlite3.Error):
        return f"it is damaged ({error!r})"
    if "not a database" in str(error):
        return "the file is something else"
    if not isinstance(error, sqlite3.OperationalError):
        return f"it is damaged ({error})"
    return str(error)


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing file, for whichever thread comes, with transactions begun by hand."""
    return _connect(path, "mode=rw")


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open an existing file for one picture of it, whatever a run writes meanwhile.

    Raises:
        JournalError: It cannot be read without writing beside it, and that is not possible.
    """
    connection = connect(path)
    try:
        _begin(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        # SQLite writes beside a file in WAL mode even to read it; one that nobody has open, and
        # that was closed in order, can be read as it is.
        if path.with_name(f"{path.name}-wal").exists():
            raise JournalError(
                f"{error}; copy it and {path.name}-wal to a folder of yours"
            ) from error
        connection = _connect(path, "mode=ro&immutable=1")
        _begin(connection)
    return connection


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?{how}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    _number(connection, "PRAGMA schema_version")


def create(path: Path) -> None:
    """Make an empty file that only its owner may read; leave one that is there as it is."""
    # Never open what is there: closing it again would end all locks of this process on it.
    # SQLite gives the files beside it the same mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def check_kind_of_file(path: Path) -> None:
    """Check that what is there, if anything is, can be a journal; nothing is touched.

    Raises:
        JournalError: It is something else.
    """
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) not in {b"", _SQLITE}:
                raise JournalError("the file is something else")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written to a file."""
    return _number(connection, "PRAGMA schema_version") == 0


def make_tables(connection: sqlite3.Connection, identity: Identity) -> None:
    """Make the tables of a new journal, all at once."""
    connection.execute("BEGIN IMMEDIATE")
    for table in _TABLES:
        connection.execute(f"CREATE TABLE {table}")
    connection.execute("INSERT INTO run VALUES (?, ?, ?, ?)", identity.to_row())
    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def check_identity(connection: sqlite3.Connection, expected: Identity) -> None:
    """Check that a file is a journal of this run.

    Raises:
        JournalError: It is not, or not ours to read.
    """
    _check_kind(connection)
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
    _check_kind(connection)
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise JournalError(f"it is damaged ({' '.join(found.split())})")
    for table, key in (("entry", "number"), ("verdict", "code"), ("malformed", "rowid")):
        rows, last = connection.execute(f"SELECT count(*), max({key}) FROM {table}").fetchone()  # noqa: S608 - names from the line above
        if rows != (last or 0):
            raise JournalError(f"it is damaged (rows of {table} are missing)")


def _check_kind(connection: sqlite3.Connection) -> None:
    if _number(connection, "PRAGMA application_id") != _APPLICATION:
        raise JournalError("the file is something else")
    version = _number(connection, "PRAGMA user_version")
    if version > VERSION:
        raise JournalError(
            f"a newer version of fota_async wrote it (format {version}, this one knows {VERSION})"
        )


def identities_of(connection: sqlite3.Connection) -> list[Identity]:
    """Return which run a journal is of: at first of one that makes a target, then of its run.

    Raises:
        JournalError: It does not say.
    """
    rows = connection.execute("SELECT * FROM run ORDER BY rowid").fetchall()
    if not rows:
        raise JournalError("it is damaged (it does not say of which run it is)")
    return [Identity.from_row(row) for row in rows]


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    with closing(connection.execute(pragma)) as rows:
        return int(rows.fetchone()[0])
