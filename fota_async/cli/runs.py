"""One run over one device list, from its options to its exit code."""

from collections.abc import Callable
from typing import TypeAlias, cast

from fota_async.batch.errors import RunStopped
from fota_async.batch.report import BatchReport
from fota_async.batch.run import BatchRun
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.cli.confirm import confirm
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.output import check_report_path, fail, print_report
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.run_flags import DangerRecordFlags, RecordFlags, run_options, source_of
from fota_async.cli.signals import on_signals
from fota_async.client import FotaClient
from fota_async.errors import JournalError

MakeRun: TypeAlias = Callable[[FotaClient, Devices, RunOptions], BatchRun]
"""Makes the run that a command is about."""


def devices_of(file: str, column: str | None) -> Devices:
    """Return the device list in a file, or on standard input for `-`, for a method of the client.

    A run takes a source as it is, which is more than methods promise.
    """
    return cast("Devices", source_of(file, column))


async def drive(make_run: MakeRun, file: str, flags: RecordFlags) -> int:
    """Run over the devices of a file or of standard input; return the exit code.

    Raises:
        ConfigurationError: An option or the environment cannot work; nothing was sent.
        SourceError: The device list cannot be opened; nothing was sent.
        JournalError: The journal cannot be used; nothing was sent.
    """
    if flags.report is not None:
        check_report_path(flags.report, file, flags.journal)
    options = run_options(flags)
    options["journal"], options["durability"] = flags.journal, flags.durability
    progress = ProgressDisplay()
    client = flags.client(progress, max_rate=flags.max_rate)
    run = make_run(client, devices_of(file, flags.column), options)
    message = ""
    async with client:
        with on_signals(run.stop) as received, progress:
            try:
                report = await run
            except RunStopped as stopped:
                report, message = stopped.report, str(stopped)
    if message:
        fail(message)
    return _finish(report, flags, exit_code(report, received.signal))


async def confirm_run(what: str, file: str, flags: DangerRecordFlags) -> None:
    """Ask before a run that cannot be undone; a dry run needs no question.

    Raises:
        ConfigurationError: The answer is no, or nobody can be asked; nothing was sent.
    """
    await confirm(what, yes=flags.yes or flags.dry_run, can_ask=file != "-")


def _finish(report: BatchReport, flags: RecordFlags, code: int) -> int:
    # The file first: it is what nobody can get again, and standard output may be closed.
    written = True
    if flags.report is not None:
        try:
            report.to_csv(flags.report)
        except (OSError, JournalError) as error:
            fail(f"the report could not be written to {flags.report!r}: {error}")
            written = False
    written = print_report(report, as_json=flags.json) and written
    return code if written or code else Exit.ERROR
