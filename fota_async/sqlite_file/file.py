"""How such a file is opened and checked. What is wrong is said by `speaking_of`."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path, PurePath

from fota_async.errors import FotaError

_SQLITE = b"SQLite format 3\0"
_BUSY_SECONDS = 10.0
# A checkpoint waits for the disk, and all who write wait for it: 16 MB apart, not SQLite's 4.
_CHECKPOINT_PAGES = 4000


class UnusableFileError(Exception):
    """Why a file cannot be used; `speaking_of` names the file and makes it an error of ours."""


@contextmanager
def speaking_of(path: Path, what: str, kind: type[FotaError]) -> Iterator[None]:
    """Let errors of SQLite and of the file system, and ours, name the file.

    Args:
        path: The file.
        what: What it is, in a word.
        kind: The error to raise.

    Raises:
        FotaError: A `kind`, in place of all of them.
    """
    try:
        yield
    except Exception as error:  # a damaged file may bring about anything
        why = str(error) if isinstance(error, kind | UnusableFileError) else _why(error)
        raise kind(f"the {what} {str(path)!r} cannot be used: {why}") from error


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
    """Open an existing file for one picture of it, whatever somebody writes meanwhile.

    Raises:
        UnusableFileError: It cannot be read without writing beside it, and that is not possible.
    """
    connection = connect(path)
    try:
        _begin(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        # SQLite writes beside a file in WAL mode even to read it; one that nobody has open, and
        # that was closed in order, can be read as it is.
        if path.with_name(f"{path.name}-wal").exists():
            raise UnusableFileError(
                f"{error}; copy it and {path.name}-wal to a folder of yours"
            ) from error
        connection = _connect(path, "mode=ro&immutable=1")
        _begin(connection)
    return connection


def _connect(path: Path, how: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{_address(path)}?{how}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _address(path: PurePath) -> str:
    address = path.as_uri()
    if not address.startswith("file:///"):  # Windows' name for a folder of another machine
        raise UnusableFileError("a file on a network drive cannot hold it; use a local disk")
    return address


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    pragma(connection, "schema_version")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all that the block writes, or nothing."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def create(path: Path) -> None:
    """Make an empty file that only its owner may read; leave one that is there as it is.

    On Windows those may read it who may read what is in the folder.
    """
    # Never open what is there: closing it again would end all locks of this process on it.
    # SQLite gives the files beside it the same mode.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def check_kind_of_file(path: Path) -> None:
    """Check that what is there, if anything is, can be an SQLite file; nothing is touched.

    Raises:
        UnusableFileError: It is something else.
    """
    if path.exists():
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) not in {b"", _SQLITE}:
                raise UnusableFileError("the file is something else")


def check_application(connection: sqlite3.Connection, application: int, version: int) -> None:
    """Check that a file is of an application, and of a version that this code knows.

    Raises:
        UnusableFileError: It is not.
    """
    if pragma(connection, "application_id") != application:
        raise UnusableFileError("the file is something else")
    found = pragma(connection, "user_version")
    if found > version:
        raise UnusableFileError(
            f"a newer version of fota_async wrote it (format {found}, this one knows {version})"
        )


def check_pages(connection: sqlite3.Connection) -> None:
    """Check that a file is whole.

    Raises:
        UnusableFileError: It is damaged.
        sqlite3.DatabaseError: It is no database, or badly damaged.
    """
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise UnusableFileError(f"it is damaged ({' '.join(found.split())})")


def keep_log(connection: sqlite3.Connection, frames: int, *, full: bool) -> None:
    """Have a file written by way of a log, so that readers and the writer do not wait.

    Args:
        connection: To the file.
        frames: How many frames the log must have had, by `confirmed_frames`.
        full: Whether what was written survives the death of the machine, too.

    Raises:
        UnusableFileError: The log lost some, or the file system is not up to it.
    """
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise UnusableFileError("this file system cannot hold it; use a local disk")
    _, found, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if found < frames:
        raise UnusableFileError(f"its log is damaged ({found} of {frames} frames are left)")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
    connection.execute(f"PRAGMA fullfsync = {int(full)}")


def is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever written to a file."""
    return pragma(connection, "schema_version") == 0


def pragma(connection: sqlite3.Connection, name: str) -> int:
    """Return a number that SQLite keeps about a file."""
    with closing(connection.execute(f"PRAGMA {name}")) as rows:
        return int(rows.fetchone()[0])
