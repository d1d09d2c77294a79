"""`fota append` and `fota remove`: one operation over one device list."""

import io
import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from fota_async.api.upgrades import modify_upgrade
from fota_async.batch.batcher import DeviceBatcher
from fota_async.batch.errors import RunStopped
from fota_async.batch.report import BatchReport
from fota_async.batch.text_source import TextSource, open_file
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.output import check_report_path, fail, print_report
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.signals import on_signals
from fota_async.client import FotaClient
from fota_async.errors import ConfigurationError, JournalError
from fota_async.options import SessionOptions

_WHOLE = Number(gte=1)
_SECONDS = Number(gt=0)
_RUN = Group("How the run behaves", sort_key=1)
_JOURNAL = Group("Going on after a crash", sort_key=2)
_ACCESS = Group("Access", sort_key=3)
_OUTPUT = Group("Output", sort_key=4)


@attrs.frozen(kw_only=True)
class Options:
    """The options of a command that carries a device list."""

    upgrade: Annotated[str, Parameter(help="Id of the upgrade, from when it was scheduled.")]
    column: Annotated[
        str | None, Parameter(help="Header of the device ids, if the CSV calls them otherwise.")
    ] = None
    batch_size: Annotated[
        int,
        Parameter(
            group=_RUN, validator=_WHOLE, help="Devices a request; the vendor states no limit."
        ),
    ] = 1000
    concurrency: Annotated[
        int | None,
        Parameter(
            group=_RUN,
            validator=_WHOLE,
            help="The most requests in flight at once; else as many as the answers allow.",
        ),
    ] = None
    max_rate: Annotated[
        float | None,
        Parameter(
            group=_RUN,
            validator=_SECONDS,
            help="The most requests a second; else as many as the answers allow.",
        ),
    ] = None
    timeout: Annotated[
        float,
        Parameter(group=_RUN, validator=_SECONDS, help="Seconds a try waits for an answer."),
    ] = 30.0
    max_failures: Annotated[
        str | None,
        Parameter(
            group=_RUN,
            help="Stop when more devices failed: a number, or a share such as 5% that counts "
            "after the first 1,000 devices.",
        ),
    ] = None
    deadline: Annotated[
        float | None,
        Parameter(
            group=_RUN,
            validator=_SECONDS,
            help="Seconds from the start after which no batch starts.",
        ),
    ] = None
    settle_delay: Annotated[
        float,
        Parameter(
            group=_RUN,
            validator=Number(gte=0),
            help="Seconds that readings of the upgrade may lag and lost requests may land late; "
            "what became of a lost request is settled no sooner.",
        ),
    ] = 5.0
    grace: Annotated[
        float,
        Parameter(
            group=_RUN,
            validator=Number(gte=0),
            help="Seconds that an interrupted run waits at most for answers and for one reading of "
            "the upgrade; the rest of a file is then read to be listed as unsent.",
        ),
    ] = 10.0
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
    account: Annotated[
        str | None,
        Parameter(group=_ACCESS, help="Billing account; else THINGSPACE_ACCOUNT."),
    ] = None
    base_url: Annotated[
        str | None,
        Parameter(
            group=_ACCESS,
            help="Scheme, host and port of the API; else THINGSPACE_BASE_URL, else Verizon's.",
        ),
    ] = None
    report: Annotated[
        str | None,
        Parameter(
            group=_OUTPUT,
            help="CSV file to write, a row a device; it is valid input of another run.",
        ),
    ] = None
    json: Annotated[
        bool,
        Parameter(negative=(), group=_OUTPUT, help="Print one JSON object and nothing else."),
    ] = False


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
    session: SessionOptions = {"timeout": options.timeout, "on_event": progress}
    session["max_rate"] = options.max_rate
    if options.base_url is not None:
        session["base_url"] = options.base_url
    client = FotaClient.from_env(account=options.account, **session)
    operation = modify_upgrade(name, client.account, options.upgrade)
    batcher = DeviceBatcher(
        client.session,
        operation,
        batch_size=options.batch_size,
        concurrency=options.concurrency,
        max_failures=_max_failures(options.max_failures),
        deadline=options.deadline,
        settle_delay=options.settle_delay,
        grace=options.grace,
        journal=options.journal,
        durability=options.durability,
    )
    source = _source(file, options.column)
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


def _source(file: str, column: str | None) -> TextSource:
    if file != "-":
        return TextSource(lambda: open_file(Path(file)), column, drains=True)
    return TextSource(
        lambda: io.TextIOWrapper(
            sys.stdin.buffer, encoding="utf-8-sig", errors="backslashreplace", newline=""
        ),
        column,
        drains=False,
    )


def _max_failures(text: str | None) -> int | float | None:
    if text is None:
        return None
    number = re.fullmatch(r"(\d+(?:\.\d+)?)%|(\d+)", text.strip())
    if number is None or float(number[1] or 0) >= 100:
        raise ConfigurationError(
            f"--max-failures is a number such as 100 or a share below 100% such as 5%, not {text!r}"
        )
    return int(number[2]) if number[2] else float(number[1]) / 100


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
