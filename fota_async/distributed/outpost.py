"""What lives in a worker process: a connection pool, and tokens by generation. Runs over there."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import cast
from uuid import uuid4

from pyroaring import BitMap64

from fota_async._version import __version__
from fota_async.clock import SystemClock
from fota_async.credentials import Tokens
from fota_async.distributed.parcel import Equipped, Kit, Made, Parcel, unseal
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
        self._seen = BitMap64()
        self._tokens: dict[int, dict[int, Tokens]] = {}
        self._tries: dict[int, Tries] = {}
        self._pools: dict[tuple[tuple[str, object], ...], Tries] = {}

    def learn(self, kit: Kit, on_worker: Callable[[], WireOptions] | None) -> None:
        """Take in how tries of a session manager are made, and its tokens.

        Raises:
            FotaError: An option cannot work here.
        """
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

    def longest_try(self, home: int) -> float:
        """Return the seconds that a try takes at the most."""
        return self._tries[home].longest_try

    def knows(self, parcel: Parcel) -> bool:
        """Whether it was told what the try needs."""
        return parcel.generation in self._tokens.get(parcel.home, ())

    def is_new(self, parcel: Parcel) -> bool:
        """Whether this very process was to make this try, and has not begun to."""
        if parcel.incarnation != self.incarnation or parcel.number in self._seen:
            return False
        self._seen.add(parcel.number)
        return True

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


def version_here() -> str:
    """Return which `fota_async` this process has."""
    return __version__


async def equip(
    version: str, sealed: bytes, on_worker: Callable[[], WireOptions] | None
) -> Equipped:
    """Take in a kit.

    It never raises: Dask would write the arguments to the worker's log.

    Args:
        version: Of `fota_async` where the kit was made.
        sealed: The kit, see `seal`; opened only if the versions agree.
        on_worker: Returns what of its options is different here.
    """
    if version != __version__:
        return Equipped(__version__)
    try:
        kit = unseal(sealed)
        now = time.monotonic()
        for forsaken in [k for k, one in _outposts.items() if now - one.heard_of > _FORSAKEN]:
            await dismiss(forsaken)
        outpost = _outposts.get(kit.executor)
        if outpost is None:
            outpost = _outposts[kit.executor] = Outpost(now)
        outpost.heard_of = now
        outpost.learn(kit, on_worker)
    except Exception as error:  # noqa: BLE001 - see above
        said = str(error) if isinstance(error, FotaError) else type(error).__name__
        return Equipped(__version__, trouble=said)
    longest = outpost.longest_try(kit.home)
    return Equipped(__version__, outpost.incarnation, now=time.monotonic(), longest_try=longest)


async def make_try(parcel: Parcel) -> Made:
    """Make a try, at most once: the task that a worker runs.

    Dask runs a task again when the worker dies that ran it, and may do so in a new process of the
    same address. What was meant for another process may have been sent by it, and is lost. What
    waited here for too long is not sent: nobody may wait for it any more, and settling counts on it
    that nothing arrives late.
    """
    outpost, tally = _outposts.get(parcel.executor), parcel.tally
    if outpost is None or not outpost.is_new(parcel):
        tally.requests, tally.in_doubt = tally.requests + 1, True
        error = ConnectionLostError("the worker that had the request is gone")
        return Made(tally, error=error, untold=True)
    outpost.heard_of = time.monotonic()
    if outpost.heard_of > parcel.until:
        # Or its clock was measured badly, on a way that took long.
        late = NotSentError("the worker was too busy to begin the request")
        return Made(tally, error=late, untold=True)
    if not outpost.knows(parcel):
        unknown = NotSentError("the worker was not told of the tokens to use")
        return Made(tally, error=unknown, untold=True)
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
