"""What the user of a session manager allows at most, over all accounts."""

from math import inf
from typing import Protocol

_LATE = 0.03
"""Seconds by which a request may be late, by the timer's fault, and the next ones catch up."""


class _Asker(Protocol):
    def serve(self) -> None: ...


class Ceiling:
    """The ceilings of a session manager, shared by the limiters of its accounts.

    Args:
        max_concurrency: Requests in flight.
        max_rate: Requests a second, evenly spread; None for any number.

    Attributes:
        in_flight: Requests in flight now.
    """

    def __init__(self, max_concurrency: int, max_rate: float | None = None) -> None:
        self.max_concurrency = max_concurrency
        self.max_rate = max_rate
        self.in_flight = 0
        self._next = -inf
        self._asking: dict[_Asker, None] = {}  # in the order in which they asked

    @property
    def is_full(self) -> bool:
        """Whether one has to end before another may leave."""
        return self.in_flight >= self.max_concurrency

    def reserve(self, now: float) -> float:
        """Return the moment at which one more request may leave; each is given away once."""
        if self.max_rate is None:
            return now
        moment = max(self._next, now - _LATE)
        self._next = moment + 1 / self.max_rate
        return moment

    def ask_later(self, asker: _Asker) -> None:
        """Call `asker.serve` when a place is free; who asks first is served first."""
        self._asking.setdefault(asker)

    def serve_others(self) -> None:
        """Give free places to those who asked."""
        while self._asking and not self.is_full:
            asker = next(iter(self._asking))
            del self._asking[asker]
            asker.serve()
