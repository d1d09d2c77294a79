"""Time in bins: as fine as a bounded number of them allows, however long a run lasts."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Self

import attrs

_WIDTHS = (0.125, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400)
"""Seconds, each a multiple of the one before; exact as floats, so that borders are."""


@attrs.define
class Bin:
    """What happened within a stretch of time.

    Attributes:
        succeeded: Devices decided so.
        failed: Devices to which the API said no.
        pending: Devices taken then that are not decided even now.
        unknown: Devices given up on.
        requests: Tries that ended.
        refused: Those of them that were refused for rate.
        paused: Seconds in which nobody was to send.
        limit: Requests in flight at once that were allowed at the end; None if nothing was told.
        rate: Requests a second that were allowed at the end; None for any number.
    """

    succeeded: int = 0
    failed: int = 0
    pending: int = 0
    unknown: int = 0
    requests: int = 0
    refused: int = 0
    paused: float = 0.0
    limit: int | None = None
    rate: float | None = None

    def add(self, later: Self) -> None:
        """Take in the stretch that follows."""
        for name in ("succeeded", "failed", "pending", "unknown", "requests", "refused", "paused"):
            setattr(self, name, getattr(self, name) + getattr(later, name))
        if later.limit is not None:
            self.limit, self.rate = later.limit, later.rate


def widths() -> Iterator[tuple[float, int]]:
    """Yield the widths of bins in seconds, and how many of the width before make one."""
    before = _WIDTHS[0]
    for width in _WIDTHS:
        yield width, round(width / before)
        before = width
    for doubled in count(1):
        yield before * 2**doubled, 2


def gathered(bins: Sequence[Bin], each: int) -> list[Bin]:
    """Return bins of `each` times the width."""
    wider = []
    for at in range(0, len(bins), each):
        first, *others = bins[at : at + each]
        one = attrs.evolve(first)
        for other in others:
            one.add(other)
        wider.append(one)
    return wider


class Bins:
    """Bins of equal width that begin with the run; they widen when there would be too many.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int = 240) -> None:
        self._most = most
        self._bins: list[Bin] = []
        self._widths = widths()
        self.width, _ = next(self._widths)

    def at(self, seconds: float) -> Bin:
        """Return the bin of a moment, counted from the start of the run."""
        while (place := int(seconds / self.width)) >= self._most:
            self.width, each = next(self._widths)
            self._bins = gathered(self._bins, each)
        while len(self._bins) <= place:
            self._bins.append(Bin())
        return self._bins[place]

    def no_longer_pending(self, devices: int) -> None:
        """Take devices that are decided now out of the times at which they were taken."""
        for one in self._bins:
            fewer = min(devices, one.pending)
            one.pending -= fewer
            devices -= fewer

    def end_of(self, seconds: float) -> float:
        """Return when the bin of a moment ends."""
        return (int(seconds / self.width) + 1) * self.width

    def timeline(self, at_most: int) -> "Timeline":
        """Return a copy with no more than so many bins, each knowing the limit of its time."""
        each = -(-len(self._bins) // at_most) or 1
        bins = gathered(self._bins, each)
        limit: int | None = None
        rate: float | None = None
        for one in bins:
            if one.limit is None:
                one.limit, one.rate = limit, rate
            limit, rate = one.limit, one.rate
        return Timeline(self.width * each, bins)


@attrs.frozen
class Timeline:
    """Bins that follow on each other.

    Attributes:
        width: Seconds of each.
        bins: The bins, from the start of the run.
    """

    width: float
    bins: Sequence[Bin]

    @property
    def seconds(self) -> float:
        """What all of them span."""
        return self.width * len(self.bins)
