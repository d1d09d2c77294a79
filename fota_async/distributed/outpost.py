"""What lives in a worker process: a connection pool, and tokens by generation. Runs over there."""

import pickle
import time
from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from typing import cast
from uuid import uuid4

from pyroaring import BitMap64

from fota_async._version import __version__
from fota_async.clock import SystemClock
from fota_async.credentials import Tokens
from fota_async.distributed.parcel import Equipped, Kit, Made, Parcel
from fota_async.errors import CallError, ConnectionLostError, FotaError, NotSentError
from fota_async.events import Event
from fota_async.executor import Tally
from fota_async.options import WireOptions
from fota_async.tries import Tries

_GENERATIONS = 3
"""How many tokens of a session manager are kept: a try may have been handed over with the last."""
_FORSAKEN = 2 * 3600.0
"""Seconds after which an executor that was not heard of is taken to be gone."""

_heard: ContextVar[list[Event]] = ContextVar("fota_async.distributed.heard")


class Outpost:
    """What one executor has in this process.

    Args:
        now: Seconds of the process's clock.
    """

    def __init__(self, now: float) -> None:
        self.incarnation = uuid4().hex
        self.heard_of = now
        self._ahead = inf
        self._seen = BitMap64()
        self._tokens: dict[int, dict[int, Tokens]] = {}
        self._tries: dict[int, Tries] = {}
        self._pools: dict[tuple[tuple[str, object], ...], Tries] = {}

    def learn(self, kit: Kit, on_worker: Callable[[], WireOptions] | None, now: float) -> None:
        """Take in how tries of a session manager are made, and its tokens.

        Args:
            kit: What was sent.
            on_worker: Returns what of its options is different here.
            now: Seconds of the process's clock.

        Raises:
            FotaError: An option cannot work here.
        """
        # The way here can only add to the difference of the clocks.
        self._ahead = min(self._ahead, now - kit.now)
        if kit.home not in self._tries:
            here = on_worker() if on_worker else {}
            options = cast("WireOptions", {**kit.options, **here})
            # Accounts that are reached alike share the connections.
            alike = tuple(sorted(kit.options.items()))
            if alike not in self._pools:
                self._pools[alike] = Tries(
                    options, clock=SystemClock(), tell=_hear, is_heard=lambda: True
                )
            self._tries[kit.home] = self._pools[alike]
        generations = self._tokens.setdefault(kit.home, {})
        generations[kit.generation] = kit.tokens
        for old in sorted(generations)[:-_GENERATIONS]:
            del generations[old]

    def knows(self, parcel: Parcel) -> bool:
        """Whether it was told what the try needs."""
        return parcel.generation in self._tokens.get(parcel.home, ())

    def is_new(self, parcel: Parcel) -> bool:
        """Whether this very process was to make this try, and has not begun to."""
        if parcel.incarnation != self.incarnation or parcel.number in self._seen:
            return False
        self._seen.add(parcel.number)
        return True

    def is_late(self, parcel: Parcel, now: float) -> bool:
        """Whether it is too late to make this try."""
        return now - self._ahead > parcel.until

    async def make(self, parcel: Parcel, tally: Tally) -> object:
        """Make a try.

        Raises:
            CallError: It did not give its result.
        """
        tries = self._tries[parcel.home]
        tries.bind()
        return await tries.make(parcel.errand, self._tokens[parcel.home][parcel.generation], tally)

    async def aclose(self) -> None:
        """Close the connections and forget the tokens."""
        self._tokens.clear()
        self._tries.clear()
        for tries in self._pools.values():
            await tries.aclose()


_outposts: dict[str, Outpost] = {}


def _hear(event: Event) -> None:
    _heard.get().append(event)


async def equip(
    version: str, sealed: bytes, on_worker: Callable[[], WireOptions] | None
) -> Equipped:
    """Take in a kit.

    It never raises: Dask would write the arguments to the worker's log.

    Args:
        version: Of `fota_async` where the kit was made.
        sealed: The kit, pickled; opened only if the versions agree.
        on_worker: Returns what of its options is different here.
    """
    if version != __version__:
        return Equipped(__version__)
    try:
        kit: Kit = pickle.loads(sealed)  # noqa: S301 - the cluster runs what its client sends anyway
        now = time.monotonic()
        for forsaken in [k for k, one in _outposts.items() if now - one.heard_of > _FORSAKEN]:
            await dismiss(forsaken)
        outpost = _outposts.get(kit.executor)
        if outpost is None:
            outpost = _outposts[kit.executor] = Outpost(now)
        outpost.heard_of = now
        outpost.learn(kit, on_worker, now)
    except Exception as error:  # noqa: BLE001 - see above
        said = str(error) if isinstance(error, FotaError) else type(error).__name__
        return Equipped(__version__, trouble=said)
    return Equipped(__version__, outpost.incarnation)


async def make_try(parcel: Parcel) -> Made:
    """Make a try, at most once: the task that a worker runs.

    Dask runs a task again when the worker dies that ran it, and may do so in a new process of the
    same address. What was meant for another process may have been sent by it, and is lost.
    """
    outpost, tally = _outposts.get(parcel.executor), parcel.tally
    if outpost is None or not outpost.is_new(parcel):
        tally.requests, tally.in_doubt = tally.requests + 1, True
        error = ConnectionLostError("the worker that had the request is gone")
        return Made(tally, error=error, stranger=True)
    outpost.heard_of = now = time.monotonic()
    if outpost.is_late(parcel, now):
        return Made(tally, error=NotSentError("the request came to its worker too late"))
    if not outpost.knows(parcel):
        return Made(tally, error=NotSentError("the worker was not told of the tokens to use"))
    events: list[Event] = []
    _heard.set(events)
    try:
        return Made(tally, await outpost.make(parcel, tally), events=events)
    except CallError as error:
        return Made(tally, error=error, events=events)
    except Exception as error:  # noqa: BLE001 - see `equip`
        return Made(tally, defect=type(error).__name__, events=events)


async def dismiss(executor: str) -> None:
    """Let go of what an executor has here."""
    if outpost := _outposts.pop(executor, None):
        await outpost.aclose()
