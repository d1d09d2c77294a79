"""Keeping a journal beside the event loop.

The intent is on disk before the request, the answer before it is reported; whatever gathers while
one transaction is written goes into the next.
"""

import asyncio
from array import array
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import attrs
from pyroaring import BitMap64

from fota_async.batch.device_ids import Malformed
from fota_async.batch.journal.no_journal import NoJournal, Report
from fota_async.batch.journal.outcomes import JournalOutcomes
from fota_async.batch.journal.past import Past, past_of
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import (
    RETURNED,
    Entry,
    Identity,
    Start,
    malformed_to_row,
    verdict_to_row,
)
from fota_async.batch.journal.schema import speaking_of
from fota_async.batch.journal.writer import Durability, JournalWriter, Rows
from fota_async.batch.ledger import Column
from fota_async.batch.pieces import Batch
from fota_async.batch.states import Verdict
from fota_async.errors import JournalError

T = TypeVar("T")


@attrs.define
class _Draft:
    """An entry on its way to the disk.

    Attributes:
        entry: What to write.
        column: What may be reported then.
        written: Who waits for it.
    """

    entry: Entry
    column: Column | None = None
    written: "asyncio.Future[None] | None" = None


class Journal(NoJournal):
    """Keeps the journal of one start of a run.

    Args:
        path: The file.
        identity: Which run it is of.
        durability: What it has to survive.
        report: Takes outcomes as soon as they may be reported.
        totals: Returns the numbers of this start; those of its place in the journal do not count.
        broke: Hears that nothing can be noted any more; the run must stop.
    """

    def __init__(
        self,
        path: Path,
        identity: Identity,
        durability: Durability,
        *,
        report: Report,
        totals: Callable[[], Start],
        broke: Callable[[JournalError], object],
    ) -> None:
        self._path = path
        self._writer = JournalWriter(path, identity, durability)
        super().__init__(report)
        self._totals = totals
        self._broke = broke
        self._error: JournalError | None = None
        self._codes: dict[Verdict, int] = {}
        self._entries = 0
        self._written = 0
        self._drafts: list[_Draft] = []
        self._writing: list[_Draft] = []
        self._verdicts: list[Verdict] = []
        self._malformed: list[Malformed] = []
        self._flushing: asyncio.Task[None] | None = None
        # One thread takes one call after another, also when who waits for them was cancelled.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fota-journal")

    @property
    def unwritten(self) -> Iterator[Column]:
        """Outcomes that are not on disk yet."""
        for draft in (*self._writing, *self._drafts):
            if draft.column is not None:
                yield draft.column

    @property
    def has_work(self) -> bool:
        """Whether this start noted anything about a device."""
        return self._entries > (self.past.starts[-1].entries if self.past.starts else 0)

    async def open(self) -> None:
        """Make or open the file, and learn what earlier starts left behind."""
        self.past = await self._in_thread(self._open)

    def _open(self) -> Past:
        reader = JournalReader(self._writer.open())
        try:
            with speaking_of(self._path):
                past = past_of(reader)
                self._codes = {verdict: code for code, verdict in reader.verdicts().items()}
                self._entries = self._written = reader.last_entry
        except BaseException:
            self._writer.close()
            raise
        return past

    async def intend(self, batch: Batch) -> None:
        """Return when it is on disk that a batch is about to be sent."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        number = self._entries + 1
        batch.entry = number
        self._draft(_Draft(Entry(number, batch.place, number, batch.numbers), written=written))
        await written

    def returned(self, batch: Batch) -> None:
        """Note that a batch was surely not taken."""
        # Never sent, or its last request is settled: there is no intent to take back.
        if batch.entry is not None:
            number = self._entries + 1
            self._draft(_Draft(Entry(number, batch.place, batch.entry, None, RETURNED)))

    def enter(self, batch: Batch, column: Column, *, whole: bool) -> None:
        """Note outcomes, and report them when they are on disk."""
        code: int | None = None
        codes: array[int] | None = None
        if isinstance(column.verdicts, Verdict):
            code = self._code(column.verdicts)
        else:
            codes = array("I", map(self._code, column.verdicts))
        number = self._entries + 1
        if whole and batch.entry is not None:
            entry = Entry(number, column.place, batch.entry, None, code, codes)
        else:
            entry = Entry(number, column.place, number, column.numbers, code, codes)
        self._draft(_Draft(entry, None if batch.gone else column))

    def malformed(self, malformed: Sequence[Malformed]) -> None:
        """Note inputs that are not device ids."""
        self._malformed += malformed
        self._wake()

    def outcomes(self, without: BitMap64) -> JournalOutcomes:
        """Return the outcomes that are on disk by now."""
        earlier = self.past.starts
        return JournalOutcomes(
            path=self._path, earlier=earlier, upto=self._written, without=without
        )

    async def caught_up(self) -> None:
        """Wait until everything is on disk."""
        while self._flushing is not None and not self._flushing.done():
            await asyncio.wait([self._flushing])

    async def close(self) -> None:
        """Note how the start ended, and close the file."""
        try:
            await self.caught_up()
            if self._error is None and self._writer.is_open:
                await self._write([])
        except JournalError as error:
            self._break(error)
        finally:
            # What a cancelled end left behind is true all the same.
            self._break(JournalError("it is closed"), tell=False)
            closing = asyncio.get_running_loop().run_in_executor(self._thread, self._writer.close)
            self._thread.shutdown(wait=False)
            await asyncio.shield(closing)

    def _code(self, verdict: Verdict) -> int:
        code = self._codes.get(verdict)
        if code is None:
            code = self._codes[verdict] = len(self._codes) + 1
            self._verdicts.append(verdict)
        return code

    def _draft(self, draft: _Draft) -> None:
        if self._error is not None:
            self._let_go([draft])
            return
        self._entries += 1
        self._drafts.append(draft)
        self._wake()

    def _wake(self) -> None:
        if self._error is None and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._drafts or self._malformed:
            self._writing, self._drafts = self._drafts, []
            try:
                await self._write(self._writing)
            except JournalError as error:
                self._break(error)
                return
            written, self._writing = self._writing, []
            for draft in written:
                if draft.column is not None:
                    self._report(draft.column, True)
            for draft in written:
                if draft.written is not None and not draft.written.done():
                    draft.written.set_result(None)
                    # Whoever waited builds a request now; one a turn, so that the loop stays quick.
                    await asyncio.sleep(0)

    async def _write(self, drafts: list[_Draft]) -> None:
        verdicts, self._verdicts = self._verdicts, []
        malformed, self._malformed = self._malformed, []
        start = attrs.evolve(
            self._totals(),
            number=self.past.starts[-1].number + 1 if self.past.starts else 1,
            entries=drafts[-1].entry.number if drafts else self._written,
        )
        first_code = len(self._codes) - len(verdicts) + 1

        def write() -> None:
            rows = Rows(
                verdicts=[verdict_to_row(first_code + at, v) for at, v in enumerate(verdicts)],
                entries=[draft.entry.to_row() for draft in drafts],
                malformed=[malformed_to_row(start.number, malformed)] if malformed else [],
            )
            self._writer.write(rows, start)

        await self._in_thread(write)
        self._written = start.entries

    def _break(self, error: JournalError, *, tell: bool = True) -> None:
        """Note nothing any more; what was to be noted is reported all the same, for it is true."""
        if self._error is None:
            self._error = error
            if tell:
                self._broke(error)
        drafts = [*self._writing, *self._drafts]
        self._writing, self._drafts = [], []
        self._let_go(drafts)

    def _let_go(self, drafts: list[_Draft]) -> None:
        for draft in drafts:
            if draft.column is not None:
                self._report(draft.column, False)
            if draft.written is not None and not draft.written.done():
                draft.written.set_exception(self._error or JournalError("it is closed"))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)
