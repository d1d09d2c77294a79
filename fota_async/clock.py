"""Time as the library sees it: passed in, so that a test can turn it."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


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

    Whoever sleeps is woken by the turn that reaches the moment.

    Attributes:
        asleep: Set while somebody sleeps, so that a test can wait for that before it turns.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: dict[asyncio.Event, float] = {}
        self.asleep = asyncio.Event()

    def monotonic(self) -> float:
        """Seconds that the clock was turned so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was turned by `seconds`; at once if that is none."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake = asyncio.Event()
        self._sleepers[awake] = self._now + seconds
        self.asleep.set()
        try:
            await awake.wait()
        finally:
            self._forget(awake)

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass, and wake who slept until then."""
        self._now += seconds
        for awake in [one for one, due in self._sleepers.items() if due <= self._now]:
            awake.set()
            self._forget(awake)

    def _forget(self, awake: asyncio.Event) -> None:
        self._sleepers.pop(awake, None)
        if not self._sleepers:
            self.asleep.clear()


async def within(clock: Clock, seconds: float | None, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, if it takes no longer than `seconds` of the clock.

    Args:
        clock: Whose seconds count.
        seconds: How many; None for no limit.
        work: It is cancelled when they are over.

    Raises:
        TimeoutError: It takes longer.
    """
    if seconds is None:
        return await work
    doing = asyncio.create_task(work)
    alarm = asyncio.create_task(clock.sleep(max(seconds, 0.0)))
    tasks: set[asyncio.Task[Any]] = {doing, alarm}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if doing.cancelled():
        raise TimeoutError
    return doing.result()
