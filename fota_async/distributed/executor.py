"""The executor that has a Dask cluster make the tries of runs."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import uuid4

import attrs

from fota_async.credentials import Tokens
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.handover import HandOver
from fota_async.distributed.home import Homes
from fota_async.distributed.lookout import Lookout
from fota_async.distributed.roster import Worker
from fota_async.distributed.teller import Teller
from fota_async.errors import FotaError, MisuseError
from fota_async.events import EventHook, RequestEvent, current_run
from fota_async.executor import Errand, Place, Tally, TryHome
from fota_async.observe.sink import event_sink
from fota_async.options import WireOptions
from fota_async.tries import check_positive

if TYPE_CHECKING:
    import distributed

T = TypeVar("T")


class DaskExecutor:
    """Has the workers of a Dask cluster make the tries of runs.

    Limit, tokens, retries, journal and report stay in this process. A worker gets a device list
    batch by batch, as tasks on its event loop, and tokens that live for an hour; never key, secret,
    user name or password. What was in flight at a worker that dies is in doubt and settled.
    Dask at level DEBUG logs all that it is sent, device ids too; leave it at INFO or above.

    It belongs to the event loop of its first use; any number of runs, accounts and clients of that
    loop share it.

    Args:
        client: A client of the cluster, asynchronous or not. It stays open.
        on_worker: Returns, when it is called on a worker, what of a client's `WireOptions` is
            different there: a proxy, certificates. A function that the workers can import.
        worker_timeout: Seconds that a try waits for a cluster without workers to get one.
        on_event: Hears that there is no worker, and that there are some again
            (`fota_async.events.WorkersEvent`); all else is told by the clients.

    Raises:
        ConfigurationError: `client` is none, or `worker_timeout` no number of seconds.

    >>> from distributed import Client, LocalCluster
    >>> async with (
    ...     LocalCluster(
    ...         processes=False, asynchronous=True, dashboard_address="127.0.0.1:0"
    ...     ) as cluster,
    ...     Client(cluster, asynchronous=True) as dask,
    ...     DaskExecutor(dask, worker_timeout=60) as executor,
    ... ):
    ...     report = await fota.v1.upgrades.append_devices(upgrade_id, imeis, executor=executor)
    >>> report.succeeded
    3
    """

    def __init__(
        self,
        client: "distributed.Client",
        *,
        on_worker: Callable[[], WireOptions] | None = None,
        worker_timeout: float = 300.0,
        on_event: EventHook | None = None,
    ) -> None:
        check_positive("worker_timeout", worker_timeout)
        cluster, name = Cluster(client), uuid4().hex
        self._lookout = Lookout(cluster, worker_timeout, event_sink(on_event))
        self._homes = Homes(on_worker)
        self._teller = Teller(cluster, name, on_worker)
        self._hand_over = HandOver(cluster, name)
        self._loop: asyncio.AbstractEventLoop | None = None

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
        return _WorkerPlace(self._lookout, self._homes, self._teller, self._hand_over)

    async def aclose(self) -> None:
        """Have the workers close their connections and forget their tokens.

        Runs that use this executor must have ended; it may be used again.
        """
        await self._lookout.aclose()
        await self._teller.dismiss()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


class _WorkerPlace:
    """A place at whichever worker has one, for one try at a time."""

    def __init__(self, lookout: Lookout, homes: Homes, teller: Teller, hand_over: HandOver) -> None:
        self._lookout = lookout
        self._homes = homes
        self._teller = teller
        self._hand_over = hand_over
        self._taken: Worker | None = None

    @property
    def _worker(self) -> Worker:
        assert self._taken is not None  # noqa: S101 - a slot takes its place before it is used
        return self._taken

    async def available(self) -> None:
        await self._lookout.available()

    async def take(self) -> None:
        self._taken = await self._lookout.take()

    def give_back(self) -> None:
        if self._taken is not None:
            self._lookout.give_back(self._taken)
            self._taken = None

    async def prepare(self, tokens: Tokens, home: TryHome) -> None:
        await self._teller.tell(self._worker, self._homes.of(home), tokens)

    async def make(self, errand: Errand[T], tokens: Tokens, tally: Tally, home: TryHome) -> T:
        worker, known = self._worker, self._homes.of(home)
        tally.on_wire = True
        try:
            made = await self._hand_over(worker, known, errand, tokens, tally)
        except FotaError:
            raise  # it was not even handed over
        except BaseException:  # cancelled, too: nobody knows what the worker does
            tally.requests, tally.in_doubt = tally.requests + 1, True
            raise
        finally:
            tally.on_wire = False
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
