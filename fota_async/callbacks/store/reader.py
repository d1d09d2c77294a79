"""Looking into a store, and replaying from it, beside a receiver or without one."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from fota_async.callbacks.store.rows import COLUMNS, MessageState, StoredMessage, from_row
from fota_async.callbacks.store.schema import check_kind, speaking_of
from fota_async.errors import ConfigurationError, StoreError
from fota_async.sqlite_file.file import connect, connect_to_read, transaction


def read_store(
    path: str | os.PathLike[str], state: MessageState | str | None = None
) -> Iterator[StoredMessage]:
    """Yield the messages of a store, the oldest first; possible while a receiver uses it.

    Blocking: for a script, or a thread.

    >>> import aiohttp
    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server, aiohttp.ClientSession() as http:
    ...         _ = await http.post(f"{server.url}/v1", json={"type": "upgradeFinished"})
    >>> for message in read_store("events.db", "waiting"):
    ...     print(message.event.type, message.state)
    upgradeFinished waiting

    Args:
        path: The store.
        state: Only those in this state.

    Raises:
        ConfigurationError: There is no such state.
        StoreError: There is no such store, or it is damaged or of a newer version.
    """
    path = _there(path)
    states = [_state(state)] if state is not None else list(MessageState)
    marks = ", ".join("?" * len(states))
    query = f"SELECT {COLUMNS} FROM message WHERE state IN ({marks}) ORDER BY number"  # noqa: S608 - names of ours
    with speaking_of(path):
        connection = connect_to_read(path)
        try:
            check_kind(connection)
            yield from map(from_row, connection.execute(query, states))
        finally:
            connection.close()


def count_messages(path: str | os.PathLike[str]) -> dict[MessageState, int]:
    """Return how many messages of a store are in each state.

    Blocking: for a script, or a thread.

    >>> async with CallbackReceiver("events.db") as receiver:
    ...     pass
    >>> count_messages("events.db")[MessageState.WAITING]
    0

    Args:
        path: The store.

    Raises:
        StoreError: There is no such store, or it is of a newer version.
    """
    path = _there(path)
    with speaking_of(path):
        connection = connect_to_read(path)
        try:
            check_kind(connection)
            rows = connection.execute("SELECT state, count(*) FROM message GROUP BY state")
            found = dict(rows.fetchall())
        finally:
            connection.close()
    return {state: found.get(state, 0) for state in MessageState}


def replay(path: str | os.PathLike[str], ids: Collection[int] | None = None) -> int:
    """Have messages handled again; a receiver that uses the store begins within seconds.

    Blocking: for a script, or a thread.

    >>> async with CallbackReceiver("events.db") as receiver:
    ...     pass
    >>> replay("events.db")
    0

    Args:
        path: The store.
        ids: Which messages, be they dead or handled; None for all that are dead.

    Returns:
        How many messages there were to replay.

    Raises:
        StoreError: There is no such store, or it is damaged, full or of a newer version.
    """
    path = _there(path)
    # As of long ago: whatever time a receiver goes by, it is due.
    change = "UPDATE message SET state = ?, tries = 0, moment = 0, error = NULL WHERE state != ?"
    values = (MessageState.WAITING, MessageState.WAITING)
    with speaking_of(path):
        connection = connect(path)
        try:
            check_kind(connection)
            with transaction(connection):
                if ids is None:
                    done = connection.execute(
                        f"{change} AND state = ?", (*values, MessageState.DEAD)
                    )
                    return done.rowcount
                return sum(
                    # As text, since SQLite takes no number beyond 64 bits.
                    connection.execute(f"{change} AND number = ?", (*values, str(number))).rowcount
                    for number in ids
                )
        finally:
            connection.close()


def _there(path: str | os.PathLike[str]) -> Path:
    path = Path(path).absolute()
    if not path.is_file():
        raise StoreError(f"the store {str(path)!r} cannot be used: there is no such file")
    return path


def _state(name: str) -> MessageState:
    try:
        return MessageState(name)
    except ValueError:
        known = ", ".join(MessageState)
        raise ConfigurationError(f"there is no state {name!r}; there are {known}") from None
