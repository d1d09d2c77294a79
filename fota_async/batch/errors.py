"""Errors that carry a report."""

from enum import StrEnum
from typing import TYPE_CHECKING

from fota_async.errors import FotaError

if TYPE_CHECKING:
    from fota_async.batch.candidates import Candidate
    from fota_async.batch.overview import Overview
    from fota_async.batch.pilot import PilotReport
    from fota_async.batch.report import BatchReport
    from fota_async.batch.sync import SyncPlan, SyncReport


class StopCause(StrEnum):
    """Why a run ended early.

    >>> simulator.set_status(upgrade_id, "InProgress")
    >>> try:
    ...     await fota.v1.upgrades.append_devices(upgrade_id, imeis)
    ... except RunStopped as stopped:
    ...     print(stopped.cause is StopCause.CLOSED, stopped)
    True the run was stopped (closed): the target is InProgress and takes no changes any more
    """

    CLOSED = "closed"
    """The target takes no changes any more."""
    REFUSED = "refused"
    """The API refuses the request itself, whatever devices it carries."""
    CREDENTIALS = "credentials"
    """There are no tokens to be had."""
    MAX_FAILURES = "max_failures"
    """More devices failed than the caller accepts."""
    DEADLINE = "deadline"
    """The time the caller gave is over."""
    THROTTLED = "throttled"
    """The API asks for a pause longer than `max_pause`, or answers nothing for so long."""
    SOURCE = "source"
    """The device list broke off."""
    JOURNAL = "journal"
    """The journal cannot be written, for instance on a full disk."""
    LOST = "lost"
    """The answer to the request that schedules is lost; see `ScheduleUnknown`."""
    ERROR = "error"
    """Any other error of the session."""
    INTERRUPTED = "interrupted"
    """The caller cancelled, left early, or sent a signal."""


class RunStopped(FotaError):  # noqa: N818 - reads as what happened
    """A run ended before every device was decided. Its report is true all the same.

    The error that stopped the run, if one did, is its `__cause__`.

    >>> simulator.set_status(upgrade_id, "InProgress")
    >>> try:
    ...     await fota.v1.upgrades.append_devices(upgrade_id, imeis)
    ... except RunStopped as stopped:
    ...     print(f"{stopped.cause}: {stopped.report.unsent} devices may be sent again")
    closed: 3 devices may be sent again

    Attributes:
        report: What became of every device.
        cause: Why, in one word.
    """

    def __init__(self, message: str, report: "BatchReport", cause: StopCause) -> None:
        super().__init__(message)
        self.report = report
        self.cause = cause


class ScheduleUnknown(RunStopped):
    """An upgrade or campaign may have been scheduled, and nobody said so.

    Nothing was appended, and nothing is scheduled a second time. In the report the devices that
    were sent are `unknown`, the others `unsent`.

    >>> simulator.faults = Faults(drop_after=1.0, only=frozenset({"v1_schedule_upgrade"}))
    >>> image, version = "FOTA_Verizon_Model-A_01To02_HF", "VerizonFirmwareVersion-02"
    >>> days = {"start_date": date(2027, 4, 1), "end_date": date(2027, 4, 8)}
    >>> try:
    ...     await fota.v1.upgrades.schedule(image, version, imeis, **days)
    ... except ScheduleUnknown as unknown:  # nothing more is sent; a person decides
    ...     for candidate in unknown.candidates or ():
    ...         print(candidate.status, candidate.devices, "of", candidate.of)
    RequestPending 3 of 3

    Attributes:
        candidates: What was found that could be it, the likeliest first; None if nobody could look.
    """

    def __init__(
        self, message: str, report: "BatchReport", candidates: "tuple[Candidate, ...] | None"
    ) -> None:
        super().__init__(message, report, StopCause.LOST)
        self.candidates = candidates


