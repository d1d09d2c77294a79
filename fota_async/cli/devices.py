"""`fota append` and `fota remove`: one operation over one device list."""

from typing import Annotated, Literal

import attrs
from cyclopts import Group, Parameter

from fota_async.api.upgrades import modify_upgrade
from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.errors import RunStopped
from fota_async.batch.report import BatchReport
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.output import check_report_path, fail, print_report
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.run_flags import OUTPUT, RunFlags, client_for, run_options, source_of
from fota_async.cli.signals import on_signals
from fota_async.errors import JournalError

_JOURNAL = Group("Going on after a crash", sort_key=2)


@attrs.frozen(kw_only=True)
class Options(RunFlags):
    """The options of `fota append` and `fota remove`."""

    journal: Annotated[
        str | None,
        Parameter(
            group=_JOURNAL,
            help="File that records the run. The same command with the same file goes on after a "
            "crash or a stop: what is decided is not sent again, what is in doubt is settled.",
        ),
    ] = None
    durability: Annotated[
        Literal["process", "full"],
        Parameter(
            group=_JOURNAL,
            help="What the journal survives: the death of this process, or of the machine too, "
            "which is slower.",
        ),
    ] = "process"
    report: Annotated[
        str | None,
        Parameter(
            group=OUTPUT,
            help="CSV file to write, a row a device; it is valid input of another run.",
        ),
    ] = None


async def run_devices(name: Literal["append", "remove"], file: str, options: Options) -> int:
    """Run one operation over one device list; return the exit code.

    Raises:
        ConfigurationError: An option or the environment cannot work; nothing was sent.
        SourceError: The device list cannot be opened; nothing was sent.
        JournalError: The journal cannot be used; nothing was sent.
    """
    if options.report is not None:
        check_report_path(options.report, file, options.journal)
    progress = ProgressDisplay()
    client = client_for(options, progress)
    operation = modify_upgrade(name, client.account, options.upgrade)
    run_with = run_options(options)
    run_with["journal"], run_with["durability"] = options.journal, options.durability
    batcher = DeviceBatcher(client.session, operation, **run_with)
    source = source_of(file, options.column)
    await source.open()
    async with client:
        run = batcher.run(source)
        with on_signals(run.stop) as received, progress:
            try:
                report = await run
            except RunStopped as stopped:
                report = stopped.report
                message = str(stopped)
            else:
                message = ""
    if message:
        fail(message)
    return _finish(report, options, exit_code(report, received.signal))


def _finish(report: BatchReport, options: Options, code: int) -> int:
    # The file first: it is what nobody can get again, and standard output may be closed.
    written = True
    if options.report is not None:
        try:
            report.to_csv(options.report)
        except (OSError, JournalError) as error:
            fail(f"the report could not be written to {options.report!r}: {error}")
            written = False
    written = print_report(report, as_json=options.json) and written
    return code if written or code else Exit.ERROR
