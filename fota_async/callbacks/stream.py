"""Events for whoever iterates: each goes to one iterator, and is done when that comes back."""

import asyncio
from collections import deque

import attrs

from fota_async.callbacks.events import CallbackEvent


@attrs.frozen(eq=False)
class Offer:
    """An event that waits to be taken."""

    event: CallbackEvent
    handled: "asyncio.Future[None]"

    def take(self) -> None:
        """Say that it is handled."""
        if not self.handled.done():
            self.handled.set_result(None)


class Stream:
    """Events on offer, from when a receiver opens until it closes.

    Attributes:
        readers: How many iterators there are.
        was_read: Whether there ever was one; what it left waits for the next.
    """

    def __init__(self) -> None:
        self.readers = 0
        self.was_read = False
        self._offers: deque[Offer] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ended = False

    async def offer(self, event: CallbackEvent) -> None:
        """Return when an iterator has handled an event."""
        offer = Offer(event, asyncio.get_running_loop().create_future())
        self._offers.append(offer)
        self._wake_one()
        try:
            await offer.handled
        finally:
            if offer in self._offers:
                self._offers.remove(offer)

    def give_back(self, offer: Offer) -> None:
        """Offer an event again, before all others: its iterator was left."""
        if self._ended:
            offer.handled.cancel()
        elif not offer.handled.done():
            self._offers.appendleft(offer)
            self._wake_one()

    async def next(self) -> Offer | None:
        """Return the next event on offer, or None at the end."""
        while not self._offers and not self._ended:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                await waiting
            except BaseException:
                if waiting.done() and not waiting.cancelled():
                    self._wake_one()  # it was meant for somebody who takes it
                raise
        return None if self._ended else self._offers.popleft()

    def end(self) -> None:
        """Let all iterators end, and nobody wait for them."""
        self._ended = True
        for offer in self._offers:
            offer.handled.cancel()
        while self._waiting:
            self._wake_one()

    def _wake_one(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
