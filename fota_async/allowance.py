"""What one account may send now: places in flight, the pace, and the pause. No I/O, no clock.

Every method is told the time. `fota_async.limiter` lets tasks wait for what this allows.
"""

from math import inf

from fota_async.pacing import Departure, Pace

FIRST_LIMIT = 8
"""Requests in flight before anything is known of the server."""
_PROBE = 30.0
"""Seconds that others wait for the answer to the request that goes first after a pause."""


class Pause:
    """A moment before which nothing may be sent."""

    def __init__(self) -> None:
        self.until = -inf

    def left(self, now: float) -> float:
        """Return the seconds that are left of it."""
        return max(0.0, self.until - now)

    def extend(self, now: float, seconds: float) -> bool:
        """Let it last `seconds` from now, if that is longer; return whether it is."""
        if seconds <= self.left(now):
            return False
        self.until = now + seconds
        return True


class Allowance:
    """What is known of one account's limit.

    The number in flight grows by one a round trip without trouble; doubling it would meet the first
    throttling so soon that little is learned from it. Throttling and timeouts halve it, at most
    once a round trip: trouble of a request that left before the last cut was known is what that
    cut was about.

    After a pause one request goes first, and the others when it ended; while it does not, one more
    goes each half minute.

    Args:
        ceiling: The most requests in flight, whatever is learned.
        patience: Seconds of a pause beyond which nobody is held back by it: whoever asks shall
            hear of it.

    Attributes:
        limit: Requests that may be in flight at once now.
        in_flight: Requests that are.
        pause: What the API asked for.
        cuts_in_a_row: Throttlings, round trip by round trip, since the last answer.
    """

    def __init__(self, ceiling: int, patience: float = inf) -> None:
        self.limit = min(FIRST_LIMIT, ceiling)
        self.in_flight = 0
        self.pause = Pause()
        self.cuts_in_a_row = 0
        self._ceiling = ceiling
        self._patience = patience
        self._pace = Pace()
        self._grow_after = self._cut_at = self._throttled_at = -inf
        self._busy_at = -inf
        self._probe_due = False
        self._probe: Departure | None = None

    @property
    def rate(self) -> float | None:
        """Requests a second that were learned, or None before the first throttling."""
        return self._pace.rate

    def wait(self, now: float) -> float:
        """Return the seconds until a request may leave; infinite if an answer has to come first."""
        if self.in_flight >= self.limit:
            return inf
        if self.pause.until > now:
            left = self.pause.left(now)
            return left if left <= self._patience else 0.0
        if self._probe is not None:
            return max(0.0, self._probe.at + _PROBE - now)
        return self._pace.wait(now)

    def depart(self, now: float) -> Departure:
        """Take a place in flight."""
        self.in_flight += 1
        if 2 * self.in_flight >= self.limit:
            self._busy_at = now
        if self.pause.until > now:
            return Departure(now)  # only to hear of the pause
        departure = self._pace.depart(now)
        if self._probe_due or self._probe is not None:
            self._probe_due, self._probe = False, departure
        return departure

    def withdraw(self, departure: Departure) -> None:
        """Give the place of a request back that did not leave after all."""
        self.in_flight -= 1
        if departure is self._probe:
            self._probe, self._probe_due = None, True

    def end(self, now: float, departure: Departure) -> None:
        """Give the place back."""
        self.in_flight -= 1
        if departure is self._probe:
            self._probe = None
            if not self._probe_due:
                self._pace.resumed(now)

    def answered(self, now: float, departure: Departure) -> None:
        """Note an answer without trouble."""
        self.cuts_in_a_row = 0
        self._pace.answered(now, departure)
        # A limit that nobody comes near has not been found to be too low. With a pace it is never
        # reached, and must not hold back when the pace rises.
        near = self.rate is not None or self._busy_at >= departure.at
        if near and self.limit < self._ceiling and departure.at >= self._grow_after:
            self.limit += 1
            self._grow_after = now

    def throttled(self, now: float, departure: Departure) -> bool:
        """Cut limit and rate; False if the request left before the last throttling was known."""
        if departure.at < self._throttled_at:
            self._pace.throttled_too()
            return False
        self._halve(now, departure)
        self._pace.throttled(now, departure)
        self._throttled_at = now
        self.cuts_in_a_row += 1
        self._probe_due = True
        return True

    def timed_out(self, now: float, departure: Departure) -> None:
        """Cut the limit: no answer may mean that the server has too much to do."""
        self._halve(now, departure)

    def hold_back(self, now: float, seconds: float) -> bool:
        """Let nobody send for `seconds`; return whether that is longer than before."""
        if not self.pause.extend(now, seconds):
            return False
        self._probe_due = self._probe_due or self._probe is None
        return True

    def _halve(self, now: float, departure: Departure) -> None:
        if departure.at < self._cut_at:
            return
        self._cut_at = self._grow_after = now
        limit = self.limit
        if self.rate is None:
            # A limit that nobody reached has not been too high. With a pace it is never reached,
            # and low for no good when the pace rises.
            limit = min(limit, max(2, self.in_flight))
        self.limit = max(1, limit // 2)
