"""What commands print that schedule: what was scheduled, and what became of every device."""

import json
from typing import Any

import attrs

from fota_async.batch.errors import RunStopped, ScheduleUnknown
from fota_async.batch.report import BatchReport
from fota_async.cli.output import print_pieces, say
from fota_async.cli.plain import as_plain, members, printable_lines
from fota_async.cli.run_flags import RecordFlags
from fota_async.cli.runs import MakeRun, drive
from fota_async.cli.tables import answer_table

_ADVICE = (
    "append_devices is `fota append` with --upgrade ID, or with --campaign ID and --api; "
    "`fota upgrades list` and `fota campaigns list` show what is pending and queued"
)


APPEND_V1 = "append --upgrade {target}"
APPEND = {"v2": "append --campaign {target} --api v2", "v3": "append --campaign {target} --api v3"}
"""What appends more devices to what was scheduled; see `fota_async.cli.failures.Kept`."""


async def drive_schedule(make_run: MakeRun, file: str, flags: RecordFlags, again: str) -> int:
    """Schedule the devices of a file or of standard input; return the exit code.

    Args:
        make_run: Makes the run.
        file: The device list.
        flags: The options of the command.
        again: What appends more devices to it.

    Raises:
        FotaError: Nothing was scheduled.
    """
    return await drive(make_run, file, flags, again, show_scheduled)


def show_scheduled(
    report: BatchReport, result: Any, stopped: RunStopped | None, *, as_json: bool
) -> bool:
    """Print what was scheduled; see `fota_async.cli.runs.Printer`."""
    target = None if result is None or report.dry_run else result.target
    candidates = None
    if isinstance(stopped, ScheduleUnknown):
        candidates = stopped.candidates
        say(_ADVICE)
    if as_json:
        document = {
            "scheduled": None if target is None else plain_target(target),
            "candidates": as_plain(candidates and list(candidates)),
            "report": report.summary(),
        }
        return print_pieces([json.dumps(document), "\n"])
    return print_pieces([target_table(target), printable_lines(str(report)), "\n"])


def target_table(target: Any) -> str:
    """Return an upgrade or campaign as a table, without devices; nothing of None."""
    if target is None:
        return ""
    has_devices = any(field.name == "device_list" for field in attrs.fields(type(target)))
    return answer_table(attrs.evolve(target, device_list=()) if has_devices else target)


def plain_target(target: Any) -> dict[str, Any]:
    """Return an upgrade or campaign as plain values; the report is about its devices."""
    return {
        name: as_plain(value) for name, value in members(target).items() if name != "device_list"
    }
