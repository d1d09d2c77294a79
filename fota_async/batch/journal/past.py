"""The past of a run: what its earlier starts left behind."""

from array import array
from collections.abc import Iterator

import attrs
from pyroaring import BitMap64

from fota_async.batch.device_ids import pack, unpack
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
        doubtful: Devices that may have been sent; they are settled first.
        decided: Devices with a final verdict, packed.
    """

    new: list[str]
    doubtful: list[str] = attrs.field(factory=list)
    decided: list[tuple["array[int]", Verdict]] = attrs.field(factory=list)


class Past:
    """Which devices are decided, and which are in doubt.

    Args:
        starts: The starts so far; none for a run that begins.
        decided: Devices with a final verdict.
        doubtful: Devices that may have been sent and are not decided.
    """

    def __init__(
        self,
        starts: list[Start] | None = None,
        decided: dict[Verdict, BitMap64] | None = None,
        doubtful: BitMap64 | None = None,
    ) -> None:
        self.starts = starts or []
        self.doubtful = BitMap64() if doubtful is None else doubtful
        self._decided = decided or {}
        self._all = BitMap64.union(self.doubtful, *self._decided.values())
        # A bitmap for each of many verdicts would be looked through for each slice.
        self._rare: dict[int, Verdict] = {}
        for verdict, devices in list(self._decided.items()):
            if len(devices) < _COMMON:
                self._rare.update(dict.fromkeys(devices, verdict))
                del self._decided[verdict]

    def __len__(self) -> int:
        return len(self._all)

    @property
    def finished(self) -> bool:
        """Whether the last start ended with nothing left to do."""
        return bool(self.starts) and self.starts[-1].finished

    def split(self, ids: list[str]) -> Split:
        """Sort a slice of the input, in which no device is twice."""
        if not self._all:
            return Split(ids)
        known = BitMap64(pack(ids)) & self._all
        if not known:
            return Split(ids)
        doubtful = known & self.doubtful
        new = [] if len(known) == len(ids) else [one for one in ids if int(one) not in known]
        return Split(new, [unpack(n) for n in doubtful], list(self._by_verdict(known - doubtful)))

    def missing_from(self, seen: BitMap64) -> BitMap64:
        """Return the devices known here that are not among `seen`."""
        return BitMap64() if self._all.issubset(seen) else self._all - seen

    def _by_verdict(self, numbers: BitMap64) -> Iterator[tuple["array[int]", Verdict]]:
        for verdict, devices in self._decided.items():
            if not numbers:
                return
            if found := numbers & devices:
                numbers -= found
                yield array("Q", found), verdict
        rare: dict[Verdict, array[int]] = {}
        for number in numbers:
            rare.setdefault(self._rare[number], array("Q")).append(number)
        yield from ((found, verdict) for verdict, found in rare.items())


def past_of(reader: JournalReader) -> Past:
    """Return what the earlier starts of a run left behind.

    Raises:
        JournalError: The journal is damaged.
    """
    starts = reader.starts()
    codes = Codes(reader.verdicts(), starts)
    decided: dict[Verdict, BitMap64] = {}
    doubtful = BitMap64()
    for one in latest(reader):
        for code, numbers in one.by_code():
            verdict = codes.verdict(code)
            if codes.is_final(code, one.entry):
                decided.setdefault(verdict, BitMap64()).update(numbers)
            elif verdict.state is State.UNKNOWN:
                doubtful.update(numbers)
    return Past(starts, decided, doubtful)
