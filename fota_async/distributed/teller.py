"""Tells workers what they need before a try is handed to them, and lets go of them in the end."""

import asyncio
import pickle
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from typing import Any

from fota_async._version import __version__
from fota_async.batch.news import cancel_all
from fota_async.credentials import Tokens
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.home import Home
from fota_async.distributed.outpost import dismiss, equip
from fota_async.distributed.parcel import Equipped, Kit, seal
from fota_async.distributed.roster import Worker
from fota_async.errors import ConfigurationError, FotaError, NotSentError
from fota_async.options import WireOptions

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
            self._told.add(worker.address)
            kit = Kit(self._executor, home.number, generation, tokens, home.options)
            said = await self._equipped(worker, seal(kit))
            if said.incarnation != worker.incarnation:
                worker.told.clear()
                worker.incarnation, worker.ahead = said.incarnation, -inf
            # It has gone on since it said so: what is measured by this ends early rather than late.
            worker.ahead = max(worker.ahead, said.now - time.monotonic())
            worker.told[home.number] = generation

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
        try:
            said = await self._cluster.tell(address, equip, __version__, sealed, self._on_worker)
        except FotaError:
            raise
        except (ImportError, AttributeError, TypeError, pickle.PickleError) as error:
            raise ConfigurationError(
                f"worker {address} cannot load fota_async {__version__} "
                f"({type(error).__name__}: {error}); install the same version there"
            ) from None
        except Exception as error:  # noqa: BLE001 - whatever Dask makes of a lost connection
            what = type(error).__name__
            raise NotSentError(f"worker {address} does not answer ({what})") from None
        if said.version != __version__:
            raise ConfigurationError(
                f"worker {address} has fota_async {said.version}, and here is {__version__}; "
                "install the same version there"
            )
        if said.trouble:
            raise ConfigurationError(f"worker {address} cannot send: {said.trouble}")
        return said

    async def dismiss(self) -> None:
        """Have the workers close their connections and forget their tokens."""
        with suppress(Exception):  # a cluster that is gone has nothing to be let go of
            there = self._told & (await self._cluster.threads()).keys()
            async with asyncio.timeout(_GOODBYE):
                await asyncio.gather(
                    *(self._cluster.tell(address, dismiss, self._executor) for address in there),
                    return_exceptions=True,
                )
        self._told.clear()
