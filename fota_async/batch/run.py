"""A run, as its caller holds it: awaitable, iterable, and true at any moment."""

import asyncio
import warnings
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Generator, Iterable
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import anyio

from fota_async.batch.errors import RunStopped, StopCause
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.report import BatchReport
from fota_async.batch.states import DeviceOutcome
from fota_async.batch.stopping import Stop
from fota_async.batch.told import told_as_run
from fota_async.errors import MisuseError

R = TypeVar("R")


class Runner(Protocol):
    """What a run drives: `fota_async.batch.engine.Engine`, or whatever has its face."""

    @property
    def session(self) -> BatchSession:
        """How requests are sent."""
        ...

    @property
    def operation(self) -> Operation:
        """What is done with the devices."""
        ...

    @property
    def stop(self) -> Stop | None:
        """Why the run ends early, or None."""
        ...

    async def run(self) -> None:
        """Run to the end, or until something stops it; `stop` says what did."""
        ...

    def report(self) -> BatchReport:
        """Return the report as of now."""
        ...

    def interrupt(self) -> None:
        """Start no new batch and end within `grace`."""
        ...

    def abort(self) -> None:
        """End at once."""
        ...

    def start_streaming(self) -> None:
        """Keep outcomes for a reader."""
        ...

    def stop_streaming(self) -> None:
        """Hold nothing up for a reader any more."""
        ...

    async def next_outcomes(self) -> Iterable[DeviceOutcome] | None:
        """Return outcomes that no reader had yet, or None when all were read."""
        ...


class Run(ABC, Generic[R]):
    """A bulk job as its caller holds it; what it results in is for its kinds to say."""

    def __init__(self, engine: Runner) -> None:
        self._engine = engine
        self._task: asyncio.Task[None] | None = None
        self._entered = False
        self._stops = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._report: BatchReport | None = None

    @property
    def report(self) -> BatchReport:
        """What is known at this moment: in flight counts as `unknown`, waiting as `unsent`."""
        return self._engine.report()

    def stop(self) -> None:
        """Start no new batch and end within `grace`; called again, end at once.

        Callable from any thread and from signal handlers. Whoever awaits the run gets `RunStopped`
        with cause `interrupted`.
        """
        self._stops += 1
        act = self._engine.interrupt if self._stops == 1 else self._engine.abort
        if self._loop is not None and not self._loop.is_closed():
            # Also from a signal handler, which nothing else would wake the loop for.
            self._loop.call_soon_threadsafe(act)

    @abstractmethod
    def _made_of(self, report: BatchReport) -> R:
        """Return the result of a run that came to its end."""

    def _stopped_early(self, stop: Stop, report: BatchReport) -> RunStopped:
        return RunStopped(stop.message, report, stop.cause)

    def __await__(self) -> Generator[None, None, R]:
        return self._result().__await__()

    async def _result(self) -> R:
        self._start()
        self._engine.stop_streaming()
        await self._ended()
        return self._outcome()

    def _outcome(self) -> R:
        self._start().result()
        if self._report is None:
            self._report = self._engine.report()
        stop = self._engine.stop
        if stop is not None:
            raise self._stopped_early(stop, self._report) from stop.error
        return self._made_of(self._report)

    def _start(self) -> asyncio.Task[None]:
        if self._task is None:
            self._loop = asyncio.get_running_loop()
            self._task = asyncio.create_task(self._run())
            if self._stops:
                self._engine.interrupt()
            if self._stops > 1:
                self._engine.abort()
        return self._task

    async def _run(self) -> None:
        engine, operation = self._engine, self._engine.operation
        with told_as_run(
            engine.session, operation.name, operation.target, stop=lambda: engine.stop
        ):
            await engine.run()

    async def _ended(self) -> None:
        task = self._start()
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            await self._stopped(task)
            raise

    async def _stopped(self, task: asyncio.Task[None]) -> bool:
        """Stop and wait for the end; being cancelled meanwhile ends it at once and returns True."""
        cancelled = False
        self._engine.interrupt()
        # A cancelled anyio scope of the caller would cancel every further wait, too.
        with anyio.CancelScope(shield=True):
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError:
                    cancelled = True
                    self._engine.abort()
        return cancelled

    async def __aenter__(self) -> Self:
        if self._entered or self._task is not None:
            raise MisuseError("this run was started already; make a new one for another pass")
        self._entered = True
        self._engine.start_streaming()
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        task = self._start()
        self._engine.stop_streaming()
        if not task.done() and await self._stopped(task) and error is None:
            raise asyncio.CancelledError
        if error is None and not task.cancelled() and (failure := task.exception()) is not None:
            raise failure

    async def __aiter__(self) -> AsyncIterator[DeviceOutcome]:
        if not self._entered:
            raise MisuseError("iterate inside `async with run:`, so that leaving early stops it")
        while (outcomes := await self._engine.next_outcomes()) is not None:
            for outcome in outcomes:
                yield outcome
        await self._ended()
        if self._engine.stop is not None and self._engine.stop.cause is not StopCause.INTERRUPTED:
            self._outcome()

    def __del__(self) -> None:
        if self._task is None:
            warnings.warn(
                f"a run of {self._engine.operation.name} was never started; await it",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )


class BatchRun(Run[BatchReport]):
    """One bulk job over all its batches.

    `await run` starts it and returns its `BatchReport`; awaiting again returns the same one.
    `async with run:` starts it, too; inside, `async for outcome in run` yields each
    `DeviceOutcome` as the answers come in, and the run goes no faster than it is read. Leaving
    the block early stops the run as cancellation does: no new batch starts, answers in flight
    are waited for a while (`grace`), and `report` is true.

    It is an awaitable and no coroutine: for a task of its own use `asyncio.ensure_future(run)`.

    >>> async with fota.v1.upgrades.append_devices(upgrade_id, [*imeis, "12345"]) as run:
    ...     async for outcome in run:
    ...         print(outcome.device_id, outcome.state)
    12345 invalid
    990003425730524 succeeded
    990003425730535 succeeded
    990013907835573 succeeded
    >>> run.report.inputs
    4

    Raises:
        RunStopped: From `await` and `async for`: the run ended early. It carries the report.
        SourceError: The device list cannot be opened; nothing was sent.
    """

    def _made_of(self, report: BatchReport) -> BatchReport:
        return report
