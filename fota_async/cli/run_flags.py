"""The options that all commands with a device list share, and what they become."""

import io
import re
import sys
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number

from fota_async.batch.settings import RunOptions
from fota_async.batch.text_source import TextSource, open_file
from fota_async.client import FotaClient
from fota_async.errors import ConfigurationError
from fota_async.events import EventHook
from fota_async.options import SessionOptions

_WHOLE = Number(gte=1)
_SECONDS = Number(gt=0)
_RUN = Group("How the run behaves", sort_key=1)
_ACCESS = Group("Access", sort_key=3)
OUTPUT = Group("Output", sort_key=4)


@attrs.frozen(kw_only=True)
class RunFlags:
    """The options of every command that carries a device list."""

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
    dry_run: Annotated[
        bool,
        Parameter(negative=(), group=OUTPUT, help="Send nothing; say what would be sent."),
    ] = False
    json: Annotated[
        bool,
        Parameter(negative=(), group=OUTPUT, help="Print one JSON object and nothing else."),
    ] = False


def client_for(flags: RunFlags, hook: EventHook) -> FotaClient:
    """Return a client, with secrets from the environment.

    Raises:
        ConfigurationError: An option or the environment cannot work.
    """
    session: SessionOptions = {
        "timeout": flags.timeout,
        "max_rate": flags.max_rate,
        "on_event": hook,
    }
    if flags.base_url is not None:
        session["base_url"] = flags.base_url
    return FotaClient.from_env(account=flags.account, **session)


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


def source_of(file: str, column: str | None) -> TextSource:
    """Return the device list in a file, or on standard input for `-`."""
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
