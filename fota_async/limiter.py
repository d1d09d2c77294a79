"""Whose turn it is to send: waits for places in flight, for the pace and for the end of a pause.

A gate before the connection pool: a request that waits here costs no timeout, and one that waits
for a back-off gives its place to another.
"""

import asyncio
from collections.abc import Callable, Hashable
from math import inf

from fota_async.allowance import Allowance, Pause
from fota_async.ceiling import Ceiling
from fota_async.clock import Clock
from fota_async.events import EventHook, LimitEvent, PauseEvent
from fota_async.executor import Place
from fota_async.pacing import Departure
from fota_async.turns import Turn, Turns

_TELL_RATE = 0.05
"""A rate is told again when it changed by this share."""
_TELL_PAUSE = 0.1
"""A pause is told again when it became longer by this share: requests that left together are all
throttled, a moment apart."""


_STALE = 1.0
"""Seconds after which a moment that `max_rate` gave is not used any more: whoever was to leave then
gave up, or was held back."""


class Limiter:
    """One for each account of a session manager.

    Requests of a flow go first come first served, and flows in turn: one that comes new waits for
    at most one request of each other flow.

    Args:
        ceiling: The most requests in flight at once, or what all accounts share.
        clock: Whose seconds pauses and rates are measured in.
        tell: Where `PauseEvent` and `LimitEvent` go.
        account: Whose it is, for events.
        patience: Seconds of a pause beyond which nobody is held back: whoever asks for a place
            gets one, to hear of the pause.
        everyone: A pause that holds back all accounts.
    """

    def __init__(
        self,
        ceiling: int | Ceiling,
        clock: Clock,
        tell: EventHook,
        *,
        account: str = "",
        patience: float = inf,
        everyone: Pause | None = None,
    ) -> None:
        self._ceiling = Ceiling(ceiling) if isinstance(ceiling, int) else ceiling
        self._allowance = Allowance(self._ceiling.max_concurrency, patience)
        self._everyone = everyone or Pause()
        self._patience = patience
        self._clock = clock
        self._tell = tell
        self._account = account
        self._told: tuple[int, float | None] = (self._allowance.limit, None)
        self._reserved: float | None = None
        self._turns = Turns()
        self._leader: Turn | None = None
        self._alarm_at = -inf

    @property
    def limit(self) -> int:
        """Requests that may be in flight at once now."""
        return self._allowance.limit

    @property
    def rate(self) -> float | None:
        """Requests a second that may leave now; None for any number."""
        rates = [rate for rate in (self._allowance.rate, self._ceiling.max_rate) if rate]
        return min(rates, default=None)

    @property
    def pause_left(self) -> float:
        """Seconds until anything may be sent."""
        until = max(self._allowance.pause.until, self._everyone.until)
        return 0.0 if until == -inf else max(0.0, until - self._clock.monotonic())

    # What came back

    def answered(self, departure: Departure) -> None:
        """Note an answer without trouble."""
        self._allowance.answered(self._clock.monotonic(), departure)
        self._tell_limit()

    def timed_out(self, departure: Departure) -> None:
        """Note that no answer came in time."""
        self._allowance.timed_out(self._clock.monotonic(), departure)
        self._tell_limit()

    def throttled(
        self,
        departure: Departure,
        reason: str,
        *,
        retry_after: float | None = None,
        back_off: Callable[[int], float] = lambda _: 0.0,
    ) -> None:
        """Send less, and nothing before the end of the pause.

        Args:
            departure: Of the request that was throttled.
            reason: Said in the event.
            retry_after: Seconds that the API asked for, if it did.
            back_off: Returns the seconds to wait instead, from the number of throttlings in a row;
                not asked for a request that left before the last one was known.
        """
        now = self._clock.monotonic()
        is_news = self._allowance.throttled(now, departure)
        self._tell_limit()
        if retry_after:
            self.hold_back(retry_after, reason)
        elif is_news:
            self.hold_back(back_off(self._allowance.cuts_in_a_row), reason)

    def hold_back(self, seconds: float, reason: str) -> None:
        """Let nobody send for `seconds`."""
        left = self._allowance.pause.left(now := self._clock.monotonic())
        if self._allowance.hold_back(now, seconds):
            if seconds > left + _TELL_PAUSE * seconds:
                self._tell(PauseEvent(seconds=seconds, reason=reason))
            self.serve()

    # Who may send

    async def acquire(self, flow: Hashable = None) -> Departure:
        """Wait for a place in flight and for the right moment.

        Args:
            flow: For whom; all that give the same share their turns.
        """
        if not self._turns and self._wait(now := self._clock.monotonic()) <= 0:
            return self._depart(now)
        turn = self._turns.ask(flow)
        try:
            while turn.departure is None:
                await self._lead_or_wait(turn)
        except asyncio.CancelledError:
            if turn.departure is None:
                self._turns.withdraw(turn)
                self.serve()  # somebody else has to watch the clock
            else:
                self.withdraw(turn.departure)
            raise
        return turn.departure

    def release(self, departure: Departure) -> None:
        """Give a place back."""
        self._allowance.end(self._clock.monotonic(), departure)
        self._serve_all()

    def withdraw(self, departure: Departure) -> None:
        """Give a place back, of a request that did not leave after all."""
        self._allowance.withdraw(departure)
        self._serve_all()

    def _serve_all(self) -> None:
        self._ceiling.in_flight -= 1
        self._ceiling.serve_others()
        self.serve()

    def serve(self) -> None:
        """Let leave who may."""
        while self._turns:
            now = self._clock.monotonic()
            if (wait := self._wait(now)) > 0:
                self._appoint(now + wait)
                return
            turn = self._turns.next()
            turn.departure = self._depart(now)
            turn.wake()

    def _wait(self, now: float) -> float:
        """Return the seconds until somebody may leave; infinite if something has to come first."""
        if self._everyone.until > now and (left := self._everyone.left(now)) <= self._patience:
            return left
        wait = self._allowance.wait(now)
        if wait > 0:
            return wait
        if self._ceiling.is_full:
            self._ceiling.ask_later(self)
            return inf
        if self._ceiling.max_rate is None:
            return 0.0
        if self._reserved is None or now - self._reserved > _STALE:
            self._reserved = self._ceiling.reserve(now)
        return max(0.0, self._reserved - now)

    def _depart(self, now: float) -> Departure:
        self._reserved = None
        self._ceiling.in_flight += 1
        return self._allowance.depart(now)

    # One of those who wait watches the clock for all of them, so that no task has to

    async def _lead_or_wait(self, turn: Turn) -> None:
        wait = self._wait(now := self._clock.monotonic())
        if wait <= 0:
            self.serve()
            return
        turn.awake = asyncio.get_running_loop().create_future()
        if wait == inf or self._leader is not None:
            await turn.awake
            return
        # It may be woken before the alarm: its own turn came, or somebody may leave earlier.
        alarm = asyncio.ensure_future(self._clock.sleep(wait))
        alarm.add_done_callback(lambda _: turn.wake())
        self._leader, self._alarm_at = turn, now + wait
        try:
            await turn.awake
        finally:
            self._leader = None
            if not alarm.done():
                alarm.cancel()
                await asyncio.wait([alarm])  # no task outlives whoever began it
        self.serve()

    def _appoint(self, moment: float) -> None:
        """Wake somebody to watch the clock until then, if time is what everybody waits for."""
        if moment == inf:
            return
        if self._leader is None:
            self._turns.first().wake()
        elif moment < self._alarm_at:
            self._leader.wake()

    def _tell_limit(self) -> None:
        limit, learned = self._allowance.limit, self._allowance.rate
        told_limit, told = self._told
        if learned is None and limit == told_limit:
            return
        rate = self.rate
        changed = rate != told and (
            rate is None or told is None or abs(rate - told) > _TELL_RATE * told
        )
        if limit != told_limit or changed:
            self._told = limit, rate
            self._tell(LimitEvent(account=self._account, limit=limit, rate=rate))


