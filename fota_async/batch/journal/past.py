"""The past of a run: what its earlier starts left behind."""

from array import array
from collections.abc import Iterator, Mapping, Sequence

import attrs
from pyroaring import BitMap64

from fota_async.batch.device_ids import unpack
from fota_async.batch.journal.latest import Codes, latest
from fota_async.batch.journal.reader import JournalReader
from fota_async.batch.journal.rows import Start
from fota_async.batch.states import State, Verdict

_COMMON = 1000


@attrs.frozen
class Split:
    """A slice of the input, sorted by what became of its devices before.

    Attributes:
        new: Devices to send.
        numbers: The same, packed.
        doubtful: Devices that may have been sent; they are settled first.
        decided: Devices with a final verdict, packed.
    """

    new: list[str]
    numbers: "array[int]"
    doubtful: list[str] = attrs.field(factory=list)
    decided: list[tuple["array[int]", Verdict]] = attrs.field(factory=list)


class Past:
    """What became of each device in earlier starts.

    Args:
        starts: The starts so far; none for a run that begins.
        entries: Number of the last entry.
        decided: Devices with a final verdict.
        doubtful: Devices that may have been sent and are not decided.
        unsent: Devices that were surely not taken; they are sent like new ones.
    """

    def __init__(
        self,
        starts: Sequence[Start] = (),
        entries: int = 0,
        decided: Mapping[Verdict, BitMap64] | None = None,
        doubtful: BitMap64 | None = None,
        unsent: BitMap64 | None = None,
    ) -> None:
        self.starts = starts
        self.entries = entries
        self.doubtful = BitMap64() if doubtful is None else doubtful
        self._unsent = BitMap64() if unsent is None else unsent
        # A bitmap for each of many verdicts would be looked through for each slice.
        self._common: dict[Verdict, BitMap64] = {}
        self._rare: dict[int, Verdict] = {}
        for verdict, devices in (decided or {}).items():
            if len(devices) < _COMMON:
                self._rare.update(dict.fromkeys(devices, verdict))
            else:
                self._common[verdict] = devices

    @property
    def decided(self) -> int:
        """How many devices are decided."""
        return sum(map(len, self._common.values())) + len(self._rare)

    @property
    def any_succeeded(self) -> bool:
        """Whether anything was taken."""
        verdicts = [*self._common, *set(self._rare.values())]
        return any(verdict.state is State.SUCCEEDED for verdict in verdicts)

    @property
    def finished(self) -> bool:
        """Whether the last start ended with nothing left to do."""
        return bool(self.starts) and self.starts[-1].finished

    def split(self, ids: list[str], numbers: "array[int]") -> Split:
        """Sort a slice of the input, in which no device is twice.

        Args:
            ids: The devices.
            numbers: The same, packed.
        """
        if not self.entries:
            return Split(ids, numbers)
        left = BitMap64(numbers)
        doubtful = left & self.doubtful
        left -= doubtful
        decided = list(self._take_decided(left))
        if len(left) < len(ids):
            numbers = array("Q", filter(left.__contains__, numbers))
            ids = list(map(unpack, numbers))
        return Split(ids, numbers, [unpack(number) for number in doubtful], decided)

    def _take_decided(self, left: BitMap64) -> Iterator[tuple["array[int]", Verdict]]:
        for verdict, devices in self._common.items():
            if found := left & devices:
                left -= found
                yield array("Q", found), verdict
        if self._rare:
            rare: dict[Verdict, array[int]] = {}
            for number in left:
                if number in self._rare:
                    rare.setdefault(self._rare[number], array("Q")).append(number)
            for verdict, numbers in rare.items():
                left.difference_update(BitMap64(numbers))
                yield numbers, verdict

    def gone(self, seen: BitMap64) -> BitMap64:
        """Return the devices of the journal that are not among `seen`."""
        gone = BitMap64(number for number in self._rare if number not in seen)
        for devices in (self.doubtful, self._unsent, *self._common.values()):
            if not devices.issubset(seen):  # the difference is slow
                gone |= devices - seen
        return gone


def past_of(reader: JournalReader) -> Past:
    """Return what the earlier starts of a run left behind.

    Raises:
        JournalError: The journal is damaged.
    """
    starts = reader.starts()
    codes = Codes(reader.verdicts(), starts)
    decided: dict[Verdict, BitMap64] = {}
    doubtful, unsent = BitMap64(), BitMap64()
    for one in latest(reader):
        for code, numbers in one.by_code():
            verdict = codes.verdict(code)
            if codes.is_final(code, one.entry):
                decided.setdefault(verdict, BitMap64()).update(numbers)
            else:
                (doubtful if verdict.state is State.UNKNOWN else unsent).update(numbers)
    return Past(starts, reader.last_entry, decided, doubtful, unsent)
