"""The workers of a cluster: who is there, and which of them has a free place. No I/O."""

import asyncio
from collections import deque
from collections.abc import Mapping

import attrs


@attrs.define(eq=False)
class Worker:
    """A worker process of the cluster.

    Attributes:
        address: Where it is.
        places: Tries it makes at once: as many as it has threads, though they need none.
        busy: Tries it has now, or is about to get.
        incarnation: The process that was told of what it needs; empty if none was.
        told: The last generation of tokens it was told of, by number of the session manager.
        telling: Held by who tells it.
        gone: Done when the cluster has it no more.
    """

    address: str
    places: int
    busy: int = 0
    incarnation: str = ""
    told: dict[int, int] = attrs.field(factory=dict)
    telling: asyncio.Lock = attrs.field(factory=asyncio.Lock)
    gone: "asyncio.Future[None]" = attrs.field(
        factory=lambda: asyncio.get_running_loop().create_future()
    )


class Roster:
    """Hands out places: the next one at the worker that has most to spare."""

    def __init__(self) -> None:
        self._workers: dict[str, Worker] = {}
        self._waiting: deque[asyncio.Future[Worker]] = deque()
        self._taken = 0

    @property
    def in_use(self) -> bool:
        """Whether anyone has a place, or waits for one."""
        return bool(self._taken or self._waiting)

    @property
    def is_empty(self) -> bool:
        """Whether there is no worker at all."""
        return not self._workers

    def update(self, found: Mapping[str, int]) -> None:
        """Take in which workers the cluster has, by address, and how many threads each has."""
        for address in self._workers.keys() - found.keys():
            self._workers.pop(address).gone.set_result(None)
        for address, places in found.items():
            if address not in self._workers:
                self._workers[address] = Worker(address, places)
            self._workers[address].places = places
        self._serve()

    async def take(self) -> Worker:
        """Wait for a place; first come, first served."""
        if not self._waiting and (worker := self._freest()) is not None:
            return self._handed(worker)
        place: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            return await place
        except asyncio.CancelledError:
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled():
                self.give_back(place.result())
            raise

    def give_back(self, worker: Worker) -> None:
        """Take a place back."""
        worker.busy -= 1
        self._taken -= 1
        self._serve()

    def _serve(self) -> None:
        while self._waiting and (worker := self._freest()) is not None:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(self._handed(worker))

    def _handed(self, worker: Worker) -> Worker:
        worker.busy += 1
        self._taken += 1
        return worker

    def _freest(self) -> Worker | None:
        free = [worker for worker in self._workers.values() if worker.busy < worker.places]
        return min(free, key=lambda worker: worker.busy / worker.places, default=None)
