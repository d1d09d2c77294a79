"""The store of one receiver; blocking, for a thread beside the event loop."""

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from fota_async.callbacks.store.rows import (
    COLUMNS,
    DAMAGED,
    Arrival,
    Change,
    MessageState,
    StoredMessage,
    from_row,
)
from fota_async.callbacks.store.schema import check, check_kind, make_table, speaking_of
from fota_async.errors import StoreError
from fota_async.sqlite_file.file import (
    check_kind_of_file,
    connect,
    create,
    is_empty,
    keep_log,
    pragma,
    transaction,
)
from fota_async.sqlite_file.lock import Lock
from fota_async.sqlite_file.log_check import confirmed_frames

_FORGET_EVERY = 1000
"""Handled messages until the oldest ones are forgotten: looking for them costs something."""


class Store:
    """The store of one receiver, which holds its lock.

    Args:
        path: The file; made if it is not there.
        max_bytes: How large it may grow.
        keep_handled: How many handled messages it remembers.
    """

    def __init__(self, path: Path, *, max_bytes: int, keep_handled: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep_handled = keep_handled
        self._lock = Lock(path, holder="another receiver")
        self._connection: sqlite3.Connection | None = None
        self._file = 0
        self._page_size = 0
        self._handled = 0

    def open(self, now: float, longest_wait: float) -> None:
        """Take the lock, and make or check the file.

        Args:
            now: The receiver's time.
            longest_wait: Seconds that a message may have been told to wait. What waits longer does
                so by a clock that was wrong, and is handled now; what was handled later than now
                counts as handled now.

        Raises:
            StoreError: It is in use, damaged, newer, something else, or cannot be made.
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
                self._mend_moments(self._connection, now, longest_wait)
                self._file = self._path.stat().st_ino
            except BaseException:
                self.close()
                raise

    def _prepare(self, connection: sqlite3.Connection, frames: int) -> None:
        new = is_empty(connection)
        if not new:
            check_kind(connection)  # before anything in the file is changed
        # A message cannot be asked for again: it has to survive the death of the machine, too.
        keep_log(connection, frames, full=True)
        if new:
            self._path.chmod(0o600)  # it may have been there, empty
            make_table(connection)
        check(connection)
        self._page_size = pragma(connection, "page_size")

    @staticmethod
    def _mend_moments(connection: sqlite3.Connection, now: float, longest_wait: float) -> None:
        for state, latest in (
            (MessageState.WAITING, now + longest_wait),
            # Else what is handled from now on would be forgotten first.
            (MessageState.HANDLED, now),
        ):
            connection.execute(
                "UPDATE message SET moment = ? WHERE state = ? AND moment > ?",
                (now, state, latest),
            )

    def write(
        self, arrivals: Sequence[Arrival], changes: Sequence[Change]
    ) -> list[tuple[int, bool]] | None:
        """Write all of it in one transaction.

        Returns:
            Of each arrival its number and whether it is a repeat; None if there is no room for
            them: then only the changes were written.

        Raises:
            StoreError: It cannot be written; nothing of it was.
        """
        with speaking_of(self._path), transaction(connection := self._ours()):
            connection.executemany(
                "UPDATE message SET state = ?, tries = ?, moment = ?, error = ? WHERE number = ?",
                [(one.state, one.tries, one.moment, one.error, one.number) for one in changes],
            )
            self._handled += sum(one.state is MessageState.HANDLED for one in changes)
            if self._handled >= _FORGET_EVERY:
                self._handled = 0
                _forget(connection, self._keep_handled)
            if arrivals and not self._has_room(connection):
                return None
            return [_add(connection, one) for one in arrivals]

    def due(
        self, now: float, most: int, busy: Collection[int]
    ) -> tuple[list[StoredMessage], float | None]:
        """Return messages to handle now, and when to look again.

        Args:
            now: The receiver's time.
            most: How many messages to return at most.
            busy: Numbers of messages that are being handled.

        Returns:
            The messages, and the moment at which another one is to be handled, if one is.

        Raises:
            StoreError: It cannot be read.
        """
        with speaking_of(self._path):
            connection = self._ours()
            rows = connection.execute(
                "SELECT number FROM message WHERE state = ? AND moment <= ? "
                "ORDER BY moment, number LIMIT ?",
                (MessageState.WAITING, now, most + len(busy)),
            )
            numbers = [number for (number,) in rows if number not in busy][:most]
            messages = [self._read(connection, number) for number in numbers]
            (later,) = connection.execute(
                "SELECT min(moment) FROM message WHERE state = ? AND moment > ?",
                (MessageState.WAITING, now),
            ).fetchone()
            damaged = [one for one in messages if one.error == DAMAGED]
        if damaged:
            ends = [
                Change(one.event.id, MessageState.DEAD, one.event.tries, now, DAMAGED)
                for one in damaged
            ]
            self.write([], ends)
        return [one for one in messages if one.error != DAMAGED], later

    @staticmethod
    def _read(connection: sqlite3.Connection, number: int) -> StoredMessage:
        query = f"SELECT {COLUMNS} FROM message WHERE number = ?"  # noqa: S608 - names of ours
        return from_row(connection.execute(query, (number,)).fetchone())

    def close(self) -> None:
        """Close the file and give the lock up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.give_up()

    def _ours(self) -> sqlite3.Connection:
        connection = self._connection
        if connection is None:
            raise StoreError("it is closed")
        if self._path.stat().st_ino != self._file:
            raise StoreError("the file was taken away under the receiver")
        return connection

    def _has_room(self, connection: sqlite3.Connection) -> bool:
        """Whether messages may come in; forget half of what is handled if not."""
        # By ourselves and not by SQLite's own limit: what became of a message must always fit in,
        # or else a full store would stay full.
        if self._used(connection) < self._max_bytes:
            return True
        (handled,) = connection.execute(
            "SELECT count(*) FROM message WHERE state = ?", (MessageState.HANDLED,)
        ).fetchone()
        _forget(connection, handled // 2)
        return self._used(connection) < self._max_bytes

    def _used(self, connection: sqlite3.Connection) -> int:
        pages = pragma(connection, "page_count") - pragma(connection, "freelist_count")
        return pages * self._page_size


def _add(connection: sqlite3.Connection, one: Arrival) -> tuple[int, bool]:
    (repeat,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM message WHERE digest = ?)", (one.digest,)
    ).fetchone()
    added = connection.execute(
        "INSERT INTO message (received, version, text, digest, repeat, state, tries, moment) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
        (
            one.received,
            one.version,
            one.text,
            one.digest,
            repeat,
            MessageState.WAITING,
            one.moment,
        ),
    )
    number = added.lastrowid
    assert number is not None  # noqa: S101 - SQLite has just given it
    return number, bool(repeat)


def _forget(connection: sqlite3.Connection, keep: int) -> None:
    connection.execute(
        "DELETE FROM message WHERE number IN (SELECT number FROM message WHERE state = ? "
        "ORDER BY moment DESC LIMIT -1 OFFSET ?)",
        (MessageState.HANDLED, keep),
    )
