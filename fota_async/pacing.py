"""How many requests a second an account allows: learned from its answers, without I/O or clock.

The vendor documents no rate, so it is taken for what most servers use: a token bucket of unknown
rate and unknown burst. As long as nothing is throttled there is no pace. From then on it follows a
curve like that of CUBIC, the congestion control of TCP: up to the level that was learned, along it
for as long as a test of more would cost more than it is likely to bring, and beyond it, slowly and
then ever faster. Where it meets the next throttling the level is solved for: what was let through
above the true rate, while the curve was above it, is the burst. How far along the curve a request
left is counted in requests that had to wait for the pace: who asks for little learns nothing.
"""

from math import cbrt, inf, sqrt

import attrs

from fota_async.chance import Chance

_LEAST = 0.5
"""Requests a second at the very least: what is slower than that is left to the pauses, so that
throttlings that have nothing to do with a rate do not end in a standstill."""
_START = 0.96
"""Share of the level after a throttling: the server's bucket fills up again."""
_MARGIN = 0.99
"""Share of a measured level to aim for."""
_HOLD = 3.2
"""Seconds at the level for a cost of one request; they grow with its square root, which is how
often to look when looking has a price and the gain is unknown."""
_LEAST_HOLD = 20
"""Requests between two tests at least, for each one that the last test had refused."""
_RISE = 1.5
"""Seconds beyond the hold until the rate has doubled."""
_RISE_REQUESTS = 10
"""The same in requests, for slow rates."""
_TRUST = 4
"""A level is held for at most so many times as long as it took to find it."""
_LATE = 0.03
"""Seconds by which a request may be late, by the timer's fault, and the next ones catch up."""
_WINDOW = 2.0
"""Seconds over which answers are counted while there is no pace."""
_INSTANT = 0.001


@attrs.define(eq=False)
class Departure:
    """A request that left.

    Attributes:
        at: When.
        used: Seconds of the curve that lay behind it.
        seconds: What it adds to them when it is answered; 0 if it did not wait for the pace.
    """

    at: float
    used: float = 0.0
    seconds: float = 0.0


