"""The one loop that tries a call again: it waits, and asks `fota_async.retry` what may be done."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import attrs

from fota_async.allowance import Pause
from fota_async.clock import Clock
from fota_async.errors import AnswerTimeoutError, CallError, ThrottledError
from fota_async.events import EventHook, PauseEvent, RetryEvent
from fota_async.limiter import Slot
from fota_async.retry import RetryPolicy, wait_before_retry
from fota_async.wire.route import Repeat

T = TypeVar("T")


class Attempts:
    """Runs calls with the retries and pauses of one session manager.

    Args:
        policy: How often and how long.
        everyone: The pause that calls without a slot make and that every call keeps.
        clock: Whose seconds count.
        tell: Where `RetryEvent` goes.
        draw: Where jitter comes from.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        everyone: Pause,
        clock: Clock,
        tell: EventHook,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.policy = policy
        self._everyone = everyone
        self._clock = clock
        self._tell = tell
        self._draw = draw

    async def run(
        self,
        name: str,
        repeat: Repeat,
        once: Callable[[int], Awaitable[T]],
        *,
        slot: Slot | None = None,
        until: float | None = None,
        keep_trying: Callable[[], bool] = lambda: True,
        patient: bool = False,
        ready: Callable[[], Awaitable[object]] | None = None,
    ) -> T:
        """Return what `once` returns, trying again while that can help and cannot harm.

        Args:
            name: The route's name, for events.
            repeat: The route's repeat class.
            once: One try; gets its number, from 1.
            slot: The place in flight, given back during waits; None needs no place, and its
                pauses are everyone's.
            until: The moment of the clock after which no wait may end, or None.
            patient: Whether a missing connection is limited by the policy's seconds only.
            ready: Awaited before a place is taken: whoever waits for it needs none meanwhile.
            keep_trying: Asked after each try that failed; False ends the call with its error.

        Raises:
            CallError: What the last try ended with.
        """
        started = self._clock.monotonic()
        attempt = failures = throttles = 0
        throttled_since: float | None = None
        in_doubt = False
        while True:
            try:
                if ready is not None:
                    await ready()
                await self._take(name, slot, until=until, since=throttled_since)
                attempt += 1
                result = await once(attempt)
            except ThrottledError as error:
                if error.gave_up or not keep_trying():
                    _give_up(error, in_doubt=in_doubt)
                    raise
                throttles += 1
                if throttled_since is None:
                    throttled_since = self._clock.monotonic()
                wait, reason = 0.0, error.brief
                self._throttled(error, slot, throttles)
            except CallError as error:
                _tell_limit(slot, error)
                failures += 1
                elapsed = self._clock.monotonic() - started
                next_wait = wait_before_retry(
                    self.policy,
                    error,
                    repeat,
                    tries=failures,
                    elapsed=elapsed,
                    draw=self._draw,
                    patient=patient,
                )
                if next_wait is None or self._too_late(next_wait, until) or not keep_trying():
                    _give_up(error, in_doubt=in_doubt)
                    raise
                # A read is never in doubt: it applies nothing.
                in_doubt |= error.sent == "maybe" and repeat is not Repeat.SAFE
                wait, reason = next_wait, error.brief
            else:
                if slot is not None:
                    slot.answered()
                return result
            if slot is not None:
                slot.give_back()
            wait_in_all = max(wait, self._pause_left(slot))
            self._tell(RetryEvent(route=name, attempt=attempt, wait=wait_in_all, reason=reason))
            if wait:
                await self._clock.sleep(wait)

    async def wait_out_pause(
        self, name: str, slot: Slot | None, *, until: float | None, since: float | None = None
    ) -> None:
        """Return as soon as nobody is asked to wait.

        Args:
            name: The route's name.
            slot: Whose pause it is, beside everyone's.
            until: The moment of the clock after which no wait may end, or None.
            since: When the call was first throttled, or None.

        Raises:
            ThrottledError: The pause is longer than `max_pause` or `until` allow.
        """
        while left := self._pause_left(slot):
            self._refuse_long_pause(name, left, since, until)
            await self._clock.sleep(left)

    async def _take(
        self, name: str, slot: Slot | None, *, until: float | None, since: float | None
    ) -> None:
        if slot is None:
            await self.wait_out_pause(name, None, until=until, since=since)
            return
        while True:
            if left := self._pause_left(slot):
                slot.give_back()
                self._refuse_long_pause(name, left, since, until)
            await slot.take()  # which lasts until the pause is over
            if not self._pause_left(slot):
                return

    def _pause_left(self, slot: Slot | None) -> float:
        if slot is not None:
            return slot.limiter.pause_left  # everyone's included
        return self._everyone.left(self._clock.monotonic())

    def _throttled(self, error: ThrottledError, slot: Slot | None, throttles: int) -> None:
        def back_off(in_a_row: int) -> float:
            return self.policy.backoff(max(throttles, in_a_row), self._draw)

        # "Retry-After: 0" is no leave to ask again in a circle.
        if slot is not None:
            slot.throttled(error.brief, error.retry_after or None, back_off)
            return
        seconds = error.retry_after or back_off(throttles)
        if self._everyone.extend(self._clock.monotonic(), seconds):
            self._tell(PauseEvent(seconds=seconds, reason=error.brief))

    def _too_late(self, wait: float, until: float | None) -> bool:
        return until is not None and self._clock.monotonic() + wait > until

    def _refuse_long_pause(
        self, name: str, pause: float, since: float | None, until: float | None
    ) -> None:
        waited = 0.0 if since is None else self._clock.monotonic() - since
        if pause + waited <= self.policy.max_pause and not self._too_late(pause, until):
            return
        error = ThrottledError(
            f"throttled: nothing may be sent for another {pause:.0f} s, longer than max_pause "
            f"or the deadline allow",
            route=name,
            retry_after=pause,
        )
        error.retry_at = datetime.now(UTC) + timedelta(seconds=pause)
        error.gave_up = True
        raise error


def _tell_limit(slot: Slot | None, error: CallError) -> None:
    if slot is None:
        return
    if isinstance(error, AnswerTimeoutError):
        slot.timed_out()
    elif error.sent == "yes":
        slot.answered()  # a refusal is an answer


def _give_up(error: CallError, *, in_doubt: bool) -> None:
    error.gave_up = True
    if in_doubt and error.sent == "no":
        error.sent = "maybe"  # the last try did not leave, an earlier one did


@attrs.define
class Replays:
    """Replays of one try: one after its session ended, two for its bearer.

    The second replay for a bearer follows its revocation.
    """

    sessions: int = 0
    bearers: int = 0

    def session(self) -> bool:
        """Count one for an ended session; whether it may be made."""
        self.sessions += 1
        return self.sessions <= 1

    def bearer(self) -> bool:
        """Count one for a refused bearer; whether it may be made."""
        self.bearers += 1
        return self.bearers <= 2
