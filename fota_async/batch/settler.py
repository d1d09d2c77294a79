"""The settler: reads the target when doubts have gathered, and enters what the reading decides."""

from math import inf

import attrs

from fota_async.batch.books import Books
from fota_async.batch.device_ids import unpack
from fota_async.batch.errors import StopCause
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
_DONE = Verdict(State.SUCCEEDED)
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
        alone: Whether nothing may be in flight during a reading.
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
        alone: bool = False,
    ) -> None:
        self.doubts = doubts
        self._reader = reader
        self._work = work
        self._books = books
        self._stopper = stopper
        self._news = news
        self._work_to_do = News(clock)  # or each batch would wake the settler, for nothing
        self._clock = clock
        self._settle_delay = settle_delay
        self._alone = alone
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
        done: bool = False,
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
            done: Whether an answer said that all was done, which one reading is to confirm.
        """
        devices = batch.ids if ids is None else ids
        if not self._reader.can_read:
            unknown = said or Verdict(State.UNKNOWN, reason=why)
            self._books.enter(batch, unknown, devices)
            return
        batch.lost = True
        now = self._clock.monotonic() if noticed is None else noticed
        doubt = Doubt(batch, devices, why, now, refusal)
        if done:
            doubt.seen, doubt.seen_at = _DONE, -inf
        self.doubts.add(doubt)
        self._work_to_do.tell()
        self._news.tell()

    async def run(self) -> None:
        """Settle for as long as the run goes on; ends when no doubt is left and none can come."""
        planned: float | None = None
        while self.doubts or self._expecting:
            if not self.doubts:
                planned = None
                await self._work_to_do.wait()
                continue
            now = self._clock.monotonic()
            nothing_else = self._stopper.stopped or self._work.waits_for_doubts
            if planned is None and self.doubts.is_due(now, nothing_else=nothing_else):
                planned = self.doubts.best_moment
            if planned is None:
                await self._news.wait_until(self.doubts.next_due)
            elif now < planned:
                await self._clock.sleep(planned - now)
            else:
                planned = await self._read()

    def expect_no_more(self) -> None:
        """Nothing is in flight any more whose answer could be lost."""
        self._expecting = False
        self._work_to_do.tell()
        self._news.tell()

    async def _read(self) -> float | None:
        """Read once; return when to read again after a failure."""
        try:
            if self._alone:
                reading = await self._read_alone()
            else:
                reading = await self._reader.read(self.wanted)
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
        self.enter(self.doubts.settle(self._as_it_counts(reading)))
        self._stopper.saw(reading)
        return None

    async def _read_alone(self) -> Reading:
        """Read while nothing is in flight that could change what is read."""
        self._work.hold()
        try:
            while self._work.in_flight:
                await self._news.wait()
            return await self._reader.read(self.wanted)
        finally:
            self._work.release()

    def wanted(self) -> set[str]:
        """Return the devices to ask about."""
        wanted = self.doubts.wanted()
        if self._work.opening:
            # Of an earlier start, and not read from the input yet.
            wanted.update(map(unpack, self._books.journal.past.doubtful))
        return wanted

    def _as_it_counts(self, reading: Reading) -> Reading:
        # A list that was replaced holds nothing but what the request carried; another list that
        # holds some of its devices says nothing about them.
        if self._work.opening and reading.others:
            return attrs.evolve(reading, rows={})
        return reading

    def last_look(self, reading: Reading | None) -> None:
        """Let what a reading shows count; what is in doubt all the same becomes `unknown`."""
        shown = None if reading is None else self._as_it_counts(reading)
        self.enter(self.doubts.last_look(shown, "the run was interrupted before it settled"))

    def _opened(self, decision: Verdict) -> None:
        if self._work.opening and decision.state is State.SUCCEEDED:
            self._work.opening = False
        elif self._work.opening and decision.state is State.UNKNOWN:
            self._stopper.stop_for(
                StopCause.ERROR, f"what became of the first request is unknown: {decision.reason}"
            )

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
                self._opened(one.decision)
        # Told when all is entered: whoever listens may look at the report.
        for one in settled:
            if one.decision is not SEND_AGAIN:
                self._books.tell(one.batch, "settled", devices=len(one.ids))
        if settled:
            self._stopper.check_failures()
            self._books.progress(len(self.doubts))
            self._news.tell()
