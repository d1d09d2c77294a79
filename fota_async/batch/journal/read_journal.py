"""The report of a run as its journal tells it, without the run."""

import os
from collections.abc import Iterator
from pathlib import Path

import attrs
from pyroaring import BitMap64

from fota_async.batch.journal.latest import Codes, in_order, latest
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import Start
from fota_async.batch.ledger import Column, Ledger
from fota_async.batch.report import BatchReport
from fota_async.batch.run_start import RunStart

UNFINISHED = "unfinished"


def read_journal(path: str | os.PathLike[str]) -> BatchReport:
    """Return the report of a run from its journal; possible while the run goes on, too.

    Iterating yields every device in the journal, also those that the last input did not hold, read
    from the file each time. Devices that were sent and have no answer on record are `unknown`.
    Counts are those of the last start's input; while a start is under way, or after it was killed,
    they count all of the journal, and `stopped` is `unfinished`.

    >>> _ = await fota.v1.upgrades.append_devices(upgrade_id, imeis, journal="enrol.db")
    >>> report = read_journal("enrol.db")
    >>> report.operation, report.succeeded, report.stopped
    ('append', 3, None)

    Args:
        path: The journal.

    Raises:
        JournalError: There is none, or it is damaged or of a newer version; when iterating, too.
    """
    path = Path(path).absolute()
    with JournalReader.open(path) as reader:
        identity = reader.identities()[-1]
        starts = reader.starts()
        last = starts[-1] if starts else Start(number=0)
        ledger = Ledger("all")
        _count(reader, ledger, last)
        ledger.on_disk = _Everything(path, reader.last_entry)
        malformed = list(reader.malformed(last.number))
    devices = sum(ledger.states.values())
    ledger.take_in(devices + len(malformed) + last.duplicates, last.duplicates, malformed)
    return BatchReport(
        ledger,
        operation=identity.operation,
        account=identity.account,
        target=identity.target,
        input_complete=last.input_complete,
        requests=sum(start.requests for start in starts),
        retries=sum(start.retries for start in starts),
        seconds=sum(start.seconds for start in starts),
        stopped=last.stopped if last.ended else UNFINISHED,
        unasked=sum(start.unasked for start in starts),
        starts=list(map(RunStart.from_journal, starts)),
    )


def _count(reader: JournalReader, ledger: Ledger, last: Start) -> None:
    codes = Codes(reader.verdicts(), ())
    gone = BitMap64.deserialize(last.gone) if last.gone else BitMap64()
    for one in latest(reader):
        for code, numbers in one.by_code():
            counted = len(numbers)
            if gone:
                counted -= len(gone & BitMap64(numbers))
            if counted:
                ledger.count(codes.verdict(code), counted)


@attrs.frozen
class _Everything:
    """All devices of a journal, each time they are read."""

    path: Path
    upto: int

    def __iter__(self) -> Iterator[Column]:
        with JournalReader.open(self.path) as reader:
            codes = Codes(reader.verdicts(), ())
            for one in in_order(reader, self.upto):
                yield codes.column(one)
