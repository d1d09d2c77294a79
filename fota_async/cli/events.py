"""`fota events`: what the store of a receiver holds."""

import json
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter

from fota_async.callbacks import read_store, replay
from fota_async.cli.exits import Exit
from fota_async.cli.output import print_pieces, say


@attrs.frozen(kw_only=True)
class ListEventsOptions:
    """The options of `fota events list`."""

    state: Annotated[
        Literal["waiting", "handled", "dead"] | None, Parameter(help="Only those in this state.")
    ] = None


def list_events(store: str, options: ListEventsOptions) -> int:
    """Print the messages of a store, a line of JSON each; return the exit code.

    Raises:
        StoreError: The store cannot be used.
    """
    lines = (json.dumps(one.to_dict()) + "\n" for one in read_store(store, options.state))
    return Exit.DONE if print_pieces(lines) else Exit.ERROR


def replay_events(store: str, ids: tuple[int, ...]) -> int:
    """Have messages handled again; return the exit code.

    Raises:
        StoreError: The store cannot be used.
    """
    replayed = replay(store, ids or None)
    say(f"fota: {replayed} to be handled again")
    return Exit.DONE if replayed == len(ids) or not ids else Exit.INCOMPLETE
