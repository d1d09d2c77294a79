"""What a journal says last of each device: later entries take the place of earlier ones."""

from array import array
from collections.abc import Iterator, Mapping, Sequence

import attrs
from pyroaring import BitMap64

from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import RETURNED, Entry, Start
from fota_async.batch.ledger import Column
from fota_async.batch.states import State, Verdict
from fota_async.errors import JournalError

Code = int | None
"""Of a verdict; `RETURNED`; None where devices were about to be sent and nothing more is known."""


@attrs.frozen
class Latest:
    """Devices of one entry of which no later entry speaks.

    Attributes:
        entry: Number of the entry.
        place: Place of the devices in the input.
        numbers: Their ids, packed.
        codes: One for all of them, or one for each.
        whole: Whether these are all devices of the entry.
    """

    entry: int
    place: int
    numbers: "array[int]"
    codes: "Code | array[int]"
    whole: bool = True

    def by_code(self) -> Iterator[tuple[Code, "array[int]"]]:
        """Yield the devices of each code."""
        if not isinstance(self.codes, array):
            yield self.codes, self.numbers
            return
        groups: dict[int, array[int]] = {}
        for number, code in zip(self.numbers, self.codes, strict=True):
            groups.setdefault(code, array("Q")).append(number)
        yield from groups.items()

    def only(self, places: Sequence[int]) -> "Latest":
        """Return what is said of some of the devices."""
        codes = self.codes
        if isinstance(codes, array):
            codes = array("I", (codes[at] for at in places))
        numbers = array("Q", (self.numbers[at] for at in places))
        return attrs.evolve(self, numbers=numbers, codes=codes, whole=False)


def latest(reader: JournalReader, upto: int | None = None) -> Iterator[Latest]:
    """Yield what the entries up to a number say last of each device, the last entries first."""
    covered = BitMap64()
    answered: set[int] = set()
    for entry in reader.backwards(upto):
        if entry.is_intent and entry.number in answered:
            continue
        if entry.ids is None:
            answered.add(entry.ids_in)
        one = said_by(reader, entry)
        numbers = BitMap64(one.numbers)
        if not covered.isdisjoint(numbers):
            one = one.only([at for at, n in enumerate(one.numbers) if n not in covered])
        if one.numbers:
            covered.update(one.numbers)
            yield one


def in_order(reader: JournalReader, upto: int | None = None) -> Iterator[Latest]:
    """Yield the same in the order of the input, without holding it in memory."""
    steps = [(one.place, one.entry, None if one.whole else one) for one in latest(reader, upto)]
    steps.sort(key=lambda step: step[:2])
    for _, number, part in steps:
        yield part or said_by(reader, reader.entry(number))


def said_by(reader: JournalReader, entry: Entry) -> Latest:
    """Return what one entry says, of all of its devices."""
    ids = entry.ids if entry.ids is not None else reader.entry(entry.ids_in).ids
    if ids is None:
        raise JournalError(f"it is damaged (entry {entry.ids_in} holds no ids)")
    return Latest(
        entry.number, entry.place, ids, entry.code if entry.codes is None else entry.codes
    )


class Codes:
    """What the codes of a journal mean.

    Args:
        verdicts: By code.
        starts: The starts so far.
    """

    _IN_DOUBT = Verdict(State.UNKNOWN, reason="sent, and no answer is on record")
    _RETURNED = Verdict(State.UNSENT, reason="surely not taken, and not sent again yet")

    def __init__(self, verdicts: Mapping[int, Verdict], starts: Sequence[Start]) -> None:
        self._verdicts: dict[Code, Verdict] = {
            None: self._IN_DOUBT,
            RETURNED: self._RETURNED,
        }
        self._verdicts.update(verdicts.items())
        self._settled_upto = max((one.entries for one in starts if one.finished), default=0)

    def verdict(self, code: Code) -> Verdict:
        """Return the verdict that a code stands for."""
        return self._verdicts[code]

    def column(self, one: Latest) -> Column:
        """Return outcomes for a report."""
        if isinstance(one.codes, array):
            return Column(one.place, one.numbers, [self._verdicts[code] for code in one.codes])
        return Column(one.place, one.numbers, self._verdicts[one.codes])

    def is_final(self, code: Code, entry: int) -> bool:
        """Whether a verdict holds for good.

        A device that was not sent is sent by the next start. One whose fate was unknown is settled
        by it, unless the run came to its end: then there is nothing more to learn.
        """
        state = self._verdicts[code].state
        if state is State.UNKNOWN:
            return code is not None and entry <= self._settled_upto
        return state is not State.UNSENT
