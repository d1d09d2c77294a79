"""The engine of a run: puts its parts together, and begins and ends it."""

import asyncio
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import partial

from fota_async.batch.admission import admit, claim
from fota_async.batch.books import Books
from fota_async.batch.crew import Crew, is_current
from fota_async.batch.errors import StopCause
from fota_async.batch.examiner import Examiner
from fota_async.batch.feed import Feed
from fota_async.batch.first_batch import FirstBatch
from fota_async.batch.leftovers import last_look, still_open, unsend
from fota_async.batch.news import News, cancel_all
from fota_async.batch.operation import Operation
from fota_async.batch.pieces import Batch
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reader import TargetReader
from fota_async.batch.refusals import Alike
from fota_async.batch.report import BatchReport
from fota_async.batch.sender import FIRST_WORKERS, Sender
from fota_async.batch.settings import RunSettings
from fota_async.batch.settle import Doubts
from fota_async.batch.settler import Settler
from fota_async.batch.source import Source
from fota_async.batch.states import DeviceOutcome, State, Verdict
from fota_async.batch.stopping import Stop, Stopper
from fota_async.batch.triage import Triage
from fota_async.batch.watch import Watch, receipts_of
from fota_async.batch.work import Work
from fota_async.errors import CallError, JournalError, RefusedError, SourceError

EARLIER = "sent by an earlier start, and no answer is on record"
_LOOK_AT_BATCH = 2
_GRACEFUL = frozenset({StopCause.INTERRUPTED, StopCause.DEADLINE})


