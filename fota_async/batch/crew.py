"""The tasks of a run: workers, which hold batches, and helpers, which do not."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fota_async.batch.news import cancel_all
from fota_async.batch.pieces import Batch

Job: TypeAlias = Callable[[], Awaitable[None]]


class Crew:
    """Starts the tasks of one run, and ends them without losing what they hold.

    Args:
        broke: Hears of every exception that a task lets through.
    """

    def __init__(self, broke: Callable[[Exception], object]) -> None:
        self._broke = broke
        self._workers: dict[asyncio.Task[None], Batch | None] = {}
        self._helpers: set[asyncio.Task[None]] = set()

    def work(self, job: Job) -> asyncio.Task[None]:
        """Start a worker; the run is not over before all of them have ended."""
        task = asyncio.create_task(self._guarded(job))
        self._workers[task] = None
        return task

    def help(self, job: Job) -> asyncio.Task[None]:
        """Start a helper; it ends with the run at the latest."""
        task = asyncio.create_task(self._guarded(job))
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)
        return task

    def hold(self, batch: Batch | None) -> None:
        """Note what the worker that calls this holds from now on."""
        task = asyncio.current_task()
        if task in self._workers:
            self._workers[task] = batch

    async def workers_done(self) -> None:
        """Wait until no worker is left, those that start meanwhile included."""
        while self._workers:
            await asyncio.wait(self._workers)
            self._workers = {task: b for task, b in self._workers.items() if not task.done()}

    def end_idle_workers(self) -> None:
        """End every worker that has nothing on the wire; what it holds is surely not sent."""
        for worker, batch in self._workers.items():
            if not is_current(worker) and (batch is None or not batch.tally.on_wire):
                worker.cancel()

    def end_workers(self) -> None:
        """End every worker, whatever it does."""
        for worker in self._workers:
            worker.cancel()

    async def dismiss(self) -> None:
        """End everyone and wait until they are gone."""
        await cancel_all([*self._workers, *self._helpers])

    async def _guarded(self, job: Job) -> None:
        try:
            await job()
        except asyncio.CancelledError:
            pass  # by whoever ends the run; the books are in order
        except Exception as error:  # noqa: BLE001 - a defect of ours must not lose the report
            self._broke(error)


def is_current(task: asyncio.Task[None] | None) -> bool:
    """Whether `task` is the one that asks."""
    try:
        return task is not None and task is asyncio.current_task()
    except RuntimeError:  # asked outside the event loop, by a signal handler
        return False
