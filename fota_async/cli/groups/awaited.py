"""Waiting for an upgrade or a campaign, and watching it: what both groups have in common."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Annotated, TypeAlias

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.api.watching import DeviceChange, TargetChange
from fota_async.batch.reading import Row
from fota_async.cli.advice import advised
from fota_async.cli.arguments import Flat
from fota_async.cli.calls import CallFlags, show, tell_pauses
from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces
from fota_async.cli.plain import as_plain
from fota_async.client import FotaClient
from fota_async.printable import printable

Change: TypeAlias = TargetChange | DeviceChange

_FEW = 10
_EXAMPLES = 3


@attrs.frozen(kw_only=True)
class WaitFlags(CallFlags):
    """The options of a command that waits for a state."""

    wait: Annotated[
        float | None,
        Parameter(validator=Number(gte=0), help="Seconds to wait at most; else for ever."),
    ] = None


@attrs.frozen(kw_only=True)
class WatchFlags(CallFlags):
    """The options of a command that watches."""

    interval: Annotated[
        float,
        Parameter(validator=Number(gt=0), help="Seconds between readings; each reads all devices."),
    ] = 60.0


@attrs.frozen
class Reached:
    """The state that was waited for, or one behind it."""

    status: str


WAIT, WATCH = WaitFlags(), WatchFlags()
Wait = Annotated[WaitFlags, Flat]
Watch = Annotated[WatchFlags, Flat]


async def show_reached(call: Callable[[FotaClient], Awaitable[str]], flags: WaitFlags) -> int:
    """Wait, and print the state that was reached; return the exit code.

    Raises:
        FotaError: As the call, with advice.
    """

    async def reached(client: FotaClient) -> Reached:
        return Reached(str(await call(client)))

    return await show(reached, flags)


async def show_changes(
    call: Callable[[FotaClient], AsyncGenerator[Change]], flags: WatchFlags
) -> int:
    """Print changes, to the last state; return the exit code.

    Each is a line of JSON; on a terminal, devices that changed alike in a reading share one.

    Raises:
        FotaError: As the call, with advice.
    """
    as_json = flags.json or not sys.stdout.isatty()
    shown = Shown()
    async with flags.client(tell_pauses) as client, aclosing(call(client)) as changes:
        with advised():
            async for change in changes:
                if not as_json:
                    shown.add(change)
                elif not print_pieces([json.dumps(as_plain(change)), "\n"]):
                    return Exit.ERROR
    return Exit.DONE if shown.flush() else Exit.ERROR


class Shown:
    """Prints the changes of a reading together: a fleet has more than anybody reads one by one."""

    def __init__(self) -> None:
        self._together: list[Change] = []
        self._written = True

    def add(self, change: Change) -> None:
        """Take a change; what came with it is printed as soon as the next reading is waited for."""
        if not self._together:
            asyncio.get_running_loop().call_soon(self.flush)
        self._together.append(change)

    def flush(self) -> bool:
        """Print what came; return whether all could be written so far."""
        if self._together:
            lines = in_words(self._together)
            self._together = []
            self._written = print_pieces(f"{line}\n" for line in lines) and self._written
        return self._written


def in_words(changes: Sequence[Change]) -> list[str]:
    """Return the changes of one reading as lines for a person."""
    lines: list[str] = []
    alike: dict[str, list[str]] = {}
    first = False
    for change in changes:
        if isinstance(change, TargetChange):
            first = change.before is None
            lines.append(f"{change.target_id} {change.before or 'at first'} -> {change.now}")
        else:
            before = "at first" if first else _row(change.before)
            alike.setdefault(f"{before} -> {_row(change.now)}", []).append(change.device_id)
    for what, devices in alike.items():
        if len(devices) <= _FEW:
            lines += [f"{device} {what}" for device in sorted(devices)]
        else:
            examples = ", ".join(sorted(devices)[:_EXAMPLES])
            lines.append(f"{len(devices):,} devices {what}: {examples}, ...")
    return [printable(line) for line in lines]


def _row(row: Row | None) -> str:
    if row is None:
        return "absent"
    return f"{row.status} ({row.reason})" if row.reason else row.status or "listed"