class Engine:
    """Runs one operation over one source.

    Args:
        session: How batches are sent.
        operation: What a batch does.
        source: Where the devices come from.
        settings: The choices of the run.
        first: What became of the devices that made the target, if this run follows on that.
    """

    def __init__(
        self,
        session: BatchSession,
        operation: Operation,
        source: Source,
        settings: RunSettings,
        *,
        first: FirstBatch | None = None,
    ) -> None:
        self.operation = operation
        self._first = first
        self.session = session
        self._clock = session.clock
        self._source = source
        self._settings = settings
        self._books = Books(
            session,
            operation,
            settings,
            entered=self._check_failures,
            broke=self._journal_broke,
            first=first,
        )
        self._news = News(session.clock)
        receipts = receipts_of(operation, settings)
        self._feed = Feed(
            source,
            self._books,
            self._doubt_of_earlier_start,
            None if receipts is None else lambda batch: self._watch.go_on(batch),  # noqa: PLW0108 - it is made below
        )
        size = min(settings.batch_size, operation.cap or settings.batch_size)
        doubts = Doubts(
            operation.decide,
            present_counts=operation.present_counts,
            settle_delay=settings.settle_delay,
            batch_size=size,
            max_rounds=settings.max_rounds,
        )
        self._work = Work(self._feed, self._news, size, lambda: len(doubts) > 0)
        self._stopper = Stopper(session, settings, self._books, self._work, self._on_stop)
        self._reader = TargetReader(session, operation)
        self._settler = Settler(
            doubts=doubts,
            reader=self._reader,
            work=self._work,
            books=self._books,
            stopper=self._stopper,
            news=self._news,
            clock=session.clock,
            settle_delay=settings.settle_delay,
            alone=operation.read_alone,
        )
        self._watch = Watch(
            receipts=receipts,
            reader=self._reader,
            books=self._books,
            stopper=self._stopper,
            news=self._news,
            clock=session.clock,
            was_read=self._show_progress,
        )
        at_once = min(settings.concurrency or FIRST_WORKERS, session.max_concurrency)
        alike = Alike(size, at_once)
        self._examiner = Examiner(
            operation=operation,
            work=self._work,
            alike=alike,
            reader=self._reader,
            stopper=self._stopper,
            clock=session.clock,
            settle_delay=settings.settle_delay,
            probe=self._probe,
        )
        self._triage = Triage(
            operation=operation,
            settings=settings,
            books=self._books,
            work=self._work,
            settler=self._settler,
            watch=self._watch,
            alike=alike,
            examiner=self._examiner,
            stopper=self._stopper,
            send_later=self._send_later,
            examine=self._examine,
        )
        self._crew = Crew(self._broke)
        self._sender = Sender(
            session=session,
            operation=operation,
            settings=settings,
            books=self._books,
            work=self._work,
            triage=self._triage,
            examiner=self._examiner,
            stopper=self._stopper,
            crew=self._crew,
            news=self._news,
            departing=self._look_beside,
            ended=self._show_progress,
        )
        self._examining: asyncio.Task[None] | None = None
        self._settling: list[asyncio.Task[None]] = []
        self._grace: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._opened = False
        self._looked = False
        self._aborted = False
        self._finishing = False

    # What the run's holder asks for

    @property
    def stop(self) -> Stop | None:
        """Why the run ends early, or None."""
        return self._stopper.stop

    def start_streaming(self) -> None:
        """Keep outcomes for a reader, and go no faster than it reads."""
        self._books.stream.open()

    def stop_streaming(self) -> None:
        """Hold nothing up for a reader any more."""
        self._books.stream.close()

    async def next_outcomes(self) -> Iterable[DeviceOutcome] | None:
        """Return outcomes that no reader had yet, or None when all were read."""
        return await self._books.stream.next()

    def stop_for(self, cause: StopCause, message: str, error: Exception | None = None) -> None:
        """Start no new batch; the first cause counts."""
        self._stopper.stop_for(cause, message, error)

    def interrupt(self) -> None:
        """Start no new batch and end within `grace`, counted from the first call."""
        self._stopper.stop_for(StopCause.INTERRUPTED, "no new batch was started")
        if self._grace is None and not self._finishing:
            self._begin_grace()

    def abort(self) -> None:
        """End at once; the report is as true as can be."""
        self._stopper.stop_for(StopCause.INTERRUPTED, "no new batch was started")
        self._aborted = True
        self._crew.end_workers()
        for task in (self._opening, *self._settling, self._ending):
            if task is not None:
                task.cancel()

    def report(self) -> BatchReport:
        """Return the report as of now: in flight counts as `unknown`, waiting as `unsent`."""
        return self._books.report(
            still_open(self._work, self._settler.doubts, self._watch.receipts),
            input_complete=self._feed.ended,
            stopped=self.stop.cause.value if self.stop else None,
            seen=self._feed.seen if self._books.ended else self._feed.seen.copy(),
        )

    # The run

    async def run(self) -> None:
        """Run to the end, or until something stops it; `stop` says what did.

        Raises:
            SourceError: The source cannot be opened; nothing was sent.
            JournalError: The journal cannot be used; nothing was sent.
            MisuseError: The opposite run is under way on the same target.
            ConfigurationError: The operation cannot be done with these devices; nothing was sent.
            CallError: Whether it can is not known, since it could not be read.
        """
        self._books.start()
        self._stopper.answered()
        operation = self.operation
        with ExitStack() as stack:
            try:
                stack.callback(claim(self.session, operation))
                if await self._open():
                    await self._until_done()
            except asyncio.CancelledError:
                # The loop itself is closing down: no grace, but the report stays true.
                self.abort()
                raise
            finally:
                await self._finish()

    async def _open(self) -> bool:
        """Open source and journal; False if the run was interrupted before that."""

        async def open_both() -> None:
            await self._source.open()
            await self._books.open_journal()
            self._books.total = self._source.total
            self._opened = True
            await admit(self.session, self.operation, self._feed, self._work, self._books)

        self._opening = asyncio.create_task(open_both())
        if self._aborted:
            self._opening.cancel()
        await asyncio.wait([self._opening])
        if self._opening.cancelled():
            return False
        self._opening.result()
        return True

    async def _until_done(self) -> None:
        self._sender.start()
        self._settling = [self._crew.help(self._settler.run), self._crew.help(self._watch.run)]
        if self._settings.deadline is not None:
            self._crew.help(self._end_at_deadline)
        if self.stop is not None:
            self._on_stop()
        await self._crew.workers_done()
        self._triage.put_back_unbegun()  # or the settler would wait for them to end
        self._settler.expect_no_more()
        self._watch.expect_no_more()
        await asyncio.wait(self._settling)

    def _journal_broke(self, error: JournalError) -> None:
        self._stopper.journal_broke(error)

    def _check_failures(self) -> None:
        self._stopper.check_failures()

    def _broke(self, error: Exception) -> None:
        if isinstance(error, SourceError):
            self._stopper.stop_for(StopCause.SOURCE, str(error), error)
        else:
            self._stopper.stop_for(StopCause.ERROR, f"{type(error).__name__}: {error}", error)

    def _doubt_of_earlier_start(self, batch: Batch) -> None:
        if self._settings.dry_run:
            doubtful = Verdict(State.UNKNOWN, reason="dry run: in doubt, it would be settled first")
            self._books.enter(batch, doubtful)
            return
        why = self._first.why if self._first else EARLIER
        self._settler.doubt(batch, why, noticed=self._books.started)

    # Beside the workers

    def _send_later(self, batch: Batch) -> None:
        async def wait_and_queue() -> None:
            await self._clock.sleep(self._settings.settle_delay)
            self._work.later.discard(batch)
            self._work.put(batch)

        self._work.later.add(batch)
        self._crew.help(wait_and_queue)

    def _examine(self) -> None:
        idle = self._examining is None or self._examining.done()
        if idle and self._examiner.has_work and not self._stopper.stopped:
            self._work.hold()  # at once: the task begins a turn later, and workers are quick
            self._examining = self._crew.help(self._examiner.examine)

    def _look_beside(self) -> None:
        """Read the target's state beside the second batch: a closed one is found out early."""

        async def look() -> None:
            with suppress(CallError):  # the batches find out for themselves
                self._stopper.saw(await self._reader.read())

        can_tell = self._reader.can_tell_state
        if self._work.batches == _LOOK_AT_BATCH and can_tell and not self._looked:
            self._looked = True
            self._crew.help(look)

    async def _probe(self, batches: list[Batch]) -> list[RefusedError | None]:
        return await self._sender.probe(batches)

    def _show_progress(self) -> None:
        self._books.progress(len(self._settler.doubts))

    # Ending

    def _on_stop(self) -> None:
        self._crew.end_idle_workers()
        if self._examining is not None and not is_current(self._examining):
            self._examining.cancel()
        self._news.tell()
        if self.stop is not None and self.stop.cause in _GRACEFUL and self._grace is None:
            self._begin_grace()

    def _begin_grace(self) -> None:
        self._grace = asyncio.create_task(self._end_after_grace())
        for task in self._settling:
            task.cancel()

    async def _end_after_grace(self) -> None:
        await self._end_of_grace()
        self._crew.end_workers()
        if self._opening is not None:
            self._opening.cancel()

    async def _end_of_grace(self) -> None:
        # Half of the time is for answers, half for the reading that settles what did not come.
        await self._clock.sleep(self._settings.grace / 2)

    async def _end_at_deadline(self) -> None:
        deadline = self._settings.deadline or 0.0
        await self._clock.sleep(deadline)
        self._stopper.stop_for(StopCause.DEADLINE, f"the deadline of {deadline:g} s passed")

    async def _finish(self) -> None:
        self._finishing = True
        if self._grace is not None:
            self._grace.cancel()
        try:
            await self._crew.dismiss()
            self._triage.put_back_unbegun()
            if self.stop is not None and not self._aborted:
                self._ending = self._crew.help(self._end_early)
                await asyncio.wait([self._ending])
            await self._feed.aclose()
        finally:
            self._settler.last_look(None)
            self._watch.last_look(None)
            unsend(self._work, self._books, self.stop)
            await self._close()
            self._books.progress(0)

    async def _close(self) -> None:
        try:
            # What is reported last may still be a reason to stop.
            await self._books.journal.caught_up()
        finally:
            self._stopper.freeze()
            past = self._books.journal.past
            await self._books.end(
                input_complete=self._feed.ended,
                stopped=self.stop.cause.value if self.stop else None,
                gone=past.gone(self._feed.seen),
            )

    async def _end_early(self) -> None:
        if self._grace is not None:
            look = self._crew.help(partial(last_look, self._reader, self._settler, self._watch))
            alarm = self._crew.help(self._end_of_grace)
            try:
                await asyncio.wait({look, alarm}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await cancel_all({look, alarm})
        while self._opened and not self._feed.ended and self._source.drains:
            await self._feed.fill(1)
            unsend(self._work, self._books, self.stop)
            await self._books.journal.caught_up()
