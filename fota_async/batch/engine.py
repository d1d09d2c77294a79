"""The engine of a run: workers that take batches, send them, and enter what became of them."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator

import attrs

from fota_async.batch.device_ids import Malformed, pack
from fota_async.batch.errors import StopCause
from fota_async.batch.feed import Feed
from fota_async.batch.ledger import Column, Keep, Ledger, malformed_outcome, merged
from fota_async.batch.operation import Operation, fold
from fota_async.batch.protocol import BatchSession, Tally
from fota_async.batch.report import BatchReport
from fota_async.batch.source import Source
from fota_async.batch.states import DeviceOutcome, State, Verdict
from fota_async.batch.stream import Stream
from fota_async.errors import (
    AuthError,
    CallError,
    LostError,
    RefusedError,
    SourceError,
    ThrottledError,
)
from fota_async.events import BatchEvent, ProgressEvent
from fota_async.limiter import Slot
from fota_async.models.device_answers import DeviceAnswers
from fota_async.wire.decode import concerns_devices


@attrs.frozen(kw_only=True)
class RunSettings:
    """The choices of one run; see `fota_async.DeviceBatcher`."""

    batch_size: int
    concurrency: int
    keep: Keep
    grace: float


@attrs.define(eq=False)
class Batch:
    """The devices of one request.

    Attributes:
        order: Place in the input.
        ids: Its devices.
        tally: What its requests did on the wire.
        why: Why it waits to be sent again, or was not sent.
    """

    order: int
    ids: list[str]
    tally: Tally = attrs.field(factory=Tally)
    why: str = ""


@attrs.frozen
class Stop:
    """Why a run ends early."""

    cause: StopCause
    message: str
    error: Exception | None = None


class Engine:
    """Runs one operation over one source.

    Args:
        session: How batches are sent.
        operation: What a batch does.
        source: Where the devices come from.
        settings: The choices of the run.
    """

    def __init__(
        self, session: BatchSession, operation: Operation, source: Source, settings: RunSettings
    ) -> None:
        self.operation = operation
        self.stop: Stop | None = None
        self._session = session
        self._source = source
        self._settings = settings
        self._ledger = Ledger(settings.keep)
        self._feed = Feed(source, self._ledger, self._malformed)
        self._stream = Stream()

        self._again: deque[Batch] = deque()
        self._in_flight: set[Batch] = set()
        self._workers: dict[asyncio.Task[None], Batch | None] = {}
        self._turn = asyncio.Lock()
        self._grace: asyncio.Task[None] | None = None
        self._draining: asyncio.Task[None] | None = None
        self._aborted = False
        self._finished = False

        self._batches = 0
        self._requests = 0
        self._retries = 0
        self._unasked = 0
        self._started = session.clock.monotonic()
        self._seconds = 0.0
        self._last_answer = self._started

    # What the run's holder asks for

    def start_streaming(self) -> None:
        """Keep outcomes for a reader, and go no faster than it reads."""
        self._stream.open()

    def stop_streaming(self) -> None:
        """Hold nothing up for a reader any more."""
        self._stream.close()

    async def next_outcomes(self) -> Iterable[DeviceOutcome] | None:
        """Return outcomes that no reader had yet, or None when all were read."""
        return await self._stream.next()

    def interrupt(self) -> None:
        """Start no new batch and end within `grace`; called again, end at once."""
        if self._finished:
            return
        if self._grace is not None:
            self._abort()
            return
        self._stop_for(StopCause.INTERRUPTED, "interrupted")
        self._grace = asyncio.create_task(self._end_after_grace())

    def report(self) -> BatchReport:
        """Return the report as of now: in flight counts as `unknown`, waiting as `unsent`."""
        ledger = self._ledger if self._finished else merged(self._ledger, self._open_columns())
        return BatchReport(
            ledger,
            operation=self.operation.name,
            account=self.operation.account,
            target=self.operation.target,
            input_complete=self._feed.ended,
            requests=self._requests,
            retries=self._retries,
            seconds=self._seconds if self._finished else self._elapsed,
            stopped=self.stop.cause.value if self.stop else None,
            unasked=self._unasked,
        )

    # The run

    async def run(self) -> None:
        """Run to the end, or until something stops it; `stop` says what did.

        Raises:
            SourceError: The source cannot be opened; nothing was sent.
        """
        self._started = self._last_answer = self._session.clock.monotonic()
        try:
            await self._source.open()
            self._workers = {
                asyncio.create_task(self._work()): None for _ in range(self._settings.concurrency)
            }
            if self.stop is not None:
                self._cancel_idle()
            await self._all_done(list(self._workers))
        finally:
            await self._finish()

    async def _all_done(self, tasks: list[asyncio.Task[None]]) -> None:
        try:
            if tasks:
                await asyncio.wait(tasks)
        except asyncio.CancelledError:
            # The loop itself is closing down: no grace, but the report stays true.
            self._stop_for(StopCause.INTERRUPTED, "interrupted")
            self._abort()
            await asyncio.wait(tasks)
            raise

    async def _work(self) -> None:
        try:
            while self.stop is None:
                slot = self._session.slot()
                try:
                    batch = await self._next_batch(slot)
                    if batch is None:
                        return
                    await self._send(batch, slot)
                finally:
                    slot.give_back()
        except asyncio.CancelledError:
            pass  # by _cancel_idle, _abort or the end of grace: the books are in order
        except SourceError as error:
            self._stop_for(StopCause.SOURCE, str(error), error)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not lose the report
            self._stop_for(StopCause.ERROR, f"{type(error).__name__}: {error}", error)

    async def _next_batch(self, slot: Slot) -> Batch | None:
        # One worker at a time, and the place in flight is taken only when there is something to
        # send: a slow source then holds up nobody else's requests.
        async with self._turn:
            if not self._again:
                await self._feed.fill(1)
                await self._stream.room()
            if not self._again and not self._feed.waiting:
                return None
            await slot.take()
            if self._again:
                return self._depart(self._again.popleft())
            await self._feed.fill(self._settings.batch_size)
            self._batches += 1
            return self._depart(Batch(self._batches, self._feed.take(self._settings.batch_size)))

    def _depart(self, batch: Batch) -> Batch:
        self._in_flight.add(batch)
        self._workers[self._me()] = batch
        return batch

    def _me(self) -> asyncio.Task[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only workers ask
        return task

    async def _send(self, batch: Batch, slot: Slot) -> None:
        sent_before = batch.tally.requests
        batch.tally = Tally(requests=sent_before)
        try:
            answers = await self._session.call(
                self.operation.route,
                self.operation.values,
                body=self.operation.encode(batch.ids),
                slot=slot,
                tally=batch.tally,
                endless=True,
                keep_trying=lambda: self.stop is None,
            )
        except CallError as error:
            self._went_wrong(batch, error)
        except BaseException:
            if batch.tally.in_doubt:
                self._doubt(batch, Verdict(State.UNKNOWN, reason="interrupted before the answer"))
            else:
                self._put_back(batch, "interrupted")
            raise
        else:
            self._answered(batch, answers)
        finally:
            self._in_flight.discard(batch)
            self._workers[self._me()] = None
            requests = batch.tally.requests - sent_before
            self._requests += requests
            self._retries += requests if sent_before else max(0, requests - 1)
        self._progress()
        await self._stream.room()

    # What became of a batch

    def _answered(self, batch: Batch, answers: DeviceAnswers) -> None:
        self._last_answer = self._session.clock.monotonic()
        folded = fold(batch.ids, answers, self.operation.judge)
        self._unasked += folded.unasked
        if isinstance(folded.verdicts, Verdict):
            self._enter(batch.order, batch.ids, folded.verdicts)
        else:
            pairs = zip(batch.ids, folded.verdicts, strict=True)
            verdicts = [verdict or folded.doubts[device] for device, verdict in pairs]
            self._enter(batch.order, batch.ids, verdicts)
        self._tell(batch, "answered")

    def _went_wrong(self, batch: Batch, error: CallError) -> None:
        why = str(error)
        if isinstance(error, LostError):
            self._doubt(batch, Verdict(State.UNKNOWN, reason=f"no answer: {why}"))
        elif isinstance(error, RefusedError) and concerns_devices(error):
            code = error.code or str(error.status)
            self._enter(batch.order, batch.ids, Verdict(State.FAILED, code, error.text))
            self._tell(batch, "refused", why)
        else:
            self._put_back(batch, why)
            self._stop_because_of(error)

    def _stop_because_of(self, error: CallError) -> None:
        if isinstance(error, ThrottledError):
            silence = self._session.clock.monotonic() - self._last_answer
            longest = self._session.max_pause
            if (error.retry_after or 0.0) > longest or silence > longest:
                self._stop_for(StopCause.THROTTLED, str(error), error)
        elif isinstance(error, AuthError):
            self._stop_for(StopCause.CREDENTIALS, str(error), error)
        elif isinstance(error, RefusedError):
            self._stop_for(StopCause.REFUSED, str(error), error)
        else:
            self._stop_for(StopCause.ERROR, str(error), error)

    def _doubt(self, batch: Batch, verdict: Verdict) -> None:
        self._enter(batch.order, batch.ids, verdict)
        self._tell(batch, "lost", verdict.reason)

    def _put_back(self, batch: Batch, why: str) -> None:
        batch.why = why
        self._again.append(batch)
        self._tell(batch, "requeued", why)

    def _enter(self, order: int, ids: list[str], verdicts: Verdict | list[Verdict]) -> None:
        column = Column(order, pack(ids), verdicts)
        self._ledger.enter(column)
        self._stream.append(column.outcomes())

    def _malformed(self, malformed: list[Malformed]) -> None:
        self._stream.append(map(malformed_outcome, malformed))

    # Stopping

    def _stop_for(self, cause: StopCause, message: str, error: Exception | None = None) -> None:
        if self.stop is None and not self._finished:
            self.stop = Stop(cause, f"the run was stopped ({cause}): {message}", error)
            self._cancel_idle()

    def _cancel_idle(self) -> None:
        """End every worker that has nothing on the wire; what it holds is surely not sent."""
        current = asyncio.current_task()
        for worker, batch in self._workers.items():
            if worker is not current and (batch is None or not batch.tally.on_wire):
                worker.cancel()

    async def _end_after_grace(self) -> None:
        await self._session.clock.sleep(self._settings.grace)
        self._cancel_workers()

    def _abort(self) -> None:
        self._aborted = True
        self._cancel_workers()
        if self._draining is not None:
            self._draining.cancel()

    def _cancel_workers(self) -> None:
        for worker in self._workers:
            worker.cancel()

    async def _finish(self) -> None:
        if self._grace is not None:
            self._grace.cancel()
        if self.stop is not None:
            self._draining = asyncio.create_task(self._drain())
            if self._aborted:
                self._draining.cancel()
            await asyncio.wait([self._draining])
        await self._feed.aclose()
        self._unsend_waiting()
        self._seconds = self._elapsed
        self._finished = True
        self._stream.end()
        self._progress()

    async def _drain(self) -> None:
        try:
            while not self._feed.ended and self._source.drains:
                await self._feed.fill(1)
                self._unsend_waiting()
                await self._stream.room()
        except SourceError as error:
            self._stop_for(StopCause.SOURCE, str(error), error)

    def _unsend_waiting(self) -> None:
        cause = self.stop.cause if self.stop else StopCause.ERROR
        for batch in self._again:
            reason = f"the run stopped first ({cause}): {batch.why}"
            self._enter(batch.order, batch.ids, Verdict(State.UNSENT, reason=reason))
        self._again.clear()
        if waiting := self._feed.take(len(self._feed.waiting)):
            self._batches += 1
            verdict = Verdict(State.UNSENT, reason=f"the run stopped first ({cause})")
            self._enter(self._batches, waiting, verdict)

    # What is seen from outside

    @property
    def _elapsed(self) -> float:
        return self._session.clock.monotonic() - self._started

    def _open_columns(self) -> Iterator[Column]:
        flying = Verdict(State.UNKNOWN, reason="in flight")
        waiting = Verdict(State.UNSENT, reason="not sent yet")
        for batch in self._in_flight:
            yield Column(batch.order, pack(batch.ids), flying)
        for batch in self._again:
            yield Column(batch.order, pack(batch.ids), waiting)
        yield Column(self._batches + 1, pack(self._feed.waiting), waiting)

    def _tell(self, batch: Batch, outcome: str, reason: str = "") -> None:
        self._session.tell(
            BatchEvent(
                operation=self.operation.name,
                target=self.operation.target,
                devices=len(batch.ids),
                outcome=outcome,
                reason=reason,
            )
        )

    def _progress(self) -> None:
        states = self._ledger.states
        self._session.tell(
            ProgressEvent(
                operation=self.operation.name,
                target=self.operation.target,
                inputs=self._ledger.inputs,
                total=self._source.total,
                succeeded=states[State.SUCCEEDED],
                failed=states[State.FAILED],
                pending=states[State.PENDING],
                invalid=self._ledger.invalid,
                unknown=states[State.UNKNOWN],
                unsent=states[State.UNSENT],
                duplicates=self._ledger.duplicates,
                doubtful=0,
                requests=self._requests,
                retries=self._retries,
                seconds=self._elapsed,
                finished=self._finished,
            )
        )
