"""Wakeups: whoever waits for an upgrade or a campaign is told to look at once."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import attrs

from fota_async.clock import Clock, within

MOST_OFTEN = 1.0
"""Seconds between two looks at one target, however often someone is told to look."""


@attrs.define(eq=False)
class Wakeup:
    """What one waiter waits with.

    Attributes:
        told: Set by whoever knows that something happened.
    """

    told: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def sleep(self, clock: Clock, seconds: float) -> None:
        """Return after `seconds` of the clock, or when told, but not within `MOST_OFTEN`.

        Many messages can come about one upgrade; they must not become as many readings.
        """
        least = min(seconds, MOST_OFTEN)
        await clock.sleep(least)
        rest = seconds - least
        if rest > 0 and not self.told.is_set():
            with suppress(TimeoutError):
                await within(clock, rest, self.told.wait())
        self.told.clear()


class Wakeups:
    """All who wait, by what they wait for."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[Wakeup]] = {}

    def wake(self, target_id: str | None) -> None:
        """Let everyone who waits for a target look at once; for None, whatever they wait for."""
        keys = self._waiting if target_id is None else [target_id.lower()]
        for key in keys:
            for wakeup in self._waiting.get(key, ()):
                wakeup.told.set()

    @contextmanager
    def waiting_for(self, target_id: str) -> Iterator[Wakeup]:
        """Be told about a target while the context lasts."""
        key = target_id.lower()
        wakeup = Wakeup()
        self._waiting.setdefault(key, set()).add(wakeup)
        try:
            yield wakeup
        finally:
            waiting = self._waiting[key]
            waiting.remove(wakeup)
            if not waiting:
                del self._waiting[key]
