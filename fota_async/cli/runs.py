"""One run over one device list, from its options to its exit code."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, cast

from fota_async.batch.errors import RunStopped
from fota_async.batch.report import BatchReport
from fota_async.batch.run import Run
from fota_async.batch.settings import RunOptions
from fota_async.batch.source import Devices
from fota_async.batch.sync import SyncReport
from fota_async.cli.advice import advised, stopped_in_words
from fota_async.cli.cluster import requests_elsewhere
from fota_async.cli.confirm import confirm
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.failures import Kept, failures_in_words, with_access
from fota_async.cli.output import check_report_path, fail, print_report, say
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.run_flags import (
    DangerRecordFlags,
    RecordFlags,
    ReportFlags,
    record_options,
    source_of,
)
from fota_async.cli.signals import graceful, on_signals
from fota_async.client import FotaClient
from fota_async.errors import JournalError
from fota_async.observe.sink import fan_out
from fota_async.reports import RunRecord, write_report

MakeRun: TypeAlias = Callable[[FotaClient, Devices, RunOptions], Run[Any]]
"""Makes the run that a command is about."""


class Printer(Protocol):
    """Prints what a run came to, and returns whether it could be written."""

    def __call__(
        self, report: BatchReport, result: Any, stopped: RunStopped | None, /, *, as_json: bool
    ) -> bool:
        """Print it.

        Args:
            report: What became of every device.
            result: What the run results in; None if it was stopped.
            stopped: Why it was stopped.
            as_json: Whether to print one JSON object.
        """
        ...


def _print_report(report: BatchReport, _: object, __: object, *, as_json: bool) -> bool:
    return print_report(report, as_json=as_json)


def devices_of(file: str, column: str | None) -> Devices:
    """Return the device list in a file, or on standard input for `-`, for a method of the client.

    A run takes a source as it is, which is more than methods promise.
    """
    return cast("Devices", source_of(file, column))


async def drive(
    make_run: MakeRun, file: str, flags: RecordFlags, again: str, show: Printer = _print_report
) -> int:
    """Run over the devices of a file or of standard input; return the exit code.

    Args:
        make_run: Makes the run.
        file: The device list.
        flags: The options of the command.
        again: The words that have the same done to another device list; see `failures.Kept`.
        show: Prints what it came to.

    Raises:
        ConfigurationError: An option or the environment cannot work; nothing was sent.
        SourceError: The device list cannot be opened; nothing was sent.
        JournalError: The journal cannot be used; nothing was sent.
    """
    if flags.report is not None:
        check_report_path(flags.report, file, flags.journal)
    options = record_options(flags)
    progress = ProgressDisplay()
    record = RunRecord(asked=asked(file, flags))
    client = flags.client(fan_out(progress, record), max_rate=flags.max_rate)
    result: Any = None
    stopped: RunStopped | None = None
    async with client, requests_elsewhere(flags, options, client, progress):
        run = make_run(client, devices_of(file, flags.column), options)
        with on_signals(graceful(run.stop, flags.grace)) as received, progress:
            try:
                with advised():
                    result = await run
            except RunStopped as error:
                stopped = error
                fail(stopped_in_words(error))
    report = run.report
    has_report = save_report(report, flags, record)
    written = show(report, result, stopped, as_json=flags.json) and has_report
    if not report.inputs and report.input_complete and stopped is None:
        say("the device list is empty: nothing was sent")
    say_failures(report, flags, again, has_report=has_report)
    code = exit_code(report, received.signal)
    return code if written or code else Exit.ERROR


def say_failures(report: BatchReport, flags: RecordFlags, again: str, *, has_report: bool) -> None:
    """Say which devices did not succeed, by example, and what to do about them.

    Args:
        report: What became of every device.
        flags: The options of the command.
        again: The words that have the same done to another device list; see `failures.Kept`.
        has_report: Whether the file of --report could be written.
    """
    kept = Kept(
        again=with_access(again, flags),
        report=flags.report if has_report else None,
        journal=flags.journal,
    )
    if words := failures_in_words(report, kept):
        say(words)


async def confirm_run(what: str, file: str, flags: DangerRecordFlags) -> None:
    """Ask before a run that cannot be undone; a dry run needs no question.

    Raises:
        ConfigurationError: The answer is no, or nobody can be asked; nothing was sent.
    """
    await confirm(what, yes=flags.yes or flags.dry_run, can_ask=file != "-")


def save_report(report: BatchReport | SyncReport, flags: ReportFlags, record: RunRecord) -> bool:
    """Write the file that was asked for, if one was; return whether it could be written."""
    # The file first: it is what nobody can get again, and standard output may be closed.
    if flags.report is not None:
        try:
            write_report(report, flags.report, record)
        except (OSError, JournalError) as error:
            fail(f"the report could not be written to {flags.report!r}: {error}")
            return False
    return True


def asked(file: str, flags: ReportFlags) -> dict[str, str]:
    """Return what a command was asked for, in words; secrets are no options."""
    words = {
        "device list": "standard input" if file == "-" else file,
        "devices a request, at most": f"{flags.batch_size:,}",
        "requests at once, at most": flags.concurrency and f"{flags.concurrency:,}",
        "requests a second, at most": flags.max_rate and f"{flags.max_rate:g}",
        "failures, at most": flags.max_failures,
        "deadline": flags.deadline and f"{flags.deadline:g} s",
        "settle delay": f"{flags.settle_delay:g} s",
        "timeout of a try": f"{flags.timeout:g} s",
        "worker processes": flags.workers and f"{flags.workers:,}",
        "cluster": flags.cluster,
        "dry run": "yes" if flags.dry_run else None,
    }
    if isinstance(flags, RecordFlags) and flags.journal:
        words |= {"journal": flags.journal, "durability": flags.durability}
    return {what: said for what, said in words.items() if said}
