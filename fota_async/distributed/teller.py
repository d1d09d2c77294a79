"""Tells workers what they need before a try is handed to them, and lets go of them in the end."""

import asyncio
import pickle
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from typing import Any, TypeVar

from fota_async._version import __version__
from fota_async.batch.news import cancel_all
from fota_async.credentials import Tokens
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.home import Home
from fota_async.distributed.outpost import dismiss, equip, version_here
from fota_async.distributed.parcel import Equipped, Kit, seal
from fota_async.distributed.roster import Worker
from fota_async.errors import ConfigurationError, FotaError, NotSentError
from fota_async.options import WireOptions

T = TypeVar("T")

_GOODBYE = 10.0
"""Seconds that letting go of all workers may take."""


class Teller:
    """Tells the workers of one cluster on behalf of one executor.

    Args:
        cluster: The cluster.
        executor: Name of the executor.
        on_worker: Returns what of a session manager's options is different on a worker.
    """

    def __init__(
        self, cluster: Cluster, executor: str, on_worker: Callable[[], WireOptions] | None
    ) -> None:
        self._cluster = cluster
        self._executor = executor
        self._on_worker = on_worker
        self._scheduler_is_fit = False
        self._told: set[str] = set()

    async def tell(self, worker: Worker, home: Home, tokens: Tokens) -> None:
        """Tell a worker of a session manager and its tokens, unless it knows them.

        Raises:
            NotSentError: It is gone, or does not answer.
            ConfigurationError: It has another version of `fota_async`, or cannot send.
        """
        generation = home.generation_of(tokens)
        if worker.told.get(home.number, 0) >= generation:
            return
        async with worker.telling:
            if worker.told.get(home.number, 0) >= generation:
                return
            await self._check_scheduler()
            self._told.add(worker.address)
            kit = Kit(self._executor, home.number, generation, tokens, home.options)
            said = await self._equipped(worker, seal(kit))
            if said.incarnation != worker.incarnation:
                worker.told.clear()
                worker.incarnation, worker.ahead = said.incarnation, -inf
            # It has gone on since it said so: what is measured by this ends early rather than late.
            worker.ahead = max(worker.ahead, said.now - time.monotonic())
            home.longest_try = max(home.longest_try, said.longest_try)
            worker.told[home.number] = generation

    async def _check_scheduler(self) -> None:
        if not self._scheduler_is_fit:  # it opens each task before it hands it on
            version = await _heard("the scheduler", self._cluster.tell_scheduler(version_here))
            _check_version("the scheduler", version)
            self._scheduler_is_fit = True

    async def _equipped(self, worker: Worker, sealed: bytes) -> Equipped:
        """Tell a worker, unless it goes first: a dead one takes long not to answer."""
        asking = asyncio.ensure_future(self._asked(worker.address, sealed))
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
        asked = self._cluster.tell(address, equip, __version__, sealed, self._on_worker)
        said = await _heard(f"worker {address}", asked)
        _check_version(f"worker {address}", said.version)
        if said.trouble:
            raise ConfigurationError(f"worker {address} cannot send: {said.trouble}")
        return said

    async def dismiss(self) -> None:
        """Have the workers close their connections and forget their tokens."""
        with suppress(Exception):  # a cluster that is gone has nothing to be let go of
            async with asyncio.timeout(_GOODBYE):
                there = self._told & (await self._cluster.threads()).keys()
                await asyncio.gather(
                    *(self._cluster.tell(address, dismiss, self._executor) for address in there),
                    return_exceptions=True,
                )
        self._told.clear()


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
        raise _cannot_load(who, f"{type(error).__name__}: {error}") from None
    except Exception as error:  # noqa: BLE001 - whatever Dask makes of a lost connection
        if type(error) is Exception:
            # What a worker could not load reaches us through the scheduler, which keeps the text.
            raise _cannot_load(who, str(error)) from None
        raise NotSentError(f"{who} does not answer ({type(error).__name__})") from None


def _cannot_load(who: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{who} cannot load fota_async {__version__} ({why}); install the same version there"
    )


def _check_version(who: str, version: str) -> None:
    if version != __version__:
        raise ConfigurationError(
            f"{who} has fota_async {version}, and here is {__version__}; "
            "install the same version there"
        )
