"""Keeping a journal beside the event loop.

The intent is on disk before the request, the answer before it is reported. One thread writes, one
transaction after another; whatever gathers meanwhile goes into the next. No task is part of it: a
server that cancels all tasks it can find must not leave a gap.
"""

import asyncio
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

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
from fota_async.batch.operation import RECEIVED
from fota_async.batch.pieces import Batch
from fota_async.batch.states import Verdict
from fota_async.errors import JournalError

_GATHER = 0.01
"""Seconds that an outcome waits at most for company on its way to the disk."""


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


@attrs.define
class _Drafts:
    """What goes into one transaction."""

    entries: list[_Draft] = attrs.field(factory=list)
    verdicts: list[tuple[int, Verdict]] = attrs.field(factory=list)
    malformed: list[Malformed] = attrs.field(factory=list)

    def __bool__(self) -> bool:
        return bool(self.entries or self.malformed)

    def rows(self, start: Start) -> Rows:
        """Return what to write."""
        return Rows(
            start=start.to_row(),
            verdicts=[verdict_to_row(code, verdict) for code, verdict in self.verdicts],
            entries=[draft.entry.to_row() for draft in self.entries],
            malformed=[malformed_to_row(start.number, self.malformed)] if self.malformed else [],
        )


class Journal(NoJournal):
    """Keeps the journal of one start of a run.

    Args:
        path: The file.
        identity: Which run it is of.
        durability: What it has to survive.
        report: Takes outcomes as soon as they may be reported.
        totals: Returns the numbers of this start; those of its place in the journal do not count.
        broke: Hears that nothing can be noted any more; the run must stop.
        awaits: Whether the run waits for what becomes of received devices.
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
        awaits: bool = False,
    ) -> None:
        super().__init__(report)
        self._awaits = awaits
        self._path = path
        self._writer = JournalWriter(path, identity, durability)
        self._totals = totals
        self._broke = broke
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fota-journal")
        self._is_open = False
        self._error: JournalError | None = None
        self._number = 0
        self._codes: dict[Verdict, int] = {}
        self._entries = 0
        self._written = 0
        self._next = _Drafts()
        self._writing: _Drafts | None = None
        self._soon: asyncio.TimerHandle | None = None
        self._to_wake: deque[asyncio.Future[None]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def unwritten(self) -> Iterator[Column]:
        """Outcomes that are not on disk yet."""
        for drafts in (self._writing, self._next):
            for draft in drafts.entries if drafts else ():
                if draft.column is not None:
                    yield draft.column

    @property
    def has_work(self) -> bool:
        """Whether this start noted anything about a device."""
        return self._entries > self.past.entries

    async def open(self) -> None:
        """Make or open the file, and learn what earlier starts left behind."""
        loop = asyncio.get_running_loop()
        # All at once: whoever is cancelled before has opened nothing.
        self.past, self._codes = await loop.run_in_executor(self._thread, self._open)
        self._number = self.past.starts[-1].number + 1 if self.past.starts else 1
        self._entries = self._written = self.past.entries
        self._is_open = True
        begin = Rows(start=self._start().to_row())
        await loop.run_in_executor(self._thread, self._writer.write, begin)

    def _open(self) -> tuple[Past, dict[Verdict, int]]:
        reader = JournalReader(self._writer.open())
        try:
            with speaking_of(self._path):
                past = past_of(reader)
                codes = {verdict: code for code, verdict in reader.verdicts().items()}
        except BaseException:
            self._writer.close()
            raise
        return past, codes

    async def intend(self, batch: Batch) -> None:
        """Return when it is on disk that a batch is about to be sent."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        number = batch.entry = self._entries + 1
        self._draft(_Draft(Entry(number, batch.place, number, batch.numbers), written=written))
        await written

    def returned(self, batch: Batch) -> None:
        """Note that a batch was surely not taken."""
        # Never sent, or its last request is settled: there is no intent to take back.
        if batch.entry is not None:
            number = self._entries + 1
            self._draft(_Draft(Entry(number, batch.place, batch.entry, None, RETURNED)))

    def receive(self, batch: Batch) -> None:
        """Note that a batch was received: the next start must not send it again."""
        assert batch.entry is not None  # noqa: S101 - it was noted before it was sent
        code = self._code(RECEIVED)
        self._draft(_Draft(Entry(self._entries + 1, batch.place, batch.entry, None, code)))

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
        if self._error is None:
            self._next.malformed += malformed
            self._write_soon()

    def outcomes(self, among: BitMap64) -> JournalOutcomes:
        """Return the outcomes that are on disk by now."""
        earlier = self.past.starts
        return JournalOutcomes(
            path=self._path,
            earlier=earlier,
            upto=self._written,
            among=among if earlier else None,
            awaits=self._awaits,
        )

    async def caught_up(self) -> None:
        """Wait until everything is on disk."""
        self._write_next()
        await self._idle.wait()

    async def close(self) -> None:
        """Note how the start ended, and close the file."""
        try:
            await self.caught_up()
            if self._is_open and self._error is None:
                start = self._start()
                ending = self._thread.submit(self._writer.write, Rows(start=start.to_row()))
                await asyncio.wrap_future(ending)
        except JournalError as error:
            self._break(error)
        finally:
            # What a cancelled end left unwritten is true all the same.
            self._break(JournalError("it is closed"), tell=False)
            closing = self._thread.submit(self._writer.close)
            self._thread.shutdown(wait=False)
            await asyncio.shield(asyncio.wrap_future(closing))

    def _code(self, verdict: Verdict) -> int:
        code = self._codes.get(verdict)
        if code is None:
            code = self._codes[verdict] = len(self._codes) + 1
            self._next.verdicts.append((code, verdict))
        return code

    def _draft(self, draft: _Draft) -> None:
        if self._error is not None:
            self._let_go([draft])
            return
        self._entries += 1
        self._next.entries.append(draft)
        if draft.written is None:
            self._write_soon()
        else:
            self._write_next()

    def _start(self) -> Start:
        return attrs.evolve(self._totals(), number=self._number, entries=self._entries)

    def _write_soon(self) -> None:
        """Write what nobody waits for; the next intent mostly comes first, and takes it along."""
        self._idle.clear()
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(_GATHER, self._write_next)

    def _write_next(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._writing is not None or self._error is not None:
            return
        if not self._next:
            self._idle.set()
            return
        self._idle.clear()
        drafts, self._next = self._next, _Drafts()
        self._writing = drafts
        start = self._start()
        loop = asyncio.get_running_loop()

        def done(future: "Future[None]") -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to be told
                loop.call_soon_threadsafe(self._wrote, future.exception(), start.entries)

        future = self._thread.submit(lambda: self._writer.write(drafts.rows(start)))
        future.add_done_callback(done)

    def _wrote(self, error: BaseException | None, upto: int) -> None:
        if self._error is not None:
            return
        if error is not None:
            self._break(error if isinstance(error, JournalError) else JournalError(repr(error)))
            return
        drafts, self._writing = self._writing, None
        self._written = upto
        if any(draft.written is not None for draft in self._next.entries) or not self._next:
            self._write_next()
        else:
            self._write_soon()
        for draft in drafts.entries if drafts else ():
            if draft.column is not None:
                self._report(draft.column, True)
            if draft.written is not None:
                self._to_wake.append(draft.written)
        self._wake_one()

    def _wake_one(self) -> None:
        """Wake who waits, one a turn: each builds a request now, and the loop stays quick."""
        while self._to_wake:
            waiting = self._to_wake.popleft()
            if not waiting.done():
                waiting.set_result(None)
                asyncio.get_running_loop().call_soon(self._wake_one)
                return

    def _break(self, error: JournalError, *, tell: bool = True) -> None:
        """Note nothing any more; what was to be noted is reported all the same, for it is true."""
        if self._error is None:
            self._error = error
            if tell:
                self._broke(error)
        drafts = [*(self._writing.entries if self._writing else ()), *self._next.entries]
        self._writing, self._next = None, _Drafts()
        self._let_go(drafts)
        self._idle.set()

    def _let_go(self, drafts: list[_Draft]) -> None:
        for draft in drafts:
            if draft.column is not None:
                self._report(draft.column, False)
            if draft.written is not None and not draft.written.done():
                draft.written.set_exception(self._error or JournalError("it is closed"))
