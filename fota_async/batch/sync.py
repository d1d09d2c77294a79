"""Syncing: bringing a target to a wanted list of devices, additions first."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from typing import Any, TypeAlias, TypeVar

import attrs
from pyroaring import BitMap64

from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.device_ids import DeviceSet, pack
from fota_async.batch.errors import RunStopped, SyncRefused, SyncStopped
from fota_async.batch.operation import Operation
from fota_async.batch.protocol import BatchSession
from fota_async.batch.reading import Members
from fota_async.batch.report import BatchReport, unsent_report
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions, RunSettings
from fota_async.batch.source import Source
from fota_async.batch.states import State
from fota_async.batch.told import told_as_run
from fota_async.batch.wanted import read_wanted
from fota_async.errors import CallError, ConfigurationError, MisuseError

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class SyncPlan:
    """What a sync would do.

    >>> def approve(plan: SyncPlan) -> bool:
    ...     print(plan, list(plan.remove))
    ...     return len(plan.remove) < 10
    >>> report = await fota.v1.upgrades.sync_devices(
    ...     upgrade_id, imeis[:2], max_removals=5, approve=approve
    ... )
    0 devices to append, 1 to remove, 2 unchanged ['990013907835573']

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

    >>> wanted = ["990003425730524", "356938035643809"]
    >>> report = await fota.v1.upgrades.sync_devices(upgrade_id, wanted, max_removals=5)
    >>> report.append.succeeded, report.remove.succeeded, report.unchanged
    (1, 2, 1)

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
        """Whether every device was appended or removed."""
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
"""Looks at a plan; anything but True refuses it."""


class Sync:
    """Brings one target to a wanted list.

    Args:
        session: How it is read and changed.
        append: The operation that adds devices.
        remove: The operation that takes them off.
        max_removals: The most devices a plan may remove.
        approve: Asked about a plan that would change something, except in a dry run; None for no
            question.
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
        self._options: RunOptions = options
        if self._settings.keep == "none":
            self._options = {**options, "keep": "failures"}  # they are not waited for to show
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
            MisuseError: A removal is under way on the target; nothing was sent.
            CallError: The target cannot be read; nothing was sent.
        """
        operation = self._append
        with told_as_run(self._session, "sync_devices", operation.target, stop=lambda: None):
            return await self._run(source)

    async def _run(self, source: Source) -> SyncReport:
        operation = self._append
        with ExitStack() as stack:
            # No other run of this session manager may remove devices while the plan stands.
            stack.callback(self._session.claim(operation.account, operation.target, operation.name))
            plan, appended = await self._plan_and_append(source)
        try:
            removed = await self._batched(self._remove, plan.remove)
        except RunStopped as stopped:
            raise SyncStopped(str(stopped), _report(plan, appended, stopped.report)) from stopped
        except MisuseError as error:
            raise self._stopped_before_removal(plan, appended, error) from error
        return _report(plan, appended, removed)

    async def _plan_and_append(self, source: Source) -> tuple[SyncPlan, BatchReport]:
        try:
            plan = await self._stoppable(self._plan(source))
            await self._stoppable(self._check(plan))
        except _Interrupted:
            raise SyncRefused("interrupted; nothing was sent") from None
        try:
            appended = await self._batched(self._append, plan.append)
        except RunStopped as stopped:
            raise self._stopped_before_removal(plan, stopped.report, stopped) from stopped
        if plan.append and plan.remove and not self._settings.dry_run:
            try:
                await self._stoppable(self._confirm(plan, appended))
            except _Interrupted:
                raise self._stopped_before_removal(plan, appended, "interrupted") from None
        return plan, appended

    async def _stoppable(self, step: Coroutine[Any, Any, T]) -> T:
        task: asyncio.Task[T] = asyncio.create_task(step)
        self._step = task
        if self._stopping:
            task.cancel()
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
        wanted, duplicates = await read_wanted(source)
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
            if inspect.isawaitable(answer):
                answer = await answer
            if answer is not True:
                raise SyncRefused("the plan was not approved; nothing was sent", plan)

    async def _confirm(self, plan: SyncPlan, appended: BatchReport) -> None:
        """Make sure that the target has what was appended; only then may anything be removed."""
        if appended.unknown:
            why = f"the fate of {appended.unknown:,} devices to append is unknown"
            raise self._stopped_before_removal(plan, appended, why)
        appended_ids = plan.append - await asyncio.to_thread(_failed_in, appended)
        missing = 0
        for wait in (0.0, self._settings.settle_delay, self._settings.settle_delay):
            await self._session.clock.sleep(wait)
            try:
                members = await self._read_members()
            except CallError as error:
                raise self._stopped_before_removal(plan, appended, error) from error
            # A device that was taken and then rejected shows, too: the API has decided.
            missing = len(appended_ids - members.listed)
            if not missing:
                return
        why = f"{missing:,} devices were appended and do not show in the target"
        raise self._stopped_before_removal(plan, appended, why)

    def _stopped_before_removal(
        self, plan: SyncPlan, appended: BatchReport, why: object
    ) -> SyncStopped:
        message = f"nothing was removed: {why}"
        removed = unsent_report(self._remove, plan.remove, message, dry_run=self._settings.dry_run)
        return SyncStopped(message, _report(plan, appended, removed))

    async def _read_members(self) -> Members:
        assert self._append.read_members is not None  # noqa: S101 - whoever offers a sync can read
        return await self._append.read_members(self._session)


class _Interrupted(Exception):  # noqa: N818 - never leaves this module
    """`stop` was called between the runs."""


def _is_cancelled() -> bool:
    """Whether the caller was cancelled, not the step it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _failed_in(report: BatchReport) -> DeviceSet:
    failed = [one.device_id for one in report if one.state is State.FAILED] if report.failed else []
    return DeviceSet(BitMap64(pack(failed)))


def _report(plan: SyncPlan, appended: BatchReport, removed: BatchReport) -> SyncReport:
    return SyncReport(
        append=appended, remove=removed, unchanged=plan.unchanged, duplicates=plan.duplicates
    )
