"""Waiting for an upgrade or a campaign, and watching it: what both groups have in common."""

import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
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
    """Print each change as a line, to the last state; return the exit code.

    Raises:
        FotaError: As the call, with advice.
    """
    as_json = flags.json or not sys.stdout.isatty()
    async with flags.client(tell_pauses) as client, aclosing(call(client)) as changes:
        with advised():
            async for change in changes:
                line = json.dumps(as_plain(change)) if as_json else in_words(change)
                if not print_pieces([line, "\n"]):
                    return Exit.ERROR
    return Exit.DONE


def in_words(change: Change) -> str:
    """Return a change as a line for a person."""
    if isinstance(change, TargetChange):
        return printable(f"{change.target_id} {change.before or 'at first'} -> {change.now}")
    return printable(f"{change.device_id} {_row(change.before)} -> {_row(change.now)}")


def _row(row: Row | None) -> str:
    if row is None:
        return "absent"
    return f"{row.status} ({row.reason})" if row.reason else row.status or "listed"
