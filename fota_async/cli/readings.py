"""One run that reads, over one device list: what it reads is printed as the answers come in."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated, Any

import attrs
from cyclopts import Parameter

from fota_async.batch.errors import RunStopped
from fota_async.batch.run import Run
from fota_async.batch.states import DeviceOutcome
from fota_async.cli.access import OUTPUT
from fota_async.cli.advice import stopped_in_words
from fota_async.cli.calls import JSON_HELP, as_line, tell_pauses
from fota_async.cli.cluster import requests_elsewhere
from fota_async.cli.exits import Exit, exit_code
from fota_async.cli.output import fail, print_pieces, say
from fota_async.cli.progress import ProgressDisplay
from fota_async.cli.run_flags import RunFlags, run_options
from fota_async.cli.runs import MakeRun, devices_of
from fota_async.cli.signals import graceful, on_signals
from fota_async.cli.tables import list_table

_ROWS_AT_ONCE = 100


@attrs.frozen(kw_only=True)
class ReadFlags(RunFlags):
    """The options of a command that reads something of each device of a list."""

    json: Annotated[
        bool, Parameter(negative=(), group=OUTPUT, show_default=False, help=JSON_HELP)
    ] = False


READ = ReadFlags()


async def read_devices(make_run: MakeRun, file: str, flags: ReadFlags) -> int:
    """Run over the devices of a file or of standard input; return the exit code.

    Prints a line of JSON for each device, or on a terminal tables; the report goes to standard
    error.

    Raises:
        ConfigurationError: An option or the environment cannot work; nothing was sent.
        SourceError: The device list cannot be opened; nothing was sent.
    """
    as_json = flags.json or not sys.stdout.isatty()
    # A bar and tables on one terminal would write over each other.
    progress = ProgressDisplay() if as_json else None
    tell = progress or tell_pauses
    client = flags.client(tell, max_rate=flags.max_rate)
    options = run_options(flags)
    options["keep"] = "none"  # what was printed need not be held
    async with client, requests_elsewhere(flags, options, client, tell):
        run = make_run(client, devices_of(file, flags.column), options)
        with on_signals(graceful(run.stop, flags.grace)) as received, progress or nullcontext():
            async with run:
                written = await _print(run, as_json=as_json)
    say(str(run.report))
    code = exit_code(run.report, received.signal)
    return code if written or code else Exit.ERROR


async def _print(run: Run[Any], *, as_json: bool) -> bool:
    """Print the outcomes as they come; return whether standard output took them."""
    most = 1 if as_json else _ROWS_AT_ONCE
    waiting: list[DeviceOutcome] = []
    try:
        async for outcome in run:
            waiting.append(outcome)
            if len(waiting) == most:
                if not print_pieces(_pieces(waiting, as_json=as_json)):
                    return False
                waiting = []
    except RunStopped as stopped:
        fail(stopped_in_words(stopped))
    return print_pieces(_pieces(waiting, as_json=as_json))


def _pieces(outcomes: Sequence[DeviceOutcome], *, as_json: bool) -> list[str]:
    if as_json:
        return [as_line(one) for one in outcomes]
    details = [one.detail for one in outcomes if one.detail is not None]
    rest = [one for one in outcomes if one.detail is None]
    return [list_table(items) for items in (details, rest) if items]
