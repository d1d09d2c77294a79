"""The executor that has a Dask cluster make the tries of runs."""

import asyncio
import pickle
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import uuid4
from weakref import WeakKeyDictionary

import attrs

from fota_async._version import __version__
from fota_async.batch.news import cancel_all
from fota_async.credentials import Tokens
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.home import Home, options_of
from fota_async.distributed.outpost import dismiss, equip, make_try, version_here
from fota_async.distributed.parcel import Equipped, Kit, Made, Parcel, seal
from fota_async.distributed.roster import Roster, Worker
from fota_async.errors import (
    AnswerTimeoutError,
    ConfigurationError,
    ConnectionLostError,
    FotaError,
    LostError,
    MisuseError,
    NotSentError,
)
from fota_async.events import RequestEvent, current_run
from fota_async.executor import Errand, Place, Tally, TryHome
from fota_async.options import WireOptions
from fota_async.tries import check_positive

if TYPE_CHECKING:
    import distributed

T = TypeVar("T")

_LOOK_AGAIN = 1.0
"""Seconds between two looks at which workers there are."""
_BLIND = 10.0
"""Seconds without such a look after which the workers count as gone."""
_MARGIN = 30.0
"""Seconds that the way through the cluster may add to the longest try. A worker begins none later:
so none is under way any more when it was waited for in vain."""
_GOODBYE = 10.0


