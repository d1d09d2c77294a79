"""Reading a journal; possible while a run writes to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from fota_async.batch.device_ids import Malformed
from fota_async.batch.journal.rows import (
    Entry,
    Identity,
    Start,
    malformed_from_row,
    verdict_from_row,
)
from fota_async.batch.journal.schema import check, identities_of, speaking_of
from fota_async.batch.states import Verdict
from fota_async.errors import JournalError
from fota_async.sqlite_file.file import connect_to_read


class JournalReader:
    """What a journal holds.

    Args:
        connection: To the journal.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open a journal for reading.

        Raises:
            JournalError: There is none, or it is damaged; for errors of the block, too.
        """
        with speaking_of(path):
            if not path.is_file():
                raise JournalError("there is no such file")
            connection = connect_to_read(path)
            try:
                check(connection)
                yield cls(connection)
            finally:
                connection.close()

    def identities(self) -> list[Identity]:
        """Return which run it is of; two where a request had to make the target first."""
        return identities_of(self._connection)

    def starts(self) -> list[Start]:
        """Return the starts of the run so far."""
        return list(
            map(Start.from_row, self._connection.execute("SELECT * FROM start ORDER BY number"))
        )

    def verdicts(self) -> dict[int, Verdict]:
        """Return the verdicts by their codes."""
        rows = self._connection.execute("SELECT * FROM verdict")
        return dict(map(verdict_from_row, rows))

    def backwards(self, upto: int | None = None) -> Iterator[Entry]:
        """Yield the entries up to a number, the last first."""
        rows = self._connection.execute(
            "SELECT * FROM entry WHERE number <= ? ORDER BY number DESC",
            (self.last_entry if upto is None else upto,),
        )
        return map(Entry.from_row, rows)

    @property
    def last_entry(self) -> int:
        """Number of the last entry, nought if there is none."""
        (number,) = self._connection.execute("SELECT max(number) FROM entry").fetchone()
        return number or 0

    def entry(self, number: int) -> Entry:
        """Return one entry.

        Raises:
            JournalError: There is no such entry.
        """
        row = self._connection.execute(
            "SELECT * FROM entry WHERE number = ?",
            (number,),
        ).fetchone()
        if row is None:
            raise JournalError(f"it is damaged (entry {number} is missing)")
        return Entry.from_row(row)

    def malformed(self, start: int) -> Iterator[Malformed]:
        """Yield the inputs of one start that are not device ids."""
        for row in self._connection.execute("SELECT * FROM malformed ORDER BY rowid"):
            of, malformed = malformed_from_row(row)
            if of == start:
                yield from malformed
