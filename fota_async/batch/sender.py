"""The sender: workers that take batches, send them, and hand on what became of them."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from fota_async.batch.books import Books
from fota_async.batch.crew import Crew, Worker
from fota_async.batch.examiner import Examiner
from fota_async.batch.news import News
from fota_async.batch.operation import Operation
from fota_async.batch.pieces import Batch
from fota_async.batch.protocol import BatchSession
from fota_async.batch.settings import RunSettings
from fota_async.batch.stopping import Stopper
from fota_async.batch.triage import Triage
from fota_async.batch.work import Work
from fota_async.errors import CallError, JournalError, LostError, RefusedError
from fota_async.executor import Tally
from fota_async.limiter import Slot

FIRST_WORKERS = 8
"""Batches in hand before one was answered, so that a wrong request is not sent a hundred times."""


class Sender:
    """Sends the batches of one run.

    Args:
        session: How batches are sent.
        operation: What a batch does.
        settings: How many may be in flight at once.
        books: Where it is noted that a batch is about to be sent.
        work: Where batches come from.
        triage: Sorts the answers.
        examiner: Knows whether anything was ever answered.
        stopper: Knows whether the run stops.
        crew: Where workers belong.
        news: Told of every change.
        departing: Called before each sending.
        ended: Called after each.
    """

    def __init__(
        self,
        *,
        session: BatchSession,
        operation: Operation,
        settings: RunSettings,
        books: Books,
        work: Work,
        triage: Triage,
        examiner: Examiner,
        stopper: Stopper,
        crew: Crew,
        news: News,
        departing: Callable[[], object],
        ended: Callable[[], object],
    ) -> None:
        self._session = session
        self._operation = operation
        self._settings = settings
        self._books = books
        self._work = work
        self._triage = triage
        self._examiner = examiner
        self._stopper = stopper
        self._crew = crew
        self._news = news
        self._departing = departing
        self._ended = ended
        # More than the session has in flight would only wait, each as a task.
        self._at_first = min(settings.concurrency or FIRST_WORKERS, session.max_concurrency)
        self._idle = 0

    def start(self) -> None:
        """Let the first workers begin."""
        for _ in range(self._at_first):
            self._crew.work(self._take_and_send)

    async def probe(self, batches: list[Batch]) -> list[RefusedError | None]:
        """Send batches beside all others; return for each its refusal, or None."""
        gate = asyncio.Semaphore(self._at_first)
        refusals: list[RefusedError | None] = []

        async def probe(batch: Batch, worker: Worker) -> None:
            async with gate, self._slot() as slot:
                refusals.append(await self._send(batch, slot, worker))

        self._work.in_flight.update(batches)
        probes = [self._crew.work(partial(probe, batch)) for batch in batches]
        if probes:
            await asyncio.wait(probes)
        return refusals

    def _slot(self) -> Slot:
        executor = self._settings.executor
        place = executor.place() if executor and not self._settings.dry_run else None
        return self._session.slot(self._operation.account, self, place)

    async def _take_and_send(self, worker: Worker) -> None:
        while not self._stopper.stopped:
            slot = self._slot()
            try:
                self._idle += 1
                try:
                    batch = await self._work.next(slot)
                finally:
                    self._idle -= 1
                if batch is None:
                    return
                if self._settings.dry_run:
                    self._foresee(batch)
                else:
                    self._call_another()
                    await self._send(batch, slot, worker)
            finally:
                slot.give_back()
            await self._books.stream.room()

    def _call_another(self) -> None:
        """Let somebody wait for the next batch, if all are busy: the session's limit may grow."""
        if (
            self._settings.concurrency is None
            and not self._idle
            and self._examiner.anything_answered
            and len(self._work.in_flight) < self._session.max_concurrency
        ):
            self._crew.work(self._take_and_send)

    def _foresee(self, batch: Batch) -> None:
        self._work.in_flight.discard(batch)
        self._books.foresee(batch)
        self._news.tell()
        self._ended()

    async def _send(self, batch: Batch, slot: Slot, worker: Worker) -> RefusedError | None:
        """Send a batch and enter or queue what became of it; return its refusal, if it was one."""
        refusal: RefusedError | None = None
        batch.tally = Tally()
        worker.batch = batch
        self._departing()
        try:
            result = await self._call(batch, slot)
        except JournalError:
            self._triage.put_back(batch, "the journal cannot be written")
        except RefusedError as error:
            refusal = error
            self._triage.refused(batch, error)
        except LostError as error:
            self._triage.lost(batch, f"no answer: {error.message}", error)
        except CallError as error:
            self._triage.put_back(batch, error.message, error)
            self._stopper.stop_because_of(error)
        except BaseException:
            if batch.tally.in_doubt:
                self._triage.lost(batch, "interrupted before the answer")
            else:
                self._triage.put_back_cut_short(batch)
            raise
        else:
            self._triage.answered(batch, result)
        finally:
            worker.batch = None
            self._news.tell()
        self._ended()
        return refusal

    async def _call(self, batch: Batch, slot: Slot) -> Any:
        operation = self._operation
        opening = operation.opening if self._work.opening else None
        encode = opening.encode if opening else operation.encode
        began = self._session.clock.monotonic()
        try:
            await self._books.journal.intend(batch)
            return await self._session.call(
                operation.route,
                operation.values,
                body=encode(batch.ids),
                query=operation.query(batch.ids) if operation.query else None,
                read=operation.reader(batch.ids) if operation.reader else None,
                slot=slot,
                tally=batch.tally,
                endless=True,
                keep_trying=lambda: not self._stopper.stopped,
            )
        finally:
            self._work.in_flight.discard(batch)
            batch.tally.seconds = self._session.clock.monotonic() - began
            self._books.written(batch.tally.requests, sent_before=batch.sent)
            batch.sent = batch.sent or batch.tally.requests > 0
