"""One call of the API, from its options to what is printed and the exit code."""

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal, overload

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from fota_async.api.pages import Pages
from fota_async.cli.access import OUTPUT, AccessFlags
from fota_async.cli.advice import advised
from fota_async.cli.arguments import Flat
from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces, say
from fota_async.cli.plain import as_plain
from fota_async.cli.standing import waiting_in_words
from fota_async.cli.tables import answer_table, list_table
from fota_async.client import FotaClient, VersionOne, VersionThree, VersionTwo
from fota_async.events import Event, PauseEvent, WorkersEvent

_WORTH_TELLING = 2.0
JSON_HELP = (
    "JSON on a terminal, too: one object, or one line for each item of a list. Where standard "
    "output is no terminal, it is JSON anyway."
)


@attrs.frozen(kw_only=True)
class CallFlags(AccessFlags):
    """The options of a command that makes one call."""

    json: Annotated[
        bool,
        Parameter(
            negative=(),
            group=OUTPUT,
            show_default=False,
            help=JSON_HELP,
        ),
    ] = False


@attrs.frozen(kw_only=True)
class ListFlags(CallFlags):
    """The options of a command that lists."""

    limit: Annotated[
        int | None,
        Parameter(group=OUTPUT, validator=Number(gte=1), help="The most items to list; else all."),
    ] = None


@attrs.frozen(kw_only=True)
class DangerFlags(CallFlags):
    """The options of a command whose work cannot be undone."""

    yes: Annotated[
        bool, Parameter(negative=(), group=OUTPUT, show_default=False, help="Do not ask.")
    ] = False


CALL, LIST, DANGER = CallFlags(), ListFlags(), DangerFlags()
Call = Annotated[CallFlags, Flat]
List = Annotated[ListFlags, Flat]
Danger = Annotated[DangerFlags, Flat]


async def show(
    call: Callable[[FotaClient], Awaitable[Any]],
    flags: CallFlags,
    *,
    nothing: str = "done",
    if_lost: str = "",
) -> int:
    """Make a call and print its answer; return the exit code.

    Args:
        call: Makes the call.
        flags: The options of the command.
        nothing: What to say on standard error when the answer holds nothing.
        if_lost: What to do when nobody knows whether the call did its work.

    Raises:
        FotaError: As the call, with advice.
    """
    async with flags.client(tell_pauses) as client:
        with advised(if_lost):
            answer = await call(client)
    if answer is None:
        say(nothing)
        return Exit.DONE
    text = as_line(answer) if _as_json(flags) else answer_table(answer)
    return Exit.DONE if print_pieces([text]) else Exit.ERROR


async def show_list(
    call: Callable[[FotaClient], Pages[Any] | Awaitable[Sequence[Any]]], flags: ListFlags
) -> int:
    """Make the calls of a list and print it page by page as it comes; return the exit code.

    Raises:
        FotaError: As the call, with advice.
    """
    left = sys.maxsize if flags.limit is None else flags.limit
    async with flags.client(tell_pauses) as client:
        with advised():
            async for items in _parts(call(client)):
                shown = items[:left]
                left -= len(shown)
                if shown and not print_pieces(_pieces(shown, flags)):
                    return Exit.ERROR
                if not left:
                    break
    return Exit.DONE


async def _parts(found: Pages[Any] | Awaitable[Sequence[Any]]) -> AsyncIterator[Sequence[Any]]:
    if isinstance(found, Pages):
        async for page in found.pages():
            yield page.items
    else:
        yield await found


def _pieces(items: Sequence[Any], flags: CallFlags) -> Sequence[str]:
    return [as_line(item) for item in items] if _as_json(flags) else [list_table(items)]


def as_line(answer: Any) -> str:
    """Return an answer, or an item of a list, as a line of JSON."""
    # A list of device ids has objects, too: every line of every list is one.
    plain = {"device_id": answer} if isinstance(answer, str) else as_plain(answer)
    return f"{json.dumps(plain)}\n"


def _as_json(flags: CallFlags) -> bool:
    return flags.json or not sys.stdout.isatty()


def tell_pauses(event: Event) -> None:
    """Say when nothing happens for a while, and why."""
    if isinstance(event, PauseEvent) and event.seconds >= _WORTH_TELLING:
        say(f"fota: the API asks to wait {event.seconds:.0f} s")
    elif isinstance(event, WorkersEvent) and not event.workers:
        say(f"fota: {waiting_in_words(event)}")


@overload
def version(client: FotaClient, api: Literal["v1"]) -> VersionOne: ...
@overload
def version(client: FotaClient, api: Literal["v2"]) -> VersionTwo: ...
@overload
def version(client: FotaClient, api: Literal["v3"]) -> VersionThree: ...
def version(
    client: FotaClient, api: Literal["v1", "v2", "v3"]
) -> VersionOne | VersionTwo | VersionThree:
    """Return the client's face of a version of the API."""
    versions: dict[str, VersionOne | VersionTwo | VersionThree] = {
        "v1": client.v1,
        "v2": client.v2,
        "v3": client.v3,
    }
    return versions[api]
