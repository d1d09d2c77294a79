"""What goes into the store and what comes out."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import attrs

from fota_async.callbacks.events import CallbackEvent, read_event
from fota_async.callbacks.message import digest_of


class MessageState(StrEnum):
    """Where a message stands.

    >>> async with CallbackReceiver("events.db") as receiver:
    ...     counts = await receiver.counts()
    >>> counts[MessageState.DEAD]
    0
    """

    WAITING = "waiting"
    """To be handled, for the first time or again."""
    HANDLED = "handled"
    """A handler has done it, or none is for its type."""
    DEAD = "dead"
    """Its handler failed as often as it may; nothing happens until it is replayed."""


@attrs.frozen
class Arrival:
    """A message on its way into the store.

    Attributes:
        version: The path that it came in by.
        text: Its canonical text, without credentials.
        digest: What an equal message has, too.
        received: Seconds since 1970.
        moment: The same in the receiver's time.
    """

    version: str
    text: str
    digest: bytes
    received: float
    moment: float


@attrs.frozen
class Change:
    """What became of a message that waited.

    Attributes:
        number: Of the message.
        state: What it is now.
        tries: How often it failed so far.
        moment: When that happened; of one that waits, when to handle it again. In seconds of the
            receiver's time.
        error: How it failed the last time.
    """

    number: int
    state: MessageState
    tries: int
    moment: float
    error: str | None = None


@attrs.frozen
class StoredMessage:
    """A message as the store has it.

    >>> import aiohttp
    >>> async with CallbackReceiver("events.db", allow_loopback=True) as receiver:
    ...     async with serve(receiver, port=0) as server, aiohttp.ClientSession() as http:
    ...         _ = await http.post(f"{server.url}/v1", json={"type": "upgradeFinished"})
    >>> (message,) = read_store("events.db")
    >>> message.state, message.event.type, message.error
    (<MessageState.WAITING: 'waiting'>, 'upgradeFinished', None)

    Attributes:
        event: What it says.
        state: Where it stands.
        moment: When it became so; for one that waits, when to handle it. UTC.
        error: How its handler failed the last time, or None.
    """

    event: CallbackEvent
    state: MessageState
    moment: datetime
    error: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, for instance for a line of JSON."""
        return {
            "state": str(self.state),
            "moment": self.moment.isoformat(),
            "error": self.error,
            **self.event.to_dict(),
        }


# Texts as bytes: what a disk has spoilt need not be UTF-8, and a row that cannot be read at all
# would hold up all others.
COLUMNS = (
    "number, received, CAST(version AS BLOB), CAST(text AS BLOB), digest, repeat, state, tries, "
    "moment, CAST(error AS BLOB)"
)
DAMAGED = "it is damaged in the store"
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def from_row(row: tuple[Any, ...]) -> StoredMessage:
    """Return the message of a row; one that is damaged says so, and nothing else."""
    number, received, version, text, digest, repeat, state, tries, moment, error = row
    version, text = version.decode(errors="replace"), text.decode(errors="replace")
    whole = digest_of(version, text) == digest
    raw: Mapping[str, Any] = json.loads(text) if whole else {}
    event = read_event(
        raw,
        id=number,
        received=moment_of(received),
        version=version,
        repeat=bool(repeat),
        tries=tries,
    )
    why = DAMAGED if not whole else error and error.decode(errors="replace")
    return StoredMessage(event, MessageState(state), moment_of(moment), why)


def moment_of(seconds: float) -> datetime:
    """Return a moment as a datetime, or the nearest one that there is: a disk may spoil it."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), _LAST), UTC)
