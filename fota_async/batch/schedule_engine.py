"""The engine of a schedule run: the request that makes the target, then a run that appends."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import attrs

from fota_async.batch.books import IN_FLIGHT, WAITING
from fota_async.batch.candidates import Candidate, advice
from fota_async.batch.device_ids import pack, unpack
from fota_async.batch.engine import EARLIER, Engine
from fota_async.batch.errors import StopCause
from fota_async.batch.first_batch import FirstBatch, LookAhead
from fota_async.batch.journal.rows import Identity, Start
from fota_async.batch.journal.schedule_journal import ScheduleJournal
from fota_async.batch.ledger import Column, Ledger
from fota_async.batch.operation import Operation
from fota_async.batch.patience import Interrupted, Lost, Patience
from fota_async.batch.protocol import BatchSession
from fota_async.batch.report import BatchReport
from fota_async.batch.schedule_operation import ScheduleOperation
from fota_async.batch.settings import RunSettings
from fota_async.batch.source import Source
from fota_async.batch.states import DeviceOutcome
from fota_async.batch.stopping import Stop
from fota_async.errors import (
    CallError,
    ConfigurationError,
    DecodeError,
    FotaError,
    JournalError,
    RefusedError,
    TooManyDevicesError,
)
from fota_async.events import BatchEvent, BatchOutcome
from fota_async.executor import Tally

T = TypeVar("T")

_WITH_SCHEDULE = "sent with the request that scheduled it, and the answer does not decide"
_LOST = "sent with a request to schedule that was not answered"


class ScheduleEngine(Generic[T]):
    """Sends the first batch with the request that schedules, and the rest through an `Engine`.

    Whatever becomes of that request, an engine reads the input and makes the report: of a run on
    the target, or, if there is none, of one that stops before it sends anything.

    Args:
        session: How requests are sent.
        schedule: What is scheduled.
        source: Where the devices come from.
        settings: The choices of the run.

    Attributes:
        target: The upgrade or campaign, once there is one.
        candidates: What could be it after a lost answer; None if nobody could look.
    """

    def __init__(
        self,
        session: BatchSession,
        schedule: ScheduleOperation[T],
        source: Source,
        settings: RunSettings,
    ) -> None:
        self.operation: Operation = schedule.without_target
        self.target: T | None = None
        self.candidates: tuple[Candidate, ...] | None = None
        self.session = session
        self._clock = session.clock
        self._schedule = schedule
        self._source = LookAhead(source)
        self._settings = settings
        self._tally = Tally()
        self._requests = 0
        self._began = session.clock.monotonic()
        self._sent: Sequence[str] = ()
        self._journal = ScheduleJournal(
            settings.journal,
            Identity(self.operation.name, schedule.account, self.operation.target),
            settings.durability,
            preview=settings.dry_run,
        )
        self._engine: Engine | None = None
        self._ready = asyncio.Event()
        # As in a run: half of the grace is for answers.
        self._patience = Patience(session.clock, settings.grace / 2)
        self._streaming = False

    # What the run's holder asks for

    @property
    def stop(self) -> Stop | None:
        """Why the run ends early, or None."""
        return self._engine.stop if self._engine else None

    def report(self) -> BatchReport:
        """Return the report as of now: in flight counts as `unknown`, waiting as `unsent`."""
        return self._engine.report() if self._engine else self._first_report()

    def interrupt(self) -> None:
        """Start no new batch and end within `grace`."""
        self._patience.stop()
        if self._engine:
            self._engine.interrupt()

    def abort(self) -> None:
        """End at once."""
        self._patience.abort()
        if self._engine:
            self._engine.abort()

    def start_streaming(self) -> None:
        """Keep outcomes for a reader, and go no faster than it reads."""
        self._streaming = True

    def stop_streaming(self) -> None:
        """Hold nothing up for a reader any more."""
        self._streaming = False
        if self._engine:
            self._engine.stop_streaming()

    async def next_outcomes(self) -> Iterable[DeviceOutcome] | None:
        """Return outcomes that no reader had yet, or None when all were read."""
        await self._ready.wait()
        return await self._engine.next_outcomes() if self._engine else None

    # The run

    async def run(self) -> None:
        """Schedule, append the rest, or stop; `stop` says why.

        Raises:
            ConfigurationError: There is no device id in the input; nothing was sent.
            SourceError: The source cannot be read; nothing was sent.
            JournalError: The journal cannot be used; nothing was sent.
            CallError: Nothing was scheduled.
        """
        self._began = self._clock.monotonic()
        try:
            engine = await self._first_request()
        except BaseException:
            self._ready.set()
            await self._source.aclose()
            raise
        self._engine = engine
        if self._streaming:
            engine.start_streaming()
        if self._patience.stopping:
            engine.interrupt()
        if self._patience.aborting:
            engine.abort()
        self._ready.set()
        await engine.run()

    async def _first_request(self) -> Engine:
        try:
            await self._patience.work(self._source.open())
            await self._journal.open()
            if self._journal.target is not None:
                return await self._go_on(self._journal.target)
            if doubtful := list(map(unpack, self._journal.past.doubtful)):
                return await self._lost(doubtful, EARLIER)
            ids = await self._patience.work(self._first_ids())
            if self._settings.dry_run:
                return self._engine_for(self.operation)
            return await self._schedule_with(ids)
        except Interrupted:
            return self._engine_for(self.operation)
        finally:
            await self._journal.close()

    async def _go_on(self, target: str) -> Engine:
        """Append what an earlier start left."""
        operation = self._schedule.append(target)
        if not self._settings.dry_run:
            try:
                self.target = await self._patience.work(self._schedule.get(self.session, target))
            except Interrupted:
                pass  # the engine will stop
            except FotaError as error:
                error.add_note(f"{target} was scheduled by an earlier start: do not schedule anew")
                raise
        return self._engine_for(operation)

    async def _first_ids(self) -> list[str]:
        ids = await self._source.first(self._settings.batch_size)
        if not ids:
            raise ConfigurationError(self._source.nothing)
        return ids

    async def _schedule_with(self, ids: list[str]) -> Engine:
        while True:
            await self._journal.intend(ids)
            self._sent = ids
            try:
                return await self._scheduled(await self._answer(ids), ids)
            except Lost as lost:
                self._tell(ids, "lost", lost.error)
                with suppress(JournalError):  # the intent is there
                    await self._journal.sent(self._requests, self._seconds)
                return await self._lost(ids, _LOST, lost.error)
            except TooManyDevicesError as error:
                await self._not_scheduled(ids, error)
                if len(ids) == 1:
                    raise
                ids = ids[: len(ids) // 2]
            except (CallError, Interrupted) as error:
                await self._not_scheduled(ids, error)
                raise

    async def _answer(self, ids: Sequence[str]) -> T:
        self._tally = Tally()
        schedule, tally = self._schedule, self._tally
        body = schedule.body_for(ids)
        call = self.session.call(schedule.route, schedule.values, body=body, tally=tally)
        try:
            return await self._patience.answer(call, tally)
        finally:
            self._requests += tally.requests

    async def _scheduled(self, target: T, ids: Sequence[str]) -> Engine:
        """Note the target, and return the engine that appends the rest."""
        schedule = self._schedule
        try:
            operation = schedule.append(schedule.id_of(target) or "")
        except ConfigurationError:
            said = f"the answer names no id that could be one: {schedule.id_of(target)!r}"
            raise Lost(DecodeError(said, route=schedule.route.name)) from None
        self.target = target
        self._tell(ids, "answered")
        verdicts = schedule.verdicts(target, ids)
        start = Start(number=1, requests=self._requests, seconds=self._seconds)
        first = FirstBatch(ids, verdicts, _WITH_SCHEDULE, start)
        with suppress(JournalError):  # the engine needs the journal too, and stops without it
            await self._journal.made(
                operation.target, ids, verdicts, requests=self._requests, seconds=self._seconds
            )
        return self._engine_for(operation, first)

    async def _not_scheduled(self, ids: Sequence[str], error: Exception) -> None:
        self._sent = ()
        if isinstance(error, CallError):
            self._tell(ids, "refused" if isinstance(error, RefusedError) else "requeued", error)
        with suppress(JournalError):  # then the next start looks whether it is there
            await self._journal.returned()

    async def _lost(self, ids: Sequence[str], why: str, error: CallError | None = None) -> Engine:
        """Look for what was scheduled, and return an engine that stops and says so."""
        if self._settings.dry_run:
            return self._engine_for(self.operation)
        try:
            self.candidates = await self._patience.work(self._look_for(ids))
        except (Interrupted, CallError):
            self.candidates = None  # which is what the message says
        start = Start(number=1, requests=self._requests, seconds=self._seconds)
        first = FirstBatch(ids, [None] * len(ids), why, start)
        engine = self._engine_for(self.operation, first)
        message = advice(self.candidates, self._settings.journal)
        engine.stop_for(StopCause.LOST, message, error)
        return engine

    async def _look_for(self, ids: Sequence[str]) -> tuple[Candidate, ...]:
        # Reads may lag, and a lost request may land late.
        await self._clock.sleep(self._settings.settle_delay)
        return await self._schedule.find(ids)

    def _engine_for(self, operation: Operation, first: FirstBatch | None = None) -> Engine:
        settings = self._settings
        if settings.deadline is not None:
            left = max(0.0, settings.deadline - self._seconds)
            settings = attrs.evolve(settings, deadline=left)
        return Engine(self.session, operation, self._source, settings, first=first)

    @property
    def _seconds(self) -> float:
        return self._clock.monotonic() - self._began

    def _tell(
        self, ids: Sequence[str], outcome: BatchOutcome, error: CallError | None = None
    ) -> None:
        self.session.tell(
            BatchEvent(
                operation=self.operation.name,
                target=self.operation.target,
                devices=len(ids),
                outcome=outcome,
                reason=error.brief if error else "",
            )
        )

    def _first_report(self) -> BatchReport:
        """Return the report before there is an engine to ask."""
        ledger = Ledger(self._settings.keep)
        looked_at = self._source.sifted()
        ledger.take_in(looked_at.inputs, looked_at.duplicates, looked_at.malformed)
        sent = len(self._sent)
        for place, ids, verdict in (
            (0, looked_at.ids[:sent], IN_FLIGHT),
            (sent, looked_at.ids[sent:], WAITING),
        ):
            if ids:
                ledger.enter(Column(place, pack(ids), verdict))
        return BatchReport(
            ledger,
            operation=self.operation.name,
            account=self.operation.account,
            target=self.operation.target,
            input_complete=False,
            requests=self._requests,
            retries=0,
            seconds=self._seconds,
            stopped=None,
            dry_run=self._settings.dry_run,
        )
