"""The tasks of a run: workers, which hold batches, and helpers, which do not."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import attrs

from fota_async.batch.news import cancel_all
from fota_async.batch.pieces import Batch

Job: TypeAlias = Callable[[], Awaitable[None]]


@attrs.define(eq=False)
class Worker:
    """A task that sends.

    Attributes:
        batch: What it holds now.
    """

    batch: Batch | None = None


class Crew:
    """Starts the tasks of one run, and ends them without losing what they hold.

    Args:
        broke: Hears of every exception that a task lets through.
    """

    def __init__(self, broke: Callable[[Exception], object]) -> None:
        self._broke = broke
        self._workers: dict[asyncio.Task[None], Worker] = {}
        self._helpers: set[asyncio.Task[None]] = set()

    def work(self, job: Callable[[Worker], Awaitable[None]]) -> asyncio.Task[None]:
        """Start a worker; the run is not over before all of them have ended.

        Args:
            job: What it does; it notes in the worker which batch it holds.
        """
        worker = Worker()
        task = asyncio.create_task(self._guarded(partial(job, worker)))
        self._workers[task] = worker
        return task

    def help(self, job: Job) -> asyncio.Task[None]:
        """Start a helper; it ends with the run at the latest."""
        task = asyncio.create_task(self._guarded(job))
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)
        return task

    async def workers_done(self) -> None:
        """Wait until no worker is left, those that start meanwhile included."""
        while self._workers:
            await asyncio.wait(self._workers)
            self._workers = {task: one for task, one in self._workers.items() if not task.done()}

    def end_idle_workers(self) -> None:
        """End every worker that has nothing on the wire; what it holds is surely not sent."""
        for task, worker in self._workers.items():
            on_wire = worker.batch is not None and worker.batch.tally.on_wire
            if not on_wire and not is_current(task):
                task.cancel()

    def end_workers(self) -> None:
        """End every worker, whatever it does."""
        for task in self._workers:
            task.cancel()

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
