"""The commands, and how every error becomes one line and an exit code."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter

from fota_async import __version__
from fota_async.batch.errors import SyncRefused
from fota_async.cli.demo import DemoOptions, run_demo
from fota_async.cli.devices import Options, run_devices
from fota_async.cli.events import ListEventsOptions, list_events, replay_events
from fota_async.cli.exits import Exit
from fota_async.cli.listen import ListenOptions, run_listen
from fota_async.cli.output import fail
from fota_async.cli.report import ReportOptions, show_report
from fota_async.cli.simulate import SimulateOptions, run_simulate
from fota_async.cli.sync import SyncOptions, run_sync
from fota_async.errors import ConfigurationError, FotaError, JournalError, SourceError, StoreError

_LAST_BREATH = 0.5
_EPILOGUE = """\
Credentials and address come from the environment: THINGSPACE_KEY, THINGSPACE_SECRET,
THINGSPACE_USERNAME, THINGSPACE_PASSWORD, THINGSPACE_ACCOUNT, THINGSPACE_BASE_URL.

Exit codes: 0 every device succeeded or is pending; 3 some did not, or --max-failures or --deadline
ended the run; 1 an error, or the run was stopped; 2 wrong usage, or a sync that was refused, and
nothing was sent; 130 and 143 interrupted.
"""

app = App(
    name="fota",
    help="Firmware over the air for fleets on Verizon ThingSpace. Not affiliated with Verizon.",
    help_epilogue=_EPILOGUE,
    version=__version__,
    result_action="return_value",
    exit_on_error=False,
)

File = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        help="One IMEI a line, or a CSV with a column `imei`, `device_id` or `deviceid`; "
        "`-` reads standard input.",
    ),
]
Flat = Parameter(name="*")


@app.command
def append(file: File, /, *, options: Annotated[Options, Flat]) -> int:
    """Add devices to a scheduled upgrade; possible until it starts.

    Example: fota append --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf --report out.csv fleet.csv
    """
    return _execute(run_devices("append", file, options))


@app.command
def remove(file: File, /, *, options: Annotated[Options, Flat]) -> int:
    """Take devices off a scheduled upgrade; possible until it starts.

    Example: fota remove --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf fleet.csv
    """
    return _execute(run_devices("remove", file, options))


@app.command
def sync(file: File, /, *, options: Annotated[SyncOptions, Flat]) -> int:
    """Bring a scheduled upgrade to a list of devices: append what is missing, remove the rest.

    Shows the plan and asks before anything is sent. Appends first, and removes only when the
    upgrade shows what was appended. Started again after a stop it does what is left.

    Example: fota sync --upgrade 60b5d639-ccdc-4db8-8824-069bd94c95bf --max-removals 100 fleet.csv
    """
    return _execute(run_sync(file, options))


@app.command
def report(
    journal: Annotated[str, Parameter(allow_leading_hyphen=True, help="A file of --journal.")],
    /,
    *,
    options: Annotated[ReportOptions | None, Flat] = None,
) -> int:
    """Print what a journal says of every device, as CSV; possible while the run goes on.

    The output is valid input of another run: what failed is sent again, or a run undone, by

    fota report enrol.db --state failed | fota append --upgrade ... -

    fota report enrol.db --state succeeded | fota remove --upgrade ... -
    """
    return _guarded(lambda: show_report(journal, options or ReportOptions()))


@app.command
def demo(*, options: Annotated[DemoOptions | None, Flat] = None) -> int:
    """Enrol 100,000 devices into a simulated upgrade, under trouble, and check the report.

    Starts the simulator in this process; nothing leaves this machine.
    """
    return _execute(run_demo(options or DemoOptions()))


@app.command
def simulate(*, options: Annotated[SimulateOptions | None, Flat] = None) -> int:
    """Serve the simulated API on this machine until interrupted.

    Prints one JSON line when it listens: base_url, account, upgrade_id, key, secret, username,
    password. GET /__stats tells what it has seen.

    Example: fota simulate --port 8080 --fault drop_after=0.05 --rule rate=50
    """
    return _execute(run_simulate(options or SimulateOptions()))


@app.command
def listen(*, options: Annotated[ListenOptions, Flat]) -> int:
    """Receive callback messages until interrupted, and print each as a line of JSON.

    A message is in the store before it is acknowledged, and handled when its line is written: after
    a crash its line comes again. THINGSPACE_CALLBACK_USERNAME and THINGSPACE_CALLBACK_PASSWORD are
    what a v1 listener was registered with.

    Example: fota listen --store events.db --host 0.0.0.0 --cert fullchain.pem --key privkey.pem
    """
    return _execute(run_listen(options))


events = App(name="events", help="Look into the store of `fota listen` or of a service.")
app.command(events)
Store = Annotated[str, Parameter(allow_leading_hyphen=True, help="A file of --store.")]


@events.command(name="list")
def _list(store: Store, /, *, options: Annotated[ListEventsOptions | None, Flat] = None) -> int:
    """Print the messages of a store, the oldest first, each as a line of JSON."""
    return _guarded(lambda: list_events(store, options or ListEventsOptions()))


@events.command(name="replay")
def _replay(
    store: Store,
    /,
    *ids: Annotated[int, Parameter(help="Numbers of messages; all that are dead if not given.")],
) -> int:
    """Have messages handled again, be they dead or handled; possible while somebody listens."""
    return _guarded(lambda: replay_events(store, ids))


def run(arguments: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    try:
        result = app(arguments)
    except CycloptsError:
        return Exit.USAGE
    code = result if isinstance(result, int) else Exit.DONE
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        reads_on = _somebody_reads_on()
    except KeyboardInterrupt:  # an impatient second one; all is written
        reads_on = True
    if reads_on:
        os._exit(code)
    return code


def _somebody_reads_on() -> bool:
    """Whether a thread still waits for standard input, which would keep the process from ending."""
    others = [t for t in threading.enumerate() if t is not threading.current_thread()]
    for thread in others:
        thread.join(_LAST_BREATH)
    return any(thread.is_alive() and not thread.daemon for thread in others)


def _execute(command: Coroutine[Any, Any, int]) -> int:
    return _guarded(lambda: asyncio.run(command))


def _guarded(command: Callable[[], int]) -> int:
    try:
        return command()
    except (ConfigurationError, JournalError, SourceError, StoreError, SyncRefused) as error:
        fail(str(error))
        return Exit.USAGE
    except FotaError as error:
        fail(str(error))
        return Exit.ERROR
    except KeyboardInterrupt:
        return 130
