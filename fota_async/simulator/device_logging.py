"""Which devices log, and what they logged (vendor page "Verbose Logging")."""

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

DAY: Final = 86_400.0
MOST: Final = 20
"""Devices of a customer that may log at a time."""
LASTS: Final = 7 * DAY
"""After so long logging ends by itself."""
READABLE_AFTER: Final = DAY
"""So long after the beginning the first logs can be read."""
KEPT: Final = 30 * DAY
"""So long logs are kept."""


@attrs.frozen
class Span:
    """A time in which a device logs.

    Args:
        begin: Its first moment.
        end: The moment it is over.

    """

    begin: float
    end: float

    def entries(self, now: float) -> Iterator[float]:
        """Return the moments of what can be read now.

        A device logs when logging begins and then once a day; how often real ones do is
        not documented.
        """
        if now < self.begin + READABLE_AFTER:
            return
        moment = self.begin
        while moment < min(self.end, now):
            if now - moment < KEPT:
                yield moment
            moment += DAY


class Logging:
    """The logging of an account's devices."""

    def __init__(self) -> None:
        self._spans: dict[str, list[Span]] = {}

    def on(self, now: float) -> dict[str, float]:
        """Return the devices that log, each with the moment at which they will stop."""
        ends = ((device_id, spans[-1].end) for device_id, spans in self._spans.items())
        return {device_id: end for device_id, end in ends if now < end}

    def enable(self, ids: Iterable[str], now: float) -> bool:
        """Let devices log for seven days from now; return whether so many may.

        What turning it on again means for a device that logs is not documented; here the
        seven days begin anew.
        """
        on = self.on(now)
        if len(on.keys() | set(ids)) > MOST:
            return False
        for device_id in ids:
            spans = self._spans.setdefault(device_id, [])
            begin = spans.pop().begin if device_id in on else now
            on[device_id] = now + LASTS
            spans.append(Span(begin, now + LASTS))
        return True

    def disable(self, ids: Iterable[str], now: float) -> None:
        """Let devices log no longer; those that do not log stay as they are."""
        for device_id in self.on(now).keys() & set(ids):
            spans = self._spans[device_id]
            spans[-1] = Span(spans[-1].begin, now)

    def entries(self, device_id: str, now: float) -> list[float]:
        """Return the moments of the device's logs that can be read now."""
        spans = self._spans.get(device_id, ())
        return [moment for span in spans for moment in span.entries(now)]
