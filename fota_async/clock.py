"""Time as the library sees it: passed in, so that a test can turn it."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the library asks of time.

    Pass your own to `fota_async.SessionManager` or `fota_async.FotaClient` to
    test waits without waiting. Timeouts of a single try belong to the socket
    and stay in real time.
    """

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class SystemClock:
    """Real time."""

    def monotonic(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the running event loop."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """Time that runs `factor` times as fast as the real one.

    Everything that shares one instance agrees on the order of events, which a
    clock that jumps at each sleep cannot promise to concurrent tasks.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._start = time.monotonic()

    def monotonic(self) -> float:
        """Scaled seconds since the clock was made."""
        return (time.monotonic() - self._start) * self.factor

    async def sleep(self, seconds: float) -> None:
        """Sleep `seconds` of scaled time."""
        await asyncio.sleep(seconds / self.factor)


class ManualClock:
    """Time that stands still until it is turned.

    Whoever sleeps is woken by the turn that reaches the moment. `asleep` is set once somebody
    sleeps, so that a test can wait for that before it turns.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self.asleep = asyncio.Event()

    def monotonic(self) -> float:
        """Seconds that the clock was turned so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was turned by `seconds`; at once if that is none."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._now + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        self.asleep.set()
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass, and wake who slept until then."""
        self._now += seconds
        for due, awake in self._sleepers:
            if due <= self._now:
                awake.set()
