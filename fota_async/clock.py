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
