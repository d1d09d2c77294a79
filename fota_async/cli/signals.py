"""Signals become calls: the first stops a run with grace, the second at once.

Windows has SIGINT from Ctrl+C, and SIGBREAK, from Ctrl+Break and from whoever ends a process in
order, in place of SIGTERM.
"""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fota_async.cli.output import say


class Received:
    """Remembers the first signal that came."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None


@contextmanager
def on_signals(act: Callable[[], object]) -> Iterator[Received]:
    """Call `act` in the event loop for every SIGINT and SIGTERM while the block runs.

    A SIGBREAK counts as a SIGTERM.
    """
    loop = asyncio.get_running_loop()
    received = Received()

    def handle(number: int, _: FrameType | None) -> None:
        came = signal.SIGINT if number == signal.SIGINT else signal.SIGTERM
        received.signal = received.signal or came
        loop.call_soon_threadsafe(act)

    wanted = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGBREAK", None)]
    # signal.signal, since loop.add_signal_handler does not exist on Windows.
    earlier = {number: signal.signal(number, handle) for number in wanted if number is not None}
    try:
        yield received
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def graceful(stop: Callable[[], object], grace: float) -> Callable[[], None]:
    """Return what stops a run and says the first time what comes now, so that nobody sits in doubt.

    Args:
        stop: Stops the run with grace, called again at once.
        grace: Seconds that the run waits at most.
    """
    said = False

    def act() -> None:
        nonlocal said
        if not said:
            said = True
            say(
                "fota: stopping: nothing new is begun, and answers under way are waited for, at "
                f"most {grace:g} s; interrupted again, it ends at once"
            )
        stop()

    return act
