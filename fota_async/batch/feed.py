"""The input on its way to batches: read, sifted, entered in the books, and never lost."""

import asyncio
from array import array
from collections.abc import Callable, Collection

from pyroaring import BitMap64

from fota_async.batch.books import Books
from fota_async.batch.device_ids import Sieve, Sifted, pack, unpack
from fota_async.batch.pieces import Batch
from fota_async.batch.source import Source
from fota_async.batch.states import State
from fota_async.errors import SourceError


class Feed:
    """Reads a source slice by slice and holds the device ids that no batch has taken yet.

    Args:
        source: The input.
        books: What every slice is entered in as it is read.
        doubt: Takes devices of which an earlier start of the run does not say what became of them.
        wait_for: Takes devices that an earlier start left pending; None where nobody waits.
    """

    def __init__(
        self,
        source: Source,
        books: Books,
        doubt: Callable[[Batch], object],
        wait_for: Callable[[Batch], object] | None = None,
    ) -> None:
        self._source = source
        self._books = books
        self._doubt = doubt
        self._wait_for = wait_for
        self._sieve = Sieve()
        self._devices = 0
        self._reading: asyncio.Task[list[object]] | None = None
        self.waiting: list[str] = []
        self._numbers = array("Q")
        self.ended = False

    async def fill(self, devices: int) -> None:
        """Read on until so many device ids wait, or the source has ended.

        May be cancelled at any moment; a slice that is being read then is not lost.

        Raises:
            SourceError: The source broke off.
        """
        while len(self.waiting) < devices and not self.ended:
            await self._read_on()

    async def begin(self) -> None:
        """Read on until there was any input, or the source has ended; otherwise as `fill`."""
        while not self._books.ledger.inputs and not self.ended:
            await self._read_on()

    async def _read_on(self) -> None:
        inputs = await self._next_slice()
        if inputs is not None:
            self._take_in(inputs)
        await self._books.stream.room()

    def take(self, devices: int) -> tuple[list[str], "array[int]"]:
        """Remove and return up to so many of the ids that wait, and the same packed."""
        taken, self.waiting = self.waiting[:devices], self.waiting[devices:]
        numbers, self._numbers = self._numbers[:devices], self._numbers[devices:]
        return taken, numbers

    def take_out(self, devices: Collection[str]) -> None:
        """Remove single ids from those that wait."""
        self.waiting = [device for device in self.waiting if device not in devices]
        self._numbers = pack(self.waiting)

    @property
    def place(self) -> int:
        """Place in the input of the first device that waits."""
        return self._devices - len(self.waiting)

    @property
    def seen(self) -> BitMap64:
        """The devices of the input so far, packed."""
        return self._sieve.numbers

    async def aclose(self) -> None:
        """Stop reading and let go of the source; what was read already is entered."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            reading, self._reading = self._reading, None
            # It may have ended while nobody waited for it.
            if not reading.cancelled() and reading.exception() is None:
                self._take_in(reading.result())
        if not self.ended:
            self._enter(self._sieve.sift(self._source.pulled()))
        await self._source.aclose()

    async def _next_slice(self) -> list[object] | None:
        """Return the next slice, or None if someone else who waited for it has taken it."""
        # Whoever reads may be cancelled: the reading itself goes on for the one who comes next.
        if self._reading is None:
            self._reading = asyncio.create_task(self._source.read())
        reading = self._reading
        await asyncio.wait([reading])
        if self._reading is not reading:
            return None
        self._reading = None
        if reading.cancelled():
            # By something inside the caller's iterator, which is no end of the input.
            raise SourceError("the device list broke off: it was cancelled")
        return reading.result()

    def _take_in(self, inputs: list[object]) -> None:
        self.ended = not inputs
        self._enter(self._sieve.sift(inputs))
        doubtful = self._books.journal.past.doubtful
        if self.ended and (gone := [number for number in doubtful if number not in self.seen]):
            self._doubt(Batch(self._devices, list(map(unpack, gone)), gone=True))

    def _enter(self, sifted: Sifted) -> None:
        self._books.ledger.take_in(sifted.inputs, sifted.duplicates, sifted.malformed)
        if sifted.malformed:
            self._books.malformed(sifted.malformed)
        before = self._books.journal.past.split(sifted.ids, sifted.numbers)
        for numbers, verdict in before.decided:
            if verdict.state is State.PENDING and self._wait_for is not None:
                self._wait_for(Batch(self._devices, list(map(unpack, numbers)), sent=True))
            else:
                self._books.enter_known(self._devices, numbers, verdict)
        if before.doubtful:
            self._doubt(Batch(self._devices, before.doubtful, sent=True))
        self._devices += len(sifted.ids)
        self.waiting += before.new
        self._numbers += before.numbers