class DaskExecutor:
    """Has the workers of a Dask cluster make the tries of runs.

    Limit, tokens, retries, journal and report stay in this process. A worker gets a device list
    batch by batch, as tasks on its event loop, and tokens that live for an hour; never key, secret,
    user name or password. What was in flight at a worker that dies is in doubt and settled.

    It belongs to the event loop of its first use; any number of runs, accounts and clients of that
    loop share it.

    Args:
        client: A client of the cluster, asynchronous or not. It stays open.
        on_worker: Returns, when it is called on a worker, what of a client's `WireOptions` is
            different there: a proxy, certificates. A function that the workers can import.
        worker_timeout: Seconds that a try waits for a cluster without workers to get one.

    Raises:
        ConfigurationError: `client` is none, or `worker_timeout` no number of seconds.
    """

    def __init__(
        self,
        client: "distributed.Client",
        *,
        on_worker: Callable[[], WireOptions] | None = None,
        worker_timeout: float = 300.0,
    ) -> None:
        check_positive("worker_timeout", worker_timeout)
        self._cluster = Cluster(client)
        self._on_worker = on_worker
        self._worker_timeout = worker_timeout
        self._name = uuid4().hex
        self._roster = Roster()
        self._homes: WeakKeyDictionary[TryHome, Home] = WeakKeyDictionary()
        self._home_numbers = count(1)
        self._try_numbers = count(1)
        self._told: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watching: asyncio.Task[None] | None = None
        self._looked_at = -inf
        self._scheduler_is_fit = False
        self._trouble = ""

    def place(self) -> Place:
        """Return a place at a worker, not yet taken; see `fota_async.executor.Place`.

        Raises:
            MisuseError: The executor is in use on another event loop.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if loop is not self._loop:
            raise MisuseError(
                "this executor belongs to another event loop; make one executor for each loop"
            )
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

    async def prepare(self, worker: Worker, tokens: Tokens, home: TryHome) -> None:
        """Tell a worker what it does not know yet; see `fota_async.executor.Place.prepare`."""
        if home not in self._homes:
            self._homes[home] = Home(next(self._home_numbers), options_of(home, self._on_worker))
        known = self._homes[home]
        _check_that_it_is_there(worker)
        await self._tell(worker, known, known.generation_of(tokens), tokens)

    async def make(
        self, worker: Worker, errand: Errand[T], tokens: Tokens, tally: Tally, home: TryHome
    ) -> T:
        """Have a worker make a try; see `fota_async.executor.Place.make`."""
        _check_that_it_is_there(worker)
        known = self._homes[home]
        parcel = Parcel(
            self._name,
            worker.incarnation,
            next(self._try_numbers),
            known.number,
            known.generation_of(tokens),
            errand,
            attrs.evolve(tally),
            time.monotonic() + worker.ahead + _MARGIN,
        )
        tally.on_wire = True
        try:
            made = await self._made(worker, parcel, known)
        except FotaError:
            raise  # it was not even handed over
        except BaseException:  # cancelled, too: nobody knows what the worker does
            tally.requests, tally.in_doubt = tally.requests + 1, True
            raise
        finally:
            tally.on_wire = False
        if made.untold:
            worker.told.clear()
        tally.requests, tally.in_doubt = made.tally.requests, made.tally.in_doubt
        run = current_run.get()
        for event in made.events:
            home.tell(attrs.evolve(event, run=run) if isinstance(event, RequestEvent) else event)
        if made.defect:
            raise RuntimeError(f"{made.defect} on worker {worker.address}")
        if made.error is not None:
            made.error.route = errand.route.name
            raise made.error
        result: T = made.result
        return result

    async def _made(self, worker: Worker, parcel: Parcel, home: Home) -> Made:
        """Return what became of a try; one that the cluster lost is lost."""
        started_at, started = time.time(), time.monotonic()
        try:
            return await self._result(worker, parcel, home.longest_try + _MARGIN)
        except LostError as error:
            tally = Tally(parcel.tally.requests + 1, in_doubt=True)
            event = RequestEvent(
                route=parcel.errand.route.name,
                attempt=parcel.errand.attempt,
                seconds=time.monotonic() - started,
                error=type(error).__name__,
                started=started_at,
                server=home.options["base_url"],
                resends=parcel.tally.requests,
            )
            return Made(tally, error=error, events=[event])

    async def _result(self, worker: Worker, parcel: Parcel, longest: float) -> Made:
        key = f"fota-try-{self._name}-{parcel.number}"
        task = asyncio.ensure_future(self._cluster.task(worker.address, make_try, parcel, key=key))
        ends: set[asyncio.Future[Any]] = {task, worker.gone}
        try:
            await asyncio.wait(ends, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
        except FotaError:
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

    async def _tell(self, worker: Worker, home: Home, generation: int, tokens: Tokens) -> None:
        if worker.told.get(home.number, 0) >= generation:
            return
        async with worker.telling:
            if worker.told.get(home.number, 0) >= generation:
                return
            kit = Kit(self._name, home.number, generation, tokens, home.options)
            await self._check_scheduler()
            self._told.add(worker.address)
            said = await self._equipped(worker.address, seal(kit))
            if said.incarnation != worker.incarnation:
                worker.told.clear()
                worker.incarnation = said.incarnation
            # It has gone on since it said so: what is measured by this ends early rather than late.
            worker.ahead = said.now - time.monotonic()
            home.longest_try = max(home.longest_try, said.longest_try)
            worker.told[home.number] = generation

    async def _check_scheduler(self) -> None:
        if not self._scheduler_is_fit:  # it opens each task before it hands it on
            version = await _heard("the scheduler", self._cluster.tell_scheduler(version_here))
            _check_version("the scheduler", version)
            self._scheduler_is_fit = True

    async def _equipped(self, address: str, sealed: bytes) -> Equipped:
        asked = self._cluster.tell(address, equip, __version__, sealed, self._on_worker)
        said = await _heard(f"worker {address}", asked)
        _check_version(f"worker {address}", said.version)
        if said.trouble:
            raise ConfigurationError(f"worker {address} cannot send: {said.trouble}")
        return said

    async def aclose(self) -> None:
        """Have the workers close their connections and forget their tokens.

        Runs that use this executor must have ended; it may be used again.
        """
        if self._watching is not None:
            await cancel_all([self._watching])
            self._watching = None
        self._roster.update({})  # they know nothing any more
        self._looked_at = -inf
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
                what = error if isinstance(error, FotaError) else type(error).__name__
                self._trouble = f": its scheduler cannot be reached ({what})"
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

    async def prepare(self, tokens: Tokens, home: TryHome) -> None:
        assert self._worker is not None  # noqa: S101 - a slot takes its place before it is used
        await self._executor.prepare(self._worker, tokens, home)

    async def make(self, errand: Errand[T], tokens: Tokens, tally: Tally, home: TryHome) -> T:
        assert self._worker is not None  # noqa: S101 - as above
        return await self._executor.make(self._worker, errand, tokens, tally, home)


async def _heard(who: str, asked: Awaitable[T]) -> T:
    """Return what a process of the cluster says.

    Raises:
        ConfigurationError: It cannot load what it was to run.
        NotSentError: It does not answer.
    """
    try:
        return await asked
    except FotaError:
        raise
    except (ImportError, AttributeError, TypeError, pickle.PickleError) as error:
        raise ConfigurationError(
            f"{who} cannot load fota_async {__version__} ({type(error).__name__}: {error}); "
            "install the same version there"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever Dask makes of a lost connection
        raise NotSentError(f"{who} does not answer ({type(error).__name__})") from None


def _check_version(who: str, version: str) -> None:
    if version != __version__:
        raise ConfigurationError(
            f"{who} has fota_async {version}, and here is {__version__}; "
            "install the same version there"
        )


def _check_that_it_is_there(worker: Worker) -> None:
    if worker.gone.done():
        raise NotSentError("the worker left the cluster before it was handed the request")
