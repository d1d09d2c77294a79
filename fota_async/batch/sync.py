"""Syncing: bringing a target to a wanted list of devices, additions first."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

import attrs

from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.device_ids import DeviceSet, Sieve
from fota_async.batch.errors import RunStopped, SyncRefused, SyncStopped
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Members
from fota_async.batch.report import BatchReport, unsent_report
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions, RunSettings
from fota_async.batch.source import Source
from fota_async.errors import CallError, ConfigurationError

T = TypeVar("T")

_HINTS = 3


@attrs.frozen(kw_only=True)
class SyncPlan:
    """What a sync would do.

    Attributes:
        append: Devices that are wanted and not in the target.
        remove: Devices that are in the target and not wanted.
        unchanged: How many are wanted and in the target.
        duplicates: Inputs that had occurred before.
        status: The target's state, word for word.
        is_open: Whether its devices may still change; None if its state is unknown.
    """

    append: DeviceSet
    remove: DeviceSet
    unchanged: int
    duplicates: int
    status: str
    is_open: bool | None

    def __str__(self) -> str:
        return (
            f"{len(self.append):,} devices to append, {len(self.remove):,} to remove, "
            f"{self.unchanged:,} unchanged"
        )


@attrs.frozen(kw_only=True)
class SyncReport:
    """What a sync did; the law of the report holds in each of its two reports.

    Attributes:
        append: What became of the devices to append.
        remove: What became of the devices to remove.
        unchanged: How many devices were wanted and in the target before.
        duplicates: Inputs that had occurred before.
    """

    append: BatchReport
    remove: BatchReport
    unchanged: int
    duplicates: int

    @property
    def ok(self) -> bool:
        """Whether the target is as wanted."""
        return self.append.ok and self.remove.ok

    def raise_for_failures(self) -> None:
        """Raise unless every device was appended or removed.

        Raises:
            DevicesFailed: With the report that holds the failure.
        """
        self.append.raise_for_failures()
        self.remove.raise_for_failures()

    def __str__(self) -> str:
        return f"{self.append}\n{self.remove}\n  {self.unchanged:>12,} unchanged"


Approve: TypeAlias = Callable[[SyncPlan], bool | Awaitable[bool]]
"""Looks at a plan, and says whether to go on."""


class Sync:
    """Brings one target to a wanted list.

    Args:
        session: How it is read and changed.
        append: The operation that adds devices.
        remove: The operation that takes them off.
        max_removals: The most devices a plan may remove.
        approve: Asked about every plan that would change something; None for no question.
        options: Of both runs; `journal` is not among them, since a sync that is started again
            reads the target and does what is left.

    Raises:
        ConfigurationError: An option cannot work.
    """

    def __init__(
        self,
        session: BatchSession,
        append: Operation,
        remove: Operation,
        *,
        max_removals: int = 0,
        approve: Approve | None = None,
        options: RunOptions,
    ) -> None:
        if not isinstance(max_removals, int) or isinstance(max_removals, bool) or max_removals < 0:
            raise ConfigurationError(
                f"max_removals must be a whole number from 0, not {max_removals!r}"
            )
        if options.get("journal") is not None:
            raise ConfigurationError(
                "a sync needs no journal: started again, it reads the target and does what is left"
            )
        self._settings = RunSettings(**options)
        self._options = options
        self._session = session
        self._append = append
        self._remove = remove
        self._max_removals = max_removals
        self._approve = approve
        self._stopping = False
        self._step: asyncio.Task[Any] | None = None
        self._batches: BatchRun | None = None

    def stop(self) -> None:
        """End early, as `BatchRun.stop` does; called again, end at once.

        Whoever awaits gets `SyncStopped`, or `SyncRefused` if nothing was sent yet.
        """
        self._stopping = True
        if self._batches is not None:
            self._batches.stop()
        elif self._step is not None:
            self._step.cancel()

    async def run(self, source: Source) -> SyncReport:
        """Read input and target, append what is missing, make sure of it, then remove the rest.

        Raises:
            SyncRefused: The plan must not be carried out; nothing was sent.
            SyncStopped: It was carried out in part.
            SourceError: The input cannot be read; nothing was sent.
            CallError: The target cannot be read; nothing was sent.
        """
        try:
            plan = await self._stoppable(self._plan(source))
            await self._stoppable(self._check(plan))
        except _Interrupted:
            raise SyncRefused("interrupted; nothing was sent") from None
        try:
            appended = await self._batched(self._append, plan.append)
        except RunStopped as stopped:
            raise self._stopped_before_removal(plan, stopped.report, stopped) from stopped
        if plan.remove and not self._settings.dry_run:
            try:
                await self._stoppable(self._confirm(plan, appended))
            except _Interrupted:
                raise self._stopped_before_removal(plan, appended, "interrupted") from None
        try:
            removed = await self._batched(self._remove, plan.remove)
        except RunStopped as stopped:
            raise SyncStopped(str(stopped), _report(plan, appended, stopped.report)) from stopped
        return _report(plan, appended, removed)

    async def _stoppable(self, step: Coroutine[Any, Any, T]) -> T:
        task: asyncio.Task[T] = asyncio.create_task(step)
        self._step = task
        try:
            return await task
        except asyncio.CancelledError:
            if self._stopping and not _is_cancelled():
                raise _Interrupted from None
            raise
        finally:
            self._step = None

    async def _batched(self, operation: Operation, devices: DeviceSet) -> BatchReport:
        batcher = DeviceBatcher(self._session, operation, **self._options)
        self._batches = batcher.run(devices)
        if self._stopping:
            self._batches.stop()
        try:
            return await self._batches
        finally:
            self._batches = None

    async def _plan(self, source: Source) -> SyncPlan:
        wanted, duplicates = await _read_wanted(source)
        members = await self._read_members()
        append, remove = wanted - members.devices, members.devices - wanted
        return SyncPlan(
            append=append,
            remove=remove,
            unchanged=len(wanted) - len(append),
            duplicates=duplicates,
            status=members.status,
            is_open=members.is_open,
        )

    async def _check(self, plan: SyncPlan) -> None:
        if len(plan.remove) > self._max_removals:
            raise SyncRefused(
                f"{plan}, and max_removals is {self._max_removals:,}: "
                "is this the whole list, and of this target? Nothing was sent",
                plan,
            )
        changes = bool(plan.append or plan.remove)
        if changes and plan.is_open is False:
            raise SyncRefused(
                f"the target is {plan.status} and takes no changes any more; nothing was sent", plan
            )
        if changes and self._approve is not None and not self._settings.dry_run:
            answer = self._approve(plan)
            if not (answer if isinstance(answer, bool) else await answer):
                raise SyncRefused("the plan was not approved; nothing was sent", plan)

    async def _confirm(self, plan: SyncPlan, appended: BatchReport) -> None:
        """Make sure that the target has what was appended; only then may anything be removed."""
        if appended.unknown:
            why = f"the fate of {appended.unknown:,} devices to append is unknown"
            raise self._stopped_before_removal(plan, appended, why)
        missing = 0
        for wait in (0.0, self._settings.settle_delay, self._settings.settle_delay):
            await self._session.clock.sleep(wait)
            try:
                members = await self._read_members()
            except CallError as error:
                raise self._stopped_before_removal(plan, appended, error) from error
            missing = len(plan.append - members.devices) - (len(plan.append) - appended.succeeded)
            if missing <= 0:
                return
        why = f"{missing:,} devices were appended and do not show in the target"
        raise self._stopped_before_removal(plan, appended, why)

    def _stopped_before_removal(
        self, plan: SyncPlan, appended: BatchReport, why: object
    ) -> SyncStopped:
        reason = "nothing was removed, since the appending is not sure"
        removed = unsent_report(self._remove, plan.remove, reason)
        return SyncStopped(f"nothing was removed: {why}", _report(plan, appended, removed))

    async def _read_members(self) -> Members:
        assert self._append.read_members is not None  # noqa: S101 - whoever offers a sync can read
        return await self._append.read_members(self._session)


class _Interrupted(Exception):  # noqa: N818 - never leaves this module
    """`stop` was called between the runs."""


def _is_cancelled() -> bool:
    """Whether the caller was cancelled, not the step it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _report(plan: SyncPlan, appended: BatchReport, removed: BatchReport) -> SyncReport:
    return SyncReport(
        append=appended, remove=removed, unchanged=plan.unchanged, duplicates=plan.duplicates
    )


async def _read_wanted(source: Source) -> tuple[DeviceSet, int]:
    """Return the devices of an input, and how many were there twice.

    Raises:
        SyncRefused: It is empty, or not all of it are device ids.
        SourceError: It cannot be read.
    """
    sieve = Sieve()
    duplicates = invalid = 0
    hints: Counter[str] = Counter()
    await source.open()
    try:
        while inputs := await source.read():
            sifted = sieve.sift(inputs)
            duplicates += sifted.duplicates
            invalid += len(sifted.malformed)
            hints.update(one.hint for one in sifted.malformed)
    finally:
        await source.aclose()
    if invalid:
        said = ", ".join(f"{count:,}: {hint}" for hint, count in hints.most_common(_HINTS))
        raise SyncRefused(
            f"{invalid:,} inputs are no device ids ({said}); mend them first. Nothing was sent"
        )
    if not sieve.numbers:
        raise SyncRefused("the input is empty, so all devices would go; nothing was sent")
    return DeviceSet(sieve.numbers), duplicates
