"""A device list without some devices."""

from collections.abc import Collection

from fota_async.batch.device_ids import WHITE_SPACE
from fota_async.batch.source import Source


class Without:
    """Leaves devices out of a source.

    Args:
        source: The input.
        devices: Device ids to leave out, wherever and however often they occur.

    Attributes:
        left_out: How many inputs were left out so far.
    """

    def __init__(self, source: Source, devices: Collection[str]) -> None:
        self._source = source
        self._devices = frozenset(devices)
        self.left_out = 0

    @property
    def total(self) -> int | None:
        """See `Source`; what is left out is counted, for nobody knows how often it occurs."""
        return self._source.total

    @property
    def drains(self) -> bool:
        """See `Source`."""
        return self._source.drains

    async def open(self) -> None:
        """See `Source`."""
        await self._source.open()

    async def read(self) -> list[object]:
        """See `Source`."""
        while inputs := await self._source.read():
            # An empty slice would be the end.
            if rest := self._without(inputs):
                return rest
        return []

    def pulled(self) -> list[object]:
        """See `Source`."""
        return self._without(self._source.pulled())

    async def aclose(self) -> None:
        """See `Source`."""
        await self._source.aclose()

    def _without(self, inputs: list[object]) -> list[object]:
        devices = self._devices
        rest = [
            one
            for one in inputs
            if not isinstance(one, str)
            or (one not in devices and one.strip(WHITE_SPACE) not in devices)
        ]
        self.left_out += len(inputs) - len(rest)
        return rest
