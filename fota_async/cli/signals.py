"""Signals become calls: the first stops a run with grace, the second at once."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Received:
    """Remembers the first signal that came."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None


@contextmanager
def on_signals(act: Callable[[], object]) -> Iterator[Received]:
    """Call `act` in the event loop for every SIGINT and SIGTERM while the block runs."""
    loop = asyncio.get_running_loop()
    received = Received()

    def handle(number: int, _: FrameType | None) -> None:
        received.signal = received.signal or signal.Signals(number)
        loop.call_soon_threadsafe(act)

    # signal.signal, since loop.add_signal_handler does not exist on Windows.
    earlier = {s: signal.signal(s, handle) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
