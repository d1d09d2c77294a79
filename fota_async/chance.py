"""Throttlings that no rate explains, told from those that one does. No I/O, no clock.

A server that has nothing left at one throttling and nothing left at the next lets through no more
than it allows in between. So what was let through between two throttlings, the pause included, is
surely allowed, and nothing slower is ever throttled - unless for reasons of its own: a gateway that
is ill, or one in a hundred requests drawn by lot. Then slowing down helps nothing and, throttling
after throttling, would end in a standstill.
"""

from collections import deque
from math import exp, log

import attrs

_LEAST_SEEN = 3
"""Throttlings before one can be chance: the allowance may have changed in between."""
_REMEMBERED = 8
_ALIKE = 20
"""Requests between two throttlings that differ by this factor tell that the world has changed;
drawn by lot they hardly ever do."""
_RAISE = 2
"""What the rate is multiplied by: it may have been the rate long ago."""


@attrs.frozen
class _Throttling:
    requests: int
    rate: float
    allowed: float


class Chance:
    """The throttlings of late that came after about as many requests each."""

    def __init__(self) -> None:
        self._seen: deque[_Throttling] = deque(maxlen=_REMEMBERED)

    def rate_instead(self, rate: float, accepted: int, seconds: float) -> float | None:
        """Note a throttling; return the rate to go on with if `rate` was not why it came.

        Args:
            rate: Requests a second that left.
            accepted: Requests let through since the throttling before.
            seconds: Since then.
        """
        seen = self._seen
        if seen:
            usual = exp(sum(log(one.requests) for one in seen) / len(seen))
            if not usual / _ALIKE < accepted + 1 < usual * _ALIKE:
                seen.clear()
        if len(seen) >= _LEAST_SEEN and rate <= max(one.allowed for one in seen):
            highest = max(one.rate for one in seen)
            seen.clear()
            return _RAISE * highest
        # One request more than allowed fits between two throttlings.
        seen.append(_Throttling(accepted + 1, rate, (accepted - 1) / seconds))
        return None
