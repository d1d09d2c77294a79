"""The watch: reads the target until it shows what became of devices that were received."""

import asyncio
from collections.abc import Callable, Collection

from fota_async.batch.books import Books
from fota_async.batch.news import News
from fota_async.batch.operation import RECEIVED, Operation
from fota_async.batch.pieces import Batch
from fota_async.batch.reader import TargetReader
from fota_async.batch.reading import Reading
from fota_async.batch.receipts import Receipt, Receipts
from fota_async.batch.settings import RunSettings
from fota_async.batch.settle import Settled
from fota_async.batch.states import Verdict
from fota_async.batch.stopping import Stopper
from fota_async.clock import Clock
from fota_async.errors import AuthError, CallError

_MOST_FAILURES = 3


def receipts_of(operation: Operation, settings: RunSettings) -> Receipts | None:
    """Return what holds the receipts of a run; None where nobody waits for their outcome."""
    if not operation.awaits or settings.dry_run:
        return None
    return Receipts(
        operation.decide,
        present_counts=operation.present_counts,
        settle_delay=settings.settle_delay,
        limit=settings.settle_limit,
    )


class Watch:
    """Watches the receipts of one run.

    Args:
        receipts: What does not show yet; None where nobody waits for it.
        reader: Reads the target.
        books: Where outcomes are entered.
        stopper: Knows whether the run stops, and is told why it must.
        news: Tells of receipts, and is told of every change.
        clock: Whose seconds count.
        was_read: Called after each reading.
    """

    def __init__(
        self,
        *,
        receipts: Receipts | None,
        reader: TargetReader,
        books: Books,
        stopper: Stopper,
        news: News,
        clock: Clock,
        was_read: Callable[[], object],
    ) -> None:
        self._receipts = receipts
        self._reader = reader
        self._books = books
        self._stopper = stopper
        self._news = news
        self._clock = clock
        self._was_read = was_read
        self._failures = 0
        self._expecting = True

    @property
    def receipts(self) -> Collection[Receipt]:
        """What does not show yet."""
        return () if self._receipts is None else tuple(self._receipts)

    def receive(self, batch: Batch) -> None:
        """Take in devices that the API has received just now."""
        if self._receipts is None:
            self._books.enter(batch, RECEIVED)
        else:
            self._books.receive(batch)
            self._wait_for(batch, self._clock.monotonic())

    def go_on(self, batch: Batch) -> None:
        """Take in devices that the API received in an earlier start of the run."""
        self._wait_for(batch, self._books.started)

    def _wait_for(self, batch: Batch, since: float) -> None:
        assert self._receipts is not None  # noqa: S101 - who asks has seen that somebody waits
        self._receipts.add(Receipt(batch, batch.ids, since))
        self._books.awaited += len(batch.ids)
        self._news.tell()

    def expect_no_more(self) -> None:
        """Nothing is in flight any more that could be received."""
        self._expecting = False
        self._news.tell()

    async def run(self) -> None:
        """Watch for as long as the run goes on; ends when nothing is left and nothing can come."""
        while self._receipts is not None and (self._receipts or self._expecting):
            if not self._receipts:
                await self._news.wait()
                continue
            await self._clock.sleep(max(0.0, self._receipts.next_moment - self._clock.monotonic()))
            await self._read(self._receipts)

    async def _read(self, receipts: Receipts) -> None:
        started = self._clock.monotonic()
        try:
            reading = await self._reader.read(receipts.wanted)
        except CallError as error:
            receipts.read(started, self._clock.monotonic())
            if isinstance(error, AuthError):
                self._stopper.stop_because_of(error)
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                self._failures = 0
                self.last_look(None, f"the target cannot be read: {error.message}")
        else:
            self._failures = 0
            for settled in receipts.settle(reading):
                self._enter(settled)
                await asyncio.sleep(0)  # a campaign can have a million devices
            receipts.read(reading.started, reading.ended)
            self._stopper.saw(reading)
            self._was_read()

    def wanted(self) -> set[str]:
        """Return the devices to ask about."""
        return set() if self._receipts is None else self._receipts.wanted()

    def last_look(
        self, reading: Reading | None, why: str = "the run was interrupted before it showed"
    ) -> None:
        """Wait no longer: what a reading shows counts, the rest stays `pending`."""
        if self._receipts is not None:
            self._enter(self._receipts.last_look(reading, why))

    def _enter(self, settled: list[Settled]) -> None:
        for one in settled:
            if isinstance(one.decision, Verdict):
                self._books.enter(one.batch, one.decision, one.ids)
        self._books.awaited -= sum(len(one.ids) for one in settled)
        # Told when all is entered: whoever listens may look at the report.
        for one in settled:
            self._books.tell(one.batch, "settled", devices=len(one.ids))
        if settled:
            self._stopper.check_failures()
            self._news.tell()
