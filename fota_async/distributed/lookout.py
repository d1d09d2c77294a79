"""Looks which workers a cluster has, for as long as somebody has a place there or waits for one."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from math import inf

from fota_async.batch.news import cancel_all
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.roster import Roster, Worker
from fota_async.errors import FotaError, NotSentError
from fota_async.events import EventHook, WorkersEvent

_LOOK_AGAIN = 1.0
"""Seconds between two looks."""
_BLIND = 10.0
"""Seconds without a look after which the workers count as gone."""


class Lookout:
    """Keeps the roster of a cluster.

    Args:
        cluster: The cluster.
        worker_timeout: Seconds that it may be without any worker.
        tell: Where events go.
    """

    def __init__(self, cluster: Cluster, worker_timeout: float, tell: EventHook) -> None:
        self._cluster = cluster
        self._worker_timeout = worker_timeout
        self._tell = tell
        self._told_of_none = False
        self._roster = Roster()
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = -inf
        self._trouble = ""

    async def take(self) -> Worker:
        """Wait for a place at a worker; give it back by `give_back`.

        Raises:
            NotSentError: There was no worker for `worker_timeout` seconds.
        """
        if self._looking is None:
            if time.monotonic() - self._looked_at > _BLIND:
                self._roster.update({})  # nobody looked for a while
            self._looking = asyncio.create_task(self._keep_looking())
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._worker_timeout):
                        return await self._roster.take()
                if self._roster.is_empty:
                    raise NotSentError(
                        f"the cluster had no worker for {self._worker_timeout:g} s "
                        f"(worker_timeout){self._trouble and ': '}{self._trouble}"
                    )
        finally:
            self._rest()

    async def available(self) -> None:
        """Wait until there is a place at a worker.

        Raises:
            NotSentError: There was no worker for `worker_timeout` seconds.
        """
        self.give_back(await self.take())

    def give_back(self, worker: Worker) -> None:
        """Take back a place at `worker`."""
        self._roster.give_back(worker)
        self._rest()

    async def aclose(self) -> None:
        """Look no more, and take whoever was there for gone."""
        if self._looking is not None:
            await cancel_all([self._looking])
            self._looking = None
        self._roster.update({})
        self._looked_at = -inf

    def _rest(self) -> None:
        if self._looking is not None and not self._roster.in_use:
            self._looking.cancel()
            self._looking = None

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._looked_at + _LOOK_AGAIN - time.monotonic())
            try:
                async with asyncio.timeout(_BLIND):  # while it connects anew it does not answer
                    found = await self._cluster.threads()
            except Exception as error:  # noqa: BLE001 - told by whoever misses a worker
                what = error if isinstance(error, FotaError) else type(error).__name__
                self._trouble = f"its scheduler cannot be reached ({what})"
                if time.monotonic() - self._looked_at > _BLIND:
                    self._found({})
                await asyncio.sleep(_LOOK_AGAIN)
            else:
                self._trouble, self._looked_at = "", time.monotonic()
                self._found(found)

    def _found(self, workers: Mapping[str, int]) -> None:
        self._roster.update(workers)
        if self._told_of_none != self._roster.is_empty:
            self._told_of_none = self._roster.is_empty
            self._tell(WorkersEvent(workers=len(workers), reason=self._trouble))