class Slot:
    """A place in flight that its holder may give back while waiting, and take again.

    `async with` takes it and gives it back.

    Args:
        limiter: Of the account.
        flow: On whose behalf.
        place: Where the tries are made, if not in place; taken and given back with the slot.
    """

    def __init__(self, limiter: Limiter, flow: Hashable = None, place: Place | None = None) -> None:
        self.limiter = limiter
        self.place = place
        self._flow = flow
        self._held = False
        self._departure = Departure(-inf)

    async def take(self) -> None:
        """Wait for the place, unless it is held already."""
        if not self._held:
            if self.place is not None:
                await self.place.available()  # others may send while there is none
            self._departure = await self.limiter.acquire(self._flow)
            if self.place is not None:
                await self._take_place(self.place)
            self._held = True

    async def _take_place(self, place: Place) -> None:
        try:
            await place.take()
        except BaseException:
            self.limiter.withdraw(self._departure)
            raise

    def give_back(self) -> None:
        """Give the place back, if it is held."""
        if self._held:
            self._held = False
            self.limiter.release(self._departure)
            if self.place is not None:
                self.place.give_back()

    def answered(self) -> None:
        """Note that the request got an answer."""
        self.limiter.answered(self._departure)

    def timed_out(self) -> None:
        """Note that no answer came in time."""
        self.limiter.timed_out(self._departure)

    def throttled(
        self, reason: str, retry_after: float | None, back_off: Callable[[int], float]
    ) -> None:
        """See `Limiter.throttled`."""
        self.limiter.throttled(self._departure, reason, retry_after=retry_after, back_off=back_off)

    async def __aenter__(self) -> "Slot":
        await self.take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.give_back()