class Pace:
    """The rate learned from throttlings.

    Attributes:
        rate: Requests a second, or None before the first throttling.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._level = 1.0
        self._hold = 0.0
        self._used = 0.0
        self._trust = 0.0
        self._burst = inf
        self._next = -inf
        self._cut_at = -inf
        self._rested = 0.0
        self._since = -inf
        self._departed = self._accepted = 0
        self._recent = 0.0
        self._since_cut = 0
        self._cuts = 0
        self._refused = 0
        self._chance = Chance()

    def wait(self, now: float) -> float:
        """Return the seconds until the next request may leave."""
        return 0.0 if self.rate is None else max(0.0, self._next - now)

    def depart(self, now: float) -> Departure:
        """Let a request leave now."""
        if self.rate is None:
            if self._since == -inf:
                self._since = now
            self._departed += 1
            return Departure(now)
        seconds = 1 / self.rate
        behind = now - self._next
        # No more at once than part of the burst that the server was seen to allow.
        catch_up = min(_LATE, max(0.0, self._burst - 1) / 2 * seconds)
        self._next = max(self._next, now - catch_up) + seconds
        waited = behind < max(_LATE, seconds / 2)
        return Departure(now, self._used, seconds if waited else 0.0)

    def answered(self, now: float, departure: Departure) -> None:
        """Count a request that was not throttled."""
        self._accepted += 1
        if self.rate is None:
            if now - self._since >= _WINDOW:
                self._recent = self._accepted / (now - self._since)
                self._since, self._departed, self._accepted = now, 0, 0
        elif self._cuts == 1 and departure.at < self._cut_at:
            self._burst += 1  # it arrived before the one that was throttled
        elif departure.at >= self._cut_at:
            self._since_cut += 1
            if departure.seconds:
                self._used += departure.seconds
                self.rate = self._rate_at(self._used)

    def throttled(self, now: float, departure: Departure) -> None:
        """Learn from the first request that was throttled since the last cut."""
        rate, accepted = self.rate, self._since_cut
        between = max(now - self._cut_at, _INSTANT)
        if rate is None:
            seconds = now - self._since
            measured = seconds >= 1  # a shorter time shows the burst and not the rate
            self._level = (
                self._accepted / seconds if measured else max(self._departed, self._recent)
            )
            self._burst = float(self._accepted)
            self._trust = _TRUST * seconds if measured else 0.0
        elif accepted or between < 2 / rate:
            seconds = max(departure.at - self._since, _INSTANT)
            beyond = departure.used - self._hold
            self._level = self._solved(beyond) if beyond > 0 else self._lowered(departure)
            self._trust = _TRUST * seconds
            # The server had nothing left at the last throttling and has nothing left now: it
            # allows at least what it let through in between.
            self._level = max(self._level, accepted / between)
            self._level = max(self._level, self._chance.rate_instead(rate, accepted, between) or 0)
        # Otherwise nothing was let through for longer than a rate like this one explains. A server
        # that refuses everything for a while is left to the pauses, which grow.
        self._level = max(self._level, _LEAST)
        self._cut_at, self._since, self._since_cut = now, inf, 0
        self._cuts += 1
        self._refused = 1
        self._used = 0.0
        self._hold = self._trust
        self.rate = _START * self._level

    def throttled_too(self) -> None:
        """Count a request that was throttled for the same reason as the last one."""
        self._refused += 1

    def resumed(self, now: float) -> None:
        """The pause after a throttling is over, and its first request was answered."""
        self._rested = now - self._cut_at
        cost = self._level * self._rested
        self._hold = min(
            self._trust, max(_LEAST_HOLD * self._refused / self._level, _HOLD * sqrt(cost))
        )
        self._since, self._accepted = now, 0
        self._next = max(self._next, now)

    @property
    def _rise(self) -> float:
        return max(_RISE, _RISE_REQUESTS / self._level)

    def _rate_at(self, used: float) -> float:
        beyond = used - self._hold
        if beyond < 0:
            return self._level * (1 - (1 - _START) * (-beyond / self._hold) ** 3)
        return self._level * (1 + (beyond / self._rise) ** 3)

    def _lowered(self, departure: Departure) -> float:
        """Return the level after one that was not even held for as long as it should."""
        level, seconds = self._level, max(departure.at - self._since, _INSTANT)
        if not departure.seconds and seconds >= 1:
            # Nobody waited for the pace: others use the rest of the allowance.
            level = min(level, (self._accepted + 1) / seconds)
        least_cut = 0.3 / (1 + seconds) * level
        burst = min(self._burst, level * self._rested)
        if burst / seconds < least_cut and self._used < self._hold / 3:
            self._burst = min(2 * self._burst + 1, least_cut * seconds)
        return max(level / 2, min(level - least_cut, level - burst / seconds))

    def _solved(self, beyond: float) -> float:
        """Return the level from how far beyond the hold the curve came."""
        # Too large a burst would hide for ever how much is allowed, too small a one shows soon.
        self._burst *= 0.95
        excess = self._above(self._level, beyond)
        if excess < self._burst:  # the burst is smaller than thought, or the level too high
            self._burst += (excess - self._burst) / 4
        low, high = 0.9 * self._level, self._level * (1 + (beyond / self._rise) ** 3)
        for _ in range(12):
            middle = (low + high) / 2
            if self._above(middle, beyond) > self._burst:
                low = middle
            else:
                high = middle
        return low if low <= self._level else max(self._level, _MARGIN * low)

    def _above(self, rate: float, beyond: float) -> float:
        """Return how many requests the curve let leave above `rate`."""
        level, rise = self._level, self._rise
        crossed = rise * cbrt(max(0.0, rate / level - 1))
        sent = level * (beyond - crossed + (beyond**4 - crossed**4) / (4 * rise**3))
        return sent - rate * (beyond - crossed) + max(0.0, level - rate) * self._hold
