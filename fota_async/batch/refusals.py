"""Whose fault is a refusal: one device's, or the request's? Decisions without I/O."""

from collections.abc import Sequence
from math import ceil, log2

from fota_async.batch.pieces import Batch
from fota_async.errors import RefusedError, TooManyDevicesError
from fota_async.wire.decode import concerns_devices

PROBES = 8


class Alike:
    """Counts refusals alike in a row, of requests of any size.

    Args:
        batch_size: Devices a request.
        concurrency: Requests in flight at once.
    """

    def __init__(self, batch_size: int, concurrency: int) -> None:
        # A single bad device in a batch is refused once for each halving, while others in flight
        # may meet their own: fewer refusals in a row say nothing about the request itself.
        self._base = ceil(log2(batch_size)) + concurrency
        self._threshold = self._base
        self._kind: tuple[int | None, str | None] | None = None
        self._in_a_row = 0
        self._soon: int | None = None

    def refused(self, error: RefusedError) -> None:
        """Count a refusal."""
        kind = (error.status, error.code)
        self._in_a_row = self._in_a_row + 1 if kind == self._kind else 1
        self._kind = kind

    def answered(self, *, whole_batch: bool) -> None:
        """Count an answer: it breaks the row."""
        self._in_a_row = 0
        self._soon = None
        if whole_batch:
            self._threshold = self._base

    @property
    def suspicious(self) -> bool:
        """Whether the request itself may be what is refused."""
        return self._in_a_row >= (self._soon or self._threshold)

    def is_alike(self, error: RefusedError) -> bool:
        """Whether a refusal is one more of the same kind."""
        return (error.status, error.code) == self._kind

    def suspect_after(self, refusals: int) -> None:
        """So many refusals alike make it suspicious again, unless an answer comes before."""
        self.cleared()
        self._soon = refusals

    def cleared(self) -> None:
        """Probing found that it was about devices: ask again only after twice as many."""
        self._in_a_row = 0
        self._threshold *= 2


def is_about_size(error: RefusedError, batch: Batch) -> bool:
    """Whether fewer devices in a request would help; one device refused for size is not."""
    return isinstance(error, TooManyDevicesError) and len(batch.ids) > 1


def is_about_devices(error: RefusedError) -> bool:
    """Whether dividing a refused batch can help."""
    return concerns_devices(error)


def pick_spread(ids: Sequence[str], wanted: int) -> list[str]:
    """Return up to `wanted` devices, spread evenly."""
    if len(ids) <= wanted:
        return list(ids)
    return [ids[place * len(ids) // wanted] for place in range(wanted)]
