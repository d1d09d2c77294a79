"""Errors that carry a report."""

from enum import StrEnum
from typing import TYPE_CHECKING

from fota_async.errors import FotaError

if TYPE_CHECKING:
    from fota_async.batch.candidates import Candidate
    from fota_async.batch.pilot import PilotReport
    from fota_async.batch.report import BatchReport
    from fota_async.batch.sync import SyncPlan, SyncReport


class StopCause(StrEnum):
    """Why a run ended early."""

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

    Attributes:
        plan: What it would have done; None if that was not computed.
    """

    def __init__(self, message: str, plan: "SyncPlan | None" = None) -> None:
        super().__init__(message)
        self.plan = plan


class SyncStopped(FotaError):  # noqa: N818 - reads as what happened
    """A sync ended before its end. What stopped a run of it is its `__cause__`.

    Attributes:
        report: What was done.
    """

    def __init__(self, message: str, report: "SyncReport") -> None:
        super().__init__(message)
        self.report = report


class DevicesFailed(FotaError):  # noqa: N818 - reads as what happened
    """Some devices did not succeed; raised by `BatchReport.raise_for_failures` only.

    Attributes:
        report: What became of every device.
    """

    def __init__(self, report: "BatchReport") -> None:
        super().__init__(
            f"{report.failed} failed, {report.invalid} invalid, {report.unknown} unknown and "
            f"{report.unsent} unsent of {report.inputs} inputs"
        )
        self.report = report
