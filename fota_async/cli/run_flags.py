"""The options that all commands with a device list share, and what they become."""

import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from fota_async.batch.settings import RunOptions
from fota_async.batch.text_source import TextSource, open_file, text_of
from fota_async.cli.access import OUTPUT, AccessFlags
from fota_async.cli.arguments import Flat
from fota_async.errors import ConfigurationError

_WHOLE = Number(gte=1)
_SECONDS = Number(gt=0)
_RUN = Group("How the run behaves", sort_key=1)
_JOURNAL = Group("Going on after a crash", sort_key=2)
_BEYOND = Group(
    "Beyond this process",
    help="Who makes the requests; limit, journal and report stay here. Where the account's rate is "
    "the limit, it makes nothing faster. Workers get devices, batch by batch, and tokens, never "
    "key, secret, user name or password. Needs `pip install 'fota_async[distributed]'`.",
    sort_key=2.5,
)


@attrs.frozen(kw_only=True)
class RunFlags(AccessFlags):
    """The options of every command that carries a device list."""

    column: Annotated[
        str | None, Parameter(help="Header of the device ids, if the CSV calls them otherwise.")
    ] = None
    batch_size: Annotated[
        int,
        Parameter(
            group=_RUN, validator=_WHOLE, help="Devices in a request; the vendor states no limit."
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
            help="So many seconds after the start no batch is sent any more.",
        ),
    ] = None
    settle_delay: Annotated[
        float,
        Parameter(
            group=_RUN,
            validator=Number(gte=0),
            help="Seconds that readings may lag and lost requests may land late; "
            "what became of a lost request is settled no sooner.",
        ),
    ] = 5.0
    grace: Annotated[
        float,
        Parameter(
            group=_RUN,
            validator=Number(gte=0),
            help="Seconds that an interrupted run waits at most for answers and for one reading "
            "of the target; the rest of a file is then read to be listed as unsent.",
        ),
    ] = 10.0
    workers: Annotated[
        int | None,
        Parameter(
            group=_BEYOND,
            validator=_WHOLE,
            help="So many processes on this machine make the requests, and end with the command.",
        ),
    ] = None
    cluster: Annotated[
        str | None,
        Parameter(
            group=_BEYOND,
            help="The workers of a Dask cluster make the requests: tls://HOST:PORT of its "
            "scheduler, or tcp:// on this machine. They need the same fota_async as this machine.",
        ),
    ] = None
    cluster_ca: Annotated[
        str | None,
        Parameter(
            group=_BEYOND, help="File with the authority that the cluster's certificates are of."
        ),
    ] = None
    cluster_cert: Annotated[
        str | None,
        Parameter(group=_BEYOND, help="File with the certificate to show to the cluster."),
    ] = None
    cluster_key: Annotated[
        str | None, Parameter(group=_BEYOND, help="File with the key of that certificate.")
    ] = None
    dry_run: Annotated[
        bool,
        Parameter(
            negative=(),
            group=OUTPUT,
            show_default=False,
            help="Send nothing; say what would be sent.",
        ),
    ] = False
    json: Annotated[
        bool,
        Parameter(
            negative=(),
            group=OUTPUT,
            show_default=False,
            help="Print the report as one JSON object; messages go to standard error.",
        ),
    ] = False


@attrs.frozen(kw_only=True)
class ReportFlags(RunFlags):
    """Those options, and where the report is kept."""

    report: Annotated[
        str | None,
        Parameter(
            group=OUTPUT,
            help="File to write, a row for each device, as its ending says: .csv (valid input of "
            "another run), .json, .ndjson, .xlsx, or .html, a page to show to others.",
        ),
    ] = None


@attrs.frozen(kw_only=True)
class RecordFlags(ReportFlags):
    """Those options, and where the run is kept."""

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


@attrs.frozen(kw_only=True)
class DangerRecordFlags(RecordFlags):
    """Those options, for a run that cannot be undone."""

    yes: Annotated[
        bool, Parameter(negative=(), group=OUTPUT, show_default=False, help="Do not ask.")
    ] = False


RECORD, DANGER_RECORD = RecordFlags(), DangerRecordFlags()
Record = Annotated[RecordFlags, Flat]
DangerRecord = Annotated[DangerRecordFlags, Flat]


def run_options(flags: RunFlags) -> RunOptions:
    """Return the options of a run.

    Raises:
        ConfigurationError: One of them cannot work.
    """
    return RunOptions(
        batch_size=flags.batch_size,
        concurrency=flags.concurrency,
        max_failures=_max_failures(flags.max_failures),
        deadline=flags.deadline,
        settle_delay=flags.settle_delay,
        grace=flags.grace,
        dry_run=flags.dry_run,
    )


def record_options(flags: RecordFlags) -> RunOptions:
    """Return the options of a run that may keep a journal.

    Raises:
        ConfigurationError: One of them cannot work.
    """
    options = run_options(flags)
    options["journal"], options["durability"] = flags.journal, flags.durability
    return options


def source_of(file: str, column: str | None) -> TextSource:
    """Return the device list in a file, or on standard input for `-`."""
    if file != "-":
        return TextSource(lambda: open_file(Path(file)), column, drains=True)
    return TextSource(lambda: text_of(sys.stdin.buffer), column, drains=False)


def _max_failures(text: str | None) -> int | float | None:
    if text is None:
        return None
    number = re.fullmatch(r"(\d+(?:\.\d+)?)%|(\d+)", text.strip())
    if number is None or float(number[1] or 0) >= 100:
        raise ConfigurationError(
            f"--max-failures is a number such as 100 or a share below 100% such as 5%, not {text!r}"
        )
    return int(number[2]) if number[2] else float(number[1]) / 100
