"""What a run knows, for everyone who asks: the report, the stream of outcomes, the events."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import attrs
from pyroaring import BitMap64

from fota_async.batch.device_ids import Malformed, pack
from fota_async.batch.first_batch import FirstBatch
from fota_async.batch.journal.keeper import Journal
from fota_async.batch.journal.no_journal import NoJournal
from fota_async.batch.journal.preview import JournalPreview
from fota_async.batch.journal.rows import Identity, Start
from fota_async.batch.ledger import Column, Ledger, malformed_outcome, merged
from fota_async.batch.operation import Operation
from fota_async.batch.pieces import Batch
from fota_async.batch.protocol import BatchSession
from fota_async.batch.recheck import recheck_with
from fota_async.batch.report import BatchReport
from fota_async.batch.run_start import RunStart
from fota_async.batch.settings import RunSettings
from fota_async.batch.states import State, Verdict
from fota_async.batch.stream import Stream
from fota_async.batch.top_reasons import TopReasons
from fota_async.errors import JournalError
from fota_async.events import BatchEvent, BatchOutcome, JournalEvent, ProgressEvent

IN_FLIGHT = Verdict(State.UNKNOWN, reason="in flight")
IN_DOUBT = Verdict(State.UNKNOWN, reason="being settled")
WOULD_BE_SENT = Verdict(State.UNSENT, reason="dry run: it would be sent")
WAITING = Verdict(State.UNSENT, reason="not sent yet")


class Books:
    """The books of one run.

    Args:
        session: Whose clock counts and where events go.
        operation: What the run does.
        settings: Which outcomes stay for the report, and where the journal is.
        entered: Called when outcomes were entered that had to be noted first.
        broke: Hears that the journal can note nothing any more.
        first: What became of the devices that made the target, if this run follows on that.
    """

    def __init__(
        self,
        session: BatchSession,
        operation: Operation,
        settings: RunSettings,
        *,
        entered: Callable[[], object],
        broke: Callable[[JournalError], object],
        first: FirstBatch | None = None,
    ) -> None:
        self.ledger = Ledger(settings.keep)
        self.stream = Stream()
        self._reasons = TopReasons()
        self._dry_run = settings.dry_run
        self.journal = NoJournal(self._enter_final)
        identity = Identity(operation.name, operation.account, operation.target)
        if settings.journal is not None and settings.dry_run:
            self.journal = JournalPreview(settings.journal, identity, self._enter_final)
        elif settings.journal is not None:
            self.journal = Journal(
                settings.journal,
                identity,
                settings.durability,
                report=self._enter_final,
                totals=self._totals,
                broke=broke,
                awaits=operation.awaits,
            )
        elif first is not None:
            self.journal.past = first
        self._on_disk = settings.journal is not None
        self._first = first
        self._broke = broke
        self._earlier: Counter[State] = Counter()
        self.requests = 0
        self.retries = 0
        self.unasked = 0
        self.awaited = 0
        self.total: int | None = None
        self._session = session
        self._operation = operation
        self._entered = entered
        self.started = session.clock.monotonic()
        self._ended_at: float | None = None
        self.ended = False
        self._ending: Start | None = None

    def start(self) -> None:
        """The run starts now."""
        self.started = self._session.clock.monotonic()

    async def open_journal(self) -> None:
        """Learn what earlier starts left behind, and tell the hook.

        Raises:
            JournalError: The journal cannot be used.
        """
        try:
            await self.journal.open()
        except JournalError as error:
            if self._first is None:
                raise
            await self._do_without_journal(self._first, error)
        past = self.journal.past
        if past.starts and self._first is None:
            self._session.tell(
                JournalEvent(
                    operation=self._operation.name,
                    target=self._operation.target,
                    starts=len(past.starts),
                    decided=past.decided,
                    doubtful=len(past.doubtful),
                    finished=past.finished,
                )
            )

    async def _do_without_journal(self, first: FirstBatch, error: JournalError) -> None:
        # Something was sent: what is known of that is reported whatever the disk can hold.
        await self.journal.close()
        self.journal = NoJournal(self._enter_final)
        self.journal.past = first
        self._on_disk = False
        self._broke(error)

    async def end(self, *, input_complete: bool, stopped: str | None, gone: BitMap64) -> None:
        """The run ended; nothing changes any more.

        Args:
            input_complete: Whether the input was read to its end.
            stopped: Why the run ended early, or None.
            gone: Devices of the journal that the input does not hold.
        """
        self._ending = Start(
            number=0,
            input_complete=input_complete,
            ended=True,
            stopped=stopped,
            gone=gone.serialize() if gone else b"",
        )
        self._ended_at = self._session.clock.monotonic()
        try:
            await self.journal.close()
        finally:
            self.ended = True
            self.stream.end()

    @property
    def seconds(self) -> float:
        """How long the run took so far."""
        end = self._session.clock.monotonic() if self._ended_at is None else self._ended_at
        return end - self.started if self.journal.has_work else 0.0

    @property
    def failed(self) -> int:
        """Devices to which the API said no."""
        return self.ledger.states[State.FAILED]

    @property
    def decided(self) -> int:
        """Devices with an outcome."""
        return sum(self.ledger.states.values())

    def enter(
        self,
        batch: Batch,
        verdicts: Verdict | list[Verdict],
        ids: list[str] | None = None,
        details: Sequence[object] | None = None,
    ) -> None:
        """Enter what became of a batch, or of some of its devices. It is final."""
        numbers = batch.numbers if ids is None else pack(ids)
        column = Column(batch.place, numbers, verdicts, details)
        self.journal.enter(batch, column, whole=ids is None)

    def receive(self, batch: Batch) -> None:
        """Note that the API has received a batch, and that what becomes of it is waited for."""
        self.journal.receive(batch)

    def enter_known(self, place: int, numbers: "array[int]", verdict: Verdict) -> None:
        """Enter what was decided before the run, or by an earlier start of it."""
        if self._first is None:
            self._earlier[verdict.state] += len(numbers)
        self._enter_final(Column(place, numbers, verdict), self._on_disk)

    def _enter_final(self, column: Column, on_disk: bool) -> None:
        self.ledger.enter(column, on_disk=on_disk)
        self.stream.append(column.outcomes())
        if on_disk:
            self._entered()

    def malformed(self, malformed: list[Malformed]) -> None:
        """Show inputs that are not device ids to the reader of the stream."""
        self.journal.malformed(malformed)
        self.stream.append(map(malformed_outcome, malformed))

    def foresee(self, batch: Batch) -> None:
        """Enter a batch that a dry run would have sent."""
        self.requests += 1
        self.enter(batch, WOULD_BE_SENT)

    def returned(self, batch: Batch) -> None:
        """Note that a batch waits to be sent again, and was surely not taken unless it was lost."""
        if not batch.lost:
            self.journal.returned(batch)
        batch.entry = None

    def written(self, requests: int, *, sent_before: bool) -> None:
        """Count requests of one batch that were written to the wire."""
        self.requests += requests
        self.retries += requests if sent_before else max(0, requests - 1)

    def report(
        self,
        still_open: Iterable[tuple[int, list[str], Verdict]],
        *,
        input_complete: bool,
        stopped: str | None,
        seen: BitMap64,
    ) -> BatchReport:
        """Return the report as of now.

        Args:
            still_open: Place, devices and present state of what is not decided yet.
            input_complete: Whether the input was read to its end.
            stopped: Why the run ended early, or None.
            seen: Devices that the input held so far.
        """
        ledger = self.ledger
        ledger.on_disk = self.journal.outcomes(seen)
        if not self.ended:
            columns = (Column(place, pack(ids), verdict) for place, ids, verdict in still_open)
            unwritten = (attrs.evolve(one, verdicts=IN_FLIGHT) for one in self.journal.unwritten)
            ledger = merged(ledger, chain(columns, unwritten))
        earlier = [] if self._dry_run else self.journal.past.starts
        return BatchReport(
            ledger,
            operation=self._operation.name,
            account=self._operation.account,
            target=self._operation.target,
            input_complete=input_complete,
            requests=self.requests + sum(start.requests for start in earlier),
            retries=self.retries + sum(start.retries for start in earlier),
            seconds=self.seconds + sum(start.seconds for start in earlier),
            stopped=stopped,
            unasked=self.unasked + sum(start.unasked for start in earlier),
            dry_run=self._dry_run,
            starts=self._starts(earlier, stopped),
            recheck=recheck_with(self._session, self._operation),
        )

    def _starts(self, earlier: Sequence[Start], stopped: str | None) -> list[RunStart]:
        *others, this = [
            *map(RunStart.from_journal, earlier),
            RunStart(
                requests=self.requests,
                retries=self.retries,
                seconds=self.seconds,
                ended=self.ended,
                stopped=stopped,
            ),
        ]
        if self._first is not None and others:  # what made the target belongs to this start
            this = this.after(others.pop())
        return [*others, this]

    def _totals(self) -> Start:
        return attrs.evolve(
            self._ending or Start(number=0),
            requests=self.requests,
            retries=self.retries,
            unasked=self.unasked,
            seconds=float(self.seconds),
            duplicates=self.ledger.duplicates,
        )

    def tell(
        self, batch: Batch, outcome: BatchOutcome, reason: str = "", devices: int = -1
    ) -> None:
        """Tell the hook about a batch."""
        if not self._session.is_heard:
            return
        self._session.tell(
            BatchEvent(
                operation=self._operation.name,
                target=self._operation.target,
                devices=len(batch.ids) if devices < 0 else devices,
                outcome=outcome,
                reason=reason,
                place=batch.place,
                seconds=None if outcome == "settled" else batch.tally.seconds,
            )
        )

    def progress(self, doubtful: int) -> None:
        """Tell the hook where the run stands."""
        if not self._session.is_heard:
            return
        states = self.ledger.states
        self._session.tell(
            ProgressEvent(
                operation=self._operation.name,
                target=self._operation.target,
                inputs=self.ledger.inputs,
                total=self.total,
                succeeded=states[State.SUCCEEDED],
                failed=states[State.FAILED],
                pending=states[State.PENDING] + self.awaited,
                invalid=self.ledger.invalid,
                unknown=states[State.UNKNOWN],
                unsent=states[State.UNSENT],
                duplicates=self.ledger.duplicates,
                doubtful=doubtful,
                requests=self.requests,
                retries=self.retries,
                seconds=self.seconds,
                finished=self.ended,
                failures=self._reasons.of(self.ledger),
                earlier_succeeded=self._earlier[State.SUCCEEDED],
                earlier_failed=self._earlier[State.FAILED],
                earlier_pending=self._earlier[State.PENDING],
            )
        )
