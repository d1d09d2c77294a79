"""A journal that is looked at and not touched, for a dry run."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from pyroaring import BitMap64

from fota_async.batch.journal.no_journal import NoJournal, Report
from fota_async.batch.journal.outcomes import JournalOutcomes
from fota_async.batch.journal.past import Past, past_of
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import Identity
from fota_async.batch.journal.schema import check_same_run, speaking_of
from fota_async.batch.ledger import Column


class JournalPreview(NoJournal):
    """Knows the past of a run, and notes nothing.

    Args:
        path: The journal; there may be none yet.
        identity: Which run it must be of.
        report: Takes outcomes.
    """

    def __init__(self, path: Path, identity: Identity, report: Report) -> None:
        super().__init__(report)
        self._path = path
        self._identity = identity

    async def open(self) -> None:
        """Learn what earlier starts left behind."""
        self.past = await asyncio.to_thread(self._read)

    def _read(self) -> Past:
        with speaking_of(self._path):
            # A run makes a journal of an empty file, too.
            if not self._path.exists() or not self._path.stat().st_size:
                return Past()
        with JournalReader.open(self._path) as reader:
            check_same_run(reader.identities(), self._identity)
            return past_of(reader)

    def outcomes(self, among: BitMap64) -> Iterable[Column]:
        """Return what earlier starts decided."""
        return JournalOutcomes(
            path=self._path, earlier=self.past.starts, upto=self.past.entries, among=among
        )
