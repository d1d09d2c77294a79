"""The books of a run: every input in exactly one place, cheap enough for ten million of them."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, islice
from typing import Any, Literal, TypeAlias

import attrs

from fota_async.batch.device_ids import Malformed, unpack
from fota_async.batch.states import DeviceOutcome, State, Verdict

Keep: TypeAlias = Literal["all", "failures", "none"]
"""Which outcomes a report keeps; counts and groups are always whole."""

_FINE = frozenset({State.SUCCEEDED, State.PENDING})


@attrs.define
class Column:
    """The outcomes of one batch, or of a part of it.

    Attributes:
        place: Place of the batch in the input.
        numbers: Device ids, packed.
        verdicts: One for all of them, or one for each.
        details: What else is known of each, or None.
    """

    place: int
    numbers: "array[int]"
    verdicts: Verdict | Sequence[Verdict]
    details: Sequence[object] | None = None

    def outcomes(self) -> Iterator[DeviceOutcome]:
        """Yield one object a device."""
        verdicts = self.verdicts
        for place, number in enumerate(self.numbers):
            verdict = verdicts if isinstance(verdicts, Verdict) else verdicts[place]
            detail = None if self.details is None else self.details[place]
            yield outcome_of(unpack(number), verdict, detail)


def outcome_of(device_id: str, verdict: Verdict, detail: object = None) -> DeviceOutcome:
    """Return the outcome that a verdict means for a device."""
    return DeviceOutcome(
        device_id, verdict.state, verdict.status, verdict.reason, verdict.settled, detail
    )


def malformed_outcome(malformed: Malformed) -> DeviceOutcome:
    """Return the outcome of an input that is not a device id."""
    return DeviceOutcome(malformed.text, State.INVALID, reason=malformed.hint)


class Ledger:
    """What is final about a run so far.

    Args:
        keep: Which outcomes stay for the report.

    Attributes:
        columns: Outcomes that are held in memory.
        on_disk: Outcomes that are read when somebody looks.
    """

    def __init__(self, keep: Keep = "all") -> None:
        self.keep: Keep = keep
        self.inputs = 0
        self.duplicates = 0
        self.malformed: list[Malformed] = []
        self.invalid = 0
        self.columns: list[Column] = []
        self.on_disk: Iterable[Column] = ()
        self.groups: dict[Verdict, int] = {}
        self.states: dict[State, int] = dict.fromkeys(State, 0)

    def take_in(self, inputs: int, duplicates: int, malformed: Sequence[Malformed]) -> None:
        """Enter a slice of the input; its device ids are entered when they are decided."""
        self.inputs += inputs
        self.duplicates += duplicates
        self.invalid += len(malformed)
        for one in malformed:
            verdict = Verdict(State.INVALID, reason=one.hint)
            self.groups[verdict] = self.groups.get(verdict, 0) + 1
        if self.keep != "none":
            self.malformed += malformed

    def enter(self, column: Column, *, on_disk: bool = False) -> None:
        """Enter outcomes. They are final: the same device must never be entered again.

        Args:
            column: The outcomes.
            on_disk: Whether they need not be held, since `on_disk` has them.
        """
        verdicts = column.verdicts
        if isinstance(verdicts, Verdict):
            self.count(verdicts, len(column.numbers))
        else:
            for verdict in verdicts:
                self.count(verdict, 1)
        kept = None if on_disk else self._kept(column)
        if kept is not None:
            self.columns.append(kept)

    def outcomes(self) -> Iterator[DeviceOutcome]:
        """Yield what is kept of each distinct input, in the order of the input."""
        in_memory = sorted(self.columns, key=lambda column: column.place)
        on_disk = filter(None, map(self._kept, self.on_disk))
        for column in merge(on_disk, in_memory, key=lambda column: column.place):
            yield from column.outcomes()
        yield from map(malformed_outcome, self.malformed)

    def examples(self, words: Verdict, most: int) -> list[str]:
        """Return some device ids, or malformed inputs, that state, status and reason fit."""
        if words.state is State.INVALID:
            malformed = (one.text for one in self.malformed if one.hint == words.reason)
            return list(islice(malformed, most))
        columns = chain(self.columns, self.on_disk)
        fitting = (number for column in columns for number in _fitting(column, words))
        return list(map(unpack, islice(fitting, most)))

    def details(self) -> dict[str, Any]:
        """Return what else is known of devices, as plain values by device id."""
        return {
            unpack(number): attrs.asdict(detail)  # type: ignore[arg-type]  # details are models
            for column in sorted(self.columns, key=lambda column: column.place)
            for number, detail in zip(column.numbers, column.details or (), strict=False)
            if detail is not None
        }

    def count(self, verdict: Verdict, devices: int) -> None:
        """Count devices whose outcomes need not be held."""
        self.groups[verdict] = self.groups.get(verdict, 0) + devices
        self.states[verdict.state] += devices

    def _kept(self, column: Column) -> Column | None:
        if self.keep == "all":
            return column
        if self.keep == "none":
            return None
        verdicts = column.verdicts
        if isinstance(verdicts, Verdict):
            return None if verdicts.state in _FINE else column
        places = [i for i, verdict in enumerate(verdicts) if verdict.state not in _FINE]
        if not places:
            return None
        numbers = array("Q", (column.numbers[i] for i in places))
        details = column.details and [column.details[i] for i in places]
        return Column(column.place, numbers, [verdicts[i] for i in places], details)


def _fitting(column: Column, words: Verdict) -> Iterator[int]:
    verdicts = column.verdicts
    if isinstance(verdicts, Verdict):
        return iter(column.numbers if _alike(verdicts, words) else ())
    told = zip(column.numbers, verdicts, strict=True)
    return (number for number, verdict in told if _alike(verdict, words))


def _alike(one: Verdict, other: Verdict) -> bool:
    return (one.state, one.status, one.reason) == (other.state, other.status, other.reason)


def merged(ledger: Ledger, more: Iterable[Column]) -> Ledger:
    """Return a copy of the books with `more` entered, for a report in the middle of a run."""
    copy = Ledger(ledger.keep)
    copy.inputs, copy.duplicates = ledger.inputs, ledger.duplicates
    copy.malformed, copy.invalid = list(ledger.malformed), ledger.invalid
    copy.columns, copy.on_disk = list(ledger.columns), ledger.on_disk
    copy.groups, copy.states = dict(ledger.groups), dict(ledger.states)
    for column in more:
        copy.enter(column)
    return copy
