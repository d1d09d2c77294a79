"""`fota events`: what the store of a receiver holds."""

import json
from typing import Annotated, Literal

import attrs
from cyclopts import App, Parameter

from fota_async.callbacks import read_store, replay
from fota_async.cli.arguments import Flat
from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces, say

app = App(
    name="events",
    help="""Look into the store of `fota listen` or of a service.

    Example: fota events list events.db
    """,
)
Store = Annotated[
    str,
    Parameter(
        allow_leading_hyphen=True,
        help="The file that `fota listen`, or a service, was given as its store.",
    ),
]


@attrs.frozen(kw_only=True)
class ListEventsOptions:
    """The options of `fota events list`."""

    state: Annotated[
        Literal["waiting", "handled", "dead"] | None, Parameter(help="Only those in this state.")
    ] = None


_ALL = ListEventsOptions()


@app.command(name="list")
def list_(store: Store, /, *, options: Annotated[ListEventsOptions, Flat] = _ALL) -> int:
    """Print the messages of a store, the oldest first, each as a line of JSON.

    One is waiting until it was handled, and dead when handling it failed too often.

    Example: fota events list --state dead events.db
    """
    lines = (json.dumps(one.to_dict()) + "\n" for one in read_store(store, options.state))
    return Exit.DONE if print_pieces(lines) else Exit.ERROR


@app.command(name="replay")
def replay_(
    store: Store,
    /,
    *ids: Annotated[int, Parameter(help="Numbers of messages; all that are dead if not given.")],
) -> int:
    """Have messages handled again, be they dead or handled; possible while somebody listens.

    Example: fota events replay events.db 17 18
    """
    replayed = replay(store, ids or None)
    say(f"fota: {replayed} to be handled again")
    return Exit.DONE if replayed == len(ids) or not ids else Exit.INCOMPLETE
