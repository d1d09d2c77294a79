"""The first batch: the devices of the request that makes a target, and what became of them."""

import asyncio
from array import array
from collections import Counter, deque
from collections.abc import Sequence
from itertools import chain

from pyroaring import BitMap64

from fota_async.batch.device_ids import Sieve, Sifted, pack
from fota_async.batch.journal.past import Past, Split
from fota_async.batch.journal.rows import Start
from fota_async.batch.source import Source
from fota_async.batch.states import Verdict
from fota_async.errors import SourceError

_HINTS = 3


class FirstBatch(Past):
    """What a run knows of the devices that were sent before it began.

    Args:
        ids: The devices.
        verdicts: What the answer said of each; None where a reading of the target must tell.
        why: How the doubt about those arose.
        start: What sending them took.
    """

    def __init__(
        self, ids: Sequence[str], verdicts: Sequence[Verdict | None], why: str, start: Start
    ) -> None:
        left = dict(zip(ids, verdicts, strict=True))
        doubtful = BitMap64(pack(device for device, verdict in left.items() if verdict is None))
        super().__init__([start], entries=1, doubtful=doubtful)
        self.why = why
        self._left = left

    def split(self, ids: list[str], numbers: "array[int]") -> Split:
        """Sort a slice of the input; the order of the input is kept."""
        if not self._left:
            return Split(ids, numbers)
        split = Split([], array("Q"))
        for device, number in zip(ids, numbers, strict=True):
            if device not in self._left:
                split.new.append(device)
                split.numbers.append(number)
            elif (verdict := self._left.pop(device)) is None:
                split.doubtful.append(device)
            elif split.decided and split.decided[-1][1] == verdict:
                split.decided[-1][0].append(number)
            else:
                split.decided.append((array("Q", [number]), verdict))
        return split


class LookAhead:
    """A source of which the first slices are looked at before a run reads it.

    Args:
        source: The input.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._slices: deque[list[object]] = deque()
        self._reading: asyncio.Task[list[object]] | None = None
        self._opened = False

    @property
    def total(self) -> int | None:
        """See `Source`."""
        return self._source.total

    @property
    def drains(self) -> bool:
        """See `Source`."""
        return self._source.drains

    async def open(self) -> None:
        """See `Source`."""
        if not self._opened:
            await self._source.open()
            self._opened = True

    async def first(self, devices: int) -> list[str]:
        """Return the first devices of the input, fewer if there are no more.

        May be cancelled without losing anything.

        Raises:
            SourceError: The input broke off before.
        """
        sieve, ids = Sieve(), list[str]()
        for inputs in self._slices:
            ids += sieve.sift(inputs).ids
        while len(ids) < devices and not (self._slices and not self._slices[-1]):
            inputs = await self._read_on()
            self._slices.append(inputs)
            ids += sieve.sift(inputs).ids
        return ids[:devices]

    def sifted(self) -> Sifted:
        """Return what the slices hold that were looked at."""
        return Sieve().sift(self._looked_at())

    @property
    def nothing(self) -> str:
        """What to say of an input without any device."""
        hints = Counter(one.hint for one in self.sifted().malformed)
        said = ", ".join(f"{count:,}: {hint}" for hint, count in hints.most_common(_HINTS))
        inputs = f" ({said})" if said else ""
        return f"there is no device in the whole input{inputs}; nothing was sent"

    async def read(self) -> list[object]:
        """See `Source`."""
        if self._slices:
            return self._slices.popleft()
        try:
            return await self._read_on()
        except asyncio.CancelledError:
            await self._end_reading()  # nobody comes next
            raise

    async def _read_on(self) -> list[object]:
        # Whoever waits may be cancelled: the reading goes on for the one who comes next.
        if self._reading is None:
            self._reading = asyncio.create_task(self._source.read())
        await asyncio.wait([self._reading])
        reading, self._reading = self._reading, None
        if reading.cancelled():
            # By something inside the caller's iterator, which is no end of the input.
            raise SourceError("the device list broke off: it was cancelled")
        return reading.result()

    def pulled(self) -> list[object]:
        """See `Source`."""
        looked_at = self._looked_at()
        self._slices.clear()
        reading = self._reading
        if reading is not None and reading.done() and not reading.cancelled():
            looked_at += [] if reading.exception() else reading.result()
        return looked_at + self._source.pulled()

    def _looked_at(self) -> list[object]:
        return list(chain.from_iterable(self._slices))

    async def aclose(self) -> None:
        """See `Source`."""
        await self._end_reading()
        await self._source.aclose()

    async def _end_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            if not self._reading.cancelled():
                self._reading.exception()  # seen: it would be complained about otherwise
