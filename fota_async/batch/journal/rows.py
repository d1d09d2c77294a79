"""What the journal holds, as rows: packed, with a checksum, without I/O."""

import json
import zlib
from array import array
from collections.abc import Sequence
from typing import Any, Final, Self

import attrs

from fota_async.batch.device_ids import Malformed
from fota_async.batch.states import State, Verdict
from fota_async.errors import JournalError

RETURNED: Final = 0
"""The code of devices that were surely not taken and wait to be sent again: no outcome."""


SCHEDULE: Final = "schedule"
"""The operation of a journal whose target is not known yet; its target says what is asked for."""
APPEND: Final = "append"


@attrs.frozen
class Identity:
    """Which run a journal is of."""

    operation: str
    account: str
    target: str

    def may_become(self, other: "Identity") -> bool:
        """Whether `other` can be the run on the target that this one was to make."""
        made = self.operation == SCHEDULE and other.operation == APPEND
        return made and self.account == other.account

    def to_row(self) -> tuple[Any, ...]:
        """Return the row to write."""
        return _checked(self.operation, self.account, self.target)

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Return what a row holds.

        Raises:
            JournalError: It is not what was written.
        """
        return cls(*_unchecked(row))


@attrs.frozen
class Entry:
    """What was noted about the devices of one request, or about some of them.

    An entry with neither `code` nor `codes` is an intent: its devices were about to be sent.

    Attributes:
        number: 1, 2, 3 and so on, without a gap.
        place: Place of the devices in the input.
        ids_in: Number of the entry that holds the ids; its own if it is this one.
        ids: Device ids, packed; None if another entry holds them.
        code: Of the verdict on all of them, or `RETURNED`.
        codes: Of the verdict on each of them.
    """

    number: int
    place: int
    ids_in: int
    ids: "array[int] | None"
    code: int | None = None
    codes: "array[int] | None" = None

    @property
    def is_intent(self) -> bool:
        """Whether it says no more than that its devices were about to be sent."""
        return self.code is None and self.codes is None

    def to_row(self) -> tuple[Any, ...]:
        """Return the row to write."""
        ids = None if self.ids is None else self.ids.tobytes()
        codes = None if self.codes is None else self.codes.tobytes()
        return _checked(self.number, self.place, self.ids_in, self.code, ids, codes)

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Return the entry that a row holds.

        Raises:
            JournalError: It is not what was written.
        """
        number, place, ids_in, code, ids, codes = _unchecked(row)
        return cls(
            number,
            place,
            ids_in,
            None if ids is None else array("Q", ids),
            code,
            None if codes is None else array("I", codes),
        )


def verdict_to_row(code: int, verdict: Verdict) -> tuple[Any, ...]:
    """Return the row to write for a verdict that entries call `code`."""
    # As ASCII: texts of the API may hold what UTF-8 cannot.
    text = json.dumps([verdict.state, verdict.status, verdict.reason, verdict.settled])
    return _checked(code, text)


def verdict_from_row(row: Sequence[Any]) -> tuple[int, Verdict]:
    """Return code and verdict of a row.

    Raises:
        JournalError: It is not what was written.
    """
    code, text = _unchecked(row)
    state, status, reason, settled = json.loads(text)
    return code, Verdict(State(state), status, reason, settled)


def malformed_to_row(start: int, malformed: Sequence[Malformed]) -> tuple[Any, ...]:
    """Return the row to write for inputs that are not device ids."""
    return _checked(start, json.dumps([[one.text, one.hint] for one in malformed]))


def malformed_from_row(row: Sequence[Any]) -> tuple[int, list[Malformed]]:
    """Return the start and the inputs that a row holds.

    Raises:
        JournalError: It is not what was written.
    """
    start, text = _unchecked(row)
    return start, [Malformed(*one) for one in json.loads(text)]


@attrs.frozen(kw_only=True)
class Start:
    """One start of the run, as it was when something was last noted.

    Attributes:
        number: 1, 2, 3 and so on.
        entries: Number of the last entry.
        requests: Requests that were written to the wire, and whose end was noted.
        retries: Those of them that carried a device sent before.
        unasked: Answers about devices that nobody asked about.
        seconds: How long it took; nought if it had nothing to do.
        duplicates: Inputs that had occurred before.
        input_complete: Whether the input was read to its end.
        ended: Whether the start came to an end that was noted.
        stopped: Why it ended early, in one word, or None.
        gone: Devices of earlier starts that its input does not hold any more; a serialised bitmap.
    """

    number: int
    entries: int = 0
    requests: int = 0
    retries: int = 0
    unasked: int = 0
    seconds: float = 0.0
    duplicates: int = 0
    input_complete: bool = attrs.field(default=False, converter=bool)
    ended: bool = attrs.field(default=False, converter=bool)
    stopped: str | None = None
    gone: bytes = b""

    def to_row(self) -> tuple[Any, ...]:
        """Return the row to write."""
        return _checked(*attrs.astuple(self))

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Self:
        """Return the start that a row holds.

        Raises:
            JournalError: It is not what was written.
        """
        names = [attribute.name for attribute in attrs.fields(cls)]
        return cls(**dict(zip(names, _unchecked(row), strict=True)))

    @property
    def finished(self) -> bool:
        """Whether it ended with nothing left to do."""
        return self.ended and self.stopped is None


def _checked(*values: Any) -> tuple[Any, ...]:
    return *values, _checksum(values)


def _unchecked(row: Sequence[Any]) -> Sequence[Any]:
    *values, checksum = row
    if _checksum(values) != checksum:
        raise JournalError("a row is not what was written")
    return values


def _checksum(values: Sequence[Any]) -> int:
    checksum = 0
    for value in values:
        checksum = zlib.crc32(_as_bytes(value), checksum)
    return checksum


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    # True comes back from SQLite as 1.
    return repr(int(value) if isinstance(value, bool) else value).encode()
