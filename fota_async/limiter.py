"""How many requests may be in flight at once, and the pause that all of them share.

A gate before the connection pool: a request that waits here costs no timeout, and one that waits
for a back-off gives its place to another.
"""

import asyncio
from collections import deque

from fota_async.clock import Clock
from fota_async.events import EventHook, LimitEvent, PauseEvent


class Limiter:
    """One for each session manager: places in flight, first come first served.

    The limit halves when the API throttles, at most once a pause, and grows by one for each
    round of answers, up to its ceiling.

    Args:
        ceiling: The most requests in flight at once.
        clock: Whose seconds pauses are measured in.
        tell: Where `PauseEvent` and `LimitEvent` go.
    """

    def __init__(self, ceiling: int, clock: Clock, tell: EventHook) -> None:
        self.ceiling = ceiling
        self.limit = ceiling
        self._clock = clock
        self._tell = tell
        self._in_flight = 0
        self._answers = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._paused_until = float("-inf")

    @property
    def pause_left(self) -> float:
        """Seconds until anything may be sent; `fota_async.attempts.Attempts` waits for them."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def throttled(self, seconds: float, reason: str) -> None:
        """Let nobody send for `seconds`, and fewer at once afterwards."""
        if self.pause_left == 0.0:
            # Half of what is in flight: a limit that nobody reached has not been too high.
            self._set_limit(max(1, min(self.limit, max(2, self._in_flight)) // 2))
        if seconds > self.pause_left:
            self._paused_until = self._clock.monotonic() + seconds
            self._tell(PauseEvent(seconds=seconds, reason=reason))

    def answered(self) -> None:
        """Count an answer; a round of them without trouble makes room for one more."""
        self._answers += 1
        if self._answers >= self.limit and self.limit < self.ceiling:
            self._set_limit(self.limit + 1)
            self._wake()

    async def acquire(self) -> None:
        """Wait for a place in flight."""
        if self._in_flight < self.limit and not self._waiting:
            self._in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a place back."""
        self._in_flight -= 1
        self._wake()

    def _set_limit(self, limit: int) -> None:
        self._answers = 0
        if limit != self.limit:
            self.limit = limit
            self._tell(LimitEvent(limit=limit))

    def _wake(self) -> None:
        while self._waiting and self._in_flight < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)


class Slot:
    """A place in flight that its holder may give back while waiting, and take again.

    `async with` takes it and gives it back.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._held = False

    async def take(self) -> None:
        """Wait for the place, unless it is held already."""
        if not self._held:
            await self._limiter.acquire()
            self._held = True

    def give_back(self) -> None:
        """Give the place back, if it is held."""
        if self._held:
            self._held = False
            self._limiter.release()

    async def __aenter__(self) -> "Slot":
        await self.take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.give_back()
