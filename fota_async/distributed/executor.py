"""The executor that has a Dask cluster make the tries of runs."""

import asyncio
import pickle
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from math import inf
from ssl import SSLContext
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import uuid4
from weakref import WeakKeyDictionary

import attrs
from yarl import URL

from fota_async._version import __version__
from fota_async.batch.news import cancel_all
from fota_async.credentials import Tokens
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.outpost import dismiss, equip, make_try
from fota_async.distributed.parcel import Equipped, Kit, Made, Parcel
from fota_async.distributed.roster import Roster, Worker
from fota_async.errors import (
    AnswerTimeoutError,
    ConfigurationError,
    ConnectionLostError,
    NotSentError,
)
from fota_async.events import RequestEvent, current_run
from fota_async.executor import Errand, Place, Tally, TryHome
from fota_async.options import WireOptions

if TYPE_CHECKING:
    import distributed

T = TypeVar("T")

_LOOK_AGAIN = 1.0
"""Seconds between two looks at which workers there are."""
_BLIND = 10.0
"""Seconds without such a look after which the workers count as gone."""
_MARGIN = 30.0
"""Seconds that the way through the cluster may add to the longest try."""
_GOODBYE = 10.0


class DaskExecutor:
    """Has the workers of a Dask cluster make the tries of runs.

    Limit, tokens, retries, journal and report stay in this process. A worker gets a device list
    batch by batch, as tasks on its event loop, and tokens that live for an hour; never key, secret,
    user name or password. What was in flight at a worker that dies is in doubt and settled.
    Dask at level DEBUG logs all that it is sent, tokens and devices too; leave it at INFO or above.

    One executor serves any number of runs, accounts and clients of one event loop at once.

    Args:
        client: A client of the cluster, asynchronous or not. It stays open.
        on_worker: Returns, when it is called on a worker, what of a client's `WireOptions` is
            different there: a proxy, certificates. A function that the workers can import.
        worker_timeout: Seconds that a try waits for a cluster without workers to get one.

    Raises:
        ConfigurationError: `worker_timeout` is no number of seconds.
    """

    def __init__(
        self,
        client: "distributed.Client",
        *,
        on_worker: Callable[[], WireOptions] | None = None,
        worker_timeout: float = 300.0,
    ) -> None:
        if not worker_timeout > 0:
            raise ConfigurationError(f"worker_timeout must be seconds, not {worker_timeout!r}")
        self._cluster = Cluster(client)
        self._on_worker = on_worker
        self._worker_timeout = worker_timeout
        self._name = uuid4().hex
        self._roster = Roster()
        self._homes: WeakKeyDictionary[TryHome, _Home] = WeakKeyDictionary()
        self._home_numbers = count(1)
        self._try_numbers = count(1)
        self._told: set[str] = set()
        self._watching: asyncio.Task[None] | None = None
        self._looked_at = -inf
        self._trouble = ""

    def place(self) -> Place:
        """Return a place at a worker, not yet taken; see `fota_async.executor.Place`."""
        return _WorkerPlace(self)

    async def take(self) -> Worker:
        """Wait for a place at a worker; give it back by `give_back`.

        Raises:
            NotSentError: There was no worker for `worker_timeout` seconds.
        """
        self._watch()
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._worker_timeout):
                        return await self._roster.take()
                if self._roster.is_empty:
                    raise NotSentError(
                        f"the cluster had no worker for {self._worker_timeout:g} s "
                        f"(worker_timeout){self._trouble}"
                    )
        finally:
            self._rest()

    def give_back(self, worker: Worker) -> None:
        """Take a place back."""
        self._roster.give_back(worker)
        self._rest()

    async def make(
        self, worker: Worker, errand: Errand[T], tokens: Tokens, tally: Tally, home: TryHome
    ) -> T:
        """Have a worker make a try; see `fota_async.executor.Place.make`."""
        if worker.gone.done():
            raise NotSentError("the worker left the cluster before it was handed the request")
        if home not in self._homes:
            self._homes[home] = _Home(next(self._home_numbers), _options_of(home, self._on_worker))
        known = self._homes[home]
        generation = known.generation_of(tokens)
        await self._tell(worker, known, generation, tokens)
        parcel = Parcel(
            self._name,
            worker.incarnation,
            next(self._try_numbers),
            known.number,
            generation,
            errand,
            attrs.evolve(tally),
        )
        tally.on_wire = True
        try:
            made = await self._made(worker, parcel, known.longest_try)
        except BaseException:  # cancelled, too: nobody knows what the worker does
            tally.requests, tally.in_doubt = tally.requests + 1, True
            raise
        finally:
            tally.on_wire = False
        if made.stranger:
            worker.told.clear()
        tally.requests, tally.in_doubt = made.tally.requests, made.tally.in_doubt
        run = current_run.get()
        for event in made.events:
            home.tell(attrs.evolve(event, run=run) if isinstance(event, RequestEvent) else event)
        if made.defect:
            raise RuntimeError(f"{made.defect} on worker {worker.address}")
        if made.error is not None:
            raise made.error
        result: T = made.result
        return result

    async def _made(self, worker: Worker, parcel: Parcel, longest: float) -> Made:
        key = f"fota-try-{self._name}-{parcel.number}"
        task = asyncio.ensure_future(self._cluster.task(worker.address, make_try, parcel, key=key))
        try:
            ends: set[asyncio.Future[Any]] = {task, worker.gone}
            await asyncio.wait(ends, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the try may have been made
            what = type(error).__name__
            raise ConnectionLostError(f"the cluster lost the request ({what})") from None
        finally:
            await cancel_all([task])
        if worker.gone.done():
            raise ConnectionLostError("the worker that had the request left the cluster")
        raise AnswerTimeoutError(f"no answer through the cluster for {longest:g} s")

    # What workers are told

    async def _tell(self, worker: Worker, home: "_Home", generation: int, tokens: Tokens) -> None:
        if (home.number, generation) in worker.told:
            return
        async with worker.telling:
            if (home.number, generation) in worker.told:
                return
            said = await self._equipped(worker, home, generation, tokens)
            self._told.add(worker.address)
            if said.incarnation != worker.incarnation:
                worker.told.clear()
                worker.incarnation = said.incarnation
            worker.told.add((home.number, generation))

    async def _equipped(
        self, worker: Worker, home: "_Home", generation: int, tokens: Tokens
    ) -> Equipped:
        """Tell a worker, unless it goes first: a dead one takes long not to answer."""
        kit = Kit(self._name, home.number, generation, tokens, home.options)
        asking = asyncio.ensure_future(self._asked(worker.address, pickle.dumps(kit)))
        try:
            if not worker.gone.done():
                ends: set[asyncio.Future[Any]] = {asking, worker.gone}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
        finally:
            await cancel_all([asking])
        raise NotSentError("the worker left the cluster before it was told of its tokens")

    async def _asked(self, address: str, sealed: bytes) -> Equipped:
        try:
            said = await self._cluster.tell(address, equip, __version__, sealed, self._on_worker)
        except OSError as error:  # a TimeoutError is one, and what Dask makes of a lost connection
            raise NotSentError(f"worker {address} does not answer: {error}") from None
        except Exception as error:  # noqa: BLE001 - whatever its Python says when it cannot load us
            raise ConfigurationError(
                f"worker {address} cannot load fota_async {__version__} "
                f"({type(error).__name__}: {error}); install the same version there"
            ) from None
        if said.version != __version__:
            raise ConfigurationError(
                f"worker {address} has fota_async {said.version}, and here is {__version__}; "
                "install the same version there"
            )
        if said.trouble:
            raise ConfigurationError(f"worker {address} cannot send: {said.trouble}")
        return said

    async def aclose(self) -> None:
        """Have the workers close their connections and forget their tokens.

        Runs that use this executor must have ended.
        """
        if self._watching is not None:
            await cancel_all([self._watching])
        with suppress(Exception):  # a cluster that is gone has nothing to be let go of
            there = self._told & (await self._cluster.threads()).keys()
            async with asyncio.timeout(_GOODBYE):
                await asyncio.gather(
                    *(self._cluster.tell(address, dismiss, self._name) for address in there),
                    return_exceptions=True,
                )
        self._told.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    # Who is there

    def _watch(self) -> None:
        if self._watching is None:
            if time.monotonic() - self._looked_at > _BLIND:
                self._roster.update({})  # nobody looked for a while
            self._watching = asyncio.create_task(self._keep_looking())

    def _rest(self) -> None:
        if self._watching is not None and not self._roster.in_use:
            self._watching.cancel()
            self._watching = None

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._looked_at + _LOOK_AGAIN - time.monotonic())
            try:
                found = await self._cluster.threads()
            except Exception as error:  # noqa: BLE001 - told by whoever misses a worker
                self._trouble = f": its scheduler cannot be reached ({type(error).__name__})"
                if time.monotonic() - self._looked_at > _BLIND:
                    self._roster.update({})
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                self._trouble, self._looked_at = "", time.monotonic()
                self._roster.update(found)


