"""Many runs as one job: each stops for itself, all are awaited, one overview tells of them."""

import asyncio
from collections.abc import Generator, Mapping
from typing import Any

import anyio

from fota_async.batch.overview import Overview
from fota_async.batch.run import Run
from fota_async.errors import ConfigurationError, FotaError


class AccountRuns:
    """Runs of many accounts at once, awaited together.

    Every run keeps its own client, tokens, limit, journal and report. One that is stopped, cannot
    begin, or whose account is refused does not stop the others. With the same `executor=`, see
    `fota_async.distributed`, one cluster makes the requests of all.

    `await` starts them and returns their `Overview`; awaiting again returns the same one.
    Being cancelled stops every run as its own cancellation does: no new batch starts, answers in
    flight are waited for a while (`grace`), and `overview` is true; a second cancellation ends at
    once. Runs that were started before are awaited with the others.

    Each run that goes on needs a connection for every request in flight, and with a journal five
    files and a thread, so of hundreds only some go on at once. Connections that ended runs leave
    idle count, too, unless all clients share them: make one `aiohttp.ClientSession` and give it to
    each as `http=`; the limit of its connector then holds for all of them together.

    It is an awaitable and no coroutine: for a task of its own use `asyncio.ensure_future(runs)`.

    >>> simulator.add_account("0000123456-00001")
    >>> other_upgrade = simulator.add_upgrade("0000123456-00001")
    >>> async with FotaClient.from_env(environ=environ, account="0000123456-00001") as other:
    ...     runs = {
    ...         fota.account: fota.v1.upgrades.append_devices(upgrade_id, imeis),
    ...         other.account: other.v1.upgrades.append_devices(other_upgrade, Path("none.csv")),
    ...     }
    ...     overview = await AccountRuns(runs)
    >>> print(overview)
    2 accounts, 1 of them not ok: 1 SourceError
      account           inputs  succeeded
      0000123456-00001       0          0
        SourceError: cannot read none.csv: No such file or directory; ...
      all                    3          3
    1 requests, 0 of them retries; the longest run took ... s

    Args:
        runs: By the account, or what else they are to be called. They begin in this order.
        at_once: How many go on at once; the others wait for their turn. More are worth it where the
            rate that each account allows is what takes the time.

    Raises:
        ConfigurationError: Something of `runs` is no run, or is in it twice; or `at_once` is no
            number from 1.
    """

    def __init__(self, runs: Mapping[str, Run[Any]], *, at_once: int = 50) -> None:
        if not isinstance(at_once, int) or isinstance(at_once, bool) or at_once < 1:
            raise ConfigurationError(f"at_once must be a whole number from 1, not {at_once!r}")
        self._turns = asyncio.Semaphore(at_once)
        self._runs = dict(runs)
        for name, run in self._runs.items():
            if not isinstance(run, Run):
                raise ConfigurationError(
                    f"{name!r} is to be a run, as calls that carry a device list return it, "
                    f"not {type(run).__name__}"
                )
        if len({*map(id, self._runs.values())}) < len(self._runs):
            raise ConfigurationError("the same run has two names; it would be counted twice")
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: set[str] = set()
        self._errors: dict[str, Exception] = {}
        self._stops = 0
        self._overview: Overview | None = None

    @property
    def overview(self) -> Overview:
        """What is known of all runs at this moment."""
        if self._overview is not None:
            return self._overview
        overview = Overview(
            reports={name: run.report for name, run in self._runs.items()},
            errors={name: self._errors[name] for name in self._runs if name in self._errors},
            unfinished=frozenset(self._runs.keys() - self._ended),
        )
        if not overview.unfinished:
            self._overview = overview
        return overview

    def stop(self) -> None:
        """Stop every run, as its own `stop` does; called again, end at once.

        Callable from any thread and from signal handlers. Whoever awaits gets the overview.
        """
        self._stop_until(self._stops + 1)

    def __await__(self) -> Generator[None, None, Overview]:
        return self._result().__await__()

    async def _result(self) -> Overview:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._await(name, run)) for name, run in self._runs.items()
            ]
        try:
            await self._all_ended()
        except asyncio.CancelledError:
            await self._stopped()
            raise
        for error in self._errors.values():
            if not isinstance(error, FotaError):
                raise error
        return self.overview

    async def _await(self, name: str, run: Run[Any]) -> None:
        try:
            async with self._turns:
                await run
        except Exception as error:  # noqa: BLE001 - the others go on, then a defect is raised
            if not isinstance(error, FotaError):
                error.add_note(f"in the run of {name}")
            self._errors[name] = error
        self._ended.add(name)

    async def _all_ended(self) -> None:
        while pending := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(pending)

    async def _stopped(self) -> None:
        """Stop and wait for the end; being cancelled meanwhile ends it at once."""
        self._stop_until(1)
        # A cancelled anyio scope of the caller would cancel every further wait, too.
        with anyio.CancelScope(shield=True):
            while not all(task.done() for task in self._tasks):
                try:
                    await self._all_ended()
                except asyncio.CancelledError:
                    self._stop_until(2)

    def _stop_until(self, stops: int) -> None:
        while self._stops < stops:
            self._stops += 1
            for run in self._runs.values():
                run.stop()