class PilotStopped(FotaError):  # noqa: N818 - reads as what happened
    """A pilot did not succeed, or not in time; nothing was scheduled for the fleet.

    >>> simulator.rules = Rules(
    ...     life_cycle=True,
    ...     pending_for=0,
    ...     queued_for=0,
    ...     prescheduled_for=0,
    ...     runs_for=5,
    ...     upgrade_fail_rate=1.0,
    ... )
    >>> try:
    ...     await fota.v3.campaigns.pilot_then_fleet(
    ...         "SEQUANSCommunications_GM01Q_SR1.2.0.0-10512_SR1",
    ...         [f"35693803564{n}" for n in range(4000, 4100)],
    ...         firmware_from="SR1.2.0.0-10512",
    ...         firmware_to="SR1.2.0.0-10657",
    ...         pilot_start_date=date(2027, 4, 1),
    ...         pilot_end_date=date(2027, 4, 2),
    ...         start_date=date(2027, 4, 5),
    ...         end_date=date(2027, 5, 4),
    ...         timeout=3600,
    ...     )
    ... except PilotStopped as stopped:
    ...     print(stopped.timed_out, stopped.pilot.succeeded)
    False 0

    Attributes:
        pilot: What was seen of it.
        timed_out: Whether it may still succeed; with its journal the same call looks again.
    """

    def __init__(self, message: str, pilot: "PilotReport", *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.pilot = pilot
        self.timed_out = timed_out


class SyncRefused(FotaError):  # noqa: N818 - reads as what happened
    """A sync was not begun, since it would harm or nobody approved; nothing was sent.

    >>> try:
    ...     await fota.v1.upgrades.sync_devices(upgrade_id, imeis[:1])
    ... except SyncRefused as refused:
    ...     print(refused)
    ...     print(refused.plan)
    0 devices to append, 2 to remove, 1 unchanged, and max_removals is 0: is this the whole ...
    0 devices to append, 2 to remove, 1 unchanged

    Attributes:
        plan: What it would have done; None if that was not computed.
    """

    def __init__(self, message: str, plan: "SyncPlan | None" = None) -> None:
        super().__init__(message)
        self.plan = plan


class SyncStopped(FotaError):  # noqa: N818 - reads as what happened
    """A sync ended before its end. What stopped a run of it is its `__cause__`.

    >>> simulator.faults = Faults(error_before=1.0, only=frozenset({"v1_modify_upgrade"}))
    >>> try:
    ...     await fota.v1.upgrades.sync_devices(upgrade_id, ["356938035643809"], max_removals=5)
    ... except SyncStopped as stopped:  # the same call does what is left
    ...     print(stopped.report.append.unknown, stopped.report.remove.unsent)
    1 3

    Attributes:
        report: What was done.
    """

    def __init__(self, message: str, report: "SyncReport") -> None:
        super().__init__(message)
        self.report = report


class DevicesFailed(FotaError):  # noqa: N818 - reads as what happened
    """Some devices did not succeed; raised by `BatchReport.raise_for_failures` only.

    >>> report = await fota.v1.upgrades.append_devices(upgrade_id, [*imeis, "12345"])
    >>> try:
    ...     report.raise_for_failures()
    ... except DevicesFailed as error:
    ...     print(error)
    0 failed, 1 invalid, 0 unknown and 0 unsent of 4 inputs

    Attributes:
        report: What became of every device.
    """

    def __init__(self, report: "BatchReport") -> None:
        super().__init__(
            f"{report.failed} failed, {report.invalid} invalid, {report.unknown} unknown and "
            f"{report.unsent} unsent of {report.inputs} inputs"
        )
        self.report = report


class AccountsFailed(FotaError):  # noqa: N818 - reads as what happened
    """Some accounts are not ok; raised by `Overview.raise_for_failures` only.

    >>> appending = fota.v1.upgrades.append_devices(upgrade_id, Path("none.csv"))
    >>> overview = await AccountRuns({fota.account: appending})
    >>> try:
    ...     overview.raise_for_failures()
    ... except AccountsFailed as error:
    ...     print(error)
    1 accounts, 1 of them not ok: 1 SourceError

    Attributes:
        overview: What became of every account.
    """

    def __init__(self, message: str, overview: "Overview") -> None:
        super().__init__(message)
        self.overview = overview