class _WorkerPlace:
    """A place at a worker, for one try at a time."""

    def __init__(self, executor: DaskExecutor) -> None:
        self._executor = executor
        self._worker: Worker | None = None

    async def take(self) -> None:
        self._worker = await self._executor.take()

    def give_back(self) -> None:
        if self._worker is not None:
            self._executor.give_back(self._worker)
            self._worker = None

    async def make(self, errand: Errand[T], tokens: Tokens, tally: Tally, home: TryHome) -> T:
        assert self._worker is not None  # noqa: S101 - a slot takes its place before it is used
        return await self._executor.make(self._worker, errand, tokens, tally, home)


@attrs.define(eq=False)
class _Home:
    """A session manager, as the workers know it."""

    number: int
    options: Mapping[str, Any]
    generations: dict[Tokens, int] = attrs.field(factory=dict)

    @property
    def longest_try(self) -> float:
        """Seconds after which nothing comes any more."""
        seconds: float = self.options["connect_timeout"] + 11 * self.options["timeout"]
        return seconds + _MARGIN

    def generation_of(self, tokens: Tokens) -> int:
        """Return the number of these tokens; a provider need not count its own."""
        if tokens not in self.generations:
            last = max(self.generations.values(), default=0)
            for old in list(self.generations)[:-1]:
                del self.generations[old]
            self.generations[tokens] = last + 1
        return self.generations[tokens]


def _options_of(home: TryHome, on_worker: object) -> Mapping[str, Any]:
    """Return how workers make tries.

    Raises:
        ConfigurationError: Something of it cannot, or must not, be sent to them.
    """
    options = dict(home.wire_options)
    proxy = options["proxy"]
    own = {"ssl": isinstance(options["ssl"], SSLContext), "proxy": bool(proxy and URL(proxy).user)}
    for name in [name for name, is_own in own.items() if is_own]:
        if on_worker is None:
            raise ConfigurationError(
                f"the client's {name} is not sent to workers; have `DaskExecutor(on_worker=...)` "
                "return what they use instead"
            )
        del options[name]
    return options
