"""The commands, and how every error becomes one line and an exit code."""

import os
import signal
import sys
import threading
from collections.abc import Iterable, Sequence

from cyclopts import App, CycloptsError, Group
from cyclopts.argument import ArgumentCollection

from fota_async import __version__
from fota_async.cli.exits import Exit, exit_code_of
from fota_async.cli.output import fail, told
from fota_async.cli.usage import wrong_usage
from fota_async.errors import FotaError

_LAST_BREATH = 0.5
_HELP = """\
Firmware over the air for fleets on Verizon ThingSpace. Not affiliated with Verizon.

`fota demo` shows the main job at work, without an account. `fota append --help`, or `--help` behind
any other command, tells what it does, with examples. `fota completion bash` (or zsh, fish) prints
what lets the TAB key complete commands and options.
"""
_EPILOGUE = """\
What is not given as a flag comes from the environment (THINGSPACE_ACCOUNT, THINGSPACE_TIMEOUT and
so on), else from a file, else it is the default: `fota config show` lists what can be set, and
where each came from. Secrets come from THINGSPACE_KEY, THINGSPACE_SECRET, THINGSPACE_USERNAME and
THINGSPACE_PASSWORD, else from the keyring, else you are asked.

Exit codes: 0 every device succeeded or is pending; 3 some did not, or --max-failures or --deadline
ended the run, or --wait was too short; 1 an error, or the run was stopped; 2 wrong usage, or a sync
that was refused, or a question that nobody answered with yes, and nothing was sent; 130 and 143
interrupted.
"""

_LISTS = Group("Device lists of any length", sort_key=1)
_SCHEDULES = Group("What is scheduled", sort_key=2)
_FLEET = Group("Devices, and what there is for them", sort_key=3)
_ACCOUNT = Group("The account", sort_key=4)
_TRY = Group("Without an account", sort_key=5)
_OPTIONS = Group("Options", sort_key=6)

# A module is imported when its command is called, so that the help of the others stays quick.
COMMANDS = {
    "append": ("devices:append", _LISTS, "Add devices to a scheduled upgrade or campaign."),
    "remove": ("devices:remove", _LISTS, "Take devices off a scheduled upgrade or campaign."),
    "sync": (
        "sync:sync",
        _LISTS,
        "Bring an upgrade or a campaign to a list of devices.",
    ),
    "report": ("report:report", _LISTS, "Print what a journal says of every device."),
    "upgrades": (
        "groups.upgrades:app",
        _SCHEDULES,
        "v1: list, get, schedule, cancel, history, wait-for, watch.",
    ),
    "campaigns": (
        "groups.campaigns:app",
        _SCHEDULES,
        "v2, v3: what upgrades have, and devices, dates, pilot.",
    ),
    "reports": (
        "groups.reports:app",
        _SCHEDULES,
        "Any version: list what is in a state, history of a device.",
    ),
    "devices": ("groups.devices:app", _FLEET, "The devices of the account: list, details."),
    "firmware": ("groups.firmware:app", _FLEET, "v1, v3: list, sync, report."),
    "software": ("groups.software:app", _FLEET, "v2: list."),
    "files": ("groups.files:app", _FLEET, "v2: list, upload."),
    "logging": ("groups.logging:app", _FLEET, "v2: list, enable, disable, logs, history."),
    "licenses": (
        "groups.licenses:app",
        _ACCOUNT,
        "Status, assign, remove, candidates for cancellation.",
    ),
    "subscriptions": ("groups.subscriptions:app", _ACCOUNT, "What the account pays for: get."),
    "callbacks": (
        "groups.callbacks:app",
        _ACCOUNT,
        "List, get, register, ensure, modify, deregister.",
    ),
    "listen": ("listen:listen", _ACCOUNT, "Receive callback messages, and print them."),
    "events": ("events:app", _ACCOUNT, "What a callback receiver keeps: list, replay."),
    "password": ("groups.password:app", _ACCOUNT, "The user's password: reset."),
    "config": (
        "groups.config:app",
        _ACCOUNT,
        "Settings and secrets: show, path, remember, forget.",
    ),
    "doctor": ("doctor:doctor", _ACCOUNT, "Check everything that a command needs."),
    "demo": ("demo:demo", _TRY, "Enrol 100,000 devices into a simulated upgrade, under trouble."),
    "simulate": ("simulate:simulate", _TRY, "Serve the simulated API on this machine."),
    "completion": (
        "completion:completion",
        _TRY,
        "Let the shell complete commands: bash, zsh, fish.",
    ),
}
"""By name: where a command is, among which others the help shows it, and with which words."""


def make_app(called: str | None = None) -> App:
    """Return the command line.

    Args:
        called: The command that is about to be called: its own help is then the one in its module.
    """
    app = App(
        name="fota",
        help=_HELP,
        help_epilogue=_EPILOGUE,
        version=__version__,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
        config=_fill_in_settings,
    )
    for flag in ("--help", "--version"):
        app[flag].group = _OPTIONS
    for name, (place, group, words) in COMMANDS.items():
        help_ = None if name == called else words
        app.command(f"fota_async.cli.{place}", name=name, group=group, help=help_)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code, or end the process where that would not end it."""
    before = {*threading.enumerate()}  # whoever calls this in a process of its own has threads
    code = execute(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        reads_on = _somebody_reads_on({*threading.enumerate()} - before)
    except KeyboardInterrupt:  # an impatient second one; all is written
        reads_on = True
    if reads_on:
        os._exit(code)
    return code


def execute(arguments: Sequence[str]) -> int:
    """Run a command; return its exit code."""
    called = next((one for one in arguments if not one.startswith("-")), None)
    try:
        result = make_app(called)(arguments)
    except CycloptsError as error:
        command = " ".join(("fota", *(error.command_chain or ())))
        fail(f"{wrong_usage(error)}; `{command} --help` tells more")
        return Exit.USAGE
    except FotaError as error:
        fail(told(error))
        return exit_code_of(error)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return result if isinstance(result, int) else Exit.DONE


def _fill_in_settings(_: App, __: tuple[str, ...], arguments: ArgumentCollection) -> None:
    if arguments.get("--base-url", None) is not None:  # the command calls the API
        from fota_async.cli.settings import fill_in  # noqa: PLC0415 - the help needs none of it

        fill_in(arguments)


def _somebody_reads_on(threads: Iterable[threading.Thread]) -> bool:
    """Whether one of them still waits for standard input, so that the process would not end."""
    lasting = [thread for thread in threads if not thread.daemon]
    for thread in lasting:
        thread.join(_LAST_BREATH)
    return any(thread.is_alive() for thread in lasting)
