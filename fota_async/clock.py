"""Time as the library sees it: passed in, so that a test can turn it.

>>> import asyncio
>>> clock = ManualClock()
>>> async with FotaClient.from_env(environ=environ, clock=clock) as client:
...     waiting = asyncio.ensure_future(
...         client.v1.upgrades.wait_for(upgrade_id, "Finished", timeout=3600)
...     )
...     await clock.asleep.wait()
...     simulator.set_status(upgrade_id, "Finished")
...     clock.turn(300)
...     print(await waiting)
Finished
"""

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol, TypeVar

__all__ = ["Bell", "Clock", "ManualClock", "ScaledClock", "SystemClock"]

T = TypeVar("T")


class Clock(Protocol):
    """What the library asks of time.

    Pass your own to `fota_async.SessionManager` or `fota_async.FotaClient` to
    test waits without waiting. Timeouts of a single try belong to the socket
    and stay in real time.

    >>> import asyncio
    >>> import time
    >>> class Impatient:
    ...     def monotonic(self) -> float:
    ...         return time.monotonic() * 60
    ...     async def sleep(self, seconds: float) -> None:
    ...         await asyncio.sleep(seconds / 60)
    >>> clock: Clock = Impatient()
    >>> client = FotaClient.from_env(environ=environ, clock=clock)
    >>> await client.aclose()
    """

    def monotonic(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock."""
        ...


class SystemClock:
    """Real time.

    >>> clock = SystemClock()
    >>> before = clock.monotonic()
    >>> await clock.sleep(0.01)
    >>> clock.monotonic() > before
    True
    """

    def monotonic(self) -> float:
        """Seconds of `time.monotonic`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep `seconds` in the running event loop."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """Time that runs `factor` times as fast as the real one.

    Everything that shares one instance agrees on the order of events, which a
    clock that jumps at each sleep cannot promise to concurrent tasks.

    >>> clock = ScaledClock(factor=3600)
    >>> before = clock.monotonic()
    >>> await clock.sleep(60)  # takes a sixtieth of a second
    >>> clock.monotonic() - before >= 60
    True
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


class Bell:
    """An event that any thread may set, and tasks of any event loop wait for.

    >>> import threading
    >>> bell = Bell()
    >>> threading.Timer(0.01, bell.set).start()
    >>> await bell.wait()
    >>> bell.is_set()
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rung = False
        self._waiting: list[asyncio.Future[None]] = []

    def is_set(self) -> bool:
        """Whether it was set, and not cleared since."""
        return self._rung

    def clear(self) -> None:
        """Let those who come wait again."""
        self._rung = False

    def set(self) -> None:
        """Wake everyone who waits, and let nobody wait who comes."""
        with self._lock:
            self._rung = True
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            loop = future.get_loop()
            if loop is _running_loop():
                _wake(future)
            elif not loop.is_closed():
                loop.call_soon_threadsafe(_wake, future)

    async def wait(self) -> None:
        """Return when it is set; at once if it is."""
        with self._lock:
            if self._rung:
                return
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
        await future


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


class ManualClock:
    """Time that stands still until it is turned.

    Whoever sleeps is woken by the turn that reaches the moment. Event loops of several threads may
    share it.

    >>> import asyncio
    >>> clock = ManualClock()
    >>> sleeping = asyncio.ensure_future(clock.sleep(3600))
    >>> await clock.asleep.wait()
    >>> clock.turn(3599)
    >>> sleeping.done()
    False
    >>> clock.turn(1)
    >>> await sleeping
    >>> clock.monotonic()
    3600.0

    Attributes:
        asleep: Set while somebody sleeps, so that a test can wait for that before it turns.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: dict[Bell, float] = {}
        self._lock = threading.Lock()
        self.asleep = Bell()

    def monotonic(self) -> float:
        """Seconds that the clock was turned so far."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was turned by `seconds`; at once if that is none."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        awake = Bell()
        with self._lock:
            self._sleepers[awake] = self._now + seconds
            self.asleep.set()
        try:
            await awake.wait()
        finally:
            self._forget([awake])

    def turn(self, seconds: float) -> None:
        """Let `seconds` pass, and wake who slept until then."""
        with self._lock:
            self._now += seconds
            woken = [awake for awake, due in self._sleepers.items() if due <= self._now]
        self._forget(woken)
        for awake in woken:
            awake.set()

    def _forget(self, sleepers: Iterable[Bell]) -> None:
        with self._lock:
            for awake in sleepers:
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
