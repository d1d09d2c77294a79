"""Hands a try to a worker, and says what became of it."""

import asyncio
import time
from itertools import count
from typing import Any

import attrs

from fota_async.batch.news import cancel_all
from fota_async.credentials import Tokens
from fota_async.distributed.cluster import Cluster
from fota_async.distributed.home import Home
from fota_async.distributed.outpost import make_try
from fota_async.distributed.parcel import Made, Parcel
from fota_async.distributed.roster import Worker
from fota_async.errors import (
    AnswerTimeoutError,
    ConnectionLostError,
    FotaError,
    LostError,
    NotSentError,
)
from fota_async.events import RequestEvent
from fota_async.executor import Errand, Tally

_BEGUN_WITHIN = 5.0
"""Seconds within which a worker has to begin a try: as long as a lost one may take to land when it
is settled. A worker that stood still must not send what was given up long ago."""
_MARGIN = 30.0
"""Seconds that the way through the cluster may add to the longest try."""


class HandOver:
    """Hands over the tries of one executor.

    Args:
        cluster: The cluster.
        executor: Name of the executor.
    """

    def __init__(self, cluster: Cluster, executor: str) -> None:
        self._cluster = cluster
        self._executor = executor
        self._numbers = count(1)

    async def __call__(
        self, worker: Worker, home: Home, errand: Errand[Any], tokens: Tokens, tally: Tally
    ) -> Made:
        """Have a worker make a try; one that the cluster loses is lost.

        Args:
            worker: Who was told of home and tokens.
            home: On whose behalf.
            errand: The try.
            tokens: What it is made with.
            tally: What was on the wire before it.

        Raises:
            NotSentError: The worker is gone, or the cluster did not take it.
            ConfigurationError: It cannot be pickled.
        """
        if worker.gone.done():
            raise NotSentError("the worker left the cluster before it was handed the request")
        parcel = Parcel(
            self._executor,
            worker.incarnation,
            next(self._numbers),
            home.number,
            home.generation_of(tokens),
            errand,
            attrs.evolve(tally),
            time.monotonic() + worker.ahead + _BEGUN_WITHIN,
        )
        started_at, started = time.time(), time.monotonic()
        try:
            made = await self._result(worker, parcel, home.longest_try + _MARGIN)
        except LostError as error:
            event = RequestEvent(
                route=errand.route.name,
                attempt=errand.attempt,
                seconds=time.monotonic() - started,
                error=type(error).__name__,
                started=started_at,
                server=home.options["base_url"],
                resends=tally.requests,
            )
            return Made(Tally(tally.requests + 1, in_doubt=True), error=error, events=[event])
        if made.untold:
            worker.told.clear()
        return made

    async def _result(self, worker: Worker, parcel: Parcel, longest: float) -> Made:
        key = f"fota-try-{self._executor}-{parcel.number}"
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
