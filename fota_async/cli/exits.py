"""Exit codes, for scripts to rely on."""

import signal
from enum import IntEnum
from typing import TYPE_CHECKING

from fota_async.batch.errors import PilotStopped, SyncRefused
from fota_async.errors import (
    ConfigurationError,
    FotaError,
    JournalError,
    SourceError,
    StoreError,
    WaitTimeout,
)

if TYPE_CHECKING:
    from fota_async.batch.report import BatchReport


class Exit(IntEnum):
    """What a command ends with; a signal ends it with 128 and its number."""

    DONE = 0
    """Every device succeeded or is pending."""
    ERROR = 1
    """An error, or the run was stopped."""
    USAGE = 2
    """Wrong usage, or a sync that was refused; nothing was sent."""
    INCOMPLETE = 3
    """The run came to its end or to a limit the caller set, and some device did not succeed."""


def exit_code(report: "BatchReport", received: signal.Signals | None) -> int:
    """Return the exit code that a report means.

    Args:
        report: What became of every device.
        received: The signal that interrupted the run, if one did.
    """
    if report.dry_run and not report.stopped:
        return Exit.INCOMPLETE if report.invalid else Exit.DONE
    if report.stopped == "interrupted":
        return 128 + (received or signal.SIGINT)
    if report.stopped in {"max_failures", "deadline"}:
        return Exit.INCOMPLETE  # the limits that the caller set, not an error
    if report.stopped:
        return Exit.ERROR
    return Exit.DONE if report.ok else Exit.INCOMPLETE


_NOTHING_SENT = ConfigurationError | JournalError | SourceError | StoreError | SyncRefused


def exit_code_of(error: FotaError) -> int:
    """Return the exit code that an error means."""
    if isinstance(error, _NOTHING_SENT):
        return Exit.USAGE
    return Exit.INCOMPLETE if isinstance(error, WaitTimeout | PilotStopped) else Exit.ERROR
