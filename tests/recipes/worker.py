"""A worker that drains: told to end, it ends in order, and the next start goes on.

`run.stop()` may be called from signal handlers and from any thread. No new batch starts, answers in
flight are waited for up to `grace` seconds (choose less than the supervisor waits before it
kills), and the report is true. Called once more, it ends the run at once. The journal has what was
decided; a worker that is killed after all loses nothing either.

`signal.signal` takes SIGTERM on every system, but Windows never sends it. There, and wherever a
supervisor speaks through a pipe, `on_end_of_input` listens to standard input instead.
"""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from fota_async import FotaClient, RunStopped, StopCause


def on_end_of_input(stop: Callable[[], None]) -> None:
    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop()

    threading.Thread(target=wait, daemon=True).start()


def on_sigterm(stop: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, lambda *_: stop())


async def work(upgrade_id: str, fleet: Path, on_stop: Callable[[Callable[[], None]], None]) -> int:
    journal = fleet.with_suffix(".db")
    async with FotaClient.from_env() as fota:
        run = fota.v1.upgrades.append_devices(upgrade_id, fleet, journal=journal, grace=20)
        on_stop(run.stop)
        try:
            report = await run
        except RunStopped as stopped:
            print(stopped.report.to_json())
            return 143 if stopped.cause is StopCause.INTERRUPTED else 1
    print(report.to_json())
    return 0 if report.ok else 3


if __name__ == "__main__":
    listen = on_end_of_input if "--until-end-of-input" in sys.argv else on_sigterm
    sys.exit(asyncio.run(work(sys.argv[1], Path(sys.argv[2]), listen)))
