"""The settler: reads the target when doubts have gathered, and enters what the reading decides."""

from fota_async.batch.books import Books
from fota_async.batch.news import News
from fota_async.batch.pieces import Batch
from fota_async.batch.reader import TargetReader
from fota_async.batch.reading import SEND_AGAIN, Reading
from fota_async.batch.settle import Doubt, Doubts, Settled
from fota_async.batch.states import State, Verdict
from fota_async.batch.stopping import Stopper
from fota_async.batch.work import Work
from fota_async.clock import Clock
from fota_async.errors import AuthError, CallError

_MOST_FAILURES = 3
_NOT_TAKEN = Verdict(State.UNSENT, reason="lost, not taken, and not in the input any more")


class Settler:
    """Settles the doubts of one run, one reading at a time.

    Args:
        doubts: What is not known.
        reader: Reads the target.
        work: Where devices go that are sent again.
        books: Where everything else is entered.
        stopper: Knows whether the run stops, and is told why it must.
        news: Told of every change.
        clock: Whose seconds count.
        settle_delay: Seconds between readings.
    """

    def __init__(
        self,
        *,
        doubts: Doubts,
        reader: TargetReader,
        work: Work,
        books: Books,
        stopper: Stopper,
        news: News,
        clock: Clock,
        settle_delay: float,
    ) -> None:
        self.doubts = doubts
        self._reader = reader
        self._work = work
        self._books = books
        self._stopper = stopper
        self._news = news
        self._clock = clock
        self._settle_delay = settle_delay
        self._failures = 0
        self._expecting = True

    def doubt(
        self,
        batch: Batch,
        why: str,
        *,
        ids: list[str] | None = None,
        refusal: Verdict | None = None,
        said: Verdict | None = None,
        noticed: float | None = None,
    ) -> None:
        """Take devices of a batch into doubt, from now on.

        Args:
            batch: The batch.
            why: How the doubt arose.
            ids: Some of its devices; None for all.
            refusal: What a device becomes if it turns out not to have been taken, in place of
                being sent again.
            said: What an answer said of them, if it said something.
            noticed: When the doubt arose, if not now.
        """
        devices = batch.ids if ids is None else ids
        if not self._reader.can_read:
            unknown = said or Verdict(State.UNKNOWN, reason=why)
            self._books.enter(batch, unknown, devices)
            return
        batch.lost = True
        now = self._clock.monotonic() if noticed is None else noticed
        self.doubts.add(Doubt(batch, devices, why, now, refusal))
        self._news.tell()

    async def run(self) -> None:
        """Settle for as long as the run goes on; ends when no doubt is left and none can come."""
        planned: float | None = None
        while self.doubts or self._expecting:
            now = self._clock.monotonic()
            nothing_else = self._stopper.stopped or self._work.nothing_to_send
            if planned is None and self.doubts.is_due(now, nothing_else=nothing_else):
                planned = self.doubts.best_moment
            if planned is None:
                await self._news.wait_until(self.doubts.next_due if self.doubts else None)
            elif now < planned:
                await self._clock.sleep(planned - now)
            else:
                planned = await self._read()

    def expect_no_more(self) -> None:
        """Nothing is in flight any more whose answer could be lost."""
        self._expecting = False
        self._news.tell()

    async def _read(self) -> float | None:
        """Read once; return when to read again after a failure."""
        try:
            reading = await self._reader.read(self.doubts.wanted)
        except CallError as error:
            if isinstance(error, AuthError):
                self._stopper.stop_because_of(error)
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                self._failures = 0
                why = f"not settled: the target cannot be read: {error.message}"
                self.enter(self.doubts.last_look(None, why))
                return None
            return self._clock.monotonic() + self._settle_delay
        self._failures = 0
        self.enter(self.doubts.settle(reading))
        self._stopper.saw(reading)
        return None

    def last_look(self, reading: Reading | None) -> None:
        """Let what a reading shows count; what is in doubt all the same becomes `unknown`."""
        self.enter(self.doubts.last_look(reading, "the run was interrupted before it settled"))

    def enter(self, settled: list[Settled]) -> None:
        """Enter verdicts, and queue what is sent again as a piece of its own."""
        for one in settled:
            if one.decision is SEND_AGAIN and one.batch.gone:
                self._books.enter(one.batch, _NOT_TAKEN, one.ids)
            elif one.decision is SEND_AGAIN:
                again = one.batch.part(one.ids)
                again.rounds += 1
                again.why = "was lost and did not arrive"
                self._work.put(again)
            elif isinstance(one.decision, Verdict):
                self._books.enter(one.batch, one.decision, one.ids)
        # Told when all is entered: whoever listens may look at the report.
        for one in settled:
            if one.decision is not SEND_AGAIN:
                self._books.tell(one.batch, "settled", devices=len(one.ids))
        if settled:
            self._stopper.check_failures()
            self._books.progress(len(self.doubts))
            self._news.tell()
