"""The input on its way to batches: read, sifted, entered in the books, and never lost."""

import asyncio
from collections.abc import Callable

from fota_async.batch.device_ids import Malformed, Sieve, Sifted
from fota_async.batch.ledger import Ledger
from fota_async.batch.source import Source


class Feed:
    """Reads a source slice by slice and holds the device ids that no batch has taken yet.

    Args:
        source: The input.
        ledger: The books that every slice is entered in as it is read.
        tell_malformed: Hears of inputs that are not device ids.
    """

    def __init__(
        self,
        source: Source,
        ledger: Ledger,
        tell_malformed: Callable[[list[Malformed]], object],
    ) -> None:
        self._source = source
        self._ledger = ledger
        self._tell_malformed = tell_malformed
        self._sieve = Sieve()
        self._reading: asyncio.Task[list[object]] | None = None
        self.waiting: list[str] = []
        self.ended = False

    async def fill(self, devices: int) -> None:
        """Read on until so many device ids wait, or the source has ended.

        May be cancelled at any moment; a slice that is being read then is not lost.

        Raises:
            SourceError: The source broke off.
        """
        while len(self.waiting) < devices and not self.ended:
            self._take_in(await self._next_slice())

    def take(self, devices: int) -> list[str]:
        """Remove and return up to so many of the ids that wait."""
        taken, self.waiting = self.waiting[:devices], self.waiting[devices:]
        return taken

    async def aclose(self) -> None:
        """Stop reading and let go of the source; what was read already is entered."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None
        if not self.ended:
            self._enter(self._sieve.sift(self._source.pulled()))
        await self._source.aclose()

    async def _next_slice(self) -> list[object]:
        # Whoever reads may be cancelled: the reading itself goes on for the one who comes next.
        if self._reading is None:
            self._reading = asyncio.create_task(self._source.read())
        await asyncio.wait([self._reading])
        reading, self._reading = self._reading, None
        return reading.result()

    def _take_in(self, inputs: list[object]) -> None:
        self.ended = not inputs
        self._enter(self._sieve.sift(inputs))

    def _enter(self, sifted: Sifted) -> None:
        self._ledger.take_in(sifted.inputs, sifted.duplicates, sifted.malformed)
        self.waiting += sifted.ids
        if sifted.malformed:
            self._tell_malformed(sifted.malformed)
